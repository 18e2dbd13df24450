"""A routing table, and the rule by which Linux chooses from it: the longest prefix wins.

This module answers one question, "which row takes a packet to this address?", and says which rows lost and why.  It does not
know interfaces or packets.

Source: ip-route(8); RFC 1812 section 5.2.4.3 (longest match).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from k8snet_course.linux.family import Family
from k8snet_course.linux.trace import Candidate

_USUAL_METRIC, _KERNEL_METRIC = 1024, 256
"""The metric of an IPv6 route that somebody wrote, and of one that follows from an interface's address."""
FEW_ROWS = 8
"""Up to this many rows a step shows the whole table; above, only the rows that matched and the number of the others."""


@lru_cache(maxsize=65536)
def _bits(address: str) -> tuple[int, int]:
    """An address as (IP version, number)."""
    parsed = ip_address(address)
    return parsed.version, int(parsed)


@lru_cache(maxsize=65536)
def _prefix(dst: str) -> tuple[int, int, int]:
    """A destination as (IP version, network number, prefix length); "default" is the IPv4 /0, IPv6's is "::/0"."""
    net = ip_network("0.0.0.0/0" if dst == "default" else dst)
    return net.version, int(net.network_address), net.prefixlen


def leading_bits(dst: str) -> tuple[int, int, int]:
    """A destination as (IP version, prefix length, its leading bits as a number): what a table is searched by.

    >>> leading_bits("10.244.1.0/24") == (4, 24, 10 << 16 | 244 << 8 | 1)
    True
    """
    version, net, length = _prefix(dst)
    return version, length, net >> ((32 if version == 4 else 128) - length)


@dataclass(frozen=True, slots=True)
class Route:
    """One row: packets to ``dst`` (a CIDR or ``default``) leave by ``dev``, handed to the router ``via`` if there is one.

    IPv6's default route has the ``dst`` ::/0.  A row of IPv6 always has a metric, 1024 if nobody gave another one, and prints
    without the scope, as `ip -6 route` does.

    ``src`` is the address that this machine's own packets get when they take the row.  ``proto`` says who made the row
    (``kernel``: by giving an interface its address), ``scope`` is ``link`` when the destination is on the wire itself.
    ``mtu`` limits packets that take the row below the MTU of ``dev`` (0: it does not).  ``kind`` is ``blackhole`` for a row
    that swallows packets in silence; such a row has no ``dev``.  ``linkdown`` says that ``dev`` has no carrier
    (:mod:`.carrier`); the row is taken all the same.

        >>> print(Route("10.244.0.0/24", dev="eth0", proto="kernel", scope="link", src="10.244.0.2"))
        10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.2
        >>> print(Route("default", via="10.244.0.1", dev="eth0"))
        default via 10.244.0.1 dev eth0
        >>> print(Route("10.244.36.64/26", dev="", proto="bird", kind="blackhole"))
        blackhole 10.244.36.64/26 proto bird
        >>> print(Route("::/0", via="fd00:10:244::1", dev="eth0"))
        default via fd00:10:244::1 dev eth0 metric 1024 pref medium
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
    linkdown: bool = False

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

    @property
    def destination(self) -> str:
        """``dst`` as it is printed: ``default`` for all addresses of an IP version."""
        return "default" if self.dst == "::/0" else self.dst

    def __str__(self) -> str:
        six = ":" in self.dst
        text = f"{self.kind} {self.destination}".lstrip()
        metric = self.metric or (_USUAL_METRIC if six else 0)
        # Linux 6.18 with iproute2 6.1 prints these words in this order, and a blackhole of IPv6 on lo.
        for word, value in (("via", self.via), ("dev", "lo" if six and self.kind else self.dev), ("proto", self.proto),
                            ("scope", "" if six else self.scope), ("src", self.src), ("metric", str(metric) if metric else "")):
            if value:
                text += f" {word} {value}"
        text += (" onlink" if self.onlink else "") + (" linkdown" if self.linkdown else "")
        text += f" mtu {self.mtu}" if self.mtu else ""
        return f"{text} pref medium" if six else text


@lru_cache(maxsize=65536)
def connected(dev: str, address: str) -> Route:
    """The route that the kernel makes when an interface gets an address: its subnet is on this wire.

    >>> print(connected("eth0", "10.244.0.2/24"))
    10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.2
    >>> print(connected("eth0", "fd00:10:244::2/64"))
    fd00:10:244::/64 dev eth0 proto kernel metric 256 pref medium
    """
    interface = ip_interface(address)
    if interface.version == 6:
        dst = str(interface.network if interface.network.prefixlen < 128 else interface.ip)
        return Route(dst, dev=dev, proto="kernel", metric=_KERNEL_METRIC)
    return Route(str(interface.network), dev=dev, proto="kernel", scope="link", src=str(interface.ip))


RouteFamily = tuple[int, int, "Family[int, Any, Route]"]
"""Routes to many networks of one size: IP version, prefix length, and the rows by the leading bits of their destination."""


class Lookup:
    """What a routing table answered: the row that won (None: no row matched), and how it came to that."""

    __slots__ = ("_few", "_matching", "rows", "winner")

    def __init__(self, matching: Sequence[Route], few: Sequence[Route], rows: int) -> None:
        self.winner = matching[0] if matching else None
        self._matching = matching
        self._few = few
        self.rows = rows
        """How many rows the table has."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The rows that were looked at: all of a small table, in a large one those that matched."""
        return tuple(_judge(row, self.winner, self._matching) for row in self._few or self._matching)

    @property
    def others(self) -> int:
        """How many rows are not among the candidates."""
        return self.rows - len(self._few or self._matching)


