"""Packets through tables written by hand: each verdict, and what the walk says about it.

What Linux does in these cases was tried on Linux 6.18 with network namespaces.
"""

from __future__ import annotations

import pytest

from k8snet_course.linux.forward import send
from k8snet_course.linux.link import End, Link
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.route import Route, RouteTable
from k8snet_course.linux.trace import Action, Trace, Verdict
from tests.linux.networks import HandMade, host, port, router, switch


def one_wire(*, hairpin: bool = False) -> HandMade:
    """a (10.0.0.2), b (.3) and c (.4) on one bridge."""
    return HandMade(*(host(name, f"10.0.0.{number}/24", port("sw", name)) for name, number in (("a", 2), ("b", 3), ("c", 4))),
                    switch("sw", "a", "b", "c", hairpin=hairpin))


def two_wires(*routes: Route, back: bool = True, mtu: int = 1500) -> HandMade:
    """a (10.0.0.2) on the left, b (10.0.1.2) on the right of a router (10.0.0.1, 10.0.1.1)."""
    to_left = (Route("default", via="10.0.1.1", dev="eth0"),) if back else ()
    left, right = switch("left", "a", "r"), switch("right", "b", "r")
    net = HandMade(host("a", "10.0.0.2/24", port("left", "a"), Route("default", via="10.0.0.1", dev="eth0")),
                   host("b", "10.0.1.2/24", port("right", "b"), *to_left), left, right,
                   router("r", "10.0.0.1/24", "10.0.1.1/24", *routes, mtu=mtu))
    # The router's second cable ends in its eth1, which the switch helper cannot know.
    links = [link if link.name != "to-r" else Link("to-r", "veth", link.index, link.mac, master="br0", peer=End("r", "eth1"))
             for link in right.links.values()]
    net.of["right"] = Namespace("right", "switch", links, RouteTable())
    return net


def syn(src: str, dst: str, port: int = 80, **more: int) -> Packet:
    return Packet(src, dst, "TCP", 40000, port, kind="SYN", **more)


def ping(src: str, dst: str, **more: int) -> Packet:
    return Packet(src, dst, "ICMP", kind="echo request", **more)


def devices(trace: Trace | None) -> list[str]:
    assert trace is not None
    return [hop.device for hop in trace.hops]


def actions(trace: Trace) -> list[str]:
    return [f"{hop.device} {step.action}" for hop, step in trace.steps()]


def test_next_door() -> None:
    trace = send(one_wire(), "a", syn("10.0.0.2", "10.0.0.3"), "b", "b")
    assert trace.verdict is Verdict.DELIVERED and trace.answered
    assert devices(trace) == ["a", "sw", "b"] and devices(trace.reply) == ["b", "sw", "a"]
    assert actions(trace) == ["a originate", "a route", "a resolve", "sw bridge", "b deliver"]
    assert [step.packet.ttl for _, step in trace.steps()] == [64] * 5, "a bridge leaves the TTL alone"


def test_everybody_learns_from_arp() -> None:
    net = one_wire()
    send(net, "a", syn("10.0.0.2", "10.0.0.3"))
    assert [str(row) for row in net.of["a"].neighbours] == ["10.0.0.3 dev eth0 lladdr 0a:58:0a:00:00:03 REACHABLE"]
    assert [str(row) for row in net.of["b"].neighbours] == ["10.0.0.2 dev eth0 lladdr 0a:58:0a:00:00:02 REACHABLE"]
    assert len(net.of["c"].neighbours) == 0, "c heard the question, but it was not asked"
    assert [str(row) for row in net.of["sw"].fdb("br0")] == ["0a:58:0a:00:00:02 dev to-a master br0",
                                                            "0a:58:0a:00:00:03 dev to-b master br0"]


