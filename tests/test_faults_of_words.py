"""What a fault leads to is said in true sentences, and odd faults are refused in one."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import CourseError
from k8snet_course.faults import BlockedPort, MissingRoute, WrongFdb, WrongNeighbour


def two_nodes() -> Cluster:
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    return cluster


@pytest.mark.parametrize("machine", ["192.168.1.10", "192.168.1.1"])
def test_a_tunnel_to_the_wrong_machine_is_no_address_conflict(machine: str) -> None:
    cluster = two_nodes()
    mac = next(row.mac for row in cluster.node("node-1").fdb if row.dst == "192.168.1.3")
    cluster.inject(WrongFdb("node-1", mac, machine))
    trace = cluster.send("a", "b")
    assert trace.verdict == "refused" and "no program there listens on UDP port 8472" in trace.reason
    assert trace.reply is None or "same address" not in trace.reply.reason


def test_a_blocked_port_is_blamed_on_its_own_rule() -> None:
    cluster = two_nodes()
    cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}")
    cluster.inject(BlockedPort("node-2", "UDP", 8472))
    reason = cluster.send("a", "b").reason
    assert "-A INPUT -p udp" in reason and "kubernetes" not in reason


def test_another_pod_of_the_same_name_is_whole() -> None:
    cluster = two_nodes()
    cluster.inject(MissingRoute("a", "default"))
    assert not cluster.send("a", "internet").answered
    cluster.delete("pod", "a")
    assert cluster.faults == ()
    cluster.add_pod("a", node="node-1")
    assert cluster.send("a", "internet").answered


@pytest.mark.parametrize("fault", [None, 5, "x", WrongFdb("node-1", "52:1c:4d:0b:56:0c", "here"), MissingRoute,
                                   WrongNeighbour("node-1", "10.244.1.0", "zz"), BlockedPort("a", "TCP", True)])
def test_what_is_no_fault(fault: object) -> None:
    cluster = two_nodes()
    with pytest.raises(CourseError):
        cluster.inject(fault)  # type: ignore[arg-type]
    assert cluster.faults == () and cluster.send("a", "b").answered


@pytest.mark.parametrize("call", [
    lambda c: c.add_pod("q", host_ports=[8080]), lambda c: c.add_pods(None), lambda c: c.add_pods(2.5),
    lambda c: c.add_pods("xyz"), lambda c: c.add_pod("q", host_network="no"), lambda c: c.repair(5),
])
def test_odd_arguments(call: object) -> None:
    cluster = two_nodes()
    with pytest.raises(CourseError):
        call(cluster)  # type: ignore[operator]
    assert len(cluster.pods) == 2
