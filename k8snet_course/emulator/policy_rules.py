"""Policies as rules of nftables at the pods' doors on a node: real Linux then says what they let through.

They are written from the policy objects and from the addresses of pods and nodes, not from what the model decides: selectors
become lists of addresses, and in which order rules are read is said by chains.  For each pod that policies select there are:

    from/NAMESPACE/POD   what the pod sends (egress), read after a destination has been rewritten and before routing
    to/NAMESPACE/POD     what is sent to it (ingress), read before a source is rewritten
    from.../allow, to.../allow   where the rules of the tier Admin lead that pass: NetworkPolicies, then the tier Baseline

In each, `return` lets a packet through and `drop` does not.  Answers and errors of connections that were let through are not
asked again; nor is a packet between a pod and its own node, or from a pod to itself.  IPv6 has a table of its own, where the
questions for neighbours pass: policies are about connections.

Modelled simply, as in the model: the place of both chains (Calico's are in FORWARD, Cilium's are eBPF programs).

Source: networking.k8s.io/v1; policy.networking.k8s.io/v1alpha2; nft(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import product

from k8snet_course.cluster import Cluster
from k8snet_course.linux.link import Link
from k8snet_course.objects import Pod
from k8snet_course.objects.cluster_network_policy import (
    ADMIN,
    BASELINE,
    DENY,
    PASS,
    ClusterNetworkPolicy,
    ClusterNetworkPolicyPeer,
)
from k8snet_course.objects.network_policy import EGRESS, INGRESS, NetworkPolicy, NetworkPolicyPeer
from k8snet_course.objects.selector import LabelSelector

TABLE = "policies"
_FAMILIES = ("ip", "ip6")
_NEIGHBOURS = "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept"
"""IPv6 asks for MAC addresses by ICMP (RFC 4861), which packet filters see; they do not see ARP."""
_OUTSIDE_ONLY = ("cilium", "cilium-native")
"""The plugins with which a NetworkPolicy's ipBlock means nobody inside the cluster."""


def policy_table(cluster: Cluster, node: str) -> str:
    """The policies of a node's pods, a table for each IP family, as `nft -f` reads them; empty where none is enforced.

    >>> cluster = Cluster(cni="calico-bgp")
    >>> _ = cluster.add_pod("web"), cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
    ...     "metadata": {"name": "deny-all"}, "spec": {"podSelector": {}}})
    >>> print(policy_table(cluster, "node-1"))
    table ip policies {
        chain egress {
            type filter hook prerouting priority dstnat + 50; policy accept;
            ct state established,related accept
        }
        chain to/default/web/allow {
            drop
        }
        chain to/default/web {
            ip saddr { 10.244.41.192, 192.168.1.2 } return
            goto to/default/web/allow
        }
        chain ingress {
            type filter hook postrouting priority srcnat - 50; policy accept;
            ct state established,related accept
            oifname "cali24eb796abc5" jump to/default/web
        }
    }
    """
    if not cluster.namespace(node).doors:
        return ""
    has = {family for cidr in cluster.pod_cidr.split(",") for family in ["ip6" if ":" in cidr else "ip"]}
    return "\n".join(_table(_People(cluster, family), node) for family in _FAMILIES if family in has)


def _table(people: _People, node: str) -> str:
    """The table of one family."""
    family, lines = people.family, list[str]()
    neighbours = [_NEIGHBOURS] if family == "ip6" else []
    for direction, hook, interface, near in ((EGRESS, "prerouting priority dstnat + 50", "iifname", "saddr"),
                                             (INGRESS, "postrouting priority srcnat - 50", "oifname", "daddr")):
        jumps = []
        for pod in (pod for pod in people.cluster.pods_on(node) if not pod.host_network):
            found = _pod_chains(people, pod, direction)
            if found is None:
                continue
            name, link = _name(pod, direction), people.door(pod)
            exempt = _set((*people.of_pod(pod), *people.at_node(node)))
            lines += _chain(f"{name}/allow", found.after)
            lines += _chain(name, [f"{family} {_far(direction)} {exempt} return", *found.before, f"goto {name}/allow"])
            # iptables sees a bridge's port by the bridge's name.
            behind = f'"{link.master}" {family} {near} {_set(people.of_pod(pod))}' if link.master else f'"{link.name}"'
            jumps.append(f"{interface} {behind} jump {name}")
        lines += _chain(direction.lower(), [f"type filter hook {hook}; policy accept;", *neighbours,
                                            "ct state established,related accept", *jumps])
    return "\n".join([f"table {family} {TABLE} {{", *lines, "}"])


