"""decide, PolicyIndex and Matrix against the slow reference, on random worlds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course.policy import Enforcement, Matrix, Party, Policy, PolicyIndex, decide
from k8snet_course.policy.evaluate import why
from tests.policy import reference, worlds


@given(worlds.parties(), worlds.policies, worlds.traffic)
@settings(max_examples=150, deadline=None)
def test_all_pairs(parties: list[Party], policies: tuple[Policy, ...], traffic: tuple[str, int]) -> None:
    index, matrix = PolicyIndex(policies), Matrix(parties, policies, *traffic)
    for source in parties:
        for destination in parties:
            egress, ingress = reference.allowed(source, destination, *traffic, policies)
            found = decide(source, destination, *traffic, policies)
            assert (found.egress.allowed, found.ingress.allowed) == (egress, ingress), str(found)
            assert index.egress(source, destination, *traffic).allowed == egress
            assert index.ingress(destination, source, *traffic).allowed == ingress
            assert index.decide(source, destination, *traffic) == found
            assert matrix.allowed(source.key, destination.key) == (egress and ingress)


@given(worlds.parties(), st.lists(worlds.network_policies | worlds.cluster_policies, max_size=8),
       st.lists(st.integers(0, 7), max_size=4), worlds.traffic)
@settings(max_examples=100, deadline=None)
def test_an_index_that_has_changed_is_as_a_fresh_one(parties: list[Party], policies: list[Policy], removed: list[int],
                                                     traffic: tuple[str, int]) -> None:
    index = PolicyIndex()
    held: dict[tuple[str, str], Policy] = {}
    steps: list[tuple[str, Policy]] = [("add", policy) for policy in policies]
    steps += [("remove", policies[number]) for number in removed if number < len(policies)]
    for what, policy in steps:
        key = (type(policy).__name__, policy.key)
        if what == "add":
            index.add(policy)
            held[key] = policy
        elif held.pop(key, None) is not None:
            index.remove(*key)
        for source, destination in zip(parties, reversed(parties), strict=True):
            found = index.decide(source, destination, *traffic)
            assert found == decide(source, destination, *traffic, held.values())
            assert index.allows(source, destination, *traffic) == found.allowed
    assert index.policies == PolicyIndex(held.values()).policies


@given(worlds.parties(), worlds.policies, worlds.traffic)
@settings(max_examples=60, deadline=None)
def test_what_is_said_fits_what_is_decided(parties: list[Party], policies: tuple[Policy, ...],
                                           traffic: tuple[str, int]) -> None:
    pod, peer = parties[0], parties[-3]
    index = PolicyIndex(policies)
    for side in (decide(pod, peer, *traffic, policies).egress, decide(peer, pod, *traffic, policies).ingress):
        winners = [candidate for candidate in side.candidates if candidate.won]
        assert len(winners) == (side.policy is not None)
        assert all(candidate.matched for candidate in winners) and all(candidate.why for candidate in side.candidates)
        if side.policy is not None:
            assert side.policy in side.selecting and winners[0].row.startswith(
                f"{side.policy.label} {side.direction.lower()}[{side.rule}]: ")
            assert side.policy.label in side.reason
        assert why(side.direction, pod, peer, *traffic, index.selecting(side.direction, pod)) == side.reason


@given(worlds.parties(), worlds.policies, worlds.traffic, st.builds(Enforcement, st.booleans(), st.booleans(), st.booleans(),
                                                                   st.booleans()))
@settings(max_examples=60, deadline=None)
def test_all_three_agree_on_plugins_that_differ(parties: list[Party], policies: tuple[Policy, ...], traffic: tuple[str, int],
                                                enforcement: Enforcement) -> None:
    index, matrix = PolicyIndex(policies, enforcement), Matrix(parties, policies, *traffic, enforcement)
    for source in parties:
        for destination in parties:
            found = decide(source, destination, *traffic, policies, enforcement)
            assert found.allowed == index.allows(source, destination, *traffic)
            assert found.allowed == matrix.allowed(source.key, destination.key)


@given(worlds.parties(), worlds.policies, worlds.traffic)
@settings(max_examples=60, deadline=None)
def test_classes_hold_every_party_once_and_behave_as_one(parties: list[Party], policies: tuple[Policy, ...],
                                                        traffic: tuple[str, int]) -> None:
    matrix = Matrix(parties, policies, *traffic)
    assert sorted(key for each in matrix.classes for key in each.members) == sorted(party.key for party in parties)
    by_key = {party.key: party for party in parties}
    for source, destination, allowed in matrix.pairs():
        for one in source.members:
            assert matrix.class_of(one) is source
            for two in destination.members:
                exempt = "exempt" in (decide(by_key[one], by_key[two], *traffic, policies).egress.tier,
                                      decide(by_key[one], by_key[two], *traffic, policies).ingress.tier)
                governed = by_key[one].governed and by_key[two].governed
                assert matrix.allowed(one, two) == allowed or (exempt and (not governed or one == two))
