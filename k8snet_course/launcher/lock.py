"""A lock between processes: of two launchers started at once, one sets up and the other waits for it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from k8snet_course.filelock import try_lock


@contextmanager
def held(path: Path, waiting: Callable[[], None]) -> Iterator[int]:
    """Hold the lock on `path`; call `waiting` once if another process has it. Yields the file's descriptor.

    The lock ends with the last process that has the descriptor open, so none is left behind by a crash. A child that is
    given the descriptor (`pass_fds`) holds the lock too: an installer that outlives a killed launcher is waited for.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not try_lock(descriptor):
            waiting()
            while not try_lock(descriptor):
                time.sleep(0.2)
        yield descriptor
    finally:
        os.close(descriptor)