def test_the_second_packet_asks_nobody() -> None:
    net = one_wire()
    first, second = (send(net, "a", syn("10.0.0.2", "10.0.0.3")) for _ in range(2))
    asked = [next(step for _, step in trace.steps() if step.action is Action.RESOLVE) for trace in (first, second)]
    assert asked[0].changed and not asked[1].changed
    assert asked[1].why == "a knows already that 10.0.0.3 is at 0a:58:0a:00:00:03"


def test_to_oneself_touches_no_wire() -> None:
    trace = send(one_wire(), "a", syn("10.0.0.2", "10.0.0.2"), "a", "a")
    assert trace.answered and devices(trace) == ["a"]


def test_nobody_has_the_address() -> None:
    trace = send(one_wire(), "a", ping("10.0.0.2", "10.0.0.99"))
    assert trace.verdict is Verdict.NO_NEIGHBOUR and trace.reply is None, "the sender itself finds out: no ICMP packet travels"
    assert trace.reason == "a asked on eth0 who has 10.0.0.99, and nobody answered"


def test_no_route_at_the_sender() -> None:
    trace = send(one_wire(), "a", ping("10.0.0.2", "10.9.9.9"))
    assert trace.verdict is Verdict.NO_ROUTE and devices(trace) == ["a"] and trace.reply is None


def test_refused_comes_home_as_rst() -> None:
    trace = send(one_wire(), "a", syn("10.0.0.2", "10.0.0.3", port=81))
    assert trace.verdict is Verdict.REFUSED and not trace.answered
    assert trace.reply is not None and trace.reply.packet.kind == "RST" and trace.reply.verdict is Verdict.DELIVERED
    assert [candidate.why for candidate in trace.hops[-1].steps[-1].candidates] == ["another port"]


def test_udp_to_a_closed_port_comes_home_as_icmp() -> None:
    trace = send(one_wire(), "a", Packet("10.0.0.2", "10.0.0.3", "UDP", 40000, 80))
    assert trace.verdict is Verdict.REFUSED
    assert trace.reply is not None and str(trace.reply.packet) == "ICMP port unreachable 10.0.0.3 -> 10.0.0.2, TTL 64"


def test_two_owners_of_one_address() -> None:
    net = one_wire()
    net.of["c"] = host("c", "10.0.0.3/24", port("sw", "c"), mac="02:00:00:00:99:99")
    trace = send(net, "a", syn("10.0.0.2", "10.0.0.3"))
    assert trace.verdict is Verdict.ADDRESS_CONFLICT
    assert trace.reason == "b and c both have the address 10.0.0.3; this packet went to b"
    resolve = next(step for _, step in trace.steps() if step.action is Action.RESOLVE)
    assert [candidate.won for candidate in resolve.candidates] == [True, False]


def test_meant_for_another() -> None:
    trace = send(one_wire(), "a", syn("10.0.0.2", "10.0.0.3"), "c", "c")
    assert trace.verdict is Verdict.ADDRESS_CONFLICT
    assert trace.reason == "the packet was meant for c, but ended at b, which has the same address"


def test_through_a_router_the_ttl_falls() -> None:
    trace = send(two_wires(), "a", ping("10.0.0.2", "10.0.1.2"), "b", "b")
    assert trace.answered
    assert devices(trace) == ["a", "left", "r", "right", "b"]
    assert [step.packet.ttl for _, step in trace.steps()][-1] == 63
    macs = [step.looked_up for _, step in trace.steps() if step.action is Action.BRIDGE]
    assert macs == ["02:aa:00:00:00:01", "0a:58:0a:00:01:02"], "each wire has its own frame around the same packet"


def test_a_reply_without_a_way_home() -> None:
    trace = send(two_wires(back=False), "a", ping("10.0.0.2", "10.0.1.2"))
    assert trace.delivered and not trace.answered
    assert trace.reply is not None and trace.reply.verdict is Verdict.NO_ROUTE
    assert trace.reply.reason == "b has no route to 10.0.0.2"


