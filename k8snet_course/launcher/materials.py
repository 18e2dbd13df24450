"""The course's files where there is no clone: they come with the package and are copied to a folder of the learner's.

The folder is `k8snet-course` in the home directory, so that the work is found again wherever the command is started.
A file that is already there is never touched: it may hold the learner's work. To get a newer or a clean copy of a
notebook, delete or rename it and start the course again.
"""

import os
import shutil
import tempfile
from pathlib import Path

from k8snet_course.launcher.errors import LaunchError, from_os_error

PACKAGED = Path(__file__).parents[1] / "course"
FOLDERS = ("notebooks", "exercises", "solutions")


def own_copy(packaged: Path = PACKAGED, home: Path | None = None) -> Path:
    """Copy what is not yet in the learner's folder, and return that folder."""
    if not packaged.is_dir():
        raise LaunchError(f"This installation has no notebooks: {packaged} is missing; install it again with pip.")
    target = (home or Path.home()) / "k8snet-course"
    try:
        for folder in FOLDERS:
            for source in sorted((packaged / folder).rglob("*")):
                if source.is_file():
                    _copy_once(source, target / source.relative_to(packaged))
    except OSError as error:
        raise from_os_error(error, target) from None
    return target


def _copy_once(source: Path, target: Path) -> None:
    """Copy in one piece, so that an interrupted copy is not taken for the learner's file the next time."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".copy-", dir=target.parent)
    os.close(descriptor)
    try:
        shutil.copyfile(source, name)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
