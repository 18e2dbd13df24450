"""How random clusters are drawn: strategies of hypothesis, which shrink towards one node, one pod and nothing else."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

from hypothesis import strategies as st

from k8snet_course.emulator.lab import Wanted
from k8snet_course.emulator.plan import PLUGINS
from tests.emulator.worlds import DUAL, EXTERNAL_IP, FAULTS, FOUR, SECOND, SIX, Broken, Manifest, Pod, World

MOST_PODS, MOST_NODES = 12, 4
OUTSIDE = ("laptop", "internet", "router")
NOBODY = {FOUR: ("10.99.1.1", "10.244.0.200", "192.168.1.77"), SIX: ("fd00:99::1", "fd00:10:244::200", "fd00:192:168:1::77")}
PORTS: tuple[tuple[int | None, str], ...] = ((80, "TCP"), (81, "TCP"), (53, "UDP"), (80, "UDP"), (None, "ICMP"))
SIZES = (900, 1350, 1432, 1472, 3000)
LISTENS = ((80,), (80, "53/UDP"), ("53/UDP",), (80, 81, "53/UDP"))
APPS = ("x", "y", "z")
ENFORCING = ("calico", "calico-bgp", "calico-vxlan", "cilium", "cilium-native", "weave")
TUNNELS, OF_TUNNELS = ("flannel", "calico-vxlan"), ("MissingFdb", "MissingNeighbour", "WrongFdb", "WrongNeighbour")
"""Only tunnels have rows that somebody wrote into neighbour tables and forwarding databases."""
SELECTORS: tuple[dict[str, Any], ...] = (
    {}, {"matchLabels": {"app": "x"}}, {"matchLabels": {"app": "y"}},
    {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]})
NAMESPACES: tuple[dict[str, Any], ...] = (
    {}, {"matchLabels": {"kubernetes.io/metadata.name": "shop"}},
    {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["shop"]}]})
BLOCKS: tuple[dict[str, Any], ...] = (
    {"cidr": "10.244.0.0/16"}, {"cidr": "0.0.0.0/0"}, {"cidr": "192.168.1.0/24", "except": ["192.168.1.2/32"]},
    {"cidr": "10.244.0.0/16", "except": ["10.244.0.0/24"]}, {"cidr": "203.0.113.0/24"})
BLOCKS6: tuple[dict[str, Any], ...] = (
    {"cidr": "fd00:10:244::/56"}, {"cidr": "::/0", "except": ["fd00:10:244::/64"]}, {"cidr": "fd00:192:168:1::/64"})
selectors, namespaces = st.sampled_from(SELECTORS), st.sampled_from(NAMESPACES)
rarely = st.integers(0, 4).map(lambda number: number == 4)


def some(each: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(each, max_size=most)


@st.composite
def services(draw: st.DrawFn, number: int, ranges: str = FOUR) -> Manifest:
    traffic = st.sampled_from(("Cluster", "Local"))
    kind = draw(st.sampled_from(("ClusterIP", "NodePort", "LoadBalancer")))
    ports = draw(st.sampled_from(((("TCP", 80),), (("UDP", 53),), (("TCP", 81),), (("TCP", 80), ("UDP", 53)))))
    spec: dict[str, Any] = {
        "type": kind, "selector": {"app": draw(st.sampled_from((*APPS, "nobody")))},
        "ports": [{"name": f"p{port}", "port": 80, "targetPort": port, "protocol": protocol} for protocol, port in ports]}
    if draw(traffic) == "Local":
        spec["internalTrafficPolicy"] = "Local"
    if ranges == DUAL:
        spec["ipFamilyPolicy"] = draw(st.sampled_from(("PreferDualStack", "SingleStack")))
    if draw(rarely):
        spec["externalIPs"] = [EXTERNAL_IP if ranges != SIX else "2001:db8:51::7"]
    if (kind != "ClusterIP" or "externalIPs" in spec) and draw(traffic) == "Local":
        spec["externalTrafficPolicy"] = "Local"
    if draw(rarely):
        spec["sessionAffinity"] = "ClientIP"
    if kind == "LoadBalancer" and draw(rarely):
        spec["loadBalancerSourceRanges"] = [draw(st.sampled_from(
            ("192.168.1.0/24", "10.244.0.0/16", "192.168.1.2/32") if ranges != SIX else
            ("fd00:192:168:1::/64", "fd00:10:244::/56", "fd00:192:168:1::2/128")))]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"s{number}"}, "spec": spec}


@st.composite
def peers(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.integers(0, 3))
    if kind == 3:
        return {"ipBlock": draw(st.sampled_from((*BLOCKS, *BLOCKS6)))}
    which: dict[str, Any] = {"podSelector": draw(selectors)} if kind != 1 else {}
    return which | ({"namespaceSelector": draw(namespaces)} if kind else {})


ports = st.sampled_from(({"port": 80}, {"port": 80, "endPort": 81}, {"protocol": "UDP"}, {"port": 53, "protocol": "UDP"}))


@st.composite
def network_policies(draw: st.DrawFn, number: int) -> Manifest:
    spec: dict[str, Any] = {"podSelector": draw(selectors),
                            "policyTypes": draw(st.sampled_from((["Ingress"], ["Egress"], ["Ingress", "Egress"])))}
    for direction, word in (("ingress", "from"), ("egress", "to")):
        rules = []
        for _ in range(draw(st.integers(0, 2))) if direction.capitalize() in spec["policyTypes"] else ():
            ends, which = draw(some(peers(), 2)), draw(some(ports, 2))
            rules.append(({word: ends} if ends else {}) | ({"ports": which} if which else {}))
        if rules:
            spec[direction] = rules
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": f"np{number}", "namespace": draw(st.sampled_from(("default", "default", "shop")))},
            "spec": spec}


@st.composite
def cluster_policies(draw: st.DrawFn, number: int) -> Manifest:
    spec: dict[str, Any] = {"tier": draw(st.sampled_from(("Admin", "Baseline"))), "priority": draw(st.integers(0, 3)),
                            "subject": {"namespaces": draw(namespaces)}}
    for direction, word in (("ingress", "from"), ("egress", "to")):
        rules = []
        for _ in range(draw(st.integers(0, 2))):
            end = draw(st.sampled_from(("pods", "namespaces", *(("networks", "nodes") if word == "to" else ()))))
            who: dict[str, Any] = {
                "pods": {"pods": {"namespaceSelector": draw(namespaces), "podSelector": draw(selectors)}},
                "namespaces": {"namespaces": draw(namespaces)},
                "networks": {"networks": [draw(st.sampled_from((*BLOCKS, *BLOCKS6)))["cidr"]]}, "nodes": {"nodes": {}}}[end]
            rule = {"action": draw(st.sampled_from(("Accept", "Deny", "Pass"))), word: [who]}
            protocols = draw(st.sampled_from(((), ("tcp", 80), ("udp", 53))))
            if protocols:
                rule["protocols"] = [{protocols[0]: {"destinationPort": {"number": protocols[1]}}}]
            rules.append(rule)
        if rules:
            spec[direction] = rules
    return {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
            "metadata": {"name": f"cnp{number}"}, "spec": spec}


class Kinds(NamedTuple):
    """What clusters are drawn from: plugins, modes of kube-proxy, IP versions, whether there are policies, and how many
    Services there are at least.
    """

    plugins: tuple[str, ...]
    proxies: tuple[str, ...]
    policies: bool
    ranges: tuple[str, ...] = (FOUR,)
    least_services: int = 0


HERE = Kinds(PLUGINS, ("iptables", "nftables"), True, (FOUR, FOUR, FOUR, DUAL, SIX))
OTHER_KERNEL = Kinds(("calico", "flannel", "calico-vxlan", "bridge", "calico-bgp", "flannel-host-gw", "weave"),
                     ("ipvs", "ipvs", "ipvs", "iptables"), False, least_services=1)
"""What is asked in a kernel that has IPVS and IPIP, and no nftables for IPv4."""


@st.composite
def worlds(draw: st.DrawFn, must: str = "", kinds: Kinds = HERE) -> World:
    """Any world; with ``must`` one of two nodes with Flannel, where that kind of fault can be and is."""
    cni = kinds.plugins[draw(st.integers(0, 997)) % len(kinds.plugins)]
    proxy = draw(st.sampled_from(kinds.proxies))
    nodes = draw(st.sampled_from((1, 2, 2, 3, 3, MOST_NODES)))
    if must:
        cni, nodes = "flannel", 2
    ranges = FOUR if cni == "weave" or must else draw(st.sampled_from(kinds.ranges))  # Weave Net has no IPv6
    pods = tuple(Pod(f"p{number}", draw(st.integers(1, nodes)), draw(st.sampled_from(APPS)), draw(st.sampled_from(LISTENS)),
                     "shop" if draw(rarely) else "default", draw(st.integers(0, 9)) == 9)
                 for number in range(draw(st.integers(1, draw(st.sampled_from((4, 6, MOST_PODS)))))))
    served = () if cni.startswith("cilium") else tuple(
        draw(services(number, ranges)) for number in range(draw(st.integers(kinds.least_services, 2))))
    ruled = kinds.policies and draw(st.integers(0, 3 if cni in ENFORCING else 1)) and draw(st.integers(1, 3))
    policies = tuple(draw(st.one_of(network_policies(number), network_policies(number), cluster_policies(number)))
                     for number in range(ruled))
    # By a number in a large range: hypothesis likes some values more than others, and each kind is to have its turn.
    likely = [kind for kind in sorted(FAULTS) if kind not in OF_TUNNELS] + list(OF_TUNNELS) * (4 if cni in TUNNELS else 0)
    kinds = st.integers(0, 997).map(lambda number: likely[number % len(likely)])
    broken = tuple(draw(some(st.builds(Broken, kinds, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), 2))
                   ) if draw(st.integers(0, 2)) else ()
    if must:
        pods = (replace(pods[0], node=1, host_network=False), Pod("p99", 2, "x", LISTENS[1]), *pods[1:])
        broken = (Broken(must, draw(st.integers(0, 1)), draw(st.integers(0, 9)), draw(st.integers(0, 9))),)
    once = tuple(sorted(draw(st.sets(st.integers(1, nodes), min_size=1)))) if draw(rarely) else ()
    names = [*(pod.label for pod in pods), *(f"node-{number}" for number in range(1, nodes + 1))]
    targets = [*names, *OUTSIDE, *(NOBODY[FOUR] if ranges != SIX else ()), *(NOBODY[SIX] if ranges != FOUR else ())]
    targets += [f"{name}{SECOND}" for name in names if ranges == DUAL]
    every: list[Wanted] = [(src, dst, port, protocol) for src, dst, (port, protocol) in product(
        (*names, *OUTSIDE), targets, PORTS)]
    every += [(src, dst, port, protocol, size) for src, dst, port, protocol in every if protocol != "TCP" for size in SIZES]
    chosen = draw(st.lists(st.sampled_from(every), min_size=10, max_size=30, unique=True))
    return World(cni, proxy, nodes, pods, served, policies, broken, tuple(chosen), ranges, once)
