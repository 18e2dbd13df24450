"""A user namespace: where somebody who is not root may make network namespaces, and nobody else sees them.

Inside, the process is root of what it makes there and of nothing else.  It has a /run of its own, where `ip netns` keeps its
names; all of it is gone when the last process inside has ended.

Source: user_namespaces(7), mount_namespaces(7), unshare(2), mount(2).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from k8snet_course.emulator.needs import EmulatorUnavailable
from k8snet_course.emulator.system import NEW_MOUNTS, NEW_NETWORK, NEW_USERS, call, keep_mounts_private, mount_empty

_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}
"""What it takes to make network namespaces, and to send and capture in them (capabilities(7))."""
_EVERYBODY = ["0", "0", "4294967295"]
"""The uid_map of the machine's first user namespace, which contains all users as they are."""
_HINDRANCES = (
    ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
)
"""Settings that forbid user namespaces: the file under /proc/sys, the value, and what would allow them."""


def is_privileged() -> bool:
    """Whether this process may make network namespaces, and name them, without a user namespace of its own."""
    return has_rights(*(Path("/proc/self", name).read_text(encoding="utf-8") for name in ("status", "uid_map")))


def has_rights(status: str, uid_map: str) -> bool:
    """Whether a process has the rights that network namespaces ask for, from these files of its folder in /proc.

    Inside somebody's user namespace it may have all rights, and still not those over the machine's own /run.

    >>> whole = "         0          0 4294967295"
    >>> has_rights("CapEff: 000001ffffffffff", whole), has_rights("CapEff: 00000000a80425fb", whole)
    (True, False)
    >>> has_rights("CapEff: 000001ffffffffff", "         0       1000          1")
    False
    """
    if uid_map.split() != _EVERYBODY:
        return False
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    effective = int(line.split()[1], 16)
    return all(effective >> number & 1 for number in _CAPABILITIES.values())


def enter() -> None:
    """Go into a new user namespace, for good: only a process with one thread can.  Raises EmulatorUnavailable."""
    user, group = os.getuid(), os.getgid()
    try:
        call("unshare", NEW_USERS | NEW_MOUNTS | NEW_NETWORK)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path("/proc/self", name).write_text(text, encoding="ascii")
        keep_mounts_private()
        mount_empty("/run")
        Path("/run/netns").mkdir()
    except OSError as problem:
        raise refusal(problem.strerror or str(problem)) from None


def refusal(said: str, setting: Callable[[str], str | None] | None = None) -> EmulatorUnavailable:
    """Why this system gives nobody but root a network, and how to get it.  ``setting`` reads a file under /proc/sys.

    >>> print(refusal("Operation not permitted", {"kernel/apparmor_restrict_unprivileged_userns": "1"}.get))
    cannot emulate with 'the rights of this user': expected root, or a system where others may make user namespaces (Operation
    not permitted); let root run 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0', or start the program with sudo,
    and use everything else of the course as it is.
    """
    read = _setting if setting is None else setting
    allow = next((f"let root run 'sysctl -w {command}', or start"
                  for name, value, command in _HINDRANCES if read(name) == value),
                 "a container or a security module seems to forbid it: start")
    return EmulatorUnavailable("the rights of this user", f"root, or a system where others may make user namespaces ({said})",
                               f"{allow} the program with sudo, and use everything else of the course as it is")


def _setting(name: str) -> str | None:
    path = Path("/proc/sys", name)
    return path.read_text(encoding="ascii").strip() if path.exists() else None
