"""A packet, as the headers that forwarding reads.

A packet is a tuple with names, because a walk makes many.  This module knows headers and their sizes; it does not know where a packet is or what becomes of it: that is
:mod:`k8snet_course.linux.forward`.

Sources: RFC 791 (IPv4), RFC 9293 (TCP), RFC 768 (UDP), RFC 792 (ICMP), RFC 7348 (VXLAN).
"""

from __future__ import annotations

from typing import NamedTuple

BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
DEFAULT_TTL = 64
"""The TTL that Linux gives to the packets it originates (net.ipv4.ip_default_ttl)."""

IPV4_HEADER = 20
VXLAN_HEADER, ETHERNET_HEADER = 8, 14
_HEADERS = {"TCP": IPV4_HEADER + 20, "UDP": IPV4_HEADER + 8, "ICMP": IPV4_HEADER + 8, "IPIP": IPV4_HEADER}
"""Bytes of the IP header and the one behind it."""


class Packet(NamedTuple):
    """An IP packet: addresses, protocol, ports, TTL, and how many bytes it carries.

    ``src`` and ``dst`` are addresses in their canonical text form.  ``protocol`` is TCP, UDP or ICMP; an ICMP packet has no
    ports (0) and a ``kind`` such as ``echo request``; a TCP packet has its flag there (``SYN``, ``SYN-ACK``, ``RST``).
    ``payload`` is the number of bytes behind the headers; ``dont_fragment`` (DF) forbids routers to cut the packet, as
    Linux sets it for TCP and for `ping -M do`.  In a tunnel's packet, ``inner`` is what it carries: a frame (VXLAN) or a
    packet (IPIP).  An ICMP error is ``about`` another packet, and quotes it.  Specification: RFC 791.

        >>> print(Packet("10.244.0.2", "10.244.0.3", "TCP", 40000, 80, kind="SYN"))
        TCP SYN 10.244.0.2:40000 -> 10.244.0.3:80, TTL 64
        >>> print(Packet("10.244.0.2", "10.244.0.3", "ICMP", kind="echo request"))
        ICMP echo request 10.244.0.2 -> 10.244.0.3, TTL 64
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
    def is_icmp_error(self) -> bool:
        """Whether this is an ICMP packet that reports what became of another packet."""
        return self.protocol == "ICMP" and self.kind not in ("echo request", "echo reply")

    @property
    def size(self) -> int:
        """Bytes from the first byte of the IP header to the end (what an MTU limits).

        >>> Packet("10.0.0.1", "10.0.0.2", "ICMP", payload=56).size
        84
        """
        return _HEADERS[self.protocol] + self.payload

    def aged(self) -> Packet:
        """The same packet with one less TTL, as each router sends it on.

        >>> Packet("10.0.0.1", "10.0.0.2").aged().ttl
        63
        """
        return self._replace(ttl=self.ttl - 1)

    def with_source(self, src: str) -> Packet:
        """The same packet from another source address."""
        return self._replace(src=src)

    def answered(self, kind: str) -> Packet:
        """The answer to this packet: addresses and ports change places, and the TTL starts afresh.

        >>> print(Packet("10.244.0.2", "10.244.0.3", "TCP", 40000, 80, ttl=62).answered("SYN-ACK"))
        TCP SYN-ACK 10.244.0.3:80 -> 10.244.0.2:40000, TTL 64
        """
        return Packet(self.dst, self.src, self.protocol, self.dst_port, self.src_port, kind=kind)

    def echoed(self) -> Packet:
        """The echo reply to this echo request: it brings back the very bytes (RFC 792).

        >>> Packet("10.244.0.2", "10.244.0.3", "ICMP", kind="echo request", payload=1000).echoed().size
        1028
        """
        return Packet(self.dst, self.src, self.protocol, payload=self.payload, kind="echo reply")

    def icmp_error(self, kind: str, src: str = "") -> Packet:
        """The ICMP packet that tells this packet's sender what went wrong; ``src`` empty: whoever sends it fills it in.

        >>> print(Packet("10.244.0.2", "8.8.8.8").icmp_error("net unreachable", "10.244.0.1"))
        ICMP net unreachable 10.244.0.1 -> 10.244.0.2, TTL 64
        """
        return Packet(src, self.src, "ICMP", kind=kind, payload=28, about=self)

    def __str__(self) -> str:
        what = f"{self.protocol} {self.kind}".rstrip()
        load = f" [{self.inner}]" if self.inner is not None else ""
        if self.src_port or self.dst_port:
            return f"{what} {self.src}:{self.src_port} -> {self.dst}:{self.dst_port}, TTL {self.ttl}{load}"
        return f"{what} {self.src} -> {self.dst}, TTL {self.ttl}{load}"


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
