"""Faults, each made and repaired, and where the packet then dies: FACTS 16 case 3, 16b, and the MTU arithmetic of 5.6."""

from __future__ import annotations

import pytest

from k8snet_course import errors, faults
from k8snet_course.cluster import Cluster
from k8snet_course.faults import Fault


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=2, cni="flannel")
    made.add_pod("a", node="node-1")
    made.add_pod("b", node="node-1")
    made.add_pod("c", node="node-2")
    return made


VTEP_2 = Cluster(nodes=2, cni="flannel").node("node-1").fdb[0].mac
CASES: dict[str, tuple[Fault, str, str]] = {
    # the fault, the verdict of a -> c, and words of its reason
    "no route there": (faults.MissingRoute("node-1", "10.244.1.0/24"), "no_route", "router has no route to 10.244.1.2"),
    "no default route in the pod": (faults.MissingRoute("a", "10.244.0.0/16"), "delivered", ""),
    "no neighbour row": (faults.MissingNeighbour("node-1", "10.244.1.0"), "no_neighbour", "flannel.1"),
    "a wrong neighbour row": (faults.WrongNeighbour("node-1", "10.244.1.0", "02:00:00:00:00:99"), "no_neighbour", "no FDB row"),
    "no FDB row": (faults.MissingFdb("node-1", VTEP_2), "no_neighbour", "no FDB row"),
    "a wrong FDB row": (faults.WrongFdb("node-1", VTEP_2, "192.168.1.77"), "no_neighbour", "who has 192.168.1.77"),
    "a firewall in the underlay": (faults.BlockedPort("node-2", "UDP", 8472), "denied_ingress", "DROP"),
    "forwarding off": (faults.ForwardingOff("node-1"), "no_route", "ip_forward is 0"),
}


@pytest.mark.parametrize("what", CASES)
def test_where_the_packet_dies(cluster: Cluster, what: str) -> None:
    fault, verdict, words = CASES[what]
    assert cluster.send("a", "c", protocol="ICMP").answered
    cluster.inject(fault)
    trace = cluster.send("a", "c", protocol="ICMP")
    assert str(trace.verdict) == verdict and words in trace.reason, trace
    assert cluster.send("a", "b", protocol="ICMP").answered, "on one bridge nothing of this is needed"
    cluster.repair(fault)
    assert cluster.faults == () and cluster.send("a", "c", protocol="ICMP").answered


def test_no_route_back(cluster: Cluster) -> None:
    cluster.inject(faults.MissingRoute("node-2", "10.244.0.0/24"))
    trace = cluster.send("a", "c", protocol="ICMP")
    assert trace.delivered and not trace.answered
    assert trace.reply is not None and trace.reply.reason == "router has no route to 10.244.0.2"


def test_an_mtu_black_hole(cluster: Cluster) -> None:
    """Everything believes in 1500 bytes, but the tunnel needs 50 of them: small packets pass, large ones do not."""
    for device, link in (("a", "eth0"), ("c", "eth0"), ("node-1", "cni0"), ("node-1", "flannel.1"), ("node-1", "eth0")):
        cluster.inject(faults.WrongMtu(device, link, 1500 if link != "eth0" or device != "node-1" else 1450))
    assert cluster.send("a", "c", protocol="ICMP", size=1000).answered
    assert str(cluster.send("a", "c", protocol="ICMP", size=1472).verdict) == "too_big"


@pytest.mark.parametrize(("size", "verdict"), [(1422, "delivered"), (1423, "too_big")])
def test_the_largest_ping(cluster: Cluster, size: int, verdict: str) -> None:
    assert str(cluster.send("a", "c", protocol="ICMP", size=size).verdict) == verdict


def test_a_fault_about_nothing_changes_nothing(cluster: Cluster) -> None:
    for fault in (faults.MissingRoute("node-1", "10.9.0.0/16"), faults.MissingFdb("node-1", "02:00:00:00:00:00"),
                  faults.WrongMtu("node-1", "eth7", 1400), faults.MissingNeighbour("node-1", "10.9.9.9"),
                  faults.ForwardingOff("a"), faults.MissingRoute("nobody", "default")):
        with pytest.raises(errors.NotFound):
            cluster.inject(fault)
    for impossible in (faults.WrongMtu("node-1", "eth0", 20), faults.BlockedPort("node-1", "ICMP", 8)):
        with pytest.raises(errors.InvalidArgument):
            cluster.inject(impossible)
    for of_another_version in (faults.WrongRoute("node-1", "default", "fd00::1"), faults.WrongFdb("node-1", VTEP_2, "fd00::1")):
        with pytest.raises(errors.InvalidArgument, match="expected an IPv4 address"):
            cluster.inject(of_another_version)
    six = Cluster(cni="flannel", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    with pytest.raises(errors.InvalidArgument, match="add dev='eth0'"):
        six.inject(faults.WrongRoute("router", "2001:db8::/64", "fd00:192:168:1::2"))
    six.inject(faults.WrongRoute("router", "2001:db8::/64", "fd00:192:168:1::2", "eth0"))
    with pytest.raises(errors.NotFound):
        cluster.repair(faults.ForwardingOff("node-1"))
    assert cluster.faults == () and cluster.send("a", "c").answered


def test_repair_takes_back_all(cluster: Cluster) -> None:
    cluster.inject(faults.ForwardingOff("node-1"))
    cluster.inject(faults.MissingRoute("node-2", "10.244.0.0/24"))
    cluster.repair()
    assert cluster.send("a", "c").answered
