"""Running `pytest --nbval` as a learner does, and reading which cells failed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]


def run_nbval(paths: Iterable[Path], folder: Path, **environment: str) -> dict[str, list[str]]:
    """The notebooks that fail: their name -> the cells (``Cell 3``) that failed.  ``folder``: for reports, homes."""
    several = list(paths)
    halves = [half for half in (several[::2], several[1::2]) if half]
    with ThreadPoolExecutor(len(halves)) as workers:
        found = workers.map(lambda number: _run(halves[number], folder / str(number), environment), range(len(halves)))
        return {name: cells for failed in found for name, cells in failed.items()}


def _run(several: list[Path], folder: Path, environment: dict[str, str]) -> dict[str, list[str]]:
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.xml"
    kept = {name: value for name, value in os.environ.items() if name not in ("K8SNET_LEARNER", "PYTEST_CURRENT_TEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "-c", os.devnull,
         "--rootdir", os.path.commonpath([path.parent for path in several]), "--junitxml", str(report),
         *map(str, several)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=900,
        env=kept | {"PYTHONPATH": str(ROOT), "K8SNET_HOME": str(folder / "home")} | environment)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    failed: dict[str, list[str]] = {}
    cases = ElementTree.parse(report).findall(".//testcase")
    assert len(cases) >= len(several), done.stdout
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            stem = str(case.get("classname")).removesuffix(".ipynb").rpartition(".")[2]
            failed.setdefault(stem, []).append(str(case.get("name")))
    assert bool(failed) == bool(done.returncode), done.stdout
    return failed
