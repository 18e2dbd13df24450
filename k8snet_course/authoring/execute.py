"""Running a notebook, and keeping of its outputs what every run gives again.

The kernel runs with a learner of its own and a home of its own, so that a build neither reads nor spoils anybody's
progress. From the outputs goes what is random or belongs to one machine: widget models (their text and picture stay),
counts of other runs, timings.  What must not be there at all (an error, a warning, a memory address, a path) is left
for ``quality`` to find.
"""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path
from typing import Any

from nbclient import NotebookClient

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SECONDS_PER_CELL = 120


def execute(notebook: Any, root: Path, folder: str) -> None:
    """Run all cells, as if the notebook lay in ``folder`` of the repository ``root``, and clean the outputs.

    A cell that raises does not end the run: ``quality`` says which one it was.
    """
    metadata = copy.deepcopy(dict(notebook.metadata))  # running would note the version of this Python there
    with tempfile.TemporaryDirectory(prefix="k8snet-build-") as home:
        where = root / folder
        client = NotebookClient(notebook, kernel_name="python3", timeout=SECONDS_PER_CELL, allow_errors=True,
                                record_timing=False, extra_arguments=["--log-level=ERROR"], store_widget_state=False,
                                resources={"metadata": {"path": str(where if where.is_dir() else root)}})
        client.execute(env=environment(root, home))
    notebook.metadata.clear()
    notebook.metadata.update(metadata)
    clean(notebook)


def environment(root: Path, home: str) -> dict[str, str]:
    """The environment of a kernel in which every run gives the same."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ("K8SNET_LEARNER", "PYTEST_CURRENT_TEST", "PYTHONSTARTUP", "MPLBACKEND")}
    path = os.pathsep.join([str(root), *filter(None, [kept.get("PYTHONPATH", "")])])
    return kept | {"K8SNET_HOME": str(Path(home) / "course"), "IPYTHONDIR": str(Path(home) / "ipython"),
                   "PYTHONPATH": path, "PYTHONHASHSEED": "0", "TZ": "UTC", "NO_COLOR": "1"}


def clean(notebook: Any) -> None:
    """Take out of the outputs what differs between two runs of the same code."""
    notebook.metadata.pop("widgets", None)
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        count += 1
        cell.execution_count = count
        outputs: list[Any] = []
        for output in cell.outputs:
            if "data" in output:
                output.data.pop(WIDGET_VIEW, None)
                if not output.data:
                    continue
            if "execution_count" in output:
                output.execution_count = count
            output.get("transient", {}).clear()
            if output.output_type == "stream" and outputs and outputs[-1].get("name") == output.name:
                outputs[-1].text += output.text
            else:
                outputs.append(output)
        cell.outputs = outputs


def take_passing_outputs(exercises: Any, solutions: Any) -> None:
    """Give each check cell of the exercises the output that it has when the exercise is solved."""
    passing = {cell.id: cell.outputs for cell in solutions.cells if _role(cell) == "check"}
    for cell in exercises.cells:
        if _role(cell) == "check":
            cell.outputs = [output.copy() for output in passing[cell.id]]
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count


def _role(cell: Any) -> str:
    return str(cell.metadata.get("k8snet_course", {}).get("role", ""))
