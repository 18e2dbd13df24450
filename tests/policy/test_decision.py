"""What a decision says: the policy, the rule, the side, and why the others did not decide."""

from __future__ import annotations

import pytest

from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.linux.trace import Verdict
from k8snet_course.objects.cluster_network_policy import (
    ClusterNetworkPolicy,
    ClusterNetworkPolicyPeer,
    ClusterNetworkPolicyRule,
    ClusterNetworkPolicySubject,
)
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.network_policy import NetworkPolicyPeer
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.policy import Enforcement, Matrix, Party, PolicyIndex, decide
from tests.policy.shop import app, block, end, into, judge, out_of, pods, rule, team

EVERY = LabelSelector()


def test_the_rule_that_allowed_is_named() -> None:
    policy = into("p", app("db"), rule(pods("prom"), port=5432), rule(pods("api"), port=5432), rule(pods("api")))
    found = judge(end("shop/api"), end("shop/db"), "TCP", 5432, [policy])
    assert (found.verdict, found.deciding, found.ingress.policy, found.ingress.rule) == (None, found.ingress, policy, 1)
    assert str(found) == ("allowed: no policy selects pod shop/api for egress, and ingress[1] of NetworkPolicy shop/p allows "
                          "TCP 5432 from pod shop/api")
    assert [str(candidate) for candidate in found.ingress.candidates] == [
        "  shop/p ingress[0]: pods app=prom in the policy's namespace on TCP 5432   (pod shop/api does not have app=prom)",
        "* shop/p ingress[1]: pods app=api in the policy's namespace on TCP 5432   (decides)",
        "  shop/p ingress[2]: pods app=api in the policy's namespace on all ports   (would allow it too)"]


def test_every_policy_that_isolates_is_named_when_none_allows() -> None:
    policies = [into("p", app("db"), rule(pods("api"), port=5432)), into("deny", EVERY), into("web-only", app("web"))]
    found = judge(end("shop/web"), end("shop/db"), "TCP", 5432, policies)
    assert found.verdict is Verdict.DENIED_INGRESS and (found.ingress.policy, found.ingress.rule) == (None, -1)
    assert found.reason == ("NetworkPolicies shop/deny, shop/p isolate pod shop/db for ingress, and no rule allows TCP 5432 "
                            "from pod shop/web")
    assert [policy.name for policy in found.ingress.selecting] == ["deny", "p"]
    assert [str(candidate) for candidate in found.ingress.candidates] == [
        "  shop/deny: no ingress rules   (isolates, and allows nothing)",
        "  shop/p ingress[0]: pods app=api in the policy's namespace on TCP 5432   (pod shop/web does not have app=api)"]
    many = [into(f"p{number}", EVERY) for number in range(5)]
    assert "shop/p0, shop/p1, shop/p2 and 2 more isolate" in judge(end("shop/web"), end("shop/db"), "TCP", 80, many).reason


def test_egress_is_asked_first_and_both_sides_are_told() -> None:
    found = judge(end("shop/web"), end("shop/db"), "TCP", 5432, [into("in", EVERY), out_of("out", EVERY)])
    assert found.verdict is Verdict.DENIED_EGRESS and found.deciding is found.egress
    assert not found.egress.allowed and not found.ingress.allowed
    assert found.reason == "NetworkPolicy shop/out isolates pod shop/web for egress, and no rule allows TCP 5432 to pod shop/db"


@pytest.mark.parametrize(("source", "destination", "side", "reason"), [
    ("203.0.113.9", "shop/db", "egress", "203.0.113.9 is no pod, so no policy selects it"),
    ("shop/db2", "shop/web", "egress", "pod shop/db2 uses the network of its node, so no policy selects it"),
    ("node-2", "shop/db", "ingress",
     "node node-2 is the node that pod shop/db runs on, and a node always reaches its own pods"),
    ("shop/db", "node-2", "egress", "node node-2 is the node that pod shop/db runs on, and a pod always reaches its own node"),
    ("shop/db2", "shop/db", "ingress",
     "pod shop/db2 is seen as node-2, the node that pod shop/db runs on, and a node always reaches its own pods"),
    ("shop/db", "shop/db", "egress", "pod shop/db talks to itself, and no policy can forbid that"),
])
def test_where_no_policy_is_asked(source: str, destination: str, side: str, reason: str) -> None:
    policies = [into("in", EVERY), out_of("out", EVERY)]
    told = getattr(judge(end(source), end(destination), "TCP", 5432, policies), side)
    assert (told.allowed, told.tier, told.reason) == (True, "exempt", reason)
    assert not any(candidate.matched for candidate in told.candidates)


