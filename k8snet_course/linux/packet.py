"""A packet, as the headers that forwarding reads.

A packet is a tuple with names, because a walk makes many.  This module knows headers and their sizes; it does not know where a
packet is or what becomes of it: that is :mod:`k8snet_course.linux.forward`.

IPv6 differs in its header (40 bytes instead of 20), in what its fields are called (hop limit instead of TTL), in ICMP's words,
and in that no router cuts a packet into fragments: only its sender may.

Sources: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP), RFC 792 (ICMP), RFC 4443 (ICMPv6), RFC 7348 (VXLAN).
"""

from __future__ import annotations

from typing import NamedTuple

BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
DEFAULT_TTL = 64
"""The TTL that Linux gives to the packets it originates (net.ipv4.ip_default_ttl)."""

IPV4_HEADER, IPV6_HEADER = 20, 40
IPV6_LEAST_MTU = 1280
"""An interface that takes less has no IPv6 (RFC 8200, section 5)."""
VXLAN_HEADER, ETHERNET_HEADER = 8, 14
_HEADERS = {"TCP": IPV4_HEADER + 20, "UDP": IPV4_HEADER + 8, "ICMP": IPV4_HEADER + 8, "ICMPv6": IPV4_HEADER + 8,
            "IPIP": IPV4_HEADER}
"""Bytes of an IPv4 header and the one behind it."""
_LONGER = IPV6_HEADER - IPV4_HEADER
_ICMPV6 = {"net unreachable": "no route to destination", "host unreachable": "address unreachable"}
"""ICMP's words for what went wrong, where ICMPv6 has others."""


