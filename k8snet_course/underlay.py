"""The network that the nodes stand in: a switch, a router, the learner's laptop, and behind the router the internet.

It is there before Kubernetes and knows nothing of pods.  The router has the first address of the node network, the laptop
the tenth (192.168.1.10), the nodes the second and following.

The internet is one machine, 203.0.113.9, with a web server and a DNS server.  It has a route to the nodes' network and none to
pods: in truth the nodes' own addresses are often private too, and one more router in between translates them.  Here there is
none, so that the only translation to be seen is the one that the cluster's nodes do.

Nothing here is Kubernetes; the pod network is built by :mod:`k8snet_course.cni`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network

from k8snet_course.errors import AddressesExhausted
from k8snet_course.linux.link import End, Link, loopback, mac_from_text
from k8snet_course.linux.namespace import Learned, Listener, Namespace
from k8snet_course.linux.route import Route, RouteTable, connected
from k8snet_course.objects import Node

SWITCH, ROUTER, LAPTOP, INTERNET = "underlay", "router", "laptop", "internet"
HOSTS = (LAPTOP, ROUTER, INTERNET)
"""The machines outside the cluster."""
INTERNET_NETWORK = "203.0.113.0/24"
"""The network behind the router (one of those that RFC 5737 keeps for documentation)."""
SWITCH_BRIDGE = "br0"
_ROUTER_OUTSIDE = "203.0.113.1/24"


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
        self.address = {ROUTER: str(network[1]), LAPTOP: str(network[tenth]), INTERNET: "203.0.113.9"}

    def held(self) -> list[tuple[str, str]]:
        """The machines outside the cluster, each with every address that it has."""
        return [*self.address.items(), (ROUTER, _ROUTER_OUTSIDE.partition("/")[0])]

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
        """The namespace of a machine outside the cluster; ``more`` are routes that somebody wrote there."""
        address = self.address[name]
        if name == INTERNET:
            return self._internet(learned)
        links, routes = self.host_links(name, address), [*self.host_routes(name, address), *more]
        if name == ROUTER:
            links.append(Link("eth1", "ethernet", 3, mac_from_text(f"{ROUTER} eth1"), 1500, (_ROUTER_OUTSIDE,),
                              peer=End(INTERNET, "eth0")))
            routes.append(connected("eth1", _ROUTER_OUTSIDE))
        return Namespace(name, "router" if name == ROUTER else "laptop", links, RouteTable(routes), forwarding=name == ROUTER,
                         learned=learned)

    def _internet(self, learned: Learned) -> Namespace:
        address = f"{self.address[INTERNET]}/24"
        links = [loopback(), Link("eth0", "ethernet", 2, mac_from_text(f"{INTERNET} eth0"), 1500, (address,),
                                  peer=End(ROUTER, "eth1"))]
        routes = [connected("eth0", address), Route(str(self.network), via=_ROUTER_OUTSIDE.partition("/")[0], dev="eth0")]
        listeners = (Listener("TCP", 80, "web server"), Listener("TCP", 443, "web server"), Listener("UDP", 53, "DNS server"))
        return Namespace(INTERNET, INTERNET, links, RouteTable(routes), listeners=listeners, learned=learned)

    def switch(self, nodes: Sequence[Node], learned: Learned) -> Namespace:
        """The namespace of the switch: one bridge, and a port for each machine."""
        ports: Iterable[str] = [LAPTOP, ROUTER, *(node.name for node in nodes)]
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
