"""Faults: one row of one device's tables that is missing or wrong.

A fault is a value.  The cluster keeps the faults that somebody injected and applies them to the tables whenever it derives
them, so that repairing one is taking it back.  What the fault does to packets is not said here: it follows from the tables.

Each fault is something that happens on real machines, and its docstring says with which command one would make it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Protocol

from k8snet_course.addressing import address
from k8snet_course.cni.plugin import Tables
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.linux.bridge import FdbEntry
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.packet import IPV6_LEAST_MTU

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(slots=True)
class Parts(Tables):
    """Everything that a device's namespace is made of, while it is put together."""

    filters: list[Rule] = field(default_factory=list)
    filters6: list[Rule] = field(default_factory=list)
    forwarding: bool = False
    bridge_nf: bool = False

    @classmethod
    def of(cls, tables: Tables, forwarding: bool = False) -> Parts:
        """The parts that a plugin wrote, still without those that every device has."""
        return cls(**{each.name: getattr(tables, each.name) for each in fields(tables)}, forwarding=forwarding)


class Fault(Protocol):
    """A change to one device's tables."""

    @property
    def device(self) -> str:
        """The device: a node, or a pod as namespace/name."""
        ...

    def apply(self, parts: Parts) -> None:
        """Make the change.  Raises NotFound when the row that it is about is not there."""
        ...


@dataclass(frozen=True, slots=True)
class MissingRoute:
    """`ip route del DST`: nobody told this device the way.  The default route of IPv6 is ::/0."""

    device: str
    dst: str

    def apply(self, parts: Parts) -> None:
        """Remove the routes to ``dst``."""
        there = [row for row in parts.routes if row.dst == self.dst]
        _found(there, f"route {self.dst}", self.device, (row.dst for row in parts.routes))
        parts.routes = [row for row in parts.routes if row not in there]


@dataclass(frozen=True, slots=True)
class WrongRoute:
    """`ip route replace DST via ADDRESS dev LINK`: the row hands packets to the wrong router.  Two such rows make a loop."""

    device: str
    dst: str
    via: str
    dev: str = ""

    def apply(self, parts: Parts) -> None:
        """Change the routes to ``dst``; without ``dev`` the interface stays.

        Raises InvalidAddress, or InvalidArgument for a router of another IP version or, in IPv6, on another interface's wire:
        Linux refuses these too.
        """
        address(self.via, "router's address")
        _same_version(self.via, self.dst, f"the route {self.dst}")
        there = [row for row in parts.routes if row.dst == self.dst]
        _found(there, f"route {self.dst}", self.device, (row.dst for row in parts.routes))
        if self.dev:
            _found([link for link in parts.links if link.name == self.dev], f"interface {self.dev}", self.device,
                   (link.name for link in parts.links))
        near = next((row.dev for row in parts.routes if not row.via and row.dst != "default" and row.matches(self.via)), "")
        if not all(self.dev or row.dev or near for row in there):  # a blackhole names no interface
            raise InvalidArgument(self.via, f"a router on a wire of {self.device}", "add dev='eth0'")
        if ":" in self.via and near and any((self.dev or row.dev or near) != near for row in there):
            raise InvalidArgument(self.via, "a router on that interface's wire: in IPv6 no route leads by one interface to "
                                  f"what is behind another ({near})", f"add dev='{near}'")
        parts.routes = [replace(row, via=self.via, dev=self.dev or row.dev or near, kind="", scope="", proto="", src="")
                        if row in there else row
                        for row in parts.routes]


@dataclass(frozen=True, slots=True)
class MissingNeighbour:
    """`ip neigh del ADDRESS`: the tunnel's far end has no MAC address (a wire's would be asked for again)."""

    device: str
    address: str

    def apply(self, parts: Parts) -> None:
        """Remove the permanent neighbour row."""
        there = _neighbours(parts, self.device, self.address)
        parts.neighbours = [row for row in parts.neighbours if row not in there]


@dataclass(frozen=True, slots=True)
class WrongNeighbour:
    """`ip neigh replace ADDRESS lladdr MAC`: the row names another MAC address than the far end has."""

    device: str
    address: str
    mac: str

    def apply(self, parts: Parts) -> None:
        """Change the permanent neighbour row.  Raises InvalidArgument for what is no MAC address."""
        if not isinstance(self.mac, str) or not _MAC.fullmatch(self.mac):
            raise InvalidArgument(self.mac, "a MAC address: six numbers of two hexadecimal digits",
                                  "write '0a:58:0a:f4:00:02'")
        there = _neighbours(parts, self.device, self.address)
        parts.neighbours = [row._replace(mac=self.mac) if row in there else row for row in parts.neighbours]


@dataclass(frozen=True, slots=True)
class MissingFdb:
    """`bridge fdb del MAC`: the tunnel does not know on which machine this MAC address is."""

    device: str
    mac: str

    def apply(self, parts: Parts) -> None:
        """Remove the FDB row."""
        there = _fdb_rows(parts, self.device, self.mac)
        parts.fdb = [row for row in parts.fdb if row not in there]


