"""Rows that are no plain route: blackholes, rows with an MTU, and rows that lead to an eBPF program."""

from __future__ import annotations

from dataclasses import replace

import pytest

from k8snet_course.linux.forward import send
from k8snet_course.linux.link import End, Link, Tunnel, loopback
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.route import Route, RouteTable
from k8snet_course.linux.trace import Action, Verdict
from tests.linux.networks import HandMade, host, port, router, switch


def network(*rows: Route) -> HandMade:
    """h1 (10.1.0.2) - left - r - right - h2 (10.2.0.2), with more rows on r."""
    made = HandMade(host("h1", "10.1.0.2/24", port("left", "h1"), Route("default", via="10.1.0.1", dev="eth0")),
                    host("h2", "10.2.0.2/24", port("right", "h2"), Route("default", via="10.2.0.1", dev="eth0")),
                    switch("left", "h1", "r"), switch("right", "h2", "r"),
                    router("r", "10.1.0.1/24", "10.2.0.1/24", *rows))
    # The router's second cable ends in its eth1, which the switch helper cannot know.
    right = [link if link.name != "to-r" else replace(link, peer=End("r", "eth1")) for link in made.of["right"].links.values()]
    made.of["right"] = Namespace("right", "switch", right, RouteTable())
    return made


def ping(size: int = 56, dst: str = "10.2.0.2") -> Packet:
    return Packet("", dst, "ICMP", kind="echo request", payload=size)


def test_a_blackhole_swallows_in_silence_what_no_longer_prefix_takes() -> None:
    there = network(Route("10.2.0.0/16", dev="", kind="blackhole"))
    assert send(there, "h1", ping()).answered, "the connected /24 is longer"
    lost = send(there, "h1", ping(dst="10.2.9.9"))
    assert lost.verdict is Verdict.NO_ROUTE and lost.reply is None
    assert lost.hops[-1].device == "r" and "blackhole 10.2.0.0/16" in lost.reason


def test_the_device_itself_falls_into_its_blackhole_too() -> None:
    trace = send(network(Route("10.9.0.0/16", dev="", kind="blackhole")), "r", ping(dst="10.9.0.1"))
    assert trace.verdict is Verdict.NO_ROUTE and trace.reply is None


@pytest.mark.parametrize(("limit", "size", "fits"), [(1400, 1372, True), (1400, 1373, False), (9000, 1472, True),
                                                     (9000, 1473, False)])
def test_a_route_limits_the_packet_but_never_above_the_device(limit: int, size: int, fits: bool) -> None:
    """Linux: ip_dst_mtu_maybe_forward() honours the MTU of a route when forwarding."""
    trace = send(network(Route("10.2.0.2", dev="eth1", mtu=limit)), "h1", ping(size))
    assert trace.answered is fits
    if limit < 1500 and not fits:
        assert trace.verdict is Verdict.TOO_BIG and trace.reply is not None and trace.reply.delivered
        assert trace.reply.packet.kind == "fragmentation needed, mtu 1400"


@pytest.mark.parametrize(("row", "text"), [
    (Route("10.0.0.0/26", dev="", proto="bird", kind="blackhole"), "blackhole 10.0.0.0/26 proto bird"),
    (Route("default", via="10.0.0.1", dev="eth0", mtu=1450), "default via 10.0.0.1 dev eth0 mtu 1450"),
    (Route("10.1.0.0/24", via="10.1.0.0", dev="x", onlink=True, mtu=1450), "10.1.0.0/24 via 10.1.0.0 dev x onlink mtu 1450"),
])
def test_print(row: Route, text: str) -> None:
    assert str(row) == text


def with_program(*maps: Route) -> HandMade:
    """The same network; r's route to 10.2.0.0/24 leads to a device with an eBPF program."""
    made = network()
    old = made.of["r"]
    program = Link("prog", "veth", 9, "02:aa:00:00:00:09", peer=End("r", "prog"), program=True)
    tunnel = Link("tun", "vxlan", 8, "02:aa:00:00:00:08", tunnel=Tunnel("VXLAN", "10.1.0.1", 0, 8472, external=True))
    rows = [row for row in old.routes if row.dst != "10.2.0.0/24"] + [Route("10.2.0.0/24", dev="prog")]
    links = [*old.links.values(), tunnel, program]
    made.of["r"] = Namespace("r", "router", links, RouteTable(rows), forwarding=True, maps=RouteTable(maps))
    return made


def test_a_program_decides_by_its_maps() -> None:
    trace = send(with_program(Route("10.2.0.2", dev="eth1")), "h1", ping())
    assert trace.answered and trace.hops[-1].steps[-1].packet.ttl == 63
    lookups = [step.looked_up for hop, step in trace.steps() if hop.device == "r" and step.action is Action.ROUTE]
    assert lookups == ["route to 10.2.0.2", "eBPF map entry for 10.2.0.2"]


def test_a_program_without_an_entry_drops() -> None:
    trace = send(with_program(), "h1", ping())
    assert trace.verdict is Verdict.NO_ROUTE and trace.reply is None and "eBPF maps" in trace.reason


def test_the_program_names_the_tunnels_other_end() -> None:
    trace = send(with_program(Route("10.2.0.0/24", via="10.1.0.2", dev="tun")), "h1", ping())
    outer = next(step.packet for _, step in trace.steps() if step.action is Action.ENCAPSULATE)
    assert (outer.src, outer.dst, outer.dst_port) == ("10.1.0.1", "10.1.0.2", 8472)
    assert outer.carried == ping()._replace(src="10.1.0.2"), "the TTL did not fall"


def test_loopback_is_no_tunnel() -> None:
    assert loopback().tunnel is None and not loopback().program
