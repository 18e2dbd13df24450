"""The network that the nodes stand in: a switch, a router, and the learner's laptop.

It is there before Kubernetes and knows nothing of pods.  The router has the first address of the node network, the laptop
the tenth (192.168.1.10), the nodes the second and following.

Nothing here is Kubernetes; the pod network is built by :mod:`k8snet_course.cni`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network

from k8snet_course.errors import AddressesExhausted
from k8snet_course.linux.link import End, Link, loopback, mac_from_text
from k8snet_course.linux.namespace import Learned, Namespace
from k8snet_course.linux.route import Route, RouteTable, connected
from k8snet_course.objects import Node

SWITCH, ROUTER, LAPTOP = "underlay", "router", "laptop"
HOSTS = (LAPTOP, ROUTER)
"""The machines outside the cluster."""
SWITCH_BRIDGE = "br0"


class Underlay:
    """Who has which address on the node network, and the namespaces of the machines that are not nodes.

        >>> underlay = Underlay(IPv4Network("192.168.1.0/24"))
        >>> underlay.address[LAPTOP], list(zip(range(2), underlay.node_addresses()))
        ('192.168.1.10', [(0, '192.168.1.2'), (1, '192.168.1.3')])
    """

    def __init__(self, network: IPv4Network, mtu: int = 1500) -> None:
        self.network = network
        self.mtu = mtu
        tenth = min(10, network.num_addresses - 2)
        self.address = {ROUTER: str(network[1]), LAPTOP: str(network[tenth])}

    def node_addresses(self) -> Iterator[str]:
        """The nodes' addresses in order.  Raises AddressesExhausted behind the last one."""
        for number in range(2, self.network.num_addresses - 1):
            address = str(self.network[number])
            if address != self.address[LAPTOP]:
                yield address
        raise AddressesExhausted(str(self.network), "a node network with an address for the router, the laptop and each node",
                                 "give a larger node_network, such as '10.100.0.0/16'")

    def host_links(self, name: str, address: str) -> list[Link]:
        """The interfaces that a machine has before any plugin runs: lo, and eth0 with a cable to the switch."""
        return [
            loopback(),
            Link("eth0", "ethernet", 2, mac_from_text(f"{name} eth0"), self.mtu, (f"{address}/{self.network.prefixlen}",),
                 peer=End(SWITCH, port_to(name))),
        ]

    def host_routes(self, name: str, address: str) -> list[Route]:
        """Its routes: the node network on the wire, and the router for everything else (which the router itself lacks)."""
        routes = [connected("eth0", f"{address}/{self.network.prefixlen}")]
        return routes if name == ROUTER else [Route("default", via=self.address[ROUTER], dev="eth0"), *routes]

    def host(self, name: str, learned: Learned, more: Iterable[Route] = ()) -> Namespace:
        """The namespace of the laptop or the router; ``more`` are routes that somebody wrote there."""
        address = self.address[name]
        return Namespace(name, "router" if name == ROUTER else "laptop", self.host_links(name, address),
                         RouteTable([*self.host_routes(name, address), *more]), forwarding=name == ROUTER, learned=learned)

    def switch(self, nodes: Sequence[Node], learned: Learned) -> Namespace:
        """The namespace of the switch: one bridge, and a port for each machine."""
        ports: Iterable[str] = [*HOSTS, *(node.name for node in nodes)]
        links = [Link(SWITCH_BRIDGE, "bridge", 2, mac_from_text(f"{SWITCH} {SWITCH_BRIDGE}"))]
        links += [
            Link(port_to(name), "ethernet", 3 + number, mac_from_text(f"{SWITCH} {name}"), master=SWITCH_BRIDGE,
                 peer=End(name, "eth0"))
            for number, name in enumerate(ports)
        ]
        return Namespace(SWITCH, "switch", links, RouteTable(), learned=learned)


def port_to(machine: str) -> str:
    """The name of the switch's port for a machine."""
    return f"to-{machine}"
