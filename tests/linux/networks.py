"""Small networks built by hand for the tests of the linux layer: no cluster, no plugin, only tables."""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.linux.link import End, Link, loopback, mac_from_address
from k8snet_course.linux.namespace import Listener, Namespace
from k8snet_course.linux.route import Route, RouteTable, connected


class HandMade:
    """Namespaces by name: a Network whose tables a test can write as it likes."""

    def __init__(self, *namespaces: Namespace) -> None:
        self.of = {namespace.name: namespace for namespace in namespaces}

    def namespace(self, name: str) -> Namespace:
        return self.of[name]

    def holders(self, address: str) -> Sequence[str]:
        return [name for name, namespace in self.of.items() if namespace.local_link(address) is not None]


def host(name: str, address: str, peer: End, *routes: Route, listen: int = 80, mac: str = "", mtu: int = 1500) -> Namespace:
    """A machine with one interface, a program on a TCP port, and a route to its own subnet."""
    ip = address.partition("/")[0]
    eth0 = Link("eth0", "veth", 2, mac or mac_from_address(ip), mtu, (address,), peer=peer)
    return Namespace(name, "pod", [loopback(), eth0], RouteTable([connected("eth0", address), *routes]),
                     listeners=(Listener("TCP", listen, "server"),))


def switch(name: str, *hosts: str, hairpin: bool = False) -> Namespace:
    """A bridge br0 with a port to each of the hosts."""
    ports = [Link(f"to-{other}", "veth", 3 + number, f"02:00:00:00:00:{number:02x}", master="br0", peer=End(other, "eth0"),
                  hairpin=hairpin) for number, other in enumerate(hosts)]
    return Namespace(name, "switch", [Link("br0", "bridge", 2, "02:ff:00:00:00:01"), *ports], RouteTable())


def port(switch_name: str, host_name: str) -> End:
    """Where a host's cable ends."""
    return End(switch_name, f"to-{host_name}")


def router(name: str, left: str, right: str, *routes: Route, mtu: int = 1500) -> Namespace:
    """A router between switch "left" (interface eth0) and switch "right" (interface eth1)."""
    links = [loopback(),
             Link("eth0", "ethernet", 2, "02:aa:00:00:00:01", 1500, (left,), peer=port("left", name)),
             Link("eth1", "ethernet", 3, "02:aa:00:00:00:02", mtu, (right,), peer=End("right", f"to-{name}"))]
    table = RouteTable([connected("eth0", left), connected("eth1", right), *routes])
    return Namespace(name, "router", links, table, forwarding=True)
