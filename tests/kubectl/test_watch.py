"""--watch: a reply that follows the cluster."""

from __future__ import annotations

import gc

from k8snet_course import Cluster
from k8snet_course.kubectl.watch import Watch


def watching(cluster: Cluster, line: str) -> Watch:
    reply = cluster.kubectl(line)
    assert isinstance(reply, Watch)
    return reply


def test_every_change_of_the_cluster_shows() -> None:
    cluster = Cluster(nodes=2)
    watch = watching(cluster, "get pods -l app=web -w")
    assert str(watch) == "No resources found in default namespace."
    for change, shown in (
        (lambda: cluster.add_pod("a", labels={"app": "web"}), "a  1/1  Running  0  0s"),
        (lambda: cluster.wait(90), "a  1/1  Running  0  90s"),
        (lambda: cluster.set_state("a", ready=False), "a  0/1  Running  0  90s"),
        (lambda: cluster.set_state("a", terminating=True), "a  1/1  Terminating  0  90s"),
        (lambda: cluster.kubectl("label pod a app-"), "No resources found in default namespace."),
        (lambda: cluster.kubectl("label pod a app=web"), "a  1/1  Terminating  0  90s"),
        (lambda: cluster.delete("pod", "a"), "No resources found in default namespace."),
    ):
        change()
        assert str(watch).splitlines()[-1].split() == shown.split()


def test_the_widget_shows_the_same_text() -> None:
    cluster = Cluster()
    watch = watching(cluster, "get svc --watch")
    shown = watch._repr_mimebundle_()
    assert shown["text/plain"] == "No resources found in default namespace."
    assert "application/vnd.jupyter.widget-view+json" in shown
    cluster.kubectl("create service clusterip web --tcp=80")
    assert "<pre" in watch._widget.value and "web    ClusterIP" in watch._widget.value
    view = "application/vnd.jupyter.widget-view+json"
    assert watch._repr_mimebundle_()[view] == shown[view]


def test_a_load_balancer_that_becomes_free_is_seen_by_who_waits_for_it() -> None:
    cluster = Cluster(load_balancer="192.168.1.240/32")
    for name in ("one", "two"):
        cluster.kubectl(f"create service loadbalancer {name} --tcp=80")
    watch = watching(cluster, "get svc two -w --no-headers")
    assert str(watch).split()[3] == "<pending>"
    cluster.delete("service", "one")
    assert str(watch).split()[3] == "192.168.1.240"


def test_a_mistake_that_comes_later_is_told() -> None:
    cluster = Cluster()
    cluster.add_pod("a")
    watch = watching(cluster, "get pod a -w")
    cluster.delete("pod", "a")
    assert str(watch) == 'Error from server (NotFound): pods "a" not found'


def test_stopped_and_forgotten() -> None:
    cluster = Cluster()
    watch = watching(cluster, "get pods -w")
    watch.stop()
    cluster.add_pod("a")
    assert str(watch) == "No resources found in default namespace."
    watch = watching(cluster, "get pods -w")
    assert cluster.followers
    del watch
    gc.collect()
    cluster.add_pod("b")
    assert not cluster.followers


def test_only_one_type() -> None:
    reply = Cluster().kubectl("get pods,svc -w")
    assert (reply.err, reply.code) == ("error: you may only specify a single resource type\n", 1)
