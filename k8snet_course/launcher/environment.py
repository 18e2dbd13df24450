"""The clone's own environment in `.venv`: whether it may be used, and how it is made.

An environment may be used for a lock exactly if its stamp names that lock's key: a hash of the lock's text, the
Python version and the place of the clone (environments do not survive being moved). The stamp is written last and in
one piece. Whatever has no such stamp is removed and built again, so an interrupted set-up repairs itself and is never
used by halves.

Adding the test packages to a finished environment leaves the packages of the course itself alone, because every lock
holds all of the one before it. The stamp then says "adding" until that is done: meanwhile the course can be used; if
the addition never ended, the next start of the tests builds everything anew.
"""

import hashlib
import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from k8snet_course.launcher.errors import Unreachable, from_os_error
from k8snet_course.launcher.installer import (
    clean_environment,
    find_uv,
    install,
    missing_ensurepip,
    require_pip_support,
)
from k8snet_course.launcher.lock import held
from k8snet_course.launcher.progress import Progress


@dataclass(frozen=True)
class Stamp:
    """What an environment says about itself: the keys of the finished locks, and the key being added, if any."""

    ready: tuple[str, ...] = ()
    adding: str | None = None


@dataclass(frozen=True)
class Environment:
    """The environment of the clone at `root`.

    `locks`, where they are passed, go from the narrowest to the widest; each holds all of the one before it.
    """

    root: Path
    progress: Progress = field(default_factory=Progress, compare=False, repr=False)

    @property
    def directory(self) -> Path:
        """Where it lives."""
        return self.root / ".venv"

    @property
    def scripts(self) -> Path:
        """The folder of its commands."""
        return self.directory / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.scripts / ("python.exe" if sys.platform == "win32" else "python")

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        where = {"base": str(self.directory), "platbase": str(self.directory)}
        return Path(sysconfig.get_path("purelib", "venv", vars=where))

    @property
    def log(self) -> Path:
        """What the installers printed at the last set-up."""
        return self.directory / "k8snet-setup.log"

    @property
    def _stamp_file(self) -> Path:
        return self.directory / "k8snet-stamp.json"

    @property
    def _lock_file(self) -> Path:
        return self.directory / "k8snet.lock"

    def key(self, lock: Path) -> str:
        """What the stamp must hold for `lock`: it changes with the lock, with the Python version and with the place."""
        facts = f"{lock.name}\n{sys.implementation.cache_tag}\n{self.root}\n".encode("utf-8", "surrogateescape")
        return hashlib.sha256(facts + lock.read_bytes()).hexdigest()

    def is_ready(self, lock: Path) -> bool:
        """Whether the environment has been finished for `lock` and its interpreter is still there."""
        return self.key(lock) in self._stamp().ready and self.python.exists()

    def prepare(self, locks: Sequence[Path]) -> None:
        """Make the environment ready for the widest of `locks`; do nothing if it is. One process at a time does it."""
        if self.is_ready(locks[-1]):
            return
        try:
            self.directory.mkdir(exist_ok=True)
            with held(self._lock_file, self._say_waiting) as descriptor:
                if self.is_ready(locks[-1]):
                    return
                self._log_anew()
                if self.is_ready(locks[0]) and self._stamp().adding is None:
                    self._add(locks, descriptor)
                else:
                    self._build(locks, descriptor)
        except OSError as error:
            raise from_os_error(error, self.directory) from None

    def variables(self) -> dict[str, str]:
        """The variables for what runs inside: its commands and its kernels come first, whatever else is installed."""
        variables = clean_environment()
        variables["VIRTUAL_ENV"] = str(self.directory)
        variables["PATH"] = os.pathsep.join([str(self.scripts), variables.get("PATH", os.defpath)])
        return with_own_kernels(variables, self.directory)

    def _say_waiting(self) -> None:
        self.progress.step("Another start is setting up .venv; waiting until it is done")

    def _build(self, locks: Sequence[Path], descriptor: int) -> None:
        leftovers = self._contents()
        if leftovers:
            self.progress.step("Removing the .venv that was left unfinished or is out of date")
            self._clear()
        try:
            if find_uv() is None:
                require_pip_support()
            version = ".".join(map(str, sys.version_info[:3]))
            self.progress.step(f"Creating .venv with Python {version} in {self.directory}")
            _create(self.directory)
            self._install(locks[-1], descriptor)
            self._point_to_clone()
            self._write(Stamp(ready=tuple(self.key(lock) for lock in locks)))
        except BaseException:
            # Frees a full disk. What cannot be removed now has no stamp, so the next start removes it.
            self._clear(ignore_errors=True)
            raise
        self.progress.step("The set-up is done")

    def _add(self, locks: Sequence[Path], descriptor: int) -> None:
        before = self._stamp()
        self._write(Stamp(before.ready, adding=self.key(locks[-1])))
        try:
            self._install(locks[-1], descriptor)
        except Unreachable:
            self._write(before)
            raise
        self._write(Stamp(ready=tuple(self.key(lock) for lock in locks)))
        self.progress.step("The set-up is done")

    def _install(self, lock: Path, descriptor: int) -> None:
        install(self.python, lock, self.directory, self.log, self.progress, [descriptor])

    def _point_to_clone(self) -> None:
        """Make the clone's package importable by a path file; nothing is built or copied, so edits count at once."""
        # Until Python 3.13 path files are read in the system's own encoding.
        encoding = "utf-8" if sys.version_info >= (3, 13) else "locale"
        (self.site_packages / "k8snet_course_clone.pth").write_text(f"{self.root}\n", encoding=encoding)

    def _stamp(self) -> Stamp:
        try:
            data = json.loads(self._stamp_file.read_text(encoding="utf-8"))
            return Stamp(tuple(data["ready"]), data["adding"])
        except (OSError, ValueError, LookupError, TypeError):
            return Stamp()

    def _write(self, stamp: Stamp) -> None:
        """Write the stamp in one piece: either the old or the new one is there, never half of one."""
        new = self._stamp_file.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump({"ready": stamp.ready, "adding": stamp.adding}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._stamp_file)

    def _log_anew(self) -> None:
        self.log.unlink(missing_ok=True)

    def _contents(self) -> list[Path]:
        return [path for path in self.directory.iterdir() if path not in (self._lock_file, self.log)]

    def _clear(self, *, ignore_errors: bool = False) -> None:
        """Remove everything but the lock file, which others may be waiting on, and the log. The stamp goes first."""
        self._stamp_file.unlink(missing_ok=True)
        for path in self._contents():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=ignore_errors)
            else:
                path.unlink(missing_ok=True)


def with_own_kernels(variables: dict[str, str], prefix: Path) -> dict[str, str]:
    """Variables under which Jupyter finds the kernels below `prefix` before any other of the same name.

    >>> with_own_kernels({}, Path("env"))["JUPYTER_PATH"].replace(os.sep, "/")
    'env/share/jupyter'
    """
    paths = [str(prefix / "share" / "jupyter"), variables.get("JUPYTER_PATH", "")]
    return {**variables, "JUPYTER_PATH": os.pathsep.join(filter(None, paths)), "JUPYTER_PREFER_ENV_PATH": "1"}


def _create(directory: Path) -> None:
    """Create an environment without packages; pip is put in by the installer where uv does not do the work."""
    try:
        from venv import EnvBuilder
    except ImportError:
        raise missing_ensurepip() from None
    EnvBuilder(symlinks=sys.platform != "win32", with_pip=False).create(directory)
