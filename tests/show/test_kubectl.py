"""kubectl's columns, as FACTS section 13.1 computes them."""

from k8snet_course.cluster import Cluster
from k8snet_course.show.kubectl import columns, get_pods


def test_columns_are_at_least_six_wide() -> None:
    assert columns([("A", "B"), ("x", "y")]) == "A     B\nx     y"


def test_only_the_namespace_asked_for_and_by_name() -> None:
    cluster = Cluster()
    for name in ("web", "api"):
        cluster.add_pod(name)
    cluster.add_pod("db", namespace="shop")
    assert [line.split()[0] for line in get_pods(cluster).splitlines()] == ["NAME", "api", "web"]
    assert get_pods(cluster, "none") == "No resources found in none namespace."
