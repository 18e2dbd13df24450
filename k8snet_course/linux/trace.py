"""A packet's walk as a value: device, then steps, then one verdict.

A :class:`Trace` is the single thing that the course shows and checks: its text, its pictures, the widget and the exercises
all read it, and none of them decides anything.  It records what the tables said, *with the rows that lost*, and it never
computes a route itself: that is :mod:`k8snet_course.linux.forward`.

The two levels (device, then steps) follow Batfish's traces and Antrea's Traceflow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from k8snet_course.linux.packet import Packet

if TYPE_CHECKING:
    import pandas


class Action(StrEnum):
    """What a device does with a packet in one step."""

    ORIGINATE = "originate"
    BRIDGE = "bridge"
    ROUTE = "route"
    RESOLVE = "resolve"
    ENCAPSULATE = "encapsulate"
    DECAPSULATE = "decapsulate"
    TRANSLATE = "translate"
    FILTER = "filter"
    DELIVER = "deliver"
    DROP = "drop"


class Verdict(StrEnum):
    """How a packet's walk ended: one of a closed list.

    >>> Verdict("delivered") is Verdict.DELIVERED
    True
    """

    DELIVERED = "delivered"
    NO_ROUTE = "no_route"
    NO_NEIGHBOUR = "no_neighbour"
    ADDRESS_CONFLICT = "address_conflict"
    DENIED_EGRESS = "denied_egress"
    DENIED_INGRESS = "denied_ingress"
    NO_ENDPOINTS = "no_endpoints"
    REFUSED = "refused"
    TOO_BIG = "too_big"
    TTL_EXCEEDED = "ttl_exceeded"
    NO_SUCH_NAME = "no_such_name"


class Candidate(NamedTuple):
    """One row of a table that a step looked at: did it match, did it win, and why.

    >>> print(Candidate("default via 10.244.0.1 dev eth0", matched=True, won=False, why="/0 matches, but is shorter"))
      default via 10.244.0.1 dev eth0   (/0 matches, but is shorter)
    """

    row: str
    matched: bool
    won: bool
    why: str = ""

    def __str__(self) -> str:
        return f"{'*' if self.won else ' '} {self.row}" + (f"   ({self.why})" if self.why else "")


class Change(NamedTuple):
    """One thing that a step changed: a header field, or a row that a table learnt (``old`` is empty then).

    >>> print(Change("TTL", "64", "63"))
    TTL: 64 -> 63
    >>> print(Change("frontend neighbour 10.244.0.3", "", "0a:58:0a:f4:00:03"))
    frontend neighbour 10.244.0.3: new 0a:58:0a:f4:00:03
    """

    field: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.field}: {self.old} -> {self.new}" if self.old else f"{self.field}: new {self.new}"


class Told(NamedTuple):
    """What a step has to tell: ``why`` is one sentence, ``looked_up`` the question that was put to a table, ``candidates`` the
    rows it was put to (in a large table the rows that matched, and ``others`` counts the rest), ``matched`` the row that won,
    ``changed`` what is different afterwards.
    """

    why: str
    looked_up: str = ""
    candidates: tuple[Candidate, ...] = ()
    others: int = 0
    matched: str = ""
    changed: tuple[Change, ...] = ()


class Step:
    """One thing that a device did to the packet.

    ``link`` is the interface where it happened, ``packet`` the packet as it left the step; the rest is what it tells (see
    :class:`Told`).  A walk costs little and its words cost much, so ``tell`` may be a function: it is called with the
    ``facts`` when somebody reads; they must be such as cannot change any more.

        >>> step = Step(Action.ROUTE, "eth0", Packet("10.244.0.2", "8.8.8.8"), lambda rows: Told(f"{rows} routes match"), (2,))
        >>> print(step)
        route at eth0: 2 routes match
    """

    __slots__ = ("_facts", "_tell", "action", "link", "packet")

    def __init__(self, action: Action, link: str, packet: Packet, tell: Told | Callable[..., Told],
                 facts: tuple[object, ...] = ()) -> None:
        self.action = action
        self.link = link
        self.packet = packet
        self._tell = tell
        self._facts = facts

    @property
    def told(self) -> Told:
        """All that it tells."""
        if not isinstance(self._tell, Told):
            self._tell, self._facts = self._tell(*self._facts), ()
        return self._tell

    @property
    def why(self) -> str:
        """One sentence."""
        return self.told.why

    @property
    def looked_up(self) -> str:
        """The question that was put to a table."""
        return self.told.looked_up

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The rows it was put to: in a small table all of them, in a large one those that matched."""
        return self.told.candidates

    @property
    def others(self) -> int:
        """How many rows are not among the candidates."""
        return self.told.others

    @property
    def matched(self) -> str:
        """The row that won."""
        return self.told.matched

    @property
    def changed(self) -> tuple[Change, ...]:
        """What is different afterwards."""
        return self.told.changed

    def _value(self) -> tuple[Action, str, Packet, Told]:
        return self.action, self.link, self.packet, self.told

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def __reduce__(self) -> tuple[type[Step], tuple[Action, str, Packet, Told]]:
        return Step, self._value()

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"{self.action} at {self.link}: {self.why}" if self.link else f"{self.action}: {self.why}"


