"""Is this connection allowed, which policy and rule decided, and why did the others not?

:func:`decide` is the plain definition: it looks at every policy.  For the packets of a whole cluster,
:mod:`k8snet_course.policy.compiled` gives the same answers faster.

A decision is about the first packet of a connection; answers to an allowed one pass.  The destination is judged as the packet
has it when the policy looks: for a Service that is the pod and its own port, after the address has been rewritten.  ICMP has
no port (0): only rules without ports allow it.  All this holds on one condition, that the plugin enforces policies
(:mod:`k8snet_course.policy.enforcement`).

Source: "Network Policies" in the Kubernetes documentation; networking.k8s.io/v1; policy.networking.k8s.io/v1alpha2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.trace import Candidate, Verdict
from k8snet_course.objects.cluster_network_policy import ADMIN, PASS, ClusterNetworkPolicy
from k8snet_course.objects.network_policy import EGRESS, INGRESS, PROTOCOLS
from k8snet_course.policy.enforcement import STANDARD, Enforcement
from k8snet_course.policy.party import Party
from k8snet_course.policy.rules import Policy, PolicyRule, applies, described_traffic, rules_of
from k8snet_course.policy.ruling import EXEMPT, NAMESPACED, Ruling, Selecting, exemption, why_exempt


@dataclass(frozen=True, slots=True)
class SideDecision:
    """What was decided at one end: ``direction`` Egress (at the source) or Ingress (at the destination).

    ``tier`` says who decided: Admin, NetworkPolicy, Baseline, default (no policy spoke) or exempt (none was asked).  ``policy``
    and ``rule`` are the policy and the index of its rule; None and -1 where no rule did.  ``selecting`` are the policies that
    select the pod, and ``candidates`` all their rules, the winner marked, each with why it did or did not match.
    """

    direction: str
    allowed: bool
    tier: str
    reason: str
    policy: Policy | None = None
    rule: int = -1
    selecting: tuple[Policy, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    def __str__(self) -> str:
        return f"{self.direction.lower()} {'allowed' if self.allowed else 'denied'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a connection is allowed: both sides, of which both must allow it.  The egress side is asked first.

    >>> from k8snet_course.objects.network_policy import NetworkPolicy
    >>> from k8snet_course.objects.pod import Pod
    >>> web, db = (Party.of_pod(Pod(name, "node-1", ip)) for name, ip in (("web", "10.244.0.2"), ("db", "10.244.0.3")))
    >>> print(decide(web, db, "TCP", 5432, [NetworkPolicy("deny-all")]))
    denied_ingress: NetworkPolicy deny-all isolates pod db for ingress, and no rule allows TCP 5432 from pod web
    >>> print(decide(web, db, "TCP", 5432, []))
    allowed: no policy selects pod web for egress, and no policy selects pod db for ingress
    """

    source: Party
    destination: Party
    protocol: str
    port: int
    egress: SideDecision
    ingress: SideDecision

    @property
    def allowed(self) -> bool:
        """Whether both sides allow it."""
        return self.egress.allowed and self.ingress.allowed

    @property
    def verdict(self) -> Verdict | None:
        """How a packet's walk ends here: denied_egress or denied_ingress; None where it goes on."""
        if not self.egress.allowed:
            return Verdict.DENIED_EGRESS
        return None if self.ingress.allowed else Verdict.DENIED_INGRESS

    @property
    def deciding(self) -> SideDecision:
        """The side that decided: the one that denied it (egress, if both did), else the one where a policy spoke."""
        if not self.egress.allowed:
            return self.egress
        if not self.ingress.allowed or self.ingress.policy is not None:
            return self.ingress
        return self.egress if self.egress.policy is not None else self.ingress

    @property
    def reason(self) -> str:
        """One sentence: what the denying side says, or what both say."""
        return f"{self.egress.reason}, and {self.ingress.reason}" if self.allowed else self.deciding.reason

    def __str__(self) -> str:
        return f"{self.verdict or 'allowed'}: {self.reason}"


def decide(source: Party, destination: Party, protocol: str, port: int, policies: Iterable[Policy],
           enforcement: Enforcement = STANDARD) -> Decision:
    """Judge a new connection from ``source`` to ``port`` of ``destination`` by policies of both kinds, in any order.

    ``protocol`` is TCP, UDP, SCTP or ICMP; with ICMP the port is 0.  Raises InvalidArgument.
    """
    check_traffic(protocol, port)
    held = tuple(policies)

    def selecting(direction: str, pod: Party) -> Selecting:
        return Selecting.of((policy for policy in held if _enforced(policy, enforcement) and applies(policy, pod, direction)),
                            lambda policy: rules_of(policy, direction, enforcement))

    return decision(source, destination, protocol, port, selecting, enforcement)


def decision(source: Party, destination: Party, protocol: str, port: int, selecting: Callable[[str, Party], Selecting],
             enforcement: Enforcement) -> Decision:
    """Both sides, given a way to find the policies that select a pod for a direction."""
    return Decision(source, destination, protocol, port,
                    explain(EGRESS, source, destination, protocol, port, selecting(EGRESS, source), enforcement),
                    explain(INGRESS, destination, source, protocol, port, selecting(INGRESS, destination), enforcement))


