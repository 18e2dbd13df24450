"""Policies made ready for packets: which of them select a pod is worked out once, and again only when they change.

A :class:`PolicyIndex` holds all policies of a cluster, by namespace and by a label that they ask for.  It is asked at the
pod's door on its node: ``egress`` for the first packet of a connection that leaves a pod, ``ingress`` for one that reaches
it.  Both see the packet with its destination already rewritten (a Service's address is no pod's, and no selector matches it).
Later packets of an allowed connection, and its answers, are not asked about.

It gives the same answers as :func:`k8snet_course.policy.evaluate.decide`, and knows no packets, nodes or namespaces: who
asks brings the parties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from k8snet_course.errors import NotFound
from k8snet_course.objects.cluster_network_policy import ClusterNetworkPolicy
from k8snet_course.objects.network_policy import EGRESS, INGRESS, NetworkPolicy
from k8snet_course.policy.enforcement import STANDARD, Enforcement
from k8snet_course.policy.evaluate import Decision, SideDecision, check_traffic, decision, explain
from k8snet_course.policy.party import Party
from k8snet_course.policy.rules import Policy, PolicyRule, applies, rules_of
from k8snet_course.policy.ruling import Ruling, Selecting, exemption

_Pair = tuple[str, str]
_MOST_REMEMBERED = 1 << 16


class _Shelf:
    """The NetworkPolicies of one namespace; those that ask for labels are filed under one of them."""

    __slots__ = ("by_pair", "policies", "remembered", "revision")

    def __init__(self) -> None:
        self.policies: dict[str, NetworkPolicy] = {}
        self.by_pair: dict[_Pair | None, dict[str, NetworkPolicy]] = {}
        self.remembered: dict[frozenset[_Pair], _Pod] = {}
        """What has been worked out for pods with these labels.  It holds while the revision is the one noted in it: to throw
        ten thousand away at each change would cost more than the change."""
        self.revision = 0

    def put(self, policy: NetworkPolicy) -> None:
        self.policies[policy.name] = policy
        self.by_pair.setdefault(_pair_of(policy), {})[policy.name] = policy
        self.revision += 1

    def take(self, policy: NetworkPolicy) -> None:
        del self.policies[policy.name]
        pair = _pair_of(policy)
        del self.by_pair[pair][policy.name]
        if not self.by_pair[pair]:
            del self.by_pair[pair]
        self.revision += 1

    def asking_for(self, labels: Mapping[str, str]) -> Iterator[NetworkPolicy]:
        """The policies that may select a pod with these labels: those filed under one of them, or under none."""
        yield from self.by_pair.get(None, {}).values()
        if len(self.by_pair) > (None in self.by_pair):
            for pair in labels.items():
                yield from self.by_pair.get(pair, {}).values()


class _Pod(NamedTuple):
    """What has been worked out for pods of one namespace with the same labels, and for which state of things."""

    egress: Selecting
    ingress: Selecting
    revision: int
    cluster_revision: int
    namespace_labels: Mapping[str, str]


_UNSELECTED = _Pod(Selecting(), Selecting(), 0, 0, {})


class PolicyIndex:
    """All policies of a cluster, ready to be asked.

        >>> from k8snet_course.objects.pod import Pod
        >>> web, db = (Party.of_pod(Pod(name, "node-1", ip)) for name, ip in (("web", "10.244.0.2"), ("db", "10.244.0.3")))
        >>> index = PolicyIndex([NetworkPolicy("deny-all")])
        >>> index.egress(web, db, "TCP", 5432).allowed, index.ingress(db, web, "TCP", 5432).allowed
        (True, False)
        >>> index.remove("NetworkPolicy", "default/deny-all")
        >>> index.ingress(db, web, "TCP", 5432)
        Ruling(allowed=True, tier='default', rule=None)
    """

    __slots__ = ("_cluster", "_cluster_revision", "_rules", "_shelves", "enforcement")

    def __init__(self, policies: Iterable[Policy] = (), enforcement: Enforcement = STANDARD) -> None:
        self.enforcement = enforcement
        self._shelves: dict[str, _Shelf] = {}
        self._cluster: dict[str, ClusterNetworkPolicy] = {}
        self._cluster_revision = 0
        self._rules: dict[tuple[str, str], dict[str, tuple[PolicyRule, ...]]] = {}
        for policy in policies:
            self.add(policy)

    def __len__(self) -> int:
        return len(self._rules)

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All of them: NetworkPolicies by namespace and name, then ClusterNetworkPolicies by name."""
        spaced = (shelf.policies[name] for _, shelf in sorted(self._shelves.items()) for name in sorted(shelf.policies))
        return (*spaced, *(self._cluster[name] for name in sorted(self._cluster)))

    def add(self, policy: Policy) -> None:
        """Add a policy, or put it in the place of the one of its name.  What other namespaces have worked out is kept."""
        kind = type(policy).__name__
        if (kind, policy.key) in self._rules:
            self.remove(kind, policy.key)
        self._rules[kind, policy.key] = {each: rules_of(policy, each, self.enforcement) for each in (EGRESS, INGRESS)}
        if isinstance(policy, NetworkPolicy):
            self._shelves.setdefault(policy.namespace, _Shelf()).put(policy)
        else:
            self._cluster[policy.name] = policy
            self._cluster_revision += 1

    def remove(self, kind: str, key: str) -> None:
        """Take a policy away, by its kind and key (``shop/deny-all``, or a ClusterNetworkPolicy's name).  Raises NotFound."""
        if (kind, key) not in self._rules:
            raise NotFound(f"{kind} {key}", "a policy that is here", "look at the policies that there are")
        del self._rules[kind, key]
        if kind == "NetworkPolicy":
            namespace, _, name = key.partition("/")
            shelf = self._shelves[namespace]
            shelf.take(shelf.policies[name])
        else:
            del self._cluster[key]
            self._cluster_revision += 1

    def egress(self, pod: Party, destination: Party, protocol: str, port: int) -> Ruling:
        """What is decided at the door of the source ``pod``."""
        exempt = exemption(pod, destination, self.enforcement)
        return exempt or self._of(pod).egress.judge(destination, protocol, port, destination)

    def ingress(self, pod: Party, source: Party, protocol: str, port: int) -> Ruling:
        """What is decided at the door of the destination ``pod``."""
        exempt = exemption(pod, source, self.enforcement)
        return exempt or self._of(pod).ingress.judge(source, protocol, port, pod)

    def allows(self, source: Party, destination: Party, protocol: str, port: int) -> bool:
        """Whether both sides allow a connection."""
        return (self.egress(source, destination, protocol, port).allowed
                and self.ingress(destination, source, protocol, port).allowed)

    def explain(self, direction: str, pod: Party, peer: Party, protocol: str, port: int) -> SideDecision:
        """One side in words, with all rules that were looked at; ``direction`` is Egress or Ingress."""
        return explain(direction, pod, peer, protocol, port, self.selecting(direction, pod), self.enforcement)

    def decide(self, source: Party, destination: Party, protocol: str, port: int) -> Decision:
        """Both sides in words.  Raises InvalidArgument."""
        check_traffic(protocol, port)
        return decision(source, destination, protocol, port, self.selecting, self.enforcement)

    def selecting(self, direction: str, pod: Party) -> Selecting:
        """The policies that select a party for a direction, with their rules."""
        found = self._of(pod) if pod.governed else _UNSELECTED
        return found.egress if direction == EGRESS else found.ingress

    def _of(self, party: Party) -> _Pod:
        """What is worked out for this pod, egress and ingress: remembered, if nothing has changed since."""
        pod, namespace = party.pod, party.namespace
        assert pod is not None and namespace is not None, "only pods are selected"
        shelf = self._shelves.get(pod.namespace)
        if shelf is None:
            if not self._cluster:
                return _UNSELECTED
            shelf = self._shelves[pod.namespace] = _Shelf()
        labels = frozenset(pod.labels.items())
        found = shelf.remembered.get(labels)
        if (found is None or found.revision != shelf.revision or found.cluster_revision != self._cluster_revision
                or (found.namespace_labels is not namespace.labels and found.namespace_labels != namespace.labels)):
            if found is None and len(shelf.remembered) >= _MOST_REMEMBERED:
                shelf.remembered = {}
            near: list[Policy] = list(shelf.asking_for(pod.labels))
            if self.enforcement.cluster_policies:
                near += self._cluster.values()
            found = shelf.remembered[labels] = _Pod(self._selecting(EGRESS, party, near), self._selecting(INGRESS, party, near),
                                                    shelf.revision, self._cluster_revision, namespace.labels)
        return found

    def _selecting(self, direction: str, party: Party, near: list[Policy]) -> Selecting:
        return Selecting.of((policy for policy in near if applies(policy, party, direction)),
                            lambda policy: self._rules[type(policy).__name__, policy.key][direction])


def _pair_of(policy: NetworkPolicy) -> _Pair | None:
    """The label under which a policy is filed: one that every pod it selects must have."""
    return min(policy.pod_selector.match_labels.items(), default=None)
