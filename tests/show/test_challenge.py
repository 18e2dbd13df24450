"""Challenge mode: one right choice, and wrong ones with their reasons."""

from __future__ import annotations

import pytest

from k8snet_course.linux.trace import Trace
from k8snet_course.show.challenge import MOST_CHOICES, Question, questions
from tests.show.clusters import WALKS, later_walks, walks


def asked(trace: Trace) -> list[Question]:
    both = [*questions(trace), *(questions(trace.reply) if trace.reply is not None else ())]
    return [question for question in both if question is not None]


@pytest.mark.parametrize("name", WALKS)
def test_every_step_but_the_first_is_asked_for(name: str) -> None:
    _, trace = WALKS[name]
    first, *others = questions(trace)
    assert first is None
    assert None not in others
    assert len(others) + 1 == sum(1 for _ in trace.steps())


@pytest.mark.parametrize("name", WALKS)
def test_one_choice_is_right_and_the_wrong_ones_say_why(name: str) -> None:
    for question in asked(WALKS[name][1]):
        assert [choice.right for choice in question.choices].count(True) == 1, question.text
        assert 3 <= len(question.choices) <= MOST_CHOICES
        assert len({choice.text for choice in question.choices}) == len(question.choices)
        for choice in question.choices:
            assert len(choice.why) > 20
            assert choice.why.endswith(".")
            assert "''" not in choice.why


def test_the_order_is_the_same_in_every_run_and_the_right_one_is_not_always_at_one_place() -> None:
    again = walks() | later_walks()
    assert {name: questions(trace) for name, (_, trace) in again.items()} == {
        name: questions(trace) for name, (_, trace) in WALKS.items()}
    every = [question for _, trace in WALKS.values() for question in asked(trace)]
    places = {[choice.right for choice in question.choices].index(True) for question in every}
    assert places == {0, 1, 2, 3}


def test_losing_rows_are_choices_with_the_table_s_reason() -> None:
    question = asked(WALKS["same node"][1])[0]
    loser = next(choice for choice in question.choices if "default via 10.244.0.1" in choice.text)
    assert not loser.right
    assert "/0 matches, but is shorter" in loser.why


def test_a_bridge_is_said_to_read_no_ip_address() -> None:
    question = next(one for one in asked(WALKS["same node"][1]) if "comes in at veth" in one.text)
    wrong = next(choice for choice in question.choices if "lowers the TTL" in choice.text)
    assert wrong.why.startswith("The bridge reads MAC addresses, never IP addresses")


def test_a_router_s_mac_address_is_asked_for_not_the_destination_s() -> None:
    question = next(one for one in asked(WALKS["to the laptop"][1])
                    if any("who has 192.168.1.10" in choice.text and not choice.right for choice in one.choices))
    wrong = [choice for choice in question.choices if "who has 192.168.1.10" in choice.text]
    assert wrong
