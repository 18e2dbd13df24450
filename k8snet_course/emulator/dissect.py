"""The bytes of a real frame, as the values that the model has for it: so both are read, printed and compared in one way.

Only what the model knows is read: Ethernet, IPv4, IPv6, TCP, UDP, ICMP, ICMPv6 without the questions for neighbours, VXLAN with
a frame inside, and IPIP with a packet inside.  A TCP header's options count as data here, because the model's TCP has none.

Source: RFC 791, RFC 8200, RFC 768, RFC 792, RFC 4443, RFC 4861, RFC 1191 (the MTU in an ICMP error), RFC 9293, RFC 7348,
RFC 2003 (IPIP).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection

from k8snet_course.linux.packet import ETHERNET_HEADER, IPV4_HEADER, IPV6_HEADER, VXLAN_HEADER, Frame, Packet

_IP = (b"\x08\x00", b"\x86\xdd")
_UDP_HEADER, _TCP_HEADER = 8, 20
_IPIP, _ICMPV6 = 4, 58
_SAID = {(0, 0): "echo reply", (3, 0): "net unreachable", (3, 1): "host unreachable", (3, 3): "port unreachable",
         (8, 0): "echo request", (11, 0): "time exceeded"}
"""ICMP's types and codes, in the words of the model."""
_SAID6 = {(128, 0): "echo request", (129, 0): "echo reply", (1, 0): "no route to destination", (1, 3): "address unreachable",
          (1, 4): "port unreachable", (3, 0): "time exceeded"}
_TOO_BIG, _TOO_BIG6 = (3, 4), (2, 0)
_OF_NEIGHBOURS = range(133, 138)
"""ICMPv6's types by which neighbours and routers find each other, as ARP does for IPv4."""
_FLAGS = {0x02: "SYN", 0x12: "SYN-ACK", 0x04: "RST", 0x14: "RST", 0x10: "ACK", 0x11: "FIN", 0x18: "PSH"}


def frame_of(data: bytes, tunnels: Collection[int] = ()) -> Frame | None:
    """The frame of these bytes; None if what it carries is no IP packet.  ``tunnels`` are the UDP ports of VXLAN.

    >>> ping = bytes.fromhex("62de2f8bfc2f1a83bdfe608c0800" "4500001c000040004001aa8d" "c0a80102c0a80103" "0800f7ff00000000")
    >>> print(frame_of(ping))
    1a:83:bd:fe:60:8c -> 62:de:2f:8b:fc:2f [ICMP echo request 192.168.1.2 -> 192.168.1.3, TTL 64]
    """
    if len(data) < ETHERNET_HEADER + IPV4_HEADER or data[12:14] not in _IP:
        return None
    packet = packet_of(data[ETHERNET_HEADER:], tunnels)
    return None if packet is None else Frame(data[6:12].hex(":"), data[:6].hex(":"), packet)


def packet_of(data: bytes, tunnels: Collection[int] = ()) -> Packet | None:
    """The packet of these bytes; None if it is no whole IP packet, or of a protocol that the model does not have."""
    found = _header(data)
    if found is None:
        return None
    plain, protocol, load = found
    if protocol == _IPIP:
        inside = packet_of(load)
        return None if inside is None else plain._replace(protocol="IPIP", payload=plain.payload + _UDP_HEADER, inner=inside)
    if len(load) < _UDP_HEADER:  # cut off
        return None
    source, target = struct.unpack("!HH", load[:4])
    if protocol == socket.IPPROTO_ICMP and plain.version == 4:
        said = f"fragmentation needed, mtu {int.from_bytes(load[6:8], 'big')}" if (load[0], load[1]) == _TOO_BIG else ""
        return plain._replace(protocol="ICMP", kind=said or _words(load, _SAID))
    if protocol == _ICMPV6 and plain.version == 6:
        said = f"packet too big, mtu {int.from_bytes(load[4:8], 'big')}" if (load[0], load[1]) == _TOO_BIG6 else ""
        return None if load[0] in _OF_NEIGHBOURS else plain._replace(protocol="ICMPv6", kind=said or _words(load, _SAID6))
    if protocol == socket.IPPROTO_TCP and len(load) >= _TCP_HEADER:
        return plain._replace(protocol="TCP", src_port=source, dst_port=target,
                              payload=plain.payload + _UDP_HEADER - _TCP_HEADER, kind=_FLAGS.get(load[13] & 0x1F, ""))
    if protocol != socket.IPPROTO_UDP:
        return None
    inner = frame_of(load[_UDP_HEADER + VXLAN_HEADER:], tunnels) if target in tunnels else None
    vni = int.from_bytes(load[_UDP_HEADER + 4:_UDP_HEADER + 7], "big")
    return plain._replace(protocol="UDP", src_port=source, dst_port=target, inner=inner,
                          kind=f"VXLAN {vni}" if inner is not None else "")


def _header(data: bytes) -> tuple[Packet, int, bytes] | None:
    """What an IP header says, as a packet that carries all but eight bytes of its load; its protocol's number; the load.

    None if it is no IP header, or a piece of a packet.
    """
    if len(data) >= IPV4_HEADER and data[0] >> 4 == 4:
        header, whole, fragment = (data[0] & 15) * 4, int.from_bytes(data[2:4], "big"), int.from_bytes(data[6:8], "big")
        plain = Packet(socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]), ttl=data[8],
                       payload=whole - IPV4_HEADER - _UDP_HEADER, dont_fragment=bool(fragment & 0x4000))
        return None if fragment & 0x3FFF else (plain, data[9], data[header:whole])
    if len(data) >= IPV6_HEADER and data[0] >> 4 == 6:
        size = int.from_bytes(data[4:6], "big")
        src, dst = (socket.inet_ntop(socket.AF_INET6, each) for each in (data[8:24], data[24:40]))
        return Packet(src, dst, ttl=data[7], payload=size - _UDP_HEADER), data[6], data[IPV6_HEADER:IPV6_HEADER + size]
    return None


def _words(load: bytes, said: dict[tuple[int, int], str]) -> str:
    return said.get((load[0], load[1]), f"type {load[0]} code {load[1]}")
