"""What a learner types: ``check``, ``hint``, ``solution``, ``progress``, ``task`` and ``learner``.

A session is one notebook's conversation: whose exercises these are, the last answer to each, and which hint comes next.
What must outlive the notebook goes to the :mod:`~k8snet_course.exercises.store`.  Nothing here raises for a wrong name
or a wrong answer: the learner gets a sentence.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

from k8snet_course.cluster import Cluster
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.exercises import registry
from k8snet_course.exercises.answers import MISSING, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Variant
from k8snet_course.exercises.judge import judge
from k8snet_course.exercises.record import Event, Progress
from k8snet_course.exercises.result import Result, Status
from k8snet_course.exercises.store import Store

DEFAULT_LEARNER = "learner"


@dataclass(frozen=True)
class Text:
    """A text that a notebook shows as it is, without quotes.

    >>> Text("two words")
    two words
    """

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass
class _Session:
    """Whose session it is, and what was said in it."""

    learner: str
    store: Store
    attempts: dict[str, Attempt] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    told: str = ""

    def record(self, event: Event) -> str:
        """Note an event; the sentence to tell about saving, the first time that there is one."""
        self.store.record(event)
        note, self.told = ("" if self.store.note == self.told else self.store.note), self.store.note
        return note


_sessions: list[_Session] = []


def _session() -> _Session:
    if not _sessions:
        given = os.environ.get("K8SNET_LEARNER", "").encode("utf-8", "replace").decode()
        name = given.strip()[:100] or DEFAULT_LEARNER
        _sessions.append(_Session(name, Store(name)))
    return _sessions[0]


def learner(name: str | None = None) -> Text:
    """Say who you are: your exercises have your own numbers.  Without a name: who you are now.

    Raises InvalidArgument for an id that is no text of 1 to 100 characters.

        >>> learner("ada")
        You are ada.
        >>> learner("learner")
        You are learner.
    """
    if name is not None:
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= 100 or not name.isprintable():
            raise InvalidArgument(shown(name), "an id of 1 to 100 printable characters", "write learner('ada')")
        _sessions[:] = [_Session(name.strip(), Store(name.strip()))]
    return Text(f"You are {_session().learner}.")


def task(name: str) -> Variant:
    """Your edition of an exercise: its story, its ``numbers``, and a fresh ``cluster`` to look at.  Raises NotFound.

    >>> task("next_pod_address").cluster.node("node-1").pod_cidr.endswith("/24")
    True
    """
    return _variant(name, _session().learner)


def check(name: str, answer: object = MISSING) -> Result:
    """Judge an answer: not attempted, correct, or what is wrong and the walk that shows it.  Never raises.

    >>> check("next_pod_adress", "10.244.0.2").message
    "There is no exercise 'next_pod_adress'. Did you mean 'next_pod_address'?"
    """
    exercise = registry.find(name)
    if exercise is None:
        return Result(shown(name), Status.NOT_ATTEMPTED, _unknown(name))
    session = _session()
    result, attempt = judge(exercise, session.learner, answer)
    if attempt is None:
        return result
    session.attempts[exercise.name] = attempt
    return replace(result, note=session.record(Event(exercise.name, attempts=1, status=result.status)))


def hint(name: str) -> Text:
    """The next hint, which looks at your last answer.  After the last one it stays with the last.  Never raises."""
    exercise = registry.find(name)
    if exercise is None:
        return Text(_unknown(name))
    session = _session()
    level = min(session.hints.get(exercise.name, 0), len(exercise.hints) - 1)
    session.hints[exercise.name] = level + 1
    text = exercise.hints[level](exercise.variant(session.learner), session.attempts.get(exercise.name))
    note = session.record(Event(exercise.name, hints=1))
    more = "" if level + 1 == len(exercise.hints) else " (There is another hint.)"
    return Text(f"Hint {level + 1} of {len(exercise.hints)}: {text}{more}" + (f"\n\n({note})" if note else ""))


def solution(name: str) -> Text:
    """The reference answer, and how it is found with your numbers.  Never raises.

    You may always ask; progress() remembers that you did.
    """
    exercise = registry.find(name)
    if exercise is None:
        return Text(_unknown(name))
    session = _session()
    note = session.record(Event(exercise.name, solutions=1))
    return Text(f"{exercise.worked(exercise.variant(session.learner))}\n\n{exercise.reference.strip()}"
                + (f"\n\n({note})" if note else ""))


def progress() -> Progress:
    """All exercises with their state, your attempts, and the help you took."""
    store = _session().store
    return replace(store.read(), note=store.note)


def names_for(learner_id: str) -> dict[str, Any]:
    """The names that an exercise's starter and reference may use, for one learner."""
    return {"Cluster": Cluster, "task": lambda name: _variant(name, learner_id)}


def _variant(name: str, learner_id: str) -> Variant:
    exercise: Exercise | None = registry.find(name)
    if exercise is None:
        raise NotFound(shown(name), "the name of an exercise", f"write '{registry.nearest(name)}'")
    return exercise.variant(learner_id)


def _unknown(name: object) -> str:
    return f"There is no exercise {shown(name)}. Did you mean '{registry.nearest(name)}'?"
