"""REDIRECT, rules about the sending program's user, and the loopback network: what a sidecar needs of Linux."""

from __future__ import annotations

import pytest

from k8snet_course.linux.forward import send
from k8snet_course.linux.link import Link, loopback
from k8snet_course.linux.namespace import Listener, Namespace
from k8snet_course.linux.netfilter import Rule, Rules, Seen
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.route import Route, RouteTable
from tests.linux.networks import HandMade

PROXY = 1337
RULES = [Rule("OUTPUT", "RETURN", uid_owner=PROXY), Rule("OUTPUT", "REDIRECT", protocol="tcp", to="15001")]


def alone(rules: list[Rule], ipv6: bool = False) -> HandMade:
    """One device with a way out, and programs on two ports."""
    ways = RouteTable([Route("default", via="10.0.0.1", dev="eth0"), Route("::/0", via="fe80::1", dev="eth0")])
    listeners = (Listener("TCP", 15001, "proxy", "*"), Listener("TCP", 80, "web", "*"))
    return HandMade(Namespace("a", "pod", [loopback(ipv6), Link("eth0", "veth", 2, "0a:58:0a:00:00:02")], ways,
                              listeners=listeners, rules=Rules(rules), rules6=Rules(rules)))


@pytest.mark.parametrize(("wanted", "local", "shown"), [
    ("10.0.0.9", "127.0.0.1", "127.0.0.1:15001"), ("fd00::9", "::1", "[::1]:15001")])
def test_a_redirected_packet_ends_at_the_device_itself_and_its_answer_hides_that(wanted: str, local: str, shown: str) -> None:
    trace = send(alone(RULES, ipv6=True), "a", Packet(local, wanted, "TCP", 40000, 80, kind="SYN"))
    assert trace.answered and "proxy in a listens on TCP port 15001" in trace.reason
    assert [str(change) for change in trace.nat] == [f"destination: {wanted} -> {local}", "destination port: 80 -> 15001"]
    assert trace.reply is not None and f"SYN-ACK {shown} -> " in str(trace.reply.packet)
    back = trace.reply.hops[-1].steps[-1].packet
    assert (back.src, back.src_port) == (wanted, 80), "the program sees the answer of whom it asked"


def test_another_protocol_and_the_named_user_are_left_alone() -> None:
    udp = send(alone(RULES), "a", Packet("127.0.0.1", "127.0.0.1", "UDP", 40000, 80))
    assert udp.nat == ()
    proxy = send(alone(RULES), "a", Packet("127.0.0.1", "127.0.0.1", "TCP", 40000, 80, kind="SYN"), owner=PROXY)
    assert proxy.nat == () and "web in a" in proxy.reason
    other = send(alone(RULES), "a", Packet("127.0.0.1", "127.0.0.1", "TCP", 40000, 80, kind="SYN"), owner=1)
    assert "proxy in a" in other.reason


def test_the_rules_read_as_iptables_prints_them() -> None:
    assert [str(rule) for rule in RULES] == [
        "-A OUTPUT -m owner --uid-owner 1337 -j RETURN", "-A OUTPUT -p tcp -j REDIRECT --to-ports 15001"]
    seen = Seen(Packet("127.0.0.1", "10.0.0.9"), "", "", 0, lambda address: False)
    assert RULES[0].missed(seen, 0) == "sent by another user than 1337"


def test_all_of_127_is_the_device_itself() -> None:
    trace = send(alone([]), "a", Packet("127.0.0.6", "127.9.9.9", "TCP", 40000, 80, kind="SYN"))
    assert trace.answered and trace.reply is not None and trace.reply.packet.dst == "127.0.0.6"
    assert send(alone([]), "a", Packet("127.0.0.1", "128.0.0.1", "TCP", 40000, 80, kind="SYN")).verdict == "no_neighbour"
    bare = Namespace("b", "switch", [], RouteTable())
    assert bare.local_link("127.0.0.6") is None, "without lo there is no loopback"
