"""How IPVS chooses a real server: each scheduler as a function of what it looks at, without memory of its own.

========  =======================================================================================
rr        round robin: one after the other
wrr       weighted round robin: the same, heavier ones more often
lc        least connections: the smallest active * 256 + inactive
wlc       weighted least connections: the smallest (active * 256 + inactive) / weight
lblc      locality-based: the server this destination had, unless it has more than it should; else as wlc
sh        source hashing: a table of 256 places, asked with the client's address
dh        destination hashing: the same, asked with the destination's address
sed       shortest expected delay: the smallest (active + 1) / weight
nq        never queue: the first idle server; if there is none, as sed
mh        Maglev hashing: a table that hardly changes when a server goes, asked with the client's address
========  =======================================================================================

kube-proxy gives every server the weight 1.  Where two are equal, the first one is taken.  The hash functions of the kernel's mh
depend on a secret of the machine; here they are parts of a SHA-256.

Source: Linux, net/netfilter/ipvs/ip_vs_{rr,wrr,lc,wlc,lblc,sh,dh,sed,nq,mh}.c; ipvsadm(8).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, reduce
from hashlib import sha256
from ipaddress import ip_address
from math import gcd
from typing import NamedTuple

from k8snet_course.errors import InvalidArgument

SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "sh", "dh", "sed", "nq", "mh")
"""The schedulers by the names that kube-proxy's ``--ipvs-scheduler`` takes."""

_BUCKETS = 256
_MAGLEV = 4093
_GOLDEN = 0x61C88647


class Server(NamedTuple):
    """A real server: ``weight`` is its share, ``active`` and ``inactive`` are its connections.

    >>> print(Server("10.244.0.2:8080", active=3))
    10.244.0.2:8080 weight 1, 3 active, 0 inactive
    """

    name: str
    weight: int = 1
    active: int = 0
    inactive: int = 0

    @property
    def overhead(self) -> int:
        """What its connections cost: an inactive one a 256th of an active one."""
        return self.active * 256 + self.inactive

    def __str__(self) -> str:
        return f"{self.name} weight {self.weight}, {self.active} active, {self.inactive} inactive"


def schedule(scheduler: str, servers: tuple[Server, ...], turn: int = 0, src: str = "", dst: str = "",
             previous: str = "") -> Server | None:
    """The server for a new connection; None if there is none with a weight above 0.

    ``turn`` is how many connections the virtual server has had, ``src`` and ``dst`` are the packet's addresses, ``previous`` is
    the name of the server that this destination had last.  Raises InvalidArgument.

        >>> servers = (Server("a", active=2), Server("b", active=1), Server("c", active=1))
        >>> [schedule(name, servers, turn=3).name for name in ("rr", "lc", "sed")]
        ['a', 'b', 'b']
    """
    if scheduler not in SCHEDULERS:
        raise InvalidArgument(scheduler, f"a scheduler: {', '.join(SCHEDULERS)}", "write 'rr'")
    able = tuple(server for server in servers if server.weight > 0)
    if not able:
        return None
    if scheduler == "rr":
        return able[turn % len(able)]
    if scheduler == "wrr":
        order = weighted_order(tuple(server.weight for server in able))
        return able[order[turn % len(order)]]
    if scheduler == "lc":
        return min(able, key=lambda server: server.overhead)
    if scheduler == "wlc":
        return _least_by_weight(able)
    if scheduler == "lblc":
        return _locality(able, previous)
    if scheduler in ("sh", "dh"):
        return able[hashed(src if scheduler == "sh" else dst, tuple(server.weight for server in able))]
    if scheduler == "mh":
        return able[maglev(tuple((server.name, server.weight) for server in able))[_digest(src, "mh") % _MAGLEV]]
    idle = next((server for server in able if server.active == 0), None)
    if scheduler == "nq" and idle is not None:
        return idle
    return min(able, key=lambda server: Fraction(server.active + 1, server.weight))


@lru_cache(maxsize=1024)
def weighted_order(weights: tuple[int, ...]) -> tuple[int, ...]:
    """The places of one round of wrr: a falling bar, which takes every server that is at least as heavy.

    >>> weighted_order((4, 3, 2))
    (0, 0, 1, 0, 1, 2, 0, 1, 2)
    """
    step = reduce(gcd, weights)
    return tuple(place for bar in range(max(weights), 0, -step) for place, weight in enumerate(weights) if weight >= bar)


@lru_cache(maxsize=4096)
def hashed(address: str, weights: tuple[int, ...]) -> int:
    """The place that sh and dh give an address: 256 places are dealt out in turn, heavier servers get more in a row.

    >>> [hashed(f"10.244.0.{host}", (1, 1, 1)) for host in (2, 3, 4, 2)]
    [1, 0, 0, 1]
    """
    parsed = ip_address(address)
    folded, number = 0, int(parsed)
    while number:
        folded, number = folded ^ (number & 0xFFFFFFFF), number >> 32
    bucket = (folded * _GOLDEN & 0xFFFFFFFF) >> 24
    dealt = [place for place, weight in enumerate(weights) for _ in range(weight)]
    return dealt[bucket % _BUCKETS % len(dealt)]


@lru_cache(maxsize=256)
def maglev(servers: tuple[tuple[str, int], ...]) -> tuple[int, ...]:
    """Maglev's table: each server names free places in an order of its own, by turns, until all are taken.

    >>> before, after = maglev((("a", 1), ("b", 1), ("c", 1))), maglev((("a", 1), ("b", 1)))
    >>> kept = sum(one == other for one, other in zip(before, after))
    >>> len(before), before.count(0), kept > 0.9 * sum(place < 2 for place in before)
    (4093, 1365, True)
    """
    starts = [(_digest(name, "offset") % _MAGLEV, _digest(name, "skip") % (_MAGLEV - 1) + 1) for name, _ in servers]
    table, asked, taken = [-1] * _MAGLEV, [0] * len(servers), 0
    while True:
        for place, (_, weight) in enumerate(servers):
            offset, skip = starts[place]
            for _ in range(weight):
                wanted = (offset + asked[place] * skip) % _MAGLEV
                while table[wanted] >= 0:
                    asked[place] += 1
                    wanted = (offset + asked[place] * skip) % _MAGLEV
                table[wanted] = place
                asked[place] += 1
                taken += 1
                if taken == _MAGLEV:
                    return tuple(table)


def _least_by_weight(servers: tuple[Server, ...]) -> Server:
    return min(servers, key=lambda server: Fraction(server.overhead, server.weight))


def _locality(servers: tuple[Server, ...], previous: str) -> Server:
    """The previous server, unless it has more connections than its weight while another has less than half of its own."""
    last = next((server for server in servers if server.name == previous), None)
    if last is None or (last.active > last.weight and any(2 * server.active < server.weight for server in servers)):
        return _least_by_weight(servers)
    return last


def _digest(text: str, purpose: str) -> int:
    return int.from_bytes(sha256(f"{purpose} {text}".encode()).digest()[:8], "big")
