"""A Service whose type is changed by `kubectl patch`, as the API server's dropTypeDependentFields treats it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snet_course import Cluster

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
