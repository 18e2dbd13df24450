"""All network plugins side by side: the same packet, from a frontend on node-1 to a backend on node-2, through each of them.

What a packet can show is read off the packet (way, encapsulation, overhead, TTL, source); MTU and policy are what the plugin
says of itself.  Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.linux.rows import Rows
from k8snet_course.linux.trace import Action, Trace

HEADINGS = ("cni", "verdict", "hops", "encapsulation", "overhead", "MTU", "TTL at arrival", "source seen", "NetworkPolicy")
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """One plugin.  ``hops`` counts the devices on the packet's way, both ends included; ``ttl`` and ``source`` are as the
    backend sees them, None and empty when the packet never arrives."""

    cni: str
    verdict: str
    hops: int
    encapsulation: str
    overhead: int
    mtu: int
    ttl: int | None
    source: str
    policy: bool

    def cells(self) -> tuple[str, ...]:
        """The line as texts."""
        told = {True: "yes", False: "no", None: _NOTHING, "": _NOTHING}
        first, *rest = astuple(self)
        return (first, *(told[cell] if isinstance(cell, bool) or cell in (None, "") else str(cell) for cell in rest))


class Comparison(Rows[Line]):
    """The lines; it prints as a table, and as a markdown table where markdown is shown."""

    __slots__ = ()

    def __str__(self) -> str:
        cells = [HEADINGS, *(line.cells() for line in self)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)

    def markdown(self) -> str:
        """The table in markdown."""
        lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(line.cells() for line in self)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _repr_markdown_(self) -> str:
        return self.markdown()


def compare(names: Iterable[str] = tuple(PLUGINS)) -> Comparison:
    """Send the packet through a cluster of each of these plugins.  Raises InvalidArgument for a name that is none.

    >>> print(compare(["flannel", "calico"]))
    cni      verdict    hops  encapsulation  overhead  MTU   TTL at arrival  source seen    NetworkPolicy
    flannel  delivered  5     VXLAN          50        1450  62              10.244.0.2     no
    calico   delivered  5     IPIP           20        1480  62              10.244.41.193  yes
    """
    return Comparison(map(line, names))


def line(name: str) -> Line:
    """One plugin's line."""
    cluster = Cluster(nodes=2, cni=name)
    cluster.add_pod("frontend", node="node-1")
    cluster.add_pod("backend", node="node-2")
    trace = cluster.send("frontend", "backend")
    kind, overhead = _tunnel(trace)
    plugin = PLUGINS[name]
    last = trace.hops[-1].packet
    return Line(name, str(trace.verdict), len(trace.hops), kind, overhead, plugin.mtu, last.ttl if trace.delivered else None,
                last.src if trace.delivered else "", plugin.network_policy)


def _tunnel(trace: Trace) -> tuple[str, int]:
    """What the first tunnel on the way is, and how many bytes it adds."""
    for _, step in trace.steps():
        if step.action is Action.ENCAPSULATE and step.packet.carried is not None:
            return (step.packet.kind or step.packet.protocol).partition(" ")[0], step.packet.size - step.packet.carried.size
    return "", 0
