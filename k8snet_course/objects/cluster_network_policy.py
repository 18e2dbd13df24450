"""ClusterNetworkPolicies: rules of the cluster's administrators, before and after those of the namespaces.

Unlike a NetworkPolicy it isolates nobody: its rules are read in order, and the first that matches accepts, denies or passes.
The tier Admin is read before all NetworkPolicies, the tier Baseline after them.  It judges no packet:
that is :mod:`k8snet_course.policy`.

Source: kubernetes-sigs/network-policy-api, policy.networking.k8s.io/v1alpha2 (ClusterNetworkPolicy), 0.2.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from k8snet_course.addressing import network
from k8snet_course.errors import InvalidArgument
from k8snet_course.names import check_labels, dns_subdomain, nearest
from k8snet_course.objects.network_policy import INGRESS, PROTOCOLS, check_port, check_port_name, described
from k8snet_course.objects.selector import LabelSelector

ADMIN, BASELINE = "Admin", "Baseline"
ACCEPT, DENY, PASS = "Accept", "Deny", "Pass"
MOST = 25
"""How many rules of a direction, peers, protocols or networks one list may have."""
LAST_PRIORITY = 1000

_DOMAIN = re.compile(r"(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?")


@dataclass(frozen=True, slots=True)
class NamespacedPod:
    """Pods by their labels, in namespaces by theirs; an empty selector selects all.

    >>> print(NamespacedPod(LabelSelector({"team": "b"}), LabelSelector()))
    all pods in namespaces team=b
    """

    namespace_selector: LabelSelector = field(default_factory=LabelSelector)
    pod_selector: LabelSelector = field(default_factory=LabelSelector)

    def __str__(self) -> str:
        return described(self.namespace_selector, self.pod_selector)


@dataclass(frozen=True, slots=True)
class ClusterNetworkPolicySubject:
    """On whom a policy acts: exactly one of ``namespaces`` and ``pods``.  Raises InvalidArgument.

    >>> print(ClusterNetworkPolicySubject(namespaces=LabelSelector()))
    all pods in all namespaces
    """

    namespaces: LabelSelector | None = None
    pods: NamespacedPod | None = None

    def __post_init__(self) -> None:
        if (self.namespaces is None) == (self.pods is None):
            raise InvalidArgument("{}" if self.pods is None else "namespaces and pods",
                                  "a subject with exactly one of namespaces and pods", "write namespaces: {} for all pods")

    def __str__(self) -> str:
        return described(self.namespaces, None) if self.namespaces is not None else str(self.pods)


@dataclass(frozen=True, slots=True)
class ClusterNetworkPolicyPeer:
    """One element of ``from`` or ``to``: exactly one of its fields.

    ``nodes``, ``networks`` (in CIDR notation) and ``domain_names`` are for egress only.  ``networks`` matches pods' addresses
    too.  A domain name may begin with ``*.``, for one or more labels.  Raises InvalidArgument or InvalidCidr.

        >>> print(ClusterNetworkPolicyPeer(networks=("10.0.0.0/8",)))
        networks 10.0.0.0/8
    """

    namespaces: LabelSelector | None = None
    pods: NamespacedPod | None = None
    nodes: LabelSelector | None = None
    networks: tuple[str, ...] = ()
    domain_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "networks", tuple(self.networks))
        object.__setattr__(self, "domain_names", tuple(self.domain_names))
        given = [name for name, value in (("namespaces", self.namespaces), ("pods", self.pods), ("nodes", self.nodes),
                                          ("networks", self.networks or None), ("domainNames", self.domain_names or None))
                 if value is not None]
        if len(given) != 1:
            raise InvalidArgument(" and ".join(given) or "{}",
                                  "a peer with exactly one of namespaces, pods, nodes, networks and domainNames",
                                  "make each an element of its own, with '- '" if given
                                  else "write namespaces: {} for all pods")
        for text in self.networks:
            network(text, "network of a peer")
        for name in self.domain_names:
            if not _DOMAIN.fullmatch(name):
                raise InvalidArgument(name, "a domain name with a dot, perhaps with '*.' before it", "write '*.example.com'")
        _at_most(self.networks, "networks")
        _at_most(self.domain_names, "domainNames")

    def __str__(self) -> str:
        if self.networks:
            return f"networks {','.join(self.networks)}"
        if self.domain_names:
            return f"domains {','.join(self.domain_names)}"
        if self.nodes is not None:
            return "all nodes" if self.nodes.empty else f"nodes {self.nodes}"
        return described(self.namespaces, None) if self.namespaces is not None else str(self.pods)


@dataclass(frozen=True, slots=True)
class ClusterNetworkPolicyProtocol:
    """One element of ``protocols``: destination ports of a protocol, or the name of a container's port.

    ``protocol`` with ``port`` is ``tcp: {destinationPort: {number: ...}}``; with ``end_port`` it is a ``range``, whose end lies
    behind its start.  ``destination_named_port`` stands alone.  Raises InvalidArgument.

        >>> print(ClusterNetworkPolicyProtocol("TCP", 8000, 8010))
        TCP 8000-8010
        >>> print(ClusterNetworkPolicyProtocol(destination_named_port="http"))
        port named http
    """

    protocol: str = ""
    port: int | None = None
    end_port: int | None = None
    destination_named_port: str = ""

    def __post_init__(self) -> None:
        if self.destination_named_port:
            check_port_name(self.destination_named_port)
            if self.protocol or self.port is not None or self.end_port is not None:
                raise InvalidArgument(self.destination_named_port, "a destinationNamedPort without a protocol beside it",
                                      "make it an element of its own, with '- '")
            return
        if self.protocol not in PROTOCOLS:
            raise InvalidArgument(self.protocol, "one of tcp, udp, sctp and destinationNamedPort",
                                  f"write {nearest(self.protocol, PROTOCOLS).lower()}")
        check_port(self.port, "destinationPort")
        if self.end_port is not None:
            check_port(self.end_port, "end of the range")
            if self.port is not None and self.end_port <= self.port:
                raise InvalidArgument(self.end_port, f"a range whose end is greater than its start {self.port}",
                                      f"write number: {self.port} for one port")

    def __str__(self) -> str:
        if self.destination_named_port:
            return f"port named {self.destination_named_port}"
        return f"{self.protocol} {self.port}" + (f"-{self.end_port}" if self.end_port is not None else "")


@dataclass(frozen=True, slots=True)
class ClusterNetworkPolicyRule:
    """One element of ``ingress`` or ``egress``: what to do (Accept, Deny, Pass) with connections from or to these peers.

    No protocols: all of them.  Raises InvalidArgument.

        >>> print(ClusterNetworkPolicyRule("Deny", (ClusterNetworkPolicyPeer(namespaces=LabelSelector()),)))
        Deny all pods in all namespaces on all ports
    """

    action: str
    peers: tuple[ClusterNetworkPolicyPeer, ...] = ()
    protocols: tuple[ClusterNetworkPolicyProtocol, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "peers", tuple(self.peers))
        object.__setattr__(self, "protocols", tuple(self.protocols))
        actions = (ACCEPT, DENY, PASS)
        if self.action not in actions:
            raise InvalidArgument(self.action, f"an action: {', '.join(actions)}", f"write {nearest(self.action, actions)}")
        if not self.peers:
            raise InvalidArgument("a rule without from or to", "at least one peer", "write namespaces: {} for all pods")
        if len(self.name) > 100:
            raise InvalidArgument(self.name[:20] + "...", "a rule's name of at most 100 characters", "write a shorter one")
        _at_most(self.peers, "peers")
        _at_most(self.protocols, "protocols")
        if any(each.destination_named_port for each in self.protocols) and any(
                peer.nodes is not None or peer.networks or peer.domain_names for peer in self.peers):
            raise InvalidArgument("destinationNamedPort", "a port number beside nodes, networks or domainNames (they have no "
                                  "named ports)", "write tcp: {destinationPort: {number: 80}}")
        if self.action != ACCEPT and any(peer.domain_names for peer in self.peers):
            raise InvalidArgument(f"domainNames with {self.action}", "domainNames in an Accept rule only",
                                  "accept the names that are wanted, and deny the rest by networks")

    def __str__(self) -> str:
        protocols = ", ".join(map(str, self.protocols)) or "all ports"
        return f"{self.action} {' or '.join(map(str, self.peers))} on {protocols}"


@dataclass(frozen=True, slots=True)
class ClusterNetworkPolicy:
    """A ClusterNetworkPolicy: ``priority`` from 0 (read first) to 1000 within its ``tier``, Admin or Baseline.

    Raises InvalidArgument or InvalidName, as the API server refuses it.

        >>> everyone = ClusterNetworkPolicySubject(namespaces=LabelSelector())
        >>> print(ClusterNetworkPolicy("no-mon", "Admin", 10, everyone, ingress=(
        ...     ClusterNetworkPolicyRule("Deny", (ClusterNetworkPolicyPeer(namespaces=LabelSelector({"team": "b"})),)),)))
        clusternetworkpolicy no-mon (Admin 10) acts on all pods in all namespaces: Ingress Deny all pods in namespaces team=b \
