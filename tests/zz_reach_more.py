"""Pods in classes: a packet for each kind of pair says of every pair what its own packet says."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course.class_walks import AlikePairs, Representatives, pairs_of, retold
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
from k8snet_course.objects.network_policy import NetworkPolicy, NetworkPolicyPeer, NetworkPolicyRule
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.pod_classes import PodClasses, told_apart
from k8snet_course.reachability import Pair, Reachability
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


def alike(cluster: Cluster, port: int | None = 80, protocol: str = "TCP", at: int = 0) -> AlikePairs:
    found = pairs(cluster, 0, port, protocol, at)
    assert isinstance(found, AlikePairs)
    return found


def same(cluster: Cluster, port: int | None = 80, protocol: str = "TCP", at: int = 0) -> None:
    """Ask each pair, and by kinds, and compare."""
    each, kinds = pairs(cluster, 10_000, port, protocol, at), pairs(cluster, 0, port, protocol, at)
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
        cluster._api.put(Service("web", SPACES[0], "NodePort", {"a": "x"}, (ServicePort(80, node_port=30080),), external_ips=outside))
    devices = [*(node.name for node in cluster.nodes), "router", *(pod.key for pod in cluster.pods if not pod.host_network)]
    for kind, device, number in broken:
        found = fault(kind, cluster.namespace(devices[device % len(devices)]), number)
        if found is not None:
            cluster.inject(found)
    return cluster


@given(worlds, st.sampled_from(((80, "TCP"), (80, "TCP"), (30080, "TCP"), (80, "UDP"), (None, "TCP"))))
@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_clusters_with_faults_and_policies(world: tuple, asked: tuple[int | None, str]) -> None:
    cluster = made(world)
    same(cluster, *asked)


@given(worlds)
@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_two_pods_are_found_for_every_kind_that_there_is(world: tuple) -> None:
    cluster = made(world)
    cluster._settle()
    classes = PodClasses(cluster._linux, "TCP", 80, 0)
    numbers = range(len(classes.pods))
    found = Representatives(classes).found
    assert set(found) == {classes.kind(one, other) for one in numbers for other in numbers}
    assert all(classes.kind(*two) == kind for kind, two in found.items())
from collections import Counter
C=Counter(); R=Counter()
_same=same
def same(cluster,*a):
    k=pairs(cluster,0,*a); C[type(k).__name__]+=1
    for p in k: R[p.result]+=1; R["AS" if p.reason.startswith("as from") else "told"]+=1
    if isinstance(k,AlikePairs): C["single"]+=bool(k._single); C["packets"]+=len(k._outcomes); C["pairs"]+=len(k)
    _same(cluster,*a)
def test_zz(): print(C,R)
