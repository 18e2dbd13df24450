"""NetworkPolicies as kubectl sees them.

Source: kubernetes pkg/printers (printNetworkPolicy); kubectl describe (describeNetworkPolicy).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import Form
from k8snet_course.objects.network_policy import (
    EGRESS,
    INGRESS,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicyRule,
)


class NetworkPolicyForm(Form):
    """How NetworkPolicies are listed and written."""

    columns = ("NAME", "POD-SELECTOR", "AGE")

    def cells(self, policy: NetworkPolicy) -> tuple[str, ...]:
        """NAME, POD-SELECTOR, AGE."""
        return (policy.name, tell.selector(policy.pod_selector), self.age(policy))

    def fill(self, policy: NetworkPolicy, served: dict[str, Any]) -> None:
        """What the server fills in: the directions, and each port's protocol."""
        spec = served["spec"]
        spec["policyTypes"] = list(policy.policy_types)
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction, ()):
                for port in rule.get("ports", ()):
                    port.setdefault("protocol", "TCP")

    def describe(self, policy: NetworkPolicy) -> str:
        """Whom the policy selects, and what it lets pass in each direction."""
        text = f"Name:         {policy.name}\nNamespace:    {policy.namespace}\n"
        text += f"Created on:   {tell.created(self.born(policy))}\n"
        text += tell.labels(policy.labels) + tell.notes(policy.annotations) + "Spec:\n"
        if policy.pod_selector.empty:
            text += "  PodSelector:     <none> (Allowing the specific traffic to all pods in this namespace)\n"
        else:
            text += f"  PodSelector:     {tell.selector(policy.pod_selector)}\n"
        for direction, word, preposition in ((INGRESS, "ingress", "From"), (EGRESS, "egress", "To")):
            if direction in policy.policy_types:
                text += f"  Allowing {word} traffic:\n" + _rules(policy.rules(direction), word, preposition)
            else:
                text += f"  Not affecting {word} traffic\n"
        return text + f"  Policy Types: {', '.join(policy.policy_types)}\n"


def _rules(rules: Sequence[NetworkPolicyRule], word: str, preposition: str) -> str:
    if not rules:
        return f"    <none> (Selected pods are isolated for {word} connectivity)\n"
    return "    ----------\n".join(_rule(rule, preposition) for rule in rules)


def _rule(rule: NetworkPolicyRule, preposition: str) -> str:
    text = "".join(f"    To Port{_port(port)}\n" for port in rule.ports)
    text = text or "    To Port: <any> (traffic allowed to all ports)\n"
    if not rule.peers:
        where = "source" if preposition == "From" else "destination"
        return f"{text}    {preposition}: <any> (traffic not restricted by {where})\n"
    return text + "".join(f"    {preposition}:\n{_peer(peer)}" for peer in rule.peers)


def _port(port: NetworkPolicyPort) -> str:
    if port.end_port is not None:
        return f" Range: {port.port}-{port.end_port}/{port.protocol}"
    return f": {'<nil>' if port.port is None else port.port}/{port.protocol}"


def _peer(peer: NetworkPolicyPeer) -> str:
    if peer.ip_block is not None:
        return f"      IPBlock:\n        CIDR: {peer.ip_block.cidr}\n        Except: {', '.join(peer.ip_block.except_)}\n"
    text = ""
    if peer.namespace_selector is not None:
        text += f"      NamespaceSelector: {tell.selector(peer.namespace_selector)}\n"
    if peer.pod_selector is not None:
        text += f"      PodSelector: {tell.selector(peer.pod_selector)}\n"
    return text


FORMS = {"networkpolicies": NetworkPolicyForm}
