"""The ground that a lab stands on: namespaces with their contents, and what can be done in them.

It is told everything in plain values, and knows nothing of clusters.  So it can be in this process or in another one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from k8snet_course.cni.plugin import Json
from k8snet_course.emulator.attaching import NodeRun, Turn
from k8snet_course.emulator.capture import Capture, Recorder
from k8snet_course.emulator.cni_run import attach, call
from k8snet_course.emulator.kernel import BRIDGE_NETFILTER, kernel, restorers
from k8snet_course.emulator.needs import EmulatorUnavailable, free_files, open_files_suffice, plugin_folder
from k8snet_course.emulator.plan import BRIDGE_NF, Cable, Plan
from k8snet_course.emulator.probes import Client, Probe, client, run
from k8snet_course.emulator.sent import Sent
from k8snet_course.emulator.servers import Servers, listening
from k8snet_course.emulator.spaces import Spaces, finish, ip_batch, start
from k8snet_course.errors import InvalidArgument, NotFound

_FIRST_NUMBER = 0x6B380001
_LONGEST_COMMAND = 10
"""Seconds."""
_SPARE = 10
"""So many files are kept open for the end: who may open no more can still take the lab away."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that a lab is made from: what each device gets, the cables between them, and the UDP ports of tunnels.

    ``runs`` are the pods that CNI plugins attach; ``clock`` is the device whose capture tells when the kernel's clock is right.

        >>> print(Blueprint({}, (), frozenset(), "laptop"))
        0 devices, 0 cables
    """

    plans: Mapping[str, Plan]
    cables: tuple[Cable, ...]
    tunnels: frozenset[int]
    clock: str
    runs: tuple[NodeRun, ...] = ()

    def __str__(self) -> str:
        return f"{len(self.plans)} devices, {len(self.cables)} cables"


class Ground:
    """The namespaces of one lab; ``build`` makes them, ``close`` takes them away."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._spaces = Spaces(blueprint.plans)
        self._captures: list[Capture] = []
        self._listening: list[socket.socket] = []
        self._spare: list[int] = []
        self._servers: Servers | None = None
        self._number = _FIRST_NUMBER
        self._results: dict[str, Json] = {}

    @property
    def names(self) -> dict[str, str]:
        """The name of each device's network namespace."""
        return dict(self._spaces.names)

    def build(self) -> None:
        """Make the namespaces and fill them.  Raises EmulatorUnavailable."""
        with open_files_suffice():
            self._spare += [os.open(os.devnull, os.O_RDONLY) for _ in range(_SPARE)]
            self._build()

    def _build(self) -> None:
        spaces, plans = self._spaces, self._blueprint.plans
        spaces.make()
        for device, one in plans.items():
            unknown = spaces.inside(device, _set, one.early)
            if (BRIDGE_NF, "1") in unknown and one.ports and (one.rules or one.rules6 or one.nft):
                ability = kernel()[BRIDGE_NETFILTER]
                raise EmulatorUnavailable(f"no {ability.name}", "a kernel that has it, for rules that bridged packets pass",
                                          ability.get)
        spaces.nowhere(ip_batch, [cable.line(spaces.names) for cable in self._blueprint.cables])
        plugins = plugin_folder() if self._blueprint.runs else ""
        finish([spaces.inside(device, start, "ip -batch -", "\n".join(one.ip)) for device, one in plans.items() if one.ip])
        if plugins:
            self._results = attach(self._blueprint.runs, spaces, plugins, spaces.folder)
        restore, restore6 = restorers()
        finish([spaces.inside(device, start, "ipset restore", one.sets) for device, one in plans.items() if one.sets])
        finish([spaces.inside(device, start, command, text) for device, one in plans.items() for command, text in (
            ("ip -batch -", "\n".join(one.after)), (restore, one.rules), (restore6, one.rules6), ("nft -f -", one.nft),
            ("ipvsadm -R", one.servers)) if text])
        finish([spaces.inside(device, start, "bridge -batch -", "\n".join(one.bridge))
                for device, one in plans.items() if one.bridge])
        for device, one in plans.items():
            self._captures.append(spaces.inside(device, _furnish, one, self._blueprint.tunnels, self._listening))
        self._servers = Servers(self._listening)
        clock = self._blueprint.clock
        with spaces.inside(clock, socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as sender:
            next(each for each in self._captures if each.device == clock).wait_for_clock(sender)

    def close(self) -> None:
        """Take everything away, whatever goes wrong with a part of it."""
        while self._spare:
            os.close(self._spare.pop())
        with ExitStack() as stack:
            stack.callback(self._spaces.remove)
            stack.callback(self._close_captures)
            if self._servers is not None:
                self._servers.close()
            for one in self._listening:  # a namespace lives on as long as there is a socket of it
                one.close()

    def _close_captures(self) -> None:
        if not self._captures:
            return
        try:
            with ThreadPoolExecutor(len(self._captures), "k8snet-close") as pool:
                list(pool.map(Capture.close, self._captures))  # the kernel lets each wait
        except RuntimeError:  # nobody has closed the lab before the interpreter's end, and now it begins no thread
            for each in self._captures:
                each.close()

    def send(self, probes: Sequence[Probe], patience: float) -> list[Sent]:
        """Send all probes at once, and wait ``patience`` seconds for their answers.

        Where this process may not open so many files, they are sent in several goes.  Raises EmulatorUnavailable if it may open
        none.
        """
        with open_files_suffice():
            most = max(1, free_files())
            return [sent for first in range(0, len(probes), most) for sent in self._send(probes[first:first + most], patience)]

    def _send(self, probes: Sequence[Probe], patience: float) -> list[Sent]:
        clients: list[Client] = []
        try:
            for probe in probes:
                self._number += 1
                clients.append(self._spaces.inside(probe.device, client, probe, self._number))
            return run(clients, self._captures, patience)
        finally:
            for each in clients:
                each.socket.close()

    def record(self, device: str, link: str, probes: Sequence[Probe], patience: float) -> list[bytes]:
        """The frames that pass an interface while probes are sent, as bytes.  Raises NotFound for no such interface."""
        try:
            recorder = self._spaces.inside(device, Recorder, link)
        except OSError:
            raise NotFound(link, f"an interface of {device}", "look at the output of 'ip link' there") from None
        try:
            self.send(probes, patience)
            return recorder.frames()
        finally:
            recorder.close()

    def cni(self, node: str, device: str, turns: Sequence[Turn]) -> list[Json]:
        """What CNI plugins print that are started on a node for a device; without turns, what they printed for ADD."""
        if not turns:
            return [self._results[device]] if device in self._results else []
        said: list[Json] = []
        for turn in turns:
            if not said or "code" not in said[-1]:  # a runtime stops at the first error
                said.append(call(turn, self._spaces, node, device, plugin_folder(), self._spaces.folder / node))
        return said

    def exec(self, device: str, words: Sequence[str]) -> str:
        """What a command prints in the network of a device.  Raises NotFound or InvalidArgument."""
        try:
            process = self._spaces.inside(device, _started, words)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            raise NotFound(words[0], "a command of this machine", "install the package that has it") from None
        with process:
            try:
                return process.communicate(timeout=_LONGEST_COMMAND)[0]
            except BaseException as problem:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # with what it has started
                if not isinstance(problem, subprocess.TimeoutExpired):
                    raise
        raise InvalidArgument(" ".join(words), f"a command that ends within {_LONGEST_COMMAND} seconds",
                              "give it a count or a time limit, such as 'ping -c 1', or let it run on with '>/dev/null 2>&1 &'")


def _started(words: Sequence[str]) -> subprocess.Popen[str]:
    """A command that has begun, in a session of its own."""
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", start_new_session=True)


def _set(settings: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Write settings into /proc/sys/net, which shows those of the namespace of whoever looks.  Returns those that it lacks."""
    unknown = []
    for name, value in settings:
        path = Path("/proc/sys/net", name)
        if path.exists():
            path.write_text(value, encoding="ascii")
        else:
            unknown.append((name, value))
    return unknown


def _furnish(one: Plan, tunnels: frozenset[int], sockets: list[socket.socket]) -> Capture:
    """Settings of interfaces, programs and capture of one device; inside its namespace."""
    _set(one.settings)
    sockets += listening(one.listeners)
    return Capture(one.device, one.ports, tunnels, frozenset() if one.rules or one.rules6 or one.nft else one.addresses)
