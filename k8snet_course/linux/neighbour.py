"""Who has this IP address on this wire?  The neighbour table of one namespace (of ARP, and for IPv6 of neighbour discovery).

A neighbour table maps (interface, IP address) to the MAC address that a frame must carry.  Rows are put there by a plugin
(``permanent``) or learnt by asking.  Asking itself needs the wire, so it is done by
:mod:`k8snet_course.linux.resolve`.

Between two packets of the course enough time passes for nothing to expire: a learnt row stays until its owner is gone.

Source: RFC 826 (ARP); RFC 4861 (neighbour discovery); ip-neighbour(8); arp(7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

from k8snet_course.linux.family import Family

_ALL_GROUPS = int(ip_address("ff02::1:ff00:0"))
"""The solicited-node multicast groups (RFC 4291, section 2.7.1), which differ in the last 24 bits."""


class Neighbour(NamedTuple):
    """One row: on interface ``dev`` the address belongs to ``mac``.  ``router`` is what an IPv6 neighbour that forwards packets
    says of itself.

    >>> print(Neighbour("10.244.0.1", "eth0", "0a:58:0a:f4:00:01"))
    10.244.0.1 dev eth0 lladdr 0a:58:0a:f4:00:01 REACHABLE
    >>> print(Neighbour("fd00:10:244::1", "eth0", "0a:58:0a:f4:00:01", router=True))
    fd00:10:244::1 dev eth0 lladdr 0a:58:0a:f4:00:01 router REACHABLE
    """

    address: str
    dev: str
    mac: str
    state: str = "REACHABLE"
    router: bool = False

    def __str__(self) -> str:
        known = f" lladdr {self.mac}" if self.mac else ""
        return f"{self.address} dev {self.dev}{known}{' router' if self.router else ''} {self.state}"


NeighbourFamily = tuple[str, "Family[str, Any, Neighbour]"]
"""Permanent rows of one interface for many others: the interface, and the rows by address."""


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

    __slots__ = ("_families", "_learnt", "_permanent", "_unanswered")

    def __init__(self) -> None:
        self._learnt: dict[tuple[str, str], Neighbour] = {}
        self._unanswered: dict[tuple[str, str], None] = {}
        self._permanent: dict[tuple[str, str], Neighbour] = {}
        self._families: tuple[NeighbourFamily, ...] = ()

    def __iter__(self) -> Iterator[Neighbour]:
        rows = [*self._learnt.values(), *self._permanent.values(), *(row for _, family in self._families for row in family)]
        return iter(sorted(rows, key=lambda row: (row.dev, _number(row.address))))

    def __len__(self) -> int:
        return len(self._learnt) + len(self._permanent) + sum(len(family) for _, family in self._families)

    def find(self, address: str, dev: str) -> Neighbour | None:
        """The row for this address on this interface, or None."""
        key = (dev, address)
        row = self._permanent.get(key)
        if row is None and self._families:
            row = self._written(address, dev)
        return row if row is not None else self._learnt.get(key)

    def learn(self, address: str, dev: str, mac: str, router: bool = False) -> bool:
        """Remember what an ARP packet said, or a neighbour solicitation or advertisement; True when that is new.

        A permanent row is never overwritten.
        """
        known = self._learnt.get((dev, address))
        if (known is not None and known.mac == mac) or self._written(address, dev) is not None:
            return False
        self._learnt[(dev, address)] = Neighbour(address, dev, mac, router=router)
        self._unanswered.pop((dev, address), None)
        return True

    def miss(self, address: str, dev: str) -> None:
        """Remember that nobody answered; it is asked again all the same when the next packet is to go there.

        >>> table = NeighbourTable()
        >>> table.miss("10.244.0.99", "eth0")
        >>> print(*table.unanswered, len(table))
        10.244.0.99 dev eth0 FAILED 0
        """
        self._unanswered[(dev, address)] = None

    @property
    def unanswered(self) -> tuple[Neighbour, ...]:
        """The addresses that nobody answered for when they were last asked for, as rows without a MAC address."""
        return tuple(Neighbour(address, dev, "", "FAILED") for dev, address in self._unanswered)

    def add_permanent(self, address: str, dev: str, mac: str) -> None:
        """A row that a plugin or an administrator wrote: `ip neigh replace ... nud permanent`."""
        self._permanent[(dev, address)] = Neighbour(address, dev, mac, "PERMANENT")
        self._learnt.pop((dev, address), None)
        self._unanswered.pop((dev, address), None)

    def write_permanent(self, rows: Iterable[Neighbour], families: Iterable[NeighbourFamily] = ()) -> None:
        """Put these rows in the place of all permanent ones.  ``families`` are many rows of one pattern."""
        self._permanent = {}
        self._families = tuple(families)
        for row in rows:
            self.add_permanent(row.address, row.dev, row.mac)

    def forget(self, address: str) -> None:
        """Drop the learnt rows for an address whose owner is gone."""
        for key in [key for key in self._learnt if key[1] == address]:
            del self._learnt[key]

    def carrier_lost(self, dev: str) -> None:
        """Drop all rows of an interface that nothing is plugged into any more, but those that somebody wrote.

        >>> table = NeighbourTable()
        >>> table.miss("10.244.0.99", "cni0")
        >>> table.carrier_lost("cni0")
        >>> table.unanswered
        ()
        """
        for rows in (self._learnt, self._unanswered):
            for key in [key for key in rows if key[0] == dev]:
                del rows[key]

    def _written(self, address: str, dev: str) -> Neighbour | None:
        row = self._permanent.get((dev, address))
        if row is None:
            for of_dev, family in self._families:
                if of_dev == dev:
                    row = row or family.get(address)
        return row


def solicited_node(address: str) -> str:
    """The multicast group that an IPv6 address is asked for in: few listen to it but the one who has the address.

    >>> solicited_node("fd00:10:244::2")
    'ff02::1:ff00:2'
    """
    return str(ip_address(_ALL_GROUPS | int(ip_address(address)) & 0xFFFFFF))


@lru_cache(maxsize=65536)
def _number(address: str) -> tuple[int, int]:
    parsed = ip_address(address)
    return parsed.version, int(parsed)
