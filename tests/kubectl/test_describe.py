"""``describe``: the texts that FACTS section 13.1 has from kubectl 1.37's source, and what the model alone can say.

The rest is compared with a real kubectl (test_real_client.py).
"""

from __future__ import annotations

from typing import Any

import pytest

from k8snet_course import Cluster
from k8snet_course.kubectl.resources import RESOURCES
from tests.kubectl.world import world

NODE_PORT = """\
Name:                     web
Namespace:                default
Labels:                   <none>
Annotations:              <none>
Selector:                 app=web
Type:                     NodePort
IP Family Policy:         SingleStack
IP Families:              IPv4
IP:                       10.101.12.7
IPs:                      10.101.12.7
Port:                     <unset>  80/TCP
TargetPort:               8080/TCP
NodePort:                 <unset>  30080/TCP
Endpoints:                10.244.0.2:8080,10.244.1.2:8080,10.244.2.2:8080 + 1 more...
Session Affinity:         None
External Traffic Policy:  Cluster
Internal Traffic Policy:  Cluster
Events:                   <none>
"""


def web(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]} | spec}


def lines_of(cluster: Cluster, line: str) -> list[str]:
    return cluster.kubectl(line).out.splitlines()


def test_a_service_as_facts_has_it() -> None:
    cluster = Cluster(nodes=3, cni="flannel")
    cluster.add_pods(4, labels={"app": "web"})
    cluster.apply(web(type="NodePort", clusterIP="10.101.12.7", ports=[{"port": 80, "targetPort": 8080, "nodePort": 30080}]))
    assert cluster.kubectl("describe svc web").out == NODE_PORT


def test_endpoints_are_blank_or_none() -> None:
    """Blank where a slice is there and nobody in it is ready; <none> where there is no slice."""
    cluster = Cluster()
    cluster.apply(web())
    assert "Endpoints:                " in lines_of(cluster, "describe svc web")
    cluster.add_pod("a", labels={"app": "web"})
    cluster.set_state("a", ready=False)
    assert "Endpoints:                " in lines_of(cluster, "describe svc web")
    cluster.apply(web(selector={}))
    assert "Endpoints:                <none>" in lines_of(cluster, "describe svc web")


def test_the_address_of_a_load_balancer() -> None:
    cluster = Cluster(load_balancer="203.0.114.7/32")
    cluster.apply(web(type="LoadBalancer"))
    assert "LoadBalancer Ingress:     203.0.114.7 (VIP)" in lines_of(cluster, "describe svc web")


@pytest.mark.parametrize(("spec", "told"), [
    ({"podSelector": {"matchLabels": {"app": "db"}},
      "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}], "ports": [{"port": 5432}]}]}, [
        "  PodSelector:     app=db", "  Allowing ingress traffic:", "    To Port: 5432/TCP", "    From:",
        "      PodSelector: app=api", "  Not affecting egress traffic", "  Policy Types: Ingress"]),
    ({"podSelector": {}}, [
        "  PodSelector:     <none> (Allowing the specific traffic to all pods in this namespace)",
        "  Allowing ingress traffic:", "    <none> (Selected pods are isolated for ingress connectivity)",
        "  Not affecting egress traffic", "  Policy Types: Ingress"]),
    ({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}],
      "egress": [{"ports": [{"port": 8000, "endPort": 8010}], "to": [{"namespaceSelector": {"matchLabels": {"team": "b"}},
                                                                   "podSelector": {"matchLabels": {"app": "prom"}}}]}]}, [
        "  PodSelector:     app=db", "  Allowing ingress traffic:", "    To Port: <any> (traffic allowed to all ports)",
        "    From: <any> (traffic not restricted by source)", "  Allowing egress traffic:",
        "    To Port Range: 8000-8010/TCP", "    To:", "      NamespaceSelector: team=b", "      PodSelector: app=prom",
        "  Policy Types: Ingress, Egress"]),
])
def test_a_policy_as_facts_has_it(spec: dict[str, Any], told: list[str]) -> None:
    cluster = Cluster()
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "db"}, "spec": spec})
    lines = lines_of(cluster, "describe netpol db")
    assert lines[lines.index("Spec:") + 1:] == told


def test_a_node_tells_its_pods_and_nothing_of_processors() -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("web", node="node-1")
    cluster.wait(200)
    cluster.add_pod("db", node="node-1", namespace="shop")
    cluster.add_pod("done", node="node-1")
    cluster.set_state("done", finished=True)
    lines = lines_of(cluster, "describe node node-1")
    start = lines.index("Non-terminated Pods:  (2 in total)")
    assert [line.split() for line in lines[start + 3:start + 5]] == [["default", "web", "3m20s"], ["shop", "db", "0s"]]
    for line in ("  InternalIP:  192.168.1.2", "  Hostname:    node-1", "PodCIDR:              10.244.0.0/24"):
        assert line in lines
    assert "cpu" not in cluster.kubectl("describe node node-1").out.lower()


def test_a_type_that_kubectl_does_not_know_is_described_field_by_field() -> None:
    cluster = Cluster()
    cluster.apply({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "envoy"},
                   "spec": {"controllerName": "example.com/envoy"}})
    assert lines_of(cluster, "describe gc envoy") == [
        "Name:         envoy", "Namespace:    ", "Labels:       <none>", "Annotations:  <none>",
        "API Version:  gateway.networking.k8s.io/v1", "Kind:         GatewayClass", "Metadata:",
        "  Creation Timestamp:  2026-01-01T00:00:00Z", "Spec:", "  Controller Name:  example.com/envoy", "Status:",
        "  Conditions:", "    Last Transition Time:  1970-01-01T00:00:00Z", "    Message:               Waiting for controller",
        "    Reason:                Pending", "    Status:                Unknown", "    Type:                  Accepted",
        "Events:                    <none>"]


def test_every_type_can_be_described_and_nobody_shows_the_same_object_twice() -> None:
    cluster = world()
    for one in RESOURCES.values():
        names = cluster.kubectl(f"get {one.plural} -A -o name").out.split()
        described = cluster.kubectl(f"describe {one.plural} -A").out
        shown = [line.split()[1] for line in described.splitlines() if line.startswith("Name: ")]
        assert shown == [name.partition("/")[2] for name in names], one.plural
