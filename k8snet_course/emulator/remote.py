"""The ground of a lab in a process of its own, which may do more: the same methods as those of Ground, answered by a worker."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from k8snet_course.cni.plugin import Json
from k8snet_course.emulator.attaching import Turn
from k8snet_course.emulator.ground import Blueprint, Ground
from k8snet_course.emulator.needs import EmulatorUnavailable
from k8snet_course.emulator.probes import Probe
from k8snet_course.emulator.seclusion import is_privileged
from k8snet_course.emulator.sent import Sent
from k8snet_course.emulator.worker import ANSWER, ERROR

_WORKER = "from k8snet_course.emulator.worker import main; main()"
_HOME = Path(__file__).parents[2]
_ENOUGH = 20
"""Seconds that a worker has to take its lab away."""


class AnyGround(Protocol):
    """What a lab needs of its ground; see :class:`~k8snet_course.emulator.ground.Ground`."""

    @property
    def names(self) -> dict[str, str]:
        """The name of each device's network namespace."""

    def build(self) -> None:
        """Make it.  Raises EmulatorUnavailable."""

    def close(self) -> None:
        """Take everything away."""

    def send(self, probes: Sequence[Probe], patience: float) -> list[Sent]:
        """Send all probes at once."""

    def exec(self, device: str, words: Sequence[str]) -> str:
        """What a command prints in the network of a device."""

    def record(self, device: str, link: str, probes: Sequence[Probe], patience: float) -> list[bytes]:
        """The frames that pass an interface while probes are sent."""

    def cni(self, node: str, device: str, turns: Sequence[Turn]) -> list[Json]:
        """What CNI plugins print."""


def ground_of(blueprint: Blueprint, privileged: bool | None = None) -> AnyGround:
    """The ground for a blueprint: in this process if it may make network namespaces, or else in one that may.

    Raises EmulatorUnavailable where neither is allowed.
    """
    return Ground(blueprint) if (is_privileged() if privileged is None else privileged) else Remote(blueprint)


class Remote:
    """A ground whose namespaces are in a worker's user namespace."""

    def __init__(self, blueprint: Blueprint) -> None:
        places = [str(_HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            (sys.executable, "-c", _WORKER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)})  # a new session: Ctrl-C is for us, not for it
        self._gone = False
        try:
            self._names: dict[str, str] = self._ask(blueprint)
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> dict[str, str]:
        """The name of each device's network namespace, which the worker alone sees."""
        return dict(self._names)

    def build(self) -> None:
        """Make it.  Raises EmulatorUnavailable."""
        self._ask(("build", ()))

    def send(self, probes: Sequence[Probe], patience: float) -> list[Sent]:
        """Send all probes at once."""
        found: list[Sent] = self._ask(("send", (tuple(probes), patience)))
        return found

    def exec(self, device: str, words: Sequence[str]) -> str:
        """What a command prints in the network of a device."""
        return str(self._ask(("exec", (device, tuple(words)))))

    def record(self, device: str, link: str, probes: Sequence[Probe], patience: float) -> list[bytes]:
        """The frames that pass an interface while probes are sent."""
        recorded: list[bytes] = self._ask(("record", (device, link, tuple(probes), patience)))
        return recorded

    def cni(self, node: str, device: str, turns: Sequence[Turn]) -> list[Json]:
        """What CNI plugins print."""
        found: list[Json] = self._ask(("cni", (node, device, tuple(turns))))
        return found

    def close(self) -> None:
        """Let the worker end; if it does not, end it: the kernel then takes its namespaces away."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):  # it has gone already
            self._process.stdin.close()
        try:
            self._process.wait(_ENOUGH)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._gone = True

    def _ask(self, request: object) -> Any:
        """The worker's answer.  Raises the errors that it met, and EmulatorUnavailable if it is gone."""
        assert self._process.stdin is not None and self._process.stdout is not None
        if self._gone:
            raise _lost()
        self._gone = True  # unless the answer comes: one that is left lying would be taken for the next one's
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
            kind, value = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError):
            raise _lost() from None
        self._gone = False
        if kind == ANSWER:
            return value
        if kind == ERROR:
            make, given, expected, mend = value
            raise make(given, expected, mend)
        raise RuntimeError(f"the emulator's worker failed:\n{value}")


def _lost() -> EmulatorUnavailable:
    return EmulatorUnavailable("a lab that was given up", "a lab whose worker runs", "make the lab again")
