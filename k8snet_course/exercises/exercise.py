"""What an exercise is: data, and the numbers that it has for one learner.

An exercise holds texts (statement, starter, reference), the beliefs that lead people to a wrong answer, and small
functions that ask the model.  It holds no expected value: what is right is computed from the learner's own numbers, so
there is no answer key to read.  This module judges nothing; :mod:`~k8snet_course.exercises.judge` does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from k8snet_course.cluster import Cluster
from k8snet_course.linux.trace import Trace


class Kind(StrEnum):
    """What an exercise asks for."""

    PREDICT = "predict"
    WRITE = "write"
    MANIFEST = "manifest"
    REPAIR = "repair"
    MISTAKE = "mistake"


@dataclass(frozen=True)
class Variant:
    """One learner's edition of an exercise: the ``numbers``, the ``story`` that tells them, and the ``cluster``.

    ``build`` makes the cluster afresh; ``cluster`` is one for this value to play with.  Checks build their own.

        >>> variant = Variant({"port": 8080}, "The frontend asks on TCP port 8080.", Cluster)
        >>> variant
        The frontend asks on TCP port 8080.
        >>> variant.cluster is variant.cluster, variant.build() is variant.cluster
        (True, False)
    """

    numbers: Mapping[str, Any]
    story: str
    build: Callable[[], Cluster] = field(compare=False)

    @cached_property
    def cluster(self) -> Cluster:
        """A cluster in the state that the exercise begins with, yours to change."""
        return self.build()

    def __repr__(self) -> str:
        return self.story


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was asked of an answer, and what it gave, as text; ``trace`` is the walk that shows it.

    >>> Finding("frontend asks backend", "refused") == Finding("frontend asks backend", "refused")
    True
    """

    asked: str
    got: str
    trace: Trace | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong belief: its ``name``, the ``answer`` it leads to with given numbers, and the ``message`` it deserves.

    The message may hold the names of numbers in braces.
    """

    name: str
    answer: Callable[[Variant], object]
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last answer as it was judged: what was found, the belief recognised in it, what the learner was told."""

    findings: tuple[Finding, ...]
    belief: str
    message: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise.

    ``name`` is unique in the course and never a number; ``chapter`` is the stem of the chapter's file; ``variable`` is
    the name that the answer has in the notebook; ``draw`` makes a learner's variant; ``right`` computes a right answer;
    ``observe`` asks an answer the questions that decide (it raises BadAnswer for one that cannot be asked); ``explain``
    says what a wrong finding means, given the one that would have been right; ``praise`` is the sentence for a right
    answer, the same for every learner; ``worked`` tells in words how the answer is found.
    """

    name: str
    chapter: str
    kind: Kind
    title: str
    statement: str
    variable: str
    starter: str
    reference: str
    praise: str
    draw: Callable[[random.Random], Variant]
    right: Callable[[Variant], object]
    observe: Callable[[Variant, object], tuple[Finding, ...]]
    explain: Callable[[Variant, Finding, Finding], str]
    worked: Callable[[Variant], str]
    hints: tuple[Callable[[Variant, Attempt | None], str], ...]
    misconceptions: tuple[Misconception, ...]

    def variant(self, learner: str) -> Variant:
        """This learner's edition; the same learner always gets the same one."""
        return self.draw(random.Random(f"{learner}/{self.name}"))
