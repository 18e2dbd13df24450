"""NetworkPolicies: defaults, what the API server refuses, and how they read (FACTS section 9.1)."""

from __future__ import annotations

import pytest

from k8snet_course.errors import CourseError, InvalidArgument, InvalidCidr, InvalidName
from k8snet_course.objects.network_policy import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicyRule,
)
from k8snet_course.objects.selector import LabelSelector

RULE = NetworkPolicyRule()
BLOCK = NetworkPolicyPeer(ip_block=IPBlock("10.0.0.0/8"))


@pytest.mark.parametrize(("given", "ingress", "egress", "types"), [
    ((), (), (), ("Ingress",)), ((), (RULE,), (), ("Ingress",)), ((), (), (RULE,), ("Ingress", "Egress")),
    (("Egress",), (RULE,), (), ("Egress",)), (("Ingress",), (), (RULE,), ("Ingress",)),
    (("Egress", "Ingress"), (), (), ("Egress", "Ingress")),
])
def test_policy_types(given: tuple[str, ...], ingress: tuple[NetworkPolicyRule, ...], egress: tuple[NetworkPolicyRule, ...],
                      types: tuple[str, ...]) -> None:
    policy = NetworkPolicy("p", ingress=ingress, egress=egress, policy_types=given)
    assert policy.policy_types == types
    assert policy.rules("Ingress") == (ingress if "Ingress" in types else ())
    assert policy.rules("Egress") == (egress if "Egress" in types else ())


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: IPBlock("172.17.0.0"), InvalidCidr, "cidr of an ipBlock"),
    (lambda: IPBlock("172.17.0.1/16"), InvalidCidr, "host bits"),
    (lambda: IPBlock("172.17.0.0/16", ("172.18.0.0/24",)), InvalidCidr, "strict subset of the cidr 172.17.0.0/16"),
    (lambda: IPBlock("172.17.0.0/16", ("172.17.0.0/16",)), InvalidCidr, "strict subset"),
    (lambda: IPBlock("172.17.0.0/16", ("172.0.0.0/8",)), InvalidCidr, "strict subset"),
    (lambda: IPBlock("172.17.0.0/16", ("fd00::/64",)), InvalidCidr, "strict subset"),
    (lambda: NetworkPolicyPort(80, "ICMP"), InvalidArgument, "a NetworkPolicy knows no other"),
    (lambda: NetworkPolicyPort(80, "tcp"), InvalidArgument, "TCP or UDP or SCTP"),
    (lambda: NetworkPolicyPort(0), InvalidArgument, "as port a number from 1 to 65535"),
    (lambda: NetworkPolicyPort(65536), InvalidArgument, "as port a number from 1 to 65535"),
    (lambda: NetworkPolicyPort(True), InvalidArgument, "as port a number from 1 to 65535"),
    (lambda: NetworkPolicyPort(8010, end_port=8000), InvalidArgument, "write port 8000 and endPort 8010"),
    (lambda: NetworkPolicyPort(8010, end_port=65536), InvalidArgument, "as endPort a number from 1 to 65535"),
    (lambda: NetworkPolicyPort("http", end_port=90), InvalidArgument, "port that is a number"),
    (lambda: NetworkPolicyPort(end_port=90), InvalidArgument, "port that is a number"),
    (lambda: NetworkPolicyPort("80"), InvalidArgument, "write 80 without quotes"),
    (lambda: NetworkPolicyPort("a--b"), InvalidArgument, "name of a container's port"),
    (lambda: NetworkPolicyPort("sixteen-letters1"), InvalidArgument, "name of a container's port"),
    (lambda: NetworkPolicyPort("Http"), InvalidArgument, "name of a container's port"),
    (NetworkPolicyPeer, InvalidArgument, "podSelector, namespaceSelector or ipBlock"),
    (lambda: NetworkPolicyPeer(LabelSelector(), None, IPBlock("10.0.0.0/8")), InvalidArgument, "an element of its own"),
    (lambda: NetworkPolicy("p", policy_types=("ingress",)), InvalidArgument, "Ingress or Egress"),
    (lambda: NetworkPolicy("p", policy_types=("Ingress", "Egress", "Ingress")), InvalidArgument, "at most two"),
    (lambda: NetworkPolicy("P"), InvalidName, "NetworkPolicy name"),
    (lambda: NetworkPolicy("p", "my.shop"), InvalidName, "namespace"),
    (lambda: NetworkPolicy("p", labels={"a": "b c"}), InvalidName, "label"),
])
def test_what_the_api_server_refuses(make: object, error: type[CourseError], words: str) -> None:
    with pytest.raises(error, match=words):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("port", [
    NetworkPolicyPort(1), NetworkPolicyPort(65535), NetworkPolicyPort(80, end_port=80), NetworkPolicyPort("a"),
    NetworkPolicyPort("x1-2-3-4-5-6-78"), NetworkPolicyPort(protocol="SCTP")])
def test_ports_at_the_edge_are_taken(port: NetworkPolicyPort) -> None:
    assert NetworkPolicyRule(ports=(port,)).ports == (port,)


def test_text() -> None:
    policy = NetworkPolicy("p", "shop", LabelSelector({"app": "db"}), ingress=(
        NetworkPolicyRule((NetworkPolicyPeer(namespace_selector=LabelSelector()), BLOCK), (NetworkPolicyPort(5432),)),
        RULE), policy_types=("Ingress", "Egress"))
    assert str(policy) == ("networkpolicy shop/p selects app=db: Ingress from all pods in all namespaces or addresses "
                           "10.0.0.0/8 on TCP 5432; anyone on all ports, Egress to nobody")
    assert (policy.key, policy.label, NetworkPolicy("p").label) == ("shop/p", "shop/p", "p")
