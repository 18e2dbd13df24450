"""What Services and policies cost as a cluster grows: up to 10,000 Services on 5,000 nodes with 150,000 pods.

Run with `python3 -m k8snet_course test benchmarks`.  No figure is asserted: machines differ.  What counts is how the rows of
one group compare: a walk through a Service, a Service that comes and goes, and a question to DNS should cost the same at every
size, and reachability should grow with the pods and not with the pairs.
"""

from __future__ import annotations

import random
import subprocess
import sys
from functools import lru_cache
from typing import Any

import pytest

from k8snet_course import Cluster
from k8snet_course.services.kube_proxy.modes import MODES

SIZES = [10, 100, 1000, 10_000]
"""Services, or pods for reachability."""

BUILD = """
import resource, sys, time
from k8snet_course import Cluster
services, ends, proxy = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
cluster = Cluster(nodes=5000, cni="flannel", proxy=proxy, node_network="192.168.0.0/16", pod_cidr="10.128.0.0/9")
for number in range(150_000):
    cluster.add_pod(f"pod-{number}", labels={"app": f"app-{number % services}"} if number < ends * services else {})
manifests = [{"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"svc-{number}"},
     "spec": {"selector": {"app": f"app-{number}"}, "ports": [{"port": 80}]}} for number in range(first, first + 1000)]}
    for first in range(0, services, 1000)]
cluster.send("pod-1", "pod-2")  # what the cluster's first packet costs is no matter of Services
before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
for manifest in manifests:
    cluster.apply(manifest)
applied = time.perf_counter()
assert cluster.query("svc-0.default.svc.cluster.local").records
settled = time.perf_counter()
assert cluster.send("pod-1", "svc-0").delivered
sent = time.perf_counter()
more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
print(f"{sent - begin:.2f} s and {more} MB: applied in {applied - begin:.2f} s, "
      f"the first question to DNS {settled - applied:.2f} s, the first packet {sent - settled:.2f} s")
"""
"""Ten thousand Services put on the largest cluster and used, in a Python of its own."""


def service(name: str, app: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": app}, "ports": [{"port": 80}]}}


def policy(name: str, namespace: str, app: str, peer: str, team: str) -> dict[str, object]:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": namespace},
            "spec": {"podSelector": {"matchLabels": {"app": app}}, "ingress": [{"from": [
                {"podSelector": {"matchLabels": {"app": peer}}}, {"namespaceSelector": {"matchLabels": {"team": team}}}]}]}}


