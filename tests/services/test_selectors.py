"""Selectors: equality, all of them, in one namespace; and the index gives what a look at everything gives."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import Service
from k8snet_course.services.selectors import SelectorIndex, selects

LABELS = st.dictionaries(st.sampled_from(("app", "tier")), st.sampled_from(("web", "db")), max_size=2)
NAMESPACES = st.sampled_from(("default", "shop"))
PODS = st.builds(lambda number, space, labels: Pod(f"pod-{number}", "node-1", f"10.244.0.{number + 2}", space, labels),
                 st.integers(0, 5), NAMESPACES, LABELS)
SERVICES = st.builds(lambda number, space, labels: Service(f"service-{number}", space, selector=labels),
                     st.integers(0, 3), NAMESPACES, LABELS)


def test_all_pairs_must_hold() -> None:
    assert selects({"app": "web", "tier": "front"}, {"app": "web", "tier": "front", "more": "1"})
    assert not selects({"app": "web", "tier": "front"}, {"app": "web"})
    assert not selects({}, {"app": "web"})


def test_a_pod_that_is_replaced_keeps_its_place() -> None:
    index, service = SelectorIndex(), Service("web", selector={"app": "web"})
    for number in (1, 2, 3):
        index.add_pod(Pod(f"web-{number}", "node-1", f"10.244.0.{number}", labels={"app": "web"}))
    index.add_pod(replace(index.pods_of(service)[0], ip="10.244.0.9"))
    assert [pod.ip for pod in index.pods_of(service)] == ["10.244.0.9", "10.244.0.2", "10.244.0.3"]


@given(st.lists(st.one_of(PODS, SERVICES, st.tuples(st.just("gone"), st.one_of(PODS, SERVICES))), max_size=30))
def test_the_index_gives_what_a_look_at_everything_gives(steps: list[object]) -> None:
    index = SelectorIndex()
    pods: dict[str, Pod] = {}
    services: dict[str, Service] = {}
    for step in steps:
        if isinstance(step, Pod):
            index.add_pod(step)
            pods[step.key] = step
        elif isinstance(step, Service):
            index.add_service(step)
            services[step.key] = step
        else:
            gone = step[1]  # type: ignore[index]
            (index.remove_pod if isinstance(gone, Pod) else index.remove_service)(gone.key)
            (pods if isinstance(gone, Pod) else services).pop(gone.key, None)
        for service in services.values():
            wanted = [pod for pod in pods.values() if pod.namespace == service.namespace
                      and selects(service.selector, pod.labels)]
            assert list(index.pods_of(service)) == wanted
        for pod in pods.values():
            wanted_services = [service for key, service in sorted(services.items())
                               if service.namespace == pod.namespace and selects(service.selector, pod.labels)]
            assert list(index.services_of(pod)) == wanted_services
