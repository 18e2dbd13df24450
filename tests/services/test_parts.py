"""A node's chains are put together once, and again when a Service has changed; packets see every change."""

from __future__ import annotations

import pytest

from k8snet_course.linux.netfilter import NAT
from k8snet_course.linux.packet import Packet
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.kube_proxy.modes import MODES, KubeProxy
from k8snet_course.services.kube_proxy.names import endpoint_chain, service_chain
from k8snet_course.services.kube_proxy.proxy import decide
from tests.counting import calls
from tests.services.worlds import NODES, is_local

WEB = Service("web", ports=(ServicePort(80),), cluster_ips=("10.96.0.20",))
TO_WEB = Packet("10.244.0.9", "10.96.0.20", "TCP", 40000, 80)


def slices(*addresses: str, name: str = "web") -> list[EndpointSlice]:
    return [EndpointSlice(f"{name}-1", "default", name, endpoints=tuple(Endpoint((each,)) for each in addresses),
                          ports=(EndpointPort(80),))]


def test_the_same_parts_until_something_changes() -> None:
    proxy = KubeProxy("iptables")
    proxy.update(WEB, slices("10.244.1.2"))
    [source] = proxy.on(NODES[0])
    before = source.chain(NAT, "KUBE-SERVICES")
    assert source.chain(NAT, "KUBE-SERVICES") is before and len(before) == 2
    proxy.remove("default/web")
    assert len(source.chain(NAT, "KUBE-SERVICES")) == 1, "parts without a rule are left out"
    assert source.chain(NAT, service_chain("KUBE-SVC-", "default/web", "tcp")) == ()


def test_an_endpoints_chain_that_was_asked_for_too_early_is_there_afterwards() -> None:
    proxy = KubeProxy("iptables")
    proxy.update(WEB, slices("10.244.1.2"))
    for node in NODES:
        [source] = proxy.on(node)
        chain = endpoint_chain("default/web", "tcp", "10.244.1.2:80")
        source.chain(NAT, chain)
        assert decide(proxy.rules(node), TO_WEB, is_local(node)).backend == "10.244.1.2:80"
        assert len(source.chain(NAT, chain)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_packet_sees_every_change(mode: str) -> None:
    proxy = KubeProxy(mode)
    rules = proxy.rules(NODES[0])
    for address in ("10.244.1.2", "10.244.1.3", "10.244.2.2"):
        proxy.update(WEB, slices(address))
        assert decide(rules, TO_WEB, is_local(NODES[0])).backend == f"{address}:80"
    proxy.remove("default/web")
    assert not decide(rules, TO_WEB, is_local(NODES[0])).backend


@pytest.mark.parametrize("mode", MODES)
def test_many_services_before_the_same_pods(mode: str) -> None:
    costs = []
    for services in (10, 2000):
        proxy = KubeProxy(mode)
        for number in range(services):
            one = Service(f"s{number}", ports=(ServicePort(80),), cluster_ips=(f"10.97.{number // 250}.{number % 250 + 1}",))
            proxy.update(one, slices("10.244.1.2", "10.244.1.3", name=one.name))
        rules, packet = proxy.rules(NODES[0]), TO_WEB._replace(dst="10.97.0.7")
        assert decide(rules, packet, is_local(NODES[0])).backend, "the first packet makes the index"
        costs.append(calls(lambda rules=rules, packet=packet: decide(rules, packet, is_local(NODES[0]))))
    assert costs[1] < 1.5 * costs[0] + 20, costs