class Hop:
    """One device (network namespace) that the packet visited, and what it did there.

    ``kind`` is pod, node, switch, router or laptop; ``ingress`` and ``egress`` are the interfaces where the packet came in and
    went out, empty where it began or ended.  ``steps`` are made from what the walk noted down when somebody first looks.

        >>> hop = Hop("default/web", "pod", "eth0", "", (Step(Action.DELIVER, "eth0", Packet("a", "b"), Told("it is for me")),))
        >>> print(hop, *hop.steps)
        pod web (eth0) deliver at eth0: it is for me
    """

    __slots__ = ("_noted", "_steps", "device", "egress", "ingress", "kind")

    def __init__(self, device: str, kind: str, ingress: str, egress: str, steps: tuple[Step, ...] = ()) -> None:
        self.device = device
        self.kind = kind
        self.ingress = ingress
        self.egress = egress
        self._steps = steps
        self._noted: list[Noted] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the device did, in order."""
        if self._noted:
            self._steps = (*self._steps, *[Step(*each) for each in self._noted])
            self._noted = []
        return self._steps

    @property
    def packet(self) -> Packet:
        """The packet after the last step here.  There is one: a device at least notes that a packet began or ended."""
        return self._noted[-1][2] if self._noted else self._steps[-1].packet

    def noting(self) -> list[Noted]:
        """Where a walk notes down what happens here, as the arguments of a step; it does so before anybody looks."""
        return self._noted

    @property
    def label(self) -> str:
        """The device's name as people say it: a pod of the namespace ``default`` goes without it."""
        return self.device.removeprefix("default/")

    def _value(self) -> tuple[str, str, str, str, tuple[Step, ...]]:
        return self.device, self.kind, self.ingress, self.egress, self.steps

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hop) and self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def __reduce__(self) -> tuple[type[Hop], tuple[str, str, str, str, tuple[Step, ...]]]:
        return Hop, self._value()

    def __repr__(self) -> str:
        return f"<Hop {self}: {len(self.steps)} steps>"

    def __str__(self) -> str:
        way = " -> ".join(name for name in (self.ingress, self.egress) if name)
        name = self.label if self.label.startswith(self.kind) else f"{self.kind} {self.label}"
        return name + (f" ({way})" if way else "")


Noted = tuple["Action", str, Packet, "Told | Callable[..., Told]", tuple[object, ...]]
"""What a step is made of."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A packet's whole walk: where it went, what decided, how it ended, and the answer's own walk.

    ``source`` and ``target`` are what was asked for; ``packet`` is as it was sent; ``reply`` is the walk of the answer (the
    SYN-ACK, the echo reply, the RST or the ICMP error), or None when nobody answered.  ``print(trace)`` gives the same text
    in every run.

    Whoever takes a connection may make another one for it, as a proxy does: ``then`` is the walk of that one.
    """

    source: str
    target: str
    packet: Packet
    hops: tuple[Hop, ...]
    verdict: Verdict
    reason: str
    reply: Trace | None = None
    then: Trace | None = field(default=None, repr=False)

    @property
    def connections(self) -> tuple[Trace, ...]:
        """This connection and those that were made for it, in order."""
        return (self,) if self.then is None else (self, *self.then.connections)

    @property
    def broken(self) -> Trace | None:
        """The first of the connections that did not come about, or None."""
        return next((one for one in self.connections if not one.is_up), None)

    @property
    def is_up(self) -> bool:
        """Whether this very connection came about: the packet arrived and its answer came home."""
        return self.delivered and self.reply is not None and self.reply.delivered

    @property
    def delivered(self) -> bool:
        """Whether the packet reached a program that takes it (the answer may still be lost: see ``answered``)."""
        return self.verdict is Verdict.DELIVERED

    @property
    def answered(self) -> bool:
        """Whether the packet arrived *and* its answer came home, in each connection: what a user calls "it works"."""
        return self.is_up and (self.then is None or self.then.answered)

    @property
    def nat(self) -> tuple[Change, ...]:
        """Every address or port that a NAT rule rewrote on the way there, in order."""
        return tuple(change for _, step in self.steps() if step.action is Action.TRANSLATE for change in step.changed)

    def steps(self) -> Iterator[tuple[Hop, Step]]:
        """Every step in order, each with the hop it belongs to."""
        for hop in self.hops:
            for step in hop.steps:
                yield hop, step

    def to_frame(self) -> pandas.DataFrame:
        """The walk as a pandas table, a row a step.  Raises nothing; needs pandas."""
        from k8snet_course import views

        frame: pandas.DataFrame = views.view("tables", "trace_frame")(self)
        return frame

    def __str__(self) -> str:
        several = self.connections
        if len(several) == 1:
            return "\n".join(_lines(self))
        return "\n\n".join("\n".join((f"Connection {number} of {len(several)}", *_lines(one)))
                           for number, one in enumerate(several, start=1))


def _lines(trace: Trace) -> list[str]:
    """One connection: its way there, and that of the answer."""
    lines = [f"{trace.source} -> {trace.target}: {trace.packet}", f"{trace.verdict}: {trace.reason}", *_walk_lines(trace)]
    if trace.reply is not None:
        lines += ["", f"The answer: {trace.reply.packet}", f"{trace.reply.verdict}: {trace.reply.reason}"]
        lines += _walk_lines(trace.reply)
    return lines


def _walk_lines(trace: Trace) -> list[str]:
    lines: list[str] = []
    for number, hop in enumerate(trace.hops, start=1):
        lines.append(f"{number:>2}  {hop}")
        for step in hop.steps:
            lines.append(f"      {step.action:<11} {step.why}")
            lines += [f"        {candidate}" for candidate in step.candidates]
            if step.others:
                lines.append(f"          and {step.others} more that do not match")
            lines += [f"        ~ {change}" for change in step.changed]
    return lines
