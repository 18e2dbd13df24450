"""The packet that ``cluster.send`` makes of what a learner types: an address, a port or none, a protocol and a size.

It knows packets and nothing of clusters.
"""

from __future__ import annotations

from ipaddress import ip_address

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.packet import DEFAULT_TTL, Packet

EPHEMERAL_PORT = 40000
"""The source port of a probe; Linux picks one of 32768 to 60999 at random."""
MOST_BYTES = 65507
"""What an IPv4 packet can carry behind the headers of UDP or ICMP (RFC 791: 65,535 bytes in all); IPv6 could carry 20 more."""
_PING_BYTES = 56
"""What `ping` sends if it is not told otherwise."""


def probe(address: str, port: int | None, protocol: str, size: int, ttl: int = DEFAULT_TTL) -> Packet:
    """A ping if there is no port, else the first packet to that port; the sending device fills in the source address.

    Raises InvalidArgument.

        >>> print(probe("10.244.0.3", 80, "TCP", 0).kind, probe("10.244.0.3", None, "TCP", 0).kind)
        SYN echo request
        >>> probe("fd00:10:244::3", None, "TCP", 0).protocol
        'ICMPv6'
    """
    if not _is_number(size) or not 0 <= size <= MOST_BYTES:
        raise InvalidArgument(size, f"a number of bytes from 0 to {MOST_BYTES}", "write size=0")
    if not _is_number(ttl) or not 1 <= ttl <= 255:
        raise InvalidArgument(ttl, "a TTL from 1 to 255", "write ttl=64")
    if port is None or protocol == "ICMP":
        return Packet("", address, "ICMPv6" if ":" in address else "ICMP", ttl=ttl, kind="echo request",
                      payload=size or _PING_BYTES)
    if protocol not in ("TCP", "UDP"):
        raise InvalidArgument(protocol, "the protocol TCP, UDP or ICMP", "write protocol='TCP'")
    if not _is_number(port) or not 1 <= port <= 65535:
        raise InvalidArgument(port, "a port from 1 to 65535, or None for a ping", "write port=80")
    return Packet("", address, protocol, EPHEMERAL_PORT, port, ttl, payload=size, kind="SYN" if protocol == "TCP" else "",
                  dont_fragment=protocol == "TCP")


def is_address(text: object) -> bool:
    """Whether a text is an IP address rather than a name.

    >>> is_address("10.244.0.3"), is_address("backend")
    (True, False)
    """
    if not isinstance(text, str) or not (":" in text or text.replace(".", "").isdigit()):  # so most words are known at once
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
