"""What is remembered of a reading in which chance had a say is what reading anew gives, to the word, and is not read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux import netfilter
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.netfilter import Rules, Seen
from k8snet_course.linux.nftables import NftChoice
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.remembered import Parts
from k8snet_course.linux.rule import Row, Rule
from k8snet_course.services.kube_proxy.virtual_server import VirtualServer

SHARES = st.sampled_from(("", "", "0.50000000000", "0.33333333349", "0.10000000009", "1.00000000000"))
TARGETS = st.sampled_from(("ACCEPT", "DROP", "MARK", "NEXT", "RETURN", ""))


def row(chain: str, target: str, share: str, dst: str = "", among: int = 0) -> Row:
    if among:
        return NftChoice(chain, "", among=tuple(f"END-{number}" for number in range(among)))
    return Rule(chain, target, probability=share, dst=dst, to="0x1/0x1" if target == "MARK" else "")


ROWS = st.lists(st.tuples(TARGETS, SHARES, st.sampled_from(("", "", "10.96.0.9/32")), st.sampled_from((0, 0, 0, 0, 3))),
                max_size=14)
ENDS = [Rule(f"END-{number}", "DNAT", to=f"10.244.0.{number}:80") for number in range(3)]


def question(seed: int) -> Seen:
    return Seen(Packet("10.244.0.2", "10.96.0.1", "TCP", 40000, 80), "", "eth0", 0, never_local, seed=seed)


def never_local(address: str) -> bool:
    return False


@given(ROWS, ROWS, st.permutations(range(12)))
def test_a_number_in_a_known_part_gets_what_reading_gives(first: list[tuple[str, str, str, int]],
                                                          then: list[tuple[str, str, str, int]], seeds: list[int]) -> None:
    rules = [row("POSTROUTING", *one) for one in first] + [
        row("NEXT", "" if one[0] == "NEXT" else one[0], *one[1:]) for one in then] + ENDS
    used = Rules(nat=rules)
    for seed in (*seeds, *seeds):
        ruling, anew = (each.ask("nat", "POSTROUTING", question(seed)) for each in (used, Rules(nat=rules)))
        assert (ruling, ruling.reading) == (anew, anew.reading)


@given(st.lists(st.sampled_from(("rr", "wrr", "lc", "sh", "lblc")), min_size=1, max_size=2), st.sampled_from((0, 60)),
       st.lists(st.tuples(SHARES, st.sampled_from(("MARK", "", "NEXT"))), max_size=3),
       st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 2)), max_size=20))
def test_a_scheduler_is_asked_for_each_packet(schedulers: list[str], persistent: int, before: list[tuple[str, str]],
                                              connections: list[tuple[int, bool, int]]) -> None:
    """It looks at the connections that there are, and they change from packet to packet."""
    servers = [VirtualServer("POSTROUTING", "", dst="10.96.0.1/32", protocol="tcp", dport=80, scheduler=scheduler,
                             servers=("10.244.0.1:80", "10.244.0.2:80", "10.244.1.1:80"), persistent=persistent)
               for scheduler in schedulers]
    rules = [*(row("POSTROUTING", target, share) for share, target in before), Rule("NEXT", ""), *servers]
    used, memory = Rules(nat=rules), Memory()
    for client, close, seed in connections:
        asked = question(seed)
        asked = asked._replace(memory=memory, packet=asked.packet._replace(src=f"10.244.0.{client + 10}"))
        ruling, anew = (each.ask("nat", "POSTROUTING", asked) for each in (used, Rules(nat=rules)))
        assert (ruling, ruling.reading) == (anew, anew.reading)
        memory.note(ruling.remember)
        if close and ruling.remember:
            memory.closed(*ruling.remember[0])


def endpoints(number: int) -> list[Rule]:
    return [Rule("POSTROUTING", "DNAT", to=f"10.244.0.{place}:80", probability=f"{1 / (number - place):.11f}")
            for place in range(number - 1)] + [Rule("POSTROUTING", "DNAT", to=f"10.244.0.{number - 1}:80")]


@pytest.mark.parametrize("number", [3, 40])
def test_what_is_known_is_not_read_again(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Rules(nat=endpoints(number))
    first = [rules.ask("nat", "POSTROUTING", question(seed)).rule for seed in range(1000)]
    assert len(set(first)) == number
    monkeypatch.setattr(netfilter, "_Reader", None)  # reading would fail
    assert [rules.ask("nat", "POSTROUTING", question(seed)).rule for seed in range(1000)] == first


def test_the_words_tell_what_was_drawn_for_this_connection() -> None:
    rules = Rules(nat=endpoints(2))
    seeds = [seed for seed in range(20) if "1:80" in str(rules.ask("nat", "POSTROUTING", question(seed)).rule)]
    drawn = {rules.ask("nat", "POSTROUTING", question(seed)).reading.candidates[0].why for seed in seeds}
    assert len(drawn) == len(seeds) > 3 and all(word.startswith("drew 0.") for word in drawn)


def test_of_very_many_rulings_not_all_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netfilter, "MOST", 100)
    rules, asked = Rules(nat=endpoints(3000)), [question(seed) for seed in range(250)]
    found = [rules.ask("nat", "POSTROUTING", each).rule for each in asked]
    kept = list(rules._remembered.values())
    assert len(kept) == 1 and isinstance(kept[0], Parts) and len(kept[0]._begins) <= 100
    assert [rules.ask("nat", "POSTROUTING", each).rule for each in asked] == found
