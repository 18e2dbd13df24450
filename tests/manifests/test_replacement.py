"""A workload keeps its number of pods: one that is deleted, or that its selector no longer selects, is replaced.

Source: Kubernetes documentation, "ReplicaSet" (removing pods by changing their labels).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import Cluster, manifests
from k8snet_course.errors import AddressesExhausted
from k8snet_course.manifests.workloads import ReplicaSet
from tests.manifests.test_workloads import WEB


def names(cluster: Cluster) -> list[str]:
    return [pod.name for pod in cluster.pods]


def test_a_deleted_pod_is_replaced_under_another_name_and_address() -> None:
    cluster = Cluster(nodes=2)
    cluster.apply(WEB)
    first, *others = cluster.pods
    cluster.delete("pod", first.name, "shop")
    assert len(cluster.pods) == 3 and set(names(cluster)) > {pod.name for pod in others}
    new = cluster.pods[-1]
    assert new.name != first.name and new.labels == first.labels and new.ip not in {pod.ip for pod in others}
    cluster.delete("pod", new.name, "shop")
    assert {first.name, new.name}.isdisjoint(names(cluster)), "no name comes again"


def test_a_pod_that_the_selector_no_longer_selects_stays_and_another_is_made() -> None:
    cluster = Cluster()
    cluster.apply(WEB)
    cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop},"
                  " spec: {selector: {app: web}, ports: [{port: 80}]}}")
    first = cluster.pods[0]
    cluster.apply(manifests.as_dict(replace(first, labels={**first.labels, "app": "sick"})))
    assert len(cluster.pods) == 4
    ready = {address for one in cluster.endpoint_slices("web", "shop") for end in one.endpoints for address in end.addresses}
    assert ready == {pod.ip for pod in cluster.pods} - {first.ip}
    cluster.delete("pod", first.name, "shop")
    assert len(cluster.pods) == 3, "it belonged to nobody any more"


def test_the_number_of_replicas_counts_from_the_pods_that_are_there() -> None:
    cluster = Cluster()
    cluster.apply(WEB)
    cluster.delete("pod", cluster.pods[0].name, "shop")
    there = names(cluster)
    cluster.apply(WEB)
    assert names(cluster) == there, "applying the same again changes nothing"
    cluster.apply(WEB.replace("replicas: 3", "replicas: 5"))
    assert names(cluster)[:3] == there and len(set(names(cluster))) == 5
    cluster.apply(WEB.replace("replicas: 3", "replicas: 1"))
    assert names(cluster) == there[:1]
    cluster.delete("deployment", "web", "shop")
    assert cluster.pods == ()


def test_a_namespace_goes_with_all_its_pods() -> None:
    cluster = Cluster()
    cluster.apply(WEB)
    cluster.delete("namespace", "shop")
    assert cluster.pods == () and cluster.objects("deployments") == ()


def test_a_released_pod_that_is_selected_again_comes_back_and_the_newest_goes() -> None:
    cluster = Cluster()
    cluster.apply(WEB)
    before = names(cluster)
    second = cluster.pods[1]
    cluster.apply(manifests.as_dict(replace(second, labels={**second.labels, "app": "sick"})))
    assert len(cluster.pods) == 4
    cluster.apply(manifests.as_dict(second))
    assert sorted(names(cluster)) == sorted(before)
    cluster.delete("pod", second.name, "shop")
    assert len(cluster.pods) == 3 and second.name not in names(cluster)
    cluster.apply(manifests.as_dict(replace(cluster.pods[0], labels={**second.labels, "app": "sick"})))
    cluster.apply(WEB.replace("replicas: 3", "replicas: 0"))
    assert len(cluster.pods) == 1
    cluster.apply(manifests.as_dict(replace(cluster.pods[0], labels=second.labels)))
    assert cluster.pods == (), "it is the Deployment's again, which wants none"


def test_a_released_pod_keeps_its_name_for_itself() -> None:
    cluster = Cluster()
    cluster.apply(WEB)
    first = cluster.pods[0]
    cluster.apply(manifests.as_dict(replace(first, labels={**first.labels, "app": "sick"})))
    for text in (WEB.replace("image: nginx", "image: httpd"), WEB, WEB.replace("replicas: 3", "replicas: 0"), WEB):
        cluster.apply(text)
        (web,) = cluster.objects("deployments")
        assert first.name not in web.pod_names() and len(web.pods()) == web.replicas
        assert {pod.name for pod in cluster.pods} == {first.name, *web.pod_names()}
    cluster.delete("deployment", "web", "shop")
    assert names(cluster) == [first.name]


def test_a_pod_of_the_same_name_is_left_alone() -> None:
    cluster = Cluster()
    name = ReplicaSet("web").pod_names()[0]
    mine = cluster.add_pod(name)
    cluster.apply({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
            "containers": [{"name": "a", "image": "nginx"}]}}}})
    assert len(cluster.pods) == 2 and cluster.pods[0] == mine
    cluster.delete("replicaset", "web")
    assert cluster.pods == (mine,)


def test_a_refused_manifest_leaves_the_owner_as_it_was() -> None:
    cluster = Cluster(node_mask_size=29)
    cluster.apply(WEB.replace("replicas: 3", "replicas: 5"))
    first = cluster.pods[0]
    with pytest.raises(AddressesExhausted):
        cluster.apply(manifests.as_dict(replace(first, labels={"app": "sick"})))
    assert cluster.pods[0].labels == first.labels and len(cluster.pods) == 5
    cluster.delete("pod", first.name, "shop")
    assert len(cluster.pods) == 5, "it is still the Deployment's, which replaces it"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 5))
def test_no_name_is_used_twice(gone: list[int], replicas: int) -> None:
    web, seen = ReplicaSet("web", replicas=replicas), set()
    seen |= set(web.pod_names())
    for number in gone:
        name = web.pod_names()[number % replicas]
        web = web.without(name)
        assert len(web.pod_names()) == replicas and name not in web.pod_names()
        new = web.pod_names()[-1]
        assert new not in seen
        seen.add(new)


def test_a_workload_takes_the_pods_that_were_printed_of_it() -> None:
    """What a cluster prints of its pods and workloads makes the same cluster, in whatever order it is applied."""
    made, fresh = Cluster(nodes=2), Cluster(nodes=2)
    made.apply(WEB)
    fresh.apply(manifests.dump(*made.pods))
    fresh.apply(manifests.dump(*made.objects("deployments")))
    assert names(fresh) == names(made) and fresh.objects("deployments") == made.objects("deployments")
    first = fresh.pods[0].name
    fresh.delete("pod", first, "shop")
    assert first not in names(fresh) and len(fresh.pods) == 3, "they are its own now: it replaces one that goes"