@pytest.mark.parametrize(("policy", "source", "why"), [
    (into("p", app("db"), rule(pods("api"))), "mon/api", "pod mon/api is not in namespace shop"),
    (into("p", app("db"), rule(pods("api"))), "203.0.113.9", "203.0.113.9 is no pod"),
    (into("p", app("db"), rule(pods("api"))), "shop/db2", "pod shop/db2 (on the network of node-2) is seen as a node"),
    (into("p", app("db"), rule(NetworkPolicyPeer(app("prom"), team("b")))), "shop/prom",
     "namespace shop does not have team=b"),
    (into("p", app("db"), rule(NetworkPolicyPeer(app("prom"), team("b")))), "mon/other",
     "pod mon/other does not have app=prom"),
    (into("p", app("db"), rule(block("10.0.0.0/8", "10.244.0.0/16"))), "mon/other",
     "10.244.0.5 is not in 10.0.0.0/8 except 10.244.0.0/16"),
    (into("p", app("db"), rule(pods("a"), pods("b"))), "shop/web",
     "pod shop/web does not have app=a; pod shop/web does not have app=b"),
    (into("p", app("db"), rule(port="http")), "shop/web",
     "TCP 5432 is not TCP port named http (pod shop/db gives it no such name)"),
    (into("p", app("db"), rule(port=8000, end_port=8010)), "shop/web", "TCP 5432 is not TCP 8000-8010"),
    (into("p", app("db"), rule(port=5432, protocol="UDP")), "shop/web", "TCP 5432 is not UDP 5432"),
])
def test_why_a_rule_does_not_match(policy: object, source: str, why: str) -> None:
    # Pods of node-2 reach shop/db as their node's only where they are on its network; node-1 is another node.
    db = Party.of_pod(Pod("db", "node-1", "10.244.0.20", "shop", {"app": "db"}), Namespace("shop", {"team": "a"}))
    found = judge(end(source), db, "TCP", 5432, [policy])  # type: ignore[list-item]
    assert [candidate.why for candidate in found.ingress.candidates] == [why]


def test_icmp_passes_only_rules_without_ports() -> None:
    web, db = end("shop/web"), end("shop/db")
    assert judge(web, db, "ICMP", 0, []).allowed
    assert not judge(web, db, "ICMP", 0, [into("p", EVERY, rule(pods("web"), port=80))]).allowed
    assert judge(web, db, "ICMP", 0, [into("p", EVERY, rule(pods("web")))]).allowed
    assert "ICMP from pod shop/web" in judge(web, db, "ICMP", 0, [into("p", EVERY)]).reason


def test_ip_blocks_and_pods_depend_on_the_plugin() -> None:
    policy = into("p", app("db"), rule(block("0.0.0.0/0")))
    calico, cilium = Enforcement(), Enforcement(ip_blocks_match_cluster=False)
    for enforcement, expected in ((calico, [True, True, True]), (cilium, [False, False, True])):
        assert [judge(end(source), end("shop/db"), "TCP", 5432, [policy], enforcement).allowed
                for source in ("shop/web", "node-1", "203.0.113.9")] == expected
    told = judge(end("shop/web"), end("shop/db"), "TCP", 5432, [policy], cilium)
    assert told.ingress.candidates[0].why == "with this plugin pod shop/web is matched by selectors only, not by its address"


def test_a_plugin_without_end_port_takes_the_first_port() -> None:
    policy, less = into("p", app("db"), rule(port=8000, end_port=8010)), Enforcement(end_port=False)
    assert judge(end("shop/web"), end("shop/db"), "TCP", 8000, [policy], less).allowed
    assert not judge(end("shop/web"), end("shop/db"), "TCP", 8001, [policy], less).allowed


