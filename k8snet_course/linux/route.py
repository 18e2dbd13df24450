"""A routing table, and the rule by which Linux chooses from it: the longest prefix wins.

This module answers one question, "which row takes a packet to this address?", and says which rows lost and why.  It does not
know interfaces or packets.

Source: ip-route(8); RFC 1812 section 5.2.4.3 (longest match).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_interface, ip_network

from k8snet_course.linux.trace import Candidate

FEW_ROWS = 8
"""Up to this many rows a step shows the whole table; above, only the rows that matched and the number of the others."""


@lru_cache(maxsize=65536)
def _bits(address: str) -> tuple[int, int]:
    """An address as (IP version, number)."""
    parsed = ip_address(address)
    return parsed.version, int(parsed)


@lru_cache(maxsize=65536)
def _prefix(dst: str) -> tuple[int, int, int]:
    """A destination as (IP version, network number, prefix length); "default" is the IPv4 /0."""
    net = ip_network("0.0.0.0/0" if dst == "default" else dst)
    return net.version, int(net.network_address), net.prefixlen


@dataclass(frozen=True, slots=True)
class Route:
    """One row: packets to ``dst`` (a CIDR or ``default``) leave by ``dev``, handed to the router ``via`` if there is one.

    ``src`` is the address that this machine's own packets get when they take the row.  ``proto`` says who made the row
    (``kernel``: by giving an interface its address), ``scope`` is ``link`` when the destination is on the wire itself.
    ``mtu`` limits packets that take the row below the MTU of ``dev`` (0: it does not).  ``kind`` is ``blackhole`` for a row
    that swallows packets in silence; such a row has no ``dev``.

        >>> print(Route("10.244.0.0/24", dev="eth0", proto="kernel", scope="link", src="10.244.0.2"))
        10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.2
        >>> print(Route("default", via="10.244.0.1", dev="eth0"))
        default via 10.244.0.1 dev eth0
        >>> print(Route("10.244.36.64/26", dev="", proto="bird", kind="blackhole"))
        blackhole 10.244.36.64/26 proto bird
    """

    dst: str
    dev: str
    via: str = ""
    src: str = ""
    proto: str = ""
    scope: str = ""
    metric: int = 0
    onlink: bool = False
    mtu: int = 0
    kind: str = ""

    @property
    def prefix_length(self) -> int:
        """The number of leading bits that an address must share with ``dst``; 0 for ``default``."""
        return _prefix(self.dst)[2]

    def matches(self, address: str) -> bool:
        """Whether the address lies in ``dst``.

        >>> Route("10.244.0.0/24", dev="eth0").matches("10.244.1.2")
        False
        """
        version, number = _bits(address)
        mine, net, length = _prefix(self.dst)
        width = 32 if version == 4 else 128
        return version == mine and number >> (width - length) == net >> (width - length)

    def __str__(self) -> str:
        text = f"{self.kind} {self.dst}".lstrip()
        for word, value in (("via", self.via), ("dev", self.dev), ("proto", self.proto), ("scope", self.scope),
                            ("src", self.src), ("metric", str(self.metric) if self.metric else "")):
            if value:
                text += f" {word} {value}"
        return text + (" onlink" if self.onlink else "") + (f" mtu {self.mtu}" if self.mtu else "")


@lru_cache(maxsize=65536)
def connected(dev: str, address: str) -> Route:
    """The route that the kernel makes when an interface gets an address: its subnet is on this wire.

    >>> print(connected("eth0", "10.244.0.2/24"))
    10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.2
    """
    interface = ip_interface(address)
    return Route(str(interface.network), dev=dev, proto="kernel", scope="link", src=str(interface.ip))


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a routing table answered: the row that won (None: no row matched) and the rows that were looked at."""

    winner: Route | None
    candidates: tuple[Candidate, ...]
    others: int


class RouteTable:
    """The routes of one namespace, in the order in which `ip route` prints them.

        >>> table = RouteTable([Route("default", via="10.244.0.1", dev="eth0"), Route("10.244.0.0/24", dev="eth0")])
        >>> print(table.lookup("10.244.0.7").winner)
        10.244.0.0/24 dev eth0
        >>> print(table.lookup("8.8.8.8").winner)
        default via 10.244.0.1 dev eth0
    """

    __slots__ = ("_answers", "_lengths", "_rows")

    def __init__(self, rows: Iterable[Route] = ()) -> None:
        self._rows = sorted(rows, key=lambda row: (_prefix(row.dst)[0], row.dst != "default", *_prefix(row.dst)[1:]))
        # For each (IP version, prefix length), longest first: the leading bits -> the rows that have them, best metric first.
        by_length: dict[tuple[int, int], dict[int, list[Route]]] = {}
        for row in self._rows:
            version, net, length = _prefix(row.dst)
            bits = net >> ((32 if version == 4 else 128) - length)
            by_length.setdefault((version, length), {}).setdefault(bits, []).append(row)
        for rows_of_length in by_length.values():
            for same in rows_of_length.values():
                same.sort(key=lambda row: row.metric)
        self._lengths = sorted(by_length.items(), key=lambda item: -item[0][1])
        self._answers: dict[str, Lookup] = {}

    def __iter__(self) -> Iterator[Route]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def lookup(self, address: str) -> Lookup:
        """The row for this address: of all rows that match, the one with the longest prefix, then the lowest metric."""
        answer = self._answers.get(address)
        if answer is None:
            answer = self._answers[address] = self._search(address)
        return answer

    def _search(self, address: str) -> Lookup:
        version, number = _bits(address)
        width = 32 if version == 4 else 128
        matching: list[Route] = []
        for (row_version, length), rows in self._lengths:
            if row_version == version:
                matching += rows.get(number >> (width - length), ())
        winner = matching[0] if matching else None
        shown = self._rows if len(self._rows) <= FEW_ROWS else matching
        return Lookup(winner, tuple(_judge(row, winner, matching) for row in shown), len(self._rows) - len(shown))


def _judge(row: Route, winner: Route | None, matching: list[Route]) -> Candidate:
    length = f"/{row.prefix_length}"
    if row is winner:
        return Candidate(str(row), True, True, f"{length} matches" + (" and is the longest" if len(matching) > 1 else ""))
    if winner is None or row not in matching:
        return Candidate(str(row), False, False, "does not match")
    if row.prefix_length == winner.prefix_length:
        return Candidate(str(row), True, False, f"{length} matches, but has a higher metric")
    return Candidate(str(row), True, False, f"{length} matches, but is shorter")
