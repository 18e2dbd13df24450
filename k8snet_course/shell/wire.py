"""What passes each interface while a packet walks: the packet itself, and the questions for MAC addresses before it.

A trace says where a packet came in, what each step made of it and where it went out; which interfaces of a device it passed in
between follows from the steps: a bridge, a tunnel before and after it wraps a packet, ``lo``.  A question for a MAC address
goes to every interface of the wire, its answer by the way between the two.

It reads traces and tables and decides nothing.

Source: packet(7); Linux, net/core/dev.c (where captures are taken); RFC 826, RFC 4861.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from k8snet_course.linux.link import Link
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Hop, Step, Trace

Spaces = Callable[[str], Namespace]
_OWN = (Action.ROUTE, Action.TRANSLATE, Action.DELIVER, Action.DECAPSULATE)
"""What follows on a device where a bridge has handed a packet up to it."""
_LONGEST = 20
"""A broadcast that has passed so many interfaces goes round in circles, or comes back to where it began."""
UNANSWERED = 3
"""So often Linux asks before it gives up."""
_ANSWER = re.compile(r"(\S+) (\S+) answers: (\S+) is at (\S+)")


class Question(NamedTuple):
    """Who has an address: asked by one who has the address ``tell``; ``mac`` is the answer (empty: this is the question)."""

    address: str
    tell: str
    mac: str = ""


class Passing(NamedTuple):
    """One thing that passes an interface of a device, coming in or going out.

    ``overheard``: it is not for the device, and a bridge shows it to those only who listen to that bridge (promiscuously).
    """

    device: str
    link: str
    outgoing: bool
    what: Packet | Question
    overheard: bool = False


def passings(trace: Trace, space: Spaces) -> Iterator[Passing]:
    """Everything that passes an interface because of a packet, its answer, and the connections made for it, in order.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("a"), cluster.add_pod("b"), cluster.send("a", "b")
    >>> [each.link for each in passings(cluster.send("a", "b", None), cluster.namespace) if each.device == "node-1"][:3]
    ['vethb38f81d1', 'cni0', 'veth9c96fde2']
    """
    for walk in (trace, trace.reply):
        before: Packet | None = None
        for hop in walk.hops if walk is not None else ():
            yield from _at(hop, before, space)
            before = hop.packet if hop.steps else before


def _at(hop: Hop, arriving: Packet | None, space: Spaces) -> Iterator[Passing]:
    """What passes the interfaces of one device."""
    if hop.ingress and arriving is not None:
        yield Passing(hop.device, hop.ingress, False, arriving)
    ns = space(hop.device)
    last = hop.steps[-1] if hop.steps else None
    for number, step in enumerate(hop.steps):
        tunnel = step.link in ns.links and ns.links[step.link].tunnel is not None
        if step.action is Action.BRIDGE and not tunnel:
            sent = any(each.action is Action.ROUTE for each in hop.steps[:number])
            later = [each.action for each in hop.steps[number + 1:]]
            up = any(action in _OWN for action in later[:_place(later, Action.ENCAPSULATE)])
            yield Passing(hop.device, step.link, sent, _bridged(hop, number, ns), not sent and not up)
        elif step.action is Action.RESOLVE:
            yield from _asked(hop, step, ns, space)
        elif step.action is Action.ENCAPSULATE:
            inner = step.packet.carried
            if inner is not None:
                yield Passing(hop.device, step.link, True, inner)
        elif step.action is Action.DECAPSULATE:
            yield Passing(hop.device, step.link, False, step.packet)
        elif step.link == "lo" and step.action in (Action.DELIVER, Action.DROP) and step is last:
            yield Passing(hop.device, "lo", True, step.packet)
    if hop.egress and last is not None:
        yield Passing(hop.device, hop.egress, True, last.packet)


def _place(actions: list[Action], wanted: Action) -> int:
    """Where an action stands first; behind the last one where it is missing."""
    return actions.index(wanted) if wanted in actions else len(actions)


def _bridged(hop: Hop, number: int, ns: Namespace) -> Packet:
    """The packet as a bridge hands it up or sends it out.

    With bridge-nf-call-iptables the rules of PREROUTING see what comes in by a port before the bridge itself does.
    """
    later = hop.steps[number + 1] if number + 1 < len(hop.steps) else None
    early = number == 0 and ns.bridge_nf and later is not None and later.action is Action.TRANSLATE
    return later.packet if early and later is not None else hop.steps[number].packet


def _asked(hop: Hop, step: Step, ns: Namespace, space: Spaces) -> Iterator[Passing]:
    """The question for a MAC address, wherever it is heard, and the answers; nothing where the address was known already."""
    told = step.told
    if any(row.why == "known already" for row in told.candidates) or step.link not in ns.links:
        return
    link = ns.links[step.link]
    address = told.looked_up.rpartition(" ")[2]
    tell = link.source_for(address) or ns.source_for(address)
    heard = list(_flooded(hop.device, link, space))
    for _ in range(1 if told.candidates else UNANSWERED):
        yield Passing(hop.device, link.name, True, Question(address, tell))
        for device, name, outgoing, _ in heard:
            yield Passing(device, name, outgoing, Question(address, tell))
    for row in told.candidates:
        found = _ANSWER.match(row.row)
        if found is None:
            continue
        answer = Question(address, tell, found[4])
        way = next((way for device, name, outgoing, way in heard
                    if space(device).label == found[1] and name == found[2] and not outgoing), ())
        for device, name, outgoing, overheard in reversed(way):
            yield Passing(device, name, not outgoing, answer, overheard)
        yield Passing(hop.device, link.name, False, answer)


Way = tuple[tuple[str, str, bool, bool], ...]


def _flooded(device: str, link: Link, space: Spaces) -> Iterator[tuple[str, str, bool, Way]]:
    """Every interface that a broadcast from this one passes, each with the way to it: device, interface, going out or coming
    in.

    Through tunnels it is not followed.
    """
    def cable(of: Link, way: Way) -> Iterator[tuple[str, str, bool, Way]]:
        if of.peer is None:
            return
        far = space(of.peer.namespace)
        came = (*way, (far.name, of.peer.link, False, False))
        yield far.name, of.peer.link, False, came
        end = far.links[of.peer.link]
        if end.master and len(way) < _LONGEST:
            yield from switch(far, end.master, of.peer.link, came)

    def switch(ns: Namespace, bridge: str, port: str, way: Way) -> Iterator[tuple[str, str, bool, Way]]:
        for other in reversed(ns.ports(bridge)):  # Linux begins with the port that was plugged in last
            if (other.name != port or other.hairpin) and other.peer is not None:
                out = (*way, (ns.name, bridge, False, True), (ns.name, other.name, True, False))
                yield ns.name, other.name, True, out
                yield from cable(other, out)
        yield ns.name, bridge, False, (*way, (ns.name, bridge, False, False))

    if link.kind == "bridge":
        for port in reversed(space(device).ports(link.name)):
            if port.peer is not None:
                way = ((device, port.name, True, False),)
                yield device, port.name, True, way
                yield from cable(port, way)
    else:
        yield from cable(link, ())
