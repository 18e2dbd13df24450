"""Weave Net: one wire over all nodes.  FACTS 5.6."""

from __future__ import annotations

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.errors import AddressesExhausted
from k8snet_course.faults import BlockedPort, MissingFdb
from k8snet_course.linux.trace import Action, Verdict
from tests.cni.worlds import arrivals, largest_ping, outer, real, two_nodes


def test_tables() -> None:
    cluster = two_nodes("weave")
    node, pod = cluster.node("node-1"), cluster.pod("a")
    assert str(node.routes).splitlines() == [
        "default via 192.168.1.1 dev eth0", "10.32.0.0/12 dev weave proto kernel scope link src 10.32.0.1",
        "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.2"]
    assert str(node.fdb) == "00:00:00:00:00:00 dev vxlan-6784 dst 192.168.1.3 self permanent"
    assert str(pod.routes) == ("default via 10.32.0.1 dev eth0\n"
                               "10.32.0.0/12 dev eth0 proto kernel scope link src 10.32.0.2")
    assert [link.mtu for link in pod.links] == [65536, 1376]
    ports = [link.name for link in node.links if link.master == "weave"]
    assert ports[0] == "vxlan-6784" and all(name.startswith("vethwepl") and len(name) == 15 for name in ports[1:])


def test_shares_of_the_range() -> None:
    cluster = Cluster(nodes=4, cni="weave")
    assert [cluster.ipam(node.name).peek() for node in cluster.nodes] == ["10.32.0.2", "10.36.0.1", "10.40.0.1", "10.44.0.1"]
    assert cluster.pod_cidr == "10.32.0.0/12" and Cluster(cni="weave", pod_cidr="10.64.0.0/16").pod_cidr == "10.64.0.0/16"
    with pytest.raises(AddressesExhausted):
        Cluster(nodes=200, cni="weave", pod_cidr="10.64.0.0/24", node_mask_size=32)


def test_ttl_and_source() -> None:
    """No router between pods: 64 everywhere; the pod sees who really sent."""
    assert arrivals(two_nodes("weave"), ("a", "b"), ("a", "c"), ("a", "node-1"), ("a", "node-2"), ("node-1", "c")) == [
        (64, "10.32.0.2"), (64, "10.32.0.2"), (64, "10.32.0.2"), (63, "192.168.1.2"), (64, "10.32.0.1")]


def test_a_pod_asks_for_a_pod_of_another_node() -> None:
    cluster = two_nodes("weave")
    trace = cluster.send("a", "c")
    assert "10.40.0.1 dev eth0" in str(cluster.pod("a").neighbours), "a has the MAC address of c itself"
    learnt = [str(row) for row in cluster.node("node-1").fdb]
    mac = cluster.pod("c").links[1].mac
    assert f"{mac} dev vxlan-6784 master weave" in learnt and f"{mac} dev vxlan-6784 dst 192.168.1.3 self" in learnt
    assert Action.BRIDGE in [step.action for hop, step in trace.steps() if hop.device == "node-2"]
    assert [hop.device for hop in trace.hops] == ["default/a", "node-1", "underlay", "node-2", "default/c"]


def test_a_frame_for_an_unknown_mac_address_is_copied_to_the_other_nodes() -> None:
    cluster = two_nodes("weave")
    cluster.send("a", "c")
    for rows in (cluster.namespace("node-1").learned.fdb, cluster.namespace("node-2").learned.fdb):
        rows.clear()
    trace = cluster.send("a", "c")
    assert trace.answered and "floods" in str(trace)


def test_mtu_and_outer_packet() -> None:
    assert largest_ping(two_nodes("weave")) == 1376 - 28
    packet = outer(two_nodes("weave").send("a", "c"))
    assert (packet.src, packet.dst, packet.dst_port, packet.size) == ("192.168.1.2", "192.168.1.3", 6784, 90)


def test_a_blocked_port_cuts_the_wire() -> None:
    """Not even ARP crosses: the pod gets no answer to its question."""
    cluster = two_nodes("weave")
    cluster.inject(BlockedPort("node-2", "UDP", 6784))
    trace = cluster.send("a", "c")
    assert trace.verdict is Verdict.NO_NEIGHBOUR and len(trace.hops) == 1
    assert cluster.send("a", "b").answered
    cluster.repair()
    assert cluster.send("a", "c").answered


