"""Everybody to everybody, per plugin, and that asking changes nothing."""

from __future__ import annotations

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.faults import MissingRoute


def cluster_of(cni: str) -> Cluster:
    cluster = Cluster(nodes=2, cni=cni)
    for name, node in (("a", "node-1"), ("b", "node-1"), ("c", "node-2")):
        cluster.add_pod(name, node=node)
    return cluster


@pytest.mark.parametrize(("cni", "a_to_c"), [
    ("none", "address_conflict"), ("bridge", "no_route"), ("flannel", "ok"), ("flannel-host-gw", "ok")])
def test_plugins(cni: str, a_to_c: str) -> None:
    found = cluster_of(cni).reachability()
    assert found.between("a", "b").result == "ok" and found.between("a", "c").result == a_to_c
    assert found.ok == (a_to_c == "ok")


def test_a_lost_answer_is_told_from_a_lost_packet() -> None:
    cluster = cluster_of("flannel")
    cluster.inject(MissingRoute("node-2", "10.244.0.0/24"))
    assert cluster.reachability().between("a", "c").result == "reply no_route"
    assert cluster.reachability().between("c", "a").result == "no_route"


def test_asking_changes_nothing() -> None:
    cluster = cluster_of("flannel")
    cluster.send("a", "b")
    before = [(str(cluster.node(node.name).neighbours), str(cluster.node(node.name).fdb)) for node in cluster.nodes]
    cluster.reachability()
    assert [(str(cluster.node(node.name).neighbours), str(cluster.node(node.name).fdb)) for node in cluster.nodes] == before


def test_pods_of_several_namespaces_and_unknown_pairs() -> None:
    cluster = cluster_of("flannel")
    cluster.add_pod("a", namespace="shop")
    found = cluster.reachability()
    assert found.between("a", "shop/a").result == "ok"
    with pytest.raises(KeyError):
        found.between("a", "nobody")
    assert "from \\ to" in str(found).splitlines()[0] and len(str(found).splitlines()) == 5


def test_the_matrix_as_a_table() -> None:
    frame = cluster_of("bridge").reachability().to_frame()
    assert frame.loc["a", "c"] == "no_route" and frame.loc["a", "b"] == "ok"
