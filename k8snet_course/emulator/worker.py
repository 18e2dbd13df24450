"""The process in which a lab is that somebody makes who is not root: it goes into a user namespace and does what it is told.

It reads requests from its standard input and writes answers to its standard output, both as pickled values: it speaks with the
process that has started it (:mod:`~k8snet_course.emulator.remote`) and with nobody else.  When that one is gone, for whatever
reason, the input ends: the worker takes the lab away, and the user namespace goes with it.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from typing import Any, BinaryIO

from k8snet_course.emulator import seclusion
from k8snet_course.emulator.ground import Ground
from k8snet_course.errors import CourseError

ANSWER, ERROR, BROKEN = "answer", "error", "broken"
"""How an answer begins: a value; a CourseError's type and what it was made from; the text of a mistake of ours."""


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Do what each request says, until they end.  The first is a blueprint, the others are a method's name and arguments."""
    ground: Ground | None = None
    try:
        while True:
            try:
                request = pickle.load(requests)
            except EOFError:
                return
            answer: tuple[str, Any]
            try:
                if ground is None:
                    seclusion.enter()
                    ground = Ground(request)
                    answer = ANSWER, ground.names
                else:
                    name, arguments = request
                    answer = ANSWER, getattr(ground, name)(*arguments)
            except CourseError as error:
                answer = ERROR, (type(error), error.given, error.expected, error.mend)
            except Exception:  # noqa: BLE001 # whatever it is, the one who asked is to see it
                answer = BROKEN, traceback.format_exc()
            pickle.dump(answer, answers)
            answers.flush()
    finally:
        if ground is not None:
            ground.close()


def main() -> None:
    """Serve; what a program that is started here might print goes to the standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
