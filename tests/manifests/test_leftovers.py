"""A Service whose type is changed, by a patch or in what was printed, as the API server's dropTypeDependentFields treats it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import InvalidManifest
from k8snet_course.manifests import dump

LB = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app": "web"}, "ports": [{"port": 80}]}


def made(**spec: Any) -> Cluster:
    cluster = Cluster(nodes=2, cni="flannel", load_balancer="192.168.1.240/28")
    cluster.add_pod("web", labels={"app": "web"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": LB | spec})
    return cluster


def patched(cluster: Cluster, **spec: Any) -> str:
    reply = cluster.kubectl(["patch", "svc", "web", "-p", json.dumps({"spec": spec})])
    return reply.out + reply.err


@pytest.mark.parametrize("by", ["strategic", "merge", "json"])
def test_the_type_alone_is_enough(by: str) -> None:
    cluster = made()
    held, = cluster.services
    assert held.ports[0].node_port and held.health_check_node_port and held.load_balancer_ips
    operation = {"op": "replace", "path": "/spec/type", "value": "ClusterIP"}
    change = [operation] if by == "json" else {"spec": {"type": "ClusterIP"}}
    assert cluster.kubectl(["patch", "svc", "web", f"--type={by}", "-p", json.dumps(change)]).out == "service/web patched\n"
    now, = cluster.services
    assert (now.type, now.cluster_ips, now.ports[0].node_port, now.health_check_node_port, now.load_balancer_ips,
            now.external_traffic_policy) == ("ClusterIP", held.cluster_ips, 0, 0, (), "Cluster")
    assert not cluster.send("laptop", "node-1", port=held.ports[0].node_port).delivered
    assert patched(cluster, type="NodePort") == "service/web patched\n" and cluster.services[0].ports[0].node_port


def test_to_an_external_name_and_back() -> None:
    cluster = made(type="NodePort", externalTrafficPolicy="Cluster")
    assert patched(cluster, type="ExternalName", externalName="example.com") == "service/web patched\n"
    assert (cluster.services[0].type, cluster.services[0].cluster_ips, cluster.services[0].ports[0].node_port) == (
        "ExternalName", (), 0)
    assert patched(cluster, type="ClusterIP", externalName=None) == "service/web patched\n"
    assert cluster.send("web", "web").delivered


def test_a_field_that_is_changed_as_well_is_judged() -> None:
    cluster = made(type="NodePort", externalTrafficPolicy="Cluster")
    said = patched(cluster, type="ClusterIP", ports=[{"port": 80, "nodePort": 30099}])
    assert said.startswith('The Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30099')
    assert cluster.services[0].type == "NodePort", "nothing has changed"


@pytest.mark.parametrize("namespace", ["default", "shop"])
@pytest.mark.parametrize("by", ["apply", "kubectl apply", "kubectl replace", "-n"])
@pytest.mark.parametrize(("old", "new"), [(LB, "ClusterIP"), (LB, "NodePort"), (LB | {"type": "NodePort"}, "ClusterIP"),
                                          (LB | {"type": "NodePort"}, "ExternalName\n  externalName: example.com")])
def test_what_was_printed_is_applied_with_another_type(old: dict[str, Any], new: str, by: str, namespace: str) -> None:
    cluster = made(**old)
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": namespace}, "spec": old})
    printed = dump(next(one for one in cluster.services if one.namespace == namespace))
    text = printed.replace(f"type: {old['type']}", f"type: {new}")
    assert text != printed
    if by == "-n":
        text = text.replace(f"  namespace: {namespace}\n", "")
    if by == "apply":
        now, = cluster.apply(text)
    else:
        words = ["replace" if by == "kubectl replace" else "apply", "-f", "-", *(["-n", namespace] if by == "-n" else [])]
        reply = cluster.kubectl(words, stdin=text)
        assert (reply.code, reply.err) == (0, "")
        now = next(one for one in cluster.services if one.namespace == namespace)
    assert (now.type, now.health_check_node_port) == (new.partition("\n")[0], 0)
    assert bool(now.ports[0].node_port) == (now.type == "NodePort") and bool(now.cluster_ips) == (now.type != "ExternalName")


def test_a_mistake_beside_it_is_told_with_its_line() -> None:
    cluster = made(type="NodePort", externalTrafficPolicy="Cluster")
    text = dump(*cluster.services).replace("type: NodePort", "type: ClusterIP") + "  sessionAffinity: Perhaps\n"
    with pytest.raises(InvalidManifest) as caught:
        cluster.apply(text)
    assert caught.value.line == len(text.splitlines()) and caught.value.given == "Perhaps"


def test_a_new_service_is_judged_as_it_stands() -> None:
    cluster = made(type="NodePort", externalTrafficPolicy="Cluster")
    text = dump(*cluster.services).replace("type: NodePort", "type: ClusterIP")
    with pytest.raises(InvalidManifest, match="nodePort only in a Service of type NodePort or LoadBalancer"):
        cluster.apply(text.replace("name: web", "name: other"))


@pytest.mark.parametrize("broken", ["metadata: 5", "metadata: {name: 5}", "metadata: {name: null}", "metadata: [a]",
                                    "metadata: {name: web, namespace: 3}", "spec: 5", "spec: {ports: 5, type: ClusterIP}",
                                    "spec: {ports: [5], type: ClusterIP}", "spec: {type: [ClusterIP]}"])
def test_what_is_malformed_is_refused_as_ever(broken: str) -> None:
    field = broken.partition(":")[0]
    lines = {"metadata": "metadata: {name: web}", "spec": "spec: {ports: [{port: 80}]}"} | {field: broken}
    cluster = made(type="NodePort", externalTrafficPolicy="Cluster")
    with pytest.raises(InvalidManifest):
        cluster.apply("\n".join(["apiVersion: v1", "kind: Service", *lines.values()]))
    assert cluster.services[0].type == "NodePort"
