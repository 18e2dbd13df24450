"""How the cost grows with the cluster, up to the documented limit of Kubernetes: 5,000 nodes and 150,000 pods.

Run with `python3 -m k8snet_course test benchmarks`.  No figure is asserted: machines differ.  What counts is how the rows of
one group compare: a packet and a changed pod should cost the same at every size.
"""

from __future__ import annotations

import random
import subprocess
import sys
from functools import lru_cache
from typing import Any

import pytest

from k8snet_course import Cluster

SIZES = [10, 100, 1000, 5000]
"""Nodes; there are thirty pods on each."""
BUILD = """
import resource, sys
from k8snet_course import Cluster
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
nodes = int(sys.argv[1])
cluster = Cluster(nodes=nodes, cni=sys.argv[2], node_network="192.168.0.0/16", pod_cidr="10.128.0.0/9")
cluster.add_pods(30 * nodes)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, "MB")
"""


@lru_cache(maxsize=1)
def cluster_of(nodes: int, cni: str = "flannel") -> Cluster:
    cluster = Cluster(nodes=nodes, cni=cni, node_network="192.168.0.0/16", pod_cidr="10.128.0.0/9")
    for number in range(30 * nodes):
        cluster.add_pod(f"pod-{number}")
    return cluster


@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.parametrize("cni", ["flannel", "calico"])
@pytest.mark.benchmark(group="a cluster built, with thirty pods a node, in a new Python (memory in extra_info)")
def test_build(benchmark: Any, nodes: int, cni: str) -> None:
    said = benchmark.pedantic(
        lambda: subprocess.run([sys.executable, "-c", BUILD, str(nodes), cni], check=True, capture_output=True,
                               text=True).stdout,
        rounds=2)
    benchmark.extra_info["memory"] = said.strip()
    print(f"\n{nodes} nodes, {30 * nodes} pods, {cni}: {said.strip()}")


@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.benchmark(group="a packet to another node and its answer (two packets traced), by nodes")
def test_exchange(benchmark: Any, nodes: int) -> None:
    cluster = cluster_of(nodes)
    cluster.send("pod-0", "pod-1")
    assert benchmark(cluster.send, "pod-0", "pod-1").answered


@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.benchmark(group="the first packet between two pods whose nodes have not been looked at yet, by nodes")
def test_first_exchange(benchmark: Any, nodes: int) -> None:
    cluster = cluster_of(nodes)
    chance = random.Random(1)
    cluster.send("pod-0", "pod-1")

    def elsewhere() -> tuple[tuple[str, str], dict[str, Any]]:
        one, two = chance.sample(range(nodes), 2)
        return (f"pod-{one}", f"pod-{two}"), {}

    benchmark.pedantic(cluster.send, setup=elsewhere, rounds=20)


@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.benchmark(group="a pod deleted and added, by nodes")
def test_recreate(benchmark: Any, nodes: int) -> None:
    cluster = cluster_of(nodes)

    def recreate() -> None:
        cluster.delete("pod", "pod-7")
        cluster.add_pod("pod-7")

    benchmark(recreate)


@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.benchmark(group="a pod added, a packet to it, and the pod deleted, by nodes")
def test_change_and_send(benchmark: Any, nodes: int) -> None:
    cluster = cluster_of(nodes)

    def change() -> None:
        cluster.add_pod("new")
        assert cluster.send("pod-1", "new").answered
        cluster.delete("pod", "new")

    benchmark(change)