@dataclass(frozen=True, slots=True)
class WrongFdb:
    """`bridge fdb replace MAC dst ADDRESS`: the tunnel sends frames for this MAC address to the wrong machine."""

    device: str
    mac: str
    dst: str

    def apply(self, parts: Parts) -> None:
        """Change the FDB row.  Raises InvalidAddress, or InvalidArgument for another IP version than the tunnel's."""
        address(self.dst, "machine's address")
        there = _fdb_rows(parts, self.device, self.mac)
        for row in there:
            _same_version(self.dst, row.dst, f"the tunnel {row.dev}")
        parts.fdb = [row._replace(dst=self.dst) if row in there else row for row in parts.fdb]


@dataclass(frozen=True, slots=True)
class WrongMtu:
    """`ip link set LINK mtu BYTES`: an interface takes larger or smaller packets than the way behind it.

    Linux takes the IPv6 addresses and routes away from an interface that takes less than 1280 bytes, and a bridge takes no more
    than the port that takes least.
    """

    device: str
    link: str
    mtu: int

    def apply(self, parts: Parts) -> None:
        """Change the interface's MTU.  Raises InvalidArgument for one that no interface can have."""
        if not isinstance(self.mtu, int) or not 68 <= self.mtu <= 65536:
            raise InvalidArgument(self.mtu, "an MTU from 68 to 65536 bytes", "write 1500")
        there = [link for link in parts.links if link.name == self.link]
        _found(there, f"interface {self.link}", self.device, (link.name for link in parts.links))
        _set_mtu(parts, self.link, self.mtu)
        for bridge in [link.master for link in there if link.master]:
            _set_mtu(parts, bridge, min(link.mtu for link in parts.links if link.master == bridge))


@dataclass(frozen=True, slots=True)
class ForwardingOff:
    """`sysctl net.ipv4.ip_forward=0`: the device keeps what is for it and sends nothing on.

    With IPv6 it is `sysctl net.ipv6.conf.all.forwarding=0` as well.
    """

    device: str

    def apply(self, parts: Parts) -> None:
        """Switch forwarding off."""
        _found([parts] if parts.forwarding else [], "forwarding that is on", self.device, ())
        parts.forwarding = False


@dataclass(frozen=True, slots=True)
class BridgeNetfilterOff:
    """`sysctl net.bridge.bridge-nf-call-iptables=0`: connection tracking does not see what a bridge sends from port to port.

    Then the answer of a Service's pod to a client on the same bridge comes from the pod's address, not from the Service's.
    """

    device: str

    def apply(self, parts: Parts) -> None:
        """Switch it off."""
        _found([parts] if parts.bridge_nf else [], "bridge-nf-call-iptables that is on", self.device, ())
        parts.bridge_nf = False


@dataclass(frozen=True, slots=True)
class BlockedPort:
    """`iptables -A INPUT -p PROTOCOL --dport PORT -j DROP`: a firewall on the device drops what comes to this port.

    With IPv6 the same is done by `ip6tables`.
    """

    device: str
    protocol: str
    port: int

    def apply(self, parts: Parts) -> None:
        """Add the rule."""
        number = isinstance(self.port, int) and not isinstance(self.port, bool)
        if self.protocol not in ("TCP", "UDP") or not number or not 1 <= self.port <= 65535:
            raise InvalidArgument(f"{self.protocol} {self.port}", "TCP or UDP and a port from 1 to 65535", "write 'UDP', 8472")
        for rules in (parts.filters, parts.filters6):
            rules.append(Rule("INPUT", "DROP", protocol=self.protocol.lower(), dport=self.port))


def _set_mtu(parts: Parts, name: str, mtu: int) -> None:
    """An interface takes so many bytes; with too few it has no IPv6 any more."""
    parts.links = [replace(link, mtu=mtu) if link.name == name else link for link in parts.links]
    if mtu < IPV6_LEAST_MTU:
        parts.links = [replace(link, addresses=tuple(text for text in link.addresses if ":" not in text))
                       if link.name == name else link for link in parts.links]
        parts.routes = [row for row in parts.routes if row.dev != name or ":" not in row.dst]


def _neighbours(parts: Parts, device: str, address: str) -> list[Neighbour]:
    there = [row for row in parts.neighbours if row.address == address]
    _found(there, f"neighbour {address}", device, (row.address for row in parts.neighbours))
    return there


def _fdb_rows(parts: Parts, device: str, mac: str) -> list[FdbEntry]:
    there = [row for row in parts.fdb if row.mac == mac]
    _found(there, f"FDB row {mac}", device, (row.mac for row in parts.fdb))
    return there


def _same_version(given: str, other: str, whose: str) -> None:
    if (":" in given) != (":" in other):
        version = 6 if ":" in other else 4
        raise InvalidArgument(given, f"an IPv{version} address, as {whose} has", "write one of that IP version")


def _found(there: Sequence[object], what: str, device: str, known: Iterable[str]) -> None:
    if not there:
        names = ", ".join(list(known)[:6]) or "none"
        raise NotFound(what, f"something that {device} has ({names})", "name one of these")
