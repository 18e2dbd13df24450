"""A board: one line that is read out when it changes, and tables that are redrawn one by one.

It is what a panel shows besides the picture; a part that is empty takes no room.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anywidget
import traitlets

from k8snet_course.show.grid import Grid
from k8snet_course.show.svg import style

_HERE = Path(__file__).parent


class Board(anywidget.AnyWidget):
    """Tables, and above them a notice (an error's one sentence, or what has just been done).

    >>> board = Board()
    >>> board.show([Grid("Pods", ("pod",), (("frontend",),))])
    >>> board.say("One pod is there.")
    >>> print(board)
    One pod is there.
    Pods
      pod
      frontend
    """

    _esm = (_HERE / "board.js").read_text(encoding="utf-8")
    _css = style() + (_HERE / "board.css").read_text(encoding="utf-8")

    notice = traitlets.Unicode("").tag(sync=True)
    failed = traitlets.Bool(False).tag(sync=True)
    tables = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self) -> None:
        self._grids: tuple[Grid, ...] = ()
        super().__init__()

    def show(self, grids: Sequence[Grid]) -> None:
        """Show these tables, and leave the notice as it is."""
        self._grids = tuple(grids)
        self.tables = [grid.html for grid in grids]

    def say(self, notice: str, failed: bool = False) -> None:
        """Show a notice and leave the tables as they are; ``failed`` marks it as an error."""
        with self.hold_sync():
            self.notice, self.failed = notice, failed

    def __repr__(self) -> str:
        return "\n".join([*([self.notice] if self.notice else []), *(str(grid) for grid in self._grids)])
