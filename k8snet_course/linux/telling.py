"""What the steps of a walk say: sentences, and the rows that were compared, made when somebody reads them.

A walk hands over what it has decided by (:mod:`k8snet_course.linux.forward`); here it becomes words.  So whatever comes in must
be something that cannot change any more: rows, packets, numbers, and no table.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.linux.bridge import FdbEntry, in_order
from k8snet_course.linux.conntrack import changes
from k8snet_course.linux.link import Link, Tunnel
from k8snet_course.linux.namespace import Listener
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.netfilter import Ruling
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.route import Lookup, Route
from k8snet_course.linux.trace import Candidate, Change, Told

ROUTE, MAP_ENTRY = "route", "eBPF map entry"
"""What a table is made of that says where packets go."""


def sent(label: str, packet: Packet) -> Told:
    """A program sends."""
    return Told(f"{label} sends {packet}")


# -- bridges -------------------------------------------------------------------------------------------------------------


def upwards(label: str, bridge: Link, rows: int, learnt: tuple[Change, ...]) -> Told:
    """A frame is for the bridge itself."""
    own = f"{bridge.mac} dev {bridge.name} (the bridge itself)"
    return Told(f"{bridge.name} reads the MAC address {bridge.mac}: its own, so the packet goes up to {label}'s routing",
                bridge.mac, (Candidate(own, True, True),), rows, own, learnt)


def switched(name: str, entry: FdbEntry, rows: Sequence[FdbEntry], known: int, learnt: tuple[Change, ...]) -> Told:
    """A bridge knows the port."""
    return Told(f"{name} reads the MAC address {entry.mac} and has learnt that it is behind port {entry.dev}", entry.mac,
                tuple(Candidate(str(row), row == entry, row == entry, "" if row == entry else "another MAC address")
                      for row in in_order(rows)), known - len(rows), str(entry), learnt)


def flooded(name: str, mac: str, rows: int, learnt: tuple[Change, ...]) -> Told:
    """A bridge does not know the port."""
    return Told(f"{name} has not learnt where {mac} is, so it floods the frame out of every other port", mac, (), rows, "",
                learnt)


# -- routes --------------------------------------------------------------------------------------------------------------


def taken_over(lookup: Lookup, route: Route, dst: str) -> Told:
    """A route leads to an interface with an eBPF program."""
    return Told(f"of {lookup.rows} routes '{route.destination}' wins: to {route.dev}, where an eBPF program takes over",
                f"route to {dst}", lookup.candidates, lookup.others, str(route))


def unrouted(label: str, lookup: Lookup, what: str, dst: str) -> Told:
    """No row matches."""
    return Told(f"none of {label}'s {lookup.rows} {_many(what)} leads to {dst}", _question(what, dst), lookup.candidates,
                lookup.others)


def swallowed(lookup: Lookup, route: Route, what: str, dst: str) -> Told:
    """A blackhole wins."""
    return Told(f"of {lookup.rows} {_many(what)} '{route.destination}' wins, a {route.kind}", _question(what, dst),
                lookup.candidates, lookup.others, str(route))


def outlived(label: str, lookup: Lookup, route: Route, what: str, dst: str) -> Told:
    """There is a way, but the packet has travelled too far."""
    return Told(f"{label} would use '{route}'", _question(what, dst), lookup.candidates, lookup.others, str(route))


def routed(lookup: Lookup, route: Route, what: str, packet: Packet, ages: bool) -> Told:
    """A row wins; ``ages``: the packet (as it was before) loses one of its TTL."""
    by = f"by the router {route.via}" if route.via else "which is on this wire"
    rows = what if lookup.rows == 1 else _many(what)
    return Told(f"of {lookup.rows} {rows} '{route.destination}' wins: out of {route.dev} to {packet.dst}, {by}",
                _question(what, packet.dst), lookup.candidates, lookup.others, str(route),
                (Change(packet.ttl_name, str(packet.ttl), str(packet.ttl - 1)),) if ages else ())


def _question(what: str, dst: str) -> str:
    return f"{what} {'to' if what == ROUTE else 'for'} {dst}"


def _many(what: str) -> str:
    """The plural of what a table holds."""
    return what.removesuffix("y") + "ies" if what.endswith("y") else f"{what}s"


# -- neighbours ----------------------------------------------------------------------------------------------------------


def known(label: str, row: Neighbour) -> Told:
    """The neighbour table has the MAC address."""
    return Told(f"{label} knows already that {row.address} is at {row.mac}", f"MAC address of {row.address}",
                (Candidate(str(row), True, True, "known already"),), 0, str(row))


# -- tunnels -------------------------------------------------------------------------------------------------------------


def wrapped(name: str, tunnel: Tunnel, outer: Packet, size: int) -> Told:
    """A packet of so many bytes goes into another one."""
    kind = f"an {tunnel.kind}" if tunnel.kind == "IPIP" else f"a {tunnel.kind}"
    return Told(f"{name} puts it into {kind} packet from {outer.src} to {outer.dst}", f"tunnel {name}", (), 0, "",
                (Change("size", f"{size} bytes", f"{outer.size} bytes"), Change("outer destination", "", outer.dst)))


def unwrapped(link: Link, outer: Packet, size: int) -> Told:
    """A packet of so many bytes comes out of another one."""
    return Told(f"{link.name} takes the inner packet out of the {link.kind.upper()} packet from {outer.src}",
                f"tunnel {link.name}", (), 0, "", (Change("size", f"{outer.size} bytes", f"{size} bytes"),))


# -- programs ------------------------------------------------------------------------------------------------------------


def unexpected(label: str, packet: Packet) -> Told:
    """An answer from somebody else than who was asked, or an error about what was not sent."""
    whose = f"with {packet.src} port {packet.src_port}" if packet.about is None else (
        f"with {packet.about.dst} port {packet.about.dst_port}, which the error is about")
    return Told(f"{_mine(label, packet)}, but no program there has a connection {whose}", packet.dst)


def answered(label: str, packet: Packet) -> Told:
    """An answer is home."""
    return Told(f"{_mine(label, packet)}, and a program there waits for this answer", packet.dst)


def pinged(label: str, packet: Packet) -> Told:
    """A ping needs no program."""
    return Told(f"{_mine(label, packet)}; its Linux answers a ping by itself", packet.dst)


def taken(label: str, packet: Packet, listeners: Sequence[Listener], taker: Listener | None) -> Told:
    """A program listens, or none does."""
    door = f"{packet.protocol} port {packet.dst_port}"
    listens = f"and {taker.program} listens on {door}" if taker is not None else f"but no program listens on {door}"
    return Told(f"{_mine(label, packet)}, {listens}", door, tuple(
        Candidate(str(row), row is taker, row is taker, "" if row is taker else _why_not(row, packet)) for row in listeners),
        0, str(taker) if taker is not None else "")


def _mine(label: str, packet: Packet) -> str:
    return f"{packet.dst} is {label}'s own address"


def _why_not(row: Listener, packet: Packet) -> str:
    """Why a listening program does not take a packet."""
    if row.protocol != packet.protocol:
        return f"{row.protocol}, not {packet.protocol}"
    if row.port != packet.dst_port:
        return "another port"
    return f"bound to {row.address}, not to {packet.dst}"


# -- rules ---------------------------------------------------------------------------------------------------------------


def denied(why: str, where: str, ruling: Ruling) -> Told:
    """A rule ends the walk.  ``where`` is the table and the hook."""
    return Told(why, where, ruling.reading.candidates, ruling.others, str(ruling.rule))


def rewritten(label: str, where: str, before: Packet, after: Packet, ruling: Ruling) -> Told:
    """A NAT rule rewrites the packet."""
    rule = ruling.rule
    assert rule is not None
    return Told(f"{label} has a {rule.target} rule for it", where, ruling.reading.candidates, ruling.others, str(rule),
                changes(before, after))


def restored(label: str, where: str, before: Packet, after: Packet, bridged: bool) -> Told:
    """The packet is written back from memory; ``bridged``: a bridge sends it from port to port."""
    sees = ("lets its connection tracking see what its bridges send on (bridge-nf-call-iptables): it " if bridged else "")
    return Told(f"{label} {sees}remembers this connection and writes back what it had rewritten", where,
                changed=changes(before, after))
