"""Deployments and ReplicaSets: which pods they ask for, and what the API server would refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import Cluster, manifests
from k8snet_course.errors import AddressesExhausted, InvalidManifest
from k8snet_course.manifests.workloads import Deployment, ReplicaSet
from tests.manifests.made import BY_KIND

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 3
  selector:
    matchLabels: {app: web}
  strategy: {type: RollingUpdate}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: nginx
        image: nginx
        ports:
        - containerPort: 80
"""


def deployment(text: str = WEB) -> Deployment:
    found, = manifests.load(text)
    assert isinstance(found, Deployment)
    return found


def test_its_pods_are_those_of_its_replica_set() -> None:
    web = deployment()
    held = web.replica_set()
    assert web.pods() == held.pods()
    assert len({pod.name for pod in web.pods()}) == 3
    for pod in web.pods():
        assert pod.name.startswith(f"{held.name}-") and len(pod.name) == len(held.name) + 6
        assert (pod.namespace, pod.labels["app"], pod.node, pod.ip) == ("shop", "web", "", "")
        assert held.selector.matches(pod.labels)
        assert manifests.load(manifests.dump(pod)) == (pod,)


def test_another_template_means_other_pods_and_another_number_does_not() -> None:
    web = deployment()
    assert deployment(WEB.replace("replicas: 3", "replicas: 5")).pods()[:3] == web.pods()
    other = deployment(WEB.replace("image: nginx", "image: caddy"))
    assert {pod.name for pod in web.pods()}.isdisjoint(pod.name for pod in other.pods())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 5000), st.sampled_from(["web", "a.b", "x" * 60]))
def test_no_name_is_made_twice(replicas: int, name: str) -> None:
    made = ReplicaSet(name, replicas=replicas).pods()
    assert len({pod.name for pod in made}) == replicas
    assert all(len(pod.name) <= 63 for pod in made)


def test_one_replica_unless_another_number_is_written() -> None:
    assert len(deployment(WEB.replace("  replicas: 3\n", "")).pods()) == 1
    assert deployment(WEB.replace("replicas: 3", "replicas: 0")).pods() == ()


MISTAKES = {
    # what is wrong: (text replaced, by what, the line, a word of the message)
    "labels that the selector does not select": ("labels: {app: web}", "labels: {app: api}", 13, "a template without app=web"),
    "no labels": ("    metadata:\n      labels: {app: web}\n", "", 12, "a template without app=web"),
    "no selector": ("  selector:\n    matchLabels: {app: web}\n", "", 7, "the field selector of spec"),
    "an empty selector": ("    matchLabels: {app: web}", "    {}", 9, "an empty selector"),
    "containers one level too high": ("    spec:\n      containers:", "    containers:", 14,
                                      "containers belongs at spec.template.spec.containers"),
    "a mistake in a container": ("image: nginx", "imge: nginx", 17, "did you mean 'image'"),
    "a port name twice": ("        - containerPort: 80",
                          "        - {containerPort: 80, name: a}\n        - {containerPort: 81, name: a}",
                          20, "a name of its own"),
    "a number of replicas below none": ("replicas: 3", "replicas: -1", 7, "from 0 to"),
    "the version of a Pod": ("apps/v1", "v1", 1, "'apiVersion: apps/v1' for a Deployment"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_each_mistake_is_named_where_it_stands(what: str) -> None:
    old, new, line, word = MISTAKES[what]
    assert old in WEB
    with pytest.raises(InvalidManifest) as caught:
        manifests.load(WEB.replace(old, new))
    assert (word in str(caught.value), caught.value.line) == (True, line), caught.value


def test_the_selector_is_for_ever() -> None:
    web = deployment()
    assert manifests.updated(web, replace(web, replicas=1)).replicas == 1
    labels = {"app": "api"}
    with pytest.raises(InvalidManifest, match="to keep its selector app=web"):
        manifests.check_update(web, replace(web, selector=replace(web.selector, match_labels=labels)))


@settings(max_examples=100, deadline=None)
@given(st.one_of(BY_KIND["Deployment"], BY_KIND["ReplicaSet"]))
def test_what_is_printed_reads_as_the_same_object(value: Any) -> None:
    assert manifests.load(manifests.dump(value)) == (value,)
    assert manifests.load(manifests.as_dict(value)) == (value,)


def test_a_cluster_makes_and_deletes_the_pods() -> None:
    cluster = Cluster(nodes=2)
    cluster.apply(WEB)
    (web,) = cluster.objects("deploy")
    assert [pod.name for pod in cluster.pods] == [pod.name for pod in web.pods()]
    cluster.apply(WEB.replace("replicas: 3", "replicas: 4"))
    assert len(cluster.pods) == 4 and all("pod-template-hash" in pod.labels for pod in cluster.pods)
    before = [pod.name for pod in cluster.pods]
    cluster.apply(WEB.replace("image: nginx", "image: httpd"))
    assert len(cluster.pods) == 3 and not set(before) & {pod.name for pod in cluster.pods}, "another template, other pods"
    cluster.delete("deployment", web.name, namespace=web.namespace)
    assert cluster.pods == () and cluster.objects("deployments") == ()


def test_a_deployment_for_which_there_is_no_room_changes_nothing() -> None:
    cluster = Cluster(node_mask_size=30)
    with pytest.raises(AddressesExhausted):
        cluster.apply(WEB.replace("replicas: 3", "replicas: 5"))
    assert cluster.pods == () and cluster.objects("deploy") == () and cluster.ipam("node-1").used == 0  # type: ignore[union-attr]
