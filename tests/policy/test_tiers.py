"""ClusterNetworkPolicies: tiers, priorities, actions and peers (FACTS section 9.3)."""

from __future__ import annotations

import pytest

from k8snet_course.objects.cluster_network_policy import (
    ClusterNetworkPolicy,
    ClusterNetworkPolicyPeer,
    ClusterNetworkPolicyProtocol,
    ClusterNetworkPolicyRule,
    ClusterNetworkPolicySubject,
    NamespacedPod,
)
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.policy import Enforcement, Party, Policy
from tests.policy.shop import app, end, into, judge, out_of, pods, rule, team

ALL = LabelSelector()
EVERYONE = ClusterNetworkPolicyPeer(namespaces=ALL)
ALLOW_API = into("allow-api", app("db"), rule(pods("api")))
DENY_ALL = into("deny-all", ALL)


def cluster(name: str, tier: str, priority: int, *actions: str, peer: ClusterNetworkPolicyPeer = EVERYONE,
            to: str = "Ingress", subject: LabelSelector = ALL, port: int = 0) -> ClusterNetworkPolicy:
    """A policy for pods with these labels, with a rule an action."""
    ports = (ClusterNetworkPolicyProtocol("TCP", port),) if port else ()
    rules = tuple(ClusterNetworkPolicyRule(action, (peer,), ports) for action in actions)
    chosen = ClusterNetworkPolicySubject(pods=NamespacedPod(ALL, subject))
    return (ClusterNetworkPolicy(name, tier, priority, chosen, ingress=rules) if to == "Ingress"
            else ClusterNetworkPolicy(name, tier, priority, chosen, egress=rules))


@pytest.mark.parametrize(("policies", "allowed", "tier", "decided"), [
    ([], True, "default", None),
    ([cluster("a", "Admin", 1, "Deny")], False, "Admin", "a"),
    ([cluster("a", "Admin", 1, "Deny"), ALLOW_API], False, "Admin", "a"),
    ([cluster("a", "Admin", 1, "Accept"), DENY_ALL], True, "Admin", "a"),
    ([cluster("a", "Admin", 1, "Pass"), DENY_ALL], False, "NetworkPolicy", None),
    ([cluster("a", "Admin", 1, "Pass"), cluster("b", "Admin", 2, "Deny"), ALLOW_API], True, "NetworkPolicy", "shop/allow-api"),
    ([cluster("a", "Admin", 1, "Pass"), cluster("b", "Baseline", 2, "Deny")], False, "Baseline", "b"),
    ([cluster("a", "Admin", 1, "Pass", "Deny")], True, "default", None),
    ([cluster("a", "Admin", 1, "Deny", "Accept")], False, "Admin", "a"),
    ([cluster("b", "Admin", 1, "Accept"), cluster("a", "Admin", 2, "Deny")], True, "Admin", "b"),
    ([cluster("b", "Admin", 5, "Accept"), cluster("a", "Admin", 5, "Deny")], False, "Admin", "a"),
    ([cluster("a", "Baseline", 1, "Deny")], False, "Baseline", "a"),
    ([cluster("a", "Baseline", 1, "Deny"), ALLOW_API], True, "NetworkPolicy", "shop/allow-api"),
    ([cluster("a", "Baseline", 1, "Accept"), DENY_ALL], False, "NetworkPolicy", None),
    ([cluster("a", "Baseline", 1, "Pass", "Deny")], True, "default", None),
    ([cluster("a", "Admin", 1, "Deny", subject=app("web"))], True, "default", None),
    ([cluster("a", "Admin", 1, "Deny", port=22)], True, "default", None),
    ([cluster("a", "Admin", 1, "Deny", port=5432)], False, "Admin", "a"),
    ([cluster("a", "Admin", 1, "Deny", peer=ClusterNetworkPolicyPeer(namespaces=team("b")))], True, "default", None),
    ([cluster("a", "Admin", 1, "Deny", peer=ClusterNetworkPolicyPeer(pods=NamespacedPod(team("a"), app("api"))))], False,
     "Admin", "a"),
    ([ClusterNetworkPolicy("a", "Admin", 1, ClusterNetworkPolicySubject(namespaces=team("a")))], True, "default", None),
])
def test_api_to_db(policies: list[Policy], allowed: bool, tier: str, decided: str | None) -> None:
    side = judge(end("shop/api"), end("shop/db"), "TCP", 5432, policies).ingress
    assert (side.allowed, side.tier) == (allowed, tier), str(side)
    assert (side.policy.label if side.policy is not None else None) == decided


