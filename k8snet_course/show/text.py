"""What a picture says, as text: for those who do not see it, for a plain terminal, and for tests that compare.

Nothing here is drawn; the text of a trace is the trace's own (``str(trace)``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.trace import Trace
    from k8snet_course.objects import Node, Pod


def indent(text: str, by: str = "  ") -> str:
    """Each line of the text, moved to the right.

    >>> print(indent("one\\ntwo", by="- "))
    - one
    - two
    """
    return "\n".join(by + line for line in text.split("\n"))


def devices_of(trace: Trace | None) -> frozenset[str]:
    """The names of all devices that a packet and its answer visit, and of the one it was meant for.

    >>> devices_of(None)
    frozenset()
    """
    if trace is None:
        return frozenset()
    meant = {trace.target, f"default/{trace.target}"}
    return frozenset(hop.device for hop in trace.hops) | meant | devices_of(trace.reply)


def cluster_text(
    cluster: Cluster, nodes: Sequence[Node] | None = None, pods: Sequence[Pod] | None = None, left_out: int = 0
) -> str:
    """A cluster in lines: each node with its address, its virtual interfaces and its pods, then the machines outside.

    Without ``nodes`` and ``pods`` all are listed; ``left_out`` is how many pods of these nodes are not.

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
    shown = cluster.pods if pods is None else pods
    listed = cluster.nodes if nodes is None else nodes
    for node in listed:
        lines.append(str(node))
        inside = cluster.namespace(node.name)
        lines += [
            f"  {link.kind} {' '.join((link.name, *link.addresses))}"
            for link in inside.links.values()
            if link.kind not in ("loopback", "ethernet", "veth") or (link.kind == "veth" and link.addresses)
        ]
        for pod in shown:
            if pod.node == node.name:
                lines.append(f"  pod {pod.label} {pod.ip}{_cables(cluster, pod, node)}")
    lines += _besides(len(cluster.nodes) - len(listed), "node")
    lines += _besides(left_out, "pod")
    for name in cluster.hosts:
        host = cluster.namespace(name)
        addresses = [address for link in host.links.values() if link.kind != "loopback" for address in link.addresses]
        lines.append(" ".join((host.label, *addresses)))
    return "\n".join(lines)


def _cables(cluster: Cluster, pod: Pod, node: Node) -> str:
    said = ""
    there = cluster.namespace(node.name).links
    for link in cluster.namespace(pod.key).links.values():
        if link.peer is not None and link.peer.namespace == node.name and link.peer.link in there:
            far = there[link.peer.link]
            said += f", {link.name} to {far.name}" + (f" at {far.master}" if far.master else "")
    return said


def _besides(count: int, what: str) -> list[str]:
    return [f"and {count} more {what}{'s' if count > 1 else ''}"] if count > 0 else []
