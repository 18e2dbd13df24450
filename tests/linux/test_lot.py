"""Rules that only chance tells apart, and lists of clients: the index gives what reading rule by rule gives."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux.chain import FEW, Chain
from k8snet_course.linux.lot import Lot
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.netfilter import Rules, Ruling
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.rule import Rule, Seen

SHARES = st.sampled_from(("0.50000000000", "0.25000000000", "0.10000000009", "1.00000000000"))
TARGETS = st.sampled_from(("ACCEPT", "RETURN", "MARK", "ELSEWHERE", ""))
CLIENT = "10.244.0.2"


def endpoints(number: int) -> list[Rule]:
    """What kube-proxy writes for so many endpoints: 1/n, 1/(n-1), ..., and the rest."""
    return [Rule("KUBE-SVC-X", "ACCEPT", comment=f"{place}", probability=f"{1 / (number - place):.11f}" * (place < number - 1))
            for place in range(number)]


def ask(rules: list[Rule], seed: int, *, top: bool = False, memory: Memory | None = None) -> Ruling:
    seen = Seen(Packet(CLIENT, "10.96.0.20", "TCP", 40000, 80), "", "", 0, lambda address: False, seed=seed, memory=memory)
    return Rules(sources=[Source(rules, top)]).ask("nat", "KUBE-SVC-X", seen)


class Source:
    """Chains that are read from the top, or by their index."""

    family, edition, serves = "IPv4", 0, False

    def __init__(self, rules: list[Rule], top: bool) -> None:
        made = FromTheTop if top else Chain
        self.chains = {name: made([rule for rule in rules if rule.chain == name]) for name in ("KUBE-SVC-X", "ELSEWHERE")}

    def chain(self, table: str, name: str) -> tuple[Chain, ...]:
        return (self.chains[name],) if name in self.chains else ()

    def names(self, table: str) -> tuple[str, ...]:
        return tuple(self.chains)


class FromTheTop(Chain):
    """A chain without an index."""

    __slots__ = ()

    def near(self, packet: Packet, memory: Memory | None = None) -> Chain:
        return self


def told(ruling: Ruling) -> tuple[object, ...]:
    matched = [str(row) for row, why in ruling.looked_at if why in ("decides", "goes on")]
    return ruling.rule, ruling.mark, matched, len(ruling.looked_at) + ruling.others, ruling.remember


def test_a_thousand_endpoints_share_evenly_and_as_one_by_one() -> None:
    rules = endpoints(1000)
    found = [ask(rules, seed) for seed in range(2000)]
    assert [ruling.rule for ruling in found[:40]] == [ask(rules, seed, top=True).rule for seed in range(40)]
    tenths = Counter(int(ruling.rule.comment) // 100 for ruling in found if ruling.rule is not None)
    assert tenths.total() == 2000 and all(150 < tenths[tenth] < 250 for tenth in range(10))


def test_a_long_run_is_one_entry_of_the_index() -> None:
    near = list(Chain(endpoints(1000)).near(Packet(CLIENT, "10.96.0.20")))
    assert [len(each.rows) if isinstance(each, Lot) else 1 for each in near] == [999, 1]


def test_the_parts_of_the_line_touch_and_end_at_one() -> None:
    lot = Lot(endpoints(50)[:-1])
    places = [lot.draw(step / 1000)[0] for step in range(1000)]
    assert set(places) == set(range(50)) and all(one <= other for one, other in pairwise(places))
    parts = [lot.draw(step / 1000)[1:] for step in range(1000)]
    assert all(begin <= step / 1000 < begin + width + 1e-9 for step, (begin, width) in enumerate(parts))


@given(st.lists(st.tuples(TARGETS, SHARES, st.sampled_from(("", "", "", "10.96.0.20/32"))), min_size=FEW + 1, max_size=24),
       st.booleans(), st.integers(0, 1000))
def test_a_run_gives_what_its_rules_give_one_by_one(run: list[tuple[str, str, str]], last: bool, seed: int) -> None:
    rules = [Rule("KUBE-SVC-X", target, probability=share, dst=dst, comment=f"{place}",
                  to="0x1/0x1" if target == "MARK" else "") for place, (target, share, dst) in enumerate(run)]
    rules += [Rule("KUBE-SVC-X", "DROP")] * last + [Rule("ELSEWHERE", "DROP", probability="0.50000000000")]
    assert told(ask(rules, seed)) == told(ask(rules, seed, top=True))


@given(st.lists(st.sampled_from(range(20)), max_size=4), st.integers(0, 40), st.integers(0, 1000))
def test_lists_of_clients_are_asked_as_one_by_one(visits: list[int], later: int, seed: int) -> None:
    rules = [Rule("KUBE-SVC-X", "ACCEPT", recent=f"KUBE-SEP-{number}", recent_seconds=10 + number, comment=f"{number}")
             for number in range(20)] + endpoints(20)
    memory = Memory()
    for number in visits:
        memory.note([(f"KUBE-SEP-{number}", CLIENT), ("KUBE-SEP-0", "10.244.0.99")])
    memory.wait(later)
    assert told(ask(rules, seed, memory=memory)) == told(ask(rules, seed, top=True, memory=memory))


@given(st.lists(st.tuples(st.sampled_from(("add", "remove")), st.integers(0, 3), st.integers(0, 12), st.booleans()),
                max_size=30))
def test_runs_that_come_and_go_leave_what_a_fresh_chain_has(steps: list[tuple[str, int, int, bool]]) -> None:
    chain, groups, packet, memory = Chain(), {}, Packet(CLIENT, "10.96.0.20", "TCP", 1, 80), Memory()
    memory.note([("KUBE-SEP-0", CLIENT), ("KUBE-SEP-3", CLIENT)])

    def seen(each: Chain) -> list[object]:
        return [entry.rows if isinstance(entry, Lot) else entry for entry in each.near(packet, memory)]

    for what, key, number, lists in steps:
        seen(chain)
        chain.remove(key)
        groups.pop(key, None)
        if what == "add":
            groups[key] = [Rule("X", "ACCEPT", recent=f"KUBE-SEP-{place}", recent_seconds=60) if lists else
                           Rule("X", "ACCEPT", probability="0.5", comment=f"{key} {place}") for place in range(number)]
            chain.add(key, groups[key])
    wanted = [rule for group in groups.values() for rule in group]
    assert list(chain) == wanted and chain.asks_memory == any(rule.recent for rule in wanted)
    assert seen(chain) == seen(Chain(wanted))
