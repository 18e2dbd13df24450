"""What became of one probe, in the same words for real Linux and for the model, so that the two can be compared.

The sender can tell five things apart: an answer, a refusal (a TCP reset or ICMP's "port unreachable"), that its packet is too
big, another error (its own system's, or ICMP's from a router), and silence.  Who got the packet, from whom it seemed to come
and with which TTL is seen where it arrived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Trace, Verdict


class Outcome(StrEnum):
    """What the sender of a probe notices.

    >>> Outcome("no answer") is Outcome.NO_ANSWER
    True
    """

    DELIVERED = "delivered"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TOO_BIG = "too big"
    NO_ANSWER = "no answer"


_BY_RULES = (Verdict.DENIED_EGRESS, Verdict.DENIED_INGRESS, Verdict.NO_ENDPOINTS)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one probe.

    ``verdict`` is what the sender noticed.  The rest is empty (0) unless the packet arrived at a device that answered it:
    ``reached`` is that device, ``source_seen`` the address it seemed to come from there, ``ttl`` its TTL on arrival, ``path``
    the devices on its way, and ``encapsulated`` the outer headers that it had on the way, such as
    ``VXLAN 192.168.1.2 -> 192.168.1.3``.  A sender whose packet is too big is told by an ``mtu`` what would have passed.

        >>> print(Sent("a", "b", "TCP", 80, Outcome.DELIVERED, "b", "10.244.0.2", 64, ("a", "node-1", "b")))
        a -> b TCP 80: delivered; b saw 10.244.0.2 and TTL 64; by a, node-1, b
        >>> print(Sent("a", "c", "ICMP", 0, Outcome.NO_ANSWER))
        a -> c ICMP: no answer
    """

    source: str
    target: str
    protocol: str
    port: int
    verdict: Outcome
    reached: str = ""
    source_seen: str = ""
    ttl: int = 0
    path: tuple[str, ...] = ()
    encapsulated: tuple[str, ...] = ()
    mtu: int = 0

    @property
    def arrived(self) -> bool:
        """Whether a device took the packet for its own and answered, whatever became of the answer."""
        return bool(self.reached)

    def __str__(self) -> str:
        port = f" {self.port}" if self.port else ""
        seen = f"; {self.reached} saw {self.source_seen} and TTL {self.ttl}; by {', '.join(self.path)}" if self.reached else ""
        outer = f"; in {', '.join(self.encapsulated)}" if self.encapsulated else ""
        told = f" for {self.mtu} bytes" if self.mtu else ""
        return f"{self.source} -> {self.target} {self.protocol}{port}: {self.verdict}{told}{seen}{outer}"


def modelled(trace: Trace, source: str, target: str, protocol: str, port: int) -> Sent:
    """What the model says of the same probe.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("a"), cluster.add_pod("b")
    >>> print(modelled(cluster.send("a", "b", 81), "a", "b", "TCP", 81))
    a -> b TCP 81: refused; b saw 10.244.0.2 and TTL 64; by a, node-1, b
    """
    if trace.hops[-1].packet.inner is not None:  # a tunnel's packet was refused: what is in it arrived nowhere
        return Sent(source, target, protocol, port, Outcome.NO_ANSWER)
    verdict = _noticed(trace)
    if trace.verdict not in (Verdict.DELIVERED, Verdict.REFUSED, Verdict.ADDRESS_CONFLICT):
        return Sent(source, target, protocol, port, verdict, mtu=_mtu_told(trace) if verdict is Outcome.TOO_BIG else 0)
    last = trace.hops[-1]
    packet = last.packet
    return Sent(source, target, protocol, port, verdict, last.label, packet.src, packet.ttl,
                without_repetition(hop.label for hop in trace.hops), _outer(trace))


def _noticed(trace: Trace) -> Outcome:
    reply = trace.reply
    if reply is None:
        if len(trace.hops) > 1 or trace.delivered:
            return Outcome.NO_ANSWER
        filters = [step for step in trace.hops[0].steps if step.action is Action.FILTER]
        if filters and trace.verdict in _BY_RULES:
            return Outcome.REFUSED if filters[-1].why.endswith("says REJECT") else Outcome.NO_ANSWER
        last = trace.hops[0].steps[-1]
        if trace.verdict is Verdict.TOO_BIG:
            return Outcome.NO_ANSWER if last.action is Action.DROP else Outcome.TOO_BIG
        rewritten = any(change.field == "destination" for step in trace.hops[0].steps for change in step.changed)
        if rewritten and trace.packet.protocol == "TCP" and trace.verdict is Verdict.NO_ROUTE:
            return Outcome.NO_ANSWER  # its first way was there: TCP takes what comes later for a loss, and tries again
        silent = last.action is Action.DROP and not any(step.matched.startswith("blackhole") for step in trace.hops[0].steps)
        return Outcome.NO_ANSWER if silent else Outcome.UNREACHABLE  # in Linux even a blackhole tells programs of its own
    if not reply.delivered:
        return Outcome.NO_ANSWER
    return told_by(reply.packet)


def told_by(answer: Packet) -> Outcome:
    """What an answer tells the sender.

    >>> str(told_by(Packet("10.244.0.3", "10.244.0.2", "TCP", 80, 40000, kind="RST")))
    'refused'
    """
    if answer.kind == "RST" or answer.kind == "port unreachable":
        return Outcome.REFUSED
    if answer.kind.startswith(("fragmentation needed", "packet too big")):
        return Outcome.TOO_BIG
    return Outcome.UNREACHABLE if answer.is_icmp_error else Outcome.DELIVERED


def _mtu_told(trace: Trace) -> int:
    """The MTU that the sender is told: by a router in ICMP's words, or by its own system, which names its interface's."""
    words = trace.reply.packet.kind if trace.reply is not None else trace.reason.replace(" takes ", " mtu ")
    found = re.search(r" mtu (\d+)", words)
    return int(found[1]) if found else 0


def _outer(trace: Trace) -> tuple[str, ...]:
    wraps = (step.packet for _, step in trace.steps() if step.action is Action.ENCAPSULATE)
    return tuple(f"{(packet.kind.split() or [packet.protocol])[0]} {packet.src} -> {packet.dst}" for packet in wraps)


def without_repetition(names: Iterable[str]) -> tuple[str, ...]:
    """The names in order, each once where it stands several times in a row.

    >>> without_repetition(["a", "node-1", "node-1", "a"])
    ('a', 'node-1', 'a')
    """
    found: list[str] = []
    for name in names:
        if not found or found[-1] != name:
            found.append(name)
    return tuple(found)