def test_addresses_are_those_of_the_packet() -> None:
    pod = Pod("two", "node-1", "10.244.0.30", "shop", second_ip="fd00::30")
    shop = Namespace("shop", {"team": "a"})
    policy = into("p", app("db"), rule(block("fd00::/64")))
    assert not judge(Party.of_pod(pod, shop), end("shop/db"), "TCP", 5432, [policy]).allowed
    assert judge(Party.of_pod(pod, shop, "fd00::30"), end("shop/db"), "TCP", 5432, [policy]).allowed


@pytest.mark.parametrize(("protocol", "port"), [
    ("tcp", 80), ("TCP", 0), ("TCP", 65536), ("ICMP", 80), ("TCP", "80"), ("UDP", True)])
def test_what_cannot_be_asked(protocol: str, port: int) -> None:
    for ask in (lambda: decide(end("shop/web"), end("shop/db"), protocol, port, []),
                lambda: PolicyIndex().decide(end("shop/web"), end("shop/db"), protocol, port),
                lambda: Matrix([], [], protocol, port)):
        with pytest.raises(InvalidArgument):
            ask()


def test_the_index_follows_changes_of_labels() -> None:
    index = PolicyIndex([into("p", app("db"))])
    before = Pod("x", "node-1", "10.244.0.40", "shop", {"app": "web"})
    after = Pod("x", "node-1", "10.244.0.40", "shop", {"app": "db"})
    assert index.ingress(Party.of_pod(before), end("shop/web"), "TCP", 80).allowed
    assert not index.ingress(Party.of_pod(after), end("shop/web"), "TCP", 80).allowed
    assert index.ingress(Party.of_pod(before), end("shop/web"), "TCP", 80).allowed


def test_the_index_follows_changes_of_a_namespaces_labels() -> None:
    chosen = ClusterNetworkPolicySubject(namespaces=team("a"))
    peers = (ClusterNetworkPolicyPeer(namespaces=EVERY),)
    index = PolicyIndex([ClusterNetworkPolicy("deny", "Admin", 1, chosen, (ClusterNetworkPolicyRule("Deny", peers),))])
    pod = Pod("x", "node-1", "10.244.0.40", "shop")
    for name, allowed in (("b", True), ("a", False), ("b", True)):
        party = Party.of_pod(pod, Namespace("shop", {"team": name}))
        assert index.ingress(party, end("mon/other"), "TCP", 80).allowed is allowed


def test_a_pod_of_the_same_name_in_another_namespace_is_another_pod() -> None:
    assert not judge(end("mon/prom"), end("shop/prom"), "TCP", 80, [into("deny", EVERY)]).allowed


def test_a_port_name_counts_only_for_its_protocol() -> None:
    web, db = end("shop/web"), end("shop/db")
    assert judge(web, db, "TCP", 5432, [into("p", EVERY, rule(port="pg"))]).allowed
    assert not judge(web, db, "UDP", 5432, [into("p", EVERY, rule(port="pg"))]).allowed
    for protocol in ("TCP", "UDP"):
        assert not judge(web, db, protocol, 5432, [into("p", EVERY, rule(port="pg", protocol="UDP"))]).allowed


def test_the_index_refuses_to_remove_what_is_not_there() -> None:
    index = PolicyIndex([into("p", EVERY)])
    for kind, key in (("NetworkPolicy", "shop/q"), ("ClusterNetworkPolicy", "shop/p"), ("NetworkPolicy", "p")):
        with pytest.raises(NotFound):
            index.remove(kind, key)
    assert index.policies == (into("p", EVERY),)


def test_a_policy_of_the_same_name_takes_the_place() -> None:
    index = PolicyIndex([into("p", EVERY)])
    assert not index.allows(end("shop/web"), end("shop/db"), "TCP", 80)
    index.add(into("p", app("nobody")))
    assert index.allows(end("shop/web"), end("shop/db"), "TCP", 80) and len(index.policies) == 1
