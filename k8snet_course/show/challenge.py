"""Challenge mode: what happens next?  One right choice, and wrong ones with the reason why they are wrong.

Questions are computed from a trace alone.  The wrong choices are the rows that lost, and what other devices would do
here but this one does not; each comes with the reason that the trace's own rows give.  The same trace gives the same
questions in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from k8snet_course.linux.trace import Action, Candidate, Hop, Step, Trace
from k8snet_course.show.phrases import (
    asks,
    floods,
    goes_up,
    is_own,
    knows,
    no_row,
    out_of,
    phrase,
    port_of,
    refuses,
    rewrites,
    route_wins,
    rule_decides,
    sends_on,
    short,
    short_rule,
    takes,
    was_known,
    wraps,
    wraps_to,
)

MOST_CHOICES = 4
_WORDS = frozenset({"a", "first", "for", "its", "no", "none", "nothing", "of", "only", "the", "there"})
"""What a reason may begin with that is no name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose; ``why`` says why it is wrong, or confirms it."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a learner is asked before a step is shown, and the choices in a fixed order."""

    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class _Moment:
    """A step with what came before it."""

    hop: Hop
    step: Step
    before: Step
    route: Step | None
    later: tuple[Step, ...]

    @property
    def name(self) -> str:
        return self.hop.label

    @property
    def where(self) -> str:
        return self.step.link or self.name

    @property
    def dst(self) -> str:
        return self.step.packet.dst


def questions(trace: Trace) -> tuple[Question | None, ...]:
    """For each step the question before it; None before the first, which is given.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> first, second, *_ = questions(cluster.send("frontend", "backend"))
    >>> first is None, second.text
    (True, 'The packet is in frontend. What does frontend do next?')
    >>> [choice.right for choice in second.choices].count(True)
    1
    """
    found: list[Question | None] = []
    before: Step | None = None
    last_hop: Hop | None = None
    for hop in trace.hops:
        route: Step | None = None
        for number, step in enumerate(hop.steps):
            if before is None:
                found.append(None)
            else:
                moment = _Moment(hop, step, before, route, hop.steps[number + 1 :])
                found.append(_question(moment, hop is not last_hop, last_hop))
            route = step if step.action is Action.ROUTE else route
            before, last_hop = step, hop
    return tuple(found)


def _question(moment: _Moment, arrives: bool, last: Hop | None) -> Question:
    name = moment.name
    if arrives and last is not None:
        way = f"leaves {last.label} by {last.egress} and comes in at {moment.hop.ingress} of {name}"
        text = f"The packet {way}. What happens there?"
    else:
        text = f"The packet is in {name}. What does {name} do next?"
    right = Choice(phrase(moment.hop, moment.step), True, _sentence(moment.step.why))
    wrong: dict[str, Choice] = {}
    for said, why in _wrong(moment):
        if said != right.text and said not in wrong:
            wrong[said] = Choice(said, False, _sentence(why))
    choices = [right, *list(wrong.values())[: MOST_CHOICES - 1]]
    order = {choice: hashlib.sha256((text + choice.text).encode()).digest() for choice in choices}
    return Question(text, tuple(sorted(choices, key=lambda choice: order[choice])))


def _sentence(text: str) -> str:
    """With a capital, except where the first word is a name, such as cni0 or node-1."""
    first = text.partition(" ")[0]
    return (text[:1].upper() + text[1:] if first in _WORDS else text) + ("" if text.endswith(".") else ".")


def _losers(step: Step) -> list[Candidate]:
    return [candidate for candidate in step.candidates if not candidate.won]


# -- what does not happen, and why --


def _wrong(moment: _Moment) -> Iterator[tuple[str, str]]:
    """Wrong choices with their reasons, the most tempting first."""
    match moment.step.action:
        case Action.ROUTE:
            yield from _not_routed(moment)
        case Action.RESOLVE:
            yield from _not_resolved(moment)
        case Action.BRIDGE:
            yield from _not_bridged(moment)
        case Action.DELIVER:
            yield from _not_delivered(moment)
        case Action.DROP:
            yield from _not_dropped(moment)
        case Action.ENCAPSULATE:
            yield from _not_wrapped(moment)
        case Action.DECAPSULATE:
            yield from _not_unwrapped(moment)
        case Action.TRANSLATE:
            yield from _not_translated(moment)
        case Action.FILTER:
            yield from _not_filtered(moment)
    yield from _never_here(moment)