@lru_cache(maxsize=1)
def cluster_of(services: int, proxy: str) -> Cluster:
    """Three pods behind each Service, thirty pods on each node."""
    cluster = Cluster(nodes=max(3, services // 2), cni="flannel", proxy=proxy, node_network="192.168.0.0/16",
                      pod_cidr="10.128.0.0/9")
    for number in range(30 * len(cluster.nodes)):
        cluster.add_pod(f"pod-{number}", labels={"app": f"app-{number % services}"} if number < 3 * services else {})
    for first in range(0, services, 1000):  # a manifest may not be larger than a person could mean
        cluster.apply({"apiVersion": "v1", "kind": "List", "items": [
            service(f"svc-{number}", f"app-{number}") for number in range(first, min(first + 1000, services))]})
    return cluster


@lru_cache(maxsize=1)
def isolated(pods: int) -> Cluster:
    """Pods of 500 kinds (as far as they go) in twenty namespaces, a hundred on each node, and a policy for each kind."""
    chance = random.Random(1)
    cluster = Cluster(nodes=max(3, pods // 100), cni="calico", node_network="192.168.0.0/16", pod_cidr="10.128.0.0/9")
    for number in range(20):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace",
                       "metadata": {"name": f"ns-{number}", "labels": {"team": f"t{number % 5}"}}})
    for number in range(pods):
        cluster.add_pod(f"pod-{number}", namespace=f"ns-{number % 20}", labels={"app": f"app-{number // 20 % 25}"},
                        image="nginx" if number % 7 else "redis")
    cluster.apply({"apiVersion": "v1", "kind": "List", "items": [
        policy(f"np-{number}", f"ns-{number % 20}", f"app-{number // 20}", f"app-{chance.randrange(25)}",
               f"t{chance.randrange(5)}") for number in range(500)]})
    return cluster


@pytest.mark.parametrize(("ends", "proxy"), [(3, "iptables"), (15, "iptables"), (3, "ipvs"), (3, "nftables"),
                                             (3, "kernelspace")])
@pytest.mark.benchmark(group="10,000 Services added to 5,000 nodes and 150,000 pods, in a new Python (the cost in extra_info)")
def test_build(benchmark: Any, ends: int, proxy: str) -> None:
    said = benchmark.pedantic(lambda: subprocess.run(
        [sys.executable, "-c", BUILD, "10000", str(ends), proxy], check=True, capture_output=True, text=True).stdout, rounds=1)
    benchmark.extra_info["services"] = said.strip()
    print(f"\n10,000 Services with {ends} endpoints each, {proxy}: {said.strip()}")


@pytest.mark.parametrize("proxy", MODES)
@pytest.mark.parametrize("services", SIZES)
@pytest.mark.benchmark(group="a packet through a Service to another node and its answer (two packets traced), by Services")
def test_walk(benchmark: Any, services: int, proxy: str) -> None:
    cluster = cluster_of(services, proxy)
    target = next(f"svc-{number}" for number in range(services) if len(cluster.send("pod-0", f"svc-{number}").hops) > 3)
    assert benchmark(cluster.send, "pod-0", target).answered


@lru_cache(maxsize=1)
def service_of(endpoints: int, proxy: str) -> Cluster:
    """One Service with so many endpoints, all of which have been reached."""
    cluster = Cluster(nodes=20, cni="flannel", proxy=proxy, pod_cidr="10.128.0.0/9", node_mask_size=23)
    for number in range(endpoints):
        cluster.add_pod(f"pod-{number}", labels={"app": "web"})
    cluster.add_pod("client")
    cluster.apply(service("web", "web"))
    for number in range(endpoints):
        cluster.send("client", f"pod-{number}")
    for _ in range(endpoints):
        cluster.send("client", "web")
    return cluster


@pytest.mark.parametrize("proxy", MODES)
@pytest.mark.parametrize("endpoints", [3, 30, 300, 3000])
@pytest.mark.benchmark(group="a packet through a Service and its answer (two packets traced), by endpoints")
def test_walk_by_endpoints(benchmark: Any, endpoints: int, proxy: str) -> None:
    cluster = service_of(endpoints, proxy)
    assert benchmark(cluster.send, "client", "web").answered


@pytest.mark.parametrize("services", SIZES)
@pytest.mark.benchmark(group="a packet past the Services to another node and its answer, by Services")
def test_walk_past(benchmark: Any, services: int) -> None:
    cluster = cluster_of(services, "iptables")
    assert benchmark(cluster.send, "pod-0", "pod-1").answered


@pytest.mark.parametrize("services", SIZES)
@pytest.mark.benchmark(group="a Service added, asked for and deleted, by Services")
def test_service_comes_and_goes(benchmark: Any, services: int) -> None:
    cluster = cluster_of(services, "iptables")
    wanted = service("new", "app-7")

    def change() -> None:
        cluster.apply(wanted)
        assert cluster.query("new.default.svc.cluster.local").records
        cluster.delete("svc", "new")
        cluster.query("new.default.svc.cluster.local")

    benchmark(change)


@pytest.mark.parametrize("pods", SIZES)
@pytest.mark.benchmark(group="a policy added, asked and deleted, by pods under 500 policies")
def test_policy_comes_and_goes(benchmark: Any, pods: int) -> None:
    cluster = isolated(pods)
    wanted = policy("new", "ns-1", "app-0", "app-1", "t1")
    cluster.send("ns-0/pod-0", "ns-1/pod-1")

    def change() -> None:
        cluster.apply(wanted)
        cluster.send("ns-0/pod-0", "ns-1/pod-1")
        cluster.delete("netpol", "new", "ns-1")

    benchmark(change)


@pytest.mark.parametrize("services", SIZES)
@pytest.mark.benchmark(group="a question to the cluster's DNS server, by Services")
def test_query(benchmark: Any, services: int) -> None:
    cluster = cluster_of(services, "iptables")
    assert benchmark(cluster.query, "svc-7.default.svc.cluster.local").records


@pytest.mark.parametrize("pods", SIZES)
@pytest.mark.benchmark(group="all-pairs reachability under 500 policies, by pods")
def test_reachability(benchmark: Any, pods: int) -> None:
    cluster = isolated(pods)
    found = benchmark.pedantic(cluster.reachability, rounds=3)
    assert len(found.pairs) == pods ** 2


@pytest.mark.parametrize("pods", SIZES)
@pytest.mark.benchmark(group="one pair of it looked up, with its reason, by pods")
def test_pair(benchmark: Any, pods: int) -> None:
    found = isolated(pods).reachability()
    found.between("ns-0/pod-0", "ns-1/pod-1")
    assert benchmark(found.between, "ns-0/pod-0", "ns-7/pod-7").result
