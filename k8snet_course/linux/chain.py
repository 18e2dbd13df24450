"""A chain: rules in order, with an index, so that a packet meets only the rules that its destination leaves possible.

kube-proxy's first chain has several rules for each Service.  Read from the top, ten thousand Services would cost each new
connection a walk over all of them, as they do in the kernel.  The index leaves out rules that name another destination address
or port, or another source address; the answer is that of the reading from the top.

It does not judge a rule's other conditions: that is :mod:`k8snet_course.linux.netfilter`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.rule import Row, exact

FEW = 8
"""Up to this many rules a chain is simply read from the top, and shown whole."""


class Chain:
    """Rules in the order in which they are read.

    Rules can be added and removed in groups (a Service's rules), each under a key; both cost as much as the group has rules.

        >>> from k8snet_course.linux.rule import Rule
        >>> chain = Chain()
        >>> chain.add("default/web", [Rule("KUBE-SERVICES", "KUBE-SVC-X", dst="10.96.0.20/32", protocol="tcp", dport=80)])
        >>> [row.target for row in chain]
        ['KUBE-SVC-X']
        >>> chain.remove("default/web")
        >>> len(chain)
        0
    """

    __slots__ = ("_few", "_groups", "_index", "_next", "_rows", "_sources")

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows: dict[int, Row] = {}
        self._groups: dict[Hashable, list[int]] = {}
        self._index: dict[tuple[str, int, str], list[tuple[int, Row]]] | None = None
        self._sources = False
        """Whether a rule of the index names one source address: only then it is worth the while to look for it."""
        self._few: tuple[Row, ...] | None = None
        """The rules of a short chain, until one comes or goes."""
        self._next = 0
        for row in rows:
            self._put(row)

    def add(self, key: Hashable, rows: Iterable[Row]) -> None:
        """Put rules behind those that are there, under a key."""
        self._groups.setdefault(key, []).extend([self._put(row) for row in rows])

    def remove(self, key: Hashable) -> None:
        """Take the rules of a key away.  A key without rules is no error."""
        for place in self._groups.pop(key, ()):
            row = self._rows.pop(place)
            self._few = None
            if self._index is not None:
                where = _where(row)
                self._index[where].remove((place, row))
                if not self._index[where]:
                    del self._index[where]

    def near(self, packet: Packet) -> Iterable[Row]:
        """The rules that the packet's addresses leave possible, in order; in a short chain all of them."""
        if self._few is not None:
            return self._few
        if len(self._rows) <= FEW:
            self._few = tuple(self._rows.values())
            return self._few
        if self._index is None:
            self._index = {}
            for place, row in self._rows.items():
                self._file(place, row)
        dst, port, of = packet.dst, packet.dst_port, self._index.get
        found: list[tuple[int, Row]] = []
        for src in ("", packet.src) if self._sources else ("",):
            found += of((dst, 0, src), ())
            found += of(("", 0, src), ())
            if port:
                found += of((dst, port, src), ())
                found += of(("", port, src), ())
        if len(found) > 1:
            found.sort(key=_place)
        return [row for _, row in found]

    def _put(self, row: Row) -> int:
        place, self._next = self._next, self._next + 1
        self._rows[place] = row
        self._few = None
        if self._index is not None:
            self._file(place, row)
        return place

    def _file(self, place: int, row: Row) -> None:
        """Put a rule into the index."""
        assert self._index is not None
        where = _where(row)
        self._index.setdefault(where, []).append((place, row))
        self._sources = self._sources or where[2] != ""

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<Chain of {len(self)} rules>"


def _place(entry: tuple[int, Row]) -> int:
    return entry[0]


def _where(row: Row) -> tuple[str, int, str]:
    """The destination address and port and the source address that a rule names, as far as it names exactly one."""
    return exact(row.dst), row.dport, exact(row.src)
