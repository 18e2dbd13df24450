"""A chain: rules in order, with an index, so that a packet meets only the rules that its destination leaves possible.

kube-proxy's first chain has several rules for each Service.  Read from the top, ten thousand Services would cost each new
connection a walk over all of them, as they do in the kernel.  The index leaves out rules that name another destination address
or port, or another source address, or a list of clients that the source is not on; and it has a :class:`Lot` in the place of
many rules that only chance tells apart.  The answer is that of the reading from the top.

A chain can also *expect* rules: their number and the addresses that they name are known, and they are written when a packet to
such an address comes, or when somebody reads the whole chain.  They stand where they would stand had they been written at once.

It does not judge a rule's other conditions: that is :mod:`k8snet_course.linux.netfilter`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from k8snet_course.linux.lot import Lot
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.rule import Row, Rule, exact

Seek = Callable[[str], Iterable[Hashable]]
"""What says whose rules may name an address as their destination."""

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

    __slots__ = ("_asking", "_expected", "_expected_at", "_few", "_groups", "_index", "_next", "_ordered", "_outstanding",
                 "_recent", "_rows", "_seek", "_sources", "_write")

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows: dict[int, Row] = {}
        self._groups: dict[Hashable, list[int]] = {}
        self._index: dict[tuple[str, int, str], list[Placed]] | None = None
        self._asking: dict[str, list[Placed]] = {}
        """The rules of the index that ask a list of clients, by the list's name."""
        self._recent = 0
        """How many rules ask a list of clients, or put a client on one."""
        self._sources = False
        """Whether a rule of the index names one source address: only then it is worth the while to look for it."""
        self._few: tuple[Row, ...] | None = None
        """The rules of a short chain, until one comes or goes."""
        self._next = 0
        self._expected: dict[Hashable, _Expected] = {}
        self._expected_at: dict[str, list[Hashable]] = {}
        """The keys of the expected groups, by the addresses that their rules name."""
        self._outstanding = 0
        """How many rules are expected."""
        self._write: Callable[[Hashable], Iterable[Row]] | None = None
        self._seek: Seek | None = None
        self._ordered = True
        """Whether the rules were put in in the order of their places."""
        for row in rows:
            self._put(row)

    def add(self, key: Hashable, rows: Iterable[Row]) -> None:
        """Put rules behind those that are there, under a key."""
        self._groups.setdefault(key, []).extend([self._put(row) for row in rows])

    def expect(self, key: Hashable, number: int, addresses: Iterable[str] | Seek,
               write: Callable[[Hashable], Iterable[Row]]) -> None:
        """Keep places for so many rules of a key, each of which names one of the addresses as its destination.

        Instead of the addresses, a function may say which keys have rules for one.  ``write`` gives the rules for the key.
        Both functions are the same for all that a chain expects.

            >>> from k8snet_course.linux.rule import Rule
            >>> chain = Chain()
            >>> chain.expect("web", 1, ["10.96.0.20"], lambda key: [Rule("KUBE-SERVICES", f"TO-{key}", dst="10.96.0.20/32")])
            >>> len(chain), [row.target for row in chain]
            (1, ['TO-web'])
        """
        if callable(addresses):
            self._seek, addresses = addresses, ()
        self._expected[key] = at = (self._next, number, tuple(addresses))
        self._next += number
        self._outstanding += number
        self._write = write
        self._few = None
        for address in at[2]:
            keys = self._expected_at.get(address)
            if keys is None:
                self._expected_at[address] = [key]
            else:
                keys.append(key)

    def remove(self, key: Hashable) -> None:
        """Take the rules of a key away.  A key without rules is no error."""
        if key in self._expected:
            self._arrived(key)
            return
        for place in self._groups.pop(key, ()):
            row = self._rows.pop(place)
            self._few = None
            self._recent -= bool(row.recent)
            if self._index is not None:
                if row.recent_seconds or _in_a_lot(row):
                    self._index = None
                    continue
                where = _where(row)
                self._index[where].remove((place, row))
                if not self._index[where]:
                    del self._index[where]

    @property
    def asks_memory(self) -> bool:
        """Whether what it says of a packet depends on who came before."""
        return self._recent > 0

    def destinations(self) -> tuple[str, ...]:
        """The addresses that the rules name as their destination, each once, in the order of the rules; none is written for it.

            >>> from k8snet_course.linux.rule import Rule
            >>> Chain([Rule("INPUT", "DROP", dst="10.0.0.7/32"), Rule("INPUT", "ACCEPT")]).destinations()
            ('10.0.0.7',)
        """
        for key in [key for key, (_, _, addresses) in self._expected.items() if not addresses]:
            self._write_down(key)
        found: list[tuple[int, tuple[str, ...]]] = [(place, (exact(row.dst),)) for place, row in self._in_order().items()]
        if self._expected:
            found = sorted(found + [(place, addresses) for place, _, addresses in self._expected.values()])
        return tuple(dict.fromkeys([address for _, addresses in found for address in addresses if address]))

    def near(self, packet: Packet, memory: Memory | None = None) -> Iterable[Row | Lot]:
        """The rules that the packet's addresses and the device's memory leave possible, in order; in a short chain all of them.

        In a long one, rules in a row that only chance tells apart are one :class:`~k8snet_course.linux.lot.Lot`.
        """
        if self._few is not None:
            return self._few
        if len(self) <= FEW:
            self._few = tuple(self)
            return self._few
        if packet.dst in self._expected_at:
            for key in tuple(self._expected_at[packet.dst]):
                self._write_down(key)
        if self._seek is not None and self._expected:
            for key in [key for key in self._seek(packet.dst) if key in self._expected]:
                self._write_down(key)
        if self._index is None:
            self._make_index()
        assert self._index is not None
        dst, port, of = packet.dst, packet.dst_port, self._index.get
        found: list[Placed] = []
        for src in ("", packet.src) if self._sources else ("",):
            found += of((dst, 0, src), ())
            found += of(("", 0, src), ())
            if port:
                found += of((dst, port, src), ())
                found += of(("", port, src), ())
        if self._asking and memory is not None:
            for name in memory.lists_of(packet.src):
                found += self._asking.get(name, ())
        if len(found) > 1:
            found.sort(key=_place)
        return [row for _, row in found]

    def _put(self, row: Row) -> int:
        place, self._next = self._next, self._next + 1
        self._stand(place, row)
        return place

    def _stand(self, place: int, row: Row) -> None:
        self._rows[place] = row
        self._few = None
        self._recent += bool(row.recent)
        if self._index is not None:
            if _in_a_lot(row):
                self._index = None
            else:
                self._file(place, row)

    def _write_down(self, key: Hashable) -> None:
        """Write the expected rules of a key, each at its place."""
        first, number = self._arrived(key)
        self._ordered = self._ordered and first == self._next - number
        assert self._write is not None
        rows = list(self._write(key))
        assert len(rows) == number, f"{number} rules were expected of {key}, not {len(rows)}"
        self._groups[key] = list(range(first, first + number))
        for place, row in enumerate(rows, first):
            self._stand(place, row)

    def _arrived(self, key: Hashable) -> tuple[int, int]:
        """Expect the rules of a key no longer."""
        first, number, addresses = self._expected.pop(key)
        self._outstanding -= number
        self._few = None
        for address in addresses:
            keys = self._expected_at[address]
            keys.remove(key)
            if not keys:
                del self._expected_at[address]
        return first, number

    def _in_order(self) -> dict[int, Row]:
        """The rules that are written, by their places."""
        if not self._ordered:
            self._rows = dict(sorted(self._rows.items()))
            self._ordered = True
        return self._rows

    def _make_index(self) -> None:
        self._index, self._asking = {}, {}
        run: list[Row] = []
        begin = 0
        for place, row in self._in_order().items():
            if _in_a_lot(row):
                begin = begin if run else place
                run.append(row)
                continue
            if run:
                self._index.setdefault(_ANY, []).append((begin, Lot(run)))
                run = []
            self._file(place, row)
        if run:
            self._index.setdefault(_ANY, []).append((begin, Lot(run)))

    def _file(self, place: int, row: Row) -> None:
        """Put a rule into the index."""
        assert self._index is not None
        if row.recent_seconds:
            self._asking.setdefault(row.recent, []).append((place, row))
            return
        where = _where(row)
        self._index.setdefault(where, []).append((place, row))
        self._sources = self._sources or where[2] != ""

    def __iter__(self) -> Iterator[Row]:
        for key in tuple(self._expected):
            self._write_down(key)
        return iter(self._in_order().values())

    def __len__(self) -> int:
        return len(self._rows) + self._outstanding

    def __repr__(self) -> str:
        return f"<Chain of {len(self)} rules>"


_Expected = tuple[int, int, tuple[str, ...]]
"""The first place of rules that are expected, how many they are, and the addresses that they name."""
Placed = tuple[int, Row | Lot]
"""What stands in the index, with its place in the chain."""
_ANY = ("", 0, "")
"""Where the index has what any packet may match."""


def _place(entry: Placed) -> int:
    return entry[0]


def _in_a_lot(row: Row) -> bool:
    """Whether it may be one of a lot.  A rule that takes all that comes leaves nothing to those behind it."""
    return bool(row.probability) and isinstance(row, Rule) and row.by_chance_alone and float(row.probability) < 1


def _where(row: Row) -> tuple[str, int, str]:
    """The destination address and port and the source address that a rule names, as far as it names exactly one."""
    return exact(row.dst), row.dport, exact(row.src)
