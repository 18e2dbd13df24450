"""Frames on the wire, read byte by byte, are those that the model says."""

from __future__ import annotations

import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import emulate
from k8snet_course.emulator.dissect import frame_of, packet_of
from k8snet_course.emulator.steady import steady
from k8snet_course.errors import NotFound
from k8snet_course.faults import WrongMtu
from k8snet_course.linux.packet import Frame, Packet
from k8snet_course.linux.tunnel import Tunnel, encapsulated
from k8snet_course.show.headers import stack
from tests.emulator.test_lab import REAL, two_nodes


def on_the_underlay(cluster: Cluster) -> list[str]:
    """The headers of the ping a -> c and of its answer, as the model has them when they leave node-1 and node-2."""
    trace = cluster.send("a", "c", None)
    assert trace.reply is not None
    packets = [next(step.packet for hop, step in walk.steps() if hop.device == node and step.packet.inner is not None
                    and step.action == "resolve") for walk, node in ((trace, "node-1"), (trace.reply, "node-2"))]
    return [without_port(str(header)) for packet in packets for header in stack(packet)]


def without_port(header: str) -> str:
    """The kernel chooses a tunnel's source port by a hash of its own."""
    return re.sub(r"^UDP \d+ →", "UDP ... →", header)


@REAL
@pytest.mark.parametrize("cni", ["flannel", "calico-vxlan"])
def test_a_ping_in_vxlan_has_the_headers_that_the_model_says(cni: str) -> None:
    cluster = two_nodes(cni)
    with emulate(cluster) as lab:
        lab.send("a", "c", None)  # so that nobody has to ask for MAC addresses any more
        frames = lab.frames("a", "c", None, device="node-1", link="eth0")
    cluster.send("a", "c", None)
    assert len(frames) == 2, [str(frame) for frame in frames]
    assert [without_port(str(header)) for frame in frames for header in stack(frame.packet)] == on_the_underlay(cluster)
    assert [frame.packet.size for frame in frames] == [134, 134], "84 and 50"


@REAL
@pytest.mark.parametrize(("cni", "pods", "nodes"), [
    ("flannel", "fd00:10:244::/56", "fd00:192:168:1::/64"), ("calico-vxlan", "fd00:10:244::/56", "fd00:192:168:1::/64"),
    ("flannel", "fd00:10:244::/56,10.244.0.0/16", "192.168.1.0/24,fd00:192:168:1::/64")])
def test_a_ping_in_ipv6_has_the_headers_that_the_model_says(cni: str, pods: str, nodes: str) -> None:
    cluster = Cluster(nodes=2, cni=cni, pod_cidr=pods, node_network=nodes)
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("c", node="node-2")
    with emulate(cluster) as lab:
        lab.send("a", "c", None)  # so that nobody has to ask for MAC addresses any more
        frames = lab.frames("a", "c", None, device="node-1", link="eth0")
    cluster.send("a", "c", None)
    assert len(frames) == 2, [str(frame) for frame in frames]
    assert [without_port(str(header)) for frame in frames for header in stack(frame.packet)] == on_the_underlay(cluster)
    assert all(frame.packet.carried is not None and frame.packet.carried.kind.startswith("echo") for frame in frames)


