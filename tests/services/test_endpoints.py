"""EndpointSlices (FACTS 6.5): which pods, how many a slice, which state, which ports."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.errors import InvalidAddress, InvalidArgument
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointSlice
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.endpoints import PodState, check_endpoints, endpoint_slices
from tests.services.worlds import named, pod, web


def many(number: int) -> list[Pod]:
    return [Pod(f"web-{n}", "node-1", f"10.244.{n // 250}.{n % 250 + 2}", labels={"app": "web"}) for n in range(number)]


@pytest.mark.parametrize(("pods", "sizes"), [(0, [0]), (1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_a_hundred_endpoints_a_slice(pods: int, sizes: list[int]) -> None:
    slices = endpoint_slices(web(), many(pods))
    assert [len(each.endpoints) for each in slices] == sizes
    assert len({each.name for each in slices}) == len(slices), "each slice has a name of its own"
    assert slices == endpoint_slices(web(), many(pods)), "and the same in every run"


def test_the_size_of_a_slice_can_be_set() -> None:
    assert [len(each.endpoints) for each in endpoint_slices(web(), many(5), most=2)] == [2, 2, 1]
    for most in (0, 1001, True, "10"):
        with pytest.raises(InvalidArgument, match="from 1 to 1000"):
            endpoint_slices(web(), [], most=most)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "publish", "expected"), [
    (PodState(), False, (True, True, False)),
    (PodState(ready=False), False, (False, False, False)),
    (PodState(terminating=True), False, (False, True, True)),
    (PodState(ready=False, terminating=True), False, (False, False, True)),
    (PodState(ready=False), True, (True, False, False)),
    (PodState(terminating=True), True, (True, True, True)),
    (PodState(finished=True), False, None),
])
def test_conditions(state: PodState, publish: bool, expected: tuple[bool, bool, bool] | None) -> None:
    one = pod(1)
    slices = endpoint_slices(web(publish_not_ready_addresses=publish), [one], {one.key: state})
    found = [(end.ready, end.serving, end.terminating) for end in slices[0].endpoints]
    assert found == ([] if expected is None else [expected])


def test_only_pods_that_are_selected_and_have_an_address() -> None:
    pods = [pod(1), pod(2, app="db"), replace(pod(3), namespace="shop"), replace(pod(4), ip="")]
    assert [end.target for end in endpoint_slices(web(), pods)[0].endpoints] == ["default/web-1"]


def test_no_selector_no_slices() -> None:
    assert endpoint_slices(web(selector={}), [pod(1)]) == ()
    assert endpoint_slices(web(type="ExternalName", external_name="example.com"), [pod(1)]) == ()


def test_a_named_port_that_differs_between_pods_gives_a_slice_for_each_number() -> None:
    service = web(ports=(ServicePort(80, "http", name="web"),))
    slices = endpoint_slices(service, [named(1, 8080), named(2, 9090), named(3, 8080)])
    assert [([end.addresses[0] for end in each.endpoints], [str(port) for port in each.ports]) for each in slices] == [
        (["10.244.0.2", "10.244.0.4"], ["web 8080/TCP"]), (["10.244.0.3"], ["web 9090/TCP"])]


def test_a_name_that_the_pod_does_not_declare_gives_an_endpoint_without_that_port() -> None:
    service = web(ports=(ServicePort(80, "http", name="a"), ServicePort(81, 9000, name="b")))
    assert [[str(port) for port in each.ports] for each in endpoint_slices(service, [pod(1)])] == [["b 9000/TCP"]]
    udp = web(ports=(ServicePort(80, "http", protocol="UDP"),))
    assert endpoint_slices(udp, [named(1, 8080)])[0].ports == (), "a port's name belongs to its protocol"


def test_two_families_two_slices() -> None:
    dual = replace(pod(1), second_ip="fd00:10:244::2")
    service = web(ip_families=("IPv4", "IPv6"), ip_family_policy="RequireDualStack")
    assert [(each.address_type, each.endpoints[0].addresses) for each in endpoint_slices(service, [dual])] == [
        ("IPv4", ("10.244.0.2",)), ("IPv6", ("fd00:10:244::2",))]
    assert [each.address_type for each in endpoint_slices(web(), [dual])] == ["IPv4"]


def test_where_an_endpoint_is() -> None:
    end = endpoint_slices(Service("web", selector={"app": "web"}), [replace(pod(1), hostname="one", subdomain="web")],
                          zones={"node-1": "a"})[0].endpoints[0]
    assert (end.node_name, end.zone, end.hostname, end.target) == ("node-1", "a", "one", "default/web-1")


@pytest.mark.parametrize(("address", "family", "words"), [
    ("127.0.0.1", "IPv4", "loopback"), ("::1", "IPv6", "loopback"), ("169.254.1.1", "IPv4", "link-local"),
    ("224.0.0.5", "IPv4", "link-local"), ("fe80::1", "IPv6", "link-local"), ("10.96.0.20", "IPv4", "cluster IP"),
    ("10.0.0.300", "IPv4", "an IPv4 address"), ("fd00::1", "IPv4", "addressType"),
])
def test_addresses_that_an_endpoint_may_not_have(address: str, family: str, words: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        check_endpoints(EndpointSlice("db-1", "default", "db", family, (Endpoint((address,)),)), ["10.96.0.20"])
    assert words in str(caught.value)


def test_addresses_that_an_endpoint_may_have() -> None:
    check_endpoints(EndpointSlice("db-1", "default", "db", "IPv4", (Endpoint(("192.168.1.99",)),)), ["10.96.0.20"])
    check_endpoints(EndpointSlice("db-1", "default", "db", "FQDN", (Endpoint(("db.example.com",)),)))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from((8080, 9090)), st.booleans()), max_size=40), st.integers(1, 7))
def test_every_selected_pod_is_in_exactly_one_slice(pods: list[tuple[bool, int, bool]], most: int) -> None:
    service = web(ports=(ServicePort(80, "http"),))
    made = [replace(named(number, port), labels={"app": "web" if selected else "db"})
            for number, (selected, port, _) in enumerate(pods, 1)]
    states = {each.key: PodState(ready) for each, (_, _, ready) in zip(made, pods, strict=True)}
    slices = endpoint_slices(service, made, states, most=most)
    found = sorted(end.target for each in slices for end in each.endpoints)
    assert found == sorted(each.key for each in made if each.labels["app"] == "web")
    assert all(len(each.endpoints) <= most for each in slices)
    assert all(end.ready == states[end.target].ready for each in slices for end in each.endpoints)
