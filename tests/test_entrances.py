"""The addresses in the status of an Ingress and of a Gateway (FACTS 13.1: ADDRESS is empty until a controller has set it)."""

from __future__ import annotations

from typing import Any

from k8snet_course import Cluster
from k8snet_course.manifests import dump
from tests.test_request import CONTROLLER, shop

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik}
spec: {controllerName: traefik.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: traefik, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""


def ingresses(cluster: Cluster) -> list[tuple[str, ...]]:
    return [one.load_balancer_ips for one in cluster.objects("ingresses")]


def balancer(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}], **spec}}


def test_an_ingress_has_the_address_of_its_controllers_service() -> None:
    cluster = shop()
    assert ingresses(cluster) == [("192.168.1.240",)]
    assert "192.168.1.240" in dump(*cluster.objects("ingresses"))
    cluster.apply(dump(*cluster.objects("ingresses")))  # what is shown applies to the same state
    assert ingresses(cluster) == [("192.168.1.240",)]
    cluster.delete("service", "edge", "ingress-nginx")
    assert ingresses(cluster) == [()]


def test_without_a_provider_a_controller_or_its_class_there_is_none() -> None:
    pending = Cluster(nodes=2, cni="flannel")
    pending.apply(CONTROLLER)
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "shop"},
               "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}
    pending.apply(ingress)
    assert ingresses(pending) == [()], "<pending>"
    other = shop()
    other.apply({**ingress, "spec": {**ingress["spec"], "ingressClassName": "traefik"}, "metadata": {"name": "zzz"}})
    assert ingresses(other) == [("192.168.1.240",), ()], "no controller serves that class"


def test_a_controller_on_its_nodes_network_is_reached_there() -> None:
    cluster = Cluster(nodes=2)
    cluster.add_pod("edge", image="traefik:v3", host_network=True, node="node-2")
    cluster.apply(GATEWAY)
    assert [one.addresses for one in cluster.objects("gateways")] == [("192.168.1.3",)]
    cluster.delete("pod", "edge")
    assert [one.addresses for one in cluster.objects("gateways")] == [()]


def test_a_gateway_has_the_address_of_the_pods_that_serve_it_and_of_no_others() -> None:
    cluster = Cluster(nodes=1, load_balancer="192.168.1.240/28")
    cluster.add_pod("own", image="traefik:v3", labels={"app": "own", "gateway.networking.k8s.io/gateway-name": "another"})
    cluster.apply(balancer("own"))
    cluster.apply(GATEWAY)
    assert [one.addresses for one in cluster.objects("gateways")] == [()], "that pod serves another Gateway"
    cluster.add_pod("all", image="traefik:v3", labels={"app": "all"})
    cluster.apply(balancer("all", externalIPs=["198.51.100.7"]))
    assert [one.addresses for one in cluster.objects("gateways")] == [("192.168.1.241", "198.51.100.7")]
