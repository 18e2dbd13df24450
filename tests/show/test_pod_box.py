"""Pods with more to say than name and address, and pods that use their node's network."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.show.drawing import area
from k8snet_course.show.layout import layout
from k8snet_course.show.path import path
from k8snet_course.show.pod_rows import LINE, POD_HEIGHT
from k8snet_course.show.scene import Box, Place, Scene
from tests.show.clusters import LATER, WALKS, cluster_of


def box_of(scene: Scene, name: str) -> Box:
    found = scene.box(f"default/{name}")
    assert found is not None
    return found


def words(box: Box) -> list[str]:
    return [label.text for label in box.labels[2:]]


def crowded() -> Cluster:
    cluster = Cluster()
    cluster.add_pod("one")
    cluster.add_pod("pair", containers={"web": "nginx", "old": "httpd"})
    return cluster


def test_a_pod_with_one_container_has_two_lines_and_its_old_height() -> None:
    box = box_of(layout(cluster_of(1, 1)), "frontend")
    assert (words(box), box.height) == ([], POD_HEIGHT)


def test_several_containers_are_named_and_the_one_that_found_its_port_taken_is_marked_by_a_sign_and_words() -> None:
    cluster = crowded()
    scene = layout(cluster)
    box = box_of(scene, "pair")
    assert words(box) == ["web", "✕ old: 80 taken"]
    assert [label.role for label in box.labels[2:]] == ["kind", "refused"]
    said = "old cannot listen on TCP 0.0.0.0:80: address already in use (web has it)"
    assert str(cluster.pod("pair").refused[0]) == said
    assert said in box.title
    assert f"  pod pair 10.244.0.3, eth0 to {cluster.pod('pair').links[1].peer.link} at cni0; containers web, old; {said}" in (
        scene.text.splitlines())


def test_all_pods_of_a_picture_are_equally_high_and_the_packet_stands_below_the_text() -> None:
    scene = layout(crowded())
    boxes = [box_of(scene, name) for name in ("one", "pair")]
    assert {box.height for box in boxes} == {POD_HEIGHT + 2 * LINE}
    for box in boxes:
        lowest = max(area(label)[3] for label in box.labels)
        assert lowest <= scene.anchor(box.device).y - 7


def test_many_containers_are_counted_those_that_cannot_listen_first() -> None:
    cluster = Cluster()
    cluster.add_pod("busy", containers={"a": "nginx", "b": "busybox", "c": "busybox", "d": "httpd", "e": "busybox"})
    assert words(box_of(layout(cluster), "busy")) == ["✕ d: 80 taken", "a", "and 3 more"]


def test_where_pods_are_dense_there_is_one_line() -> None:
    cluster = cluster_of(4, 19)
    cluster.add_pod("pair", node="node-4", containers={"web": "nginx", "old": "httpd"})
    cluster.add_pod("three", node="node-4", containers={"a": "busybox", "b": "busybox", "c": "nginx"})
    scene = layout(cluster)
    assert words(box_of(scene, "pair")) == ["✕ old: 80 taken"]
    assert words(box_of(scene, "three")) == ["3 containers"]


def test_the_texts_of_a_pod_stay_in_it_however_narrow() -> None:
    cluster = cluster_of(4, 24)
    for number in range(1, 5):
        containers = {"a-long-name": "nginx", "and-a-longer-name": "httpd"}
        cluster.add_pod(f"pair-{number}", node=f"node-{number}", containers=containers)
    for box in layout(cluster).boxes:
        if box.kind == "pod":
            assert all(box.x <= area(label)[0] and area(label)[2] <= box.right for label in box.labels), box.title


def test_a_host_pod_says_so_and_has_no_cable() -> None:
    cluster, _ = LATER["from an agent"]
    scene = layout(cluster)
    box = box_of(scene, "agent-1")
    assert box.kind == "hostpod"
    assert words(box) == ["host network"]
    assert "uses the network of node-1 (hostNetwork)" in box.title
    assert "  pod agent-1 192.168.1.2; uses the network of node-1 (hostNetwork)" in scene.text.splitlines()
    assert not [wire for wire in scene.wires if "default/agent-1" in (wire.a.device, wire.b.device)]


def test_only_the_host_pod_that_came_too_late_for_a_port_is_marked() -> None:
    cluster = Cluster()
    for name in ("first", "second"):
        cluster.add_pod(name, host_network=True)
    cluster.add_pod("third", host_network=True, image="busybox")
    scene = layout(cluster)
    marked = {name: any("✕" in text for text in words(box_of(scene, name))) for name in ("first", "second", "third")}
    assert marked == {"first": False, "second": True, "third": False}


@pytest.mark.parametrize(("name", "begins", "ends"), [
    ("from an agent", "agent-1", "web-1"), ("to an agent", "client", "agent-2"), ("agent to agent", "agent-1", "agent-2"),
    ("agent to itself", "agent-1", "agent-1"), ("agent to a Service", "agent-2", "web"),
])
def test_a_walk_begins_and_ends_in_the_host_pod_that_is_named(name: str, begins: str, ends: str) -> None:
    cluster, trace = LATER[name]
    scene = layout(cluster, trace)
    stops = path(scene, trace)
    assert stops[0].place == Place(f"default/{begins}", "")
    assert stops[-1].place.device.startswith(f"default/{ends}")
    assert trace.reply is not None
    back = path(scene, trace.reply)
    assert (back[0].place.device, back[-1].place.device) == (stops[-1].place.device, stops[0].place.device)


def test_the_way_to_a_host_pod_is_no_cable_and_passes_the_bridge() -> None:
    cluster, trace = LATER["agent to agent"]
    scene = layout(cluster, trace)
    points = scene.wire(Place("default/agent-1", ""), Place("node-1", ""))
    bridge = scene.box("node-1", "cni0")
    assert points is not None and bridge is not None
    assert not any(bridge.x <= x <= bridge.right and bridge.y <= y <= bridge.bottom for x, y in points)
    assert next(wire.kind for wire in scene.wires if wire.a == Place("default/agent-1", "")) == "home"


def test_what_the_node_itself_refuses_does_not_begin_in_a_host_pod() -> None:
    cluster, trace = LATER["refused by an agent"]
    scene = layout(cluster, trace)
    assert trace.reply is not None
    assert path(scene, trace.reply)[0].place == Place("node-1", "")
    assert path(scene, trace)[-1].place.device == "node-1"


def test_a_service_s_host_pod_is_where_the_packet_ends() -> None:
    cluster = Cluster(nodes=2)
    cluster.add_pod("client", node="node-1")
    cluster.add_pod("proxy", node="node-1", host_network=True, labels={"app": "proxy"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "entry"},
                   "spec": {"selector": {"app": "proxy"}, "ports": [{"port": 80}]}})
    trace = cluster.send("client", "entry")
    assert trace.delivered
    scene = layout(cluster, trace)
    assert path(scene, trace)[-1].place == Place("default/proxy", "")
    assert any(wire.kind == "chosen" and wire.b.device == "default/proxy" for wire in scene.wires)


def test_every_way_in_the_later_walks_is_made_of_level_and_upright_lines_inside_the_picture() -> None:
    for name in LATER:
        cluster, trace = WALKS[name]
        scene = layout(cluster, trace)
        for one in trace.connections:
            for walk in (one, one.reply):
                for stop in path(scene, walk) if walk is not None else ():
                    assert all(0 <= x <= scene.width and 0 <= y <= scene.height for x, y in stop.way), name
