"""A run of rules that only chance tells apart, read as one.

kube-proxy's chain of a Service has a rule for each endpoint, and each takes its share of what the rules above it have left.
With a thousand endpoints a packet would be compared with five hundred of them; but one number decides, so the place in the run
where it falls can be looked up.

Source: iptables-extensions(8), "statistic"; tried against reading the rules one by one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from k8snet_course.linux.rule import Row


class Lot:
    """Rules in order, of which a number from 0 to below 1 chooses one, or none.

        >>> from k8snet_course.linux.rule import Rule
        >>> rules = [Rule("KUBE-SVC-X", "KUBE-SEP-A", probability="0.25"), Rule("KUBE-SVC-X", "KUBE-SEP-B", probability="0.5")]
        >>> lot = Lot(rules)
        >>> [lot.draw(luck)[0] for luck in (0.1, 0.3, 0.9)]
        [0, 1, 2]
    """

    __slots__ = ("_ends", "rows")

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        left, ends = 1.0, []
        for row in self.rows:
            left *= 1.0 - float(row.probability)
            ends.append(1.0 - left)
        self._ends = ends

    def draw(self, luck: float, after: int = -1) -> tuple[int, float, float]:
        """The place of the rule on whose part of the line the number falls (behind them all: no rule's), and that part.

        A part is where it begins, and its width.  ``after`` a rule that has been drawn, but did not end the reading, the others
        share the line.
        """
        ends, done = self._ends, 0.0
        if after >= 0:
            done = ends[after]
            luck = done + luck * (1.0 - done)
        place = bisect_right(ends, luck, after + 1)
        begin, end = ends[place - 1] if place else 0.0, ends[place] if place < len(ends) else 1.0
        left = 1.0 - done
        return place, (begin - done) / left, (end - begin) / left
