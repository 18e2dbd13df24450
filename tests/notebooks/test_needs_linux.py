"""Where no lab can be made, nbval skips the cells that need one, says why, and compares all others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from tests.notebooks.nbval import ROOT

NOTEBOOK = ROOT / "notebooks" / "A_real_linux.ipynb"


def needing() -> int:
    book = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return sum("needs-linux" in cell.metadata.get("tags", []) for cell in book.cells)


def test_its_cells_are_skipped_and_the_others_run(tmp_path: Path) -> None:
    cells = sum(cell.cell_type == "code" for cell in nbformat.read(NOTEBOOK, as_version=4).cells)  # type: ignore[no-untyped-call]
    assert 5 < needing() < cells
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-rs", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(ROOT),
         str(NOTEBOOK)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT), "K8SNET_HOME": str(tmp_path / "home"), "PATH": str(tmp_path)})
    assert done.returncode == 0, done.stdout
    assert f"{cells - needing()} passed, {needing()} skipped" in done.stdout
    assert "install iproute2" in done.stdout, "the sentence that says what is missing"
