"""From a name as a person types it to addresses: every query that a pod's resolver makes, in order.

The same resolv.conf is read in three ways, and many a puzzle in a cluster is a difference between them:

==================================  =====================  ==========================  ====================
\\                                   glibc                  musl (Alpine)               BusyBox nslookup
==================================  =====================  ==========================  ====================
a name with fewer than ndots dots   search list, as is     search list, as is          no dot: search list;
                                                                                       a dot: as is
a name with ndots dots or more      as is, search list     as is                       as is
a name with a dot at its end        as is                  as is                       as is
the name exists, without addresses  goes on                stops                       every name is asked
the server fails (SERVFAIL)         goes on                stops                       every name is asked
several name servers                one after the other    all at once                 one after the other
a search line over 254 characters   used                   ignored                     used
==================================  =====================  ==========================  ====================

Every step asks for A and AAAA.  Programs sort what they get by RFC 6724, which is not done here: IPv4 comes first.  Whether a
name server can be reached is for the caller to say: one that is missing from ``servers`` does not answer.

Source: glibc, resolv/res_query.c and res_send.c; musl, src/network/lookup_name.c and resolvconf.c; BusyBox 1.37,
networking/nslookup.c; resolv.conf(5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from k8snet_course.dns.asking import Asking, Lookup, settled
from k8snet_course.dns.names import question, reverse_name
from k8snet_course.dns.outside import Server
from k8snet_course.dns.records import Answer, Rcode
from k8snet_course.dns.resolv_conf import ResolvConf
from k8snet_course.errors import InvalidAddress, InvalidArgument, InvalidName
from k8snet_course.names import nearest

NO_NAME, NO_DATA, AGAIN = "EAI_NONAME", "EAI_NODATA", "EAI_AGAIN"
"""How getaddrinfo(3) fails: there is no such name; it has no address; nobody could say."""

_LONGEST_MUSL_LINE = 254


def lookup(conf: ResolvConf, name: str, servers: Mapping[str, Server], resolver: str = "glibc",
           hosts: Mapping[str, tuple[str, ...]] | None = None) -> Lookup:
    """Look a name up as a program in a pod does.  ``resolver`` is glibc, musl or busybox (its nslookup).

    ``conf`` is the pod's resolv.conf, ``servers`` what answers at which address, ``hosts`` the pod's /etc/hosts (nslookup
    does not read it).  Raises InvalidName or InvalidArgument.

        >>> from k8snet_course.dns.outside import Outside
        >>> conf = ResolvConf(("10.96.0.10",), ("svc.cluster.local",), ("ndots:5",))
        >>> print(lookup(conf, "example.com", {"10.96.0.10": Outside({"example.com": ("93.184.216.34",)})}))
        example.com looked up by glibc
         1. example.com.svc.cluster.local. A? 10.96.0.10: NXDOMAIN
         2. example.com.svc.cluster.local. AAAA? 10.96.0.10: NXDOMAIN
         3. example.com. A? 10.96.0.10: 93.184.216.34
         4. example.com. AAAA? 10.96.0.10: NODATA
        93.184.216.34: name 2 of those tried, example.com., has the address.
    """
    if not isinstance(resolver, str) or resolver not in _RESOLVERS:
        raise InvalidArgument(resolver, f"a resolver: {', '.join(_RESOLVERS)}", f"write {nearest(resolver, _RESOLVERS)!r}")
    if not name:
        raise InvalidName(name, "a name or an address", "write 'web'")
    try:
        backwards = reverse_name(name)
    except InvalidAddress:
        backwards = ""
    if not backwards:
        question(name)
    asking = Asking(conf, name, servers, backwards)
    if resolver != "busybox":
        if backwards:
            return Lookup(name, resolver, (), (name,), why="an address needs no lookup.")
        local = {key.lower(): value for key, value in (hosts or {}).items()}.get(name.lower().removesuffix("."))
        if local:
            return Lookup(name, resolver, (), local, name, why="the pod's /etc/hosts has it, so no server is asked.")
    return _RESOLVERS[resolver](asking)


def _addresses(answers: list[Answer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ip for answer in answers for ip in answer.addresses))


def _glibc(asking: Asking) -> Lookup:
    """The C library of most distributions: NODATA and failures do not stop its search."""
    if any(option == "no-aaaa" for option in asking.conf.options):
        asking.types = ("A",)
    search = [] if asking.full else asking.with_search(asking.conf.search)
    first = asking.full or asking.dots >= asking.conf.ndots
    as_is = asking.as_is()
    errors: dict[str, str] = {}
    silent = False
    for name in dict.fromkeys([as_is, *search] if first else [*search, as_is]):
        if silent and name != as_is:
            continue
        answers = asking.one_by_one(name)
        if any(answer.rcode is Rcode.NOERROR and answer.records for answer in answers):
            result = _addresses(answers)
            if result:
                return asking.done("glibc", name, result)
            return asking.failed("glibc", NO_DATA, f"{name} is an alias for a name that has no address.")
        errors[name] = _error(answers)
        silent = not answers and name != as_is
    # The name as it is says why, if it was tried first; otherwise what the search list met on the way counts more.
    said = list(errors.values())
    error = said[0] if first else next((each for each in (NO_DATA, AGAIN) if each in said[:-1]), said[-1])
    return asking.failed("glibc", error, _why(error, errors))


def _error(answers: list[Answer]) -> str:
    """How a step without addresses failed."""
    if not settled(answers):
        return AGAIN
    return NO_NAME if any(answer.rcode is Rcode.NXDOMAIN for answer in answers) else NO_DATA


def _why(error: str, errors: Mapping[str, str]) -> str:
    """One sentence on a lookup that found no address."""
    tried = f"{len(errors)} names were tried" if len(errors) > 1 else f"{next(iter(errors), 'no name')} was tried"
    if error == NO_NAME:
        return f"{tried}, and {'none of them exists' if len(errors) > 1 else 'it does not exist'}."
    if error == NO_DATA:
        return f"{next(name for name, each in errors.items() if each == NO_DATA)} exists, but has no address."
    return f"{tried}, and no server could say whether {'they exist' if len(errors) > 1 else 'it exists'}."


def _musl(asking: Asking) -> Lookup:
    """The C library of Alpine: only NXDOMAIN lets its search go on."""
    conf = asking.conf
    line = f"search {' '.join(conf.search)}"
    used = () if asking.full or asking.dots >= conf.ndots or len(line) > _LONGEST_MUSL_LINE else conf.search
    errors: dict[str, str] = {}
    for name in (*asking.with_search(tuple(each for each in used if each != ".")), asking.as_is()):
        answers = asking.all_at_once(name)
        errors[name] = _error(answers)
        if errors[name] == NO_NAME:
            continue
        result = _addresses(answers)
        if result:
            return asking.done("musl", name, result)
        break
    error = list(errors.values())[-1]
    why = _why(error, errors)
    if conf.search and not used and not asking.full:
        why += (" musl ignores a search line of more than 254 characters." if asking.dots < conf.ndots else
                f" musl uses no search list for a name with {conf.ndots} dots or more.")
    elif error != NO_NAME:
        why += " musl goes on after NXDOMAIN only."
    return asking.failed("musl", error, why)


def _busybox(asking: Asking) -> Lookup:
    """BusyBox's nslookup, which has a resolver of its own: ndots means nothing to it, and it asks everything at once."""
    if asking.backwards:
        asking.types = ("PTR",)
        names = [f"{asking.backwards}."]
    elif "." in asking.name or not asking.conf.search:
        names = [asking.as_is()]
    else:
        names = asking.with_search(asking.conf.search)
    result: list[str] = []
    found = ""
    for server in asking.nameservers():
        answers = [(name, asking.ask(server, name, wanted)) for wanted in asking.types for name in names]
        if any(answer for _, answer in answers):
            for name, answer in answers:
                data = () if answer is None else (tuple(record.data for record in answer.records) if asking.backwards
                                                  else answer.addresses)
                found = found or (name if data else "")
                result += data
            break
    if found:
        made = asking.done("busybox", found, tuple(dict.fromkeys(result)))
        others = len(names) - 1
        return replace(made, why=f"{made.why[:-1]}; it prints a failure for the others." if others else made.why)
    errors = {name: _error([query.answer for query in asking.queries if query.name == name and query.answer]) for name in names}
    error = next((each for each in (NO_DATA, NO_NAME) if each in errors.values()), AGAIN)
    hint = " BusyBox nslookup asks a name with a dot as it is, whatever ndots says." if asking.dots and not asking.full else ""
    return asking.failed("busybox", error, _why(error, errors) + ("" if asking.backwards else hint))


_RESOLVERS: Mapping[str, Callable[[Asking], Lookup]] = {"glibc": _glibc, "musl": _musl, "busybox": _busybox}
