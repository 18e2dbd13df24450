"""A bridge without ports: what Linux 6.18 and iproute2 6.1 make of it, of its addresses, and of the routes by it."""

from __future__ import annotations

from k8snet_course.linux.carrier import with_carriers
from k8snet_course.linux.link import End, Link
from k8snet_course.linux.neighbour import NeighbourTable
from k8snet_course.linux.route import Route, RouteTable, connected

BRIDGE = Link("cni0", "bridge", 3, "0a:58:0a:f4:00:01", addresses=("10.244.0.1/24", "fd00:10:244::1/64"))
PORT = Link("veth1", "veth", 4, "02:00:00:00:00:01", master="cni0", peer=End("a", "eth0"))
CARD = Link("eth0", "ethernet", 2, "02:00:00:00:00:02", addresses=("192.168.1.2/24",))
ROUTES = [connected("eth0", "192.168.1.2/24"), *(connected("cni0", address) for address in BRIDGE.addresses),
          Route("10.250.0.0/16", via="10.244.0.9", dev="cni0", onlink=True, mtu=1400)]


def test_a_bridge_with_a_port_is_left_as_it_is() -> None:
    assert with_carriers([CARD, BRIDGE, PORT], ROUTES) == ([CARD, BRIDGE, PORT], ROUTES)
    assert with_carriers([CARD], ROUTES) == ([CARD], ROUTES)


def test_a_bridge_without_ports_is_down_and_keeps_its_addresses() -> None:
    (card, bridge), _ = with_carriers([CARD, BRIDGE], ROUTES)
    assert card == CARD and bridge.addresses == BRIDGE.addresses
    assert str(bridge).splitlines()[0] == (
        "3: cni0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group default qlen 1000")


def test_routes_by_it_are_marked_and_taken_all_the_same() -> None:
    table = RouteTable(with_carriers([CARD, BRIDGE], [*ROUTES, Route("default", via="192.168.1.1", dev="eth0")])[1])
    assert [str(row) for row in table] == [
        "default via 192.168.1.1 dev eth0",
        "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1 linkdown",
        "10.250.0.0/16 via 10.244.0.9 dev cni0 onlink linkdown mtu 1400",
        "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.2",
        "fd00:10:244::/64 dev cni0 proto kernel metric 256 linkdown pref medium"]
    for address in ("10.244.0.2", "fd00:10:244::2"):
        winner = table.lookup(address).winner
        assert winner is not None and winner.dev == "cni0"


def test_when_the_carrier_goes_the_neighbours_go_but_for_written_ones() -> None:
    table = NeighbourTable()
    table.add_permanent("10.244.0.7", "cni0", "02:00:00:00:00:07")
    table.learn("10.244.0.2", "cni0", "02:00:00:00:00:02")
    table.learn("192.168.1.1", "eth0", "02:00:00:00:00:03")
    table.miss("10.244.0.99", "cni0")
    table.miss("192.168.1.99", "eth0")
    table.carrier_lost("cni0")
    assert [row.address for row in table] == ["10.244.0.7", "192.168.1.1"]
    assert [row.address for row in table.unanswered] == ["192.168.1.99"]
