"""The ways of one exchange, in the order in which they are shown.

A pod that takes a connection and makes another one for it (an Ingress controller, a gateway, any proxy) ends the first
walk and begins the second; each has a way there and a way back.  Views show all of them, one after the other; this module
only puts them into their order and numbers them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from k8snet_course.linux.trace import Trace

if TYPE_CHECKING:
    from k8snet_course.linux.trace import Hop


def connections(trace: Trace | None) -> tuple[Trace, ...]:
    """The trace and what follows it; none for None.

    >>> from k8snet_course import Cluster
    >>> trace = Cluster().send("node-1", "laptop", port=None)
    >>> len(connections(trace)), connections(None)
    (1, ())
    """
    return trace.connections if trace is not None else ()


def relays(trace: Trace | None) -> dict[str, int]:
    """Who ends a connection and begins the next: the device, and the pod that is named (which may use its node's network).

    Each with the number of the connection that ends there.
    """
    found: dict[str, int] = {}
    for number, (one, other) in enumerate(pairwise(connections(trace)), start=1):
        if one.hops and other.hops and one.hops[-1].device == other.hops[0].device:
            found |= dict.fromkeys((one.hops[-1].device, other.source, f"default/{other.source}"), number)
    return found


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of one connection.

    ``number`` and ``count`` say which connection it is and of how many; ``name`` is there or back; ``first`` is how many
    hops stand before it, because numbering goes on from one connection to the next.
    """

    trace: Trace
    name: str
    number: int
    count: int
    first: int

    @property
    def connection(self) -> str:
        """Which connection it is; empty if there is but one."""
        return f"Connection {self.number} of {self.count}" if self.count > 1 else ""

    def following(self, ways: Sequence[Way]) -> int | None:
        """Which of these ways goes on where this one ends: the request to the next connection, the answer to the one before."""
        step = 1 if self.name == "there" else -1
        wanted = (self.name, self.number + step)
        return next((index for index, way in enumerate(ways) if (way.name, way.number) == wanted), None)


def ways(trace: Trace | None) -> tuple[Way, ...]:
    """Each connection's way there, and its way back where there is one.

    Requests are numbered from the first connection to the last, answers from the last to the first: as they happen.

        >>> from k8snet_course import Cluster
        >>> [(way.name, way.number, way.first) for way in ways(Cluster().send("node-1", "laptop", port=None))]
        [('there', 1, 0), ('back', 1, 0)]
    """
    return tuple(_ways(connections(trace)))


def _ways(several: Sequence[Trace]) -> Iterator[Way]:
    there = back = 0
    before = {}
    for number in range(len(several), 0, -1):
        before[number] = back
        back += len(_answer(several[number - 1]))
    for number, trace in enumerate(several, start=1):
        yield Way(trace, "there", number, len(several), there)
        there += len(trace.hops)
        if trace.reply is not None:
            yield Way(trace.reply, "back", number, len(several), before[number])


def _answer(trace: Trace) -> tuple[Hop, ...]:
    return trace.reply.hops if trace.reply is not None else ()