def _not_routed(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, step = moment.name, moment.step
    for loser in _losers(step):
        row, winner = short(loser.row), short(step.matched)
        if loser.matched:
            because = f"of '{row}', {loser.why}, and of all rows that match the longest prefix wins: '{winner}'"
        else:
            because = f"'{row}' {loser.why} the address {moment.dst}"
        yield route_wins(name, loser.row), because
    link = step.link or "eth0"
    first = f"first the routing table says out of which interface, and whether {moment.dst} is on that wire at all"
    yield asks(name, link, moment.dst), f"{first}; only then a MAC address is needed"
    if step.matched:
        yield no_row(name), f"'{short(step.matched)}' matches {moment.dst}"


def _not_resolved(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, step = moment.name, moment.step
    address = step.looked_up.rpartition(" ")[2]
    if was_known(step):
        yield asks(name, step.link, address), f"there is no need: its neighbour table has the row '{step.matched}'"
    else:
        yield (
            knows(name, address),
            f"its neighbour table has no row for {address} on {step.link} yet, so it must ask",
        )
    if address != moment.dst:
        carries = (
            f"the route hands the packet to the router {address}, so the frame must carry that router's MAC address"
        )
        yield asks(name, step.link, moment.dst), f"{carries}; {moment.dst} is not on this wire"
    elif moment.route is not None:
        for loser in _losers(moment.route):
            gateway = loser.row.partition(" via ")[2].partition(" ")[0]
            if gateway:
                yield (
                    asks(name, step.link, gateway),
                    f"the route that won names no router: {moment.dst} is on this wire and is asked for directly",
                )
    everybody = "33:33:00:00:00:01" if ":" in moment.dst else "ff:ff:ff:ff:ff:ff"
    yield (
        f"{name} sends the packet to the MAC address {everybody}, so that everybody gets it",
        "only the question who has an address goes to everybody; the packet itself goes to one MAC address",
    )


def _not_bridged(moment: _Moment) -> Iterator[tuple[str, str]]:
    step, bridge = moment.step, moment.step.link
    yield (
        f"{bridge} reads the IP address {moment.dst}, looks for a route and lowers the {step.packet.ttl_name}",
        f"the bridge reads MAC addresses, never IP addresses: it only looks for {step.looked_up}",
    )
    if is_own(step):
        yield floods(bridge), f"{step.looked_up} is {bridge}'s own MAC address, so nobody else needs the frame"
    elif step.matched:
        for loser in _losers(step):
            because = f"the row '{loser.row}' is for {loser.why}, not for {step.looked_up}"
            yield out_of(bridge, port_of(loser.row)), because
        yield floods(bridge), f"a bridge floods only what it does not know, and it has the row '{step.matched}'"
        yield goes_up(bridge), f"{step.looked_up} is not {bridge}'s own MAC address"
    else:
        unknown = f"a bridge that has not learnt an address floods the frame; it has no row for {step.looked_up}"
        yield f"{bridge} drops the frame", unknown
        yield goes_up(bridge), f"{step.looked_up} is not {bridge}'s own MAC address"


def _not_delivered(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, step, packet = moment.name, moment.step, moment.step.packet
    yield sends_on(name), f"{packet.dst} is {name}'s own address: nothing is sent on"
    if packet.dst_port:
        waits = "the program that began the conversation waits there for this answer"
        there = f"'{step.matched}' is there" if step.matched else waits
        yield refuses(name, f"{packet.protocol} port {packet.dst_port}"), there
    for loser in _losers(step):
        yield takes(name, loser.row.rpartition(" ")[2]), f"'{loser.row}': {loser.why}"


def _not_dropped(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, step = moment.name, moment.step
    if step.looked_up:
        for loser in _losers(step):
            yield takes(name, loser.row.rpartition(" ")[2]), f"'{loser.row}' does not take it: {loser.why}"
        yield sends_on(name), f"{moment.dst} is {name}'s own address: nothing is sent on"
        told = "Linux tells the sender that nobody listens: by RST for TCP, by ICMP for UDP"
        yield f"{name} throws the packet away and says nothing", told
    else:
        yield f"{moment.where} sends the packet on", step.why
        yield f"{name} takes the packet: it is the end of the way", step.why


def _not_wrapped(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, link, outer = moment.name, moment.step.link, moment.step.packet
    inner = outer.carried or outer
    yield (
        wraps_to(link, outer.src, inner.dst),
        (
            f"the outer packet goes to the machine at the other end of the tunnel, {outer.dst}: "
            f"nobody between the machines knows a way to {inner.dst}"
        ),
    )
    yield (
        rewrites(name, [("source", inner.src, outer.src), ("destination", inner.dst, outer.dst)]),
        f"a tunnel rewrites nothing: the packet {inner.src} -> {inner.dst} goes inside as it is",
    )
    yield (
        f"{name} sends the packet out of {link} as it is",
        f"no cable is plugged into {link}: what leaves by a tunnel travels inside a packet from {outer.src} to {outer.dst}",
    )


def _not_unwrapped(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, link, outer, inner = moment.name, moment.step.link, moment.before.packet, moment.step.packet
    yield (
        f"{name} sends the packet on as it is, still wrapped, towards {inner.dst}",
        f"the outer packet is addressed to {outer.dst}, {name}'s own address, so its way ends here",
    )
    door = f"{outer.protocol} port {outer.dst_port}" if outer.dst_port else f"protocol {outer.protocol}"
    yield refuses(name, door), f"the tunnel {link} takes what comes in for {door}: no program is needed"
    yield (
        rewrites(name, [("source", outer.src, inner.src), ("destination", outer.dst, inner.dst)]),
        f"nothing is rewritten: the packet {inner.src} -> {inner.dst} was inside all the time",
    )


def _not_translated(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, step, before = moment.name, moment.step, moment.before.packet
    rule = short_rule(step.matched)
    remembered = f"{name} rewrote this connection's first packet, so it writes its answers back"
    because = f"the rule '{rule}' matches, so the packet is rewritten" if rule else remembered
    fields = {change.field for change in step.changed}
    after = step.packet
    other, old, new = ("source", before.src, after.dst) if "destination" in fields else ("destination", before.dst, after.src)
    target = rule.rpartition("-j ")[2].partition(" ")[0]
    changed = " and ".join(f"the {change.field}" for change in step.changed)
    done = f"{target} rewrites {changed}" if target else f"the answer to a rewritten packet gets back {changed}"
    yield rewrites(name, [(other, old, new)]), f"{done}, and the {other} stays as it is"
    yield f"{name} sends the packet on with both addresses as they are", because
    if before.dst != after.dst:
        yield f"{name} takes the packet: it is the end of the way", because
    for loser in _losers(step):
        if not loser.matched and "-j RETURN" not in loser.row:
            yield f"{name} reads the rule '{short_rule(loser.row)}', and it decides", f"the rule has no say: {loser.why}"


def _not_filtered(moment: _Moment) -> Iterator[tuple[str, str]]:
    name, step = moment.name, moment.step
    denied = bool(moment.later) and moment.later[0].action is Action.DROP
    for loser in _losers(step):
        yield rule_decides(name, loser.row), f"'{loser.row}' does not decide: {loser.why}"
    if denied:
        because = f"the rule '{step.matched}' matches, and it does not let the packet pass" if step.matched else step.why
        yield f"{name} lets the packet pass", because
    else:
        yield f"{name} drops the packet", step.why
    yield (
        f"{name} asks its routing table again, because of its filter rules",
        "a filter rule lets a packet pass or stops it: the route stays as it is",
    )
    yield (
        f"{name} rewrites the packet's addresses, because of its filter rules",
        "a filter rule lets a packet pass or stops it: addresses are rewritten by NAT rules only",
    )


def _never_here(moment: _Moment) -> Iterator[tuple[str, str]]:
    """What other devices do, and this one does not do at this moment: to fill up."""
    name, step, packet = moment.name, moment.step, moment.step.packet
    ends = (Action.DELIVER, Action.DROP, Action.DECAPSULATE, Action.TRANSLATE, Action.FILTER)
    to_come = {one.action for one in moment.later}
    if step.action not in ends:
        yield f"{name} takes the packet: it is the end of the way", f"{packet.dst} is not {name}'s own address"
    if Action.TRANSLATE not in (step.action, *to_come) and packet.src == moment.before.packet.src:
        yield (
            f"{name} puts its own address in place of the source address {packet.src}",
            f"no rule here rewrites addresses: the packet stays {packet.src} -> {packet.dst}",
        )
    if step.action is Action.ENCAPSULATE:
        return
    if Action.ENCAPSULATE in to_come:
        why = f"{name} will wrap it, but not yet: the tunnel must first know to whom"
    elif moment.before.packet.inner is not None:
        why = "the packet is wrapped already, and one packet around it is enough"
    else:
        why = f"{name} uses no tunnel here: the packet itself goes on, as it is"
    yield wraps(name), why
