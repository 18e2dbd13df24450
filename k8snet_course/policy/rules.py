"""The rules of both kinds of policy in one form, and what they match.

A rule of a NetworkPolicy says whom to allow; one of a ClusterNetworkPolicy says Accept, Deny or Pass.  Here both are an
action, peers and ports.  This module says whether a rule matches a connection and, if not, why; it does not know in which
order rules are read (:mod:`k8snet_course.policy.ruling`).

Source: "Network Policies" in the Kubernetes documentation; policy.networking.k8s.io/v1alpha2.
"""

from __future__ import annotations

from dataclasses import dataclass

from k8snet_course.addressing import network, number_of
from k8snet_course.objects.cluster_network_policy import ACCEPT, ClusterNetworkPolicy, ClusterNetworkPolicyPeer
from k8snet_course.objects.network_policy import INGRESS, NetworkPolicy, NetworkPolicyPeer
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.policy.enforcement import STANDARD, Enforcement
from k8snet_course.policy.party import Party

Policy = NetworkPolicy | ClusterNetworkPolicy
LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class PodPeer:
    """Pods that both selectors select.  ``namespace`` is the one namespace meant, where there is no ``namespaces`` selector."""

    pods: LabelSelector
    namespaces: LabelSelector | None = None
    namespace: str = ""

    def matches(self, party: Party) -> bool:
        """Whether the party is such a pod; one on its node's network is seen as the node."""
        pod = party.pod
        if pod is None or pod.host_network or party.namespace is None:
            return False
        if self.namespaces is None:
            return pod.namespace == self.namespace and self.pods.matches(pod.labels)
        return self.namespaces.matches(party.namespace.labels) and self.pods.matches(pod.labels)

    def why_not(self, party: Party) -> str:
        """Why the party does not match: the first thing about it that is not as asked for."""
        if party.pod is None or party.namespace is None:
            return f"{party} is no pod"
        if party.pod.host_network:
            return f"{party} is seen as a node"
        if self.namespaces is None and party.pod.namespace != self.namespace:
            return f"{party} is not in namespace {self.namespace}"
        if self.namespaces is not None and not self.namespaces.matches(party.namespace.labels):
            return f"namespace {party.namespace.name} does not have {self.namespaces.failing(party.namespace.labels)}"
        return f"{party} does not have {self.pods.failing(party.pod.labels)}"


@dataclass(frozen=True, slots=True)
class BlockPeer:
    """Addresses from ``first`` to ``last`` of an IP version, without the spans in ``holes``.

    ``outside_only``: pods and nodes do not match, whatever their address.
    """

    text: str
    version: int
    first: int
    last: int
    holes: tuple[tuple[int, int], ...] = ()
    outside_only: bool = False

    @classmethod
    def of(cls, cidr: str, except_: tuple[str, ...] = (), outside_only: bool = False) -> BlockPeer:
        """The block of a network without other networks.

        >>> BlockPeer.of("10.0.0.0/8", ("10.1.0.0/16",)).matches(Party.outside("10.1.2.3"))
        False
        """
        block, holes = network(cidr), [network(each) for each in except_]
        text = cidr + (f" except {','.join(except_)}" if except_ else "")
        return cls(text, block.version, int(block.network_address), int(block.broadcast_address),
                   tuple((int(hole.network_address), int(hole.broadcast_address)) for hole in holes), outside_only)

    def matches(self, party: Party) -> bool:
        """Whether the party's address lies in the block."""
        if self.outside_only and (party.node or party.pod is not None):
            return False
        version, number = number_of(party.ip)
        return (version == self.version and self.first <= number <= self.last
                and not any(first <= number <= last for first, last in self.holes))

    def why_not(self, party: Party) -> str:
        """Why the party does not match."""
        if self.outside_only and (party.node or party.pod is not None):
            return f"with this plugin {party} is matched by selectors only, not by its address"
        return f"{party.ip} is not in {self.text}"


@dataclass(frozen=True, slots=True)
class NodePeer:
    """Nodes by their labels."""

    nodes: LabelSelector

    def matches(self, party: Party) -> bool:
        """Whether the party is seen as such a node."""
        return party.is_node and self.nodes.matches(party.node_labels)

    def why_not(self, party: Party) -> str:
        """Why the party does not match."""
        return f"node {party.node} does not have {self.nodes.failing(party.node_labels)}" if party.is_node \
            else f"{party} is no node"


