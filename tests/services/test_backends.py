"""Which endpoints a node may use (FACTS 6.4): policies, terminating endpoints, traffic distribution."""

from __future__ import annotations

import pytest

from k8snet_course.objects.service import Service
from k8snet_course.services.backends import Backend, choose

NEAR = Backend("10.0.0.1", 80, "node-1", "a")
ZONE = Backend("10.0.0.2", 80, "node-2", "a")
FAR = Backend("10.0.0.3", 80, "node-3", "b")
ALL = (NEAR, ZONE, FAR)


def state(backend: Backend, ready: bool = False, serving: bool = False, terminating: bool = False) -> Backend:
    return Backend(backend.ip, backend.port, backend.node, backend.zone, ready, serving, terminating)


@pytest.mark.parametrize(("distribution", "backends", "expected"), [
    ("", ALL, ALL),
    ("PreferSameNode", ALL, (NEAR,)), ("PreferSameNode", (ZONE, FAR), (ZONE,)), ("PreferSameNode", (FAR,), (FAR,)),
    ("PreferSameZone", ALL, (NEAR, ZONE)), ("PreferSameZone", (FAR,), (FAR,)), ("PreferClose", ALL, (NEAR, ZONE)),
    ("PreferSameNode", (state(NEAR), ZONE, FAR), (ZONE,)),
    ("PreferSameZone", (NEAR, Backend("10.0.0.9", 80, "node-3", "")), (NEAR, Backend("10.0.0.9", 80, "node-3", ""))),
    ("PreferSameNode", (state(NEAR, serving=True, terminating=True), ZONE), (ZONE,)),
])
def test_traffic_distribution(distribution: str, backends: tuple[Backend, ...], expected: tuple[Backend, ...]) -> None:
    choice = choose(Service("web", traffic_distribution=distribution), backends, "node-1", "a")
    assert choice.everywhere == expected


def test_a_terminating_endpoint_serves_only_where_no_other_is_ready() -> None:
    stopping = state(NEAR, serving=True, terminating=True)
    assert choose(Service("web"), (stopping, FAR), "node-1").everywhere == (FAR,)
    assert choose(Service("web"), (stopping, state(FAR)), "node-1").everywhere == (stopping,)
    assert not choose(Service("web"), (state(NEAR), state(FAR)), "node-1").any


def test_policy_local_looks_at_the_nodes_own_endpoints_alone() -> None:
    stopping = state(NEAR, serving=True, terminating=True)
    service = Service("web", type="NodePort", external_traffic_policy="Local")
    choice = choose(service, (stopping, FAR), "node-1")
    assert (choice.everywhere, choice.here, choice.any) == ((FAR,), (stopping,), True)
    assert choose(service, ALL, "node-9").here == ()


def test_internal_policy_local_without_local_endpoints_knows_that_others_exist() -> None:
    choice = choose(Service("web", internal_traffic_policy="Local"), (FAR,), "node-1")
    assert (choice.everywhere, choice.here, choice.any) == ((), (), True)


def test_an_external_policy_means_nothing_to_a_service_without_a_way_in() -> None:
    assert choose(Service("web", external_traffic_policy="Local"), (FAR,), "node-1").everywhere == (FAR,)
