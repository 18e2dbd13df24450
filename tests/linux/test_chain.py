"""The index of a long chain: rules that name a source address too give what reading from the top gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux.chain import FEW, Chain
from k8snet_course.linux.netfilter import Rules, Seen
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.rule import Rule

HOSTS = ("10.244.0.2", "10.244.0.3", "10.244.1.2")
networks = st.sampled_from(("", *HOSTS, *(f"{host}/32" for host in HOSTS), f"!{HOSTS[0]}/32", "10.244.0.0/24",
                            "!10.244.0.0/24"))
rules = st.lists(st.builds(
    lambda src, dst, port, to: Rule("POSTROUTING", to, src=src, dst=dst, protocol="tcp" if port else "", dport=port),
    networks, networks, st.sampled_from((0, 80, 81)), st.sampled_from(("", "", "ACCEPT", "MASQUERADE"))),
    min_size=FEW + 1, max_size=40)


@given(rules, st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from((0, 80, 82)))
def test_the_index_leaves_out_only_what_cannot_match(written: list[Rule], src: str, dst: str, port: int) -> None:
    seen = Seen(Packet(src, dst, "TCP", 40000, port), "", "eth0", 0, lambda address: False)
    chain = Chain(written)
    near = list(chain.near(seen.packet))
    assert [row for row in written if not row.missed(seen, 0)] == [row for row in near if not row.missed(seen, 0)]
    ruling = Rules(nat=written).ask("nat", "POSTROUTING", seen)
    assert ruling.rule == next((row for row in written if row.target and not row.missed(seen, 0)), None)
    assert len(ruling.looked_at) + ruling.others == len(written)


def test_members_for_other_sources_cost_nothing() -> None:
    chain = Chain(Rule("@KUBE-LOOP-BACK", "MASQUERADE", src=f"10.244.{n // 250}.{n % 250}/32", dst="10.244.9.9/32", dport=80)
                  for n in range(2000))
    assert len(list(chain.near(Packet("10.244.3.7", "10.244.9.9", "TCP", 40000, 80)))) == 1
    assert not list(chain.near(Packet("10.245.3.7", "10.244.9.9", "TCP", 40000, 80)))
    chain.add("late", [Rule("@KUBE-LOOP-BACK", "MASQUERADE", src="10.245.3.7/32", dst="10.244.9.9/32", dport=80)])
    assert len(list(chain.near(Packet("10.245.3.7", "10.244.9.9", "TCP", 40000, 80)))) == 1
    chain.remove("late")
    assert not list(chain.near(Packet("10.245.3.7", "10.244.9.9", "TCP", 40000, 80)))


def test_a_short_chain_knows_what_comes_and_goes() -> None:
    chain, packet = Chain([Rule("X", "ACCEPT")]), Packet(*HOSTS[:2])
    assert len(list(chain.near(packet))) == 1
    chain.add("more", [Rule("X", "DROP")])
    assert [row.target for row in chain.near(packet)] == ["ACCEPT", "DROP"]
    chain.remove("more")
    assert [row.target for row in chain.near(packet)] == ["ACCEPT"]


KEPT = st.lists(st.tuples(st.sampled_from(("add", "expect", "seek", "remove", "near", "read", "named")), st.integers(0, 5),
                          st.integers(1, 4), st.sampled_from((*HOSTS, "10.244.7.7"))), max_size=40)


@given(KEPT)
def test_expected_rules_stand_where_they_would_have_been_written(steps: list[tuple[str, int, int, str]]) -> None:
    """One chain writes what it expects when it has to, the other wrote it at once: nobody can tell them apart."""
    late, early = Chain(), Chain()
    rules: dict[int, list[Rule]] = {}

    def whose(address: str) -> list[int]:
        return [key for key, of in rules.items() if any(rule.dst == f"{address}/32" for rule in of)]

    for what, key, number, host in steps:
        packet = Packet(HOSTS[0], host, "TCP", 40000, 80)
        if what in ("add", "expect", "seek"):
            for chain in (late, early):
                chain.remove(key)
            rules[key] = [Rule("X", f"{key}-{one}", dst=f"{host}/32", protocol="tcp", dport=80 + one % 2)
                          for one in range(number)]
            early.add(key, rules[key])
            if what == "add":
                late.add(key, rules[key])
            else:
                late.expect(key, number, [host] if what == "expect" else whose, rules.__getitem__)
        elif what == "remove":
            late.remove(key), early.remove(key)
        elif what == "near":
            assert list(late.near(packet)) == list(early.near(packet))
        elif what == "named":
            assert late.destinations() == early.destinations()
        else:
            assert list(late) == list(early)
        assert len(late) == len(early)
    assert list(late) == list(early)


def test_rules_are_written_when_a_packet_to_their_address_comes() -> None:
    written: list[object] = []

    def write(key: object) -> list[Rule]:
        written.append(key)
        return [Rule("X", "ACCEPT", dst=f"10.0.0.{key}/32")]

    chain = Chain()
    for number in range(100):
        chain.expect(number, 1, [f"10.0.0.{number}"], write)
    assert len(chain) == 100 and len(chain.destinations()) == 100
    assert [row.dst for row in chain.near(Packet("10.1.0.1", "10.0.0.7"))] == ["10.0.0.7/32"]
    assert not list(chain.near(Packet("10.1.0.1", "10.9.9.9")))
    chain.remove(8)
    assert not list(chain.near(Packet("10.1.0.1", "10.0.0.8")))
    assert written == [7] and len(chain) == 99
    assert [row.dst for row in chain] == [f"10.0.0.{number}/32" for number in range(100) if number != 8]
    assert len(written) == 99
