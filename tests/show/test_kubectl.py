"""The short table of pods that chapters show."""

from k8snet_course.cluster import Cluster
from k8snet_course.show.kubectl import get_pods


def test_only_the_namespace_asked_for_and_by_name() -> None:
    cluster = Cluster()
    for name in ("web", "api"):
        cluster.add_pod(name)
    cluster.add_pod("db", namespace="shop")
    assert [line.split()[0] for line in get_pods(cluster).splitlines()] == ["NAME", "api", "web"]
    assert get_pods(cluster, "none") == "NAME   IP    NODE"
