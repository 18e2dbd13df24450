"""The bytes of a real frame, as the values that the model has for it: so both are read, printed and compared in one way.

Only what the model knows is read: Ethernet, IPv4, TCP, UDP, ICMP, and VXLAN with a frame inside.  A TCP header's options count
as data here, because the model's TCP has none.

Source: RFC 791, RFC 768, RFC 792, RFC 1191 (the MTU in an ICMP error), RFC 9293, RFC 7348.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection

from k8snet_course.linux.packet import ETHERNET_HEADER, IPV4_HEADER, VXLAN_HEADER, Frame, Packet

_IPV4 = b"\x08\x00"
_UDP_HEADER = 8
_SAID = {(0, 0): "echo reply", (3, 0): "net unreachable", (3, 1): "host unreachable", (3, 3): "port unreachable",
         (8, 0): "echo request", (11, 0): "time exceeded"}
"""ICMP's types and codes, in the words of the model."""
_TOO_BIG = (3, 4)
_FLAGS = {0x02: "SYN", 0x12: "SYN-ACK", 0x04: "RST", 0x14: "RST", 0x10: "ACK", 0x11: "FIN", 0x18: "PSH"}


def frame_of(data: bytes, tunnels: Collection[int] = ()) -> Frame | None:
    """The frame of these bytes; None if what it carries is no IPv4.  ``tunnels`` are the UDP ports of VXLAN.

    >>> ping = bytes.fromhex("62de2f8bfc2f1a83bdfe608c0800" "4500001c000040004001aa8d" "c0a80102c0a80103" "0800f7ff00000000")
    >>> print(frame_of(ping))
    1a:83:bd:fe:60:8c -> 62:de:2f:8b:fc:2f [ICMP echo request 192.168.1.2 -> 192.168.1.3, TTL 64]
    """
    if len(data) < ETHERNET_HEADER + IPV4_HEADER or data[12:14] != _IPV4:
        return None
    packet = packet_of(data[ETHERNET_HEADER:], tunnels)
    return None if packet is None else Frame(data[6:12].hex(":"), data[:6].hex(":"), packet)


def packet_of(data: bytes, tunnels: Collection[int] = ()) -> Packet | None:
    """The packet of these bytes; None if it is no whole IPv4 packet, or of a protocol that the model does not have."""
    if len(data) < IPV4_HEADER or data[0] >> 4 != 4:
        return None
    header, whole, fragment = (data[0] & 15) * 4, int.from_bytes(data[2:4], "big"), int.from_bytes(data[6:8], "big")
    load = data[header:whole]
    if fragment & 0x3FFF or len(load) < _UDP_HEADER:  # a piece of a packet, or cut off
        return None
    plain = Packet(socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]), ttl=data[8],
                   payload=whole - IPV4_HEADER - _UDP_HEADER, dont_fragment=bool(fragment & 0x4000))
    source, target = struct.unpack("!HH", load[:4])
    if data[9] == socket.IPPROTO_ICMP:
        return plain._replace(protocol="ICMP", kind=_icmp(load))
    if data[9] == socket.IPPROTO_TCP and len(load) >= 20:
        return plain._replace(protocol="TCP", src_port=source, dst_port=target, payload=whole - IPV4_HEADER - 20,
                              kind=_FLAGS.get(load[13] & 0x1F, ""))
    if data[9] != socket.IPPROTO_UDP:
        return None
    inner = frame_of(load[_UDP_HEADER + VXLAN_HEADER:], tunnels) if target in tunnels else None
    vni = int.from_bytes(load[_UDP_HEADER + 4:_UDP_HEADER + 7], "big")
    return plain._replace(protocol="UDP", src_port=source, dst_port=target, inner=inner,
                          kind=f"VXLAN {vni}" if inner is not None else "")


def _icmp(load: bytes) -> str:
    kind = load[0], load[1]
    if kind == _TOO_BIG:
        return f"fragmentation needed, mtu {int.from_bytes(load[6:8], 'big')}"
    return _SAID.get(kind, f"type {kind[0]} code {kind[1]}")
