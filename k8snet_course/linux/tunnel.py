"""Tunnels: a packet or a whole frame as the load of another packet.

VXLAN carries frames in UDP (50 bytes more: 14 inner Ethernet, 8 VXLAN, 8 UDP, 20 IP; 70 between IPv6 addresses), and so does
Geneve (8 bytes of header too, and options that are left out here); IPIP carries packets in packets (20 bytes more).  Routers in
between see the outer packet only.

Source: RFC 7348 (VXLAN); RFC 8926 (Geneve); RFC 2003 (IPIP); Linux, drivers/net/vxlan (source port from a
hash of the inner packet).
"""

from __future__ import annotations

from zlib import crc32

from k8snet_course.linux.link import Tunnel
from k8snet_course.linux.packet import ETHERNET_HEADER, VXLAN_HEADER, Frame, Packet

_FIRST_PORT, _PORTS = 32768, 28232


def encapsulated(load: Frame | Packet, tunnel: Tunnel, remote: str) -> Packet:
    """The outer packet that takes ``load`` to the machine ``remote``.

    >>> inner = Packet("10.244.0.2", "10.244.1.2", "ICMP", payload=1372)
    >>> frame = Frame("5e:00:00:00:00:01", "5e:00:00:00:00:02", inner)
    >>> outer = encapsulated(frame, Tunnel("VXLAN", "192.168.1.2", vni=1, port=8472), "192.168.1.3")
    >>> inner.size, outer.size
    (1400, 1450)
    >>> encapsulated(inner, Tunnel("IPIP", "192.168.1.2"), "192.168.1.3").size
    1420
    >>> encapsulated(frame, Tunnel("VXLAN", "fd00:192:168:1::2", vni=1, port=8472), "fd00:192:168:1::3").size
    1470
    """
    if isinstance(load, Packet):
        return Packet(tunnel.local, remote, "IPIP", payload=load.size, inner=load, dont_fragment=load.dont_fragment)
    packet = load.packet
    flow = f"{packet.src} {packet.dst} {packet.protocol} {packet.src_port} {packet.dst_port}"
    return Packet(tunnel.local, remote, "UDP", _FIRST_PORT + crc32(flow.encode()) % _PORTS, tunnel.port, inner=load,
                  payload=VXLAN_HEADER + ETHERNET_HEADER + packet.size, kind=f"{tunnel.kind} {tunnel.vni}", dont_fragment=False)
