"""Rows of one pattern, one for each of many other devices, made when somebody looks at them.

A node has a route to the pods of every other node.  In a cluster of five thousand nodes that is twenty-five million rows, all
alike: what differs is which node each is about.  A family keeps that pattern and one index that all nodes share, and makes a
row when a packet or a reader asks for it.  Asked for a key it gives the very row that a written table would hold.

This module does not know what the rows are about: the plugins say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")
OtherT = TypeVar("OtherT")
RowT = TypeVar("RowT")


class Family(Generic[KeyT, OtherT, RowT]):
    """A read-only table: key -> row.

    ``index`` says which other device each key belongs to, ``make`` how its row reads, and ``but`` which keys are left out:
    those of the device itself.

        >>> ips = {"10.244.0.0/24": "192.168.1.2", "10.244.1.0/24": "192.168.1.3", "10.244.2.0/24": "192.168.1.4"}
        >>> routes = Family(ips, lambda ip: f"via {ip}", but=["10.244.0.0/24"])
        >>> len(routes), routes.get("10.244.1.0/24"), routes.get("10.244.0.0/24"), list(routes)
        (2, 'via 192.168.1.3', None, ['via 192.168.1.3', 'via 192.168.1.4'])
    """

    __slots__ = ("_but", "_index", "_make")

    def __init__(self, index: Mapping[KeyT, OtherT], make: Callable[[OtherT], RowT], but: Collection[KeyT] = ()) -> None:
        self._index = index
        self._make = make
        self._but = but

    def get(self, key: KeyT) -> RowT | None:
        """The row for this key, or None."""
        if key in self._but:
            return None
        other = self._index.get(key)
        return None if other is None else self._make(other)

    def __contains__(self, key: object) -> bool:
        return key in self._index and key not in self._but

    def __iter__(self) -> Iterator[RowT]:
        for key, other in self._index.items():
            if key not in self._but:
                yield self._make(other)

    def __len__(self) -> int:
        return len(self._index) - sum(1 for key in self._but if key in self._index)
