"""Encapsulation adds what the specifications say, and is undone exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.linux.link import Tunnel
from k8snet_course.linux.packet import Frame, Packet
from k8snet_course.linux.trace import Action
from k8snet_course.linux.tunnel import encapsulated

VXLAN, IPIP = Tunnel("VXLAN", "192.168.1.2", 1, 8472), Tunnel("IPIP", "192.168.1.2")


@given(st.integers(0, 9000), st.sampled_from(["TCP", "UDP", "ICMP"]))
def test_overhead(payload: int, protocol: str) -> None:
    """FACTS 5.6: VXLAN over IPv4 adds 50 bytes, IPIP 20."""
    inner = Packet("10.244.0.2", "10.244.1.2", protocol, payload=payload)
    frame = Frame("02:00:00:00:00:01", "02:00:00:00:00:02", inner)
    assert encapsulated(frame, VXLAN, "192.168.1.3").size == inner.size + 50
    assert encapsulated(inner, IPIP, "192.168.1.3").size == inner.size + 20
    assert encapsulated(frame, VXLAN, "192.168.1.3").carried == inner == encapsulated(inner, IPIP, "192.168.1.3").carried


def test_the_outer_packet() -> None:
    """FACTS 16 case 1: UDP from any port to 8472, VNI 1, between the nodes."""
    frame = Frame("02:00:00:00:00:01", "02:00:00:00:00:02", Packet("10.244.0.2", "10.244.1.2", "ICMP"))
    outer = encapsulated(frame, VXLAN, "192.168.1.3")
    assert (outer.src, outer.dst, outer.protocol, outer.dst_port, outer.kind) == (
        "192.168.1.2", "192.168.1.3", "UDP", 8472, "VXLAN 1")
    assert 32768 <= outer.src_port <= 60999


@given(st.integers(0, 1394))
def test_what_comes_out_of_the_tunnel_is_what_went_in(size: int) -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("c", node="node-2")
    trace = cluster.send("a", "c", protocol="ICMP", size=size)
    steps = [step for _, step in trace.steps()]
    into = next(step for step in steps if step.action is Action.ENCAPSULATE)
    out = next(step for step in steps if step.action is Action.DECAPSULATE)
    assert into.packet.carried == out.packet
    assert trace.answered


@pytest.mark.parametrize(("source", "target", "ttl", "seen"), [
    ("a", "b", 64, "10.244.0.2"), ("a", "c", 62, "10.244.0.2"), ("a", "node-1", 64, "10.244.0.2"),
    ("a", "node-2", 63, "192.168.1.2"), ("node-1", "a", 64, "10.244.0.1"), ("node-1", "c", 63, "10.244.0.0"),
    ("node-2", "c", 64, "10.244.1.1"), ("a", "laptop", 63, "192.168.1.2"),
])
def test_flannel_as_it_was_tried_on_linux(source: str, target: str, ttl: int, seen: str) -> None:
    """FACTS 16b, column "flannel VXLAN routes"."""
    cluster = Cluster(nodes=2, cni="flannel")
    for name, node in (("a", "node-1"), ("b", "node-1"), ("c", "node-2")):
        cluster.add_pod(name, node=node)
    last = cluster.send(source, target, protocol="ICMP").hops[-1].steps[-1].packet
    assert (last.ttl, last.src) == (ttl, seen)