def test_a_router_without_a_route_tells_the_sender() -> None:
    trace = send(two_wires(), "a", ping("10.0.0.2", "10.9.9.9"))
    assert trace.verdict is Verdict.NO_ROUTE and devices(trace) == ["a", "left", "r"]
    assert trace.reply is not None and trace.reply.delivered
    assert str(trace.reply.packet) == "ICMP net unreachable 10.0.0.1 -> 10.0.0.2, TTL 64"


def test_a_router_without_a_neighbour_tells_the_sender() -> None:
    trace = send(two_wires(), "a", ping("10.0.0.2", "10.0.1.77"))
    assert trace.verdict is Verdict.NO_NEIGHBOUR
    assert trace.reply is not None and trace.reply.packet.kind == "host unreachable"


def test_ttl_runs_out() -> None:
    trace = send(two_wires(), "a", ping("10.0.0.2", "10.0.1.2", ttl=1))
    assert trace.verdict is Verdict.TTL_EXCEEDED and devices(trace)[-1] == "r"
    assert trace.reply is not None and trace.reply.packet.kind == "time exceeded" and trace.reply.delivered


def test_a_routing_loop_ends_by_ttl() -> None:
    net = two_wires(Route("10.9.0.0/16", via="10.0.0.2", dev="eth0"))
    net.of["a"].forwarding = True
    trace = send(net, "a", ping("10.0.0.77", "10.9.9.9"))  # as if somebody behind a had sent it
    assert trace.verdict is Verdict.TTL_EXCEEDED
    assert devices(trace).count("r") == 32 and devices(trace).count("a") == 1 + 32, "64, 63, ... 1: a sends, then 32 each"


def test_a_packet_from_outside_that_bears_ones_own_address_is_forged() -> None:
    """Linux, ip_route_input (fib_validate_source): a martian source; found in real namespaces."""
    net = two_wires(Route("10.9.0.0/16", via="10.0.0.2", dev="eth0"))
    net.of["a"].forwarding = True
    trace = send(net, "a", ping("10.0.0.2", "10.9.9.9"))
    assert trace.verdict is Verdict.NO_ROUTE and devices(trace) == ["a", "left", "r", "left", "a"] and trace.reply is None
    assert trace.reason == ("the packet comes from outside, but its source is a's own address: it is taken for forged "
                            "(a martian)")


def test_an_icmp_error_is_never_answered_by_another() -> None:
    error = Packet("10.0.0.2", "10.9.9.9", "ICMP", kind="time exceeded")
    trace = send(two_wires(), "a", error)
    assert trace.verdict is Verdict.NO_ROUTE and trace.reply is None


def test_too_big_tells_the_mtu() -> None:
    trace = send(two_wires(mtu=1400), "a", ping("10.0.0.2", "10.0.1.2", payload=1400))
    assert trace.verdict is Verdict.TOO_BIG
    assert trace.reply is not None and trace.reply.packet.kind == "fragmentation needed, mtu 1400" and trace.reply.delivered
    assert send(two_wires(mtu=1400), "a", ping("10.0.0.2", "10.0.1.2", payload=1372)).answered, "1372 + 28 = 1400 just fits"


def test_no_forwarding_no_way_through() -> None:
    net = two_wires()
    net.of["r"].forwarding = False
    trace = send(net, "a", ping("10.0.0.2", "10.0.1.2"))
    assert trace.verdict is Verdict.NO_ROUTE and trace.reply is None, "Linux drops it in silence"
    assert trace.reason == "10.0.1.2 is not r's address, and r does not forward (ip_forward is 0)"


def test_a_wrong_permanent_neighbour() -> None:
    net = one_wire()
    net.of["a"].neighbours.add_permanent("10.0.0.3", "eth0", "02:de:ad:00:00:00")
    trace = send(net, "a", ping("10.0.0.2", "10.0.0.3"))
    assert trace.verdict is Verdict.NO_NEIGHBOUR and devices(trace) == ["a", "sw"]
    assert trace.reason == "behind no port of br0 is a device with the MAC address 02:de:ad:00:00:00"


