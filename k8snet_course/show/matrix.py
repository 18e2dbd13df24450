"""A reachability matrix in words: what stands in each cell, which rule or table decided it, and what changed.

It reads a :class:`~k8snet_course.reachability.Reachability`, and a second one to compare with; no packet is sent.  Of a large
one the first 40 sources and targets are shown, and how many more there are is said; no other pair is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from k8snet_course.reachability import ManyPairs, Pair, Reachability
from k8snet_course.show import still
from k8snet_course.show.given import check_type

MOST = 40
"""So many sources, and so many targets, are shown."""

MARKS = {"ok": "✓", "denied": "✕", "other": "△", "none": "–"}
"""The shape of each kind of cell."""


class Cell(NamedTuple):
    """One pair.  ``change`` says how it differs from before (empty: it does not, or nothing was compared).

    >>> cell = Cell("a", "c", "denied_ingress", "the policy deny-all selects c", "was ok")
    >>> print(cell.mark, cell)
    ✕ a -> c: denied ingress (was ok): the policy deny-all selects c
    """

    source: str
    target: str
    result: str
    reason: str
    change: str = ""
    reason_before: str = ""

    @property
    def kind(self) -> str:
        """``ok``, ``denied`` (by a policy, on the way there or back), ``other``, or ``none`` for a pair that was not asked."""
        if self.result in ("", "ok"):
            return self.result or "none"
        return "denied" if "denied" in self.result else "other"

    @property
    def mark(self) -> str:
        """The shape of its kind."""
        return MARKS[self.kind]

    @property
    def words(self) -> str:
        """The result as people read it."""
        return self.result.replace("_", " ") or "not asked"

    def __str__(self) -> str:
        change = f" ({self.change})" if self.change else ""
        return f"{self.source} -> {self.target}: {self.words}{change}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Matrix:
    """The cells that are shown, source by source, and how many sources and targets are not."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more_sources: int = 0
    more_targets: int = 0

    @classmethod
    def of(cls, reachability: Reachability, before: Reachability | None = None) -> Matrix:
        """Read a Reachability, and mark what differs from ``before``.  Raises InvalidArgument for anything else.

        >>> now, then = (Reachability((Pair("a", "b", result, "because"),)) for result in ("no_route", "ok"))
        >>> print(Matrix.of(now, then).rows[0][0])
        a -> b: no route (was ok): because
        """
        for one in (reachability, *([before] if before is not None else [])):
            check_type(one, Reachability, "cluster.reachability()")
        sources, more_sources, targets, more_targets = _ends(reachability)
        now = _pairs(reachability, sources, targets)
        then = _pairs(before, sources, targets) if before is not None else {}
        rows = tuple(
            tuple(_cell(source, target, now.get((source, target)), then.get((source, target)), before is not None)
                  for target in targets)
            for source in sources
        )
        return cls(sources, targets, rows, more_sources, more_targets)

    @property
    def summary(self) -> str:
        """How many pairs of which kind there are, how many changed, and what is not shown.

        >>> Matrix.of(Reachability((Pair("a", "a", "ok", "local"), Pair("a", "b", "no_route", "none")))).summary
        '1 of 2 pairs ok, 0 denied by a policy, 1 failed otherwise.'
        """
        cells = list(self._cells())
        count = Counter(cell.kind for cell in cells)
        asked = len(cells) - count["none"]
        pairs = f"of {asked} pairs" + (" shown" if self.more else "")
        changed = sum(bool(cell.change) for cell in cells)
        text = f"{count['ok']} {pairs} ok, {count['denied']} denied by a policy, {count['other']} failed otherwise"
        return f"{text}{f'; {changed} changed' if changed else ''}.{f' {self.more}' if self.more else ''}"

    @property
    def more(self) -> str:
        """What is not shown, in a sentence; empty when everything is."""
        several = [f"{count} more {what}{'s' if count > 1 else ''}"
                   for count, what in ((self.more_sources, "source"), (self.more_targets, "target")) if count]
        return f"And {' and '.join(several)}, not shown." if several else ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """A line for each cell that is not ok or has changed: 40 at most, and how many more there are."""
        told = [str(cell) for cell in self._cells() if cell.kind in ("denied", "other") or cell.change]
        return (*told[:MOST], *([f"and {len(told) - MOST} more"] if len(told) > MOST else []))

    @property
    def html(self) -> str:
        """The matrix as HTML, for a cell: the table, and below it the reasons."""
        made = still.block()
        kinds = {"ok": "k8-good", "denied": "k8-bad", "other": "k8-other"}
        rows = [
            [(source, ""), *((f"{cell.mark} {cell.words}{f', {cell.change}' if cell.change else ''}",
                              f"{kinds.get(cell.kind, '')}{' k8-changed' if cell.change else ''}".strip()) for cell in row)]
            for source, row in zip(self.sources, self.rows, strict=True)
        ]
        still.table(made, f"Who reaches whom: {self.summary}", ("from \\ to", *self.targets), rows)
        for line in self.reasons:
            still.say(made, line)
        return still.html(made)

    def _cells(self) -> Iterator[Cell]:
        return (cell for row in self.rows for cell in row)


