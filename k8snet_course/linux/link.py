"""A network interface of one namespace, as `ip link` and `ip addr` list it.

This module knows what an interface *is*: its kind, MAC, MTU, addresses, bridge and other end.  It moves nothing.

Source: ip-link(8), ip-address(8).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_interface
from typing import NamedTuple

LINK_LOCAL = "fe80:"
"""How the text of an IPv6 address begins that is meant on its own wire only (RFC 4291, section 2.5.6)."""


_CABLELESS = ("loopback", "vxlan", "geneve", "ipip")
"""Kinds of interfaces that nothing is plugged into."""


class End(NamedTuple):
    """The other end of a cable or veth pair: the namespace it is in, and its name there."""

    namespace: str
    link: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """What makes an interface a tunnel: packets that leave by it travel inside other packets.

    ``kind`` is VXLAN (whole frames in UDP packets to ``port``, marked with the network identifier ``vni``; RFC 7348), Geneve
    (the same with another header; RFC 8926) or IPIP (packets directly in packets; RFC 2003).  ``local`` is this machine's
    address in the outer packets.  ``external`` says that whoever sends a packet into the tunnel names the machine at its other
    end (ip-link(8): ``external``), so that no FDB row is needed.
    """

    kind: str
    local: str
    vni: int = 0
    port: int = 0
    external: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """One interface.

    ``kind`` is loopback, ethernet (a real network card), veth (one end of a virtual cable), bridge (a virtual switch), dummy
    (which leads nowhere and only has addresses), or vxlan, geneve or ipip (a ``tunnel``).  ``addresses`` are texts with their
    prefix length, such as ``10.244.0.2/24``; the link-local IPv6 addresses (fe80::/64) that Linux gives every interface are
    left out where nothing uses them; ``mtu`` is in bytes; ``master`` is the bridge this interface is a port of; ``peer`` is the
    other end of the cable, and ``peer_index`` its ifindex where it is in another namespace (0: in the same); ``hairpin`` lets a
    bridge send a frame back out of the port it came in by; ``proxy_arp`` makes it answer for every address that its device has
    a route to (in IPv6 ``proxy_ndp``); ``program`` says that an eBPF program is attached, which looks up in the device's eBPF
    maps where a packet routed here goes; ``txqueuelen`` is how many packets may wait to be sent, which matters to nobody here
    and is printed (the reference plugins make cables with 0); ``carrier`` says whether anything is plugged in that is up
    (:mod:`.carrier`).  It prints as `ip addr`.

        >>> Link("eth0", "veth", 2, "0a:58:0a:f4:00:02", addresses=("10.244.0.2/24",)).address
        '10.244.0.2'
    """

    name: str
    kind: str
    index: int
    mac: str
    mtu: int = 1500
    addresses: tuple[str, ...] = ()
    master: str = ""
    peer: End | None = None
    peer_index: int = 0
    hairpin: bool = False
    tunnel: Tunnel | None = None
    proxy_arp: bool = False
    program: bool = False
    txqueuelen: int = 1000
    carrier: bool = True

    @property
    def address(self) -> str:
        """The first address, without its prefix length; empty when the interface has none."""
        return self.addresses[0].partition("/")[0] if self.addresses else ""

    def source_for(self, dst: str) -> str:
        """The address that packets to ``dst`` come from if they leave by this interface; empty when it has none of that family.

            >>> eth0 = Link("eth0", "veth", 2, "0a:58:0a:f4:00:02", addresses=("10.244.0.2/24", "fd00:10:244::2/64"))
            >>> eth0.source_for("8.8.8.8"), eth0.source_for("2001:db8::9")
            ('10.244.0.2', 'fd00:10:244::2')
        """
        six = ":" in dst
        for text in self.addresses:
            if (":" in text) == six and not text.startswith(LINK_LOCAL):
                return text.partition("/")[0]
        return ""

    def has(self, address: str) -> bool:
        """Whether this is one of its addresses."""
        return any(text.partition("/")[0] == address for text in self.addresses)

    @property
    def at(self) -> str:
        """Its name with that of the other end, as it is listed."""
        if self.kind == "veth" and self.peer_index:
            return f"{self.name}@if{self.peer_index}"
        return f"{self.name}@NONE" if self.kind == "ipip" else (
            f"{self.name}@{self.peer.link}" if self.kind == "veth" and self.peer else self.name)

    @property
    def flags(self) -> str:
        """What kind of wire it is, and that it is up; kube-proxy never switches its dummy up.

        >>> Link("docker0", "bridge", 3, "", carrier=False).flags
        'NO-CARRIER,BROADCAST,MULTICAST,UP'
        """
        if self.kind == "dummy":
            return "BROADCAST,NOARP"
        if not self.carrier:
            return "NO-CARRIER,BROADCAST,MULTICAST,UP"
        return {"loopback": "LOOPBACK", "ipip": "NOARP"}.get(self.kind, "BROADCAST,MULTICAST") + ",UP,LOWER_UP"

    @property
    def state(self) -> str:
        """UP or DOWN; UNKNOWN where there is no cable that could say it.

        >>> Link("eth0", "veth", 2, "").state, Link("flannel.1", "vxlan", 3, "").state, Link("d0", "dummy", 4, "").state
        ('UP', 'UNKNOWN', 'DOWN')
        """
        if self.kind == "dummy" or not self.carrier:
            return "DOWN"
        return "UNKNOWN" if self.kind in _CABLELESS else "UP"

    @property
    def queue(self) -> str:
        """How packets wait there to be sent: only a real card has a queue."""
        return {"ethernet": "fq_codel", "dummy": "noop"}.get(self.kind, "noqueue")

    @property
    def hardware(self) -> str:
        """The line with its MAC address, as `ip link` prints it, but for the blanks before it."""
        if self.kind == "ipip":
            return "link/ipip 0.0.0.0 brd 0.0.0.0"
        loopback = self.kind == "loopback"
        return f"link/{'loopback' if loopback else 'ether'} {self.mac} brd " + ":".join(("00" if loopback else "ff",) * 6)

    def address_lines(self) -> list[str]:
        """The lines with its addresses, two for each, as `ip addr` prints them: IPv4 first."""
        lines = []
        for address in sorted(self.addresses, key=_is_ipv6):
            lines += [f"    {address_line(self, address)}", "       valid_lft forever preferred_lft forever"]
        return lines

    def __str__(self) -> str:
        master = f"master {self.master} " if self.master else ""
        head = f"{self.index}: {self.at}: <{self.flags}> mtu {self.mtu} qdisc {self.queue} {master}state {self.state}"
        return "\n".join([f"{head} group default qlen 1000", f"    {self.hardware}", *self.address_lines()])


def address_line(link: Link, address: str) -> str:
    """An address of an interface, as `ip addr` prints it.

    >>> address_line(Link("eth0", "veth", 2, "0a:58:0a:f4:00:02"), "10.244.0.2/24")
    'inet 10.244.0.2/24 brd 10.244.0.255 scope global eth0'
    """
    loopback = link.kind == "loopback"
    if _is_ipv6(address):
        return f"inet6 {address} scope {'host' if loopback else 'link' if address.startswith(LINK_LOCAL) else 'global'}"
    net = ip_interface(address).network
    brd = "" if loopback or net.num_addresses <= 2 else f"brd {net.broadcast_address} "
    return f"inet {address} {brd}scope {'host' if loopback else 'global'} {link.name}"


def _is_ipv6(address: str) -> bool:
    return ":" in address


def loopback(ipv6: bool = False) -> Link:
    """The interface ``lo``, by which a device talks to itself; ``ipv6`` gives it ::1 too.

    >>> print(loopback())
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
        inet 127.0.0.1/8 scope host lo
           valid_lft forever preferred_lft forever
    """
    addresses = ("127.0.0.1/8", "::1/128") if ipv6 else ("127.0.0.1/8",)
    return Link("lo", "loopback", 1, "00:00:00:00:00:00", 65536, addresses)


@lru_cache(maxsize=65536)
def mac_from_text(text: str) -> str:
    """A MAC address made from a text: the same text gives the same address in every run.

    Linux draws a random one.  The second hexadecimal digit marks it as locally administered (IEEE 802).

        >>> mac_from_text("node-1/eth0")
        '1e:04:6f:68:ca:90'
    """
    digest = hashlib.sha256(text.encode()).digest()
    return (bytes(((digest[0] & 0xFC) | 0x02,)) + digest[1:6]).hex(":")


def mac_from_address(address: str) -> str:
    """The MAC address that kubenet and several plugins derive from an IPv4 address: 0a:58 and its four bytes.

    From an IPv6 address OVN-Kubernetes takes four bytes of a hash of its text.

    >>> mac_from_address("10.244.0.2"), mac_from_address("fd00:10:244::2")
    ('0a:58:0a:f4:00:02', '0a:58:1f:ab:27:40')
    """
    if ":" in address:
        return "0a:58:" + hashlib.sha256(address.encode()).digest()[:4].hex(":")
    return "0a:58:" + bytes(map(int, address.split("."))).hex(":")


def link_local(mac: str) -> str:
    """The link-local IPv6 address that an interface makes from its MAC address (RFC 4291, appendix A).

    >>> link_local("ee:ee:ee:ee:ee:ee")
    'fe80::ecee:eeff:feee:eeee'
    """
    octets = bytes.fromhex(mac.replace(":", ""))
    return str(ip_address(b"\xfe\x80" + bytes(6) + bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]))
