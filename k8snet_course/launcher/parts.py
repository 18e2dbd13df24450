"""What `test` runs: four parts, one after the other, all of them even if one fails, and a line for each at the end.

The tests themselves run in two processes, if there are two processors.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NOTEBOOK_FOLDERS = ("notebooks", "solutions")
MOST_PROCESSES = 2
"""Each may lay out networks, start a browser and a JupyterLab: more of them would get into each other's way."""


@dataclass(frozen=True)
class Part:
    """One tool's run. A part that has nothing to run on is a failure, told by `missing`."""

    name: str
    command: tuple[str, ...]
    missing: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a part ended."""

    part: Part
    code: int
    seconds: float

    def __str__(self) -> str:
        verdict = "passed" if self.code == 0 else f"FAILED (exit code {self.code})"
        return f"{self.part.name:<8} {verdict} in {self.seconds:.1f} s"


def all_parts(python: str, root: Path) -> list[Part]:
    """The parts in the order in which they run: the quick ones first."""
    books = [sorted((root / folder).glob("*.ipynb")) for folder in NOTEBOOK_FOLDERS]
    empty = [folder for folder, found in zip(NOTEBOOK_FOLDERS, books, strict=True) if not found]
    missing = f"no notebooks in {' and '.join(empty)}/; make them with the command: build" if empty else ""
    paths = tuple(str(path.relative_to(root)) for found in books for path in found)
    return [
        Part("ruff", (python, "-m", "ruff", "check", ".")),
        Part("mypy", (python, "-m", "mypy", "--strict", "k8snet_course")),
        Part("pytest", (python, "-m", "pytest", *side_by_side(_processors()))),
        Part("nbval", (python, "-m", "pytest", "--nbval", *paths), missing),
    ]


def side_by_side(processors: int) -> tuple[str, ...]:
    """The words with which pytest uses two processors; a file's tests stay together, because they share what they have made.

    >>> side_by_side(1), side_by_side(8)[:2]
    ((), ('-n', '2'))
    """
    processes = min(MOST_PROCESSES, processors)
    return ("-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder") if processes > 1 else ()


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(python: Path | str, root: Path, variables: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Run all parts, or pytest alone if it was given arguments. 0 if everything passed, otherwise 1 (or pytest's code).

    The learner's own progress stays out of it: K8SNET_HOME is a folder that is gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="k8snet-test-") as home:
        inside = {**variables, "K8SNET_HOME": home}
        if arguments:
            command = (str(python), "-m", "pytest", *arguments)
            return subprocess.run(command, cwd=root, env=inside, check=False).returncode
        outcomes = [_outcome(part, root, inside) for part in all_parts(str(python), root)]
    print()
    for outcome in outcomes:
        print(outcome)
    return int(any(outcome.code for outcome in outcomes))


def _outcome(part: Part, root: Path, variables: Mapping[str, str]) -> Outcome:
    print(f"\n== {part.name}", flush=True)
    if part.missing:
        print(f"{part.name}: {part.missing}", file=sys.stderr)
        return Outcome(part, 1, 0.0)
    start = time.monotonic()
    code = subprocess.run(part.command, cwd=root, env=dict(variables), check=False).returncode
    return Outcome(part, code, time.monotonic() - start)


def running_environment() -> dict[str, str]:
    """The variables for running the parts with the interpreter that runs this."""
    scripts = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])}