class Packet(NamedTuple):
    """An IP packet: addresses, protocol, ports, TTL, and how many bytes it carries.

    ``src`` and ``dst`` are addresses in their canonical text form.  ``protocol`` is TCP, UDP or ICMP (in IPv6 ICMPv6); an ICMP
    packet has no ports (0) and a ``kind`` such as ``echo request``; a TCP packet has its flag there (``SYN``, ``SYN-ACK``,
    ``RST``).  ``payload`` is the number of bytes behind the headers; ``dont_fragment`` (DF) forbids routers to cut the packet,
    as Linux sets it for TCP and for `ping -M do`.  In a tunnel's packet, ``inner`` is what it carries: a frame (VXLAN) or a
    packet (IPIP).  An ICMP error is ``about`` another packet, and quotes it.  Specification: RFC 791.

        >>> print(Packet("10.244.0.2", "10.244.0.3", "TCP", 40000, 80, kind="SYN"))
        TCP SYN 10.244.0.2:40000 -> 10.244.0.3:80, TTL 64
        >>> print(Packet("10.244.0.2", "10.244.0.3", "ICMP", kind="echo request"))
        ICMP echo request 10.244.0.2 -> 10.244.0.3, TTL 64
        >>> print(Packet("fd00:10:244::2", "fd00:10:244::3", "TCP", 40000, 80, kind="SYN"))
        TCP SYN [fd00:10:244::2]:40000 -> [fd00:10:244::3]:80, hop limit 64
    """

    src: str
    dst: str
    protocol: str = "TCP"
    src_port: int = 0
    dst_port: int = 0
    ttl: int = DEFAULT_TTL
    payload: int = 0
    kind: str = ""
    dont_fragment: bool = True
    inner: Frame | Packet | None = None
    about: Packet | None = None

    @property
    def carried(self) -> Packet | None:
        """The packet inside this one, if a tunnel put it there."""
        return self.inner.packet if isinstance(self.inner, Frame) else self.inner

    @property
    def version(self) -> int:
        """The IP version, 4 or 6."""
        return 6 if ":" in self.dst else 4

    @property
    def ttl_name(self) -> str:
        """What the field that counts routers is called."""
        return "hop limit" if ":" in self.dst else "TTL"

    @property
    def is_icmp(self) -> bool:
        """Whether this is ICMP, of either IP version."""
        return self.protocol == "ICMP" or self.protocol == "ICMPv6"

    @property
    def is_icmp_error(self) -> bool:
        """Whether this is an ICMP packet that reports what became of another packet."""
        return (self.protocol == "ICMP" or self.protocol == "ICMPv6") and self.kind not in ("echo request", "echo reply")

    @property
    def size(self) -> int:
        """Bytes from the first byte of the IP header to the end (what an MTU limits).

        >>> Packet("10.0.0.1", "10.0.0.2", "ICMP", payload=56).size
        84
        >>> Packet("fd00::1", "fd00::2", "ICMPv6", payload=56).size
        104
        """
        return _HEADERS[self.protocol] + self.payload + (_LONGER if ":" in self.dst else 0)

    def aged(self) -> Packet:
        """The same packet with one less TTL, as each router sends it on.

        >>> Packet("10.0.0.1", "10.0.0.2").aged().ttl
        63
        """
        return Packet(*self[:5], self.ttl - 1, *self[6:])  # every router does this, and _replace takes twice as long

    def with_source(self, src: str) -> Packet:
        """The same packet from another source address."""
        return Packet(src, *self[1:])

    def sent_to(self, dst: str, port: int = 0) -> Packet:
        """The same packet to another address, and to this port (0: to the port that it is for).

        >>> print(Packet("10.244.0.2", "10.96.0.20", "TCP", 40000, 80).sent_to("10.244.1.2", 8080))
        TCP 10.244.0.2:40000 -> 10.244.1.2:8080, TTL 64
        """
        return Packet(self.src, dst, self.protocol, self.src_port, port or self.dst_port, *self[5:])

    def answered(self, kind: str) -> Packet:
        """The answer to this packet: addresses and ports change places, and the TTL starts afresh.

        >>> print(Packet("10.244.0.2", "10.244.0.3", "TCP", 40000, 80, ttl=62).answered("SYN-ACK"))
        TCP SYN-ACK 10.244.0.3:80 -> 10.244.0.2:40000, TTL 64
        """
        return Packet(self.dst, self.src, self.protocol, self.dst_port, self.src_port, kind=kind)

    def echoed(self) -> Packet:
        """The echo reply to this echo request: it brings back the very bytes (RFC 792), and routers may cut it.

        >>> Packet("10.244.0.2", "10.244.0.3", "ICMP", kind="echo request", payload=1000).echoed().size
        1028
        """
        return Packet(self.dst, self.src, self.protocol, payload=self.payload, kind="echo reply", dont_fragment=False)

    def icmp_error(self, kind: str, src: str = "") -> Packet:
        """The ICMP packet that tells this packet's sender what went wrong; ``src`` empty: whoever sends it fills it in.

        >>> print(Packet("10.244.0.2", "8.8.8.8").icmp_error("net unreachable", "10.244.0.1"))
        ICMP net unreachable 10.244.0.1 -> 10.244.0.2, TTL 64
        >>> Packet("fd00::2", "fd01::2", payload=1400).icmp_error("fragmentation needed, mtu 1280").kind
        'packet too big, mtu 1280'
        """
        if ":" in self.dst:  # RFC 4443 quotes as much of the packet as fits into the least MTU
            said = _ICMPV6.get(kind, kind).replace("fragmentation needed", "packet too big")
            quoted = min(self.size, IPV6_LEAST_MTU - IPV6_HEADER - 8)
            return Packet(src, self.src, "ICMPv6", kind=said, payload=quoted, about=self)
        return Packet(src, self.src, "ICMP", kind=kind, payload=28, about=self)

    def __str__(self) -> str:
        what = f"{self.protocol} {self.kind}".rstrip()
        load = f" [{self.inner}]" if self.inner is not None else ""
        end = f"{self.ttl_name} {self.ttl}{load}"
        if self.src_port or self.dst_port:
            return f"{what} {with_port(self.src, self.src_port)} -> {with_port(self.dst, self.dst_port)}, {end}"
        return f"{what} {self.src} -> {self.dst}, {end}"


class Frame(NamedTuple):
    """An Ethernet frame: what a bridge reads (the MAC addresses) around the packet, which it does not read.

    >>> print(Frame("0a:58:0a:f4:00:02", "0a:58:0a:f4:00:03", Packet("10.244.0.2", "10.244.0.3", "ICMP")))
    0a:58:0a:f4:00:02 -> 0a:58:0a:f4:00:03 [ICMP 10.244.0.2 -> 10.244.0.3, TTL 64]
    """

    src_mac: str
    dst_mac: str
    packet: Packet

    def __str__(self) -> str:
        return f"{self.src_mac} -> {self.dst_mac} [{self.packet}]"


def with_port(address: str, port: int) -> str:
    """An address and a port in one text; an IPv6 address needs brackets (RFC 3986, section 3.2.2).

    >>> with_port("10.244.0.2", 80), with_port("fd00::2", 80)
    ('10.244.0.2:80', '[fd00::2]:80')
    """
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
