"""nslookup: names as the two programs of that name ask for them.

BusyBox's has a resolver of its own: a name with a dot is asked as it is, a name without one with every search domain behind it,
and every reply is printed in turn.  BIND's follows the search list to the first name that exists.

Source: BusyBox 1.37, networking/nslookup.c; BIND 9.18, bin/dig/nslookup.c; compared with both on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snet_course.dns import TYPES, Answer, Query, Rcode, Record
from k8snet_course.dns.names import reverse_name
from k8snet_course.errors import CourseError
from k8snet_course.probe import is_address
from k8snet_course.shell.bind import Bind, unreachable
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.ran import Ran, failed

_WORDS = {"CNAME": "canonical name", "PTR": "name", "SRV": "service", "NS": "nameserver", "MX": "mail exchanger", "TXT": "text",
          "SOA": "origin"}
_QUIET = ("-timeout", "-retry", "-debug", "-nodebug", "-vc", "-novc", "-port", "-domain")


def busybox_nslookup(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`nslookup` of BusyBox."""
    wanted, names = _words(words)
    if not names:
        return failed("Usage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]")
    if wanted is None:
        return failed(f"nslookup: invalid query type \"{next(word for word in words if '=' in word).partition('=')[2]}\"")
    name, *servers = names
    if servers:
        address, _ = machine.resolve(servers[0])
        if not address:
            return failed(f"nslookup: bad address '{servers[0]}'")
        servers = [address]
    try:
        queries = _busybox_queries(machine, name, wanted, servers or list(machine.resolv_conf.nameservers[:3]))
    except CourseError:
        return failed(f"nslookup: invalid name '{name}'")
    answered = [query for query in queries if query.answer is not None]
    if not answered:
        return Ran(";; connection timed out; no servers could be reached\n\n", "", 1)
    at = f"[{answered[0].server}]:53" if ":" in answered[0].server else f"{answered[0].server}:53"
    lines = [f"Server:\t\t{answered[0].server}", f"Address:\t{at}", ""]
    wrong = False
    for query in answered:
        assert query.answer is not None
        if query.answer.rcode is not Rcode.NOERROR:
            lines.append(f"** server can't find {query.name.removesuffix('.')}: {query.answer.rcode}")
            wrong = True
        else:
            lines += [] if machine.authoritative(query.server, query.name, query.answer) else [_NOT_ITS_OWN]
            lines += [_busybox_record(record) for record in query.answer.records]
        lines.append("")
    return Ran("\n".join(lines) + "\n", "", 1 if wrong else 0)


def _busybox_queries(machine: Machine, name: str, wanted: str, servers: list[str]) -> list[Query]:
    """The queries in order; the next server is asked only when one gives no answer at all."""
    if is_address(name):
        asked = [(f"{reverse_name(name)}.", wanted or "PTR")]
    else:
        search = machine.resolv_conf.search
        full = [name] if "." in name or not search else [f"{name}.{domain}" for domain in search]
        asked = [(f"{each.removesuffix('.')}.", kind) for kind in ([wanted] if wanted else ["A", "AAAA"]) for each in full]
    done: list[Query] = []
    for server in servers:
        here = [Query(server, each, kind, machine.ask(server, each, kind)[0]) for each, kind in asked]
        done += here
        if any(query.answer is not None for query in here):
            break
    return done


def _busybox_record(record: Record) -> str:
    owner, data = record.name.removesuffix("."), record.data.removesuffix(".")
    if record.type in ("A", "AAAA"):
        return f"Name:\t{owner}\nAddress: {data}"
    return f"{owner}\t{_WORDS[record.type]} = {data}"


