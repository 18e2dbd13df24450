"""In which order rules are read, and which one decides on one side of a connection.

    exempt           the plugin enforces nothing, the pod talks to itself, or the other end is its own node: allowed
    tier Admin       ClusterNetworkPolicies by priority, rules in order; the first that matches decides (Pass: go on below)
    NetworkPolicies  if one isolates the pod: allowed when any rule of any of them matches, else denied; reading ends
    tier Baseline    as Admin
    default          nothing decided: allowed

One side is a direction and the pod at that end: egress at the source, ingress at the destination.  Both must allow.

Source: "Network Policies" in the Kubernetes documentation; policy.networking.k8s.io/v1alpha2.  Of two ClusterNetworkPolicies
with the same priority either may be read first; here the names decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from k8snet_course.objects.cluster_network_policy import ACCEPT, ADMIN, BASELINE, PASS, ClusterNetworkPolicy
from k8snet_course.objects.network_policy import INGRESS, NetworkPolicy
from k8snet_course.policy.enforcement import Enforcement
from k8snet_course.policy.party import Party
from k8snet_course.policy.rules import Policy, PolicyRule

NAMESPACED, DEFAULT, EXEMPT = "NetworkPolicy", "default", "exempt"
"""Who decided, where it was no ClusterNetworkPolicy: NetworkPolicies, nobody, or no policy was asked."""


class Ruling(NamedTuple):
    """What was decided on one side: ``tier`` says who decided, and ``rule`` which rule (None: none did).

    ``tier`` is Admin, NetworkPolicy, Baseline, default (no policy spoke, so it is allowed) or exempt (no policy was asked).
    """

    allowed: bool
    tier: str
    rule: PolicyRule | None = None


_DEFAULT, _EXEMPT, _ISOLATED = Ruling(True, DEFAULT), Ruling(True, EXEMPT), Ruling(False, NAMESPACED)


@dataclass(frozen=True, slots=True)
class Selecting:
    """The policies that select one pod for one direction, with their rules in reading order.

    ``isolating`` are the NetworkPolicies and ``allows`` their rules; ``admin`` and ``baseline`` those of the tiers.
    """

    isolating: tuple[NetworkPolicy, ...] = ()
    allows: tuple[PolicyRule, ...] = ()
    admin: tuple[PolicyRule, ...] = ()
    baseline: tuple[PolicyRule, ...] = ()

    @classmethod
    def of(cls, policies: Iterable[Policy], rules: Callable[[Policy], tuple[PolicyRule, ...]]) -> Selecting:
        """From policies that select the pod, in any order.  ``rules`` gives a policy's rules for the direction."""
        tiers: dict[str, list[PolicyRule]] = {ADMIN: [], BASELINE: []}
        isolating: list[NetworkPolicy] = []
        cluster: list[ClusterNetworkPolicy] = []
        for policy in policies:
            if isinstance(policy, NetworkPolicy):
                isolating.append(policy)
            else:
                cluster.append(policy)
        isolating.sort(key=lambda policy: policy.name)
        for policy in sorted(cluster, key=reading_order):
            tiers[policy.tier] += rules(policy)
        return cls(tuple(isolating), tuple(rule for policy in isolating for rule in rules(policy)),
                   tuple(tiers[ADMIN]), tuple(tiers[BASELINE]))

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every policy that selects the pod for this direction, in reading order."""
        before = {id(rule.policy): rule.policy for rule in self.admin}
        after = {id(rule.policy): rule.policy for rule in self.baseline}
        return (*before.values(), *self.isolating, *after.values())

    def judge(self, peer: Party, protocol: str, port: int, destination: Party) -> Ruling:
        """What these policies say of a connection with ``peer``; its ``destination`` is the peer, or the pod itself."""
        if self.admin:
            decided = _first(self.admin, ADMIN, peer, protocol, port, destination)
            if decided is not None:
                return decided
        if self.isolating:
            for rule in self.allows:
                if rule.matches(peer, protocol, port, destination):
                    return Ruling(True, NAMESPACED, rule)
            return _ISOLATED
        if self.baseline:
            decided = _first(self.baseline, BASELINE, peer, protocol, port, destination)
            if decided is not None:
                return decided
        return _DEFAULT


def reading_order(policy: ClusterNetworkPolicy) -> tuple[int, str]:
    """By what the ClusterNetworkPolicies of a tier are sorted: the priority, then the name."""
    return policy.priority, policy.name


def exemption(pod: Party, peer: Party, enforcement: Enforcement) -> Ruling | None:
    """The ruling where no policy is asked about this side, else None.

    >>> from k8snet_course.policy.enforcement import NONE, STANDARD
    >>> exemption(Party.outside("203.0.113.9"), Party.outside("203.0.113.10"), STANDARD).tier
    'exempt'
    """
    own, other = pod.pod, peer.pod
    if own is None or own.host_network or not enforcement.enforces:
        return _EXEMPT
    if other is None or other.host_network:
        return _EXEMPT if peer.node != "" and peer.node == own.node else None
    return _EXEMPT if other.name == own.name and other.namespace == own.namespace else None


def why_exempt(direction: str, pod: Party, peer: Party, enforcement: Enforcement) -> str:
    """Why no policy is asked about this side, in one sentence; for an exempt ruling.

    >>> from k8snet_course.policy.enforcement import STANDARD
    >>> why_exempt("Egress", Party.outside("203.0.113.9"), Party.outside("203.0.113.10"), STANDARD)
    '203.0.113.9 is no pod, so no policy selects it'
    """
    if pod.pod is None:
        return f"{pod} is no pod, so no policy selects it"
    if pod.pod.host_network:
        return f"pod {pod.pod.label} uses the network of its node, so no policy selects it"
    if not enforcement.enforces:
        return "the network plugin enforces no policies"
    if peer.governed:
        return f"{pod} talks to itself, and no policy can forbid that"
    seen = f"{peer} is" if peer.pod is None else f"pod {peer.pod.label} is seen as {peer.node},"
    always = "a node always reaches its own pods" if direction == INGRESS else "a pod always reaches its own node"
    return f"{seen} the node that {pod} runs on, and {always}"


def _first(rules: tuple[PolicyRule, ...], tier: str, peer: Party, protocol: str, port: int,
           destination: Party) -> Ruling | None:
    """The ruling of the first rule that matches; None where none does, or where it passes."""
    for rule in rules:
        if rule.matches(peer, protocol, port, destination):
            return None if rule.action == PASS else Ruling(rule.action == ACCEPT, tier, rule)
    return None
