"""``get``: columns and cells as FACTS section 13.1 has them, from the API server's printers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import Cluster
from k8snet_course.errors import CourseError
from k8snet_course.kubectl.human import age
from k8snet_course.kubectl.resources import RESOURCES
from k8snet_course.kubectl.table import columns
from k8snet_course.kubectl.tabs import aligned
from tests.kubectl.world import world


def row(cluster: Cluster, line: str, number: int = 0) -> list[str]:
    """The cells of a row of the answer."""
    return cluster.kubectl(f"{line} --no-headers").out.splitlines()[number].split()


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def test_the_layout_that_facts_computes() -> None:
    rows = [
        ("NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE"),
        ("backend-6d4cf56db6-x7x2p", "1/1", "Running", "0", "5m", "10.244.1.2", "node-2", "<none>"),
        ("frontend", "1/1", "Running", "2 (3m ago)", "12m", "10.244.0.2", "node-1", "<none>"),
        ("new", "0/1", "ContainerCreating", "0", "4s", "<none>", "node-2", "<none>"),
    ]
    assert columns(rows).splitlines() == [
        "NAME                       READY   STATUS              RESTARTS     AGE   IP           NODE     NOMINATED NODE",
        "backend-6d4cf56db6-x7x2p   1/1     Running             0            5m    10.244.1.2   node-2   <none>",
        "frontend                   1/1     Running             2 (3m ago)   12m   10.244.0.2   node-1   <none>",
        "new                        0/1     ContainerCreating   0            4s    <none>       node-2   <none>",
    ]
    assert columns([("A", "B"), ("x", "y")]) == "A     B\nx     y"


@pytest.mark.parametrize(("seconds", "shown"), [
    (-3, "<invalid>"), (-1, "0s"), (0, "0s"), (45, "45s"), (119, "119s"), (120, "2m"), (200, "3m20s"), (599, "9m59s"),
    (600, "10m"), (4500, "75m"), (10799, "179m"), (10800, "3h"), (11100, "3h5m"), (28799, "7h59m"), (28800, "8h"),
    (72000, "20h"), (172799, "47h"), (172800, "2d"), (259200, "3d"), (273600, "3d4h"), (691199, "7d23h"), (691200, "8d"),
    (2592000, "30d"), (63071999, "729d"), (63072000, "2y"), (89337600, "2y304d"), (252287999, "7y364d"), (252288000, "8y"),
    (400000000, "12y"),
])
def test_ages(seconds: int, shown: str) -> None:
    assert age(seconds) == shown


def test_everything_is_as_old_as_it_is() -> None:
    cluster = Cluster()
    cluster.add_pod("old")
    cluster.wait(100)
    cluster.kubectl("create deployment web --image=nginx")
    cluster.kubectl("expose deployment web --port=80")
    cluster.wait(20)
    cluster.add_pod("new", namespace="shop")
    for line, shown in (("get pod old", "2m"), ("get deploy web", "20s"), ("get rs", "20s"), ("get svc web", "20s"),
                        ("get endpointslices", "20s"), ("get ep", "20s"), ("get pods -n shop", "0s"), ("get ns shop", "0s"),
                        ("get ns default", "2m"), ("get node", "2m")):
        assert shown in row(cluster, line), line
    cluster.delete("pod", "old")
    cluster.add_pod("old")
    assert row(cluster, "get pod old")[-1] == "0s"


def test_an_object_that_was_not_made_is_not_born() -> None:
    """What is undone because a later document is refused, leaves the age of what was there as it is."""
    cluster = Cluster()
    cluster.wait(60)
    cluster.add_pod("a")
    cluster.wait(60)
    with pytest.raises(CourseError):
        cluster.apply('{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {containers: [{name: x, image: nginx}]}}\n---\n'
                      '{apiVersion: v1, kind: Pod, metadata: {name: c}, spec: {nodeName: nope, '
                      'containers: [{name: x, image: nginx}]}}')
    cluster.wait(60)
    cluster.add_pod("b")
    assert (row(cluster, "get pod a")[-1], row(cluster, "get pod b")[-1]) == ("2m", "0s")


@pytest.mark.parametrize(("state", "shown"), [
    ({}, ["1/1", "Running"]), ({"ready": False}, ["0/1", "Running"]), ({"terminating": True}, ["1/1", "Terminating"]),
    ({"finished": True}, ["0/1", "Completed"]), ({"ready": False, "terminating": True}, ["0/1", "Terminating"]),
])
def test_the_states_of_a_pod(state: dict[str, bool], shown: list[str]) -> None:
    cluster = Cluster()
    cluster.add_pod("web")
    cluster.set_state("web", **state)
    assert row(cluster, "get pod web") == ["web", *shown, "0", "0s"]


def test_a_pod_that_was_told_to_stop() -> None:
    """Its deletionTimestamp lies ahead by its period of grace, and describe counts from there."""
    cluster = Cluster()
    cluster.add_pod("web")
    cluster.wait(10)
    cluster.set_state("web", terminating=True)
    assert cluster.kubectl("get pod web -o jsonpath={.metadata.deletionTimestamp}").out == "2026-01-01T00:00:40Z"
    for seconds, lasts in ((10, "<invalid>"), (20, "0s"), (5, "5s")):
        cluster.wait(seconds)
        assert f"Status:                    Terminating (lasts {lasts})\n" in cluster.kubectl("describe pod web").out
    cluster.set_state("web")
    assert "Status:           Running\n" in cluster.kubectl("describe pod web").out


@pytest.mark.parametrize(("spec", "cells"), [
    ({"clusterIP": "None", "ports": [{"port": 5432}], "selector": {"app": "db"}}, ["ClusterIP", "None", "<none>", "5432/TCP"]),
    ({"type": "ExternalName", "externalName": "db.example.com"}, ["ExternalName", "<none>", "db.example.com", "<none>"]),
    ({"type": "NodePort", "clusterIP": "10.101.12.7", "ports": [{"port": 80, "nodePort": 30080}]},
     ["NodePort", "10.101.12.7", "<none>", "80:30080/TCP"]),
    ({"type": "LoadBalancer", "clusterIP": "10.99.3.4", "ports": [{"port": 80, "nodePort": 31234}]},
     ["LoadBalancer", "10.99.3.4", "<pending>", "80:31234/TCP"]),
    ({"clusterIP": "10.99.3.4", "externalIPs": ["198.51.100.7", "198.51.100.8"], "ports": [{"port": 53, "protocol": "UDP"}]},
     ["ClusterIP", "10.99.3.4", "198.51.100.7,198.51.100.8", "53/UDP"]),
])
def test_the_cells_of_a_service(spec: dict[str, Any], cells: list[str]) -> None:
    cluster = Cluster()
    cluster.apply(service(**spec))
    assert row(cluster, "get svc web") == ["web", *cells, "0s"]


def test_a_long_list_of_a_load_balancer_is_cut_unless_wide() -> None:
    """FACTS 13.1: longer than 16 characters it is cut to 13 and three dots, and the external IPs follow."""
    cluster = Cluster(load_balancer="192.168.1.240/28")
    cluster.apply(service(type="LoadBalancer", ports=[{"port": 80}], externalIPs=["198.51.100.7"]))
    assert row(cluster, "get svc web")[3] == "192.168.1.240,198.51.100.7"
    form = cluster._kubectl.server.form(RESOURCES["services"])  # type: ignore[union-attr]
    two = replace(cluster.services[0], load_balancer_ips=("192.168.1.240", "fd00:1::5"))
    assert form.cells(two)[3] == "192.168.1.240...,198.51.100.7"
    assert form.widened(two, form.cells(two))[3] == "192.168.1.240,fd00:1::5,198.51.100.7"


def test_endpoint_slices() -> None:
    cluster = Cluster(nodes=2)
    cluster.apply(service(selector={"app": "web"}, ports=[{"port": 80, "targetPort": 8080}]))
    assert row(cluster, "get endpointslices")[1:] == ["IPv4", "<unset>", "<unset>", "0s"]
    assert row(cluster, "get endpoints") == ["web", "<none>", "0s"]
    cluster.add_pods(4, labels={"app": "web"})
    assert row(cluster, "get endpointslices")[1:] == [
        "IPv4", "8080", "10.244.0.2,10.244.1.2,10.244.0.3", "+", "1", "more...", "0s"]
    assert row(cluster, "get endpoints") == [
        "web", "10.244.0.2:8080,10.244.0.3:8080,10.244.1.2:8080", "+", "1", "more...", "0s"]


def test_endpoints_are_deprecated() -> None:
    """FACTS 13.1: since 1.33 a warning comes with them."""
    reply = world().kubectl("get endpoints")
    assert reply.err == "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n"
    assert str(reply).startswith("Warning:") and reply.code == 0


def test_the_mark_of_the_default_ingress_class() -> None:
    assert row(world(), "get ingressclass")[:2] == ["nginx", "(default)"]


def test_an_ingress_gets_the_address_of_its_controller() -> None:
    cluster = Cluster(load_balancer="192.168.1.240/28")
    cluster.add_pod("edge", image="traefik:v3", labels={"app": "edge"})
    cluster.kubectl("create ingress shop --class=traefik --rule=shop.example/*=web:80")
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"},
                   "spec": {"controller": "traefik.io/ingress-controller"}})
    assert cluster.kubectl("get ingress").out.splitlines()[1] == "shop   traefik   shop.example             80      0s"
    cluster.kubectl("expose pod edge --type=LoadBalancer --port=80")
    assert cluster.kubectl("get ingress").out.splitlines()[1] == "shop   traefik   shop.example   192.168.1.240   80      0s"
    assert cluster.kubectl("get ing shop -o jsonpath={.status.loadBalancer.ingress[0].ip}").out == "192.168.1.240"
    assert "Address:          192.168.1.240\n" in cluster.kubectl("describe ing shop").out


def test_gateways_wait_for_their_controller() -> None:
    cluster = world()
    assert row(cluster, "get gc")[2] == "Unknown" and row(cluster, "get gtw -n shop")[2] == "Unknown"
    cluster.add_pod("envoy", namespace="shop", labels={"gateway.networking.k8s.io/gateway-name": "edge"}, listen=80)
    assert row(cluster, "get gtw -n shop")[2] == "True"
    conditions = cluster.kubectl("get httproute -n shop -o jsonpath={.items[0].status.parents[0].conditions[*].status}")
    assert conditions.out == "True True"


def test_a_field_that_nobody_has_sorts_nothing() -> None:
    """The real one prints nothing then, and says that it has found nothing."""
    reply = world().kubectl("get pods --sort-by=.foo")
    assert (reply.out, reply.code) == ("", 0)
    assert reply.err.startswith("No resources found in default namespace.\n") and ".foo" in reply.err


def test_a_field_of_two_types_can_be_sorted_by() -> None:
    names = world().kubectl("get svc -A --sort-by=.spec.ports[0].targetPort -o jsonpath={.items[*].spec.ports[0].targetPort}")
    assert names.out.split() == ["80", "80", "5432", "8000", "8443", "http"]


def test_files_name_objects(tmp_path: Any) -> None:
    cluster = Cluster()
    cluster.add_pod("web")
    file = tmp_path / "pod.yaml"
    file.write_text("{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: a, image: nginx}]}}")
    assert cluster.kubectl(f"get -f {file} -o name").out == "pod/web\n"
    assert cluster.kubectl("get -f - -o name", stdin=file.read_text()).out == "pod/web\n"
    assert cluster.kubectl("get -f nope.yaml").err == 'error: the path "nope.yaml" does not exist\n'


# -- objects in full ---------------------------------------------------------------------------------------------------

def test_what_is_printed_can_be_applied_and_changes_nothing() -> None:
    """Of nodes and Endpoints there are no manifests.  What a controller made is there, too, and stays its own."""
    cluster = world()
    before = cluster.kubectl("get all,endpointslices -A -o yaml").out
    for one in RESOURCES.values():
        if one.plural in ("nodes", "endpoints"):
            continue
        text = cluster.kubectl(f"get {one.plural_full} -A -o yaml").out
        reply = cluster.kubectl("apply -f -", stdin=text)
        if "items: []" not in text:
            assert {line.split()[-1] for line in str(reply).splitlines()} == {"unchanged"}, one.plural
        assert cluster.kubectl(f"get {one.plural_full} -A -o yaml").out == text
    assert cluster.kubectl("get all,endpointslices -A -o yaml").out == before


def test_what_a_controller_made_is_made_again() -> None:
    cluster = world()
    for kind, old, new in (("endpointslices", "10.244.1.2", "10.244.9.9"), ("rs", "replicas: 5", "replicas: 7")):
        text = cluster.kubectl(f"get {kind} -A -o yaml").out
        cluster.kubectl("apply -f -", stdin=text.replace(old, new))
        assert cluster.kubectl(f"get {kind} -A -o yaml").out == text
        assert cluster.kubectl("get pods -n shop -l app=backend -o name").out.count("\n") == 5


KEYS = st.sampled_from(["app", "tier", "example.com/x"])
LABELS = st.dictionaries(KEYS, st.sampled_from(["web", "db", "y", "1.10", ""]), max_size=2)
SPECS = st.fixed_dictionaries({"ports": st.lists(st.integers(1, 900), min_size=1, max_size=3, unique=True).map(
    lambda numbers: [{"name": f"p{number}", "port": number, "targetPort": 8000 + number} for number in numbers])}, optional={
        "selector": LABELS, "type": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
        "sessionAffinity": st.sampled_from(["None", "ClientIP"]),
        "internalTrafficPolicy": st.sampled_from(["Cluster", "Local"]),
        "publishNotReadyAddresses": st.booleans(), "trafficDistribution": st.just("PreferClose")})
SELECTORS = LABELS.map(lambda labels: {"matchLabels": labels})
PEERS = st.fixed_dictionaries({"podSelector": SELECTORS}, optional={"namespaceSelector": SELECTORS}) | st.just(
    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}})
RULES = st.lists(st.fixed_dictionaries({}, optional={
    "from": st.lists(PEERS, min_size=1, max_size=2),
    "ports": st.just([{"port": 80}, {"port": 8000, "endPort": 8010, "protocol": "UDP"}])}), max_size=2)
POLICIES = st.fixed_dictionaries({"podSelector": SELECTORS}, optional={"ingress": RULES})
PODS = st.fixed_dictionaries({"labels": LABELS, "host_network": st.booleans()})


@settings(deadline=None, max_examples=40)
@given(st.lists(PODS, max_size=4), st.lists(SPECS, max_size=3), st.lists(POLICIES, max_size=2), st.integers(0, 200))
def test_a_cluster_can_be_made_anew_from_what_is_printed(pods: list[dict[str, Any]], specs: list[dict[str, Any]],
                                                         policies: list[dict[str, Any]], seconds: int) -> None:
    first, second = (Cluster(nodes=2, cni="flannel", load_balancer="192.168.1.240/28") for _ in range(2))
    for each in (first, second):
        each.wait(seconds)
    for number, arguments in enumerate(pods):
        first.add_pod(f"pod-{number}", **arguments)
    for number, spec in enumerate(specs):
        first.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"svc-{number}"}, "spec": spec})
    for number, spec in enumerate(policies):
        first.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                     "metadata": {"name": f"policy-{number}", "labels": {"n": "1"}}, "spec": spec})
    types = "ns,pods,svc,netpol"
    text = first.kubectl(f"get {types} -A -o yaml").out
    assert second.kubectl("apply -f -", stdin=text).code == 0
    assert second.kubectl(f"get {types} -A -o yaml").out == text
    assert second.kubectl(f"get {types},endpointslices -A -o wide").out == first.kubectl(
        f"get {types},endpointslices -A -o wide").out


CELLS = st.text("abc<>/ ", max_size=12)


ROWS = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6))


@settings(deadline=None)
@given(ROWS)
def test_columns_begin_below_each_other(rows: list[list[str]]) -> None:
    lines = columns(rows).split("\n")
    start = 0
    for number in range(len(rows[0])):
        for cells, line in zip(rows, lines, strict=True):
            assert line[start:start + len(cells[number])] == cells[number]
        start += max(6, max(len(cells[number]) for cells in rows) + 3)


@settings(deadline=None)
@given(st.lists(st.text("ab\t", max_size=12), min_size=1, max_size=6))
def test_describe_keeps_every_word_and_order(lines: list[str]) -> None:
    shown = aligned("\n".join(lines)).split("\n")
    assert [line.replace("\t", " ").split() for line in lines] == [line.split() for line in shown]
    assert "\t" not in "".join(shown)
