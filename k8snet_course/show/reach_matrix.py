"""The reachability matrix as a widget: who reaches whom, and for each pair which rule or table decided.

The kernel's part is here: it puts the cells (:mod:`~k8snet_course.show.matrix`) into one value and hands it to the script
``reach_matrix.js``.  Moving about in the table needs no answer from the kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from k8snet_course.reachability import Reachability
from k8snet_course.show.matrix import MARKS, Cell, Matrix
from k8snet_course.show.svg import style

_HERE = Path(__file__).parent
Json = dict[str, Any]


class ReachMatrix(anywidget.AnyWidget):
    """Who reaches whom, as a table to move about in by mouse or arrow keys.

    ``reachability`` is what ``cluster.reachability`` returned.  With ``before``, an earlier one, the cells that have changed
    since then are marked.  ``show`` puts another one in the same place; ``cell`` is the one that was pointed at last.  At most
    40 sources and targets are shown, and how many more there are is said.

    Without a live kernel a notebook shows the same as a table and as text.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster(nodes=2, cni="bridge")
        >>> _ = cluster.add_pod("a"), cluster.add_pod("b")
        >>> seen = ReachMatrix(cluster.reachability())
        >>> print(seen)
        from \\ to  a         b
        a          ok        no_route
        b          no_route  ok
        2 of 4 pairs ok, 0 denied by a policy, 2 failed otherwise.
        a -> b: no route: router has no route to 10.244.1.2
        b -> a: no route: router has no route to 10.244.0.2
    """

    _esm = (_HERE / "reach_matrix.js").read_text(encoding="utf-8")
    _css = style() + "".join((_HERE / name).read_text(encoding="utf-8") for name in ("walk.css", "reach_matrix.css"))

    state = traitlets.Dict().tag(sync=True)
    row = traitlets.Int(0).tag(sync=True)
    column = traitlets.Int(0).tag(sync=True)

    def __init__(self, reachability: Reachability, before: Reachability | None = None) -> None:
        self._reachability, self._matrix = reachability, Matrix.of(reachability, before)
        super().__init__(state=matrix_state(self._matrix))

    @property
    def reachability(self) -> Reachability:
        """What is shown."""
        return self._reachability

    @property
    def cell(self) -> Cell | None:
        """The cell that was pointed at last, at first the one at the top left; None in an empty table."""
        if self.row < len(self._matrix.rows) and self.column < len(self._matrix.targets):
            return self._matrix.rows[self.row][self.column]
        return None

    def show(self, reachability: Reachability, before: Reachability | None = None) -> None:
        """Show another one in the same place; the same one again sends nothing."""
        matrix = Matrix.of(reachability, before)
        state = matrix_state(matrix)
        self._reachability, self._matrix = reachability, matrix
        if state != self.state:
            with self.hold_sync():
                self.row = max(0, min(self.row, len(matrix.sources) - 1))
                self.column = max(0, min(self.column, len(matrix.targets) - 1))
                self.state = state

    def __repr__(self) -> str:
        return "\n".join([str(self._reachability), self._matrix.summary, *self._matrix.reasons])

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[Json, Json]:
        live = super()._repr_mimebundle_()
        data = dict(live[0]) if live else {}
        return {**data, "text/plain": repr(self), "text/html": self._matrix.html}, {}


def matrix_state(matrix: Matrix) -> Json:
    """What the widget's script is sent, as plain JSON values.

    A cell is the number of its result, its reason, how it has changed, and its reason before.

    >>> from k8snet_course.reachability import Pair
    >>> state = matrix_state(Matrix.of(Reachability((Pair("a", "b", "no_route", "because"),))))
    >>> state["results"], state["rows"]
    ([{'kind': 'other', 'mark': '△', 'text': 'no route'}], [[[0, 'because', '', '']]])
    """
    results: dict[str, Json] = {}
    for row in matrix.rows:
        for cell in row:
            results.setdefault(cell.result, {"kind": cell.kind, "mark": cell.mark, "text": cell.words})
    number = {result: at for at, result in enumerate(results)}
    return {
        "sources": list(matrix.sources),
        "targets": list(matrix.targets),
        "results": list(results.values()),
        "rows": [[[number[cell.result], cell.reason, cell.change, cell.reason_before] for cell in row] for row in matrix.rows],
        "summary": matrix.summary,
        "marks": [[MARKS["ok"], "ok"], [MARKS["denied"], "denied by a policy"], [MARKS["other"], "failed otherwise"]],
    }
