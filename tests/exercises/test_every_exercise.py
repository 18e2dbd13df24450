"""Every exercise of the course, tested three ways: blank, with each misconception, with the reference.

They are taken from the registry, so an exercise that is added later is held to the same rules.
"""

from __future__ import annotations

import re
from string import Formatter

import pytest

from k8snet_course.exercises import registry
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Misconception
from k8snet_course.exercises.judge import judge, run_code, starter_answer
from k8snet_course.exercises.result import Status

EXERCISES = list(registry.exercises())
LEARNERS = ("learner", "ada", "l17", "Grace Hopper", "ß-42")
BELIEFS = [(exercise, belief) for exercise in EXERCISES for belief in exercise.misconceptions]

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.name)
each_learner = pytest.mark.parametrize("learner", LEARNERS)


@each_learner
@each_exercise
def test_the_starter_is_not_attempted(exercise: Exercise, learner: str) -> None:
    result, attempt = judge(exercise, learner, starter_answer(exercise, learner))
    assert (result.status, result.trace, attempt) == (Status.NOT_ATTEMPTED, None, None)
    assert exercise.variable in result.message


@pytest.mark.parametrize("blank", [None, ..., "", "  \n"], ids=repr)
@each_exercise
def test_blank_is_not_attempted(exercise: Exercise, blank: object) -> None:
    assert judge(exercise, "ada", blank)[0].status is Status.NOT_ATTEMPTED
    assert judge(exercise, "ada")[0].status is Status.NOT_ATTEMPTED


@each_learner
@pytest.mark.parametrize(("exercise", "belief"), BELIEFS, ids=[f"{one.name}: {two.name}" for one, two in BELIEFS])
def test_every_misconception_gets_its_message(exercise: Exercise, belief: Misconception, learner: str) -> None:
    variant = exercise.variant(learner)
    result, attempt = judge(exercise, learner, belief.answer(variant))
    assert result.status is Status.WRONG
    assert attempt is not None
    assert attempt.belief == belief.name
    assert result.message == belief.message.format_map(variant.numbers)


@each_learner
@each_exercise
def test_the_reference_is_correct(exercise: Exercise, learner: str) -> None:
    result, _ = judge(exercise, learner, run_code(exercise.reference, exercise, learner))
    assert result.status is Status.CORRECT, str(result)
    assert judge(exercise, learner, exercise.right(exercise.variant(learner)))[0].solved


@each_exercise
def test_a_passing_result_says_the_same_to_everybody(exercise: Exercise) -> None:
    texts = {str(judge(exercise, learner, exercise.right(exercise.variant(learner)))[0]) for learner in LEARNERS}
    assert {" ".join(text.split()) for text in texts} == {f"{exercise.name}: correct. {exercise.praise}"}
    assert len(texts) == 1


@each_exercise
def test_numbers_differ_between_learners_and_not_between_calls(exercise: Exercise) -> None:
    assert len({exercise.variant(f"learner {number}").story for number in range(8)}) > 1
    assert exercise.variant("ada") == exercise.variant("ada")


@each_exercise
def test_one_learners_reference_is_not_in_the_file(exercise: Exercise) -> None:
    """No answer key: a reference that holds for one learner only would have its numbers in it."""
    values = exercise.variant("ada").numbers.values()
    numbers = {value for value in values if isinstance(value, str) and "." in value}
    assert not [number for number in numbers if number in exercise.reference + exercise.starter + exercise.statement]


@each_exercise
def test_hints_look_at_the_last_answer_and_tell_no_ordinals(exercise: Exercise) -> None:
    variant = exercise.variant("ada")
    assert len(exercise.hints) >= 2
    attempts: list[Attempt | None] = [None, Attempt((), "", "it raised")]
    attempts += [judge(exercise, "ada", belief.answer(variant))[1] for belief in exercise.misconceptions]
    told = [[hint(variant, attempt) for attempt in attempts] for hint in exercise.hints]
    assert all(text and text == text.strip() for level in told for text in level)
    assert any(len(set(level)) > 1 for level in told), "no hint depends on the learner's answer"
    texts = [exercise.statement, exercise.title, exercise.praise, *(text for level in told for text in level)]
    ordinal = re.compile(r"\b(exercise|question|task)\s+(\d|one|two|three)"
                         r"|\b(first|second|next|last|previous)\s+exercise", re.IGNORECASE)
    assert not [text for text in texts if ordinal.search(text)]


@each_exercise
def test_the_texts_are_whole(exercise: Exercise) -> None:
    variant = exercise.variant("ada")
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", exercise.name)
    assert exercise.variable.isidentifier()
    assert "{" not in exercise.praise
    assert exercise.worked(variant).endswith(".")
    assert len({belief.name for belief in exercise.misconceptions}) == len(exercise.misconceptions) >= 2
    for belief in exercise.misconceptions:
        assert {name for _, name, _, _ in Formatter().parse(belief.message) if name} <= set(variant.numbers)
    compile(exercise.starter, exercise.name, "exec")
    wrong = [finding for belief in exercise.misconceptions for finding in _found(exercise, belief)]
    assert all(exercise.explain(variant, finding, finding).endswith((".", "!")) for finding in wrong)


def _found(exercise: Exercise, belief: Misconception) -> tuple[Finding, ...]:
    variant = exercise.variant("ada")
    attempt = judge(exercise, "ada", belief.answer(variant))[1]
    usable = attempt.findings if attempt is not None else ()
    return tuple(finding for finding in usable if finding.asked != "the answer itself")


def test_names_are_unique_and_found() -> None:
    names = [exercise.name for exercise in EXERCISES]
    assert len(set(names)) == len(names) >= 5
    assert all(registry.find(exercise.name) is exercise for exercise in EXERCISES)


def test_two_exercises_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MODULES", registry.MODULES[:1] * 2)
    registry._by_name.cache_clear()
    with pytest.raises(ValueError, match="two exercises have the name"):
        list(registry.exercises())
    monkeypatch.undo()
    registry._by_name.cache_clear()
    assert list(registry.exercises()) == EXERCISES


def test_each_chapter_mixes_kinds() -> None:
    for chapter in {exercise.chapter for exercise in EXERCISES}:
        mine = [exercise.kind for exercise in EXERCISES if exercise.chapter == chapter]
        assert 3 <= len(mine) <= 6
        assert len(set(mine)) >= 3
