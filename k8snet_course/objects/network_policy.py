"""NetworkPolicies: which connections the pods of one namespace may have.

A policy here is valid and has its defaults filled in; what the API server would refuse cannot be made.  It judges no packet:
that is :mod:`k8snet_course.policy`.

Source: Kubernetes API reference, networking.k8s.io/v1 (NetworkPolicy); kubernetes pkg/apis/networking (defaults, validation).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.addressing import network
from k8snet_course.errors import InvalidArgument, InvalidCidr
from k8snet_course.names import check_labels, dns_label, dns_subdomain, nearest
from k8snet_course.objects.selector import LabelSelector

INGRESS, EGRESS = "Ingress", "Egress"
"""The two directions, as ``policyTypes`` spells them: into the selected pods, and out of them."""

PROTOCOLS = ("TCP", "UDP", "SCTP")

_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class IPBlock:
    """Addresses: those of ``cidr`` without those of ``except_``, each of which lies strictly inside ``cidr``.

    Raises InvalidCidr.

        >>> print(IPBlock("172.17.0.0/16", ("172.17.1.0/24",)))
        172.17.0.0/16 except 172.17.1.0/24
    """

    cidr: str
    except_: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "except_", tuple(self.except_))
        block = network(self.cidr, "cidr of an ipBlock")
        for text in self.except_:
            inner = network(text, "network in except")
            if inner.version != block.version or inner.prefixlen <= block.prefixlen or inner.network_address not in block:
                raise InvalidCidr(text, f"a network in except that is a strict subset of the cidr {self.cidr}",
                                  f"write a smaller network inside {self.cidr}, or leave it out")

    def __str__(self) -> str:
        return self.cidr + (f" except {','.join(self.except_)}" if self.except_ else "")


@dataclass(frozen=True, slots=True)
class NetworkPolicyPort:
    """A port of the destination: a number, the name of a container's port, or None for all ports of the protocol.

    With ``end_port`` it is a range of numbers, both ends included.  The number is the pod's own (a Service's ``targetPort``),
    because policies judge a packet after its destination has been rewritten.  Raises InvalidArgument.

        >>> print(NetworkPolicyPort(8000, end_port=8010), NetworkPolicyPort("dns", "UDP"), NetworkPolicyPort())
        TCP 8000-8010 UDP dns TCP
    """

    port: int | str | None = None
    protocol: str = "TCP"
    end_port: int | None = None

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise InvalidArgument(self.protocol, f"the protocol {' or '.join(PROTOCOLS)} (a NetworkPolicy knows no other)",
                                  f"write {nearest(self.protocol, PROTOCOLS)}")
        if isinstance(self.port, str):
            check_port_name(self.port)
        elif self.port is not None:
            check_port(self.port, "port")
        if self.end_port is None:
            return
        if self.port is None or isinstance(self.port, str):
            raise InvalidArgument(self.end_port, "an endPort only beside a port that is a number",
                                  "write the first port of the range as 'port', or leave endPort out")
        check_port(self.end_port, "endPort")
        if self.end_port < self.port:
            raise InvalidArgument(self.end_port, f"an endPort that is greater than or equal to the port {self.port}",
                                  f"write port {self.end_port} and endPort {self.port}")

    def __str__(self) -> str:
        last = f"-{self.end_port}" if self.end_port is not None else ""
        return f"{self.protocol} {'' if self.port is None else self.port}{last}".rstrip()


@dataclass(frozen=True, slots=True)
class NetworkPolicyPeer:
    """One element of ``from`` or ``to``.  Its selectors must *both* match; two elements are alternatives.

    ``pod_selector`` alone means pods of the policy's own namespace; ``namespace_selector`` alone means all pods of these
    namespaces; both mean these pods in these namespaces.  ``ip_block`` stands alone.  Raises InvalidArgument.

        >>> prom = LabelSelector({"app": "prom"})
        >>> print(NetworkPolicyPeer(prom, LabelSelector({"team": "b"})))
        pods app=prom in namespaces team=b
        >>> print(NetworkPolicyPeer(prom))
        pods app=prom in the policy's namespace
        >>> NetworkPolicyPeer()
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument '{}': expected a peer with podSelector, namespaceSelector or \
ipBlock; write podSelector: {} for all pods of the namespace.
    """

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None

    def __post_init__(self) -> None:
        selectors = self.pod_selector is not None or self.namespace_selector is not None
        if not selectors and self.ip_block is None:
            raise InvalidArgument("{}", "a peer with podSelector, namespaceSelector or ipBlock",
                                  "write podSelector: {} for all pods of the namespace")
        if selectors and self.ip_block is not None:
            raise InvalidArgument(f"ipBlock {self.ip_block}", "an ipBlock without podSelector or namespaceSelector beside it",
                                  "make it an element of its own, with '- '")

    def __str__(self) -> str:
        if self.ip_block is not None:
            return f"addresses {self.ip_block}"
        return described(self.namespace_selector, self.pod_selector)


@dataclass(frozen=True, slots=True)
class NetworkPolicyRule:
    """One element of ``ingress`` or ``egress``: connections from or to any of ``peers``, on any of ``ports``.

    No peers: from or to everywhere, outside the cluster too.  No ports: all ports of all protocols.  So the rule without
    either allows everything.

        >>> print(NetworkPolicyRule(ports=(NetworkPolicyPort(5432),)))
        anyone on TCP 5432
        >>> print(NetworkPolicyRule())
        anyone on all ports
    """

    peers: tuple[NetworkPolicyPeer, ...] = ()
    ports: tuple[NetworkPolicyPort, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "peers", tuple(self.peers))
        object.__setattr__(self, "ports", tuple(self.ports))

    def __str__(self) -> str:
        return f"{' or '.join(map(str, self.peers)) or 'anyone'} on {', '.join(map(str, self.ports)) or 'all ports'}"


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """A NetworkPolicy: it acts on the pods of its namespace that ``pod_selector`` selects.

    ``policy_types`` says in which directions it isolates them.  Left empty it becomes Ingress, and Egress too if there are
    egress rules; if given, rules of a direction that it does not name are ignored.
    Raises InvalidArgument or InvalidName, as the API server refuses it.

        >>> deny = NetworkPolicy("deny-all", "shop")
        >>> print(deny)
        networkpolicy shop/deny-all selects <all>: Ingress from nobody
        >>> deny.policy_types, NetworkPolicy("dns", egress=(NetworkPolicyRule(),)).policy_types
        (('Ingress',), ('Ingress', 'Egress'))
    """

    name: str
    namespace: str = "default"
    pod_selector: LabelSelector = field(default_factory=LabelSelector)
    ingress: tuple[NetworkPolicyRule, ...] = ()
    egress: tuple[NetworkPolicyRule, ...] = ()
    policy_types: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "NetworkPolicy name")
        dns_label(self.namespace, "namespace")
        check_labels(self.labels)
        object.__setattr__(self, "ingress", tuple(self.ingress))
        object.__setattr__(self, "egress", tuple(self.egress))
        types = tuple(self.policy_types) or ((INGRESS, EGRESS) if self.egress else (INGRESS,))
        if len(types) > 2:
            raise InvalidArgument(",".join(map(str, types)), "at most two policyTypes", "write [Ingress, Egress]")
        for each in types:
            if each not in (INGRESS, EGRESS):
                raise InvalidArgument(each, "Ingress or Egress in policyTypes", f"write {nearest(each, (INGRESS, EGRESS))}")
        object.__setattr__(self, "policy_types", types)

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    def rules(self, direction: str) -> tuple[NetworkPolicyRule, ...]:
        """The rules that count for a direction: none where ``policy_types`` does not name it.

        >>> NetworkPolicy("x", ingress=(NetworkPolicyRule(),), policy_types=("Egress",)).rules("Ingress")
        ()
        """
        if direction not in self.policy_types:
            return ()
        return self.ingress if direction == INGRESS else self.egress

    def __str__(self) -> str:
        told = [f"{direction} {'from' if direction == INGRESS else 'to'} "
                + ("; ".join(map(str, self.rules(direction))) or "nobody")
                for direction in (INGRESS, EGRESS) if direction in self.policy_types]
        return f"networkpolicy {self.label} selects {self.pod_selector}: {', '.join(told)}"


def described(namespaces: LabelSelector | None, pods: LabelSelector | None) -> str:
    """In words, which pods two selectors mean; no ``namespaces`` is the policy's own.

    >>> described(LabelSelector(), None)
    'all pods in all namespaces'
    """
    which = "all pods" if pods is None or pods.empty else f"pods {pods}"
    if namespaces is None:
        return f"{which} in the policy's namespace"
    return f"{which} in {'all namespaces' if namespaces.empty else f'namespaces {namespaces}'}"


def check_port(port: object, what: str) -> None:
    """Refuse what is no port number.  Raises InvalidArgument.

    >>> check_port(5432, "port")
    """
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise InvalidArgument(port, f"as {what} a number from 1 to 65535", "write one such as 5432")


def check_port_name(name: str) -> None:
    """Refuse what cannot be the name of a container's port (RFC 6335 service names).  Raises InvalidArgument.

    >>> check_port_name("pg-main")
    """
    if not _PORT_NAME.fullmatch(name):
        mend = f"write {name} without quotes" if name.isdecimal() else "write a name such as 'http'"
        raise InvalidArgument(name, "a port number, or the name of a container's port (1 to 15 of a-z, 0-9 and '-', with a "
                              "letter, and no '-' at an end or after another)", mend)
