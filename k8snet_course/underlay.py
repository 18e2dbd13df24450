"""The network that the nodes stand in: a switch, a router, the learner's laptop, and behind the router the internet.

It is there before Kubernetes and knows nothing of pods.  The router has the first address of the node network, the laptop
the tenth (192.168.1.10), the nodes the second and following.

The internet is one machine, 203.0.113.9, with a web server and a DNS server.  It has a route to the nodes' network and none to
pods: in truth the nodes' own addresses are often private too, and one more router in between translates them.  Here there is
none, so that the only translation to be seen is the one that the cluster's nodes do.

With an IPv6 node network every machine has an IPv6 address as well (fd00:192:168:1::1 for the router, ::a for the laptop, ::2
and following for the nodes; the internet is 2001:db8::9).

Nothing here is Kubernetes; the pod network is built by :mod:`k8snet_course.cni`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from k8snet_course.addressing import Network
from k8snet_course.errors import AddressesExhausted
from k8snet_course.linux.link import End, Link, loopback, mac_from_text
from k8snet_course.linux.namespace import ANY, ANY_IPV4, Learned, Listener, Namespace
from k8snet_course.linux.route import Route, RouteTable, connected
from k8snet_course.objects import Node

SWITCH, ROUTER, LAPTOP, INTERNET = "underlay", "router", "laptop", "internet"
HOSTS = (LAPTOP, ROUTER, INTERNET)
"""The machines outside the cluster."""
INTERNET_NETWORK = "203.0.113.0/24"
"""The network behind the router (one of those that RFC 5737 keeps for documentation)."""
INTERNET_NETWORK_IPV6 = "2001:db8::/64"
"""The same in IPv6 (RFC 3849)."""
SWITCH_BRIDGE = "br0"


class Side(NamedTuple):
    """The underlay in one IP version: the node network, and who has which address there and outside."""

    network: Network
    router: str
    laptop: str
    internet: str
    outside: str

    @classmethod
    def of(cls, network: Network) -> Side:
        """The side of a node network.

        >>> print(*Side.of(ip_network("192.168.1.0/24"))[1:])
        192.168.1.1 192.168.1.10 203.0.113.9/24 203.0.113.1/24
        """
        tenth = min(10, network.num_addresses - 2)
        outside = ip_network(INTERNET_NETWORK if network.version == 4 else INTERNET_NETWORK_IPV6)
        internet, router = (f"{outside[number]}/{outside.prefixlen}" for number in (9, 1))
        return cls(network, str(network[1]), str(network[tenth]), internet, router)

    def node_addresses(self) -> Iterator[str]:
        """The nodes' addresses in order.  Raises AddressesExhausted behind the last one."""
        for number in range(2, self.network.num_addresses - 1):
            address = str(self.network[number])
            if address != self.laptop:
                yield address
        raise AddressesExhausted(str(self.network), "a node network with an address for the router, the laptop and each node",
                                 "give a larger node_network, such as '10.100.0.0/16'")

    def routes(self, name: str, interface: str) -> list[Route]:
        """A machine's routes, given its address with the prefix length."""
        routes = [connected("eth0", interface)]
        return routes if name == ROUTER else [Route(_default(self.router), via=self.router, dev="eth0"), *routes]


