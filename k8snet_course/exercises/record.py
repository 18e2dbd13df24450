"""How far a learner is: a value, and what happened that changes it.

This module knows no file: :mod:`~k8snet_course.exercises.store` keeps a Progress on the disk.  A Progress only ever
grows by events, so that two notebooks that report theirs in any order end with the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from k8snet_course.exercises.exercise import Exercise
from k8snet_course.exercises.result import Status

VERSION = 1
"""The version of the file's form."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a learner did with an exercise: an attempt (with its status), a hint taken, the solution read.

    >>> Event("next_pod_address", attempts=1, status=Status.CORRECT).attempts
    1
    """

    exercise: str
    attempts: int = 0
    hints: int = 0
    solutions: int = 0
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one exercise.  ``solved`` stays true once it is; ``last`` is the status of the last attempt."""

    attempts: int = 0
    hints: int = 0
    solutions: int = 0
    solved: bool = False
    last: Status = Status.NOT_ATTEMPTED

    def after(self, event: Event) -> Entry:
        """The entry after one more event."""
        return Entry(self.attempts + event.attempts, self.hints + event.hints, self.solutions + event.solutions,
                     self.solved or event.status is Status.CORRECT, event.status or self.last)

    @property
    def state(self) -> str:
        """The state in the words of ``check``."""
        return str(Status.CORRECT if self.solved else self.last)


@dataclass(frozen=True, slots=True)
class Progress:
    """A learner's progress: an Entry for each exercise that was touched.

        >>> before = Progress("ada")
        >>> after = before.after(Event("next_pod_address", attempts=1, status=Status.CORRECT))
        >>> after.entries["next_pod_address"].state
        'correct'
    """

    learner: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    note: str = field(default="", compare=False)

    def after(self, *events: Event) -> Progress:
        """The progress after these events."""
        entries = dict(self.entries)
        for event in events:
            entries[event.exercise] = entries.get(event.exercise, Entry()).after(event)
        return replace(self, entries=entries)

    def entry(self, name: str) -> Entry:
        """What is known of one exercise; an empty entry if nothing is."""
        return self.entries.get(name, Entry())

    def to_json(self) -> dict[str, Any]:
        """The progress as the file holds it."""
        rows = {name: {"attempts": row.attempts, "hints": row.hints, "last": str(row.last), "solutions": row.solutions,
                       "solved": row.solved} for name, row in sorted(self.entries.items())}
        return {"exercises": rows, "learner": self.learner, "version": VERSION}

    @staticmethod
    def from_json(learner: str, data: Any) -> Progress:
        """The progress that a file holds.  Raises ValueError for anything that ``to_json`` cannot have written."""
        if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("exercises"), dict):
            raise ValueError("not a progress file of this version")
        return Progress(learner, {str(name): _entry(row) for name, row in data["exercises"].items()})

    def rows(self, exercises: Iterable[Exercise]) -> list[tuple[str, str, str, int, str]]:
        """(chapter, exercise, state, attempts, help taken) of each exercise, in the course's order."""
        return [(one.chapter, one.name, "not yet" if row.state == Status.WRONG else row.state, row.attempts, _help(row))
                for one in exercises for row in (self.entry(one.name),)]

    def __str__(self) -> str:
        from k8snet_course.exercises.registry import exercises

        rows = [("chapter", "exercise", "state", "attempts", "help"),
                *((*row[:3], str(row[3]), row[4]) for row in self.rows(exercises()))]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        solved = sum(row[2] == "correct" for row in rows[1:])
        text = "\n".join([f"{self.learner}: {solved} of {len(rows) - 1} exercises solved", *lines])
        return text + (f"\n\n({self.note})" if self.note else "")

    __repr__ = __str__


def _help(row: Entry) -> str:
    words = [f"{row.hints} hint{'s' if row.hints != 1 else ''}"] if row.hints else []
    return ", ".join([*words, "solution"] if row.solutions else words)


def _entry(row: Any) -> Entry:
    """One row of the file, checked."""
    if not isinstance(row, dict):
        raise ValueError("a row that is no object")
    counts = [row.get(name, 0) for name in ("attempts", "hints", "solutions")]
    if not all(type(count) is int and 0 <= count < 10**9 for count in counts) or type(row.get("solved")) is not bool:
        raise ValueError("a row with a wrong value")
    attempts, hints, solutions = counts
    return Entry(attempts, hints, solutions, row["solved"], Status(row.get("last", "")))
