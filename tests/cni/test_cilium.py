"""Cilium: eBPF maps instead of bridges, with a tunnel and with native routing.  FACTS 5.5, 5.6."""

from __future__ import annotations

import pytest

from k8snet_course.faults import BlockedPort
from k8snet_course.linux.trace import Action, Verdict
from tests.cni.worlds import arrivals, largest_ping, outer, real, two_nodes

PAIRS = (("a", "b"), ("a", "c"), ("a", "node-1"), ("a", "node-2"), ("node-1", "c"))


def test_routes_of_a_node_with_a_tunnel() -> None:
    cluster = two_nodes("cilium")
    assert str(cluster.node("node-1").routes).splitlines() == [
        "default via 192.168.1.1 dev eth0",
        "10.244.0.0/24 via 10.244.0.1 dev cilium_host proto kernel src 10.244.0.1",
        "10.244.0.1 dev cilium_host proto kernel scope link",
        "10.244.1.0/24 via 10.244.0.1 dev cilium_host proto kernel src 10.244.0.1 mtu 1450",
        "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.2"]
    names = [link.name for link in cluster.node("node-1").links]
    assert names[:5] == ["lo", "eth0", "cilium_net", "cilium_host", "cilium_vxlan"]
    assert all(name.startswith("lxc") and len(name) == 15 for name in names[5:]) and len(names) == 7
    assert "4: cilium_host@cilium_net: " in str(cluster.node("node-1").links)
    assert not [link for link in cluster.node("node-1").links if link.kind == "bridge"]


def test_maps_of_a_node() -> None:
    """The endpoint map (own pods) and the ipcache (other nodes')."""
    cluster = two_nodes("cilium")
    ports = [link.name for link in cluster.node("node-1").links][5:]
    assert [str(row) for row in cluster.namespace("node-1").maps] == [
        f"10.244.0.2 dev {ports[0]}", f"10.244.0.3 dev {ports[1]}", "10.244.1.0/24 via 192.168.1.3 dev cilium_vxlan mtu 1450"]


def test_routes_of_a_node_without_a_tunnel() -> None:
    node = two_nodes("cilium-native").node("node-1")
    assert "10.244.1.0/24 via 192.168.1.3 dev eth0 proto kernel" in str(node.routes).splitlines()
    assert "cilium_vxlan" not in [link.name for link in node.links]


@pytest.mark.parametrize(("cni", "mtu"), [("cilium", " mtu 1450"), ("cilium-native", "")])
def test_pod_tables(cni: str, mtu: str) -> None:
    """The MTU is the route's: the devices keep 1500."""
    pod = two_nodes(cni).pod("a")
    assert str(pod.routes) == f"default via 10.244.0.1 dev eth0{mtu}\n10.244.0.1 dev eth0 scope link"
    assert "mtu 1500" in str(pod.links) and "inet 10.244.0.2/32 scope global eth0" in str(pod.links)


def test_ttl_and_source() -> None:
    """By deduction from Cilium's code: the TTL falls at the hand-over to a pod and where Linux routes, not into the tunnel."""
    assert arrivals(two_nodes("cilium"), *PAIRS) == [
        (63, "10.244.0.2"), (63, "10.244.0.2"), (64, "10.244.0.2"), (63, "192.168.1.2"), (63, "10.244.0.1")]
    assert arrivals(two_nodes("cilium-native"), *PAIRS) == [
        (63, "10.244.0.2"), (62, "10.244.0.2"), (64, "10.244.0.2"), (63, "10.244.0.2"), (63, "192.168.1.2")]


def test_mtu() -> None:
    cluster = two_nodes("cilium")
    assert largest_ping(cluster) == 1422 and largest_ping(two_nodes("cilium-native")) == 1472
    assert "route 'default'" in cluster.send("a", "c", protocol="ICMP", size=1423).reason


def test_outer_packet() -> None:
    packet = outer(two_nodes("cilium").send("a", "c"))
    assert (packet.src, packet.dst, packet.dst_port, packet.size) == ("192.168.1.2", "192.168.1.3", 8472, 90)


def test_an_address_without_map_entry_is_dropped() -> None:
    trace = two_nodes("cilium").send("a", "10.244.0.99", protocol="ICMP")
    assert trace.verdict is Verdict.NO_ROUTE and trace.reply is None and "eBPF maps" in trace.reason


def test_the_program_shows_the_rows_it_looked_at() -> None:
    trace = two_nodes("cilium").send("a", "c")
    lookups = [step for hop, step in trace.steps() if hop.device == "node-1" and step.action is Action.ROUTE]
    assert "cilium_host" in lookups[0].matched and "cilium_vxlan" in lookups[1].matched and len(lookups[1].candidates) == 3


def test_masquerading() -> None:
    for cni in ("cilium", "cilium-native"):
        trace = two_nodes(cni).send("a", "laptop", protocol="ICMP")
        assert trace.answered and [str(change) for change in trace.nat] == ["source: 10.244.0.2 -> 192.168.1.2"]


def test_a_blocked_port_kills_the_tunnel_and_nothing_else() -> None:
    cluster = two_nodes("cilium")
    cluster.inject(BlockedPort("node-2", "UDP", 8472))
    assert not cluster.send("a", "c").delivered
    assert cluster.send("a", "b").answered and cluster.send("a", "node-2", protocol="ICMP").answered


@pytest.mark.needs("ip", "ping", "root")
def test_real_linux_honours_the_mtu_of_a_route() -> None:
    """FACTS 5.5: the device keeps 1500, the route has 1450.  (Cilium's programs themselves are not tried.)"""
    with real() as world:
        world.add("pod", "node")
        world.cable("pod", "eth0", "node", "lxc")
        world.ip("pod", "addr add 10.244.0.2/32 dev eth0")
        world.ip("pod", "route add 10.244.0.1 dev eth0 scope link")
        world.ip("pod", "route add default via 10.244.0.1 dev eth0 mtu 1450")
        world.ip("node", "addr add 10.244.0.1/32 dev lo")
        world.ip("node", "addr add 10.9.9.9/32 dev lo")
        world.ip("node", "route add 10.244.0.2 dev lxc scope link")
        routes = [line.strip() for line in world.ip("pod", "route").splitlines()]
        assert routes == str(two_nodes("cilium").pod("a").routes).splitlines()
        assert " ttl=64 " in world.ping("pod", "10.9.9.9", 1422)
        assert "ttl=" not in world.ping("pod", "10.9.9.9", 1423)
