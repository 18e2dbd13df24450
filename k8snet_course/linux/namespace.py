"""A network namespace: everything that one device knows about the network.

A pod, a node, the laptop, the router and the switch between the nodes are each one namespace: interfaces, routes,
neighbours, forwarding databases, and the sockets that programs listen on.  Packets walk these tables and nothing else.

This module holds the tables together.  It makes no decision (:mod:`~k8snet_course.linux.forward`) and does not know
Kubernetes: who fills the tables is above it.

Source: network_namespaces(7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from k8snet_course.linux.bridge import EVERYBODY, Fdb, FdbEntry
from k8snet_course.linux.door import Door
from k8snet_course.linux.family import Family
from k8snet_course.linux.link import LINK_LOCAL, Link
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.neighbour import Neighbour, NeighbourFamily, NeighbourTable
from k8snet_course.linux.netfilter import NO_RULES, Rules
from k8snet_course.linux.packet import Packet, with_port
from k8snet_course.linux.route import RouteTable
from k8snet_course.linux.source_address import best_source

ANY, ANY_IPV4 = "*", "0.0.0.0"
"""What a program is bound to that takes packets to all addresses of its device, or to all its IPv4 addresses."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A program that waits for packets: `ss -ln` lists them.

    ``address`` is the local address it is bound to; ``0.0.0.0`` takes packets to any of the device's IPv4 addresses, ``*`` to
    any address of both IP versions.

        >>> print(Listener("TCP", 80, "nginx"))
        TCP 0.0.0.0:80 nginx
        >>> print(Listener("TCP", 80, "nginx", "*"), Listener("TCP", 9090, "metrics", "::1"))
        TCP *:80 nginx TCP [::1]:9090 metrics
    """

    protocol: str
    port: int
    program: str
    address: str = ANY_IPV4

    def takes(self, protocol: str, port: int, address: str) -> bool:
        """Whether a packet to this protocol, port and local address is for this program."""
        return self.protocol == protocol and self.port == port and (
            self.address in (ANY, address) or (self.address == ANY_IPV4 and ":" not in address))

    def __str__(self) -> str:
        return f"{self.protocol} {with_port(self.address, self.port)} {self.program}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A program that wanted to listen where another one listens already (EADDRINUSE, bind(2)).

    >>> print(Refused(Listener("TCP", 80, "httpd"), Listener("TCP", 80, "nginx")))
    httpd cannot listen on TCP 0.0.0.0:80: address already in use (nginx has it)
    """

    wanted: Listener
    holder: Listener

    def __str__(self) -> str:
        return (f"{self.wanted.program} cannot listen on {self.wanted.protocol} "
                f"{with_port(self.wanted.address, self.wanted.port)}: "
                f"address already in use ({self.holder.program} has it)")


def bound(wanted: Iterable[Listener]) -> tuple[tuple[Listener, ...], tuple[Refused, ...]]:
    """What becomes of programs that want to listen in one network namespace: who comes first gets the port.

    Two sockets exclude each other if protocol and port are the same, and the addresses too, or one of them is any address.

        >>> got, refused = bound([Listener("TCP", 80, "nginx"), Listener("TCP", 80, "httpd"), Listener("UDP", 80, "dns")])
        >>> print(*got, *refused, sep="\\n")
        TCP 0.0.0.0:80 nginx
        UDP 0.0.0.0:80 dns
        httpd cannot listen on TCP 0.0.0.0:80: address already in use (nginx has it)
    """
    got: list[Listener] = []
    refused: list[Refused] = []
    for one in wanted:
        holder = next((each for each in got if (each.protocol, each.port) == (one.protocol, one.port)
                       and _share(each.address, one.address)), None)
        if holder is None:
            got.append(one)
        else:
            refused.append(Refused(one, holder))
    return tuple(got), tuple(refused)


def _share(one: str, other: str) -> bool:
    """Whether two local addresses of sockets exclude each other."""
    if one == other or ANY in (one, other):
        return True
    return ANY_IPV4 in (one, other) and ":" not in one + other


@dataclass(slots=True)
class Learned:
    """What a device has learnt from packets, as opposed to what it was configured with.

    It is kept apart from the namespace because configuration can be derived again at any time, and this cannot.
    """

    neighbours: NeighbourTable = field(default_factory=NeighbourTable)
    fdb: dict[str, Fdb] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)


