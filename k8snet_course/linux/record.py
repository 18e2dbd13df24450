"""What a walk writes down while it goes: hops, steps, and how it ended.

It decides nothing.  :mod:`~k8snet_course.linux.hooks` and :mod:`~k8snet_course.linux.forward` do, and write here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVarTuple

from k8snet_course.linux.conntrack import Conntrack
from k8snet_course.linux.fragments import Fragments
from k8snet_course.linux.namespace import Namespace, Network
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Hop, Noted, Told, Trace, Verdict

Facts = TypeVarTuple("Facts")
"""What a step tells about."""


class Record:
    """One walk in one direction, while it goes.

    ``intended`` is the device that the packet is meant for, if that is known; ``memory`` is what the devices remember of this
    exchange (connection tracking), by device; ``awaited`` says that this is an answer; ``seed`` decides what rules draw at
    random.  ``mark`` is the packet's mark, by which rules of one device talk to each other, and ``dnat`` whether this device
    has rewritten its destination; ``unmasked`` is a routed packet before its source was rewritten, as the door of a pod sees
    it (the plugins' rules stand in FORWARD); all three stay on the device.  ``wanted`` is the address that the packet is to
    reach, as far as NAT has said.  ``owner`` is the user id of the program that sends.
    """

    def __init__(self, network: Network, intended: str, memory: dict[str, Conntrack], awaited: bool, seed: int = 0) -> None:
        self.network = network
        self.intended = intended
        self.memory = memory
        self.awaited = awaited
        self.seed = seed
        self.owner = 0
        self.mark = 0
        self.dnat = False
        self.unmasked: Packet | None = None
        self.wanted = ""
        self.hops: list[Hop] = []
        self._noted: list[Noted] = []
        self.verdict: Verdict | None = None
        self.reason = ""
        self.end: Namespace | None = None
        self.answer: Packet | None = None
        self.conflict = ""
        self.fragments = Fragments()
        self.translated = False

    def trace(self, source: str, target: str, packet: Packet, reply: Trace | None) -> Trace:
        """The finished walk."""
        assert self.verdict is not None, "a walk always ends in a verdict"
        return Trace(source, target, packet, tuple(self.hops), self.verdict, self.reason, reply)

    def enter(self, ns: Namespace, ingress: str) -> None:
        """The packet is at another device."""
        hop = Hop(ns.name, ns.kind, ingress, "")
        self.hops.append(hop)
        self._noted = hop.noting()
        self.mark = 0
        self.dnat = False
        self.unmasked = None

    def step(self, action: Action, link: str, packet: Packet, tell: Callable[[*Facts], Told], *facts: *Facts) -> None:
        """The device did something; ``tell`` puts the ``facts`` into words when somebody reads them."""
        self._noted.append((action, link, packet, tell, facts))

    def tell(self, action: Action, link: str, packet: Packet, told: Told) -> None:
        """The same, with words that are known at once."""
        self._noted.append((action, link, packet, told, ()))

    def finish(self, verdict: Verdict, reason: str, ns: Namespace, answer: Packet | None) -> None:
        """The packet reached a device that has its address; ``answer`` is what that device says to it."""
        elsewhere = bool(self.intended) and ns.name != self.intended and (self.awaited or not self.translated)
        # A tunnel's packet, or an error about one, may be somebody else's from the start: that is no conflict.
        if elsewhere and self._both_have(ns):
            meant = self.network.namespace(self.intended).label
            verdict, reason = Verdict.ADDRESS_CONFLICT, (
                f"the packet was meant for {meant}, but ended at {ns.label}, which has the same address")
        elif elsewhere and self.awaited:
            verdict, reason = Verdict.REFUSED, f"the answer ended at {ns.label}, where nobody waits for it"
        elif self.conflict:
            verdict, reason = Verdict.ADDRESS_CONFLICT, f"{self.conflict}; this packet went to {ns.label}"
        self.verdict, self.reason, self.end, self.answer = verdict, reason, ns, answer

    def _both_have(self, ns: Namespace) -> bool:
        """Whether this device has the address that was wanted, and for an answer also the one that waits for it."""
        meant = self.network.namespace(self.intended)
        return ns.local_link(self.wanted) is not None and (not self.awaited or meant.local_link(self.wanted) is not None)

    def fail(self, ns: Namespace, packet: Packet, verdict: Verdict, reason: str, own: bool, icmp: str) -> None:
        """End here; unless the packet began here, tell its sender by ICMP (never about an ICMP error: RFC 1122, 3.2.2)."""
        tell = not own and not packet.is_icmp_error
        self.verdict, self.reason, self.end = verdict, reason, ns
        self.answer = packet.icmp_error(icmp) if tell else None

    def drop(self, ns: Namespace, link: str, packet: Packet, verdict: Verdict, reason: str) -> None:
        """End here, in silence."""
        self.tell(Action.DROP, link, packet, Told(reason))
        self.verdict, self.reason, self.end = verdict, reason, ns
