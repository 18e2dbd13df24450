"""Services that come and go one by one leave what a fresh start with the same ones has, at a cost that does not grow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

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


def put(proxy: KubeProxy, made: Service, slices: list[EndpointSlice], *, late: bool) -> None:
    """Tell kube-proxy of a Service at once, or let it look at the endpoints when it has to."""
    if late:
        proxy.expect(made, len(slices[0].endpoints), lambda: slices)
    else:
        proxy.update(made, slices)


STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.booleans(),
                           st.sampled_from(("plain", "plain", "node port", "local", "near", "guarded", "headless", "gone",
                                            "look"))),
                 max_size=25)


@pytest.mark.parametrize("mode", MODES)
@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_what_comes_and_goes_leaves_what_a_fresh_start_has(mode: str, steps: list[tuple[int, int, bool, str]]) -> None:
    """And what is looked at late is what is looked at at once: to the letter, line by line."""
    proxy, early = KubeProxy(mode), KubeProxy(mode)
    proxy.finds_by(lambda address: [made.key for made, slices in held.values()
                                    if any(address in end.addresses for end in slices[0].endpoints)])
    rules = [proxy.rules(node) for node in NODES]
    early_rules = [early.rules(node) for node in NODES]
    held: dict[int, tuple[Service, list[EndpointSlice]]] = {}
    for number, ends, late, kind in steps:
        if kind == "look":
            # From the Service's first endpoint, which may be sent back to itself.
            node, packet = NODES[ends % 3], Packet(f"10.244.0.{number + 2}", f"10.96.0.{number}", "TCP", 40000, 80)
            assert decide(rules[ends % 3], packet, is_local(node)) == decide(early_rules[ends % 3], packet, is_local(node))
        elif kind == "gone":
            for each in (proxy, early):
                each.remove(f"default/s{number}")
            held.pop(number, None)
        else:
            held.pop(number, None)
            held[number] = service(number, ends, kind)
            put(proxy, *held[number], late=late)
            early.update(*held[number])
    assert [proxy.addresses(node) for node in NODES] == [early.addresses(node) for node in NODES]
    fresh = KubeProxy(mode)
    for one in held.values():
        fresh.update(*one)
    for node in NODES:
        assert proxy.text(node) == early.text(node)
        assert sorted(proxy.text(node).splitlines()) == sorted(fresh.text(node).splitlines())


@pytest.mark.parametrize("mode", MODES)
def test_nobody_looks_at_endpoints_that_no_packet_goes_to(mode: str) -> None:
    """A Service's EndpointSlices are asked for when a packet goes to it, or when a person reads the whole table."""
    proxy, asked = KubeProxy(mode), list[str]()

    def slices(number: int) -> list[EndpointSlice]:
        asked.append(f"s{number}")
        return service(number, 2, "plain")[1]

    def told(number: int) -> None:
        proxy.expect(service(number, 2, "plain")[0], 2, partial(slices, number))

    proxy.finds_by(lambda address: [f"default/s{number}" for number in range(20)
                                    if address in (f"10.244.0.{number + 2}", f"10.244.1.{number + 2}")])

    for number in range(20):
        told(number)
    assert asked == ["s0"]  # what the rows of such Services look like is seen at the first
    rules = proxy.rules(NODES[0])
    packet = Packet("10.244.0.9", "10.96.0.7", "TCP", 40000, 80)
    assert decide(rules, packet, is_local(NODES[0])).backend in ("10.244.0.9:8080", "10.244.1.9:8080")
    assert asked == ["s0", "s7"]
    told(7), told(8)
    proxy.remove("default/s9")
    decide(rules, packet, is_local(NODES[0]))
    assert asked == ["s0", "s7", "s7"]
    proxy.text(NODES[0])
    assert len(asked) == 2 + 19 - 1 and "s9" not in asked


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_a_service_costs_the_same_among_ten_thousand(mode: str, late: bool) -> None:
    small, large = KubeProxy(mode), KubeProxy(mode)
    for number in range(1, 10001):
        put(large, *service(number, 3, "plain"), late=late)
    rules = {id(proxy): proxy.rules(NODES[0]) for proxy in (small, large)}

    def cost(proxy: KubeProxy) -> int:
        made, slices = service(20000, 3, "plain")

        def work() -> None:
            put(proxy, made, slices, late=late)
            found = decide(rules[id(proxy)], Packet("10.244.0.9", made.cluster_ip, "TCP", 40000, 80), is_local(NODES[0]))
            assert found.backend
            proxy.remove(made.key)

        return calls(work)

    cost(large), cost(small)  # the first packet makes the index
    few, many = cost(small), cost(large)
    assert many < 1.5 * few + 50, (few, many)
