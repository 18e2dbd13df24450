"""Rules and chains, read as iptables reads them (iptables(8), iptables-extensions(8))."""

from __future__ import annotations

import pytest

from k8snet_course.linux.netfilter import Rule, Rules, Seen
from k8snet_course.linux.packet import Packet

SYN = Packet("10.244.0.2", "192.168.1.10", "TCP", 40000, 80)


def seen(packet: Packet = SYN, *, in_link: str = "", out_link: str = "eth0", mark: int = 0) -> Seen:
    return Seen(packet, in_link, out_link, mark, lambda address: address == "192.168.1.2")


def decides(*rules: Rule, what: Seen | None = None) -> str:
    ruling = Rules(nat=rules).ask("nat", "POSTROUTING", what or seen())
    return ruling.rule.target if ruling.rule is not None else "end"


@pytest.mark.parametrize(("conditions", "matches"), [
    ({}, True),
    ({"src": "10.244.0.0/16"}, True), ({"src": "!10.244.0.0/16"}, False), ({"src": "10.244.0.2"}, True),
    ({"dst": "10.0.0.0/8"}, False), ({"dst": "!10.0.0.0/8"}, True),
    ({"protocol": "tcp"}, True), ({"protocol": "udp"}, False), ({"protocol": "!udp"}, True),
    ({"protocol": "tcp", "dport": 80}, True), ({"protocol": "tcp", "dport": 81}, False),
    ({"out_link": "eth0"}, True), ({"out_link": "cali+"}, False), ({"out_link": "eth+"}, True), ({"out_link": "!eth0"}, False),
    ({"in_link": "cni0"}, False), ({"in_link": "!cni0"}, True),
    ({"mark": "0x4000/0x4000"}, False), ({"mark": "!0x4000/0x4000"}, True),
    ({"dst_type": "LOCAL"}, False), ({"dst_type": "!LOCAL"}, True),
    ({"src": "10.244.0.0/16", "dst": "10.244.0.0/16"}, False),
])
def test_conditions(conditions: dict[str, object], matches: bool) -> None:
    rule = Rule("POSTROUTING", "MASQUERADE", **conditions)  # type: ignore[arg-type]
    assert decides(rule) == ("MASQUERADE" if matches else "end")


def test_the_first_rule_that_matches_decides() -> None:
    assert decides(Rule("POSTROUTING", "ACCEPT", src="10.9.0.0/16"), Rule("POSTROUTING", "ACCEPT"),
                   Rule("POSTROUTING", "MASQUERADE")) == "ACCEPT"


def test_a_chain_that_returns_lets_the_caller_go_on() -> None:
    rules = (Rule("POSTROUTING", "MINE"), Rule("POSTROUTING", "MASQUERADE"), Rule("MINE", "RETURN", src="10.244.0.0/16"),
             Rule("MINE", "ACCEPT"))
    assert decides(*rules) == "MASQUERADE"
    assert decides(*rules, what=seen(Packet("172.16.0.1", "192.168.1.10"))) == "ACCEPT"


def test_a_mark_is_seen_by_later_rules_and_by_called_chains() -> None:
    rules = (Rule("POSTROUTING", "MARK-MASQ"), Rule("POSTROUTING", "MASQUERADE", mark="0x4000/0x4000"),
             Rule("MARK-MASQ", "MARK", to="0x4000/0x4000"))
    ruling = Rules(nat=rules).ask("nat", "POSTROUTING", seen())
    assert ruling.rule is not None and ruling.rule.target == "MASQUERADE" and ruling.mark == 0x4000


def test_every_rule_that_was_read_is_shown_with_why() -> None:
    rules = Rules(nat=[Rule("POSTROUTING", "ACCEPT", dst="10.0.0.0/8"), Rule("POSTROUTING", "MASQUERADE"),
                       Rule("POSTROUTING", "ACCEPT")])
    assert [(candidate.won, candidate.why) for candidate in rules.explain("nat", "POSTROUTING", seen())] == [
        (False, "destination 192.168.1.10 does not match"), (True, "decides")]


def test_chains_in_a_circle_are_refused() -> None:
    with pytest.raises(RecursionError, match="circle"):
        decides(Rule("POSTROUTING", "A"), Rule("A", "B"), Rule("B", "A"))


def test_text_is_that_of_iptables_save() -> None:
    assert str(Rule("KUBE-SERVICES", "KUBE-SVC-X", dst="10.96.0.10/32", protocol="udp", dport=53, comment="kube-dns")) == (
        '-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-dns" -m udp --dport 53 -j KUBE-SVC-X')
    assert str(Rule("KUBE-SEP-Y", "DNAT", protocol="tcp", to="10.244.0.2:8080")) == (
        "-A KUBE-SEP-Y -p tcp -j DNAT --to-destination 10.244.0.2:8080")