class RouteTable:
    """The routes of one namespace, in the order in which `ip route` prints them.

    ``families`` are rows of which there are many, alike but for the node they lead to.

        >>> table = RouteTable([Route("default", via="10.244.0.1", dev="eth0"), Route("10.244.0.0/24", dev="eth0")])
        >>> print(table.lookup("10.244.0.7").winner)
        10.244.0.0/24 dev eth0
        >>> print(table.lookup("8.8.8.8").winner)
        default via 10.244.0.1 dev eth0
    """

    __slots__ = ("_answers", "_families", "_few", "_lengths", "_written")

    def __init__(self, rows: Iterable[Route] = (), families: Iterable[RouteFamily] = ()) -> None:
        self._written = list(rows)
        self._families = tuple(families)
        self._answers: dict[str, Lookup] = {}
        self._few = tuple(self) if len(self) <= FEW_ROWS else ()
        # For each (IP version, prefix length), longest first: the leading bits -> the rows that have them.
        by_length: dict[tuple[int, int], tuple[dict[int, list[Route]], list[Family[int, Any, Route]]]] = {}
        for row in self._written:
            version, length, bits = leading_bits(row.dst)
            by_length.setdefault((version, length), ({}, []))[0].setdefault(bits, []).append(row)
        for version, length, family in self._families:
            by_length.setdefault((version, length), ({}, []))[1].append(family)
        self._lengths = sorted(by_length.items(), key=lambda item: -item[0][1])

    def __iter__(self) -> Iterator[Route]:
        rows = [*self._written, *(row for _, _, family in self._families for row in family)]
        return iter(sorted(rows, key=_printed))

    def __len__(self) -> int:
        return len(self._written) + sum(len(family) for _, _, family in self._families)

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
        for (row_version, length), (written, families) in self._lengths:
            if row_version == version:
                bits = number >> (width - length)
                found = [*written.get(bits, ()), *(row for family in families if (row := family.get(bits)) is not None)]
                matching += sorted(found, key=lambda row: row.metric) if len(found) > 1 else found
        return Lookup(matching, self._few, len(self))


def _printed(row: Route) -> tuple[int, bool, int, int]:
    """Where a row stands: by the first address; in IPv4 the default route first, then of two the longer prefix.

    In IPv6 a prefix comes behind those that lie in it, and so the default route.
    """
    version, net, length = _prefix(row.dst)
    if version == 4:
        return version, row.dst != "default", net, -length
    return version, False, net | (1 << (128 - length)) - 1, -length


def _judge(row: Route, winner: Route | None, matching: Sequence[Route]) -> Candidate:
    length = f"/{row.prefix_length}"
    if row == winner:
        return Candidate(str(row), True, True, f"{length} matches" + (" and is the longest" if len(matching) > 1 else ""))
    if winner is None or row not in matching:
        return Candidate(str(row), False, False, "does not match")
    if row.prefix_length == winner.prefix_length:
        return Candidate(str(row), True, False, f"{length} matches, but has a higher metric")
    return Candidate(str(row), True, False, f"{length} matches, but is shorter")
