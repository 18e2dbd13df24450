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
from k8snet_course.linux.packet import Frame
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


def test_a_fragment_is_no_packet() -> None:
    whole = bytes.fromhex("4500001c0000400040010000c0a80102c0a801030800f7ff00000000")
    assert packet_of(whole) is not None
    assert packet_of(whole[:6] + b"\x20\x00" + whole[8:]) is None


def test_what_changes_from_run_to_run_is_left_out() -> None:
    once = "# Completed on Sun Nov 29\n:A ACCEPT [3:4]\n1: eth0 link-netns k8snet-17-22-0-node-1\nrtt min/avg = 1/2 ms\nx  \n"
    assert steady(once) == ":A ACCEPT [0:0]\n1: eth0\nx"
