"""How a NetworkPolicy is written.

What a policy cannot be, its object refuses; here it gets the line.

Source: Kubernetes API reference, networking.k8s.io/v1 (NetworkPolicy).
"""

from __future__ import annotations

from k8snet_course.manifests.checks import CIDR, PORT, PORT_OR_NAME, PROTOCOL
from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record, left_alone
from k8snet_course.manifests.scalars import Text
from k8snet_course.manifests.selectors import SELECTOR
from k8snet_course.objects.network_policy import (
    EGRESS,
    INGRESS,
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicyRule,
)

_PEER = Record(NetworkPolicyPeer, (
    Field("podSelector", SELECTOR, "pod_selector"),
    Field("namespaceSelector", SELECTOR, "namespace_selector"),
    Field("ipBlock", Record(IPBlock, (
        Field("cidr", CIDR, "cidr", required=True),
        Field("except", ListOf(CIDR), "except_"),
    )), "ip_block"),
))

_PORT = Record(NetworkPolicyPort, (
    Field("protocol", PROTOCOL, "protocol"),
    Field("port", PORT_OR_NAME, "port"),
    Field("endPort", PORT, "end_port"),
))


def _rule(peers: str) -> Record:
    return Record(NetworkPolicyRule, (Field(peers, ListOf(_PEER), "peers"), Field("ports", ListOf(_PORT), "ports")))


NETWORK_POLICY = Record(NetworkPolicy, (
    *HEAD, metadata("NetworkPolicy name"), Field("spec", Group((
        Field("podSelector", SELECTOR, "pod_selector", always=True),
        Field("policyTypes", ListOf(Text(choices=(INGRESS, EGRESS)), most=2), "policy_types"),
        Field("ingress", ListOf(_rule("from")), "ingress"),
        Field("egress", ListOf(_rule("to")), "egress"),
    )), required=True), *left_alone("status"),
))
