"""How the pods of a node stand in rows, and how much room their cables need.

One row if they fit; else cables of the upper rows run down beside the pods, with their names along them while there is
room for that, and without names where cables are dense.  This module counts and measures; it draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

PAD = 14.0
"""The room between pods, and between a node's edge and what is in it."""
POD_HEIGHT = 60.0
ROW = POD_HEIGHT + 26
"""From the top of a row of pods to that of the next."""
LINE = 16.0
"""How much higher pods are for each further line of text in them."""
PORT_LABEL = 108.0
"""From a cable to the end of the name beside it."""
_POD_WIDEST, _POD_LEAST = 150.0, 100.0
_MOST_ROWS = 6


@dataclass(frozen=True, slots=True)
class PodRows:
    """How a node's pods stand: rows and columns, the width of a cell and of the pod in it, the room between cables.

    ``upright``: the names of the interfaces on the node are written along the cables.  ``lines`` is how many lines of text
    the pods have besides name and address.
    """

    rows: int
    columns: int
    cell: float
    pod: float
    spacing: float
    upright: bool
    lines: int = 0

    @property
    def pod_height(self) -> float:
        """How high a pod is."""
        return POD_HEIGHT + LINE * self.lines

    @property
    def row(self) -> float:
        """From the top of a row of pods to that of the next."""
        return ROW + LINE * self.lines

    @property
    def height(self) -> float:
        """From the top of the first pod to where the bridges begin."""
        cables = 122.0 if self.upright else 48.0
        return (self.rows - 1) * self.row + self.pod_height + cables


def arrange(pods: int, width: float) -> PodRows:
    """The arrangement of so many pods in a node of this width: one row if they fit, else as few rows as possible.

    >>> arrange(5, 640).rows, arrange(6, 640).rows
    (1, 2)
    """
    count, room = max(pods, 1), width - 2 * PAD
    beside = PORT_LABEL - _POD_LEAST / 2 - PAD
    if count * (_POD_LEAST + PAD) - PAD + beside <= room:
        cell = min((room + PAD - beside) / count, _POD_WIDEST + PAD)
        return PodRows(1, count, cell, cell - PAD, 0.0, upright=False)
    for spacing, most in ((16.0, 4), (6.0, count)):
        for rows in range(2, most + 1):
            columns, gutter = ceil(count / rows), PAD + (rows - 1) * spacing
            if columns * (_POD_LEAST + gutter) <= room + PAD:
                cell = min((room + PAD) / columns, _POD_WIDEST + gutter)
                return PodRows(rows, columns, cell, cell - gutter, spacing, upright=spacing > 10)
    return PodRows(count, 1, room, min(room, _POD_LEAST), max(1.0, (room - _POD_LEAST) / count), upright=False)


def capacity(width: float, most: int) -> int:
    """How many pods a node of this width shows at most: ``most``, or what fits into six rows.

    >>> capacity(980, 24), capacity(230, 24)
    (24, 6)
    """
    return next(count for count in range(most, 0, -1) if arrange(count, width).rows <= _MOST_ROWS or count == 1)
