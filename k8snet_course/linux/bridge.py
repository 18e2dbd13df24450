"""A bridge: a switch in software.  It forwards frames by MAC address and never reads an IP address.

A bridge learns: each frame that comes in tells it behind which port the sender's MAC address is.  A frame to an address it
has learnt leaves by that one port; any other frame leaves by every port except the one it came in by (flooding).

This module holds the forwarding database (FDB) and that decision.  Carrying the frame to the other end of the port is done
by :mod:`k8snet_course.linux.forward`.

Source: IEEE 802.1D section 7 (learning and forwarding); bridge(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class FdbEntry(NamedTuple):
    """One row of the forwarding database: frames to ``mac`` leave by port ``dev`` of ``bridge``.

    A VXLAN device has such rows as well: there ``dst`` is the machine that frames to ``mac`` are tunnelled to.  A row with
    ``bridge`` was learnt, one without was written (``permanent``); written rows for the MAC address 00:00:00:00:00:00 name the
    machines that get a copy of a frame for an unknown address.

    >>> print(FdbEntry("0a:58:0a:f4:00:02", "vethab12cd34", "cni0"))
    0a:58:0a:f4:00:02 dev vethab12cd34 master cni0
    """

    mac: str
    dev: str
    bridge: str
    dst: str = ""

    def __str__(self) -> str:
        if not self.dst:
            return f"{self.mac} dev {self.dev} master {self.bridge}"
        return f"{self.mac} dev {self.dev} dst {self.dst} self" + ("" if self.bridge else " permanent")


EVERYBODY = "00:00:00:00:00:00"
"""The MAC address of the FDB rows of a tunnel that say who gets frames for unknown addresses."""


class Fdb:
    """The forwarding database of one bridge, or what one tunnel has learnt.

        >>> fdb = Fdb("cni0")
        >>> fdb.learn("0a:58:0a:f4:00:02", "vethab12cd34")
        True
        >>> print(fdb.find("0a:58:0a:f4:00:02"))
        0a:58:0a:f4:00:02 dev vethab12cd34 master cni0
        >>> fdb.find("0a:58:0a:f4:00:99") is None
        True
    """

    __slots__ = ("_known", "_rows", "bridge")

    def __init__(self, bridge: str) -> None:
        self.bridge = bridge
        self._rows: dict[str, FdbEntry] = {}
        self._known: tuple[FdbEntry, ...] | None = ()
        """The rows as they were when somebody last asked; None: there are others now."""

    def __iter__(self) -> Iterator[FdbEntry]:
        return iter(in_order(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> tuple[FdbEntry, ...]:
        """The rows in the order in which they were learnt."""
        if self._known is None:
            self._known = tuple(self._rows.values())
        return self._known

    def find(self, mac: str) -> FdbEntry | None:
        """The row for this MAC address, or None: then the frame is flooded."""
        return self._rows.get(mac)

    def learn(self, mac: str, port: str, dst: str = "") -> bool:
        """Note that frames from ``mac`` come in by ``port`` (a tunnel: from the machine ``dst``); True when that is news."""
        known = self._rows.get(mac)
        if known is not None and (known.dev, known.dst) == (port, dst):
            return False
        self._rows[mac] = FdbEntry(mac, port, self.bridge, dst)
        self._known = None
        return True

    def forget_port(self, port: str) -> None:
        """Drop every row of a port that is gone, as Linux does when it is unplugged."""
        for mac in [mac for mac, row in self._rows.items() if row.dev == port]:
            del self._rows[mac]
            self._known = None


def in_order(rows: Iterable[FdbEntry]) -> list[FdbEntry]:
    """Rows as a table shows them: by port, then by MAC address."""
    return sorted(rows, key=lambda row: (row.dev, row.mac))
