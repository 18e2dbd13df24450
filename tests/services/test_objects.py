"""Services and EndpointSlices as values: what follows from their fields, and their columns in kubectl's tables."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.service import Service, ServicePort


@pytest.mark.parametrize(("target", "expected"), [(None, 80), (0, 80), ("", 80), (8080, 8080), ("http", "http")])
def test_the_target_port_is_the_port_unless_it_is_given(target: int | str | None, expected: int | str) -> None:
    assert ServicePort(80, target).target_port == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("service", "column", "proxied"), [
    (Service("web", cluster_ips=("10.96.0.20",)), "<none>", True),
    (Service("web", cluster_ips=("10.96.0.20",), external_ips=("203.0.113.7", "203.0.113.8")), "203.0.113.7,203.0.113.8", True),
    (Service("web", type="LoadBalancer", cluster_ips=("10.96.0.20",)), "<pending>", True),
    (Service("web", type="LoadBalancer", cluster_ips=("10.96.0.20",), load_balancer_ips=("203.0.113.8",)), "203.0.113.8", True),
    (Service("web", type="NodePort", cluster_ips=("10.96.0.20",), load_balancer_ips=("203.0.113.8",)), "<none>", True),
    (Service("web", type="ExternalName", external_name="example.com"), "example.com", False),
    (Service("web", cluster_ips=("None",)), "<none>", False),
    (Service("web"), "<none>", False),
])
def test_external_addresses_and_whether_kube_proxy_has_work(service: Service, column: str, proxied: bool) -> None:
    assert (service.external_ip_column, service.proxied) == (column, proxied)


def test_they_print_as_one_line() -> None:
    ports = (ServicePort(80, node_port=30080, name="http"), ServicePort(53, protocol="UDP", name="dns"))
    assert str(Service("web", "shop", "NodePort", ports=ports, cluster_ips=("10.96.0.20",))) == (
        "service shop/web NodePort 10.96.0.20 80:30080/TCP,53/UDP")
    assert str(Service("db", type="ExternalName", external_name="db.example.com")) == "service db ExternalName db.example.com"
    ends = tuple(Endpoint((f"10.244.0.{n}",)) for n in range(2, 7))
    assert str(EndpointSlice("web-1", "shop", "web", endpoints=ends, ports=(EndpointPort(8080, name="http"),))) == (
        "endpointslice shop/web-1 of web: IPv4 10.244.0.2,10.244.0.3,10.244.0.4 and 2 more ports http 8080/TCP")


def test_an_addressed_service_is_otherwise_the_same() -> None:
    """Every field is taken over, also one that is added to the class later."""
    odd = {one.name: f"{one.name}!" for one in fields(Service)}
    service = Service(**odd)  # type: ignore[arg-type]  # what the values are does not matter
    wanted = replace(service, cluster_ips=("10.96.0.20",), ip_families=("IPv4",))
    assert service.addressed(("10.96.0.20",), ("IPv4",)) == wanted
