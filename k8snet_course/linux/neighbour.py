"""Who has this IP address on this wire?  The neighbour table (ARP) of one namespace.

A neighbour table maps (interface, IP address) to the MAC address that a frame must carry.  Rows are put there by a plugin
(``permanent``) or learnt by asking (ARP).  Asking itself needs the wire, so it is done by
:mod:`k8snet_course.linux.resolve`.

Between two packets of the course enough time passes for nothing to expire: a learnt row stays until its owner is gone.

Source: RFC 826 (ARP); ip-neighbour(8); arp(7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One row: on interface ``dev`` the address belongs to ``mac``.

    >>> print(Neighbour("10.244.0.1", "eth0", "0a:58:0a:f4:00:01"))
    10.244.0.1 dev eth0 lladdr 0a:58:0a:f4:00:01 REACHABLE
    """

    address: str
    dev: str
    mac: str
    state: str = "REACHABLE"

    def __str__(self) -> str:
        return f"{self.address} dev {self.dev} lladdr {self.mac} {self.state}"


class NeighbourTable:
    """The rows of one namespace, found by (interface, address).

        >>> table = NeighbourTable()
        >>> table.learn("10.244.0.3", "eth0", "0a:58:0a:f4:00:03")
        True
        >>> table.find("10.244.0.3", "eth0").mac
        '0a:58:0a:f4:00:03'
        >>> table.learn("10.244.0.3", "eth0", "0a:58:0a:f4:00:03")
        False
    """

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Neighbour] = {}

    def __iter__(self) -> Iterator[Neighbour]:
        return iter(sorted(self._rows.values(), key=lambda row: (row.dev, [int(part) for part in row.address.split(".")])))

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, address: str, dev: str) -> Neighbour | None:
        """The row for this address on this interface, or None."""
        return self._rows.get((dev, address))

    def learn(self, address: str, dev: str, mac: str) -> bool:
        """Remember what an ARP packet said; True when that is new.  A permanent row is never overwritten."""
        known = self._rows.get((dev, address))
        if known is not None and (known.mac == mac or known.state == "PERMANENT"):
            return False
        self._rows[(dev, address)] = Neighbour(address, dev, mac)
        return True

    def add_permanent(self, address: str, dev: str, mac: str) -> None:
        """A row that a plugin or an administrator wrote: `ip neigh replace ... nud permanent`."""
        self._rows[(dev, address)] = Neighbour(address, dev, mac, "PERMANENT")

    def write_permanent(self, rows: Iterable[Neighbour]) -> None:
        """Put these rows in the place of all permanent ones."""
        for key in [key for key, row in self._rows.items() if row.state == "PERMANENT"]:
            del self._rows[key]
        for row in rows:
            self.add_permanent(row.address, row.dev, row.mac)

    def forget(self, address: str) -> None:
        """Drop the learnt rows for an address whose owner is gone."""
        for key in [key for key, row in self._rows.items() if row.address == address and row.state != "PERMANENT"]:
            del self._rows[key]
