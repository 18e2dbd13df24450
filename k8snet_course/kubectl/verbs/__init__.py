"""The verbs of kubectl: a module a verb, each with one :class:`Verb` named ``VERB``, imported when it is first used.

A verb is data (its usage, its flags, which ``--help`` and completion read too) and one function from a
:class:`~k8snet_course.kubectl.context.Context` and a :class:`~k8snet_course.kubectl.words.Command` to a
:class:`~k8snet_course.kubectl.reply.Reply`.  A new verb is a module and a word in :data:`MODULES`.
"""

from __future__ import annotations

from importlib import import_module

from k8snet_course.kubectl.verbs.verb import Verb

MODULES: dict[str, str] = {
    "describe": "describe",
    "get": "get",
    "annotate": "annotate",
    "apply": "apply",
    "create": "create",
    "delete": "delete",
    "explain": "explain",
    "expose": "expose",
    "label": "label",
    "patch": "patch",
    "replace": "replace",
    "run": "run",
    "scale": "scale",
    "set": "set_image",
}
"""Each verb, and the module of this package that has it."""

__all__ = ["MODULES", "Verb", "names", "verb"]


def names() -> tuple[str, ...]:
    """The verbs, in alphabetical order.

    >>> "get" in names()
    True
    """
    return tuple(sorted(MODULES))


def verb(name: str) -> Verb | None:
    """A verb by its name; None: there is none.

    >>> verb("get").name
    'get'
    """
    if name not in MODULES:
        return None
    found: Verb = import_module(f"{__name__}.{MODULES[name]}").VERB
    return found
