"""`pytest --nbval exercises/NN_name.ipynb` passes exactly when the exercises are solved.

A notebook is filled as a learner would, in many ways at once, and all the copies go through one run of nbval.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from k8snet_course.exercises import registry
from k8snet_course.exercises.judge import judge
from tests.notebooks.nbval import ROOT, run_nbval

NOTEBOOKS = sorted((ROOT / "exercises").glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def names_in(notebook: Any) -> list[str]:
    return [cell.id.removesuffix("-check") for cell in notebook.cells if cell.id.endswith("-check")]


def cell(notebook: Any, ident: str) -> Any:
    return next(one for one in notebook.cells if one.id == ident)


def filled(path: Path, *left_out: str) -> Any:
    """The exercises with the solutions' answers, except some."""
    notebook, solved = read(path), read(ROOT / "solutions" / path.name)
    for name in names_in(notebook):
        if name not in left_out:
            cell(notebook, f"{name}-answer").source = cell(solved, f"{name}-answer").source
    return notebook


def check_number(notebook: Any, name: str) -> str:
    """How nbval names the check cell: by its place among the code cells."""
    code = [one.id for one in notebook.cells if one.cell_type == "code"]
    return f"Cell {code.index(f'{name}-check')}"


def saved_with_a_wrong_answer(path: Path, name: str) -> Any:
    """What Jupyter stores when a learner runs a wrong answer and saves: the wrong output, not the passing one."""
    notebook = filled(path, name)
    exercise = registry.find(name)
    assert exercise is not None
    cell(notebook, f"{name}-check").outputs[0].data["text/plain"] = str(judge(exercise, "learner")[0])
    return notebook


def cleared(path: Path, name: str) -> Any:
    """What Jupyter stores after "Clear Outputs of All Cells"."""
    notebook = filled(path, name)
    for one in notebook.cells:
        if one.cell_type == "code":
            one.outputs, one.execution_count = [], None
    return notebook


def with_notes(path: Path) -> Any:
    """A solved notebook in which the learner prints things and asks for hints."""
    notebook = filled(path)
    for name in names_in(notebook):
        cell(notebook, f"{name}-answer").source += '\nprint("my notes")'
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_passes_exactly_when_solved(path: Path, tmp_path: Path) -> None:
    original = read(path)
    names = names_in(original)
    assert names == [one.name for one in registry.exercises() if one.chapter == path.stem]
    cells = {name: check_number(original, name) for name in names}
    copies: dict[str, tuple[Callable[[], Any], list[str]]] = {
        "as_it_came": (lambda: read(path), list(cells.values())),
        "solved": (lambda: filled(path), []),
        "solved_with_notes": (lambda: with_notes(path), []),
        "saved_wrong": (lambda: saved_with_a_wrong_answer(path, names[0]), [cells[names[0]]]),
        "cleared": (lambda: cleared(path, names[-1]), [cells[names[-1]]]),
    }
    for name in names:
        copies[f"without_{name}"] = (lambda name=name: filled(path, name), [cells[name]])  # type: ignore[misc]
    for stem, (make, _) in copies.items():
        nbformat.write(make(), tmp_path / f"{stem}.ipynb")
    # The files were built for another learner than ada: whose numbers they are makes no difference.
    failed = run_nbval(sorted(tmp_path.glob("*.ipynb")), tmp_path, K8SNET_LEARNER="ada")
    assert failed == {stem: wanted for stem, (_, wanted) in copies.items() if wanted}
