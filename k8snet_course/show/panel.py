"""A control panel: controls above, a packet walk and tables below them, recomputed together whenever a control changes.

A chapter makes one of a few controls and one function that says what is to be seen:

    size = choice("Nodes", (1, 2, 3), 1)
    panel = Panel([size], lambda: Seen(c := Cluster(nodes=size.value), c.send("node-1", "laptop", port=None)))

The function computes everything anew.  When it raises a CourseError, its sentence is shown, the controls go back to
what they were, and the picture stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from k8snet_course.errors import CourseError
from k8snet_course.show.board import Board
from k8snet_course.show.grid import Grid
from k8snet_course.show.picture import Picture
from k8snet_course.show.widgets import PacketWalk

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.trace import Trace


@dataclass(frozen=True)
class Seen:
    """What a panel shows at one moment: a cluster, a walk in it, some tables, and a line about what was done."""

    cluster: Cluster
    trace: Trace | None = None
    tables: Sequence[Grid] = ()
    notice: str = ""


class Panel(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types of its own
    """Controls with what they change.

    ``controls`` are ipywidgets, or sequences of them that stand in one row.  ``rebuild`` returns what is to be seen;
    it is called at the start and after each change of a control's ``value``.

        >>> from k8snet_course import Cluster
        >>> size = choice("Nodes", (1, 2), 1)
        >>> panel = Panel([size], lambda: Seen(Cluster(nodes=size.value)))
        >>> size.value = 2
        >>> [node.name for node in panel.seen.cluster.nodes]
        ['node-1', 'node-2']
    """

    def __init__(self, controls: Sequence[Any], rebuild: Callable[[], Seen], challenge: bool = False) -> None:
        rows = [list(row) if isinstance(row, (list, tuple)) else [row] for row in controls]
        self._rebuild = rebuild
        self._inputs = [
            one for row in rows for one in row if hasattr(one, "value") and not isinstance(one, ipywidgets.HTML)
        ]
        self._values: dict[int, Any] = {}
        self._busy = False
        self.seen = rebuild()
        self.walk = PacketWalk(self.seen.cluster, self.seen.trace, challenge)
        self.board = Board()
        self.board.say(self.seen.notice)
        self.board.show(self.seen.tables)
        for one in self._inputs:
            one.observe(self._changed, "value")
        self._remember()
        boxes = [
            ipywidgets.HBox(row, layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center")) for row in rows
        ]
        super().__init__([*boxes, self.board, self.walk])
        self.add_class("k8-panel")

    def redraw(self) -> None:
        """Recompute and show.  A CourseError is shown as a notice, the controls go back, and the picture stays."""
        self.attempt(lambda: None)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something and redraw; returns whether it went well."""
        if self._busy:
            return False
        self._busy = True
        try:
            with ExitStack() as held:  # the picture is sent first, the controls' own changes after it
                for one in self._inputs:
                    held.enter_context(one.hold_sync())
                return self._attempt(action)
        finally:
            self._busy = False

    def _attempt(self, action: Callable[[], object]) -> bool:
        try:
            action()
            seen = self._rebuild()
        except CourseError as error:
            for number, one in enumerate(self._inputs):
                if one.value != self._values[number]:
                    one.value = self._values[number]
            self.board.say(str(error), failed=True)
            return False
        self.seen = seen
        self.walk.show(seen.cluster, seen.trace)
        self.board.say(seen.notice)
        self.board.show(seen.tables)
        self._remember()
        return True

    def _changed(self, change: object) -> None:
        self.redraw()

    def _remember(self) -> None:
        self._values = {number: one.value for number, one in enumerate(self._inputs)}

    def __repr__(self) -> str:
        return "\n\n".join(text for text in map(repr, (self.walk, self.board)) if text)

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, Any]:
        live = super()._repr_mimebundle_(**kwargs)
        return {**(live or {}), **Picture(self.walk.scene, self.walk.trace, repr(self)).bundle()}


_WIDE = {"description_width": "initial"}


def choice(label: str, options: Sequence[Any], value: Any, width: str = "auto") -> Any:
    """A dropdown with a visible label; an option is a value, or a pair of a text and a value.

    >>> choice("Prefix", ((f"/{bits}", bits) for bits in (24, 25)), 24).label
    '/24'
    """
    return ipywidgets.Dropdown(
        description=label,
        options=list(options),
        value=value,
        style=_WIDE,
        layout=ipywidgets.Layout(width=width, margin="2px 12px 2px 2px"),
    )


def button(label: str, action: Callable[[], object], hint: str = "") -> Any:
    """A button that calls ``action`` when it is pressed.

    >>> button("Add pod", lambda: None).description
    'Add pod'
    """
    made = ipywidgets.Button(description=label, tooltip=hint or label, layout=ipywidgets.Layout(width="auto"))
    made.on_click(lambda _: action())
    return made


def entry(label: str, value: str, width: str = "220px") -> Any:
    """A field for a short text with a visible label; it takes the text when Enter is pressed or the field is left.

    >>> entry("Name", "web").value
    'web'
    """
    return ipywidgets.Text(
        description=label,
        value=value,
        style=_WIDE,
        continuous_update=False,
        layout=ipywidgets.Layout(width=width, margin="2px 12px 2px 2px"),
    )
