"""Connection tracking: what a device remembers of the addresses it rewrote, so that answers find home.

The first packet of a connection goes through the NAT rules.  What they made of it is remembered, and every later packet of
the connection, in both directions, is rewritten from memory: the rules are not read again.  The answer to a rewritten packet
is rewritten the other way round, and so is an ICMP error about it.

In this model the memory lasts for one exchange, a packet and its answer.

Source: Linux, nf_conntrack and nf_nat; RFC 5508 (ICMP errors through NAT).
"""

from __future__ import annotations

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Change

Flow = tuple[str, str, str, int, int]
"""What a connection is known by: source, destination, protocol, source port, destination port; a packet's first five fields.

An ICMP echo has port 0 at both ends.
"""


def flow_of(packet: Packet) -> Flow:
    """The flow that a packet belongs to.

    >>> flow_of(Packet("10.244.0.2", "8.8.8.8", "UDP", 40000, 53))
    ('10.244.0.2', '8.8.8.8', 'UDP', 40000, 53)
    """
    return packet[:5]


def answers_to(packet: Packet) -> Flow:
    """The flow of the answers to a packet.

    >>> answers_to(Packet("10.244.0.2", "8.8.8.8", "UDP", 40000, 53))
    ('8.8.8.8', '10.244.0.2', 'UDP', 53, 40000)
    """
    src, dst, protocol, src_port, dst_port = packet[:5]
    return dst, src, protocol, dst_port, src_port


class Conntrack:
    """One device's memory of its rewritten connections.

        >>> memory = Conntrack()
        >>> sent = Packet("10.244.0.2", "8.8.8.8", "UDP", 40000, 53)
        >>> memory.note(sent, sent._replace(src="192.168.1.2"))
        >>> print(memory.restore(Packet("8.8.8.8", "192.168.1.2", "UDP", 53, 40000)))
        UDP 8.8.8.8:53 -> 10.244.0.2:40000, TTL 64
    """

    __slots__ = ("back",)

    def __init__(self) -> None:
        self.back: dict[Flow, Flow] = {}
        """What the answers to rewritten connections are rewritten to; empty: nothing has been rewritten."""

    def note(self, original: Packet, rewritten: Packet) -> None:
        """Remember what the rules made of a connection's first packet, or made of it further on its way."""
        home = answers_to(original)
        self.back[answers_to(rewritten)] = self.back.get(home, home)

    def restore(self, packet: Packet) -> Packet | None:
        """The packet rewritten back, if it answers a rewritten connection or reports an error about one; else None."""
        home = self.back.get(packet[:5])
        if home is not None:
            return _with(packet, home)
        about = packet.about
        if about is not None:
            home = self.back.get(answers_to(about))
            if home is not None:
                src, dst, protocol, src_port, dst_port = home
                # Who is told of a rewritten destination is told by the address that was asked.
                told_by = packet.src if src == about.dst else src
                return packet._replace(src=told_by, dst=dst, about=_with(about, (dst, src, protocol, dst_port, src_port)))
        return None


def _with(packet: Packet, flow: Flow) -> Packet:
    """The packet with this flow's addresses and ports."""
    src, dst, protocol, src_port, dst_port = flow
    return Packet(src, dst, protocol, src_port, dst_port, *packet[5:])


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