@dataclass(frozen=True, slots=True)
class _Chains:
    """The rules of one pod and direction: ``before`` those of the tier Admin, ``after`` what is read where none decided."""

    before: list[str]
    after: list[str]


class _People:
    """Who has which address of one IP family, for selectors."""

    def __init__(self, cluster: Cluster, family: str) -> None:
        self.cluster = cluster
        self.family = family
        self.pods = tuple(pod for pod in cluster.pods if not pod.host_network)
        self.namespaces = {each.name: each.labels for each in cluster.objects("namespaces")}
        self.nodes = {node.name: [address for link in cluster.namespace(node.name).links.values() if link.kind != "loopback"
                                  for address in self.ours(text.partition("/")[0] for text in link.addresses)]
                      for node in cluster.nodes}
        self.policies: tuple[NetworkPolicy, ...] = cluster.objects("networkpolicies")
        self.cluster_policies: tuple[ClusterNetworkPolicy, ...] = tuple(sorted(
            cluster.objects("clusternetworkpolicies"), key=lambda policy: (policy.priority, policy.name)))

    def ours(self, addresses: Iterable[str]) -> list[str]:
        """Those of these addresses or networks that are of the family."""
        return [each for each in addresses if (":" in each) == (self.family == "ip6")]

    def of_pod(self, pod: Pod) -> list[str]:
        """The pod's address of the family."""
        return self.ours(pod.ips)

    def at_node(self, node: str) -> list[str]:
        """The addresses of a node itself."""
        return self.nodes[node]

    def door(self, pod: Pod) -> Link:
        """The pod's interface on its node."""
        peer = next(link.peer for link in self.cluster.namespace(pod.key).links.values() if link.peer is not None)
        return self.cluster.namespace(peer.namespace).links[peer.link]

    def selected(self, pods: LabelSelector | None, namespaces: LabelSelector | None, own: str = "") -> list[Pod]:
        """The pods that selectors select; without a selector of ``namespaces`` those of the namespace ``own``."""
        return [pod for pod in self.pods if (pods is None or pods.matches(pod.labels)) and (
            pod.namespace == own if namespaces is None else namespaces.matches(self.namespaces[pod.namespace]))]

    def acts_on(self, policy: ClusterNetworkPolicy, pod: Pod) -> bool:
        """Whether a ClusterNetworkPolicy acts on a pod."""
        subject = policy.subject
        if subject.pods is not None:
            return pod in self.selected(subject.pods.pod_selector, subject.pods.namespace_selector)
        return pod in self.selected(None, subject.namespaces)


def _pod_chains(people: _People, pod: Pod, direction: str) -> _Chains | None:
    """The rules of one pod; None where no policy selects it for the direction."""
    tiers: dict[str, list[str]] = {ADMIN: [], BASELINE: []}
    found = False
    for policy in people.cluster_policies:
        if people.acts_on(policy, pod):
            for rule in policy.ingress if direction == INGRESS else policy.egress:
                found = True
                verdict = "drop" if rule.action == DENY else (
                    f"goto {_name(pod, direction)}/allow" if rule.action == PASS and policy.tier == ADMIN else "return")
                ends = [end for peer in rule.peers for end in _cluster_ends(people, peer, direction)]
                ports = [port for each in rule.protocols for port in (
                    _named(people, pod, direction, each.destination_named_port, "") if each.destination_named_port
                    else [_port(each.protocol, each.port, each.end_port)])]
                tiers[policy.tier] += _rules(ends, ports if rule.protocols else [""], verdict)
    isolating = [policy for policy in people.policies if policy.namespace == pod.namespace
                 and direction in policy.policy_types and policy.pod_selector.matches(pod.labels)]
    if not isolating:
        return _Chains(tiers[ADMIN], tiers[BASELINE]) if found else None
    allows: list[str] = []
    for each in isolating:
        for allowed in each.rules(direction):
            ends = [end for peer in allowed.peers for end in _ends(people, peer, each.namespace, direction)]
            ports = [text for port in allowed.ports for text in (
                _named(people, pod, direction, port.port, port.protocol) if isinstance(port.port, str)
                else [_port(port.protocol, port.port, port.end_port)])]
            allows += _rules(ends if allowed.peers else [""], ports if allowed.ports else [""], "return")
    return _Chains(tiers[ADMIN], [*allows, "drop"])


