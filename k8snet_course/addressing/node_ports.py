"""Which port a Service of type NodePort gets on every node.

The API server hands out the ports.  This module keeps its books; it does not know Services, and nothing about how
packets to such a port find a pod.

The rule, and its reason: people ask for ports too, and mostly low ones.  So ports that nobody asked for come from the
upper band first.  A number is taken for all transport protocols at once: only the ports of one Service may share it.

Source: KEP-3668; Kubernetes documentation, "Service, type: NodePort"; Kubernetes, portallocator.
"""

from __future__ import annotations

from random import Random

from k8snet_course.addressing.bands import Bands, offset_for
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, InvalidArgument


class NodePortAllocator:
    """Hands out ports from ``first`` to ``last`` (both included).

    Kubernetes draws at random; ``seed`` makes the draws repeatable: the same seed and the same calls give the same
    ports.  Raises InvalidArgument.  Source: KEP-3668; kube-apiserver reference, ``--service-node-port-range``.

        >>> ports = NodePortAllocator()
        >>> ports.static_band, ports.dynamic_band
        ((30000, 30085), (30086, 32767))
        >>> ports.allocate(30080)
        30080
        >>> ports.is_static(ports.allocate())
        False
        >>> ports.used, ports.free
        (2, 2766)
    """

    __slots__ = ("_bands", "_random", "first", "last")

    def __init__(self, first: int = 30000, last: int = 32767, seed: int = 0) -> None:
        for value in (first, last):
            if not _is_port(value):
                raise InvalidArgument(value, "a port from 1 to 65535", "write first=30000, last=32767")
        if first > last:
            raise InvalidArgument((first, last), "a first port that is not behind the last", f"write {last}, {first}")
        self.first = first
        self.last = last
        size = last - first + 1
        self._bands = Bands(size, offset_for(size, share=32, most=128))
        self._random = Random(seed)

    @property
    def capacity(self) -> int:
        """How many port numbers there are.

            >>> NodePortAllocator().capacity
            2768
        """
        return self.last - self.first + 1

    @property
    def used(self) -> int:
        """How many of them are taken."""
        return len(self._bands.taken)

    @property
    def free(self) -> int:
        """How many of them are not."""
        return self.capacity - self.used

    @property
    def allocated(self) -> tuple[int, ...]:
        """What is taken, in order."""
        return tuple(sorted(self.first + position for position in self._bands.taken))

    @property
    def static_band(self) -> tuple[int, int] | None:
        """The first and last port of the lower band, which is left to people; None in a small range."""
        offset = self._bands.offset
        return (self.first, self.first + offset - 1) if offset else None

    @property
    def dynamic_band(self) -> tuple[int, int]:
        """The first and last port of the upper band, from which ports are drawn first."""
        return self.first + self._bands.offset, self.last

    def is_static(self, port: int) -> bool:
        """Whether a port lies in the lower band.  Raises AddressUnavailable or InvalidArgument."""
        return self._position(port) < self._bands.offset

    def allocate(self, requested: int | None = None) -> int:
        """Take the requested port, or one that is drawn: from the upper band, and only when that is full from the
        lower.

        Raises AddressUnavailable (taken, or out of range), AddressesExhausted or InvalidArgument.

            >>> ports = NodePortAllocator()
            >>> ports.allocate(30080)
            30080
            >>> ports.allocate(30080)
            Traceback (most recent call last):
            k8snet_course.errors.AddressUnavailable: not available: 30080: expected a free port (provided port is \
already allocated); ask for another, or for none in particular.
        """
        if requested is None:
            drawn = self._bands.draw(self._random)
            if drawn is None:
                raise AddressesExhausted(f"{self.first}-{self.last}", f"a free port (range is full: all {self.capacity} are "
                                         "taken)", "delete a Service, or use a larger port range")
            return self.first + drawn
        if not self._bands.take(self._position(requested)):
            raise AddressUnavailable(requested, "a free port (provided port is already allocated)",
                                     "ask for another, or for none in particular")
        return requested

    def release(self, value: int) -> None:
        """Give a port back.  As in Kubernetes, releasing one that is free or out of range is no error.

        Raises InvalidArgument.

            >>> ports = NodePortAllocator()
            >>> ports.release(ports.allocate())
            >>> ports.used
            0
        """
        if not _is_port(value):
            raise InvalidArgument(value, "a port from 1 to 65535", f"write one from {self.first} to {self.last}")
        self._bands.give_back(value - self.first)

    def luck(self) -> object:
        """The state of the drawing, for :meth:`rewind`."""
        return self._random.getstate()

    def rewind(self, luck: object) -> None:
        """Draw from here on as one would have when ``luck`` was asked for; what is taken stays taken."""
        self._random.setstate(luck)  # type: ignore[arg-type] # it came from luck()

    def copy(self) -> NodePortAllocator:
        """Another allocator in the same state: what is tried on it does not change this one."""
        twin = NodePortAllocator(self.first, self.last)
        twin._bands = self._bands.copy()
        twin._random.setstate(self._random.getstate())
        return twin

    def __contains__(self, value: int) -> bool:
        return value - self.first in self._bands.taken

    def __repr__(self) -> str:
        return f"<NodePortAllocator {self.first}-{self.last}: {self.used} of {self.capacity} used>"

    def _position(self, port: int) -> int:
        """The position of a port.  Raises AddressUnavailable when it is out of range."""
        if not isinstance(port, int) or isinstance(port, bool):
            raise InvalidArgument(port, "a port number", f"write one from {self.first} to {self.last}")
        if not self.first <= port <= self.last:
            raise AddressUnavailable(port, f"a port from {self.first} to {self.last} (provided port is not in the "
                                     f"valid range. The range of valid ports is {self.first}-{self.last})",
                                     "ask for one of these, or for none in particular")
        return port - self.first


def _is_port(value: object) -> bool:
    """Whether a value is a port number."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535
