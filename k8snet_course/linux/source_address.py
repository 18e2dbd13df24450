"""Which of its own IPv6 addresses a device puts into a packet, where the interface that the packet leaves by has none.

IPv4 takes the first address of the device.  IPv6 compares all of them with the destination: the same address wins, then one
with the same label (so that private addresses talk with private ones), then the one that has more leading bits in common, of
which no more than the prefix length count.

Source: RFC 6724, sections 2.1 and 5 (rules 1, 6 and 8); Linux, net/ipv6/addrconf.c (ipv6_dev_get_saddr) and addrlabel.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address

_LABELS = (("::1", 128, 0), ("::ffff:0:0", 96, 4), ("::", 96, 3), ("2001::", 32, 6), ("2001:10::", 28, 7), ("2002::", 16, 2),
           ("fec0::", 10, 11), ("fc00::", 7, 5), ("::", 0, 1))
"""Linux's table (`ip addrlabel`), the longer prefixes first."""
_BITS = 128


def best_source(dst: str, addresses: Iterable[str]) -> str:
    """The best of these addresses (with prefix lengths) for packets to ``dst``, the first of equals; empty if there is none.

    >>> best_source("fd00:10:244::9", ["fd00:192:168:1::2/64", "fd00:10:244::1/128"])
    'fd00:10:244::1'
    >>> best_source("fd00:192:168:1::2", ["fd00:192:168:1::f0/128", "fd00:192:168:1::2/64"])
    'fd00:192:168:1::2'
    >>> best_source("2001:db8::9", ["fd00:10:244::1/128", "2003::5/64"])
    '2003::5'
    """
    best, highest = "", (-1, -1, -1)
    for interface in addresses:
        address, _, prefix = interface.partition("/")
        score = (int(address == dst), int(_label(address) == _label(dst)), min(_in_common(address, dst), int(prefix)))
        if score > highest:
            best, highest = address, score
    return best


@lru_cache(4096)
def _number(address: str) -> int:
    return int(IPv6Address(address))


def _label(address: str) -> int:
    return next(label for prefix, length, label in _LABELS if _in_common(address, prefix) >= length)


def _in_common(one: str, other: str) -> int:
    """How many leading bits two addresses share."""
    return _BITS - (_number(one) ^ _number(other)).bit_length()
