"""A cluster with something of every type, for comparing with a real kubectl."""

from __future__ import annotations

from pathlib import Path

from k8snet_course import Cluster

MANIFESTS = (Path(__file__).parent / "world.yaml").read_text(encoding="utf-8").replace("LONG", 150 * "w")


def world() -> Cluster:
    """The cluster: some of it is 63 minutes old, some 61, and one pod has just been made."""
    cluster = Cluster(nodes=3, cni="flannel")
    cluster.add_pod("web", labels={"app": "web", "tier": "front"})
    cluster.add_pod("db", namespace="shop", labels={"app": "db"})
    cluster.wait(90)
    cluster.add_pods(["api-1", "api-2", "api-10"], labels={"app": "api"})
    cluster.add_pod("net", host_network=True)
    cluster.add_pod("two", containers={"a": "nginx", "b": "busybox"}, host_ports={8080: 80})
    cluster.apply(MANIFESTS)
    cluster.wait(3700)
    cluster.add_pod("late", namespace="shop")
    cluster.set_state("api-2", ready=False)
    cluster.label_node("node-2", {"node-role.kubernetes.io/edge": "", "topology.kubernetes.io/zone": "a"})
    return cluster
