"""Asking a wire who has an address: ARP or neighbour discovery, and what everybody on the wire learns from the question.

A request goes to every device on the same wire (the same bridge, or the two ends of one cable); each that has the address
answers.  On the way the bridge learns the MAC addresses of those who speak, and the one who answers remembers who asked.
When two devices answer, both have the same address, and which of them gets the packets is luck.

An ARP request is a broadcast.  IPv6's question, the neighbour solicitation, goes to a multicast group, which a bridge floods
all the same, and only an interface that has the address *itself* answers it.

A bridge with a tunnel for a port has wires on other machines too: a request travels through the tunnel to each machine that
gets copies of such frames, and what is asked there is heard there.  Whether the tunnel's packets arrive, the caller says.

Source: RFC 826; arp(7); Linux answers on an interface for any address the device has (arp_ignore = 0).  RFC 4861; Linux 6.18
does not answer a solicitation for an address of another interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from k8snet_course.linux.link import End, Link
from k8snet_course.linux.namespace import Namespace, Network
from k8snet_course.linux.packet import IPV6_LEAST_MTU
from k8snet_course.linux.trace import Candidate, Change


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the device that has the address, by which interface it is on the wire, and that interface's MAC."""

    namespace: str
    link: str
    mac: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What came of the question: the MAC address (empty: nobody answered), all who answered, and what tables learnt.
    """

    mac: str
    answers: tuple[Answer, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    changed: tuple[Change, ...] = ()


def wire_of(network: Network, namespace: Namespace, link: Link) -> tuple[End, ...]:
    """What identifies the wire that an interface is on: a bridge, or the two ends of a cable."""
    if link.kind == "bridge":
        return (End(namespace.name, link.name),)
    if link.peer is None:
        return ()
    far = network.namespace(link.peer.namespace).links[link.peer.link]
    if far.master:
        return (End(link.peer.namespace, far.master),)
    return tuple(sorted((End(namespace.name, link.name), link.peer)))


def _may_be_on(wire: tuple[End, ...], link: Link) -> bool:
    """Whether it is worth the while to look at the other end of an interface's cable: it ends where the wire is."""
    return link.kind == "bridge" or (link.peer is not None and any(end.namespace == link.peer.namespace for end in wire))


Carries = Callable[[Namespace, Link, str], bool]
"""Whether the packets of a device's tunnel to a machine's address arrive there."""


def resolve(network: Network, asker: Namespace, link: Link, address: str, carries: Carries = lambda *_: False) -> Resolution:
    """Ask everybody on this interface's wire for the MAC address of ``address``; all who hear it learn from it."""
    wire = wire_of(network, asker, link)
    six, asking = ":" in address, link.source_for(address)
    answers = [
        Answer(holder.name, own.name, own.mac)
        for holder in map(network.namespace, network.holders(address))
        for own in holder.links.values()
        if wire and not own.master and own.kind != "loopback" and holder is not asker
        and _may_be_on(wire, own) and wire_of(network, holder, own) == wire and (
            not six or (own.mtu >= IPV6_LEAST_MTU and (own.has(address) or _announces(holder, address))))
    ]
    if len(wire) == 2 and not answers:
        answers = _far_end(network, link, address)
    changed = _hear(network, wire, asker, link)
    if len(wire) == 1:
        for answer, seen in _across(network, wire[0], asker, link, address, carries):
            answers.append(answer)
            changed += seen
    for answer in answers:
        holder = network.namespace(answer.namespace)
        changed += _hear(network, wire_of(network, holder, holder.links[answer.link]), holder, holder.links[answer.link])
        if asking and holder.neighbours.learn(asking, answer.link, link.mac, six and asker.forwarding):
            changed.append(Change(f"{holder.label} neighbour {asking}", "", link.mac))
    if answers and asker.neighbours.learn(address, link.name, answers[0].mac,
                                          six and network.namespace(answers[0].namespace).forwarding):
        changed.append(Change(f"{asker.label} neighbour {address}", "", answers[0].mac))
    if not answers:
        asker.neighbours.miss(address, link.name)
    candidates = tuple(
        Candidate(f"{network.namespace(answer.namespace).label} {answer.link} answers: {address} is at {answer.mac}", True,
                  answer is answers[0], "first answer" if answer is answers[0] else "second answer, ignored")
        for answer in answers
    )
    return Resolution(answers[0].mac if answers else "", tuple(answers), candidates, tuple(changed))