def reachability_html(reachability: Reachability) -> str:
    """A Reachability as HTML, for a cell."""
    return Matrix.of(reachability).html


def _ends(reachability: Reachability) -> tuple[tuple[str, ...], int, tuple[str, ...], int]:
    """The sources that are shown and how many more there are, and the same of the targets.

    Pairs come source by source, each with the same targets, so a large matrix need not be read to the end; one in which a
    source has fewer targets is read in full.
    """
    pairs = reachability.pairs
    if not pairs:
        return (), 0, (), 0
    if isinstance(pairs, ManyPairs):  # to make a pair for its names alone would be a waste
        shown, rest = pairs.names[:MOST], max(0, len(pairs.names) - MOST)
        return shown, rest, shown, rest
    first = pairs[0].source
    targets = list(dict.fromkeys(pair.target for pair in takewhile(lambda pair: pair.source == first, pairs)))
    width, count = len(targets), len(pairs)
    starts = [pairs[at] for at in range(0, min(count, MOST * width), width)]
    sources = list(dict.fromkeys(pair.source for pair in starts))
    if count % width or len(sources) < len(starts) or any(pair.target != targets[0] for pair in starts):
        sources = list(dict.fromkeys(pair.source for pair in pairs))
        targets = list(dict.fromkeys(pair.target for pair in pairs))
        width, count = len(targets), len(sources) * len(targets)
    more = max(0, count // width - MOST), max(0, width - MOST)
    return tuple(sources[:MOST]), more[0], tuple(targets[:MOST]), more[1]


def _pairs(reachability: Reachability, sources: tuple[str, ...], targets: tuple[str, ...]) -> dict[tuple[str, str], Pair]:
    """The pairs of these sources and targets that there are."""
    pairs = reachability.pairs
    if isinstance(pairs, tuple):  # asking for one pair may then mean looking at all of them
        return {(pair.source, pair.target): pair for pair in pairs}
    found = {}
    for source in sources:
        for target in targets:
            try:
                found[source, target] = reachability.between(source, target)
            except KeyError:
                continue
    return found


def _cell(source: str, target: str, now: Pair | None, then: Pair | None, compared: bool) -> Cell:
    if now is None:
        return Cell(source, target, "", "nobody asked")
    change, reason_before = "", ""
    if compared and then is None:
        change = "new"
    elif then is not None and then.result != now.result:
        change, reason_before = f"was {then.result.replace('_', ' ')}", then.reason
    elif then is not None and then.reason != now.reason and now.result != "ok":  # whatever let it in, it still arrives
        change, reason_before = "for another reason", then.reason
    return Cell(source, target, now.result, now.reason, change, reason_before)
