"""The network namespaces of a lab: their names, making and removing them, and running something inside one.

A name is ``k8snet-<process id>-<when that process began>-<number>-<device>``: two labs do not meet, and a lab whose process is
gone can be told from one that is in use, even if another process has got the same id.  A lab's files are in a folder that is
called in the same way.  Whatever a killed process left behind is removed when the next lab starts.

A thread of its own goes into namespaces and comes back: sockets and programs that it makes there stay in that namespace, and no
other thread of the process ever leaves its own.  That thread, and the programs that it starts, see the names of this lab only:
`ip` reads them all, and complains of those that others are just making or removing.

Source: network_namespaces(7), setns(2), ip-netns(8), proc_pid_stat(5).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from threading import Lock
from typing import ParamSpec, TypeVar

from k8snet_course.emulator.needs import EmulatorUnavailable
from k8snet_course.emulator.system import NEW_MOUNTS, NEW_NETWORK, call, keep_mounts_private, mount_empty, mount_same

P = ParamSpec("P")
T = TypeVar("T")

FOLDER = Path("/run/netns")
"""Where iproute2 keeps namespaces that have a name."""
_NAME = re.compile(r"k8snet-(\d+-\d+)-(\d+)-.+")
_LONGEST_NAME = 200

_mine: set[str] = set()
"""How the names of the labs begin that this process has now."""
_reserving = Lock()


class Spaces:
    """The namespaces of one lab, by device.

    ``make`` and ``remove`` change the system; ``inside`` runs a function in one of them.
    """

    def __init__(self, devices: Iterable[str]) -> None:
        self._lab = _reserve(owner_of(os.getpid()))
        self.names = {device: name_of(self._lab, device) for device in devices}
        self._thread = ThreadPoolExecutor(1, "k8snet-lab")
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """A folder for files of this lab, which nobody else may read."""
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix=f"{self._lab}-"))
        return self._folder

    def make(self) -> None:
        """Make them all, after what dead processes left behind has been removed.  Raises EmulatorUnavailable."""
        remove_stale()
        ip_batch([f"netns add {name}" for name in self.names.values()])
        self._thread.submit(_see_only, list(self.names.values())).result()

    def remove(self) -> None:
        """Remove those that are there, and the folder."""
        try:
            self._thread.shutdown()
            remove_all(name for name in self.names.values() if (FOLDER / name).exists())
        finally:
            if self._folder is not None:
                rmtree(self._folder, ignore_errors=True)
            _mine.discard(self._lab)

    def inside(self, device: str, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What the function returns when it is called in the device's namespace."""
        return self._thread.submit(_visit, self.names[device], lambda: function(*args, **named)).result()

    def nowhere(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The same in an empty namespace of its own: what is made from there for others meets nothing of that name."""
        return self._thread.submit(_visit, "", lambda: function(*args, **named)).result()


def owner_of(pid: int) -> str:
    """How the names of a process's labs begin; empty if there is no such process.

    >>> owner_of(os.getpid()).startswith(f"k8snet-{os.getpid()}-"), owner_of(0)
    (True, '')
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return f"k8snet-{pid}-{stat.rpartition(')')[2].split()[19]}"  # after the program's name, which may contain anything


def name_of(lab: str, device: str) -> str:
    """The name of a device's namespace.

    >>> name_of("k8snet-17-4711-0", "default/frontend"), name_of("k8snet-17-4711-0", "node-1")
    ('k8snet-17-4711-0-default.frontend', 'k8snet-17-4711-0-node-1')
    """
    name = f"{lab}-{device.replace('/', '.')}"
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}-{sha256(device.encode()).hexdigest()[:12]}"


