"""Several connections in one picture and one widget: an exchange that a proxy takes and passes on."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from k8snet_course import Cluster
from k8snet_course.show import PacketWalk, draw
from k8snet_course.show.connections import connections, relays, ways
from k8snet_course.show.device_tables import devices_on_the_way
from k8snet_course.show.path import path
from k8snet_course.show.strip import trace_svg
from k8snet_course.show.tables import trace_frame
from tests.show.clusters import LATER, WALKS, shop

NS = "{http://www.w3.org/2000/svg}"


def test_a_single_connection_is_as_it_was() -> None:
    cluster, trace = WALKS["same node"]
    assert [(way.name, way.connection, way.first) for way in ways(trace)] == [("there", "", 0), ("back", "", 0)]
    state = PacketWalk(cluster, trace).state
    assert [(way["label"], way["next"], way["connection"]) for way in state["ways"]] == [
        ("Way there", None, ""), ("Way back", None, "")]
    assert "connection" not in trace_frame(trace).columns


def test_numbers_go_on_from_one_connection_to_the_next_and_answers_from_the_last_to_the_first() -> None:
    cluster, trace = LATER["two connections"]
    assert trace.then is not None and trace.reply is not None and trace.then.reply is not None
    first, second = len(trace.hops), len(trace.then.hops)
    assert [(way.name, way.number, way.first) for way in ways(trace)] == [
        ("there", 1, 0), ("back", 1, len(trace.then.reply.hops)), ("there", 2, first), ("back", 2, 0)]
    shown = PacketWalk(cluster, trace).state["ways"]
    assert [way["next"] for way in shown] == [2, None, None, 1]
    assert [way["label"] for way in shown] == ["1 of 2: there", "1 of 2: back", "2 of 2: there", "2 of 2: back"]
    assert shown[2]["title"] == "Connection 2 of 2: way there"
    assert [step["number"] for step in shown[2]["steps"]][::len(shown[2]["steps"]) - 1] == [first + 1, first + second]
    assert shown[2]["steps"][0]["say"].startswith("Connection 2 of 2. Step 1 of ")


def test_the_pod_between_two_connections_says_so() -> None:
    cluster, trace = LATER["two connections"]
    assert relays(trace)["default/web-1"] == 1
    box = draw(cluster, trace).scene.box("default/web-1")
    assert box is not None
    assert "proxy 1 → 2" in [label.text for label in box.labels]
    assert "connection 1 ends here, and connection 2 begins" in box.title
    assert relays(trace.then) == {}


def test_picture_strip_and_table_have_all_of_it() -> None:
    cluster, trace = LATER["two connections"]
    assert trace.then is not None
    count = len(trace.hops) + len(trace.then.hops)
    for text in (draw(cluster, trace).svg, trace_svg(trace)):
        root = ElementTree.fromstring(text)
        badges = [one.find(f"{NS}text") for one in root.iter(f"{NS}g") if one.get("class") == "badge"]
        assert [badge.text for badge in badges if badge is not None] == [str(number) for number in range(1, count + 1)]
        title = root.find(f"{NS}title")
        assert title is not None and "connection 2 of 2, the packet's way there: delivered" in str(title.text)
        desc = root.find(f"{NS}desc")
        assert desc is not None and "Connection 2 of 2" in str(desc.text)
    frame = trace_frame(trace)
    assert list(dict.fromkeys(zip(frame["connection"], frame["way"], strict=True))) == [
        (1, "there"), (1, "back"), (2, "there"), (2, "back")]
    assert set(devices_on_the_way(trace)) >= {"node-2", "default/web-1", "default/web-2"}


def test_its_text_is_that_of_the_trace() -> None:
    cluster, trace = LATER["two connections"]
    assert repr(PacketWalk(cluster, trace)) == str(trace) == draw(cluster, trace).text


def test_three_connections_are_chained_too_and_one_without_an_answer_ends_the_chain_back() -> None:
    cluster = Cluster()
    for name in "abcd":
        cluster.add_pod(name)
    last = replace(cluster.send("c", "d"), reply=None)
    trace = replace(cluster.send("a", "b"), then=replace(cluster.send("b", "c"), then=last))
    assert len(connections(trace)) == 3
    found = ways(trace)
    assert [(way.name, way.number, way.following(found)) for way in found] == [
        ("there", 1, 2), ("back", 1, None), ("there", 2, 4), ("back", 2, 1), ("there", 3, None)]
    assert {name: number for name, number in relays(trace).items() if "/" in name} == {"default/b": 1, "default/c": 2}


INGRESS = """
apiVersion: v1
kind: Pod
metadata: {name: edge, labels: {app: edge}, annotations: {k8snet-course/ingress-controller: example.com/controller}}
spec:
  hostNetwork: %s
  nodeName: node-2
  containers: [{name: controller, image: nginx, ports: [{containerPort: 80, name: http}]}]
---
apiVersion: v1
kind: Service
metadata: {name: edge}
spec: {type: NodePort, selector: {app: edge}, ports: [{port: 80, nodePort: 30090}]}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: example.com/controller}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  ingressClassName: nginx
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""


@pytest.mark.parametrize("host_network", [False, True])
def test_a_request_through_an_ingress_is_one_picture(host_network: bool) -> None:
    cluster = shop(3, "flannel")
    cluster.delete("pod", "agent-2")  # it has port 80 of node-2
    cluster.apply(INGRESS % str(host_network).lower())
    response = cluster.request("laptop", "http://shop.example.com/", connect_to="node-1:30090")
    assert response.ok and response.trace.then is not None
    picture = draw(cluster, response.trace)
    edge = picture.scene.box("default/edge")
    assert edge is not None
    assert edge.kind == ("hostpod" if host_network else "pod")
    assert "Ingress 1 → 2" in [label.text for label in edge.labels]
    assert "Ingress controller example.com/controller" in edge.title
    first, _, second, _ = ways(response.trace)
    ended, begun = (path(picture.scene, way.trace) for way in (first, second))
    assert ended[-1].point == begun[0].point == picture.scene.anchor("default/edge")
    assert {box.link for box in picture.scene.boxes if box.kind == "virtual"} == {"service 192.168.1.2:30090"}
    ElementTree.fromstring(picture.svg)
    steps = PacketWalk(cluster, response.trace).state["ways"][0]["steps"]
    assert "ingress shop" in steps[-1]["say"]
    assert all(step["quiz"] for step in steps[1:])


def test_a_controller_says_so_before_any_packet_comes_and_a_sidecar_s_redirection_shows_no_address() -> None:
    cluster = shop(2, "flannel")
    cluster.apply(INGRESS % "false")
    cluster.add_pod("meshed", node="node-1", labels={"sidecar.istio.io/inject": "true"})
    scene = draw(cluster).scene
    words = {name: [label.text for box in [scene.box(f"default/{name}")] if box for label in box.labels[2:]]
             for name in ("edge", "meshed", "client")}
    assert words == {"edge": ["Ingress"], "meshed": ["sidecar"], "client": []}
    response = cluster.request("meshed", "http://web/")
    assert len(response.trace.connections) > 1
    picture = draw(cluster, response.trace)
    assert not [box for box in picture.scene.boxes if box.kind == "virtual"], "the sidecar chooses the pod, kube-proxy does not"
    meshed = picture.scene.box("default/meshed")
    assert meshed is not None and "sidecar 1 → 2" in [label.text for label in meshed.labels]
