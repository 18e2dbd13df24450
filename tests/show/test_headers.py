"""A packet as nested headers: each with its bytes, and their sum is what an MTU limits."""

from __future__ import annotations

import pytest

from k8snet_course.linux.link import Tunnel
from k8snet_course.linux.packet import Frame, Packet
from k8snet_course.linux.trace import Action
from k8snet_course.linux.tunnel import encapsulated
from k8snet_course.show.headers import Header, leaves_by, line, stack
from tests.show.clusters import WALKS

SYN = Packet("10.244.0.2", "10.244.1.2", "TCP", 40000, 80, kind="SYN", ttl=63)
FRAME = Frame("5e:00:00:00:00:01", "5e:00:00:00:00:02", SYN)
INNER = [("IP", "10.244.0.2 → 10.244.1.2, TTL 63", 20), ("TCP", "SYN 40000 → 80", 20)]


def rows(packet: Packet) -> list[tuple[str, str, int]]:
    return [(header.name, header.text, header.size) for header in stack(packet)]


def test_a_plain_packet() -> None:
    assert rows(SYN) == INNER
    ping = Packet("10.0.0.1", "10.0.0.2", "ICMP", kind="echo request", payload=56)
    assert rows(ping) == [("IP", "10.0.0.1 → 10.0.0.2, TTL 64", 20), ("ICMP", "echo request", 8), ("data", "", 56)]


def test_a_packet_whose_source_is_not_chosen_yet_says_so() -> None:
    assert rows(Packet("", "10.0.0.2"))[0][1] == "(not chosen yet) → 10.0.0.2, TTL 64"


def test_an_icmp_error_quotes() -> None:
    found = rows(SYN.icmp_error("time exceeded", "10.244.0.1"))
    assert found[-1] == ("quoted", str(SYN), 28)


@pytest.mark.parametrize("kind", ["VXLAN", "Geneve"])
def test_a_frame_in_a_tunnel(kind: str) -> None:
    outer = encapsulated(FRAME, Tunnel(kind, "192.168.1.2", vni=7, port=8472), "192.168.1.3")
    assert rows(outer) == [
        ("IP", "192.168.1.2 → 192.168.1.3, TTL 64", 20),
        ("UDP", f"{outer.src_port} → 8472", 8),
        (kind, "VNI 7", 8),
        ("Ethernet", "5e:00:00:00:00:01 → 5e:00:00:00:00:02", 14),
        *INNER,
    ]
    assert [header.depth for header in stack(outer)] == [0, 0, 0, 1, 1, 1]
    assert outer.size - SYN.size == 50


def test_a_packet_in_a_packet() -> None:
    outer = encapsulated(SYN, Tunnel("IPIP", "192.168.1.2"), "192.168.1.3")
    assert rows(outer) == [("IP", "192.168.1.2 → 192.168.1.3, TTL 64", 20), *INNER]
    assert outer.size - SYN.size == 20


def test_in_one_line() -> None:
    outer = encapsulated(SYN, Tunnel("IPIP", "192.168.1.2"), "192.168.1.3")
    assert line(outer) == ("IP 192.168.1.2 → 192.168.1.3, TTL 64 | IP 10.244.0.2 → 10.244.1.2, TTL 63 | "
                           "TCP SYN 40000 → 80 | 60 bytes")
    assert str(Header("data", "", 5)) == "data (5 bytes)"


@pytest.mark.parametrize("name", WALKS)
def test_the_bytes_add_up_in_every_step_of_every_walk(name: str) -> None:
    trace = WALKS[name][1]
    for one in (trace, trace.reply):
        for _, step in one.steps() if one is not None else ():
            assert sum(header.size for header in stack(step.packet)) == step.packet.size


def test_the_interface_by_which_it_leaves_changes_at_the_tunnel() -> None:
    cluster, trace = WALKS["by flannel"]
    hop = trace.hops[1]
    found = {step.action: leaves_by(hop, number) for number, step in reversed(list(enumerate(hop.steps)))}
    assert found[Action.BRIDGE] == found[Action.ROUTE] == "flannel.1"
    assert found[Action.ENCAPSULATE] == "eth0"
    opened = trace.hops[3]
    assert [leaves_by(opened, 0), leaves_by(opened, len(opened.steps) - 1)] == ["cni0", opened.egress]
    last = trace.hops[-1]
    assert leaves_by(last, 0) == ""
    assert cluster.namespace("node-1").links["flannel.1"].mtu == 1450
