"""What is printed can be read again, and means the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course import manifests
from k8snet_course.objects.gateway import Gateway
from k8snet_course.objects.http_route import HTTPRoute
from k8snet_course.objects.ingress import Ingress
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import Service
from tests.manifests.made import BY_KIND, anything


def as_written(value: Any) -> Any:
    """The object without what the cluster alone decides, which no manifest can ask for."""
    if isinstance(value, Pod):
        return replace(value, ip="", second_ip="")
    if isinstance(value, Service):
        return replace(value, load_balancer_ips=())
    if isinstance(value, Ingress):
        return replace(value, load_balancer_ips=())
    if isinstance(value, Gateway):
        return replace(value, addresses=())
    if isinstance(value, HTTPRoute):
        return replace(value, created=0)
    return value


def test_there_are_objects_of_every_kind() -> None:
    assert list(BY_KIND) == list(manifests.KINDS)


@pytest.mark.parametrize("kind", BY_KIND)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_printed_reads_as_the_same_object(kind: str, data: st.DataObject) -> None:
    value = data.draw(BY_KIND[kind])
    text = manifests.dump(value)
    again, = manifests.load(text)
    assert again == as_written(value), text
    assert manifests.load(manifests.as_dict(value)) == (again,)
    assert manifests.dump(again) == manifests.dump(as_written(value))


@settings(max_examples=60, deadline=None)
@given(st.lists(anything, min_size=1, max_size=4))
def test_many_documents_keep_their_order(values: list[Any]) -> None:
    assert list(manifests.load(manifests.dump(*values))) == [as_written(value) for value in values]


@settings(max_examples=60, deadline=None)
@given(anything)
def test_applying_what_is_printed_changes_nothing(value: Any) -> None:
    change, = manifests.plan(manifests.load(manifests.dump(value)), lambda kind, key: value)
    assert change.action == "unchanged", change.after


PRINTED = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
    version: "1.10"
spec:
  nodeName: node-1
  containers:
  - name: nginx
    image: nginx:1.29
    ports:
    - name: http
      containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  type: LoadBalancer
  selector:
    app: web
  ports:
  - port: 80
    targetPort: http
    nodePort: 30080
  clusterIP: 10.96.0.9
status:
  loadBalancer:
    ingress:
    - ip: 198.51.100.7
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny-all
  namespace: shop
spec:
  podSelector: {}
  policyTypes:
  - Ingress
"""


def test_the_text_is_what_a_person_would_write() -> None:
    pod, service, policy = manifests.load(PRINTED)
    assert service.load_balancer_ips == (), "status is the cluster's word, not the manifest's"
    assert manifests.dump(pod, replace(service, load_balancer_ips=("198.51.100.7",)), policy) == PRINTED


def test_what_the_cluster_decided_is_printed_under_status() -> None:
    pod, *_ = manifests.load(PRINTED)
    assert manifests.as_dict(replace(pod, ip="10.244.0.2"))["status"] == {"podIP": "10.244.0.2",
                                                                          "podIPs": [{"ip": "10.244.0.2"}]}
