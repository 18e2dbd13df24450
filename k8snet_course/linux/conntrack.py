"""Connection tracking: what a device remembers of the addresses it rewrote, so that answers find home.

The first packet of a connection goes through the NAT rules.  What they made of it is remembered, and every later packet of
the connection, in both directions, is rewritten from memory: the rules are not read again.  The answer to a rewritten packet
is rewritten the other way round, and so is an ICMP error about it.

In this model the memory lasts for one exchange, a packet and its answer.

Source: Linux, nf_conntrack and nf_nat; RFC 5508 (ICMP errors through NAT).
"""

from __future__ import annotations

from typing import NamedTuple

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Change


class Flow(NamedTuple):
    """What a connection is known by: protocol, source, destination (an ICMP echo has port 0 at both ends)."""

    protocol: str
    src: str
    src_port: int
    dst: str
    dst_port: int

    @classmethod
    def of(cls, packet: Packet) -> Flow:
        """The flow that a packet belongs to."""
        return cls(packet.protocol, packet.src, packet.src_port, packet.dst, packet.dst_port)

    @property
    def reversed(self) -> Flow:
        """The flow of the answers."""
        return Flow(self.protocol, self.dst, self.dst_port, self.src, self.src_port)

    def applied_to(self, packet: Packet) -> Packet:
        """The packet with this flow's addresses and ports."""
        return Packet(self.src, self.dst, packet.protocol, self.src_port, self.dst_port, *packet[5:])


class Conntrack:
    """One device's memory of its rewritten connections.

        >>> memory = Conntrack()
        >>> sent = Packet("10.244.0.2", "8.8.8.8", "UDP", 40000, 53)
        >>> memory.note(sent, sent._replace(src="192.168.1.2"))
        >>> print(memory.restore(Packet("8.8.8.8", "192.168.1.2", "UDP", 53, 40000)))
        UDP 8.8.8.8:53 -> 10.244.0.2:40000, TTL 64
    """

    __slots__ = ("_back",)

    def __init__(self) -> None:
        self._back: dict[Flow, Flow] = {}

    @property
    def used(self) -> bool:
        """Whether anything has been rewritten."""
        return bool(self._back)

    def note(self, original: Packet, rewritten: Packet) -> None:
        """Remember what the rules made of a connection's first packet, or made of it further on its way."""
        answers_to = Flow.of(original).reversed
        self._back[Flow.of(rewritten).reversed] = self._back.get(answers_to, answers_to)

    def restore(self, packet: Packet) -> Packet | None:
        """The packet rewritten back, if it answers a rewritten connection or reports an error about one; else None."""
        home = self._back.get(Flow.of(packet))
        if home is not None:
            return home.applied_to(packet)
        if packet.about is not None:
            home = self._back.get(Flow.of(packet.about).reversed)
            if home is not None:
                # Who is told of a rewritten destination is told by the address that was asked.
                src = packet.src if home.src == packet.about.dst else home.src
                return packet._replace(src=src, dst=home.dst, about=home.reversed.applied_to(packet.about))
        return None


def changes(before: Packet, after: Packet) -> tuple[Change, ...]:
    """What a translation rewrote.

    >>> [str(change) for change in changes(Packet("10.244.0.2", "8.8.8.8"), Packet("192.168.1.2", "8.8.8.8"))]
    ['source: 10.244.0.2 -> 192.168.1.2']
    """
    found = []
    for name, old, new in (("source", before.src, after.src), ("source port", before.src_port, after.src_port),
                           ("destination", before.dst, after.dst), ("destination port", before.dst_port, after.dst_port)):
        if old != new:
            found.append(Change(name, str(old), str(new)))
    return tuple(found)
