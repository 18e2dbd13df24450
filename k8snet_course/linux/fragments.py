"""The pieces in which a packet travels that was larger than an interface takes.

In IPv4 the sender or a router cuts it, unless that is forbidden (DF); in IPv6 only the sender does.  What a tunnel carries may
be in pieces already, each of which has become a packet of the tunnel; and a tunnel's packet over IPv4 may be cut itself, until
the tunnel's end puts it together.

A walk follows one packet, whole or not: this module remembers how large its pieces are.

Source: RFC 791, section 3.2; RFC 8200, section 4.5; RFC 7348, section 4.3.
"""

from __future__ import annotations

from k8snet_course.linux.link import Link
from k8snet_course.linux.packet import IPV4_HEADER, IPV6_HEADER, Packet

_FRAGMENT_HEADER = 8


class Fragments:
    """How one packet has been cut on its way.

        >>> whole, fragments = Packet("10.244.0.2", "10.244.1.2", "UDP", payload=3000, dont_fragment=False), Fragments()
        >>> fragments.fit(Link("eth0", "veth", 2, "", 1450), whole), fragments.made(whole, 1450, own=True)
        (False, True)
        >>> fragments.fit(Link("eth0", "veth", 2, "", 1450), whole), fragments.largest(whole)
        (True, 1444)
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self) -> None:
        self._inner = 0
        self._outer = 0

    def fit(self, link: Link, packet: Packet, spare: int = 0) -> bool:
        """Whether an interface takes the packet or its pieces, with so many ``spare`` bytes more than its MTU."""
        return packet.size <= link.mtu + spare or self.largest(packet) <= link.mtu + spare

    def largest(self, packet: Packet) -> int:
        """The size of the largest piece, in bytes; of the whole, if nobody has cut it."""
        wrapping = _wrapping(packet)
        whole = packet.size - wrapping
        size = wrapping + min(self._inner or whole, whole)
        return min(self._outer or size, size) if packet.inner is not None else size

    def made(self, packet: Packet, mtu: int, own: bool) -> bool:
        """Whether a packet that is larger than this MTU can go on in pieces; then it does.  ``own``: it begins here."""
        if self.largest(packet) <= mtu:
            return True
        if packet.dont_fragment or (packet.version == 6 and not (own and packet.inner is None)):
            return False
        if packet.inner is None:
            self._inner = fragment_size(mtu, packet.version)
        else:
            self._outer = fragment_size(mtu, packet.version)
        return True

    def too_large_to_cut_again(self, packet: Packet, mtu: int, most: int) -> bool:
        """Whether a packet that a bridge had to put together, for rules to see it, cannot leave by a port with this MTU.

        Where it has to be cut again, Linux gives up if its pieces were larger than the bridge itself takes (``most``).
        Source: Linux, net/bridge/br_netfilter_hooks.c, br_nf_ip_fragment.
        """
        return packet.size > mtu and self.largest(packet) < packet.size and self.largest(packet) > most

    def forgotten(self) -> None:
        """A bridge has put the pieces together for rules to see the packet, and hands it up as if it had come whole.

        So it may leave in larger pieces.  Source: Linux, net/bridge/br_netfilter_hooks.c and ip_input.c (IPCB is cleared).
        """
        self._inner = 0

    def joined(self) -> None:
        """A tunnel's end has put the tunnel's packet together."""
        self._outer = 0


def fragment_size(mtu: int, version: int) -> int:
    """The size of all fragments but the last one, where an interface takes so many bytes: what they carry is a multiple of 8.

    A fragment of IPv6 has 8 bytes of header more (RFC 791, section 3.2; RFC 8200, section 4.5).

    >>> fragment_size(1500, 4), fragment_size(1450, 4), fragment_size(1500, 6)
    (1500, 1444, 1496)
    """
    headers = IPV4_HEADER if version == 4 else IPV6_HEADER + _FRAGMENT_HEADER
    return headers + (mtu - headers) // 8 * 8


def _wrapping(packet: Packet) -> int:
    """The bytes that tunnels have put around a packet."""
    inmost = packet
    while (inside := inmost.carried) is not None:
        inmost = inside
    return packet.size - inmost.size
