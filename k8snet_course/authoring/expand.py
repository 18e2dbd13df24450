"""From an authored source to the cells of a notebook, not yet run.

- ``chapters/NN_name.py`` (jupytext percent) becomes ``notebooks/NN_name.ipynb``.
- ``chapters/NN_name_exercises.py`` becomes ``exercises/NN_name.ipynb`` and ``solutions/NN_name.ipynb``.  In it a cell
  that is marked ``# %% exercise="next_pod_address"`` stands for four cells, made from the exercise's data: the
  statement, the learner's own numbers, the answer (the starter, or the reference in the solutions) and the check.  So
  they cannot drift.

Cell ids come from the exercise's name, or from the cell's text and how often it occurred before: the same source gives
the same ids.  This module runs nothing and writes nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat.v4

from k8snet_course.exercises import registry
from k8snet_course.exercises.exercise import Exercise

_V4: Any = nbformat.v4

FORM = 1
"""Raised when this module begins to make other cells from the same source, so that built files count as stale."""

IGNORE_OUTPUT = "nbval-ignore-output"
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python",
                      "pygments_lexer": "ipython3"},
}


class BuildError(Exception):
    """A source or its notebook breaks a rule.  The text names the file and the cell."""


@dataclass(frozen=True, slots=True)
class Product:
    """One notebook that a source makes: ``room`` is notebooks, exercises or solutions, ``stem`` its name there."""

    room: str
    stem: str
    source: Path

    @property
    def path(self) -> Path:
        """Where it lies, from the top of the repository."""
        return Path(self.room) / f"{self.stem}.ipynb"


def products(source: Path) -> tuple[Product, ...]:
    """The notebooks that one source makes; the solutions come first, since the exercises take outputs from them.

    >>> [str(one.path.as_posix()) for one in products(Path("chapters/01_single_node_exercises.py"))]
    ['solutions/01_single_node.ipynb', 'exercises/01_single_node.ipynb']
    """
    stem = source.stem
    if stem.endswith("_exercises"):
        stem = stem.removesuffix("_exercises")
        return Product("solutions", stem, source), Product("exercises", stem, source)
    return (Product("notebooks", stem, source),)


def expand(product: Product) -> Any:
    """The notebook of a product, without outputs.  Raises BuildError."""
    text = product.source.read_text(encoding="utf-8")
    authored = jupytext.reads(text, fmt="py:percent")
    cells: list[Any] = []
    for cell in authored.cells:
        name = cell.metadata.pop("exercise", None)
        if name is None:
            cells.append(_plain(cell, cells))
            continue
        exercise = registry.find(name)
        if exercise is None:
            near = registry.nearest(name)
            raise BuildError(f"{product.source.name}: there is no exercise {name!r}; did you mean {near!r}?")
        if f"{exercise.chapter}_exercises" != product.source.stem:
            raise BuildError(f"{product.source.name}: the exercise {name!r} belongs to {exercise.chapter}_exercises.py")
        cells += _exercise_cells(exercise, solved=product.room == "solutions")
    notebook = _V4.new_notebook(cells=cells, metadata=json.loads(json.dumps(_METADATA)))
    notebook.nbformat_minor = 5
    notebook.metadata["k8snet_course"] = {"source": product.source.name, "source_sha256": digest(notebook)}
    return notebook


def digest(notebook: Any) -> str:
    """A digest of what the cells of a notebook say, whatever their outputs."""
    said = [[cell.id, cell.cell_type, cell.source, sorted(cell.metadata.get("tags", []))] for cell in notebook.cells]
    return hashlib.sha256(json.dumps([FORM, said]).encode()).hexdigest()


def _plain(cell: Any, before: list[Any]) -> Any:
    """A cell as it was authored."""
    source = cell.source.strip("\n")
    made = hashlib.sha256(f"{cell.cell_type}\n{source}".encode()).hexdigest()[:12]
    taken = sum(str(other.id).startswith(made) for other in before)
    ident = f"{made}-{taken}" if taken else made
    tags = list(cell.metadata.get("tags", []))
    if cell.cell_type == "markdown":
        return _cell("markdown", source, ident, tags)
    return _cell("code", source, ident, tags)


def _cell(kind: str, source: str, ident: str, tags: list[str], **course: object) -> Any:
    make = _V4.new_markdown_cell if kind == "markdown" else _V4.new_code_cell
    metadata: dict[str, Any] = {"tags": sorted(tags)} if tags else {}
    if course:
        metadata["k8snet_course"] = course
        if course["role"] in ("statement", "task", "check"):
            metadata |= {"deletable": False, "editable": False}
    return make(source, id=ident, metadata=metadata)


def _exercise_cells(exercise: Exercise, solved: bool) -> list[Any]:
    """Statement, numbers, answer and check.

    The numbers differ from learner to learner, and a learner may print in the answer cell, so nbval only runs these
    two; the check cell is the one whose output it compares.
    """
    name = exercise.name
    statement = (f"## {exercise.title}\n\n{exercise.statement.strip()}\n\n"
                 f"*Stuck? Run `hint(\"{name}\")` in a cell of your own, more than once if you like. "
                 f"`solution(\"{name}\")` shows a worked answer.*")
    answer = exercise.reference if solved else exercise.starter
    return [
        _cell("markdown", statement, f"{name}-statement", [], exercise=name, role="statement"),
        _cell("code", f'task("{name}")', f"{name}-task", [IGNORE_OUTPUT], exercise=name, role="task"),
        _cell("code", answer.strip("\n"), f"{name}-answer", [IGNORE_OUTPUT], exercise=name, role="answer"),
        _cell("code", f'check("{name}", {exercise.variable})', f"{name}-check", [], exercise=name, role="check"),
    ]