@dataclass(frozen=True, slots=True)
class NamePeer:
    """Outside addresses by the names under which they were found."""

    patterns: tuple[str, ...]

    def matches(self, party: Party) -> bool:
        """Whether one of the party's names is meant; ``*.`` stands for one or more labels."""
        return any(_is_named(name, pattern) for name in party.names for pattern in self.patterns)

    def why_not(self, party: Party) -> str:
        """Why the party does not match."""
        known = f"is known as {','.join(party.names)}, not as" if party.names else "is not known as"
        return f"{party.ip} {known} {','.join(self.patterns)}"


Peer = PodPeer | BlockPeer | NodePeer | NamePeer


@dataclass(frozen=True, slots=True)
class Ports:
    """Destination ports of one protocol, both ends included."""

    protocol: str
    first: int = 0
    last: int = LAST_PORT

    def matches(self, protocol: str, port: int, destination: Party) -> bool:
        """Whether this is the protocol and one of the ports."""
        return protocol == self.protocol and self.first <= port <= self.last

    def has(self, protocol: str, port: int) -> bool:
        """The same: for numbers it does not matter who the destination is."""
        return protocol == self.protocol and self.first <= port <= self.last

    def __str__(self) -> str:
        if (self.first, self.last) == (0, LAST_PORT):
            return self.protocol
        return f"{self.protocol} {self.first}" + (f"-{self.last}" if self.last != self.first else "")


@dataclass(frozen=True, slots=True)
class NamedPort:
    """The port that the destination pod declares under a name; ``protocol`` empty: of any protocol."""

    name: str
    protocol: str = ""

    def matches(self, protocol: str, port: int, destination: Party) -> bool:
        """Whether the destination is a pod that gives this very port the name."""
        if self.protocol not in ("", protocol) or not destination.governed or destination.pod is None:
            return False
        return any(declared.name == self.name and declared.protocol == protocol and declared.container_port == port
                   for container in destination.pod.containers for declared in container.ports)

    def __str__(self) -> str:
        return f"{self.protocol} port named {self.name}".lstrip()


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule of a policy: ``action`` is Accept (as all rules of a NetworkPolicy), Deny or Pass.

    ``index`` is its place in the policy's list, from 0.  No ``peers``: anyone; no ``ports``: all ports and protocols.
    """

    policy: Policy
    direction: str
    index: int
    action: str
    peers: tuple[Peer, ...]
    ports: tuple[Ports | NamedPort, ...]

    def matches(self, peer: Party, protocol: str, port: int, destination: Party) -> bool:
        """Whether the rule speaks of this connection: of the one at the other end, and of the destination's port."""
        for ports in self.ports:  # loops instead of any(): a packet pays for these lines, and a generator costs more
            if ports.matches(protocol, port, destination):
                break
        else:
            if self.ports:
                return False
        for each in self.peers:
            if each.matches(peer):
                return True
        return not self.peers

    def why_not(self, peer: Party, protocol: str, port: int, destination: Party) -> str:
        """Why it does not: first about the peer, then about the port."""
        if self.peers and not any(each.matches(peer) for each in self.peers):
            return "; ".join(dict.fromkeys(each.why_not(peer) for each in self.peers))
        wanted = " or ".join(map(str, self.ports))
        named = [each.name for each in self.ports if isinstance(each, NamedPort)]
        note = f" ({destination} gives it no such name)" if named else ""
        return f"{_asked(protocol, port)} is not {wanted}{note}"

    def can_match(self, protocol: str, port: int) -> bool:
        """Whether there can be a connection to this port that the rule matches; named ports can be any."""
        return not self.ports or any(isinstance(each, NamedPort) or each.has(protocol, port) for each in self.ports)

    @property
    def place(self) -> str:
        """Where it stands, as the API writes it: ``ingress[0]``."""
        return f"{self.direction.lower()}[{self.index}]"

    def __str__(self) -> str:
        return f"{self.policy.label} {self.place}: {self.policy.rules(self.direction)[self.index]}"


