"""What happens to a lab when its process is told to end (SIGTERM): it is taken away first.

Python turns Ctrl-C into an exception, on whose way up labs are closed; here the same is done for SIGTERM.  Nothing is done
about SIGKILL, which no process learns of: what it leaves behind, the next lab removes.

Source: signal(7).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


class Told(BaseException):
    """The process has been told to end."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Inside, SIGTERM is an exception; when that has come out here, the process ends as it would have.

    Whoever has given SIGTERM another meaning keeps it, and threads other than the main one never see signals.
    """
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _tell)
    try:
        yield
    except Told:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _tell(_number: int, _frame: FrameType | None) -> None:
    raise Told
