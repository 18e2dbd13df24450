"""What the emulator needs of the machine: Linux, the right to make network namespaces, and a few commands.

Where something is missing, one sentence says what, and how to get it.  The rest of the course works without it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from k8snet_course.errors import CourseError

COMMANDS = {"ip": "iproute2", "bridge": "iproute2", "iptables-restore": "iptables", "nft": "nftables"}
"""The commands that lay a cluster out, and the Debian package that has each."""
PLUGIN_NAMES = ("bridge", "host-local", "loopback", "portmap")
PLUGIN_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin")
"""The reference CNI plugins, and where Debian's package containernetworking-plugins and Kubernetes itself put them."""


class EmulatorUnavailable(CourseError):
    """This machine cannot lay a cluster out in real network namespaces."""

    problem = "cannot emulate with"


class NotEmulated(CourseError):
    """A cluster has something in it that this version cannot lay out in real Linux."""

    problem = "not emulated:"


class PluginDisagrees(CourseError):
    """A reference CNI plugin did something else than the model says."""

    problem = "the reference CNI plugins and the model disagree:"


def plugin_folder() -> str:
    """Where the reference CNI plugins are.  Raises EmulatorUnavailable."""
    for folder in PLUGIN_FOLDERS:
        if all(os.access(f"{folder}/{name}", os.X_OK) for name in PLUGIN_NAMES):
            return folder
    raise EmulatorUnavailable("no reference CNI plugins", f"{', '.join(PLUGIN_NAMES)} in {' or '.join(PLUGIN_FOLDERS)}",
                              "install containernetworking-plugins with the system's package manager, or make the cluster with "
                              "a plugin that does without them, such as cni='calico-bgp'")


def check_machine(platform: str = sys.platform) -> None:
    """Raise EmulatorUnavailable unless this machine is one for the emulator; what the user may do there is seen later.

    >>> check_machine("darwin")
    Traceback (most recent call last):
    ...
    k8snet_course.emulator.needs.EmulatorUnavailable: cannot emulate with 'darwin': expected Linux, because network namespaces
    are its own; use a Linux machine or a virtual one, and everything else of the course as it is.
    """
    if platform != "linux":
        raise EmulatorUnavailable(platform, "Linux, because network namespaces are its own",
                                  "use a Linux machine or a virtual one, and everything else of the course as it is")
    for command, package in COMMANDS.items():
        if shutil.which(command) is None:
            raise EmulatorUnavailable(f"no command {command}", f"the command {command} of the package {package}",
                                      f"install {package} with the system's package manager")


_KEPT = 20
"""So many files stay free for what else the process does meanwhile."""


def free_files() -> int:
    """How many more files this process may open, some left free."""
    return _most_files() - sum(1 for _ in Path("/proc/self/fd").iterdir()) - _KEPT


@contextmanager
def open_files_suffice() -> Iterator[None]:
    """Raise EmulatorUnavailable for the system's error that too many files are open: each socket of a lab is one."""
    try:
        yield
    except OSError as problem:
        if problem.errno != errno.EMFILE:
            raise
        raise EmulatorUnavailable(
            f"{_most_files()} open files", "a limit that a lab of this size does not reach: some four for each device",
            "say 'ulimit -n 4096' before you start the program, or make the cluster smaller") from None


def _most_files() -> int:
    import resource  # Windows has none

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
