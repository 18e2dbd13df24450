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
NO_KERNEL = "Kernel died before replying"
"""Jupyter chooses free ports for a kernel, and the kernel takes them a moment later: another program may have been quicker."""


def run_nbval(paths: Iterable[Path], folder: Path, **environment: str) -> dict[str, list[str]]:
    """The notebooks that fail: their name -> the cells (``Cell 3``) that failed.  ``folder``: for reports, homes.

    A notebook whose kernel could not begin is run once more.
    """
    several = list(paths)
    failed, unborn = _run_halves(several, folder, environment)
    if unborn:
        again, still = _run_halves([path for path in several if path.stem in unborn], folder / "again", environment)
        assert not still, f"no kernel could begin for {', '.join(sorted(still))}"
        failed = {name: cells for name, cells in failed.items() if name not in unborn} | again
    return failed


def _run_halves(several: list[Path], folder: Path, environment: dict[str, str]) -> tuple[dict[str, list[str]], set[str]]:
    """The same, and the names of notebooks whose kernel could not begin."""
    halves = [half for half in (several[::2], several[1::2]) if half]
    with ThreadPoolExecutor(len(halves)) as workers:
        found = workers.map(lambda number: _run(halves[number], folder / str(number), environment), range(len(halves)))
        parts = list(found)
    return ({name: cells for failed, _ in parts for name, cells in failed.items()},
            {name for _, unborn in parts for name in unborn})


def _run(several: list[Path], folder: Path, environment: dict[str, str]) -> tuple[dict[str, list[str]], set[str]]:
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
    unborn: set[str] = set()
    cases = ElementTree.parse(report).findall(".//testcase")
    assert len(cases) >= len(several), done.stdout
    for case in cases:
        problems = [*case.findall("failure"), *case.findall("error")]
        if problems:
            stem = str(case.get("classname")).removesuffix(".ipynb").rpartition(".")[2]
            failed.setdefault(stem, []).append(str(case.get("name")))
            if any(NO_KERNEL in str(problem.get("message")) for problem in problems):
                unborn.add(stem)
    assert bool(failed) == bool(done.returncode), done.stdout
    return failed, unborn