on all ports
    """

    name: str
    tier: str
    priority: int
    subject: ClusterNetworkPolicySubject
    ingress: tuple[ClusterNetworkPolicyRule, ...] = ()
    egress: tuple[ClusterNetworkPolicyRule, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "ClusterNetworkPolicy name")
        check_labels(self.labels)
        object.__setattr__(self, "ingress", tuple(self.ingress))
        object.__setattr__(self, "egress", tuple(self.egress))
        if self.tier not in (ADMIN, BASELINE):
            raise InvalidArgument(self.tier, "the tier Admin or Baseline", f"write {nearest(self.tier, (ADMIN, BASELINE))}")
        number = isinstance(self.priority, int) and not isinstance(self.priority, bool)
        if not number or not 0 <= self.priority <= LAST_PRIORITY:
            raise InvalidArgument(self.priority, f"a priority from 0 (read first) to {LAST_PRIORITY}", "write priority: 100")
        _at_most(self.ingress, "ingress rules")
        _at_most(self.egress, "egress rules")
        for rule in self.ingress:
            for peer in rule.peers:
                if peer.nodes is not None or peer.networks or peer.domain_names:
                    raise InvalidArgument(str(peer), "namespaces or pods in an ingress rule (nodes, networks and domainNames "
                                          "are for egress)", "select the sources by namespaces or pods")

    @property
    def key(self) -> str:
        """Its name: it stands in no namespace."""
        return self.name

    @property
    def label(self) -> str:
        """The name as people say it."""
        return self.name

    def rules(self, direction: str) -> tuple[ClusterNetworkPolicyRule, ...]:
        """The rules of a direction, Ingress or Egress, in the order in which they are read."""
        return self.ingress if direction == INGRESS else self.egress

    def __str__(self) -> str:
        told = [f"{direction} {'; '.join(map(str, rules))}"
                for direction, rules in (("Ingress", self.ingress), ("Egress", self.egress)) if rules]
        return (f"clusternetworkpolicy {self.name} ({self.tier} {self.priority}) acts on {self.subject}: "
                f"{', '.join(told) or 'no rules'}")


def _at_most(given: Sequence[object], what: str) -> None:
    if len(given) > MOST:
        raise InvalidArgument(f"{len(given)} {what}", f"at most {MOST} {what} in one list", "divide them among several")