def explain(direction: str, pod: Party, peer: Party, protocol: str, port: int, selecting: Selecting,
            enforcement: Enforcement = STANDARD) -> SideDecision:
    """One side in words: ``pod`` at this end, ``peer`` at the other, ``selecting`` the policies that select the pod."""
    if exemption(pod, peer, enforcement) is not None:
        rules = (*selecting.admin, *selecting.allows, *selecting.baseline)
        return SideDecision(direction, True, EXEMPT, why_exempt(direction, pod, peer, enforcement), None, -1,
                            selecting.policies, tuple(Candidate(str(rule), False, False, "not asked") for rule in rules))
    asked = _Asked(direction, pod, peer, protocol, port)
    ruling = selecting.judge(peer, protocol, port, asked.destination)
    policy, index = (ruling.rule.policy, ruling.rule.index) if ruling.rule is not None else (None, -1)
    return SideDecision(direction, ruling.allowed, ruling.tier, asked.reason(selecting, ruling), policy, index,
                        selecting.policies, tuple(asked.candidates(selecting, ruling)))


def why(direction: str, pod: Party, peer: Party, protocol: str, port: int, selecting: Selecting,
        enforcement: Enforcement = STANDARD) -> str:
    """The sentence of :func:`explain` alone, without a word about rules that did not decide."""
    if exemption(pod, peer, enforcement) is not None:
        return why_exempt(direction, pod, peer, enforcement)
    asked = _Asked(direction, pod, peer, protocol, port)
    return asked.reason(selecting, selecting.judge(peer, protocol, port, asked.destination))


def check_traffic(protocol: str, port: int) -> None:
    """Refuse what cannot be asked.  Raises InvalidArgument.

    >>> check_traffic("TCP", 5432)
    """
    if protocol not in (*PROTOCOLS, "ICMP"):
        raise InvalidArgument(protocol, f"the protocol {', '.join(PROTOCOLS)} or ICMP", "write 'TCP'")
    if not isinstance(port, int) or isinstance(port, bool) or not (port == 0 if protocol == "ICMP" else 1 <= port <= 65535):
        raise InvalidArgument(port, "the port 0 with ICMP" if protocol == "ICMP" else "a port from 1 to 65535",
                              "write 0" if protocol == "ICMP" else "write the pod's own port, such as 5432")


def _enforced(policy: Policy, enforcement: Enforcement) -> bool:
    return enforcement.cluster_policies or not isinstance(policy, ClusterNetworkPolicy)


class _Asked(NamedTuple):
    """One side's question, and how to put its answer into words."""

    direction: str
    pod: Party
    peer: Party
    protocol: str
    port: int

    @property
    def destination(self) -> Party:
        return self.pod if self.direction == INGRESS else self.peer

    def reason(self, selecting: Selecting, ruling: Ruling) -> str:
        traffic, word = described_traffic(self.direction, self.peer, self.protocol, self.port), self.direction.lower()
        if ruling.rule is not None:
            policy = ruling.rule.policy
            verb = "allows" if ruling.allowed else "denies"
            return f"{ruling.rule.place} of {type(policy).__name__} {policy.label} {verb} {traffic}"
        if ruling.tier == NAMESPACED:
            names = [policy.label for policy in selecting.isolating]
            few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            who, verb = ("NetworkPolicy", "isolates") if len(names) == 1 else ("NetworkPolicies", "isolate")
            return f"{who} {few} {verb} {self.pod} for {word}, and no rule allows {traffic}"
        if selecting.policies:
            return f"no rule of the policies that select {self.pod} for {word} decides about {traffic}"
        return f"no policy selects {self.pod} for {word}"

    def candidates(self, selecting: Selecting, ruling: Ruling) -> Iterator[Candidate]:
        """Every rule in reading order, those that were not read too."""
        yield from self._tier(selecting.admin, "")
        decided = "it is decided already"
        yield from self._allows(selecting, ruling, decided if ruling.tier == ADMIN else "")
        yield from self._tier(selecting.baseline, decided if ruling.tier in (ADMIN, NAMESPACED) else "")

    def _tier(self, rules: tuple[PolicyRule, ...], over: str) -> Iterator[Candidate]:
        """The rules of a tier, of which the first that matches ends the reading; ``over`` says why it has ended."""
        for rule in rules:
            if over:
                yield Candidate(str(rule), False, False, f"not read: {over}")
            elif not self._matches(rule):
                yield self._loser(rule)
            elif rule.action == PASS:
                over = "an earlier rule passed"
                yield Candidate(str(rule), True, False, "passes to the next tier")
            else:
                over = "it is decided already"
                yield Candidate(str(rule), True, True, "decides")

    def _allows(self, selecting: Selecting, ruling: Ruling, over: str) -> Iterator[Candidate]:
        """The rules of NetworkPolicies, of which one suffices."""
        for policy in selecting.isolating:
            if not policy.rules(self.direction):
                why = f"not read: {over}" if over else "isolates, and allows nothing"
                yield Candidate(f"{policy.label}: no {self.direction.lower()} rules", False, False, why)
        for rule in selecting.allows:
            if over:
                yield Candidate(str(rule), False, False, f"not read: {over}")
            elif not self._matches(rule):
                yield self._loser(rule)
            else:
                won = rule is ruling.rule
                yield Candidate(str(rule), True, won, "decides" if won else "would allow it too")

    def _matches(self, rule: PolicyRule) -> bool:
        return rule.matches(self.peer, self.protocol, self.port, self.destination)

    def _loser(self, rule: PolicyRule) -> Candidate:
        return Candidate(str(rule), False, False, rule.why_not(self.peer, self.protocol, self.port, self.destination))
