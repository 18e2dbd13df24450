"""Putting a lock's packages into an environment with uv or pip, and putting their complaints into a sentence.

Knows the two installers' options and what they print. Knows nothing of stamps: it either returns or raises.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from k8snet_course.launcher.errors import LaunchError, Unreachable, disk_full
from k8snet_course.launcher.progress import Progress

# Settings of the person's own that would send the packages somewhere else than into `.venv`.
_MISLEADING = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)

# What the installers print, looked for in this order: a full disk also breaks downloads, so it comes first.
_DISK_FULL = re.compile(
    r"No space left on device|Errno 28\b|os error 28\b|not enough space on the disk|Disk quota exceeded"
)
_WRONG_HASH = re.compile(r"DO NOT MATCH THE HASHES|Hash mismatch", re.IGNORECASE)
_NO_NETWORK = re.compile(
    r"NewConnectionError|Failed to establish a new connection|ConnectTimeout|ReadTimeout|ProxyError|SSLError"
    r"|Max retries exceeded|Name or service not known|Temporary failure in name resolution|getaddrinfo failed"
    r"|Connection (?:refused|reset|aborted|timed out)|connection broken|error sending request|dns error"
    r"|Failed to fetch|Could not fetch URL|network (?:connectivity is|was) disabled|\(from versions: none\)",
    re.IGNORECASE,
)

_PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*==", re.MULTILINE)
_PIP_STEP = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
_UV_STEP = re.compile(r"^\s*(?:(Download\w*|Resolved|Prepared|Installed)\b|\+ )(.*)")


def find_uv() -> str | None:
    """The uv on PATH, if there is one and it runs (a version manager's shim may be a name with nothing behind it)."""
    uv = shutil.which("uv")
    if uv is None:
        return None
    try:
        subprocess.run([uv, "--version"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return uv


def clean_environment() -> dict[str, str]:
    """This process's environment without what would point an installer or a kernel away from `.venv`."""
    return {name: value for name, value in os.environ.items() if name not in _MISLEADING}


def require_pip_support() -> None:
    """Raise if this Python cannot put pip into a new environment, as on a Debian without its venv package."""
    try:
        import ensurepip  # noqa: F401  (only whether it can be imported matters)
        import venv  # noqa: F401
    except ImportError:
        raise missing_ensurepip() from None


def missing_ensurepip() -> LaunchError:
    """The sentence for a Python whose venv or ensurepip has been left out, with the system package that has it."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if Path("/etc/debian_version").exists():
        mend = f"install it with: sudo apt install python{version}-venv"
    else:
        mend = f"install your system's venv package for Python {version}, or a Python from python.org, or uv"
    return LaunchError(
        f"Python {version} ({sys.executable}) has no venv or no ensurepip module, which the set-up needs; {mend}"
    )


def install(python: Path, lock: Path, place: Path, log: Path, progress: Progress, descriptors: Sequence[int]) -> None:
    """Install exactly what `lock` pins, hashes checked, into the environment of `python`.

    `descriptors` stay open in the installer, so that a lock they stand for lives as long as it does.
    """
    total = len(_PINNED.findall(lock.read_text(encoding="utf-8")))
    uv = find_uv()
    if uv is not None:
        progress.step(f"Downloading and installing {total} packages with uv (once only)")
        command = [uv, "pip", "install", "--python", str(python), "--require-hashes", "--requirement", str(lock)]
    else:
        _ensure_pip(python, log, progress, descriptors)
        progress.step(f"Downloading and installing {total} packages with pip (a minute or two, once only)")
        command = [str(python), "-m", "pip", "install", "--no-user", "--no-input", "--disable-pip-version-check"]
        command += ["--progress-bar", "off", "--require-hashes", "--requirement", str(lock)]
    _run(command, place, log, _Narrator(progress, total), descriptors)
    progress.finish()


def _ensure_pip(python: Path, log: Path, progress: Progress, descriptors: Sequence[int]) -> None:
    """Put pip into the environment unless it is there; one that uv filled has none."""
    if any((python.parent.parent / "Scripts").glob("pip.exe")) or (python.parent / "pip").exists():
        return
    require_pip_support()
    progress.step("Putting pip into it")
    command = [str(python), "-m", "ensurepip", "--upgrade", "--default-pip"]
    _run(command, python.parent.parent, log, _Narrator(progress, 0), descriptors)


class _Narrator:
    """Turns an installer's lines into the progress a learner sees."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress = progress
        self.total = total
        self.seen = 0

    def __call__(self, line: str) -> None:
        if match := _PIP_STEP.match(line):
            self.seen += 1
            self.progress.detail(f"{match[1]} ({self.seen} of about {self.total})")
        elif self.total and line.startswith("Installing collected packages"):
            self.progress.step("Unpacking them (the longest part)")
        elif match := _UV_STEP.match(line):
            self.progress.detail(line.strip())


def _run(command: list[str], place: Path, log: Path, narrate: _Narrator, descriptors: Sequence[int]) -> None:
    """Run an installer to its end, keep what it prints in `log`, and raise the sentence for what went wrong."""
    last: deque[str] = deque(maxlen=400)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=clean_environment(),
        # Windows cannot hand over single descriptors, and its file locks do not travel with them either.
        pass_fds=() if sys.platform == "win32" else tuple(descriptors),
    )
    assert process.stdout is not None
    try:
        with log.open("a", encoding="utf-8") as record:
            for line in process.stdout:
                record.write(line)
                last.append(line)
                narrate(line)
        code = process.wait()
    except BaseException:
        _stop(process)
        raise
    if code:
        raise _complaint("".join(last), command, place, log)


def _stop(process: "subprocess.Popen[str]") -> None:
    """End the installer and wait for its end, so that nothing writes into the environment after this process."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _complaint(output: str, command: list[str], place: Path, log: Path) -> LaunchError:
    if _DISK_FULL.search(output):
        return disk_full(place)
    if _WRONG_HASH.search(output):
        return LaunchError(
            "A downloaded package is not the one that the course's lock names (its hash differs), so it was not"
            " installed; try again from another network, and report it if it happens again."
        )
    if _NO_NETWORK.search(output):
        return Unreachable(
            "The package registry cannot be reached, so the course's packages were not installed; connect to the"
            " network (or set your proxy or index for pip or uv) and start again."
        )
    if "ensurepip" in command and "No module named" in output:
        return missing_ensurepip()
    errors = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    reason = errors[-1] if errors else f"{Path(command[0]).name} ended without saying why"
    return LaunchError(f"The packages could not be installed: «{reason}» (all that was printed is in {log}).")
