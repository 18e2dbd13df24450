"""System calls that Python has no function for, and the numbers that go with them.

Source: unshare(2), setns(2), mount(2).
"""

from __future__ import annotations

import ctypes
import os

NEW_MOUNTS, NEW_USERS, NEW_NETWORK = 0x00020000, 0x10000000, 0x40000000
"""CLONE_NEWNS, CLONE_NEWUSER and CLONE_NEWNET."""
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000


def call(name: str, *arguments: int | bytes | None) -> None:
    """A system call that returns 0, or fails.  Raises OSError.

    >>> call("setns", -1, NEW_NETWORK)
    Traceback (most recent call last):
    OSError: [Errno 9] Bad file descriptor
    """
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def keep_mounts_private() -> None:
    """What is mounted from now on in the caller's mount namespace is seen there only."""
    call("mount", b"none", b"/", None, _RECURSIVE | _PRIVATE, None)


def mount_empty(folder: str) -> None:
    """Put an empty folder in a folder's place."""
    call("mount", b"tmpfs", folder.encode(), b"tmpfs", 0, None)


def mount_same(source: str, target: str) -> None:
    """Make a file be seen at a second place."""
    call("mount", source.encode(), target.encode(), None, _BIND, None)
