"""What a check says: one value that prints as text.

A result knows how to show itself.  It does not know how it came about.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from textwrap import fill
from typing import Any

from k8snet_course import views
from k8snet_course.linux.trace import Trace


class Status(StrEnum):
    """The three things that a check can say."""

    NOT_ATTEMPTED = "not attempted"
    CORRECT = "correct"
    WRONG = "wrong"

_WIDTH = 100
"""Characters a line: a notebook would break longer ones in the middle of a word."""


class NotSolved(Exception):
    """`pytest --nbval` meets an exercise that is not solved.  A learner in a notebook never sees this."""

    def _render_traceback_(self) -> list[str]:
        """One sentence instead of a traceback."""
        return [f"not solved: {self}"]


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one answer.

    ``message`` says what is right or wrong, ``trace`` is the packet's walk that shows it (None where no packet does),
    and ``note`` is a sentence about the learner's saved progress, if there is one to say.

        >>> Result("next_pod_address", Status.WRONG, "That is the bridge's own address.")
        next_pod_address: not yet. That is the bridge's own address.
    """

    exercise: str
    status: Status
    message: str
    trace: Trace | None = None
    note: str = ""

    @property
    def solved(self) -> bool:
        """Whether the answer is correct."""
        return self.status is Status.CORRECT

    def __str__(self) -> str:
        word = {Status.CORRECT: "correct", Status.WRONG: "not yet", Status.NOT_ATTEMPTED: "not attempted"}[self.status]
        lines = f"{self.exercise}: {word}. {self.message}".split("\n")
        text = "\n".join(line if line.startswith(" ") else fill(line, _WIDTH) for line in lines)
        if self.trace is not None:
            text += f"\n\nWhat happened to the packet:\n{self.trace}"
        return text + (f"\n\n({self.note})" if self.note else "")

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """How a notebook shows it.

        `pytest --nbval` runs a notebook's cells and compares their outputs with the stored ones.  A learner who saved
        the notebook with a wrong answer in it stored the wrong output too, and one who cleared the outputs stored none:
        both would pass.  So under nbval, and only there, an exercise that is not solved is shown as an error.
        """
        if ".ipynb::" in os.environ.get("PYTEST_CURRENT_TEST", ""):
            if not self.solved:
                raise NotSolved(str(self))
            return {"text/plain": str(Result(self.exercise, self.status, self.message))}
        return {"text/plain": str(self)} if self.trace is None else {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> str:
        """The message, the picture of the packet's way, and its text to unfold."""
        head = replace(self, trace=None, note="")
        try:
            picture = views.view("strip", "trace_svg")(self.trace)
        except Exception:  # noqa: BLE001  the text says it all; a traceback would bury it
            picture = ""
        note = f"<p>({escape(self.note)})</p>" if self.note else ""
        return (f"<p>{escape(str(head))}</p>{picture}"
                "<details><summary>What happened to the packet, step by step</summary>"
                f"<pre>{escape(str(self.trace))}</pre></details>{note}")
