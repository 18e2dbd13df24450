"""One verb of kubectl, as data and one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import Flag
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.words import Command


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: what it does in one line, how it is used, its own flags, and the function that does it.

    ``verbs`` are the verbs below it, such as ``create deployment``; if the word after it is one of them, that one is meant.
    ``examples`` are command lines without the word kubectl.
    """

    name: str
    summary: str
    usage: str
    run: Callable[[Context, Command], Reply]
    flags: tuple[Flag, ...] = ()
    examples: tuple[str, ...] = ()
    verbs: Mapping[str, Verb] = field(default_factory=dict)
