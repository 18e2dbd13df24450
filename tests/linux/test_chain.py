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
