"""Pods in classes: a packet for each kind of pair says of every pair what its own packet says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course.class_walks import AlikePairs, pairs_of, retold
from k8snet_course.cluster import Cluster
from k8snet_course.errors import CourseError, InvalidArgument
from k8snet_course.faults import (
    BlockedPort,
    Fault,
    ForwardingOff,
    MissingFdb,
    MissingNeighbour,
    MissingRoute,
    WrongMtu,
    WrongNeighbour,
)
from k8snet_course.linux.namespace import Namespace
from k8snet_course.meaning import Target
from k8snet_course.objects.namespace import Namespace as Space
from k8snet_course.objects.network_policy import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyRule
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.pod_classes import PodClasses, told_apart
from k8snet_course.reachability import Pair, Reachability
from k8snet_course.representatives import Representatives
from tests.counting import calls
from tests.policy.worlds import SPACES, cluster_policies, distinct, few, labels, network_policies

ENFORCING = ("calico", "calico-vxlan", "cilium", "weave", "nsx")
PLUGINS = (*ENFORCING, "bridge", "flannel", "flannel-host-gw", "calico-bgp", "cilium-native", "aci", "bcf", "none")


def pairs(cluster: Cluster, few_pods: int, port: int | None = 80, protocol: str = "TCP", at: int = 0) -> Sequence[Pair]:
    """What ``cluster.reachability`` holds, with another idea of what a small cluster is."""
    targets = [Target(pod.ips[at], pod.label, pod.key) for pod in cluster.pods]
    cluster._settle()
    with cluster._linux.unchanged():
        return pairs_of(cluster._linux, at, port, protocol, lambda one, other: cluster._walk(
            targets[one].device, targets[other], port, protocol), few_pods)


def each_pair(cluster: Cluster, port: int | None = 80, protocol: str = "TCP", at: int = 0) -> list[Pair]:
    """The packet of each pair, sent as if nothing had ever been sent before."""
    found = []
    cluster._settle()
    for one in cluster.pods:
        for other in cluster.pods:
            with cluster._linux.unchanged():
                target = Target(other.ips[at], other.label, other.key)
                found.append(Pair.of(cluster._walk(one.key, target, port, protocol)))
    return found


def alike(cluster: Cluster, port: int | None = 80, protocol: str = "TCP", at: int = 0) -> AlikePairs:
    found = pairs(cluster, 0, port, protocol, at)
    assert isinstance(found, AlikePairs)
    return found


def same(cluster: Cluster, port: int | None = 80, protocol: str = "TCP", at: int = 0) -> None:
    """Ask each pair, and by kinds, and compare."""
    each, kinds = each_pair(cluster, port, protocol, at), pairs(cluster, 0, port, protocol, at)
    if not isinstance(kinds, AlikePairs):
        return  # each pair has been asked for itself: there is nothing to compare
    assert len(each) == len(kinds)
    for one, other in zip(each, kinds, strict=True):
        assert (one.source, one.target, one.result) == (other.source, other.target, other.result), str(kinds)
        assert one.reason == other.reason or other.reason.startswith("as from "), (one, other)


# -- random clusters -----------------------------------------------------------------------------------------------------

pods = st.tuples(st.integers(1, 4), st.sampled_from(("nginx", "nginx", "redis", "busybox")), st.sampled_from(SPACES), labels,
                 st.sampled_from(("", "", "", "", "", "host", "port", "sidecar", "node port")))
picks = st.tuples(st.sampled_from((MissingRoute, MissingNeighbour, WrongNeighbour, MissingFdb, WrongMtu, ForwardingOff,
                                   BlockedPort)), st.integers(0, 9), st.integers(0, 30))
worlds = st.tuples(st.sampled_from(PLUGINS), st.integers(1, 4), few(pods, 9, 2), few(picks, 2),
                   few(network_policies | cluster_policies, 5).map(distinct), st.sampled_from(("", "", "NodePort", "external")),
                   st.sampled_from(("iptables", "iptables", "ipvs", "nftables", "kernelspace")))


def fault(kind: type, ns: Namespace, number: int) -> Fault | None:
    """A fault of a kind in the ``number``-th row of a device that it can have, if there is one."""
    device = ns.name
    routes, rows = list(ns.routes), [row for row in ns.neighbours if row.state == "PERMANENT"]
    fdb, links = [row for row in ns.fdb_entries() if not row.bridge], list(ns.links)
    if kind is MissingRoute and routes:
        return MissingRoute(device, routes[number % len(routes)].dst)
    if kind is MissingNeighbour and rows:
        return MissingNeighbour(device, rows[number % len(rows)].address)
    if kind is WrongNeighbour and rows:
        return WrongNeighbour(device, rows[number % len(rows)].address, "0a:00:00:00:00:01")
    if kind is MissingFdb and fdb:
        return MissingFdb(device, fdb[number % len(fdb)].mac)
    if kind is WrongMtu:
        return WrongMtu(device, links[number % len(links)], (68, 1280, 1400)[number % 3])
    if kind is ForwardingOff and ns.forwarding:
        return ForwardingOff(device)
    if kind is BlockedPort:
        return BlockedPort(device, *(("TCP", 80), ("UDP", 8472), ("UDP", 6784))[number % 3])
    return None


def made(world: tuple) -> Cluster:
    cni, nodes, wanted, broken, policies, service, proxy = world
    cluster = Cluster(nodes=nodes, cni=cni, proxy=proxy)
    for number, (node, image, space, its_labels, more) in enumerate(wanted):
        its_labels = its_labels | ({"sidecar.istio.io/inject": "true"} if more == "sidecar" else {})
        cluster.add_pod(f"pod-{number}", node=f"node-{(node - 1) % nodes + 1}", namespace=space, labels=its_labels, image=image,
                        host_network=more == "host", listen=30080 if more == "node port" else None,
                        host_ports={8000 + number: 80} if more == "port" else None)
    for policy in policies:
        cluster._api.put(policy)
    if service:
        outside = (cluster.pods[0].ip,) if service == "external" else ()
        cluster._api.put(Service("web", SPACES[0], "NodePort", {"a": "x"}, (ServicePort(80, node_port=30080),),
                                 external_ips=outside))
    devices = [*(node.name for node in cluster.nodes), "router", *(pod.key for pod in cluster.pods if not pod.host_network)]
    for kind, device, number in broken:
        found = fault(kind, cluster.namespace(devices[device % len(devices)]), number)
        if found is not None:
            cluster.inject(found)
    return cluster


@given(worlds, st.sampled_from(((80, "TCP"), (80, "TCP"), (30080, "TCP"), (80, "UDP"), (None, "TCP"))))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_clusters_with_faults_and_policies(world: tuple, asked: tuple[int | None, str]) -> None:
    cluster = made(world)
    same(cluster, *asked)


@given(worlds)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_two_pods_are_found_for_every_kind_that_there_is(world: tuple) -> None:
    cluster = made(world)
    cluster._settle()
    classes = PodClasses(cluster._linux, "TCP", 80, 0)
    numbers = range(len(classes.pods))
    found = Representatives(classes).found
    assert set(found) == {classes.kind(one, other) for one in numbers for other in numbers}
    assert all(classes.kind(*two) == kind for kind, two in found.items())


# -- what tells pods apart, case by case ---------------------------------------------------------------------------------


def cluster_of(cni: str = "calico", nodes: int = 3, pods: int = 12) -> Cluster:
    cluster = Cluster(nodes=nodes, cni=cni)
    for number in range(pods):
        cluster.add_pod(f"pod-{number}", labels={"app": f"app-{number % 2}"})
    return cluster


def sent(cluster: Cluster, port: int | None = 80) -> int:
    """How many packets stand for all pairs."""
    found = alike(cluster, port)
    return len(found._outcomes) + len(found._single)


def test_pods_like_each_other_need_three_packets() -> None:
    assert sent(cluster_of()) == 3
    assert sent(cluster_of(nodes=1)) == 2
    assert alike(cluster_of()).ok


def test_a_listener_and_a_policy_make_kinds() -> None:
    cluster = cluster_of()
    cluster.add_pod("redis", image="redis")
    assert sent(cluster) > 3 and alike(cluster).find("pod-0", "redis").result == "refused"
    cluster._api.put(NetworkPolicy("deny", pod_selector=LabelSelector({"app": "app-1"})))
    found = alike(cluster)
    assert found.find("pod-0", "pod-11").result == "denied_ingress" and found.find("pod-11", "pod-0").result == "ok"
    assert found.find("pod-11", "pod-11").result == "ok", "a pod always reaches itself"
    assert found.find("pod-4", "pod-11").reason == (
        "NetworkPolicy deny isolates pod pod-11 for ingress, and no rule allows TCP 80 from pod pod-4")
    same(cluster)


def test_a_fault_is_seen_where_it_is_and_nowhere_else() -> None:
    cluster = cluster_of("flannel")
    cluster.inject(MissingRoute("node-2", "10.244.0.0/24"))
    found = alike(cluster)
    assert found.find("pod-1", "pod-0").result == "no_route" and found.find("pod-0", "pod-1").result == "reply no_route"
    assert found.find("pod-1", "pod-2").result == found.find("pod-2", "pod-0").result == "ok"
    same(cluster)


def test_a_fault_between_the_nodes_makes_every_pair_of_nodes_a_kind() -> None:
    cluster = cluster_of("bcf")
    cluster.inject(MissingRoute("router", "10.244.2.0/24"))
    assert PodClasses(cluster._linux, "TCP", 80, 0).near_faults == {0, 1, 2}
    assert sent(cluster) == 3 * 3 + 3, "from each node to each, and on each node from one pod to another and to itself"
    same(cluster)


def test_a_fault_of_a_single_pod() -> None:
    cluster = cluster_of()
    cluster.inject(MissingRoute("default/pod-4", "default"))
    found = alike(cluster)
    assert found.find("pod-4", "pod-1").result == "no_route" and found.find("pod-1", "pod-1").result == "ok"
    same(cluster)


def test_a_fault_of_a_node_that_is_about_one_of_its_pods() -> None:
    cluster = cluster_of("cilium-native")
    cluster.inject(WrongNeighbour("node-1", cluster.pods[3].ip, "0a:00:00:00:00:01"))
    found = alike(cluster)
    assert found.find("pod-1", "pod-3").result == "no_neighbour" and found.find("pod-1", "pod-0").result == "ok"
    assert found.find("pod-0", "pod-6").result == "ok" and found.find("pod-3", "pod-6").result == "reply no_neighbour"
    same(cluster)


def test_a_broken_cable_is_known_by_its_name() -> None:
    cluster = cluster_of("flannel")
    cable = str(cluster.cni_result("pod-6")["interfaces"][1]["name"])
    cluster.inject(WrongMtu("node-1", cable, 68))
    classes = PodClasses(cluster._linux, "TCP", 80, 0)
    assert classes.of[6] not in (classes.of[0], classes.of[3]) and classes.of[0] == classes.of[3]
    same(cluster)


def test_a_wire_that_is_broken_in_one_direction_teaches_nobody() -> None:
    cluster = cluster_of("weave", nodes=2)
    cluster.inject(MissingFdb("node-1", "00:00:00:00:00:00"))
    found = alike(cluster)
    assert found.find("pod-0", "pod-1").result == found.find("pod-10", "pod-1").result == "no_neighbour"
    same(cluster)


def test_sidecars_and_host_ports_are_told_apart() -> None:
    cluster = cluster_of()
    few_packets = sent(cluster)
    cluster.add_pod("meshed", labels={"sidecar.istio.io/inject": "true"})
    with_sidecar = sent(cluster)
    cluster.add_pod("outside", host_ports={8080: 80})
    assert few_packets < with_sidecar < sent(cluster)
    same(cluster)


def test_a_node_that_sends_the_port_elsewhere() -> None:
    cluster = cluster_of("flannel")
    for number in (1, 2, 3):
        cluster.add_pod(f"agent-{number}", node=f"node-{number}", host_network=True)
    cluster.add_pod("outside", node="node-3", host_ports={8080: 80})
    found = alike(cluster, 8080)
    assert found.find("pod-0", "agent-3").result == "ok" and found.find("pod-0", "agent-2").result == "refused"
    same(cluster, 8080)


@pytest.mark.parametrize("cni", ["flannel", "bridge"])
def test_a_node_whose_last_pod_has_gone_is_not_one_that_never_had_any(cni: str) -> None:
    cluster = Cluster(nodes=4, cni=cni)
    for number in (1, 2, 3, 4):
        cluster.add_pod(f"agent-{number}", node=f"node-{number}", host_network=True)
    for number in (1, 2):
        cluster.add_pod(f"pod-{number}", node=f"node-{number}")
    cluster.add_pod("more", node="node-1")
    cluster.delete("pod", "pod-2")
    kinds = PodClasses(cluster._linux, "TCP", 80, 0).of[:4]
    assert len(set(kinds)) == 3 and kinds[2] == kinds[3], "only node-3 and node-4 are alike"
    same(cluster)


def test_policies_that_name_a_nodes_address() -> None:
    cluster = cluster_of("calico-bgp")
    for number in (1, 2, 3):
        cluster.add_pod(f"agent-{number}", node=f"node-{number}", host_network=True)
    cluster._api.put(NetworkPolicy("node-2-only", pod_selector=LabelSelector({"app": "app-0"}), ingress=(
        NetworkPolicyRule((NetworkPolicyPeer(ip_block=IPBlock("192.168.1.3/32")),)),)))
    found = alike(cluster)
    assert [found.find(f"agent-{number}", "pod-0").result for number in (1, 2, 3)] == ["ok", "ok", "denied_ingress"]
    same(cluster)


class Strange:
    """A fault that somebody has thought of."""

    device = "node-1"

    def apply(self, parts: object) -> None:
        """Do nothing."""


def test_where_the_reasoning_does_not_hold_every_pair_is_asked() -> None:
    assert told_apart(cluster_of("none")._linux, 0) == (
        "default/pod-0 and default/pod-1 and default/pod-2 have the address 10.244.0.2, and who gets a packet depends on who "
        "was asked before")
    cluster = cluster_of()
    assert told_apart(cluster._linux, 0) == ""
    cluster._linux.faults.append(Strange())
    assert told_apart(cluster._linux, 0) == "what Strange does to node-1 is not known here"
    cluster = cluster_of()
    cluster._api.put(Service("web", ports=(ServicePort(80),), external_ips=(cluster.pods[3].ip,)))
    assert told_apart(cluster._linux, 0) == f"Service default/web takes packets to {cluster.pods[3].ip}, the address of pod-3"
    assert isinstance(pairs(cluster, 0), tuple)


def test_pods_on_their_nodes_network_and_node_ports() -> None:
    cluster = cluster_of("flannel")
    for number in (1, 2, 3):
        cluster.add_pod(f"agent-{number}", node=f"node-{number}", host_network=True)
    same(cluster)
    cluster._api.put(Service("web", selector={"app": "app-0"}, type="NodePort", ports=(ServicePort(80, node_port=30080),)))
    same(cluster)
    found = alike(cluster, 30080)
    results = {each.result for (_, other), each in found._single.items() if other >= 12}
    assert results == {"ok"}, "kube-proxy sends these on by chance"


@pytest.mark.parametrize("cni", ["flannel", "calico", "cilium"])
def test_ipv6_and_pings(cni: str) -> None:
    cluster = Cluster(nodes=2, cni=cni, pod_cidr="10.244.0.0/16,fd00:10:244::/56",
                      node_network="192.168.1.0/24,fd00:192:168:1::/64")
    for number in range(6):
        cluster.add_pod(f"pod-{number}", image=("nginx", "busybox")[number % 2])
    for at in (0, 1):
        same(cluster, 80, "TCP", at)
        same(cluster, None, "TCP", at)
    assert alike(cluster, None, "TCP", 1).ok


# -- what a large cluster's Reachability is --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large() -> Cluster:
    """10,000 pods of 500 kinds on 100 nodes, and a policy for each kind."""
    cluster = Cluster(nodes=100, cni="calico", pod_cidr="10.128.0.0/9", node_network="192.168.0.0/16")
    for number in range(20):
        cluster._api.put(Space(f"ns-{number}", {"team": f"t{number % 5}"}))
    for number in range(10_000):
        cluster.add_pod(f"pod-{number}", namespace=f"ns-{number % 20}", labels={"app": f"app-{number // 20 % 25}"})
    for number in range(500):
        cluster._api.put(NetworkPolicy(
            f"np-{number}", f"ns-{number % 20}", LabelSelector({"app": f"app-{number // 20}"}), (NetworkPolicyRule((
                NetworkPolicyPeer(LabelSelector({"app": f"app-{number * 7 % 25}"})),
                NetworkPolicyPeer(namespace_selector=LabelSelector({"team": f"t{number % 5}"})))),)))
    return cluster


def test_ten_thousand_pods_under_five_hundred_policies(large: Cluster) -> None:
    found = large.reachability()
    assert len(found.pairs) == 100_000_000 and not found.ok
    lines = str(found).splitlines()
    assert lines[0].startswith("10000 pods in 500 classes that no table tells apart, 100000000 pairs, ")
    assert lines[1].startswith("ok              ") and len(lines) == 3
    for one, other in ((0, 0), (0, 20), (17, 9017), (4321, 1234), (9999, 0), (5, 105)):
        source, target = large.pods[one], large.pods[other]
        trace = large.send(source.key, target.key)
        assert found.between(source.label, target.label) == found.pairs[10_000 * one + other] == Pair.of(trace)


def test_looking_at_a_pair_costs_the_same_however_many_there_are(large: Cluster) -> None:
    found = large.reachability()
    found.between("ns-1/pod-1", "ns-2/pod-2")
    for number in range(100):
        assert calls(lambda number=number: found.between("ns-1/pod-1", f"ns-{number % 20}/pod-{number}")) < 2000


def test_pairs_are_a_sequence() -> None:
    found = Reachability(alike(cluster_of()))
    every = list(found.pairs)
    assert len(every) == len(found.pairs) == 144 and found.pairs[5] == every[5] and found.pairs[-1] == every[-1]
    assert found.pairs[10:20] == tuple(every[10:20]) and every[13] in found.pairs
    with pytest.raises(IndexError):
        found.pairs[144]
    with pytest.raises(KeyError):
        found.between("pod-0", "nobody")
    assert found.to_frame().shape == (12, 12)


def test_what_was_found_stays_when_the_cluster_changes() -> None:
    cluster = cluster_of()
    cluster._api.put(NetworkPolicy("deny", pod_selector=LabelSelector({"app": "app-1"})))
    found = alike(cluster)
    before = list(found)
    cluster.delete("netpol", "deny")
    cluster.delete("pod", "pod-7")
    cluster.inject(ForwardingOff("node-1"))
    assert list(found) == before


def test_from_forty_one_pods_on_and_as_before_below() -> None:
    cluster = cluster_of(pods=40)
    assert isinstance(cluster.reachability().pairs, tuple)
    cluster.add_pod("one-more")
    assert isinstance(cluster.reachability().pairs, AlikePairs)
    with pytest.raises(InvalidArgument, match="a port from 1 to 65535"):
        cluster.reachability(port=0)
    with pytest.raises(CourseError, match="the protocol TCP, UDP or ICMP"):
        cluster.reachability(protocol="SCTP")


def test_devices_learn_nothing_from_asking() -> None:
    cluster = cluster_of("flannel")
    cluster.send("pod-0", "pod-1")
    before = [(str(cluster.node(node.name).neighbours), str(cluster.node(node.name).fdb)) for node in cluster.nodes]
    alike(cluster)
    assert [(str(cluster.node(node.name).neighbours), str(cluster.node(node.name).fdb)) for node in cluster.nodes] == before


@pytest.mark.parametrize(("reason", "told"), [
    ("web-1 has no route to 10.244.0.7", "web-2 has no route to 10.244.0.9"),
    ("shop/web-1 has no route", ""), ("web-10 has no route", "web-10 has no route"),
    ("the frame is for 0a:58:0a:f4:00:07", ""), ("router has no route to 10.244.9.9", ""),
    ("veth12 is down", ""), ("node-1's route to 10.244.0.7/32", ""),
])
def test_a_sentence_is_retold_only_where_nothing_is_guessed(reason: str, told: str) -> None:
    expected = told or ("" if reason != "shop/web-1 has no route" else reason)
    assert retold(reason, ["web-1", "10.244.0.7"], ["web-2", "10.244.0.9"]) == expected
