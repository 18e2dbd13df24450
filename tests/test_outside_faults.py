"""Faults of the machines that are no nodes: the router, the laptop, the switch."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.faults import BlockedPort, ForwardingOff, MissingRoute, WrongMtu


def test_a_router_that_does_not_forward() -> None:
    cluster = Cluster(nodes=2, cni="bcf")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    assert cluster.send("a", "b").answered
    fault = ForwardingOff("router")
    cluster.inject(fault)
    trace = cluster.send("a", "b")
    assert trace.verdict == "no_route" and trace.hops[-1].device == "router"
    cluster.repair(fault)
    assert cluster.send("a", "b").answered


@pytest.mark.parametrize("fault", [MissingRoute("router", "10.244.1.0/24"), WrongMtu("router", "eth0", 100)])
def test_other_rows_of_the_router(fault: object) -> None:
    cluster = Cluster(nodes=2, cni="bcf")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    cluster.inject(fault)  # type: ignore[arg-type]
    assert not cluster.send("a", "b", port=None, size=500).answered
    cluster.repair()
    assert cluster.send("a", "b", port=None, size=500).answered


def test_a_firewall_on_the_internet() -> None:
    cluster = Cluster(cni="flannel")
    cluster.add_pod("a")
    cluster.inject(BlockedPort("internet", "TCP", 443))
    assert cluster.send("a", "internet", port=443).verdict == "denied_ingress"
    assert cluster.send("a", "internet", port=80).answered
