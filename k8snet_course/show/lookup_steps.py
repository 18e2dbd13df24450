"""The resolver stepper: a lookup query by query, with the resolv.conf beside it and the line in use marked.

The kernel's part is here: it puts every word (:mod:`~k8snet_course.show.query_words`) into one value and hands it to the
script ``lookup_steps.js``, which shows it.  Stepping needs no answer from the kernel.  It asks no server: the lookup has
been made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from k8snet_course.dns import Lookup, ResolvConf
from k8snet_course.errors import InvalidArgument
from k8snet_course.show.given import check_type
from k8snet_course.show.query_words import Tried, added, lookup_html, outcome, plan, title, told, tried
from k8snet_course.show.svg import style

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster

_HERE = Path(__file__).parent
Json = dict[str, Any]
Place = tuple[int, int]
"""A word of a resolv.conf: its line, and its number in that line (0 is the keyword)."""


class LookupSteps(anywidget.AnyWidget):
    """What a resolver did for a name, step by step, by mouse or keyboard.

    ``lookup`` is what ``cluster.lookup`` returned, ``source`` the first word of that call: who asked, and whose resolv.conf is
    shown.  Without a source there is no file beside it.  ``show`` puts another lookup in the same place.

    Without a live kernel a notebook shows the same as a table and as text.  Raises NotFound for a source that is not there, and
    InvalidArgument for one that cannot have made these queries.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster()
        >>> _ = cluster.add_pod("client")
        >>> steps = LookupSteps(cluster, cluster.lookup("client", "web"), "client")
        >>> print(steps.lookup.error, len(steps.state["steps"]))
        EAI_NONAME 8
        >>> print(repr(steps).splitlines()[0])
        web looked up by glibc in client
    """

    _esm = (_HERE / "lookup_steps.js").read_text(encoding="utf-8")
    _css = style() + "".join((_HERE / name).read_text(encoding="utf-8") for name in ("walk.css", "lookup_steps.css"))

    state = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(self, cluster: Cluster, lookup: Lookup, source: str = "") -> None:
        self._lookup, self._source = lookup, source
        self._conf = conf_of(cluster, lookup, source)
        super().__init__(state=lookup_state(lookup, self._conf, source, _servers(cluster)))

    @property
    def lookup(self) -> Lookup:
        """The lookup that is shown."""
        return self._lookup

    def show(self, cluster: Cluster, lookup: Lookup, source: str = "") -> None:
        """Show another lookup in the same place, from its first step; the same one again sends nothing."""
        conf = conf_of(cluster, lookup, source)
        state = lookup_state(lookup, conf, source, _servers(cluster))
        self._lookup, self._source, self._conf = lookup, source, conf
        if state != self.state:
            with self.hold_sync():
                self.step = 0
                self.state = state

    def __repr__(self) -> str:
        return told(self._lookup, self._conf, self._source)

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[Json, Json]:
        live = super()._repr_mimebundle_()
        data = dict(live[0]) if live else {}
        return {**data, "text/plain": repr(self), "text/html": lookup_html(self._lookup, self._conf, self._source)}, {}


def conf_of(cluster: Cluster, lookup: Lookup, source: str) -> ResolvConf | None:
    """The resolv.conf that a lookup was made by; None where nobody said whose it is.  Raises NotFound or InvalidArgument."""
    check_type(lookup, Lookup, "cluster.lookup('client', 'web')")
    if not source:
        return None
    conf = cluster.resolv_conf(source)
    domains = ("", *(each.strip(".") for each in conf.search))
    for query in lookup.queries:
        if query.server not in conf.nameservers or added(lookup, query) not in domains:
            raise InvalidArgument(source, f"the one who looked up {lookup.name}, whose resolv.conf leads to {query}",
                                  "write the name that cluster.lookup was called with")
    return conf


def lookup_state(lookup: Lookup, conf: ResolvConf | None = None, source: str = "",
                 servers: Sequence[tuple[str, str]] = ()) -> Json:
    """What the widget's script is sent, as plain JSON values.  ``servers`` are addresses of name servers, and who that is.

    >>> lookup_state(Lookup("web", "glibc", (), ("10.244.0.2",), "web", why="the pod's /etc/hosts has it."))["end"]
    {'good': True, 'text': "10.244.0.2: the pod's /etc/hosts has it."}
    """
    lines = [line.split() for line in str(conf).splitlines()] if conf is not None else []
    steps = [_step(lookup, conf, lines, one, dict(servers)) for one in tried(lookup, conf)]
    for number, step in enumerate(steps, 1):
        step["say"] = (f"Query {number} of {len(steps)}: {step['name']} {step['type']}? {step['why']}. "
                       f"{step['server']} says {step['answer']}. Then {step['next']}.")
    return {
        "label": title(lookup, source),
        "plan": plan(lookup, conf),
        "file": f"/etc/resolv.conf{f' in {source}' if source else ''}" if lines else "",
        "conf": lines,
        "steps": steps,
        "end": {"good": bool(lookup.result), "text": outcome(lookup)},
    }


def _step(lookup: Lookup, conf: ResolvConf | None, lines: list[list[str]], one: Tried, servers: dict[str, str]) -> Json:
    query = one.query
    typed = query.name.removesuffix(f"{one.added}.") if one.added else query.name
    records = [str(record) for record in query.answer.records] if query.answer is not None else []
    return {
        "place": one.place,
        "name": query.name,
        "typed": typed,
        "added": query.name.removeprefix(typed),
        "type": query.type,
        "server": query.server,
        "who": servers.get(query.server, ""),
        "attempt": one.attempt,
        "mark": one.mark,
        "status": query.status,
        "answer": one.answer,
        "records": records,
        "why": one.reason,
        "next": one.following,
        "used": [list(place) for place in _used(lookup, conf, lines, one)],
    }


def _used(lookup: Lookup, conf: ResolvConf | None, lines: list[list[str]], one: Tried) -> list[Place]:
    """The words of the file that decided this query: a search domain, a name server, and ndots where it was asked."""
    if conf is None:
        return []
    counted = lookup.resolver != "busybox" and not lookup.name.endswith(".")
    used = []
    for number, (key, *words) in enumerate(lines):
        for at, word in enumerate(words, 1):
            if (
                (key == "search" and one.added and word.strip(".") == one.added)
                or (key == "nameserver" and word == one.query.server)
                or (key == "options" and counted and word.startswith("ndots:"))
            ):
                used.append((number, at))
    return used


def _servers(cluster: Cluster) -> list[tuple[str, str]]:
    """The name servers of a cluster and of the world outside it, in words."""
    router = cluster.host("router").ip
    return [(router, "the router, which asks the servers outside"), (cluster.cluster_dns, "the cluster's DNS server")]
