"""LoadBalancer with and without a provider (FACTS 6.1, 6.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from k8snet_course.errors import AddressesExhausted
from k8snet_course.linux.packet import Packet
from k8snet_course.services.endpoints import endpoint_slices
from k8snet_course.services.kube_proxy.modes import KubeProxy
from k8snet_course.services.kube_proxy.proxy import decide
from k8snet_course.services.load_balancer import LoadBalancerProvider, health, speaker
from tests.services.worlds import CLIENT, NODES, PODS, is_local, unique, web

SLICES = endpoint_slices(web(), unique(PODS))


def test_pending_until_somebody_gives_an_address() -> None:
    service = web(type="LoadBalancer")
    assert service.external_ip_column == "<pending>"
    given = LoadBalancerProvider("203.0.113.0/29").provide(service)
    assert (given.external_ip_column, replace(given, load_balancer_ips=())) == ("203.0.113.0", service)
    proxy = KubeProxy()
    for each, outcome in ((service, "passed"), (given, "translated")):
        proxy.update(each, SLICES)
        found = decide(proxy.rules(NODES[0]), Packet(CLIENT, "203.0.113.0", "TCP", 40000, 80), is_local(NODES[0]))
        assert found.outcome == outcome


def test_each_service_keeps_an_address_of_its_own_until_it_goes() -> None:
    provider = LoadBalancerProvider("203.0.113.0/31")
    one, two, three = (replace(web(type="LoadBalancer"), name=name) for name in ("one", "two", "three"))
    assert [provider.provide(each).load_balancer_ips for each in (one, two, one)] == [
        ("203.0.113.0",), ("203.0.113.1",), ("203.0.113.0",)]
    for _ in range(2):
        with pytest.raises(AddressesExhausted, match="larger pool"):
            provider.provide(three)
    provider.release("default/one")
    assert provider.provide(three).load_balancer_ips == ("203.0.113.0",)


@pytest.mark.parametrize(("provider", "service", "served"), [
    ("", "", True), ("", "other", False), ("a", "a", True), ("a", "", False)])
def test_a_class_is_a_matter_between_the_two(provider: str, service: str, served: bool) -> None:
    given = LoadBalancerProvider("203.0.113.0/29", provider).provide(web(type="LoadBalancer", load_balancer_class=service))
    assert bool(given.load_balancer_ips) == served
    assert not LoadBalancerProvider("203.0.113.0/29").provide(web(type="NodePort")).load_balancer_ips


def test_who_answers_for_the_address() -> None:
    addresses = [f"203.0.113.{number}" for number in range(30)]
    service = web(type="LoadBalancer")
    anywhere, local = ({speaker(replace(service, load_balancer_ips=(ip,), external_traffic_policy=policy), NODES, SLICES)
                        for ip in addresses} for policy in ("Cluster", "Local"))
    assert anywhere == {"node-1", "node-2", "node-3"}
    assert local == {"node-1", "node-2"}, "node-3 has no endpoint"
    assert speaker(replace(service, load_balancer_ips=("203.0.113.1",)), NODES, ()) == ""
    assert speaker(service, NODES, SLICES) == ""


def test_health_checks() -> None:
    service = web(type="LoadBalancer", external_traffic_policy="Local", health_check_node_port=32000)
    assert [health(service, node.name, SLICES) for node in NODES] == [200, 200, 503]
    assert health(web(type="LoadBalancer"), "node-1", SLICES) == 0
