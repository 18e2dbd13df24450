"""The setting of FACTS section 9.2: the namespaces shop and mon, their pods, and short ways to write policies and ends."""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.network_policy import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicyRule,
)
from k8snet_course.objects.pod import Container, ContainerPort, Pod
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.policy import STANDARD, Decision, Enforcement, Matrix, Party, Policy, PolicyIndex, decide

NAMESPACES = {"shop": Namespace("shop", {"team": "a"}), "mon": Namespace("mon", {"team": "b"}),
              "default": Namespace("default"), "my-app": Namespace("my-app")}
PG = (Container("db", "postgres", (ContainerPort(5432, name="pg"),)),)
PODS = {
    "shop/web": Pod("web", "node-1", "10.244.0.2", "shop", {"app": "web"}),
    "shop/api": Pod("api", "node-1", "10.244.0.3", "shop", {"app": "api"}),
    "shop/db": Pod("db", "node-2", "10.244.1.2", "shop", {"app": "db"}, containers=PG),
    "shop/db-unnamed": Pod("db-unnamed", "node-2", "10.244.1.9", "shop", {"app": "db"}),
    "shop/prom": Pod("prom", "node-2", "10.244.1.3", "shop", {"app": "prom"}),
    "shop/db2": Pod("db2", "node-2", "192.168.1.3", "shop", {"app": "db"}, host_network=True),
    "mon/prom": Pod("prom", "node-1", "10.244.0.4", "mon", {"app": "prom"}),
    "mon/other": Pod("other", "node-1", "10.244.0.5", "mon", {"app": "x"}),
    "mon/api": Pod("api", "node-1", "10.244.0.6", "mon", {"app": "api"}),
    "default/database": Pod("database", "node-1", "10.244.0.7", "default", {"app": "database"}),
    "default/api": Pod("api", "node-1", "10.244.0.9", "default", {"app": "api"}),
    "my-app/api": Pod("api", "node-1", "10.244.0.8", "my-app", {"app": "api"}),
}
NODES = {"node-1": "192.168.1.2", "node-2": "192.168.1.3"}


def end(name: str) -> Party:
    """A pod by its key, a node by its name, or an address outside."""
    if name in PODS:
        return Party.of_pod(PODS[name], NAMESPACES[PODS[name].namespace])
    return Party.of_node(name, NODES[name]) if name in NODES else Party.outside(name)


def judge(source: Party, destination: Party, protocol: str, port: int, policies: Sequence[Policy],
          enforcement: Enforcement = STANDARD) -> Decision:
    """The decision, once it is certain that decide, PolicyIndex and Matrix agree on it."""
    found = decide(source, destination, protocol, port, policies, enforcement)
    index = PolicyIndex(policies, enforcement)
    assert index.decide(source, destination, protocol, port) == found
    assert index.allows(source, destination, protocol, port) == found.allowed
    parties = [source] if source.key == destination.key else [source, destination]
    assert Matrix(parties, policies, protocol, port, enforcement).allowed(source.key, destination.key) == found.allowed
    return found


def app(name: str) -> LabelSelector:
    return LabelSelector({"app": name})


def team(name: str) -> LabelSelector:
    return LabelSelector({"team": name})


def pods(name: str) -> NetworkPolicyPeer:
    return NetworkPolicyPeer(app(name))


def block(cidr: str, *without: str) -> NetworkPolicyPeer:
    return NetworkPolicyPeer(ip_block=IPBlock(cidr, without))


def rule(*peers: NetworkPolicyPeer, port: int | str | None = None, protocol: str = "TCP",
         end_port: int | None = None) -> NetworkPolicyRule:
    """A rule with these peers and, where one is given, a port."""
    return NetworkPolicyRule(peers, () if port is None else (NetworkPolicyPort(port, protocol, end_port),))


def into(name: str, selected: LabelSelector, *rules: NetworkPolicyRule, namespace: str = "shop") -> NetworkPolicy:
    """A policy with policyTypes [Ingress]."""
    return NetworkPolicy(name, namespace, selected, ingress=rules, policy_types=("Ingress",))


def out_of(name: str, selected: LabelSelector, *rules: NetworkPolicyRule, namespace: str = "shop") -> NetworkPolicy:
    """A policy with policyTypes [Egress]."""
    return NetworkPolicy(name, namespace, selected, egress=rules, policy_types=("Egress",))