@REAL
def test_frames_of_ipv6_tcp_and_errors() -> None:
    cluster = Cluster(nodes=2, cni="flannel-host-gw", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("c", node="node-2")
    cluster.inject(WrongMtu("node-1", "eth0", 1300))
    with emulate(cluster) as lab:
        kinds = [frame.packet.kind for frame in lab.frames("a", "c", 81, device="node-1", link="eth0")]
        assert kinds == ["SYN", "RST"], "and nothing of the questions for neighbours"
        unreachable = lab.frames("a", "c", 53, "UDP", device="a", link="eth0")
        assert [str(frame.packet) for frame in unreachable][1] == (
            f"ICMPv6 port unreachable {cluster.pod('c').ip} -> {cluster.pod('a').ip}, hop limit 62")
        lost = lab.frames("a", "fd00:9::1", None, device="a", link="eth0")
        assert [frame.packet.kind for frame in lost] == [
            "echo request", cluster.send("a", "fd00:9::1", None).reply.packet.kind]  # type: ignore[union-attr]


def test_an_error_of_ipv6_says_what_would_pass() -> None:
    bytes_of = struct.pack("!IHBB", 6 << 28, 16, 58, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
    told = packet_of(bytes_of + struct.pack("!BBHI", 2, 0, 0, 1280) + bytes(8))
    assert told is not None
    assert (told.kind, told.src, told.dst, told.size) == ("packet too big, mtu 1280", "::1", "::2", 56)
    assert packet_of(bytes_of + struct.pack("!BBHI", 135, 0, 0, 0) + bytes(8)) is None, "a question for a neighbour"
    assert packet_of(bytes_of[:6] + b"\x2c" + bytes_of[7:] + bytes(16)) is None, "a piece of a packet"


def test_an_ipip_packet_is_what_the_model_makes() -> None:
    inner = Packet("10.244.0.2", "10.244.1.2", "ICMP", kind="echo request")
    small = bytes.fromhex("4500001c00004000400100000af400020af401020800f7ff00000000")
    outer = bytes.fromhex("450000300000400040040000c0a80102c0a80103")
    assert packet_of(outer + small) == encapsulated(inner, Tunnel("IPIP", "192.168.1.2"), "192.168.1.3")


@REAL
def test_frames_of_plain_routing_tcp_and_errors() -> None:
    with emulate(two_nodes("flannel-host-gw")) as lab:
        kinds = [frame.packet.kind for frame in lab.frames("a", "c", 81, device="node-1", link="eth0")]
        assert kinds == ["SYN", "RST"]
        first = lab.frames("a", "c", 80, device="a", link="eth0")[0]
        assert (first.dst_mac, first.packet.ttl) == ("0a:58:0a:f4:00:01", 64)
        unreachable = lab.frames("a", "c", 53, "UDP", device="a", link="eth0")
        assert [frame.packet.kind for frame in unreachable] == ["", "port unreachable"]
        with pytest.raises(NotFound, match="an interface of node-1"):
            lab.frames("a", "c", device="node-1", link="eth7")


@given(st.binary(max_size=120), st.integers(0, 65535))
def test_no_bytes_break_the_reader(data: bytes, port: int) -> None:
    frame = frame_of(data, {port})
    assert frame is None or isinstance(frame, Frame)
    header = bytes([0x45, 0]) + struct.pack("!H", len(data) + 20) + b"\0\0\x40\0\x40\x11\0\0" + bytes(8)
    packet = packet_of(header + data, {port})
    assert (packet is None) == (len(data) < 8)
    assert packet is None or packet.size == len(data) + 20
    packet = packet_of(struct.pack("!IHBB", 6 << 28, len(data), 17, 64) + bytes(32) + data, {port})
    assert (packet is None) == (len(data) < 8)
    assert packet is None or packet.size == len(data) + 40
    for protocol in range(256):
        packet_of(header[:9] + bytes([protocol]) + header[10:] + data, {port})
        packet_of(struct.pack("!IHBB", 6 << 28, len(data), protocol, 64) + bytes(32) + data, {port})


def test_a_fragment_is_no_packet() -> None:
    whole = bytes.fromhex("4500001c0000400040010000c0a80102c0a801030800f7ff00000000")
    assert packet_of(whole) is not None
    assert packet_of(whole[:6] + b"\x20\x00" + whole[8:]) is None


def test_what_changes_from_run_to_run_is_left_out() -> None:
    once = "# Completed on Sun Nov 29\n:A ACCEPT [3:4]\n1: eth0 link-netns k8snet-17-22-0-node-1\nrtt min/avg = 1/2 ms\nx  \n"
    assert steady(once) == ":A ACCEPT [0:0]\n1: eth0\nx"