def _announces(holder: Namespace, address: str) -> bool:
    """Whether a program of the device answers for an address that is on none of its cards, as a load balancer's does."""
    return not any(link.has(address) for link in holder.links.values() if link.kind != "dummy")


def _far_end(network: Network, link: Link, address: str) -> list[Answer]:
    """The far end of a cable answers for its link-local address, which many devices have, each for its own wire.

    It may answer in another's name too (proxy ARP, proxy_ndp): if its device forwards, for what that has a route to elsewhere.
    """
    if link.peer is None:
        return []
    far = network.namespace(link.peer.namespace)
    end = far.links[link.peer.link]
    if end.has(address):
        return [Answer(far.name, end.name, end.mac)]
    route = far.routes.lookup(address).winner
    if end.proxy_arp and far.forwarding and route is not None and not route.kind and route.dev != link.peer.link:
        return [Answer(far.name, end.name, end.mac)]
    return []


def _across(network: Network, wire: End, asker: Namespace, link: Link, address: str,
            carries: Carries) -> Iterator[tuple[Answer, list[Change]]]:
    """Those who answer from the other side of a tunnel that is a port of this bridge, and what tunnels and bridges learn."""
    near = network.namespace(wire.namespace)
    for port in near.ports(wire.link):
        floods = port.tunnel is not None and near.floods(port.name)
        for holder in map(network.namespace, network.holders(address)) if floods else ():
            for own in holder.links.values():
                there = wire_of(network, holder, own) if own.kind in ("veth", "bridge") and not own.master else ()
                far = network.namespace(there[0].namespace) if len(there) == 1 else near
                end = _tunnel_end(far, port, there[0].link) if far is not near else None
                if end is None or port.tunnel is None or end.tunnel is None or not near.copies(
                        port.name, end.tunnel.local):
                    continue
                if carries(near, port, end.tunnel.local) and carries(far, end, port.tunnel.local):
                    yield Answer(holder.name, own.name, own.mac), [
                        *_learn_remote(near, wire.link, port, own.mac, end.tunnel.local),
                        *_learn_remote(far, there[0].link, end, link.mac, port.tunnel.local)]


def _tunnel_end(far: Namespace, port: Link, bridge: str) -> Link | None:
    """The port of another machine's bridge that is the other end of a tunnel."""
    mine = port.tunnel
    for link in far.ports(bridge):
        if mine is not None and link.tunnel is not None and (link.tunnel.kind, link.tunnel.vni, link.tunnel.port) == (
                mine.kind, mine.vni, mine.port):
            return link
    return None


def _learn_remote(ns: Namespace, bridge: str, port: Link, mac: str, machine: str) -> list[Change]:
    """A frame from ``mac`` came out of a tunnel: the bridge learns the port, the tunnel the machine."""
    changed = []
    if ns.fdb(bridge).learn(mac, port.name):
        changed.append(Change(f"{ns.label} {bridge} FDB {mac}", "", f"port {port.name}"))
    if ns.fdb(port.name).learn(mac, port.name, machine):
        changed.append(Change(f"{ns.label} {port.name} FDB {mac}", "", f"machine {machine}"))
    return changed


def copy_taker(network: Network, ns: Namespace, port: Link, mac: str) -> str:
    """Which machine takes the copies that a tunnel makes of a frame for a MAC address it does not know; empty: none."""
    for machine in ns.copies_to(port.name) if port.tunnel is not None else ():
        for far in map(network.namespace, network.holders(machine)):
            for bridge in (link.name for link in far.links.values() if link.kind == "bridge"):
                behind = [far.links[bridge].mac] + [
                    network.namespace(link.peer.namespace).links[link.peer.link].mac
                    for link in far.ports(bridge) if link.peer is not None]
                if _tunnel_end(far, port, bridge) is not None and mac in behind:
                    return machine
    return ""


def _hear(network: Network, wire: tuple[End, ...], speaker: Namespace, link: Link) -> list[Change]:
    """The bridge of the wire, if it is a bridge, learns behind which port the speaker is."""
    if len(wire) != 1 or link.peer is None or link.kind == "bridge":
        return []
    switch = network.namespace(wire[0].namespace)
    if switch.fdb(wire[0].link).learn(link.mac, link.peer.link):
        return [Change(f"{switch.label} {wire[0].link} FDB {link.mac}", "", f"port {link.peer.link} ({speaker.label})")]
    return []
