"""Sets of addresses: what fits a member, what a rule that asks a set does, and how both are printed (ipset(8))."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from k8snet_course.linux.chain import Chain
from k8snet_course.linux.ipset import ADDRESS, PORT, SETS, SetMember, SetRule, create_line, listing
from k8snet_course.linux.netfilter import NAT, Rules
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.rule import Row, Rule, Seen

WEB = SetMember("WEB", dst="10.96.0.20/32", protocol="tcp", dport=80)


class Fixed:
    """A source with these rows, by table."""

    family, edition, serves = "IPv4", 1, False

    def __init__(self, rows: Iterable[tuple[str, Row]]) -> None:
        self._rows = list(rows)

    def chain(self, table: str, name: str) -> tuple[Chain, ...]:
        rows = [row for of, row in self._rows if (of, row.chain) == (table, name)]
        return (Chain(rows),) if rows else ()

    def names(self, table: str) -> list[str]:
        return [row.chain for of, row in self._rows if of == table]


def seen(src: str = "10.244.0.2", dst: str = "10.96.0.20", protocol: str = "TCP", port: int = 80) -> Seen:
    return Seen(Packet(src, dst, protocol, 40000, port), "", "", 0, lambda address: False)


def said(rule: SetRule, members: Iterable[SetMember], packet: Seen) -> str:
    rules = Rules(sources=[Fixed([(NAT, rule), *((SETS, member) for member in members)])])
    ruling = rules.ask(NAT, rule.chain, packet)
    return ruling.rule.target if ruling.rule is not None else ruling.looked_at[-1][1]


@pytest.mark.parametrize(("packet", "expected"), [
    (seen(), "DROP"), (seen(port=81), "not in the set WEB"), (seen(protocol="UDP"), "not in the set WEB"),
    (seen(dst="10.96.0.21"), "not in the set WEB"), (seen(src="10.244.9.9"), "DROP")])
def test_a_rule_asks_a_set(packet: Seen, expected: str) -> None:
    assert said(SetRule("INPUT", "DROP", set_name="WEB", directions="dst,dst"), [WEB], packet) == expected


def test_its_other_conditions_have_to_hold_too() -> None:
    rule = SetRule("INPUT", "DROP", src="!10.244.0.0/16", set_name="WEB", directions="dst,dst")
    assert said(rule, [WEB], seen()) == "source 10.244.0.2 does not match"
    assert said(rule, [WEB], seen("192.168.1.2")) == "DROP"
    assert said(rule, [], seen("192.168.1.2")) == "not in the set WEB", "an empty set has no member"


def test_a_long_set_is_found_in_as_a_short_one() -> None:
    members = [SetMember("WEB", dst=f"10.96.0.{number}/32", protocol="tcp", dport=80) for number in range(1, 60)]
    rule = SetRule("INPUT", "DROP", set_name="WEB", directions="dst,dst")
    assert said(rule, members, seen(dst="10.96.0.40")) == "DROP"
    assert said(rule, members, seen(dst="10.96.0.60")) == "not in the set WEB"


def test_a_third_part_is_the_source_an_address_or_a_network() -> None:
    rule = SetRule("INPUT", "RETURN", set_name="WEB", directions="dst,dst,src")
    jump = Rule("PREROUTING", "INPUT")
    for source, inside in (("10.244.0.0/16", True), ("10.244.0.2/32", True), ("10.244.1.0/24", False)):
        member = SetMember("WEB", src=source, dst="10.96.0.20/32", protocol="tcp", dport=80)
        rules = Rules(sources=[Fixed([(NAT, jump), (NAT, rule), (NAT, Rule("INPUT", "DROP")), (SETS, member)])])
        assert (rules.ask(NAT, "PREROUTING", seen()).rule is None) == inside


def test_a_source_can_be_looked_for_where_members_have_their_destination() -> None:
    rule = SetRule("INPUT", "DROP", set_name="WEB", directions="src,dst")
    assert said(rule, [WEB], seen("10.96.0.20", "10.96.0.99")) == "DROP"
    assert said(rule, [WEB], seen("10.96.0.99", "10.96.0.20")) == "not in the set WEB"


def test_texts() -> None:
    rule = SetRule("IN", "ACCEPT", comment="an external IP", set_name="WEB", directions="dst,dst", src_type="!LOCAL",
                   off_bridge=True)
    assert str(rule) == ('-A IN -m comment --comment "an external IP" -m set --match-set WEB dst,dst -m physdev '
                         "! --physdev-is-in -m addrtype ! --src-type LOCAL -j ACCEPT")
    refusal = SetRule("IN", "REJECT", set_name="ALL", directions="dst", ctstate="NEW", to="icmp-port-unreachable")
    assert str(refusal) == ("-A IN -m conntrack --ctstate NEW -m set --match-set ALL dst -j REJECT "
                            "--reject-with icmp-port-unreachable")
    assert SetMember("S", src="10.0.0.0/8", dst="fd00::1/128", protocol="udp", dport=53).words == "fd00::1,udp:53,10.0.0.0/8"
    assert create_line("S", ADDRESS, "IPv6") == "create S hash:ip family inet6 hashsize 1024 maxelem 65536"
    assert listing("S", PORT, "IPv4", []).endswith("Number of entries: 0\nMembers:")
