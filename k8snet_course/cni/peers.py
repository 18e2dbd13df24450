"""The nodes of the cluster, as a plugin looks for them when it writes a node's tables: by address, by podCIDR, by MAC address.

Every node's tables have rows for every other node.  Here each index of the nodes is made once, and the tables of all nodes
share it (:class:`~k8snet_course.linux.family.Family`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from k8snet_course.linux.bridge import EVERYBODY, FdbEntry
from k8snet_course.linux.family import Family
from k8snet_course.linux.namespace import FdbFamily
from k8snet_course.linux.neighbour import Neighbour, NeighbourFamily
from k8snet_course.linux.route import Route, RouteFamily, leading_bits
from k8snet_course.objects import Node


class Peers:
    """All nodes of a cluster.

    >>> nodes = [Node(f"node-{n}", f"192.168.1.{n + 1}", f"10.244.{n - 1}.0/24") for n in (1, 2, 3)]
    >>> [(_, _, family)] = Peers(nodes).routes(nodes[0], lambda other: Route(other.pod_cidr, via=other.ip, dev="eth0"))
    >>> print(*family, sep="\\n")
    10.244.1.0/24 via 192.168.1.3 dev eth0
    10.244.2.0/24 via 192.168.1.4 dev eth0
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self._indexes: dict[str, dict[str, Node]] = {}
        self._by_prefix: dict[tuple[int, int], dict[int, Node]] = {}
        self._swapped: Peers | None = None

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @property
    def swapped(self) -> Peers:
        """The same nodes with the second IP version first (:attr:`~k8snet_course.objects.node.Node.swapped`)."""
        if self._swapped is None:
            self._swapped = Peers([node.swapped for node in self.nodes])
        return self._swapped

    def others(self, node: Node) -> list[Node]:
        """All nodes but this one, in order."""
        return [other for other in self.nodes if other.name != node.name]

    def index(self, name: str, key: Callable[[Node], str]) -> Mapping[str, Node]:
        """The nodes by a key; ``name`` says which key that is, so that the index is made once."""
        if name not in self._indexes:
            self._indexes[name] = {key(node): node for node in self.nodes}
        return self._indexes[name]

    def routes(self, node: Node, make: Callable[[Node], Route]) -> list[RouteFamily]:
        """A route to the podCIDR of each other node."""
        if not self._by_prefix:
            for each in self.nodes:
                version, length, bits = leading_bits(each.pod_cidr)
                self._by_prefix.setdefault((version, length), {})[bits] = each
        own = [leading_bits(node.pod_cidr)[2]]
        return [(version, length, Family(index, make, own)) for (version, length), index in self._by_prefix.items()]

    def neighbours(self, node: Node, dev: str, address: Callable[[Node], str], mac: Callable[[Node], str]) -> NeighbourFamily:
        """A permanent neighbour row for each other node's end of the tunnel ``dev``."""
        return dev, Family(self.index(f"{dev} address", address),
                           lambda other: Neighbour(address(other), dev, mac(other), "PERMANENT"), [address(node)])

    def tunnels(self, node: Node, dev: str, mac: Callable[[Node], str]) -> FdbFamily:
        """An FDB row for each other node's end of the tunnel ``dev``: on which machine its MAC address is."""
        return dev, Family(self.index(f"{dev} mac", mac), lambda other: FdbEntry(mac(other), dev, "", other.ip), [mac(node)])

    def copies(self, node: Node, dev: str) -> FdbFamily:
        """An FDB row for each other node, which gets a copy of each frame whose MAC address the tunnel ``dev`` does not
        know."""
        return dev, Family(self.index("ip", lambda other: other.ip), lambda other: FdbEntry(EVERYBODY, dev, "", other.ip),
                           [node.ip])
