"""The network namespaces of a lab: their names, making and removing them, and running something inside one.

A name is ``k8snet-<process id>-<number>-<device>``: two labs do not meet, and a lab whose process is gone can be told from one
that is in use.  Whatever a killed process left behind is removed when the next lab starts.

A thread of its own goes into namespaces and comes back: sockets and programs that it makes there stay in that namespace, and no
other thread of the process ever leaves its own.

Source: network_namespaces(7), setns(2), ip-netns(8).
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from k8snet_course.emulator.needs import EmulatorUnavailable

P = ParamSpec("P")
T = TypeVar("T")

FOLDER = Path("/run/netns")
"""Where iproute2 keeps namespaces that have a name."""
_NAME = re.compile(r"k8snet-(\d+)-(\d+)-.+")
_CLONE_NEWNET = 0x40000000

_mine: set[int] = set()
"""The numbers of the labs that this process has now."""


class Spaces:
    """The namespaces of one lab, by device.

    ``make`` and ``remove`` change the system; ``inside`` runs a function in one of them.
    """

    def __init__(self, devices: Iterable[str]) -> None:
        self._number = _reserve()
        self.names = {device: name_of(os.getpid(), self._number, device) for device in devices}
        self._thread = ThreadPoolExecutor(1, "k8snet-lab")

    def make(self) -> None:
        """Make them all, after what dead processes left behind has been removed.  Raises EmulatorUnavailable."""
        remove_stale()
        ip_batch([f"netns add {name}" for name in self.names.values()])

    def remove(self) -> None:
        """Remove those that are there."""
        try:
            remove_all(name for name in self.names.values() if (FOLDER / name).exists())
        finally:
            self._thread.shutdown()
            _mine.discard(self._number)

    def inside(self, device: str, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What the function returns when it is called in the device's namespace."""
        return self._thread.submit(_visit, self.names[device], lambda: function(*args, **named)).result()

    def nowhere(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The same in an empty namespace of its own: what is made from there for others meets nothing of that name."""
        return self._thread.submit(_visit, "", lambda: function(*args, **named)).result()


def name_of(pid: int, number: int, device: str) -> str:
    """The name of a device's namespace.

    >>> name_of(17, 0, "default/frontend"), name_of(17, 0, "node-1")
    ('k8snet-17-0-default.frontend', 'k8snet-17-0-node-1')
    """
    return f"k8snet-{pid}-{number}-{device.replace('/', '.')}"


def stale(names: Iterable[str], alive: Callable[[int], bool], mine: Iterable[int] = ()) -> list[str]:
    """Those of these names that belong to a lab nobody has any more.

    ``mine`` are the numbers of this process's own labs: a number that is not among them was another process's with the same id.

        >>> stale(["k8snet-7-0-node-1", "k8snet-8-0-node-1", "k8snet-8-node-1", "blue"], lambda pid: pid == 7)
        ['k8snet-8-0-node-1']
    """
    found = []
    for name in sorted(names):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        pid, number = int(match[1]), int(match[2])
        if number not in mine if pid == os.getpid() else not alive(pid):
            found.append(name)
    return found


def remove_stale() -> list[str]:
    """Remove the namespaces of labs whose process is gone, and return their names."""
    if not FOLDER.is_dir():
        return []
    left = stale((path.name for path in FOLDER.iterdir()), lambda pid: Path(f"/proc/{pid}").exists(), _mine)
    remove_all(left)
    return left


def remove_all(names: Iterable[str]) -> None:
    """Remove namespaces; one that another process removes at the same time is no error."""
    lines = [f"netns del {name}" for name in names]
    if lines:
        subprocess.run(("ip", "-force", "-batch", "-"), input="\n".join(lines), text=True, capture_output=True, check=False)


def ip_batch(lines: Iterable[str]) -> None:
    """Run `ip` commands, in the namespace of the caller.  Raises EmulatorUnavailable with what `ip` says."""
    finish([start("ip -batch -", "\n".join(lines))])


def start(command: str, text: str) -> tuple[str, subprocess.Popen[str], str]:
    """Start a command that reads a text, in the namespace of the caller; ``finish`` hands it the text."""
    return command, subprocess.Popen(command.split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     text=True), text


def finish(started: Iterable[tuple[str, subprocess.Popen[str], str]]) -> None:
    """Wait for commands.  Raises EmulatorUnavailable with the words of the first that failed, when all have ended."""
    failed: list[tuple[str, str]] = []
    for command, process, text in started:
        said, _ = process.communicate(text)
        if process.returncode:
            failed.append((command, " ".join(said.split())))
    if failed:
        command, said = failed[0]
        raise EmulatorUnavailable(f"'{command}' failed: {said}", "a Linux that allows and knows this",
                                  "run the course as root of a virtual machine, and everything else as it is")


def _reserve() -> int:
    number = next(each for each in range(len(_mine) + 1) if each not in _mine)
    _mine.add(number)
    return number


def _visit(name: str, function: Callable[[], T]) -> T:
    """Go into a namespace (empty: a new one), do something, come back: in the thread that is kept for this."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if name:
            there = os.open(FOLDER / name, os.O_RDONLY)
            try:
                _call("setns", there, _CLONE_NEWNET)
            finally:
                os.close(there)
        else:
            _call("unshare", _CLONE_NEWNET)
        try:
            return function()
        finally:
            _call("setns", home, _CLONE_NEWNET)
    finally:
        os.close(home)


def _call(name: str, *numbers: int) -> None:
    """A system call that returns 0, or fails.  Raises OSError."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*numbers) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
