"""The rules of FACTS section 9 once more, slow and obvious, to compare with.

It shares nothing with :mod:`k8snet_course.policy` but the objects: it matches labels, addresses and ports by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network

from k8snet_course.objects.cluster_network_policy import ClusterNetworkPolicy, ClusterNetworkPolicyPeer
from k8snet_course.objects.network_policy import NetworkPolicy, NetworkPolicyPeer
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.policy import Party


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    checks = [key in labels and labels[key] == value for key, value in selector.match_labels.items()]
    for each in selector.match_expressions:
        there = each.key in labels
        among = there and labels[each.key] in each.values
        checks.append({"In": among, "NotIn": not among, "Exists": there, "DoesNotExist": not there}[each.operator])
    return all(checks)


def is_plain_pod(party: Party) -> bool:
    return party.pod is not None and not party.pod.host_network


def in_network(ip: str, cidr: str) -> bool:
    return ip_address(ip) in ip_network(cidr)


def port_matches(number: object, end: int | None, protocol: str, asked: tuple[str, int], target: Party) -> bool:
    """``protocol`` empty: any."""
    if protocol not in ("", asked[0]):
        return False
    if isinstance(number, str):
        return is_plain_pod(target) and target.pod is not None and any(
            port.name == number and port.protocol == asked[0] and port.container_port == asked[1]
            for container in target.pod.containers for port in container.ports)
    return number is None or number == asked[1] or (end is not None and number <= asked[1] <= end)  # type: ignore[operator]


def peer_matches(peer: NetworkPolicyPeer, policy: NetworkPolicy, party: Party) -> bool:
    if peer.ip_block is not None:
        excepted = any(in_network(party.ip, each) for each in peer.ip_block.except_)
        return in_network(party.ip, peer.ip_block.cidr) and not excepted
    if not is_plain_pod(party) or party.pod is None or party.namespace is None:
        return False
    if peer.pod_selector is not None and not selects(peer.pod_selector, party.pod.labels):
        return False
    if peer.namespace_selector is None:
        return party.pod.namespace == policy.namespace
    return selects(peer.namespace_selector, party.namespace.labels)


def cluster_peer_matches(peer: ClusterNetworkPolicyPeer, party: Party) -> bool:
    if peer.networks:
        return any(in_network(party.ip, each) for each in peer.networks)
    if peer.nodes is not None:
        return not is_plain_pod(party) and party.node != "" and selects(peer.nodes, party.node_labels)
    if peer.domain_names:
        return any(name.endswith(each[1:]) if each.startswith("*") else name == each
                   for name in party.names for each in peer.domain_names)
    if not is_plain_pod(party) or party.pod is None or party.namespace is None:
        return False
    if peer.namespaces is not None:
        return selects(peer.namespaces, party.namespace.labels)
    return peer.pods is not None and selects(peer.pods.namespace_selector, party.namespace.labels) and selects(
        peer.pods.pod_selector, party.pod.labels)


def tier(name: str, direction: str, me: Party, other: Party, asked: tuple[str, int], target: Party,
         policies: Sequence[ClusterNetworkPolicy]) -> str:
    """The action of the first rule of the tier that matches, or nothing."""
    assert me.pod is not None and me.namespace is not None
    for policy in sorted((each for each in policies if each.tier == name), key=lambda each: (each.priority, each.name)):
        subject = policy.subject
        chosen = selects(subject.namespaces, me.namespace.labels) if subject.namespaces is not None else (
            subject.pods is not None and selects(subject.pods.namespace_selector, me.namespace.labels)
            and selects(subject.pods.pod_selector, me.pod.labels))
        if not chosen:
            continue
        for rule in policy.ingress if direction == "Ingress" else policy.egress:
            fits = not rule.protocols or any(
                port_matches(each.destination_named_port or each.port, each.end_port, each.protocol, asked, target)
                for each in rule.protocols)
            if fits and any(cluster_peer_matches(peer, other) for peer in rule.peers):
                return rule.action
    return ""


def side(direction: str, me: Party, other: Party, asked: tuple[str, int],
         policies: Sequence[NetworkPolicy | ClusterNetworkPolicy]) -> bool:
    if not is_plain_pod(me) or me.pod is None:
        return True
    if is_plain_pod(other) and other.pod is not None and other.pod.key == me.pod.key:
        return True
    if not is_plain_pod(other) and other.node == me.pod.node and other.node:
        return True
    target = me if direction == "Ingress" else other
    cluster = [each for each in policies if isinstance(each, ClusterNetworkPolicy)]
    action = tier("Admin", direction, me, other, asked, target, cluster)
    if action in ("Accept", "Deny"):
        return action == "Accept"
    mine = [each for each in policies if isinstance(each, NetworkPolicy) and each.namespace == me.pod.namespace
            and direction in each.policy_types and selects(each.pod_selector, me.pod.labels)]
    if mine:
        return any(
            (not rule.peers or any(peer_matches(peer, policy, other) for peer in rule.peers))
            and (not rule.ports or any(port_matches(port.port, port.end_port, port.protocol, asked, target)
                                       for port in rule.ports))
            for policy in mine for rule in (policy.ingress if direction == "Ingress" else policy.egress))
    return tier("Baseline", direction, me, other, asked, target, cluster) != "Deny"


def allowed(source: Party, destination: Party, protocol: str, port: int,
            policies: Sequence[NetworkPolicy | ClusterNetworkPolicy]) -> tuple[bool, bool]:
    """What the egress side and the ingress side say."""
    return (side("Egress", source, destination, (protocol, port), policies),
            side("Ingress", destination, source, (protocol, port), policies))
