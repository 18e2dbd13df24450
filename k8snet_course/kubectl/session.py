"""What kubectl remembers between two commands: the context's namespace, as a kubeconfig file would keep it."""

from __future__ import annotations

from dataclasses import dataclass

CONTEXT = "course"
"""The name of the one context."""


@dataclass(slots=True)
class Session:
    """The settings of one user's kubectl.  ``namespace`` is what a command is about that names none.

    >>> session = Session()
    >>> session.namespace = "shop"
    >>> session
    Session(namespace='shop')
    """

    namespace: str = "default"