def nslookup(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`nslookup` of BIND."""
    wanted, names = _words(words)
    if wanted is None:
        return Ran(f"unknown query type: {next(word for word in words if '=' in word).partition('=')[2]}\n", "", 1)
    if not names:
        return failed("(without a name nslookup waits for somebody to type: give it one)")
    name, *servers = names
    bind = Bind(machine)
    if servers:
        address, _ = machine.resolve(servers[0])
        if not address:
            return Ran(f"nslookup: couldn't get address for '{servers[0]}': not found\n", "", 1)
        bind.servers = (address,)
    try:
        if is_address(name):
            return _backwards(bind, name)
        return _forwards(bind, name, [wanted] if wanted else ["A", "AAAA"])
    except CourseError:
        return Ran(f"nslookup: '{name}' is not a legal name (bad label type)\n", "", 1)


def _forwards(bind: Bind, name: str, types: list[str]) -> Ran:
    found = bind.search(name, types[0])
    if found.answer is None:
        return Ran("\n".join([*bind.notes, *unreachable(found)]) + "\n\n", "", 1)
    lines = [*bind.notes, f"Server:\t\t{found.server}", f"Address:\t{found.server}#53", ""]
    bind.notes.clear()
    if found.answer.rcode is not Rcode.NOERROR:
        return Ran("\n".join([*lines, f"** server can't find {name}: {found.answer.rcode}", "", ""]), "", 1)
    records = _shown(found.answer)
    others = not bind.machine.authoritative(found.server, found.name, found.answer)
    if records and others:
        records.insert(0, _NOT_ITS_OWN)
    last = found.answer.records[-1] if found.answer.records else None
    aliased = last is not None and last.type == "CNAME" and types[0] != "CNAME"
    again = None
    if len(types) > 1 and not aliased:
        again = bind.ask(last.name if last is not None else found.name, types[1]).answer
        records += [*bind.notes, *(_shown(again) if again is not None and again.rcode is Rcode.NOERROR else [])]
    if last is None and (again is None or not again.records):
        return Ran("\n".join([*lines, *records, f"*** Can't find {name}: No answer", "", ""]), "", 1)
    end = bind.ask(last.data, types[0]).answer if aliased and last is not None else None
    if last is not None and end is not None and end.rcode is not Rcode.NOERROR:
        records.append(f"** server can't find {last.data.removesuffix('.')}: {end.rcode}")
        return Ran("\n".join([*lines, *records, "", ""]), "", 1)
    elsewhere = _ELSEWHERE if others and types[0] not in ("A", "AAAA") else ()
    return Ran("\n".join([*lines, *records, "", *elsewhere, ""]))


_NOT_ITS_OWN = "Non-authoritative answer:"
_ELSEWHERE = ("Authoritative answers can be found from:", "")


def _shown(answer: Answer) -> list[str]:
    """The records of an answer."""
    lines: list[str] = []
    for record in answer.records:
        owner = record.name.removesuffix(".")
        if record.type in ("A", "AAAA"):
            lines += [f"Name:\t{owner}", f"Address: {record.data}"]
        else:
            lines.append(f"{owner}\t{_WORDS[record.type]} = {record.data}")
    return lines


def _backwards(bind: Bind, address: str) -> Ran:
    name = reverse_name(address)
    found = bind.search(f"{name}.", "PTR")
    if found.answer is None:
        return Ran("\n".join([*bind.notes, *unreachable(found)]) + "\n\n", "", 1)
    if found.answer.rcode is not Rcode.NOERROR:
        return Ran("\n".join([*bind.notes, f"** server can't find {name}: {found.answer.rcode}", "", ""]), "", 1)
    lines = [*bind.notes, *_shown(found.answer)]
    if not found.answer.records:
        return Ran("\n".join([*lines, f"*** Can't find {name}: No answer", "", ""]), "", 1)
    elsewhere = () if bind.machine.authoritative(found.server, found.name, found.answer) else _ELSEWHERE
    return Ran("\n".join([*lines, "", *elsewhere, ""]))


def _words(words: Iterable[str]) -> tuple[str | None, list[str]]:
    """The type that was asked for (empty: none, None: one that there is not), and the other words."""
    wanted: str | None = ""
    names = []
    for word in words:
        option, _, value = word.partition("=")
        if option in ("-type", "-querytype", "-query", "-q", "-ty", "-qu"):
            wanted = value.upper() if value.upper() in TYPES else "" if value.upper() == "ANY" else None
        elif not option.startswith(_QUIET) and not word.startswith("-"):
            names.append(word)
    return wanted, names
