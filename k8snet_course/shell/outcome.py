"""What a program notices of a packet that it sent: an answer, an error, or nothing.

A program does not see the walk.  It sees an answer, an error of its own system, an ICMP error that somebody sent, or it waits
in vain; these are what a command's words follow from.

Source: connect(2), errno(3); glibc, musl (texts of error numbers); RFC 792, RFC 4443.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Trace, Verdict


class Noticed(StrEnum):
    """What the sender notices, by the name of the error number that a program gets for it."""

    OK = "OK"
    REFUSED = "ECONNREFUSED"
    HOST = "EHOSTUNREACH"
    NET = "ENETUNREACH"
    TOO_BIG = "EMSGSIZE"
    FORBIDDEN = "EPERM"
    INVALID = "EINVAL"
    SILENCE = "ETIMEDOUT"


_GLIBC = {
    Noticed.REFUSED: "Connection refused", Noticed.HOST: "No route to host", Noticed.NET: "Network is unreachable",
    Noticed.TOO_BIG: "Message too long", Noticed.FORBIDDEN: "Operation not permitted", Noticed.INVALID: "Invalid argument",
    Noticed.SILENCE: "Connection timed out",
}
_MUSL = _GLIBC | {
    Noticed.HOST: "Host is unreachable", Noticed.NET: "Network unreachable", Noticed.TOO_BIG: "Message too large",
    Noticed.SILENCE: "Operation timed out",
}


class Outcome(NamedTuple):
    """What the sender notices, who told it (``by``, an address; empty: its own system), and the packet that told it.

    ``mtu`` is how large a packet may be, where a router says so.
    """

    noticed: Noticed
    by: str = ""
    packet: Packet | None = None
    mtu: int = 0

    @property
    def ok(self) -> bool:
        """Whether there was an answer."""
        return self.noticed is Noticed.OK

    @property
    def local(self) -> bool:
        """Whether the sender's own system said it."""
        return self.packet is None and self.noticed not in (Noticed.OK, Noticed.SILENCE)

    def connect_error(self) -> Noticed:
        """What a program that opens a TCP connection is told: what no error of a packet explains ends in a time-out."""
        if self.packet is not None and self.packet.kind.startswith(("time exceeded", "fragmentation", "packet too big")):
            return Noticed.HOST if self.packet.kind.startswith("time") else Noticed.SILENCE
        return Noticed.SILENCE if self.noticed is Noticed.FORBIDDEN else self.noticed


def outcome(trace: Trace) -> Outcome:
    """What the sender of a packet notices.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("a"), cluster.add_pod("b")
    >>> [str(outcome(cluster.send("a", "b", port)).noticed) for port in (80, 81, None)]
    ['OK', 'ECONNREFUSED', 'OK']
    >>> str(outcome(cluster.send("a", "10.244.0.99")).noticed), str(outcome(cluster.send("internet", "10.244.0.2")).noticed)
    ('EHOSTUNREACH', 'ENETUNREACH')
    """
    reply = trace.reply
    if reply is None:
        return _own(trace)
    if not reply.delivered:
        return Outcome(Noticed.SILENCE)
    arrived = reply.hops[-1].packet
    kind = arrived.kind
    if kind == "RST":
        return Outcome(Noticed.REFUSED, arrived.src, arrived)
    if not arrived.is_icmp_error:
        return Outcome(Noticed.OK, arrived.src, arrived)
    for noticed, beginnings in ((Noticed.REFUSED, ("port unreachable",)),
                                (Noticed.NET, ("net unreachable", "no route to destination")),
                                (Noticed.TOO_BIG, ("fragmentation needed", "packet too big"))):
        if kind.startswith(beginnings):
            return Outcome(noticed, arrived.src, arrived, _mtu(kind))
    return Outcome(Noticed.HOST, arrived.src, arrived)


def _own(trace: Trace) -> Outcome:
    """What the sender's own system says when no answer came: nothing, unless the packet never left."""
    steps = trace.hops[0].steps
    if len(trace.hops) > 1 or trace.delivered or any(step.action is Action.ENCAPSULATE for step in steps):
        return Outcome(Noticed.SILENCE)
    if any(step.matched.startswith("blackhole") for step in steps):
        return Outcome(Noticed.INVALID)
    filters = [step for step in steps if step.action is Action.FILTER]
    if filters:
        return Outcome(Noticed.REFUSED if " REJECT" in filters[-1].matched else Noticed.FORBIDDEN)
    if trace.verdict is Verdict.NO_ROUTE and not any("eBPF" in step.why for step in steps):
        return Outcome(Noticed.NET)
    if trace.verdict is Verdict.TOO_BIG:
        return Outcome(Noticed.TOO_BIG)
    asked = steps[-1].action is not Action.DROP
    return Outcome(Noticed.HOST if trace.verdict is Verdict.NO_NEIGHBOUR and asked else Noticed.SILENCE)


def _mtu(kind: str) -> int:
    number = kind.rpartition("mtu ")[2]
    return int(number) if number.isdecimal() else 0


def error_text(noticed: Noticed, musl: bool = False) -> str:
    """The C library's text for an error number.

    >>> error_text(Noticed.HOST), error_text(Noticed.HOST, musl=True)
    ('No route to host', 'Host is unreachable')
    """
    return (_MUSL if musl else _GLIBC)[noticed]
