"""All exercises of the course, found by name.

The order of MODULES is the order in which learners meet them.  To add a chapter's exercises, add its module here; the
tests then hold every exercise of it to the rules (unique name, two hints, each misconception recognised).
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module

from k8snet_course.exercises.exercise import Exercise

MODULES: tuple[str, ...] = (
    "k8snet_course.exercises.single_node",
    "k8snet_course.exercises.two_nodes",
    "k8snet_course.exercises.across_nodes",
)
"""Each module has a tuple EXERCISES."""


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Exercise]:
    found: dict[str, Exercise] = {}
    for module in MODULES:
        for exercise in import_module(module).EXERCISES:
            if exercise.name in found:
                raise ValueError(f"two exercises have the name {exercise.name!r}")
            found[exercise.name] = exercise
    return found


def exercises() -> Iterator[Exercise]:
    """Every exercise, in the order of the course."""
    return iter(_by_name().values())


def find(name: object) -> Exercise | None:
    """The exercise of this name, or None.

    >>> find("next_pod_address").chapter
    '01_single_node'
    >>> find("next_pod") is None
    True
    """
    return _by_name().get(name) if type(name) is str else None


def nearest(name: object) -> str:
    """The name of an exercise that looks most like this one.

    >>> nearest("next_pod_adress")
    'next_pod_address'
    """
    names = list(_by_name())
    close = get_close_matches(name[:100], names, 1, 0.0) if type(name) is str else []
    return close[0] if close else names[0]
