"""Applying: what is created, what is changed, what stays, and which changes are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from k8snet_course import manifests
from k8snet_course.errors import CourseError, InvalidArgument, InvalidManifest
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.pod import Container, ContainerPort, Pod
from k8snet_course.objects.service import Service, ServicePort

WEB = Pod("web", "node-1", "10.244.0.2", labels={"app": "web"}, containers=(Container("nginx", "nginx", (ContainerPort(80),)),))
HELD = Service("web", type="LoadBalancer",
               ports=(ServicePort(80, node_port=30091, name="http"), ServicePort(443, name="tls", node_port=30092)),
               cluster_ips=("10.96.0.20",), load_balancer_ips=("198.51.100.7",))
"""What a cluster holds after a manifest without addresses and node ports."""


def told(present: list[Any], wanted: str) -> list[str]:
    held = {(manifests.kind_of(one).name, one.key): one for one in present}
    return [str(change) for change in manifests.plan(manifests.load(wanted), lambda kind, key: held.get((kind.name, key)))]


def test_created_configured_and_unchanged() -> None:
    text = manifests.dump(replace(WEB, labels={"app": "api"}), Namespace("shop"), HELD,
                          Service("db", ports=(ServicePort(5432),)))
    assert told([WEB, HELD, Namespace("shop")], text) == [
        "pod/web configured", "namespace/shop unchanged", "service/web unchanged", "service/db created"]


def test_the_api_group_is_part_of_the_name() -> None:
    text = ("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {}}\n---\n"
            "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4, endpoints: []}\n")
    assert told([], text) == ["networkpolicy.networking.k8s.io/a created", "endpointslice.discovery.k8s.io/a created"]


def test_a_list_is_its_items() -> None:
    pod = manifests.as_dict(WEB)
    assert manifests.load({"apiVersion": "v1", "kind": "List", "items": [pod, pod]}) == (replace(WEB, ip=""),) * 2
    with pytest.raises(InvalidManifest, match="a List without items"):
        manifests.load({"apiVersion": "v1", "kind": "List"})


def test_the_pod_that_runs_keeps_its_node_and_address() -> None:
    wanted = replace(WEB, node="", ip="", labels={"app": "api"},
                     containers=(Container("nginx", "nginx:1.29", (ContainerPort(80),)),))
    after = manifests.updated(WEB, wanted)
    assert (after.node, after.ip, after.labels, after.containers[0].image) == ("node-1", "10.244.0.2", {"app": "api"},
                                                                               "nginx:1.29")


def test_a_service_keeps_what_the_cluster_decided() -> None:
    wanted = Service("web", type="LoadBalancer",
                     ports=(ServicePort(8080, name="http"), ServicePort(443, name="tls", node_port=30100),
                                                        ServicePort(53, name="dns")))
    after = manifests.updated(HELD, wanted)
    assert (after.cluster_ips, after.load_balancer_ips) == (("10.96.0.20",), ("198.51.100.7",))
    assert [port.node_port for port in after.ports] == [30091, 30100, 0]


def test_a_service_of_another_type_lets_go_of_what_that_type_has_not() -> None:
    after = manifests.updated(HELD, Service("web", ports=(ServicePort(80, name="http"),)))
    assert (after.cluster_ips, after.load_balancer_ips, after.ports[0].node_port) == (("10.96.0.20",), (), 0)
    assert manifests.updated(HELD, Service("web", type="ExternalName", external_name="a.example")).cluster_ips == ()


def test_a_node_port_is_not_kept_twice() -> None:
    wanted = Service("web", type="NodePort", ports=(ServicePort(80, name="http"), ServicePort(81, name="new", node_port=30091)))
    assert [port.node_port for port in manifests.updated(HELD, wanted).ports] == [0, 30091]


REFUSED = {
    "a pod's node": (WEB, replace(WEB, node="node-2"), "node"),
    "a pod's ports": (WEB, replace(WEB, containers=(Container("nginx", "nginx"),)), "containers"),
    "a pod's network": (WEB, replace(WEB, host_network=True), "hostNetwork"),
    "a pod's DNS policy": (WEB, replace(WEB, dns_policy="Default"), "dnsPolicy"),
    "a cluster IP": (HELD, replace(HELD, cluster_ips=("10.96.0.21",)), "10.96.0.20"),
    "a headless Service's cluster IP": (Service("a", cluster_ips=("None",)), Service("a", cluster_ips=("10.96.0.9",)), "None"),
    "a load balancer's class": (HELD, replace(HELD, load_balancer_class="example.com/lb"), "class"),
    "a slice's family": (EndpointSlice("a", "default", "web"), EndpointSlice("a", "default", "web", "IPv6"), "addressType"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_may_not_change(what: str) -> None:
    present, wanted, word = REFUSED[what]
    manifests.check_update(present, present)
    with pytest.raises(InvalidManifest, match=word) as caught:
        manifests.check_update(present, wanted)
    assert str(caught.value).endswith(".")


def test_one_refused_change_refuses_the_plan() -> None:
    with pytest.raises(InvalidManifest):
        told([WEB], manifests.dump(Namespace("shop"), replace(WEB, node="node-2")))


NAMES = {"po": "Pod", "pods": "Pod", "Service": "Service", "svc": "Service", "netpol": "NetworkPolicy", "ns": "Namespace",
         "networkpolicies": "NetworkPolicy", "endpointslice.discovery.k8s.io": "EndpointSlice", "cnp": "ClusterNetworkPolicy"}


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_a_kind(name: str) -> None:
    assert manifests.kind_named(name).name == NAMES[name]


@pytest.mark.parametrize("call", [lambda: manifests.kind_named("pood"), lambda: manifests.kind_named(7),
                                  lambda: manifests.kind_of("web"),
                                  lambda: manifests.dump({"kind": "Pod"})])
def test_what_is_of_no_kind(call: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        call()
    assert isinstance(caught.value, CourseError)
