"""Who wants to know of every change of a cluster: displays that show its present state.

They are held weakly: a display that nobody has any more is told nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar, cast
from weakref import ref

M = TypeVar("M", bound=Callable[..., Any])


class Follower(Protocol):
    """Something that shows the state of a cluster."""

    def refresh(self) -> None:
        """Show the present state."""


class Followers:
    """The followers of one cluster, in the order in which they came.

    >>> class Counter:
    ...     seen = 0
    ...     def refresh(self) -> None:
    ...         self.seen += 1
    >>> followers, counter = Followers(), Counter()
    >>> followers.add(counter)
    >>> followers.tell()
    >>> counter.seen, bool(followers)
    (1, True)
    """

    __slots__ = ("_several",)

    def __init__(self) -> None:
        self._several: list[ref[Follower]] = []

    def __bool__(self) -> bool:
        return bool(self._several)

    def add(self, follower: Follower) -> None:
        """Tell this one from now on."""
        self._several.append(ref(follower))

    def remove(self, follower: Follower) -> None:
        """Tell this one no more."""
        self._several = [each for each in self._several if each() not in (follower, None)]

    def tell(self) -> None:
        """Something has changed."""
        alive = [(each, follower) for each in self._several if (follower := each()) is not None]
        self._several = [each for each, _ in alive]
        for _, follower in alive:
            follower.refresh()


def told(method: M) -> M:
    """A method of something with ``followers``: they are told afterwards, unless it has raised an error."""
    @wraps(method)
    def changing(self: Any, *args: Any, **arguments: Any) -> Any:
        result = method(self, *args, **arguments)
        if self.followers:
            self.followers.tell()
        return result

    return cast(M, changing)