def test_flooding_reaches_the_owner_once_the_fdb_is_empty() -> None:
    net = one_wire()
    send(net, "a", ping("10.0.0.2", "10.0.0.3"))
    net.of["sw"].fdb("br0").forget_port("to-b")
    trace = send(net, "a", ping("10.0.0.2", "10.0.0.3"))
    assert trace.answered
    assert "floods" in next(step.why for _, step in trace.steps() if step.action is Action.BRIDGE)


@pytest.mark.parametrize("hairpin", [False, True])
def test_hairpin(hairpin: bool) -> None:
    """A frame that must leave by the port it came in by: only a hairpin port sends it, and then it is back at its sender."""
    net = one_wire(hairpin=hairpin)
    net.of["a"].neighbours.add_permanent("10.0.0.3", "eth0", "0a:58:0a:00:00:02")
    trace = send(net, "a", ping("10.0.0.2", "10.0.0.3"), "b", "b")
    if hairpin:
        assert trace.verdict is Verdict.NO_ROUTE and devices(trace) == ["a", "sw", "a"]
    else:
        assert trace.verdict is Verdict.NO_NEIGHBOUR and "hairpin is off" in trace.reason


def test_a_bridge_loop_ends() -> None:
    """Two bridges with two cables between them and no spanning tree: a frame to nobody circles for ever on real wires."""
    net = HandMade(
        host("a", "10.0.0.2/24", port("one", "a")),
        Namespace("one", "switch", [Link("br0", "bridge", 2, "02:ff:00:00:00:01"),
                                    Link("to-a", "veth", 3, "02:00:00:00:00:01", master="br0", peer=End("a", "eth0")),
                                    Link("x", "veth", 4, "02:00:00:00:00:02", master="br0", peer=End("two", "x"))],
                  RouteTable()),
        Namespace("two", "switch", [Link("br0", "bridge", 2, "02:ff:00:00:00:02"),
                                    Link("x", "veth", 3, "02:00:00:00:00:03", master="br0", peer=End("one", "x"),
                                         hairpin=True)],
                  RouteTable()))
    net.of["one"].fdb("br0").learn("02:de:ad:00:00:00", "x")
    net.of["two"].fdb("br0").learn("02:de:ad:00:00:00", "x")
    net.of["one"].links["x"] = Link("x", "veth", 4, "02:00:00:00:00:02", master="br0", peer=End("two", "x"), hairpin=True)
    net.of["a"].neighbours.add_permanent("10.0.0.9", "eth0", "02:de:ad:00:00:00")
    trace = send(net, "a", ping("10.0.0.2", "10.0.0.9"))
    assert trace.verdict is Verdict.TTL_EXCEEDED and "circles" in trace.reason


def test_an_unplugged_cable() -> None:
    net = one_wire()
    net.of["a"] = Namespace("a", "pod", [Link("eth0", "veth", 2, "0a:58:0a:00:00:02", addresses=("10.0.0.2/24",))],
                            RouteTable([Route("10.0.0.0/24", dev="eth0")]))
    assert send(net, "a", ping("10.0.0.2", "10.0.0.3")).verdict is Verdict.NO_NEIGHBOUR


def test_the_device_chooses_the_source_address() -> None:
    net = two_wires()
    trace = send(net, "r", ping("", "10.0.1.2"))
    assert trace.packet.src == "10.0.1.1" and trace.answered


def test_the_text_is_the_same_in_every_run() -> None:
    texts = {str(send(two_wires(), "a", ping("10.0.0.2", "10.0.1.2"))) for _ in range(3)}
    assert len(texts) == 1
    assert send(two_wires(), "a", ping("10.0.0.2", "10.0.1.2")) == send(two_wires(), "a", ping("10.0.0.2", "10.0.1.2"))
