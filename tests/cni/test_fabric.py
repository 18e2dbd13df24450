"""Sketches of three fabrics: what each shows must follow from its tables."""

from __future__ import annotations

import pytest

from k8snet_course.faults import BlockedPort
from tests.cni.worlds import arrivals, largest_ping, outer, real, two_nodes

FABRICS = ("nsx", "aci", "bcf")


@pytest.mark.parametrize(("cni", "ttl"), [("nsx", 64), ("aci", 64), ("bcf", 61)])
def test_ttl_and_source(cni: str, ttl: int) -> None:
    """One segment (64), or three routers in between: node, fabric, node (61)."""
    cluster = two_nodes(cni)
    assert arrivals(cluster, ("a", "b"), ("a", "c")) == [(64, "10.244.0.2"), (ttl, "10.244.0.2")]
    arrivals(cluster, ("node-1", "c"), ("c", "node-1"), ("node-2", "c"))


@pytest.mark.parametrize("cni", FABRICS)
def test_pods_keep_an_mtu_of_1500(cni: str) -> None:
    assert largest_ping(two_nodes(cni)) == 1472


@pytest.mark.parametrize(("cni", "port", "kind"), [("nsx", 6081, "Geneve 1"), ("aci", 8472, "VXLAN 1")])
def test_outer_packets_fit_into_the_fabric(cni: str, port: int, kind: str) -> None:
    cluster = two_nodes(cni)
    packet = outer(cluster.send("a", "c", protocol="ICMP", size=1472))
    assert (packet.dst_port, packet.kind, packet.size) == (port, kind, 1550)
    assert cluster.node("node-1").links[1].mtu == 1600 >= packet.size
    cluster.inject(BlockedPort("node-2", "UDP", port))
    assert not cluster.send("b", "c").delivered


def test_who_is_reached_from_outside() -> None:
    """ACI's and BCF's fabric knows the pods; NSX translates what leaves."""
    for cni, source in (("aci", "10.244.0.2"), ("bcf", "10.244.0.2"), ("nsx", "192.168.1.2")):
        cluster = two_nodes(cni)
        assert arrivals(cluster, ("a", "laptop")) == [(63, source)]
        assert cluster.send("laptop", "c").answered == (cni != "nsx")


def test_routes_stand_in_the_router_and_not_on_the_nodes() -> None:
    cluster = two_nodes("bcf")
    assert "10.244.1.0/24 via 192.168.1.3 dev eth0" in str(cluster.host("router").routes).splitlines()
    assert "10.244.1.0/24" not in str(cluster.node("node-1").routes)
    assert "router" in [hop.device for hop in cluster.send("a", "c").hops]
    assert "10.244.128.0/17" not in str(cluster.node("node-1").routes)


@pytest.mark.needs("ip", "ping", "root")
def test_real_linux_carries_pods_with_1500_bytes() -> None:
    """A VXLAN device as a port of a bridge, nodes with an MTU of 1600: pods keep 1500, the TTL stays 64.  Geneve was not tried:
    it is not in this kernel."""
    cluster = two_nodes("aci")
    with real() as world:
        world.add("node-1", "node-2", "a", "c")
        world.cable("node-1", "eth0", "node-2", "eth0")
        for node, other in (cluster.nodes, cluster.nodes[::-1]):
            world.ip(node.name, "link set eth0 mtu 1600")
            world.ip(node.name, f"addr add {node.ip}/24 dev eth0")
            world.ip(node.name, "link add br-int type bridge")
            world.ip(node.name, f"link add vxlan_sys_8472 type vxlan id 1 remote {other.ip} dstport 8472 dev eth0")
            world.ip(node.name, "link set vxlan_sys_8472 mtu 1550 master br-int up")
            world.ip(node.name, "link set br-int up")
        address = {pod.name: pod.ip for pod in cluster.pods}
        for name, where in (("a", "node-1"), ("c", "node-2")):
            world.cable(where, "port", name, "eth0")
            world.ip(where, "link set port master br-int")
            world.ip(name, f"addr add {address[name]}/16 dev eth0")
        assert " ttl=64 " in world.ping("a", address["c"], 1472) and "ttl=" not in world.ping("a", address["c"], 1473)


@pytest.mark.needs("ip", "ping", "root")
def test_real_linux_routes_as_the_fabric_does() -> None:
    """Three routers on the way, with the model's routes: TTL 61."""
    cluster = two_nodes("bcf")
    with real() as world:
        world.add("switch", "router", "node-1", "node-2", "a", "c")
        world.ip("switch", "link add br0 type bridge")
        world.ip("switch", "link set br0 up")
        for name in ("router", "node-1", "node-2"):
            world.cable("switch", f"to-{name}", name, "eth0")
            world.ip("switch", f"link set to-{name} master br0")
            world.ip(name, f"addr add {cluster.namespace(name).links['eth0'].addresses[0]} dev eth0")
            world.exec(name, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 "
                       "net.ipv4.conf.eth0.send_redirects=0")
        for name, node in (("a", "node-1"), ("c", "node-2")):
            pod, bridge = cluster.namespace(f"default/{name}"), cluster.namespace(node).links["br-int"]
            world.cable(node, "port", name, "eth0")
            world.ip(node, "link add br-int type bridge")
            world.ip(node, "link set port master br-int")
            world.ip(node, "link set br-int up")
            world.ip(node, f"addr add {bridge.addresses[0]} dev br-int")
            world.ip(name, f"addr add {pod.links['eth0'].addresses[0]} dev eth0")
            world.ip(name, f"route add default via {bridge.address}")
        for name in ("router", "node-1", "node-2"):
            for row in cluster.namespace(name).routes:
                if row.proto != "kernel":
                    world.ip(name, f"route add {row}")
        answer = world.ping("a", cluster.pod("c").ip)
        trace = cluster.send("a", "c", protocol="ICMP")
        assert trace.reply is not None and trace.reply.hops[-1].steps[-1].packet.ttl == 61
        assert " ttl=61 " in answer