def stale(names: Iterable[str], alive: Callable[[str], bool], mine: Iterable[str] = ()) -> list[str]:
    """Those of these names that belong to a lab nobody has any more.

    ``alive`` says whether there is a process whose labs begin like this, ``mine`` how this process's own labs begin: a name of
    its own that does not is a lab's that could not be removed.

        >>> stale(["k8snet-7-1-0-node-1", "k8snet-8-1-0-node-1", "blue"], lambda owner: owner == "k8snet-7-1")
        ['k8snet-8-1-0-node-1']
    """
    found, me = [], owner_of(os.getpid())
    for name in sorted(names):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        owner = f"k8snet-{match[1]}"
        if f"{owner}-{match[2]}" not in mine if owner == me else not alive(owner):
            found.append(name)
    return found


def remove_stale() -> list[str]:
    """Remove the namespaces and folders of labs whose process is gone, and return their names."""
    files = Path(gettempdir())
    with _reserving:
        mine = set(_mine)
    left, folders = (stale((path.name for path in place.iterdir()), _alive, mine) if place.is_dir() else []
                     for place in (FOLDER, files))
    remove_all(left)
    for name in folders:
        rmtree(files / name, ignore_errors=True)  # that of another user stays
    return [*left, *folders]


def _alive(owner: str) -> bool:
    return owner_of(int(owner.split("-")[1])) == owner


def remove_all(names: Iterable[str]) -> None:
    """Remove namespaces, and end what runs in them; one that another process removes at the same time is no error.

    A namespace whose name is gone lives on as long as a program is in it.
    """
    gone = list(names)
    lines = [f"netns del {name}" for name in gone]
    if lines:
        end_programs(gone)
        subprocess.run(("ip", "-force", "-batch", "-"), input="\n".join(lines), text=True, capture_output=True, check=False)


def end_programs(names: Iterable[str]) -> None:
    """End all programs in these namespaces, such as servers that `lab.exec` has started; never this one."""
    spaces = {number for name in names if (number := _number(FOLDER / name))}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid() and _number(process / "ns/net") in spaces:
            with suppress(OSError):  # it has just ended by itself
                os.kill(int(process.name), signal.SIGKILL)


def _number(space: Path) -> tuple[int, int] | None:
    """What tells a namespace from all others; None if there is none, or it is none of ours to know."""
    try:
        status = space.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def ip_batch(lines: Iterable[str]) -> None:
    """Run `ip` commands, in the namespace of the caller.  Raises EmulatorUnavailable with what `ip` says."""
    finish([start("ip -batch -", "\n".join(lines))])


def start(command: str, text: str) -> tuple[str, subprocess.Popen[str], str]:
    """Start a command that reads a text, in the namespace of the caller; ``finish`` hands it the text.

    Raises EmulatorUnavailable where there is no such command.
    """
    words = command.split()
    try:
        return command, subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         text=True), text
    except FileNotFoundError:
        raise EmulatorUnavailable(f"no command {words[0]}", f"the command {words[0]} for this cluster",
                                  "install the package that has it with the system's package manager") from None


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


def _reserve(owner: str) -> str:
    """How the names of the next lab begin."""
    with _reserving:
        lab = next(each for number in range(len(_mine) + 1) if (each := f"{owner}-{number}") not in _mine)
        _mine.add(lab)
    return lab


def _see_only(names: Iterable[str]) -> None:
    """Give the calling thread a mount namespace of its own, in which there are no other names of network namespaces."""
    spaces = {name: os.open(FOLDER / name, os.O_RDONLY) for name in names}
    try:
        call("unshare", NEW_MOUNTS)
        keep_mounts_private()
        mount_empty(str(FOLDER))
        for name, descriptor in spaces.items():
            (FOLDER / name).touch()
            mount_same(f"/proc/self/fd/{descriptor}", str(FOLDER / name))
    finally:
        for descriptor in spaces.values():
            os.close(descriptor)


def _visit(name: str, function: Callable[[], T]) -> T:
    """Go into a namespace (empty: a new one), do something, come back: in the thread that is kept for this."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if name:
            there = os.open(FOLDER / name, os.O_RDONLY)
            try:
                call("setns", there, NEW_NETWORK)
            finally:
                os.close(there)
        else:
            call("unshare", NEW_NETWORK)
        try:
            return function()
        finally:
            call("setns", home, NEW_NETWORK)
    finally:
        os.close(home)
