"""A packet as nested headers, the outermost first, each with its bytes.

What is shown of a packet in a tunnel is read from the packet alone.  The bytes of the headers add up to
``Packet.size``: what an MTU limits.

Sources: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP), RFC 792 (ICMP), RFC 7348 (VXLAN), RFC 8926 (Geneve),
RFC 2003 (IPIP).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from k8snet_course.linux.packet import ETHERNET_HEADER, IPV4_HEADER, IPV6_HEADER, VXLAN_HEADER, Frame, Packet
from k8snet_course.linux.trace import Action, Hop

_PORTS_HEADER = 8
"""UDP's header, and ICMP's."""
_TCP_HEADER = 20


@dataclass(frozen=True, slots=True)
class Header:
    """One header (or the data behind the last): its name, what is written in it, its bytes, and how deep it is wrapped.

    >>> print(Header("UDP", "49512 → 8472", 8))
    UDP 49512 → 8472 (8 bytes)
    """

    name: str
    text: str
    size: int
    depth: int = 0

    def __str__(self) -> str:
        return f"{' '.join(part for part in (self.name, self.text) if part)} ({self.size} bytes)"


def stack(packet: Packet) -> tuple[Header, ...]:
    """The headers of a packet and of what it carries, outermost first.

    >>> from k8snet_course.linux.link import Tunnel
    >>> from k8snet_course.linux.tunnel import encapsulated
    >>> inner = Packet("10.244.0.2", "10.244.1.2", "TCP", 40000, 80, kind="SYN", ttl=63)
    >>> frame = Frame("5e:00:00:00:00:01", "5e:00:00:00:00:02", inner)
    >>> for header in stack(encapsulated(frame, Tunnel("VXLAN", "192.168.1.2", 1, 8472), "192.168.1.3")):
    ...     print(header)
    IP 192.168.1.2 → 192.168.1.3, TTL 64 (20 bytes)
    UDP 33912 → 8472 (8 bytes)
    VXLAN VNI 1 (8 bytes)
    Ethernet 5e:00:00:00:00:01 → 5e:00:00:00:00:02 (14 bytes)
    IP 10.244.0.2 → 10.244.1.2, TTL 63 (20 bytes)
    TCP SYN 40000 → 80 (20 bytes)
    """
    return tuple(_headers(packet, 0))


def line(packet: Packet) -> str:
    """The same in one line, and the sum.

    >>> print(line(Packet("10.244.0.2", "10.244.1.2", "ICMP", kind="echo request", payload=56)))
    IP 10.244.0.2 → 10.244.1.2, TTL 64 | ICMP echo request | data | 84 bytes
    >>> print(line(Packet("fd00::2", "fd00::3", "ICMPv6", kind="echo request", payload=56)))
    IPv6 fd00::2 → fd00::3, hop limit 64 | ICMPv6 echo request | data | 104 bytes
    """
    parts = [" ".join(part for part in (header.name, header.text) if part) for header in stack(packet)]
    return " | ".join([*parts, f"{packet.size} bytes"])


def leaves_by(hop: Hop, number: int) -> str:
    """The interface by which the packet, as it is after the hop's step ``number`` (from 0), leaves next; empty if by none.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> first, *_, last = cluster.send("frontend", "backend").hops
    >>> leaves_by(first, 0), leaves_by(last, 0)
    ('eth0', '')
    """
    decides = (Action.ROUTE, Action.RESOLVE)
    if hop.steps[number].action in decides:
        return hop.steps[number].link
    for step in hop.steps[number + 1 :]:
        if step.action in (*decides, Action.ENCAPSULATE):
            return step.link
    ended = any(step.action in (Action.DELIVER, Action.DROP) for step in hop.steps[number:])
    return "" if ended else hop.egress


def _headers(packet: Packet, depth: int) -> Iterator[Header]:
    source = packet.src or "(not chosen yet)"
    name, size = ("IPv6", IPV6_HEADER) if packet.version == 6 else ("IP", IPV4_HEADER)
    yield Header(name, f"{source} → {packet.dst}, {packet.ttl_name} {packet.ttl}", size, depth)
    inner = packet.inner
    ports = f"{packet.src_port} → {packet.dst_port}" if packet.src_port or packet.dst_port else ""
    if packet.protocol != "IPIP":
        flag = "" if inner is not None else packet.kind
        size = _TCP_HEADER if packet.protocol == "TCP" else _PORTS_HEADER
        yield Header(packet.protocol, " ".join(part for part in (flag, ports) if part), size, depth)
    if isinstance(inner, Frame):
        kind, _, vni = packet.kind.partition(" ")
        yield Header(kind, f"VNI {vni}", VXLAN_HEADER, depth)
        yield Header("Ethernet", f"{inner.src_mac} → {inner.dst_mac}", ETHERNET_HEADER, depth + 1)
        yield from _headers(inner.packet, depth + 1)
    elif inner is not None:
        yield from _headers(inner, depth + 1)
    elif packet.payload:
        yield Header("quoted" if packet.about is not None else "data", str(packet.about or ""), packet.payload, depth)
