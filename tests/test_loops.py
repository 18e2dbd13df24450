"""TTL and loops, through the front door."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import InvalidAddress, InvalidArgument, NotFound
from k8snet_course.faults import WrongRoute


def three_nodes() -> Cluster:
    cluster = Cluster(nodes=3, cni="cilium-native")
    for number in (1, 2, 3):
        cluster.add_pod(f"p{number}", node=f"node-{number}")
    return cluster


def test_two_nodes_that_take_each_other_for_the_way() -> None:
    cluster = three_nodes()
    there = cluster.pod("p3").ip.rpartition(".")[0] + ".0/24"
    cluster.inject(WrongRoute("node-1", there, "192.168.1.3"))
    cluster.inject(WrongRoute("node-2", there, "192.168.1.2"))
    trace = cluster.send("p1", "p3", port=None)
    assert trace.verdict == "ttl_exceeded" and trace.reply is not None and trace.reply.delivered
    assert "time exceeded" in trace.reply.packet.kind
    nodes = [hop.device for hop in trace.hops if hop.kind == "node"]
    assert len(nodes) == 64 and set(nodes) == {"node-1", "node-2"}
    cluster.repair()
    assert cluster.send("p1", "p3").answered


def test_one_wrong_route_is_a_detour() -> None:
    cluster = three_nodes()
    cluster.inject(WrongRoute("node-1", "10.244.2.0/24", "192.168.1.3"))
    trace = cluster.send("p1", "p3")
    assert trace.answered and [hop.device for hop in trace.hops if hop.kind == "node"] == ["node-1", "node-2", "node-3"]
    assert trace.reply is not None and [hop.device for hop in trace.reply.hops if hop.kind == "node"] == ["node-3", "node-1"]


def test_the_ttl_of_a_probe() -> None:
    """As traceroute does it: each router on the way reports in turn."""
    cluster = three_nodes()
    ends = []
    for ttl in (1, 2, 3):
        trace = cluster.send("p1", "p3", port=None, ttl=ttl)
        ends.append((str(trace.verdict), trace.hops[-1].device))
    assert ends == [("ttl_exceeded", "node-1"), ("ttl_exceeded", "node-3"), ("delivered", "default/p3")]
    for wrong in (0, 256, True, "64"):
        with pytest.raises(InvalidArgument):
            cluster.send("p1", "p3", ttl=wrong)  # type: ignore[arg-type]


def test_what_is_no_wrong_route() -> None:
    cluster = three_nodes()
    for fault, error in ((WrongRoute("node-1", "10.9.0.0/24", "192.168.1.3"), NotFound),
                         (WrongRoute("node-1", "10.244.2.0/24", "there"), InvalidAddress),
                         (WrongRoute("node-1", "10.244.2.0/24", "192.168.1.3", "eth9"), NotFound)):
        with pytest.raises(error):
            cluster.inject(fault)
    assert cluster.faults == () and cluster.send("p1", "p3").answered
