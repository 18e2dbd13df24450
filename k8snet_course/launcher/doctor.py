"""`doctor`: a line for each thing the course stands on, and how to mend what is not in order."""

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8snet_course.launcher.environment import Environment
from k8snet_course.launcher.installer import find_uv

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ROOM = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do; `needed` is False where the course opens without it."""

    name: str
    state: str
    mend: str = ""
    needed: bool = True

    def __str__(self) -> str:
        mark = "ok" if not self.mend else ("MEND" if self.needed else "note")
        return f"{mark:<5} {self.name}: {self.state}" + (f"; {self.mend}" if self.mend else "")


def of_clone(environment: Environment, locks: Sequence[Path]) -> Iterator[Finding]:
    """What a clone stands on: Python, an installer, room, `.venv`, the browser of the tests."""
    yield _python()
    uv = find_uv()
    can_pip = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    mend = "" if uv or can_pip else "install uv, or your system's venv package"
    yield Finding("installer", f"uv ({uv})" if uv else "pip" if can_pip else "none", mend)
    for lock, command, needed in zip(locks, ("lab", "test"), (True, False), strict=True):
        ready = environment.is_ready(lock)
        state = f"{environment.directory} is {'ready' if ready else 'not ready'} for {command}"
        mend = "" if ready else f"it is set up by the command: {command}"
        yield Finding(lock.name, state, mend, needed=needed)
    free = shutil.disk_usage(environment.root).free
    mend = "" if free > _ROOM or environment.is_ready(locks[-1]) else "the set-up needs about 1 GB"
    yield Finding("disk", f"{free / 1e9:.1f} GB free", mend)
    yield _chromium()


def of_running_environment() -> Iterator[Finding]:
    """What an installed course stands on: Python and the packages that it opens with."""
    yield _python()
    for package in ("jupyterlab", "ipykernel", "ipywidgets", "anywidget", "pandas", "matplotlib", "networkx"):
        try:
            yield Finding(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "missing", f"install it with: {sys.executable} -m pip install {package}")
    kernel = Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    mend = "" if kernel.is_file() else f"make it with: {sys.executable} -m ipykernel install --sys-prefix"
    yield Finding("kernel", str(kernel) if kernel.is_file() else "missing", mend)


def run(findings: Iterator[Finding]) -> int:
    """Print the findings; 0 if nothing that is needed has to be mended, otherwise 1."""
    found = list(findings)
    for finding in found:
        print(finding)
    return int(any(finding.mend and finding.needed for finding in found))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", f"{version} ({sys.executable})")


def _chromium() -> Finding:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    mend = "" if path else "the browser tests are skipped without it"
    return Finding("Chromium", path or "not found", mend, needed=False)
