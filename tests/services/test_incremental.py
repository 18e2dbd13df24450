"""Services that come and go one by one leave what a fresh start with the same ones has, at a cost that does not grow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course.linux.packet import Packet
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.kube_proxy.modes import MODES, KubeProxy
from k8snet_course.services.kube_proxy.proxy import decide
from tests.counting import calls
from tests.services.worlds import NODES, is_local


def service(number: int, ends: int, kind: str) -> tuple[Service, list[EndpointSlice]]:
    """A Service and its slice; ``kind`` is a variation whose rows differ between nodes, or not."""
    more: dict[str, object] = {
        "plain": {}, "node port": {"type": "NodePort"}, "local": {"type": "NodePort", "external_traffic_policy": "Local"},
        "near": {"traffic_distribution": "PreferSameNode"},
        "guarded": {"type": "LoadBalancer", "load_balancer_ips": (f"203.0.113.{number + 1}",),
                    "load_balancer_source_ranges": ("192.168.1.0/24",)},
        "headless": {"cluster_ips": ("None",)},
    }[kind]
    made = Service(f"s{number}", ports=(ServicePort(80, 8080, node_port=30100 + number),),
                   cluster_ips=(f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}",))
    endpoints = tuple(Endpoint((f"10.244.{n % 3}.{number % 200 + 2}",), node_name=f"node-{n % 3 + 1}") for n in range(ends))
    return replace(made, **more), [EndpointSlice(f"s{number}-1", "default", made.name, endpoints=endpoints,  # type: ignore[arg-type]
                                                 ports=(EndpointPort(8080),))]


STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3),
                           st.sampled_from(("plain", "node port", "local", "near", "guarded", "headless", "gone", "look"))),
                 max_size=25)


@pytest.mark.parametrize("mode", MODES)
@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_what_comes_and_goes_leaves_what_a_fresh_start_has(mode: str, steps: list[tuple[int, int, str]]) -> None:
    proxy = KubeProxy(mode)
    rules = [proxy.rules(node) for node in NODES]
    held: dict[int, tuple[Service, list[EndpointSlice]]] = {}
    for number, ends, kind in steps:
        if kind == "look":
            node = NODES[ends % 3]
            decide(rules[ends % 3], Packet("10.244.0.9", f"10.96.0.{number}", "TCP", 40000, 80), is_local(node))
        elif kind == "gone":
            proxy.remove(f"default/s{number}")
            held.pop(number, None)
        else:
            held.pop(number, None)
            held[number] = service(number, ends, kind)
            proxy.update(*held[number])
    fresh = KubeProxy(mode)
    for each in held.values():
        fresh.update(*each)
    for node in NODES:
        assert sorted(proxy.text(node).splitlines()) == sorted(fresh.text(node).splitlines())


@pytest.mark.parametrize("mode", MODES)
def test_a_service_costs_the_same_among_ten_thousand(mode: str) -> None:
    small, large = KubeProxy(mode), KubeProxy(mode)
    for number in range(1, 10001):
        large.update(*service(number, 3, "plain"))
    rules = {id(proxy): proxy.rules(NODES[0]) for proxy in (small, large)}

    def cost(proxy: KubeProxy) -> int:
        made, slices = service(20000, 3, "plain")

        def work() -> None:
            proxy.update(made, slices)
            found = decide(rules[id(proxy)], Packet("10.244.0.9", made.cluster_ip, "TCP", 40000, 80), is_local(NODES[0]))
            assert found.backend
            proxy.remove(made.key)

        return calls(work)

    cost(large), cost(small)  # the first packet makes the index
    few, many = cost(small), cost(large)
    assert many < 1.5 * few + 50, (few, many)
