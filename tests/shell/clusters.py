"""Clusters that the tests of the shell look into."""

from __future__ import annotations

from k8snet_course.cluster import Cluster


def two_nodes(cni: str = "flannel", image: str = "nicolaka/netshoot") -> Cluster:
    """Pods a (of this image) and b on node-1, c on node-2, and the Service web for c."""
    cluster = Cluster(nodes=2, cni=cni, outside_names={"example.com": ("203.0.113.9",)})
    cluster.add_pod("a", node="node-1", image=image)
    cluster.add_pod("b", node="node-1")
    cluster.add_pod("c", node="node-2", labels={"app": "web"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"selector": {"app": "web"}, "clusterIP": "10.96.0.20", "ports": [{"port": 80, "name": "http"}]}})
    return cluster


def names_to_ask() -> Cluster:
    """A cluster with Services of several kinds: web, the headless head, and the aliases ext and ext2."""
    cluster = Cluster(nodes=1, cni="flannel", outside_names={"example.com": ("203.0.113.9",)})
    cluster.add_pod("a", image="nicolaka/netshoot")
    cluster.add_pod("b")
    for name in ("h1", "h2"):
        cluster.add_pod(name, labels={"app": "h"})
    for name, spec in (("web", {"clusterIP": "10.96.0.20", "selector": {"app": "x"}, "ports": [{"port": 80, "name": "http"}]}),
                       ("head", {"clusterIP": "None", "selector": {"app": "h"}, "ports": [{"port": 80, "name": "http"}]}),
                       ("ext", {"type": "ExternalName", "externalName": "example.com"}),
                       ("ext2", {"type": "ExternalName", "externalName": "nowhere.test"})):
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    return cluster