def test_a_cluster_policy_isolates_nobody() -> None:
    only = cluster("a", "Admin", 1, "Accept", peer=ClusterNetworkPolicyPeer(namespaces=team("b")))
    found = judge(end("shop/web"), end("shop/db"), "TCP", 5432, [only])
    assert found.allowed and found.ingress.selecting == (only,)
    assert found.ingress.reason == ("no rule of the policies that select pod shop/db for ingress decides about TCP 5432 "
                                    "from pod shop/web")


@pytest.mark.parametrize(("peer", "reached"), [
    (ClusterNetworkPolicyPeer(networks=("203.0.113.0/24", "10.244.1.0/24")), ["203.0.113.9", "shop/db"]),
    (ClusterNetworkPolicyPeer(nodes=LabelSelector({"zone": "a"})), ["node-9"]),
    (ClusterNetworkPolicyPeer(domain_names=("*.example.com",)), ["www"]),
    (EVERYONE, ["shop/db"]),
])
def test_peers_of_egress(peer: ClusterNetworkPolicyPeer, reached: list[str]) -> None:
    targets = {"203.0.113.9": end("203.0.113.9"), "shop/db": end("shop/db"),
               "node-9": Party.of_node("node-9", "192.168.1.10", {"zone": "a"}),
               "node-8": Party.of_node("node-8", "192.168.1.9", {"zone": "b"}),
               "www": Party.outside("198.51.100.1", ("www.example.com",)),
               "apex": Party.outside("198.51.100.2", ("example.com",)),
               "other": Party.outside("198.51.100.3", ("www.badexample.com",))}
    policies = [cluster("open", "Admin", 1, "Accept", peer=peer, to="Egress"), out_of("deny", ALL)]
    assert [name for name, target in targets.items()
            if judge(end("shop/web"), target, "TCP", 443, policies).allowed] == sorted(reached, key=list(targets).index)


def test_host_network_pods_and_own_nodes_are_left_alone() -> None:
    deny = cluster("a", "Admin", 1, "Deny")
    assert judge(end("shop/web"), end("shop/db2"), "TCP", 5432, [deny]).ingress.tier == "exempt"
    assert judge(end("node-2"), end("shop/db"), "TCP", 5432, [deny]).allowed
    assert judge(end("node-1"), end("shop/db"), "TCP", 5432, [deny]).allowed, "a node is in no namespace"
    assert judge(end("shop/db2"), end("shop/web"), "TCP", 80, [deny]).allowed, "seen as a node"


def test_every_rule_is_a_candidate_in_reading_order() -> None:
    policies = [cluster("late", "Baseline", 1, "Deny"), ALLOW_API, cluster("first", "Admin", 1, "Deny", port=22),
                cluster("second", "Admin", 2, "Pass", "Deny")]
    found = judge(end("shop/api"), end("shop/db"), "TCP", 5432, policies).ingress
    assert [policy.name for policy in found.selecting] == ["first", "second", "allow-api", "late"]
    assert [(each.row.partition(":")[0], each.matched, each.won, each.why) for each in found.candidates] == [
        ("first ingress[0]", False, False, "TCP 5432 is not TCP 22"),
        ("second ingress[0]", True, False, "passes to the next tier"),
        ("second ingress[1]", False, False, "not read: an earlier rule passed"),
        ("shop/allow-api ingress[0]", True, True, "decides"),
        ("late ingress[0]", False, False, "not read: it is decided already")]


def test_after_a_decision_in_the_admin_tier_nothing_is_read() -> None:
    policies = [cluster("a", "Admin", 1, "Deny", "Accept", "Pass"), ALLOW_API, DENY_ALL]
    whys = [candidate.why for candidate in judge(end("shop/api"), end("shop/db"), "TCP", 5432, policies).ingress.candidates]
    assert whys == ["decides"] + ["not read: it is decided already"] * 4


def test_a_plugin_without_cluster_policies() -> None:
    found = judge(end("shop/api"), end("shop/db"), "TCP", 5432, [cluster("a", "Admin", 1, "Deny")],
                   Enforcement(cluster_policies=False))
    assert found.allowed and found.ingress.selecting == ()
