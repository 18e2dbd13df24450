"""Where progress is kept: one small JSON file per learner, which neither a crash nor a second notebook can spoil.

- A write goes to a new file first, is forced to the disk, and then takes the old file's place in one step (os.replace):
  a reader sees the old file or the new one, whole.
- A write happens under a lock and begins by reading what is there, so two open notebooks add to each other's results.
  The operating system holds the lock and lets go of it when a process dies.
- A file that cannot be read as progress is renamed, never deleted, and said so in one sentence.
- Where nothing can be written, progress lives in memory as long as the notebook does, and that is said in one sentence
  too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from k8snet_course.exercises.record import Event, Progress
from k8snet_course.filelock import try_lock

_PATIENCE = 10.0
"""Seconds to wait for the lock: another notebook holds it for milliseconds."""


def home() -> Path:
    """The folder of progress files: K8SNET_HOME, or the place that this system has for a program's data.

    Raises RuntimeError where the user has no home.
    """
    told = os.environ.get("K8SNET_HOME")
    if told:
        return Path(told)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "k8snet_course"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "k8snet_course"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "k8snet_course"


class Store:
    """The progress of one learner on the disk, or in memory where the disk cannot be written.

    ``record`` and ``read`` never raise; ``note`` is the sentence to tell the learner, empty when all is well.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = Store("ada", Path(folder))
        ...     Store("ada", Path(folder)).record(Event("next_pod_address", hints=1))
        ...     store.read().entry("next_pod_address").hints
        1
    """

    def __init__(self, learner: str, folder: Path | None = None) -> None:
        self.learner = learner
        self.note = ""
        self._folder = folder
        self._unsaved: list[Event] = []

    @property
    def path(self) -> Path:
        """The learner's file.  Its name holds as much of the id as fits, and a digest that tells two ids apart."""
        digest = hashlib.sha256(self.learner.encode("utf-8", "replace")).hexdigest()[:8]
        plain = re.sub(r"[^a-z0-9]+", "-", self.learner.lower()).strip("-")[:40]
        return (self._folder or home()) / f"progress-{plain or 'learner'}-{digest}.json"

    def record(self, *events: Event) -> None:
        """Add events to the file, or keep them in memory until the file can be written."""
        self._unsaved += events
        self.note = ""
        try:
            path = self.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(path.with_suffix(".lock")):
                kept = self._load(path, set_aside=True).after(*self._unsaved)
                _replace(path, json.dumps(kept.to_json(), indent=1, sort_keys=True) + "\n")
        except (OSError, RuntimeError) as error:
            self._in_memory(error)
        else:
            self._unsaved.clear()

    def read(self) -> Progress:
        """The learner's progress now, with what could not be saved."""
        try:
            return self._load(self.path, set_aside=False).after(*self._unsaved)
        except (OSError, RuntimeError) as error:
            self._in_memory(error)
            return Progress(self.learner).after(*self._unsaved)

    def _load(self, path: Path, set_aside: bool) -> Progress:
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return Progress(self.learner)
        try:
            return Progress.from_json(self.learner, json.loads(raw))
        except (ValueError, RecursionError):
            if set_aside:
                aside = _free_name(path)
                path.replace(aside)
                self.note = f"The saved progress could not be read; it is kept as {aside.name}, and a new file begins."
            else:
                self.note = "The saved progress cannot be read; the next check sets it aside and begins a new file."
            return Progress(self.learner)

    def _in_memory(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        self.note = f"Progress cannot be saved here ({reason.lower()}), so it lasts only until this notebook is closed."


def _free_name(path: Path) -> Path:
    """A name for a damaged file that no other file has."""
    names = (path.with_suffix(f".damaged-{number}.json") for number in range(1, 10_000))
    return next(name for name in names if not name.exists())


def _replace(path: Path, text: str) -> None:
    """Put a whole new text in a file's place in one step."""
    handle, name = tempfile.mkstemp(prefix=path.stem + "-", suffix=".new", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _patiently(lambda: new.replace(path))
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    for old in path.parent.glob(path.stem + "-*.new"):  # left by a process that was killed here; the lock is ours
        with suppress(OSError):
            old.unlink()


def _patiently(replace: Callable[[], object]) -> None:
    """On Windows a virus scanner or an editor may hold the old file for a moment."""
    for wait in (0.05, 0.1, 0.2, 0.4) if os.name == "nt" else ():
        try:
            replace()
        except PermissionError:
            time.sleep(wait)
        else:
            return
    replace()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file; the system releases it when this process ends, however it ends.  Raises OSError."""
    with path.open("a+b") as file:
        deadline = time.monotonic() + _PATIENCE
        while not try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise TimeoutError(None, "another program holds the file")
            time.sleep(0.005)
        yield
