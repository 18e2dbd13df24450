"""A lookup in words: why each name was tried, what came back, and what the resolver did then.

All of it is read off the queries that were made and off the resolv.conf that they were made by; nothing is looked up here.
Without the resolv.conf (a Lookup alone does not hold it) the words say less: the number of a search domain and ndots are in
that file.

The rules that the words repeat are those of :mod:`k8snet_course.dns.resolver`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from k8snet_course.dns import Answer, Lookup, Query, ResolvConf
from k8snet_course.show import still

MARKS = {"NOERROR": "✓", "NXDOMAIN": "✕", "NODATA": "∅", "TIMEOUT": "…"}
"""The shape beside a status; every other status (the server failed or refused) has ``!``."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One query in words.  ``added`` is what stands behind the name as typed: a search domain, or nothing.

    ``place`` numbers the names that were tried, and ``attempt`` the times that this very question was asked, both from 1.
    """

    query: Query
    place: int
    attempt: int
    added: str
    reason: str
    answer: str
    following: str

    @property
    def mark(self) -> str:
        """The shape beside the answer."""
        return MARKS.get(self.query.status, "!")


def tried(lookup: Lookup, conf: ResolvConf | None = None) -> tuple[Tried, ...]:
    """Each query of a lookup in words, in order.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("client")
    >>> first = tried(cluster.lookup("client", "web"))[0]
    >>> print(first.reason, first.mark, first.query.status)
    the search domain default.svc.cluster.local is put behind the name ✕ NXDOMAIN
    """
    made = []
    places = {name: place for place, name in enumerate(lookup.names, 1)}
    asked: dict[tuple[str, str, str], int] = {}
    for number, query in enumerate(lookup.queries):
        key = (query.server, query.name, query.type)
        asked[key] = asked.get(key, 0) + 1
        made.append(Tried(query, places[query.name], asked[key], added(lookup, query), _reason(lookup, query, conf),
                          _answer(query), _following(lookup, number, conf, asked)))
    return tuple(made)


def plan(lookup: Lookup, conf: ResolvConf | None = None) -> str:
    """One sentence on how the resolver goes about this name, before it asks anybody.

    >>> plan(Lookup("web.shop.", "glibc", (Query("10.96.0.10", "web.shop.", "A", None),)))
    "'web.shop.' ends in a dot: it is complete, and is asked as it is."
    """
    if not lookup.queries:
        return "No server is asked."
    name, many = repr(lookup.name), _dots(lookup.name)
    if lookup.queries[0].type == "PTR":
        return f"{name} is an address: it is asked backwards, for the name that it has."
    if lookup.name.endswith("."):
        return f"{name} ends in a dot: it is complete, and is asked as it is."
    if lookup.resolver == "busybox":
        counts = "BusyBox nslookup takes no notice of ndots"
        if added(lookup, lookup.queries[0]):
            return f"{name} has no dot: every search domain is put behind it in turn. {counts}."
        return f"{name} has {many}: it is asked as it is, and nothing else is. {counts}."
    if conf is None:
        return f"{name} has {many}; ndots of the resolv.conf decides whether that is enough to be asked as it is first."
    if not conf.search:
        return f"{name} has {many}. There is no search list: it is asked as it is."
    if _count(lookup.name) < conf.ndots:
        fewer = f"{name} has {many}, fewer than ndots:{conf.ndots}"
        if not any(added(lookup, query) for query in lookup.queries):
            return f"{fewer}, but the search line cannot be used: it is asked as it is."
        return f"{fewer}: the search list comes first, and the name as it is comes last."
    enough = f"{name} has {many}, and ndots:{conf.ndots} asks for no more"
    if lookup.resolver == "musl":
        return f"{enough}: it is asked as it is, and musl then uses no search list."
    return f"{enough}: it is asked as it is first, and the search list is used only if that fails."


def outcome(lookup: Lookup) -> str:
    """How the lookup ended: the addresses or the error, and why."""
    return f"{', '.join(lookup.result) or lookup.error}: {lookup.why}"


def added(lookup: Lookup, query: Query) -> str:
    """What the resolver put behind the name as it was typed: a search domain, or nothing.

    >>> added(Lookup("web", "glibc", ()), Query("10.96.0.10", "web.svc.cluster.local.", "A", None))
    'svc.cluster.local'
    """
    typed = f"{lookup.name.removesuffix('.')}."
    return query.name.removeprefix(typed).removesuffix(".") if query.name.startswith(typed) else ""


def told(lookup: Lookup, conf: ResolvConf | None = None, source: str = "") -> str:
    """The whole lookup as text.  ``source`` is who asked.

    >>> print(told(Lookup("10.96.0.10", "glibc", (), ("10.96.0.10",), why="an address needs no lookup.")))
    10.96.0.10 looked up by glibc
    No server is asked.
    10.96.0.10: an address needs no lookup.
    """
    lines = [title(lookup, source)]
    if conf is not None:
        lines += ["  /etc/resolv.conf", *(f"    {line}" for line in str(conf).splitlines())]
    lines.append(plan(lookup, conf))
    for number, one in enumerate(tried(lookup, conf), 1):
        lines += [f"{number:2}. {one.query.name} {one.query.type}? {one.query.server}: {one.answer}", f"    {one.reason}",
                  f"    -> {one.following}"]
    return "\n".join([*lines, outcome(lookup)])


def title(lookup: Lookup, source: str = "") -> str:
    """What was looked up, by what, and where.

    >>> title(Lookup("web", "musl", ()), "client")
    'web looked up by musl in client'
    """
    return f"{lookup.name} looked up by {lookup.resolver}" + (f" in {source}" if source else "")


def lookup_html(lookup: Lookup, conf: ResolvConf | None = None, source: str = "") -> str:
    """The whole lookup as HTML, for a cell: a row a query.

    >>> lookup_html(Lookup("web", "glibc", (Query("10.96.0.10", "web.", "A", None),))).count("<tr>")
    2
    """
    made = still.block()
    if conf is not None:
        still.say(made, "/etc/resolv.conf: " + "; ".join(str(conf).splitlines()), "k8-code")
    still.say(made, plan(lookup, conf))
    servers = list(dict.fromkeys(query.server for query in lookup.queries))
    rows = []
    for number, one in enumerate(tried(lookup, conf), 1):
        question = f"{one.query.name} {one.query.type}?" + (f" {one.query.server}" if len(servers) > 1 else "")
        kind = {"✓": "k8-good", "∅": ""}.get(one.mark, "k8-bad")
        rows.append([(str(number), ""), (question, "k8-code"), (one.reason, ""), (f"{one.mark} {one.answer}", kind),
                     (one.following, "")])
    caption = title(lookup, source) + (f", by the server {servers[0]}" if len(servers) == 1 else "")
    if rows:
        still.table(made, caption, ("query", "question", "why this name", "answer", "then"), rows)
    still.say(made, f"{'✓' if lookup.result else '✕'} {outcome(lookup)}")
    return still.html(made)


def answer_html(answer: Answer) -> str:
    """One server's answer as HTML, for a cell: a row a record.

    >>> from k8snet_course.dns import Rcode
    >>> answer_html(Answer(Rcode.NXDOMAIN, why="there is no Service web")).partition("</style>")[2]
    '<p>✕ status: NXDOMAIN (there is no Service web)</p></div>'
    """
    made = still.block()
    status = f"{answer.rcode}, and no record" if answer.nodata else str(answer.rcode)
    mark = MARKS.get(answer.status, "!")
    still.say(made, f"{mark} status: {status}{f' ({answer.why})' if answer.why else ''}")
    for part, records in (("answer", answer.records), ("authority", answer.authority), ("additional", answer.additional)):
        if records:
            rows = [[(one.name, ""), (str(one.ttl), ""), (one.type, ""), (one.data, "k8-code")] for one in records]
            still.table(made, part, ("name", "TTL (seconds)", "type", "data"), rows)
    return still.html(made)


def _count(name: str) -> int:
    return name.removesuffix(".").count(".")


def _dots(name: str) -> str:
    count = _count(name)
    return f"{count or 'no'} dot{'s' if count > 1 else ''}"


def _answer(query: Query) -> str:
    """What came back, in a line."""
    if query.answer is None:
        return "TIMEOUT (nobody answered)"
    found = [record.data if record.type == query.type else f"{record.type} {record.data}" for record in query.answer.records]
    return f"{', '.join(found) or query.status}{f' ({query.answer.why})' if query.answer.why else ''}"


def _reason(lookup: Lookup, query: Query, conf: ResolvConf | None) -> str:
    """Why this name was tried."""
    if query.type == "PTR":
        return "the address, backwards"
    domain = added(lookup, query)
    if domain:
        numbered = [each.strip(".") for each in conf.search] if conf is not None else []
        if domain not in numbered:
            return f"the search domain {domain} is put behind the name"
        return f"search domain {numbered.index(domain) + 1} of {len(numbered)}, {domain}, is put behind the name"
    if lookup.name.endswith("."):
        return "the name as it is: the dot at its end says that it is complete"
    before = lookup.names[: lookup.names.index(query.name)]
    if before:
        rest = conf is not None and _unused(lookup, conf)
        return "the name as it is, " + ("without the rest of the search list" if rest else "after the whole search list")
    if lookup.resolver == "busybox" and _count(lookup.name):
        return "the name as it is: it has a dot"
    if conf is None:
        return "the name as it is"
    if conf.search and _count(lookup.name) >= conf.ndots:
        return f"the name as it is: {_dots(lookup.name)}, and ndots is {conf.ndots}"
    return "the name as it is: the search line cannot be used" if conf.search else "the name as it is: there is no search list"


def _following(lookup: Lookup, number: int, conf: ResolvConf | None, asked: Mapping[tuple[str, str, str], int]) -> str:
    """What the resolver did after a query.  ``asked`` counts the questions up to and with this one."""
    if number + 1 == len(lookup.queries):
        return "the lookup is over" + ("" if lookup.result else f", without a result ({lookup.error})")
    now, then = lookup.queries[number], lookup.queries[number + 1]
    next_server = f"this server could not say: the next one, {then.server}, is asked"
    if then.name == now.name:
        if asked.get((then.server, then.name, then.type), 0) >= asked[now.server, now.name, now.type]:
            return f"no server could say: {then.name} is asked once more"
        if then.server == now.server:
            return f"the same name is asked for {then.type} as well"
        at_once = f"musl asks all its servers at once: {then.server} is asked the same"
        return at_once if lookup.resolver == "musl" else next_server
    if lookup.resolver == "busybox":
        turn = "the next one" if then.type == now.type else f"now for {then.type}"
        return next_server if then.server != now.server else f"nslookup asks every name in any case: {turn}"
    comes = "the next name is tried" if added(lookup, then) else "the name as it is comes next"
    return f"{_what_stopped(lookup, now, then, conf)}: {comes}"


def _what_stopped(lookup: Lookup, last: Query, then: Query, conf: ResolvConf | None) -> str:
    """Why a name was given up for the next one."""
    said = [query.status for query in lookup.queries if query.name == last.name]
    if "NXDOMAIN" in said:
        return "there is no such name"
    if "NODATA" in said:
        return f"the name exists, but has no address, and {lookup.resolver} goes on"
    if any(status != "TIMEOUT" for status in said):
        return f"no server could say, and {lookup.resolver} goes on"
    left = conf is not None and not added(lookup, then) and _unused(lookup, conf)
    return "nobody answered, so the rest of the search list is left out" if left else "nobody answered"


def _unused(lookup: Lookup, conf: ResolvConf) -> bool:
    """Whether there are search domains that were not put behind the name."""
    used = [added(lookup, query) for query in lookup.queries]
    return any(each.strip(".") not in used for each in conf.search if each.strip("."))