FdbFamily = tuple[str, "Family[str, Any, FdbEntry]"]
"""FDB rows of one tunnel for many others: the tunnel's interface, and the rows by MAC address, or by machine."""
EMPTY = RouteTable()
NO_DOORS: Mapping[str, Door] = {}


class Namespace:
    """The network state of one device.

    ``name`` is unique in a network, ``label`` the name as people say it (a pod of the namespace ``default`` goes without it);
    ``kind`` is pod, node, laptop, router or switch; ``forwarding`` is the sysctl ``net.ipv4.ip_forward`` (and
    ``net.ipv6.conf.all.forwarding``): whether packets for others are sent on.  ``rules`` are its netfilter rules for IPv4
    (iptables), ``rules6`` those for IPv6 (ip6tables), ``neighbours`` and ``fdb`` the rows that somebody wrote there (permanent;
    those of ``fdb`` for tunnels).  ``maps`` are the rows of the maps that eBPF programs on its interfaces read: they have the
    form of routes, because they answer the same question.

    ``bridge_nf`` is the sysctl ``net.bridge.bridge-nf-call-iptables`` (with IPv6 ``-ip6tables``): whether connection tracking
    sees what a bridge sends from port to port, which Kubernetes needs where pods are ports of a bridge.

    ``doors`` are what stands between pods' interfaces on a node and the rest, by the interface.  ``listeners`` are the programs
    that wait for packets, ``refused`` those that found their port taken.

    The families are such rows where there are many of one pattern: neighbours and FDB rows for the other ends of tunnels, and
    ``copies``, the machines that get frames for unknown MAC addresses (by their address).
    """

    __slots__ = ("_copies", "_fdb", "_fdb_families", "_local", "_ports", "_tunnel_fdb", "bridge_nf", "doors", "forwarding",
                 "kind", "label", "learned", "links", "listeners", "maps", "name", "refused", "routes", "rules", "rules6",
                 "tunnels")

    def __init__(self, name: str, kind: str, links: Iterable[Link], routes: RouteTable, *,
                 listeners: tuple[Listener, ...] = (), forwarding: bool = False, learned: Learned | None = None,
                 rules: Rules = NO_RULES, neighbours: Iterable[Neighbour] = (), fdb: Iterable[FdbEntry] = (),
                 maps: RouteTable = EMPTY, neighbour_families: Iterable[NeighbourFamily] = (),
                 fdb_families: Iterable[FdbFamily] = (), copies: Iterable[FdbFamily] = (),
                 refused: tuple[Refused, ...] = (), doors: Mapping[str, Door] = NO_DOORS, rules6: Rules = NO_RULES,
                 bridge_nf: bool = False) -> None:
        self.name = name
        self.label = name.removeprefix("default/")
        self.kind = kind
        self.links = {link.name: link for link in links}
        self.routes = routes
        self.listeners = listeners
        self.refused = refused
        self.doors = doors
        self.forwarding = forwarding
        self.bridge_nf = bridge_nf
        self.learned = Learned() if learned is None else learned
        self.rules = rules
        self.rules6 = rules6
        self.maps = maps
        self.tunnels = tuple(link for link in self.links.values() if link.tunnel is not None)
        self._fdb = tuple(row for row in fdb if not row.bridge)
        self._tunnel_fdb = {(row.dev, row.mac): row for row in self._fdb}
        self._fdb_families = tuple(fdb_families)
        self._copies = tuple(copies)
        self.learned.neighbours.write_permanent(neighbours, neighbour_families)
        self._local: dict[str, str] = {}
        self._ports: dict[str, list[Link]] = {}
        for link in self.links.values():
            for address in link.addresses:
                self._local.setdefault(address.partition("/")[0], link.name)
            if link.master:
                self._ports.setdefault(link.master, []).append(link)

    @property
    def neighbours(self) -> NeighbourTable:
        """The neighbour (ARP) table."""
        return self.learned.neighbours

    def fdb(self, bridge: str) -> Fdb:
        """The forwarding database of one of this device's bridges."""
        found = self.learned.fdb.get(bridge)
        if found is None:
            found = self.learned.fdb[bridge] = Fdb(bridge)
        return found

    def fdb_entries(self) -> list[FdbEntry]:
        """The rows of all its bridges, and then those of its tunnels."""
        learnt = [row for bridge in sorted(self.learned.fdb) for row in self.learned.fdb[bridge]]
        return [*learnt, *self._fdb, *(row for _, family in (*self._fdb_families, *self._copies) for row in family)]

    def tunnel_to(self, dev: str, mac: str) -> FdbEntry | None:
        """The row that says to which machine a tunnel carries frames for a MAC address: a written one, or a learnt one."""
        row = self._tunnel_fdb.get((dev, mac))
        for of_dev, family in self._fdb_families:
            if row is None and of_dev == dev:
                row = family.get(mac)
        return row if row is not None or dev not in self.learned.fdb else self.learned.fdb[dev].find(mac)

    def copies_to(self, dev: str) -> Sequence[str]:
        """The machines to which a tunnel carries a copy of each frame whose MAC address it does not know."""
        return (*(row.dst for row in self._fdb if row.dev == dev and row.mac == EVERYBODY),
                *(row.dst for of_dev, family in self._copies if of_dev == dev for row in family))

    def copies(self, dev: str, machine: str) -> bool:
        """Whether this machine is one of those."""
        return any(of_dev == dev and machine in family for of_dev, family in self._copies) or any(
            row.dev == dev and row.mac == EVERYBODY and row.dst == machine for row in self._fdb)

    def floods(self, dev: str) -> bool:
        """Whether the tunnel carries copies to anybody."""
        return any(of_dev == dev and len(family) for of_dev, family in self._copies) or any(
            row.dev == dev and row.mac == EVERYBODY for row in self._fdb)

    def tunnel_for(self, packet: Packet) -> Link | None:
        """The tunnel that a packet which arrived here came through, if it carries another one."""
        for link in self.tunnels:
            tunnel = link.tunnel
            assert tunnel is not None
            framed = tunnel.port and (packet.protocol, packet.dst_port) == ("UDP", tunnel.port) and (
                (":" in packet.dst) == (":" in tunnel.local))
            if framed or tunnel.kind == packet.protocol:
                return link
        return None

    def ports(self, bridge: str) -> Sequence[Link]:
        """The interfaces that are ports of a bridge, in the order in which they were plugged in."""
        return self._ports.get(bridge, ())

    def local_link(self, address: str) -> str | None:
        """The interface that has this address, or None when it is not this device's own.  All of 127.0.0.0/8 is."""
        found = self._local.get(address)
        if found is None and address.startswith("127."):
            found = self._local.get("127.0.0.1")
        return found

    def has_address(self, address: str) -> bool:
        """Whether an address is this device's own."""
        return self.local_link(address) is not None

    def has_node_ports(self, address: str) -> bool:
        """Whether an address is this device's own, and of an interface that is not there for addresses alone."""
        link = self.local_link(address)
        return link is not None and self.links[link].kind not in ("dummy", "loopback")

    def source_for(self, dst: str) -> str:
        """The address that Linux takes where the interface in question has none: the first one but those of ``lo``, and in IPv6
        the one that suits ``dst`` best.

        A device without any IPv6 address of its own has only the unspecified one, ``::``, to put there.
        """
        own = (link for link in self.links.values() if link.kind != "loopback")
        if ":" in dst:
            return best_source(dst, (text for link in own for text in reversed(link.addresses)  # Linux looks at new ones first
                                     if ":" in text and not text.startswith(LINK_LOCAL))) or "::"
        return next((address for link in own if (address := link.source_for(dst))), "127.0.0.1")

    @property
    def addresses(self) -> Sequence[str]:
        """All own addresses, without prefix lengths."""
        return tuple(self._local)


class Network(Protocol):
    """What the forwarding engine asks of whoever holds the namespaces together (the cluster)."""

    def namespace(self, name: str) -> Namespace:
        """The namespace of this name, as it is now."""
        ...

    def holders(self, address: str) -> Sequence[str]:
        """The names of all namespaces that have this address.

        An ARP request is a question to everybody on a wire.  To ask only those who can answer gives the same answers, and
        costs the same on a wire of three devices and on one of five thousand.
        """
        ...