def rules_of(policy: Policy, direction: str, enforcement: Enforcement = STANDARD) -> tuple[PolicyRule, ...]:
    """The rules of a policy for a direction (Ingress or Egress), as a plugin enforces them.

    >>> from k8snet_course.objects.network_policy import NetworkPolicyRule
    >>> print(*rules_of(NetworkPolicy("open", ingress=(NetworkPolicyRule(),)), "Ingress"))
    open ingress[0]: anyone on all ports
    """
    if isinstance(policy, NetworkPolicy):
        return tuple(
            PolicyRule(policy, direction, index, ACCEPT,
                       tuple(_peer(peer, policy.namespace, enforcement) for peer in rule.peers),
                       tuple(NamedPort(port.port, port.protocol) if isinstance(port.port, str)
                             else _ports(port.protocol, port.port, port.end_port if enforcement.end_port else None)
                             for port in rule.ports))
            for index, rule in enumerate(policy.rules(direction)))
    return tuple(
        PolicyRule(policy, direction, index, rule.action,
                   tuple(each for peer in rule.peers for each in _cluster_peers(peer)),
                   tuple(NamedPort(each.destination_named_port) if each.destination_named_port
                         else _ports(each.protocol, each.port, each.end_port) for each in rule.protocols))
        for index, rule in enumerate(policy.rules(direction)))


def applies(policy: Policy, party: Party, direction: str) -> bool:
    """Whether a policy selects a party and has something to say about this direction.

    >>> from k8snet_course.objects.pod import Pod
    >>> applies(NetworkPolicy("deny"), Party.of_pod(Pod("web", "node-1", "10.244.0.2")), "Ingress")
    True
    """
    pod, namespace = party.pod, party.namespace
    if pod is None or pod.host_network or namespace is None:
        return False
    if isinstance(policy, NetworkPolicy):
        return (policy.namespace == pod.namespace and direction in policy.policy_types
                and policy.pod_selector.matches(pod.labels))
    return bool(policy.rules(direction)) and subject_of(policy).matches(party)


def subject_of(policy: ClusterNetworkPolicy) -> PodPeer:
    """The pods on whom a ClusterNetworkPolicy acts."""
    if policy.subject.pods is not None:
        return PodPeer(policy.subject.pods.pod_selector, policy.subject.pods.namespace_selector)
    return PodPeer(LabelSelector(), policy.subject.namespaces)


def described_traffic(direction: str, peer: Party, protocol: str, port: int) -> str:
    """What is asked, in words.

    >>> described_traffic(INGRESS, Party.outside("203.0.113.9"), "TCP", 5432)
    'TCP 5432 from 203.0.113.9'
    """
    return f"{_asked(protocol, port)} {'from' if direction == INGRESS else 'to'} {peer}"


def _asked(protocol: str, port: int) -> str:
    return f"{protocol} {port}" if port else protocol


def _ports(protocol: str, port: int | None, end_port: int | None) -> Ports:
    if port is None:
        return Ports(protocol)
    return Ports(protocol, port, port if end_port is None else end_port)


def _peer(peer: NetworkPolicyPeer, namespace: str, enforcement: Enforcement) -> Peer:
    if peer.ip_block is not None:
        return BlockPeer.of(peer.ip_block.cidr, peer.ip_block.except_, not enforcement.ip_blocks_match_cluster)
    return PodPeer(peer.pod_selector or LabelSelector(), peer.namespace_selector,
                   namespace if peer.namespace_selector is None else "")


def _cluster_peers(peer: ClusterNetworkPolicyPeer) -> list[Peer]:
    if peer.networks:
        return [BlockPeer.of(cidr) for cidr in peer.networks]
    if peer.domain_names:
        return [NamePeer(peer.domain_names)]
    if peer.nodes is not None:
        return [NodePeer(peer.nodes)]
    if peer.pods is not None:
        return [PodPeer(peer.pods.pod_selector, peer.pods.namespace_selector)]
    return [PodPeer(LabelSelector(), peer.namespaces)]


def _is_named(name: str, pattern: str) -> bool:
    name, pattern = name.rstrip(".").lower(), pattern.rstrip(".").lower()
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
