"""What a device's rules have said before: equal packets get the same ruling, and nothing is read again.

Where chance decides, one number from 0 to 1 does, and a ruling holds on a part of that line.  So it is remembered for its part:
for a Service with three endpoints there are three.  Where a scheduler decides, it is asked again, but not the rules before it.

Only :mod:`k8snet_course.linux.netfilter` uses it, and forgets everything when a rule comes or goes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from k8snet_course.linux.rule import VERDICTS, Row, Seen
from k8snet_course.linux.ruling import DECIDES, Ruling

MOST = 16_384
"""Rulings of one device that are remembered at a time."""

_EDGE = 1e-9
"""So near to the end of a part the rules are read: arithmetic with fractions is not exact there."""

Question = tuple[str, str, str, str, str, int, str, str, int, str, int, Callable[[str], bool]]
"""All that a rule can look at but chance and memory: what two packets have in common that no rule tells apart."""


class Parts:
    """Rulings by the part of the line from 0 to 1 on which they hold.

        >>> parts = Parts()
        >>> parts.put(0.5, 0.5, Ruling(None, 1))
        >>> parts.at(0.7).mark, parts.at(0.2) is None
        (1, True)
    """

    __slots__ = ("_begins", "_held")

    def __init__(self) -> None:
        self._begins: list[float] = []
        self._held: list[tuple[float, Ruling]] = []

    def put(self, begin: float, width: float, ruling: Ruling) -> None:
        """A ruling that holds from ``begin`` on, for this width."""
        place = bisect_right(self._begins, begin)
        self._begins.insert(place, begin)
        self._held.insert(place, (begin + width, ruling))

    def at(self, luck: float) -> Ruling | None:
        """The ruling for this number, or None if it is not known, or too near to an end."""
        place = bisect_right(self._begins, luck) - 1
        if place < 0 or luck < self._begins[place] + _EDGE:
            return None
        end, ruling = self._held[place]
        return Ruling(*ruling[:-1], luck) if luck < end - _EDGE else None


class Choice(NamedTuple):
    """A row that picks another one, such as a virtual server of IPVS, and the ruling that came of it once.

    The row is asked anew for each packet, but not how the packet came to it.
    """

    row: Row
    ruling: Ruling

    def made(self, seen: Seen, luck: float) -> Ruling | None:
        """The ruling with what is picked now; None if that does not decide."""
        picked, remember = self.row.pick(seen, luck)
        if picked is None or picked.target not in VERDICTS:
            return None
        before = self.ruling
        return Ruling(picked, before.mark, remember, (*before.looked_at[:-1], (picked, DECIDES)), before.others, luck)
