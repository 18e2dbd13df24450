"""Rules and chains, read as iptables reads them (iptables(8), iptables-extensions(8))."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux.chain import Chain
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.netfilter import Rule, Rules, Ruling, Seen, draw
from k8snet_course.linux.nftables import NftElement, NftRule
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
    ({"src_type": "LOCAL"}, False), ({"src_type": "!LOCAL"}, True),
    ({"ctstate": "NEW"}, True), ({"ctstate": "RELATED,ESTABLISHED"}, False), ({"ctstate": "!RELATED,ESTABLISHED,DNAT"}, True),
    ({"recent": "LIST", "recent_seconds": 60}, False),
    ({"src": "fd00::/64"}, False), ({"dst": "192.168.1.10/32"}, True),
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
        "-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment kube-dns -m udp --dport 53 -j KUBE-SVC-X")
    assert str(Rule("KUBE-SEP-Y", "DNAT", protocol="tcp", to="10.244.0.2:8080")) == (
        "-A KUBE-SEP-Y -p tcp -m tcp -j DNAT --to-destination 10.244.0.2:8080")
    assert str(Rule("A", "RETURN", mark="!0x4000/0x4000", ctstate="!NEW", src_type="!LOCAL", comment="a b")) == (
        '-A A -m comment --comment "a b" -m addrtype ! --src-type LOCAL -m conntrack ! --ctstate NEW '
        "-m mark ! --mark 0x4000/0x4000 -j RETURN")


@pytest.mark.parametrize(("state", "wanted", "matches"), [
    ("ESTABLISHED", "RELATED,ESTABLISHED", True), ("RELATED", "ESTABLISHED", False), ("NEW,DNAT", "DNAT", True),
    ("NEW,DNAT", "!RELATED,ESTABLISHED,DNAT", False), ("INVALID", "INVALID", True),
])
def test_the_state_of_the_connection(state: str, wanted: str, matches: bool) -> None:
    rule = Rule("POSTROUTING", "ACCEPT", ctstate=wanted)
    assert (decides(rule, what=seen()._replace(state=state)) == "ACCEPT") == matches


def test_chance_gives_each_rule_its_share_and_a_connection_always_the_same() -> None:
    rules = [Rule("POSTROUTING", "A", probability="0.25000000000"), Rule("POSTROUTING", "B", probability="0.33333333349"),
             Rule("POSTROUTING", "C", probability="0.50000000000"), Rule("POSTROUTING", "D"),
             *(Rule(chain, "DNAT", to=f"10.0.0.{number}") for number, chain in enumerate("ABCD"))]
    flows = [SYN._replace(src_port=port) for port in range(20000, 24000)]
    first, again = ([Rules(nat=rules).ask("nat", "POSTROUTING", seen(flow)).rule for flow in flows] for _ in range(2))
    assert first == again
    shares = Counter(rule.to for rule in first if rule is not None)
    assert len(shares) == 4
    assert all(abs(share - 1000) < 120 for share in shares.values()), shares


def test_chances_in_a_called_chain_do_not_depend_on_those_before() -> None:
    rules = [Rule("POSTROUTING", "HALF", probability="0.50000000000"),
             Rule("HALF", "ACCEPT", probability="0.50000000000"), Rule("HALF", "DROP")]
    found = Counter(decides(*rules, what=seen(SYN._replace(src_port=port))) for port in range(20000, 24000))
    assert abs(found["end"] - 2000) < 150
    assert abs(found["ACCEPT"] - 1000) < 120
    assert abs(found["DROP"] - 1000) < 120


def test_draws_are_uniform_and_tell_connections_apart() -> None:
    drawn = [draw(SYN._replace(src_port=port)) for port in range(10000, 20000)]
    tenths = Counter(int(luck * 10) for luck in drawn)
    assert sorted(tenths) == list(range(10))
    assert all(850 < count < 1150 for count in tenths.values())
    assert len({draw(SYN), draw(SYN, 1), draw(SYN._replace(dst_port=81)), draw(SYN._replace(protocol="UDP"))}) == 4


def test_a_client_is_remembered_by_whoever_asks_and_forgotten_in_time() -> None:
    rules = Rules(nat=[Rule("POSTROUTING", "ACCEPT", recent="LIST", recent_seconds=60),
                       Rule("POSTROUTING", "DROP", recent="LIST")])
    memory = Memory()
    what = seen()._replace(memory=memory)

    def target() -> str:
        ruling = rules.ask("nat", "POSTROUTING", what)
        assert ruling.rule is not None
        return ruling.rule.target

    assert target() == target() == "DROP", "asking alone remembers nothing"
    memory.note(rules.ask("nat", "POSTROUTING", what).remember)
    assert target() == "ACCEPT"
    memory.wait(60)
    assert target() == "ACCEPT"
    memory.wait(1)
    assert target() == "DROP"


def test_a_rule_without_a_target_does_nothing() -> None:
    assert decides(Rule("POSTROUTING", "", comment="only a note"), Rule("POSTROUTING", "ACCEPT")) == "ACCEPT"


def test_goto_does_not_come_back() -> None:
    rules = (Rule("A", "B", goto=True), Rule("A", "ACCEPT"), Rule("B", "RETURN"), Rule("POSTROUTING", "DROP"))
    assert decides(Rule("POSTROUTING", "A"), *rules) == "DROP"


def test_an_element_of_a_map_speaks_for_the_rule_that_asked() -> None:
    rules = (NftRule("POSTROUTING", "services"), NftRule("POSTROUTING", "MASQUERADE"), NftRule("services", "@map"),
             NftRule("services", "DROP"), NftRule("somewhere", "RETURN"))
    element = NftElement("@map", "somewhere", dst=SYN.dst, protocol="tcp", dport=80, goto=True)
    assert decides(*rules, element) == "MASQUERADE", "goto: the rest of the chain that asked is not read"
    assert decides(*rules, replace(element, dport=81)) == "DROP"
    assert decides(*rules, replace(element, target="REJECT")) == "REJECT"


def test_of_a_long_chain_those_that_matched_are_shown_and_the_others_counted() -> None:
    rules = Rules(nat=[*(Rule("POSTROUTING", "ACCEPT", dst=f"10.{n // 250}.{n % 250}.1/32", dport=80, protocol="tcp")
                         for n in range(10000)), Rule("POSTROUTING", "MASQUERADE", src="10.244.0.0/16")])
    ruling = rules.ask("nat", "POSTROUTING", seen(SYN._replace(dst="10.3.4.1")))
    assert [candidate.row for candidate in ruling.reading.candidates] == [
        "-A POSTROUTING -d 10.3.4.1/32 -p tcp -m tcp --dport 80 -j ACCEPT"]
    assert ruling.others == 10000
    assert ruling.reading.candidates == rules.explain("nat", "POSTROUTING", seen(SYN._replace(dst="10.3.4.1")))


ADDRESSES = st.sampled_from(("10.96.0.1", "10.96.0.2", "10.96.0.3"))
TARGETS = st.sampled_from(("ACCEPT", "DROP", "MARK", "RETURN", "ONE", "TWO", ""))
PORTS = st.sampled_from((0, 80, 81))


@st.composite
def rules_of(draw_from: st.DrawFn, chain: str, targets: st.SearchStrategy[str], least: int) -> list[Rule]:
    rules = []
    for _ in range(draw_from(st.integers(least, 30))):
        target = draw_from(targets)
        address = draw_from(ADDRESSES)
        dst = draw_from(st.sampled_from(("", address, f"{address}/32", f"!{address}/32", "10.96.0.0/12", "10.96.0.2/31")))
        rules.append(Rule(chain, target, dst=dst, dport=draw_from(PORTS), to="0x1/0x1" if target == "MARK" else "",
                          protocol=draw_from(st.sampled_from(("", "tcp", "udp"))),
                          mark=draw_from(st.sampled_from(("", "", "0x1/0x1", "!0x1/0x1"))),
                          probability=draw_from(st.sampled_from(("", "", "", "0.50000000000")))))
    return rules


class Linear(Chain):
    """A chain that is read from the top, without an index."""

    __slots__ = ()

    def near(self, packet: Packet, memory: Memory | None = None) -> Chain:
        return self


class FromTheTop:
    """A source whose chains have no index."""

    family = "IPv4"
    edition = 0
    serves = False

    def __init__(self, rules: list[Rule]) -> None:
        self.chains = {name: Linear([rule for rule in rules if rule.chain == name]) for name in ("POSTROUTING", "ONE", "TWO")}

    def chain(self, table: str, name: str) -> tuple[Chain, ...]:
        return (self.chains[name],) if table == "nat" and name in self.chains else ()

    def names(self, table: str) -> tuple[str, ...]:
        return tuple(self.chains)


@given(rules_of("POSTROUTING", TARGETS, 9), rules_of("ONE", st.sampled_from(("ACCEPT", "MARK", "TWO", "RETURN")), 0),
       rules_of("TWO", st.sampled_from(("DROP", "MARK", "RETURN")), 0), ADDRESSES, PORTS, st.integers(1, 50))
def test_the_index_gives_what_reading_from_the_top_gives(first: list[Rule], one: list[Rule], two: list[Rule], dst: str,
                                                         port: int, sport: int) -> None:
    rules = [*first, *one, *two]
    what = seen(Packet("10.244.0.2", dst, "TCP", sport, port))

    def matched(ruling: Ruling) -> tuple[object, ...]:
        hits = [str(row) for row, why in ruling.looked_at if why in ("decides", "goes on")]
        return ruling.rule, ruling.mark, hits, len(ruling.looked_at) + ruling.others

    indexed = Rules(nat=rules).ask("nat", "POSTROUTING", what)
    linear = Rules(sources=[FromTheTop(rules)]).ask("nat", "POSTROUTING", what)
    assert matched(indexed) == matched(linear)


BASE = Seen(Packet("10.96.0.1", "10.96.0.2", "TCP", 40000, 80), "cni0", "eth0", 0, lambda address: False)
WHATS = (BASE, *(BASE._replace(packet=BASE.packet._replace(**{field: value})) for field, value in (
    ("src", "10.96.0.2"), ("dst", "10.96.0.3"), ("protocol", "UDP"), ("src_port", 40001), ("dst_port", 81))),
    *(BASE._replace(**{field: value}) for field, value in (
        ("in_link", "eth0"), ("out_link", "cni0"), ("mark", 1), ("is_local", lambda address: True), ("state", "NEW,DNAT"),
        ("state", "ESTABLISHED"), ("seed", 1), ("owner", 1337))))
"""One thing that rules can look at, and others that differ from it in one point each."""
CONDITIONS = ({}, {"dst": "10.96.0.2/32"}, {"src": "!10.96.0.0/31"}, {"protocol": "tcp", "dport": 80}, {"in_link": "!cni+"},
              {"out_link": "eth0"}, {"ctstate": "NEW"}, {"ctstate": "!DNAT"}, {"src_type": "LOCAL"}, {"dst_type": "!LOCAL"},
              {"uid_owner": 1337}, {"mark": "0x1/0x1"}, {"probability": "0.50000000000"})
RULES = st.lists(st.builds(lambda target, one, other: Rule("POSTROUTING", target, **{**one, **other},
                                                           to="0x1/0x1" if target == "MARK" else ""),
                           TARGETS, st.sampled_from(CONDITIONS), st.sampled_from(CONDITIONS)), min_size=1, max_size=12)


@given(RULES, st.permutations(WHATS))
def test_what_is_remembered_of_a_reading_is_what_reading_anew_gives(rules: list[Rule], whats: list[Seen]) -> None:
    used = Rules(nat=rules)
    for what in whats:
        assert used.ask("nat", "POSTROUTING", what) == Rules(nat=rules).ask("nat", "POSTROUTING", what)


def test_a_list_of_clients_is_asked_each_time() -> None:
    memory = Memory()
    rules = Rules(nat=[Rule("POSTROUTING", "ACCEPT", recent="web", recent_seconds=60), Rule("POSTROUTING", "DROP")])
    what = seen()._replace(memory=memory)
    found = []
    for visit in ((), [("web", SYN.src)]):
        memory.note(visit)
        found += [ruling.rule.target for _ in range(2) if (ruling := rules.ask("nat", "POSTROUTING", what)).rule is not None]
    assert found == ["DROP", "DROP", "ACCEPT", "ACCEPT"]


def test_a_draw_is_made_for_each_connection() -> None:
    rules = Rules(nat=[Rule("POSTROUTING", "ACCEPT", probability="0.50000000000"), Rule("POSTROUTING", "DROP")])
    found = Counter(ruling.rule.target for seed in range(400)
                    if (ruling := rules.ask("nat", "POSTROUTING", seen()._replace(seed=seed))).rule is not None)
    assert 150 < found["ACCEPT"] < 250 and found.total() == 400


def test_what_is_remembered_ends_with_the_edition_of_the_source() -> None:
    source = FromTheTop([Rule("POSTROUTING", "DROP")])
    rules = Rules(sources=[source])
    what = seen()
    first = rules.ask("nat", "POSTROUTING", what)
    source.chains["POSTROUTING"] = Linear([Rule("POSTROUTING", "ACCEPT")])
    assert rules.ask("nat", "POSTROUTING", what) is first
    source.edition += 1
    second = rules.ask("nat", "POSTROUTING", what)
    assert (first.rule, second.rule) == (Rule("POSTROUTING", "DROP"), Rule("POSTROUTING", "ACCEPT"))


@given(st.lists(st.tuples(st.sampled_from(("add", "remove")), st.integers(0, 4), st.integers(0, 12)), max_size=40), ADDRESSES)
def test_groups_that_come_and_go_leave_what_a_fresh_chain_has(steps: list[tuple[str, int, int]], dst: str) -> None:
    chain, groups = Chain(), {}
    packet = Packet("10.244.0.2", dst, "TCP", 1, 80)
    for what, key, number in steps:
        list(chain.near(packet))
        chain.remove(key)
        groups.pop(key, None)
        if what == "add":
            groups[key] = [Rule("X", "ACCEPT", dst=f"10.96.0.{n % 4}/32", dport=80, protocol="tcp", comment=f"{key} {n}")
                           for n in range(number)]
            chain.add(key, groups[key])
    wanted = [rule for group in groups.values() for rule in group]
    assert list(chain) == wanted
    assert list(chain.near(packet)) == list(Chain(wanted).near(packet))
