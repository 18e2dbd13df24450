"""The judge: an exercise, a learner's id and an answer in; a result out.

How an answer is judged, whatever the exercise:

1. Nothing written, or the starter as it came: not attempted.
2. ``observe`` asks the answer its questions, and asks a right answer the same ones.  The same findings: correct.
3. Otherwise each known misconception's answer is asked too.  The one that went wrong in the same way on the same
   questions, on the most of them, is what the learner seems to believe, and its message is shown.
4. Otherwise ``explain`` says what is wrong with the first finding that differs.

The judge never raises, whatever the answer does.  It keeps no state and writes nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8snet_course.exercises.answers import MISSING, BadAnswer, is_blank, kind_of, same
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Misconception, Variant
from k8snet_course.exercises.result import Result, Status

UNUSABLE = "the answer itself"
"""What was asked of an answer that could not be asked anything else."""


def judge(exercise: Exercise, learner: str, answer: object = MISSING) -> tuple[Result, Attempt | None]:
    """The verdict on an answer, and what there is to remember of it (None for an answer that was not attempted).

    >>> from k8snet_course.exercises.registry import find
    >>> result, attempt = judge(find("next_pod_address"), "ada", ...)
    >>> result.status, attempt
    (<Status.NOT_ATTEMPTED: 'not attempted'>, None)
    """
    try:
        blank = is_blank(answer) or any(same(answer, one) for one in _starter_answers(exercise, learner))
        if blank:
            message = (f"Write your answer into `{exercise.variable}` in the cell above, run that cell, then run this "
                       "one again.")
            return Result(exercise.name, Status.NOT_ATTEMPTED, message), None
        return _judge(exercise, learner, answer)
    except KeyboardInterrupt:
        message = "The check was interrupted before it had finished; run it again."
    except BaseException as error:  # noqa: BLE001  an answer may do anything when it is looked at
        message = f"Your answer ({kind_of(answer)}) could not be read: looking at it raised {kind_of(error)}."
    return Result(exercise.name, Status.WRONG, message), Attempt((), "", message)


def observe(exercise: Exercise, variant: Variant, answer: object) -> tuple[Finding, ...]:
    """What is found when an answer is asked its questions.  One that cannot be asked has a single finding: why not."""
    try:
        return exercise.observe(variant, answer)
    except BadAnswer as bad:
        return (Finding(UNUSABLE, str(bad)),)


def _judge(exercise: Exercise, learner: str, answer: object) -> tuple[Result, Attempt]:
    variant = exercise.variant(learner)
    found = observe(exercise, variant, answer)
    wanted, _ = _known(exercise, learner)
    if found == wanted:
        return Result(exercise.name, Status.CORRECT, exercise.praise), Attempt(found, "", exercise.praise)
    right = {finding.asked: finding for finding in wanted}
    wrong = next((finding for finding in found if finding != right.get(finding.asked)), found[0] if found else None)
    belief = _recognise(exercise, learner, found)
    if belief is not None:
        message = belief.message.format_map(variant.numbers)
    elif wrong is None or wrong.asked == UNUSABLE:
        message = _sentence(wrong.got if wrong is not None else "nothing could be asked of your answer.")
    else:
        message = exercise.explain(variant, wrong, right.get(wrong.asked, Finding(wrong.asked, "")))
    trace = wrong.trace if wrong is not None else None
    return (Result(exercise.name, Status.WRONG, message, trace),
            Attempt(found, belief.name if belief is not None else "", message))


@lru_cache(maxsize=64)
def _known(exercise: Exercise, learner: str) -> tuple[tuple[Finding, ...], tuple[tuple[Finding, ...], ...]]:
    """What is found of a right answer, and what each misconception's answer gets wrong."""
    variant = exercise.variant(learner)
    wanted = observe(exercise, variant, exercise.right(variant))
    right = {finding.asked: finding.got for finding in wanted}
    return wanted, tuple(
        tuple(finding for finding in observe(exercise, variant, belief.answer(variant))
              if finding.got != right.get(finding.asked))
        for belief in exercise.misconceptions)


def _recognise(exercise: Exercise, learner: str, found: tuple[Finding, ...]) -> Misconception | None:
    """The misconception that accounts for the most of what is wrong, if one does."""
    got = {finding.asked: finding.got for finding in found}
    best, most = None, 0
    for belief, wrong in zip(exercise.misconceptions, _known(exercise, learner)[1], strict=True):
        if len(wrong) > most and all(got.get(finding.asked) == finding.got for finding in wrong):
            best, most = belief, len(wrong)
    return best


def starter_answer(exercise: Exercise, learner: str) -> object:
    """The answer that the starter gives when it is run as it came."""
    return run_code(exercise.starter, exercise, learner)


def run_code(code: str, exercise: Exercise, learner: str) -> object:
    """The value of the answer's variable after an exercise's own code has run for this learner."""
    from k8snet_course.exercises.session import names_for

    names: dict[str, Any] = names_for(learner)
    exec(compile(code, f"<{exercise.name}>", "exec"), names)
    return names.get(exercise.variable, MISSING)


@lru_cache(maxsize=256)
def _starter_answers(exercise_and_learner: Exercise, learner: str) -> tuple[object, ...]:
    return (starter_answer(exercise_and_learner, learner),)


def _sentence(text: str) -> str:
    """The text with a capital letter in front, unless it begins with a piece of code."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text
