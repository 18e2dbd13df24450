"""What a picture says, as text: for those who do not see it, for a plain terminal, and for tests that compare.

Nothing here is drawn; the text of a trace is the trace's own (``str(trace)``).
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from k8snet_course.show.connections import connections, ways
from k8snet_course.show.pod_box import PodFacts

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.link import Link
    from k8snet_course.linux.trace import Trace
    from k8snet_course.objects import Node, Pod
    from k8snet_course.show.virtual import Virtual

MOST_ADDRESSES = 3
"""So many addresses of one interface are said: one that has those of all Services has thousands."""


def indent(text: str, by: str = "  ") -> str:
    """Each line of the text, moved to the right.

    >>> print(indent("one\\ntwo", by="- "))
    - one
    - two
    """
    return "\n".join(by + line for line in text.split("\n"))


def devices_of(trace: Trace | None) -> frozenset[str]:
    """The names of all devices that a packet and its answer visit, and of those it was meant for and sent from.

    The connections that follow it count too.

    >>> devices_of(None)
    frozenset()
    """
    return frozenset(hop.device for way in ways(trace) for hop in way.trace.hops) | ends_of(trace)


def ends_of(trace: Trace | None) -> frozenset[str]:
    """The devices that the senders and receivers named in a trace may be: as named, and as pods of the namespace default."""
    named = {end for one in connections(trace) for end in (one.source, one.target)}
    return frozenset(named | {f"default/{end}" for end in named})


def outside(cluster: Cluster, wanted: AbstractSet[str] = frozenset()) -> tuple[str, ...]:
    """The machines outside the cluster that a picture shows: those at the nodes' switch, and of the others the wanted ones.

    >>> from k8snet_course import Cluster
    >>> outside(Cluster()), outside(Cluster(), {"internet"})
    (('laptop', 'router'), ('laptop', 'router', 'internet'))
    """
    return tuple(name for name in cluster.hosts if name in wanted or _at_switch(cluster, name))


def _at_switch(cluster: Cluster, name: str) -> bool:
    ends = [link.peer for link in cluster.namespace(name).links.values() if link.peer is not None]
    return any(cluster.namespace(end.namespace).kind == "switch" for end in ends)


def cluster_text(
    cluster: Cluster,
    nodes: Sequence[Node] | None = None,
    pods: Sequence[PodFacts] | None = None,
    left_out: int = 0,
    hosts: Sequence[str] | None = None,
    services: Sequence[Virtual] = (),
) -> str:
    """A cluster in lines: each node with its address, its virtual interfaces and its pods, then the machines outside.

    Without ``nodes`` and ``pods`` all are listed; ``left_out`` is how many pods of these nodes are not.  ``hosts`` are the
    machines outside, ``services`` the addresses of Services that a packet was sent to, each said where it was rewritten.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster()
        >>> _ = cluster.add_pod("frontend")
        >>> print(cluster_text(cluster))
        node node-1 192.168.1.2, pods 10.244.0.0/24
          bridge cni0 10.244.0.1/24
          pod frontend 10.244.0.2, eth0 to veth... at cni0
        laptop 192.168.1.10/24
        router 192.168.1.1/24
    """
    lines: list[str] = []
    listed = cluster.nodes if nodes is None else nodes
    by_node: dict[str, list[PodFacts]] = {}
    for fact in pods or ():
        by_node.setdefault(fact.pod.node, []).append(fact)
    for node in listed:
        lines.append(str(node))
        lines += [f"  {one}" for one in services if one.node == node.name]
        inside = cluster.namespace(node.name)
        lines += [
            f"  {link.kind} {' '.join((link.name, *few(link.addresses)))}"
            for link in inside.links.values()
            if link.kind not in ("loopback", "ethernet", "veth") or (link.kind == "veth" and link.addresses)
        ]
        facts = by_node.get(node.name, []) if pods is not None else [PodFacts(pod) for pod in cluster.pods_on(node.name)]
        for fact in facts:
            pod = fact.pod
            said = "".join(f"; {words}" for words in fact.said)
            lines.append(f"  pod {pod.label} {' '.join(pod.ips)}{_cables(cluster, pod, node)}{said}")
    lines += _besides(len(cluster.nodes) - len(listed), "node")
    lines += _besides(left_out, "pod")
    shown = outside(cluster) if hosts is None else hosts
    for name in shown:
        host = cluster.namespace(name)
        seen = [link for link in host.links.values() if link.kind != "loopback" and not _hidden(cluster, link, shown)]
        lines.append(" ".join((host.label, *(address for link in seen for address in link.addresses))))
    return "\n".join(lines)


def _hidden(cluster: Cluster, link: Link, shown: Sequence[str]) -> bool:
    """Whether a cable leads to a machine outside that is not shown."""
    return link.peer is not None and link.peer.namespace in cluster.hosts and link.peer.namespace not in shown


def few(addresses: Sequence[str]) -> Sequence[str]:
    """The addresses of an interface; of very many the first ones, and how many more there are.

    >>> few(["10.96.0.1/32"] * 5)
    ('10.96.0.1/32', '10.96.0.1/32', '10.96.0.1/32', 'and 2 more addresses')
    """
    more = len(addresses) - MOST_ADDRESSES
    return addresses if more <= 0 else (*addresses[:MOST_ADDRESSES], f"and {more} more addresses")


def _cables(cluster: Cluster, pod: Pod, node: Node) -> str:
    if pod.host_network:
        return ""
    said = ""
    there = cluster.namespace(node.name).links
    for link in cluster.namespace(pod.key).links.values():
        if link.peer is not None and link.peer.namespace == node.name and link.peer.link in there:
            far = there[link.peer.link]
            said += f", {link.name} to {far.name}" + (f" at {far.master}" if far.master else "")
    return said


def _besides(count: int, what: str) -> list[str]:
    return [f"and {count} more {what}{'s' if count > 1 else ''}"] if count > 0 else []
