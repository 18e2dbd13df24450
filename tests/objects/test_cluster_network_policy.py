"""ClusterNetworkPolicies: what the API refuses, and how they read (policy.networking.k8s.io/v1alpha2)."""

from __future__ import annotations

import pytest

from k8snet_course.errors import CourseError, InvalidArgument, InvalidCidr, InvalidName
from k8snet_course.objects.cluster_network_policy import (
    ClusterNetworkPolicy,
    ClusterNetworkPolicyPeer,
    ClusterNetworkPolicyProtocol,
    ClusterNetworkPolicyRule,
    ClusterNetworkPolicySubject,
    NamespacedPod,
)
from k8snet_course.objects.selector import LabelSelector

ALL = LabelSelector()
EVERYONE = ClusterNetworkPolicyPeer(namespaces=ALL)
SUBJECT = ClusterNetworkPolicySubject(namespaces=ALL)
OUTSIDE = ClusterNetworkPolicyPeer(networks=("10.0.0.0/8",))
NAMED = ClusterNetworkPolicyProtocol(destination_named_port="http")
DOMAIN = ClusterNetworkPolicyPeer(domain_names=("*.example.com",))


def policy(**fields: object) -> ClusterNetworkPolicy:
    return ClusterNetworkPolicy(**{"name": "p", "tier": "Admin", "priority": 0, "subject": SUBJECT} | fields)  # type: ignore


@pytest.mark.parametrize(("make", "error", "words"), [
    (ClusterNetworkPolicySubject, InvalidArgument, "exactly one of namespaces and pods"),
    (lambda: ClusterNetworkPolicySubject(ALL, NamespacedPod()), InvalidArgument, "exactly one of namespaces and pods"),
    (ClusterNetworkPolicyPeer, InvalidArgument, "exactly one of namespaces, pods"),
    (lambda: ClusterNetworkPolicyPeer(ALL, nodes=ALL), InvalidArgument, "element of its own"),
    (lambda: ClusterNetworkPolicyPeer(networks=("10.0.0.1/8",)), InvalidCidr, "host bits"),
    (lambda: ClusterNetworkPolicyPeer(networks=tuple(f"10.{n}.0.0/16" for n in range(26))), InvalidArgument, "at most 25"),
    (lambda: ClusterNetworkPolicyPeer(domain_names=("example",)), InvalidArgument, "domain name with a dot"),
    (lambda: ClusterNetworkPolicyPeer(domain_names=("www.*.com",)), InvalidArgument, "domain name with a dot"),
    (ClusterNetworkPolicyProtocol, InvalidArgument, "one of tcp, udp, sctp"),
    (lambda: ClusterNetworkPolicyProtocol("TCP"), InvalidArgument, "as destinationPort a number"),
    (lambda: ClusterNetworkPolicyProtocol("TCP", 80, 80), InvalidArgument, "end is greater than its start 80"),
    (lambda: ClusterNetworkPolicyProtocol("TCP", 80, 65536), InvalidArgument, "from 1 to 65535"),
    (lambda: ClusterNetworkPolicyProtocol("TCP", destination_named_port="http"), InvalidArgument, "without a protocol"),
    (lambda: ClusterNetworkPolicyRule("Allow", (EVERYONE,)), InvalidArgument, "Accept, Deny, Pass"),
    (lambda: ClusterNetworkPolicyRule("Deny"), InvalidArgument, "at least one peer"),
    (lambda: ClusterNetworkPolicyRule("Deny", (EVERYONE,), name="x" * 101), InvalidArgument, "100 characters"),
    (lambda: ClusterNetworkPolicyRule("Deny", (EVERYONE,) * 26), InvalidArgument, "at most 25"),
    (lambda: ClusterNetworkPolicyRule("Deny", (OUTSIDE,), (NAMED,)), InvalidArgument, "no named ports"),
    (lambda: ClusterNetworkPolicyRule("Deny", (DOMAIN,)), InvalidArgument, "in an Accept rule only"),
    (lambda: policy(tier="admin"), InvalidArgument, "Admin or Baseline"),
    (lambda: policy(priority=1001), InvalidArgument, "from 0"),
    (lambda: policy(priority=-1), InvalidArgument, "from 0"),
    (lambda: policy(priority="1"), InvalidArgument, "from 0"),
    (lambda: policy(ingress=(ClusterNetworkPolicyRule("Deny", (OUTSIDE,)),)), InvalidArgument, "pods in an ingress rule"),
    (lambda: policy(egress=(ClusterNetworkPolicyRule("Deny", (EVERYONE,)),) * 26), InvalidArgument, "at most 25"),
    (lambda: policy(name="P"), InvalidName, "ClusterNetworkPolicy name"),
])
def test_what_the_api_refuses(make: object, error: type[CourseError], words: str) -> None:
    with pytest.raises(error, match=words):
        make()  # type: ignore[operator]


def test_text_and_rules() -> None:
    one = policy(tier="Baseline", priority=1000, egress=(
        ClusterNetworkPolicyRule("Accept", (DOMAIN,), (ClusterNetworkPolicyProtocol("TCP", 443),)),
        ClusterNetworkPolicyRule("Deny", (OUTSIDE, ClusterNetworkPolicyPeer(nodes=ALL)))))
    assert str(one) == ("clusternetworkpolicy p (Baseline 1000) acts on all pods in all namespaces: Egress Accept domains "
                        "*.example.com on TCP 443; Deny networks 10.0.0.0/8 or all nodes on all ports")
    assert one.rules("Ingress") == () and len(one.rules("Egress")) == 2
    assert one.key == one.label == "p" and str(policy()).endswith("no rules")