class Underlay:
    """Who has which address on the node network, and the namespaces of the machines that are not nodes.

        >>> underlay = Underlay(ip_network("192.168.1.0/24"))
        >>> underlay.address[LAPTOP], list(zip(range(2), underlay.node_addresses()))
        ('192.168.1.10', [(0, '192.168.1.2'), (1, '192.168.1.3')])

    ``second`` is the network of the other IP version; ``second_address`` has the addresses there.
    """

    def __init__(self, network: Network, mtu: int = 1500, second: Network | None = None) -> None:
        self.network = network
        self.mtu = mtu
        self._sides = tuple(Side.of(each) for each in (network, second) if each is not None)
        self.address, *more = [{ROUTER: side.router, LAPTOP: side.laptop, INTERNET: _bare(side.internet)}
                               for side in self._sides]
        self.second_address: dict[str, str] = more[0] if more else {}

    @property
    def ipv6(self) -> bool:
        """Whether the machines have IPv6 addresses."""
        return any(side.network.version == 6 for side in self._sides)

    def addresses_of(self, name: str) -> tuple[str, ...]:
        """The addresses of a machine outside the cluster by which one calls it."""
        return tuple(side[name] for side in (self.address, self.second_address) if name in side)

    def held(self) -> list[tuple[str, str]]:
        """The machines outside the cluster, each with every address that it has."""
        return [*self.address.items(), *self.second_address.items(), *((ROUTER, _bare(side.outside)) for side in self._sides)]

    def node_addresses(self) -> Iterator[str]:
        """The nodes' addresses in order.  Raises AddressesExhausted behind the last one."""
        return self._sides[0].node_addresses()

    def second_node_addresses(self) -> Iterator[str]:
        """Their addresses of the other IP version; none if there is none."""
        return self._sides[1].node_addresses() if len(self._sides) > 1 else iter(())

    def host_links(self, name: str, *addresses: str) -> list[Link]:
        """The interfaces that a machine has before any plugin runs: lo, and eth0 with a cable to the switch."""
        return [
            loopback(self.ipv6),
            Link("eth0", "ethernet", 2, mac_from_text(f"{name} eth0"), self.mtu, self._interfaces(addresses),
                 peer=End(SWITCH, port_to(name))),
        ]

    def host_routes(self, name: str, *addresses: str) -> list[Route]:
        """Its routes: the node network on the wire, and the router for everything else (which the router itself lacks)."""
        return [route for side, interface in zip(self._sides, self._interfaces(addresses), strict=True)
                for route in side.routes(name, interface)]

    def _interfaces(self, addresses: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"{address}/{side.network.prefixlen}" for address, side in zip(addresses, self._sides, strict=True))

    def host(self, name: str, learned: Learned, more: Iterable[Route] = ()) -> Namespace:
        """The namespace of a machine outside the cluster; ``more`` are routes that somebody wrote there."""
        if name == INTERNET:
            return self._internet(learned)
        addresses = self.addresses_of(name)
        links, routes = self.host_links(name, *addresses), [*self.host_routes(name, *addresses), *more]
        if name == ROUTER:
            outside = tuple(side.outside for side in self._sides)
            links.append(Link("eth1", "ethernet", 3, mac_from_text(f"{ROUTER} eth1"), 1500, outside,
                              peer=End(INTERNET, "eth0")))
            routes += [connected("eth1", each) for each in outside]
        return Namespace(name, "router" if name == ROUTER else "laptop", links, RouteTable(routes), forwarding=name == ROUTER,
                         learned=learned)

    def _internet(self, learned: Learned) -> Namespace:
        addresses = tuple(side.internet for side in self._sides)
        links = [loopback(self.ipv6), Link("eth0", "ethernet", 2, mac_from_text(f"{INTERNET} eth0"), 1500, addresses,
                                           peer=End(ROUTER, "eth1"))]
        routes = [route for side in self._sides for route in (
            connected("eth0", side.internet), Route(str(side.network), via=_bare(side.outside), dev="eth0"))]
        anywhere = ANY if self.ipv6 else ANY_IPV4
        listeners = (Listener("TCP", 80, "web server", anywhere), Listener("TCP", 443, "web server", anywhere),
                     Listener("UDP", 53, "DNS server", anywhere))
        return Namespace(INTERNET, INTERNET, links, RouteTable(routes), listeners=listeners, learned=learned)

    def switch(self, nodes: Sequence[Node], learned: Learned) -> Namespace:
        """The namespace of the switch: one bridge, and a port for each machine."""
        ports: Iterable[str] = [LAPTOP, ROUTER, *(node.name for node in nodes)]
        links = [Link(SWITCH_BRIDGE, "bridge", 2, mac_from_text(f"{SWITCH} {SWITCH_BRIDGE}"), self.mtu)]
        links += [
            Link(port_to(name), "ethernet", 3 + number, mac_from_text(f"{SWITCH} {name}"), self.mtu, master=SWITCH_BRIDGE,
                 peer=End(name, "eth0"))
            for number, name in enumerate(ports)
        ]
        return Namespace(SWITCH, "switch", links, RouteTable(), learned=learned)


def port_to(machine: str) -> str:
    """The name of the switch's port for a machine."""
    return f"to-{machine}"


def _bare(interface: str) -> str:
    """An address without its prefix length."""
    return interface.partition("/")[0]


def _default(address: str) -> str:
    """The destination of a default route of an address's IP version."""
    return "::/0" if ":" in address else "default"