def _ends(people: _People, peer: NetworkPolicyPeer, namespace: str, direction: str) -> Iterator[str]:
    """The conditions on the other end's address, of which one suffices: one peer of a NetworkPolicy."""
    if peer.ip_block is None:
        yield from _among(people, people.selected(peer.pod_selector, peer.namespace_selector, namespace), direction)
        return
    far = f"{people.family} {_far(direction)}"
    for cidr in people.ours([peer.ip_block.cidr]):
        words = [f"{far} {cidr}", *(f"{far} != {hole}" for hole in peer.ip_block.except_)]
        if people.cluster.cni in _OUTSIDE_ONLY:
            inside = [ip for ips in (*map(people.of_pod, people.pods), *people.nodes.values()) for ip in ips]
            words.append(f"{far} != {_set(inside)}")
        yield " ".join(words)


def _cluster_ends(people: _People, peer: ClusterNetworkPolicyPeer, direction: str) -> Iterator[str]:
    """The same for one peer of a ClusterNetworkPolicy.  Nobody here has been found by a name."""
    far = f"{people.family} {_far(direction)}"
    yield from (f"{far} {cidr}" for cidr in people.ours(peer.networks))
    if peer.nodes is not None:
        nodes = [ip for name, ips in people.nodes.items() if peer.nodes.matches(people.cluster.node_labels(name)) for ip in ips]
        if nodes:
            yield f"{far} {_set(nodes)}"
    if peer.pods is not None:
        yield from _among(people, people.selected(peer.pods.pod_selector, peer.pods.namespace_selector), direction)
    if peer.namespaces is not None:
        yield from _among(people, people.selected(None, peer.namespaces), direction)


def _among(people: _People, pods: Sequence[Pod], direction: str) -> Iterator[str]:
    if pods:
        yield f"{people.family} {_far(direction)} {_set(ip for pod in pods for ip in people.of_pod(pod))}"


def _named(people: _People, pod: Pod, direction: str, name: str, protocol: str) -> Iterator[str]:
    """The conditions on a port that the destination gives a name: the pod itself, or (egress) any pod that has the name."""
    for end in (pod,) if direction == INGRESS else people.pods:
        for container in end.containers:
            for port in container.ports:
                if port.name == name and protocol in ("", port.protocol):
                    yield f"{people.family} daddr {_set(people.of_pod(end))} {_port(port.protocol, port.container_port, None)}"


def _port(protocol: str, port: int | None, last: int | None) -> str:
    if port is None:
        return f"meta l4proto {protocol.lower()}"
    return f"{protocol.lower()} dport {port}" + (f"-{last}" if last not in (None, port) else "")


def _rules(ends: Iterable[str], ports: Sequence[str], verdict: str) -> list[str]:
    return [" ".join(word for word in (*pair, verdict) if word) for pair in product(ends, ports)]


def _far(direction: str) -> str:
    return "saddr" if direction == INGRESS else "daddr"


def _name(pod: Pod, direction: str) -> str:
    return f"{'to' if direction == INGRESS else 'from'}/{pod.key}"


def _set(addresses: Iterable[str]) -> str:
    """Addresses as nft writes them.

    >>> _set(["10.0.0.10", "10.0.0.9", "10.0.0.10"]), _set(["10.0.0.9"])
    ('{ 10.0.0.9, 10.0.0.10 }', '10.0.0.9')
    """
    listed = sorted(dict.fromkeys(addresses), key=ip_address)
    return listed[0] if len(listed) == 1 else f"{{ {', '.join(listed)} }}"


def _chain(name: str, lines: Iterable[str]) -> list[str]:
    return [f"    chain {name} {{", *(f"        {line}" for line in lines), "    }"]
