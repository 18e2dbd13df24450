"""Many pods at once: all or none, whatever the plugin's allocator is like."""

from __future__ import annotations

import gc

import pytest

from k8snet_course import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.control_plane import _MUCH, collector_resting
from k8snet_course.errors import AlreadyExists, InvalidArgument


def small(cni: str) -> Cluster:
    cluster = Cluster(nodes=3, cni=cni, block_size=29 if cni.startswith("calico") else None)
    cluster.add_pods(["x", "y", "z", "q"])
    cluster.delete("pod", "y")
    return cluster


def state(cluster: Cluster) -> tuple[object, ...]:
    nodes = [cluster._control.nodes[node.name] for node in cluster.nodes]
    allocators = [(repr(node.ipam), node.ipam.last_reserved, node.next_index) for node in nodes]
    return repr(cluster), allocators, cluster._control._sandboxes


@pytest.mark.parametrize("cni", PLUGINS)
def test_all_or_none(cni: str) -> None:
    """The last name is taken; by then Calico has claimed blocks and borrowed addresses."""
    cluster = small(cni)
    before = state(cluster)
    with pytest.raises(AlreadyExists):
        cluster.add_pods([*(f"n{number}" for number in range(20)), "x"])
    assert state(cluster) == before
    assert [pod.ip for pod in cluster.add_pods(5)] == [pod.ip for pod in small(cni).add_pods(5)]


def test_a_number_gives_names_and_everything_else_is_that_of_add_pod() -> None:
    cluster = Cluster(nodes=2)
    made = cluster.add_pods(3, namespace="shop", labels={"app": "web"}, image="httpd")
    assert [(pod.key, pod.node) for pod in made] == [
        ("shop/pod-1", "node-1"), ("shop/pod-2", "node-2"), ("shop/pod-3", "node-1")]
    assert cluster.add_pods(0) == () and all(pod.labels == {"app": "web"} for pod in cluster.pods)
    for wrong in (-1, True, 150_001):
        with pytest.raises(InvalidArgument):
            cluster.add_pods(wrong)


def test_the_garbage_collector_works_again() -> None:
    cluster = Cluster()
    cluster.add_pod("x")
    with pytest.raises(AlreadyExists):
        cluster.add_pods(["a", "x"])
    assert gc.isenabled()


def test_what_was_made_at_once_is_not_looked_at_by_the_garbage_collector() -> None:
    gc.collect()
    with collector_resting():
        made = [[number] for number in range(_MUCH + 5000)]
        assert not gc.isenabled()
    assert gc.isenabled() and gc.get_count()[0] < 1000 and gc.get_freeze_count() == 0
    young = {id(one) for one in gc.get_objects(generation=0)}
    assert not any(id(one) in young for one in made)


def test_what_somebody_has_frozen_stays_so() -> None:
    gc.freeze()
    try:
        with collector_resting():
            made = [[number] for number in range(_MUCH + 5000)]
        assert made and gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