def test_without_the_row_for_copies_no_question_crosses() -> None:
    cluster = two_nodes("weave")
    cluster.inject(MissingFdb("node-1", "00:00:00:00:00:00"))
    assert cluster.send("a", "c").verdict is Verdict.NO_NEIGHBOUR and cluster.send("a", "b").answered


def test_the_same_address_on_two_nodes_is_a_conflict() -> None:
    """One wire: whoever has the address answers, on whatever node."""
    cluster = two_nodes("weave")
    cluster._control.holders[cluster.pod("b").ip] += ("default/c",)
    trace = cluster.send("a", "b")
    assert trace.verdict is Verdict.ADDRESS_CONFLICT and "b and c both have the address" in trace.reason


def test_three_nodes_and_a_pod_that_leaves() -> None:
    cluster = Cluster(nodes=3, cni="weave")
    for number in range(1, 4):
        cluster.add_pod(f"p{number}", node=f"node-{number}")
    arrivals(cluster, ("p1", "p2"), ("p1", "p3"), ("p2", "p3"), ("p3", "p1"))
    gone = cluster.pod("p3").ip
    cluster.delete("pod", "p3")
    assert not cluster.send("p2", gone).delivered
    cluster.add_pod("p4", node="node-3")
    arrivals(cluster, ("p1", "p4"), ("p4", "p2"))


def test_what_leaves_the_network_takes_the_nodes_address() -> None:
    trace = two_nodes("weave").send("a", "laptop", protocol="ICMP")
    assert trace.answered and [str(change) for change in trace.nat] == ["source: 10.32.0.2 -> 192.168.1.2"]


@pytest.mark.needs("ip", "ping", "root")
def test_real_linux_agrees() -> None:
    """A VXLAN device as a port of a bridge, with the model's FDB rows: ARP crosses, the TTL stays 64, the MTU is the pods'."""
    cluster = two_nodes("weave")
    with real() as world:
        world.add("node-1", "node-2", "a", "b", "c")
        world.cable("node-1", "eth0", "node-2", "eth0")
        for node in cluster.nodes:
            world.ip(node.name, f"addr add {node.ip}/24 dev eth0")
            world.ip(node.name, "link add weave type bridge")
            world.ip(node.name, f"link add vxlan-6784 type vxlan id 1 local {node.ip} dstport 6784 dev eth0")
            world.ip(node.name, "link set vxlan-6784 master weave up")
            bridge = cluster.namespace(node.name).links["weave"]
            world.ip(node.name, f"addr add {bridge.addresses[0]} dev weave")
            world.ip(node.name, "link set weave up")
            for row in cluster.node(node.name).fdb:
                world.exec(node.name, f"bridge fdb append {row.mac} dev vxlan-6784 dst {row.dst}")
        for pod in cluster.pods:
            inside = cluster.namespace(pod.key).links["eth0"]
            assert inside.peer is not None
            world.cable(pod.node, inside.peer.link, pod.name, "eth0")
            world.ip(pod.node, f"link set {inside.peer.link} master weave mtu 1376")
            world.ip(pod.name, f"link set eth0 address {inside.mac} mtu 1376")
            world.ip(pod.name, f"addr add {inside.addresses[0]} dev eth0")
        address = {pod.name: pod.ip for pod in cluster.pods}
        assert " ttl=64 " in world.ping("a", address["c"]) and " ttl=64 " in world.ping("node-1", address["c"])
        cluster.send("a", "c")
        for row in (row for row in cluster.node("node-1").fdb if row.dst and row.bridge):
            assert f"{row.mac} dst {row.dst} self" in world.exec("node-1", "bridge fdb show dev vxlan-6784")
        assert cluster.pod("c").links[1].mac in world.ip("a", f"neigh show {address['c']}")
        assert " ttl=64 " in world.ping("a", address["c"], 1348) and "ttl=" not in world.ping("a", address["c"], 1349)
