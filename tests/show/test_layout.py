"""The layout's promises: nothing overlaps, nothing is missing, nothing moves between runs."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from k8snet_course import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.linux.trace import Action, Trace
from k8snet_course.show.drawing import area
from k8snet_course.show.layout import MOST_PODS, layout
from k8snet_course.show.path import path
from k8snet_course.show.scene import Box, Place, Scene
from k8snet_course.show.text import cluster_text, outside
from tests.show.clusters import LATER, NAMES, WALKS, cluster_of

SIZES = [(nodes, pods) for nodes in (1, 2, 3, 4) for pods in range(21)]


def solid(scene: Scene) -> list[Box]:
    """The boxes that hold nothing else; marks of interfaces and of backends stand on the edges of others."""
    return [box for box in scene.boxes if box.kind not in ("node", "port", "backend", "chosen")]


@pytest.mark.parametrize(("nodes", "pods"), SIZES)
def test_no_two_boxes_overlap(nodes: int, pods: int) -> None:
    scene = layout(cluster_of(nodes, pods))
    for one, other in combinations(solid(scene), 2):
        assert not one.overlaps(other), f"{one.title} and {other.title}"
    frames = [box for box in scene.boxes if box.kind == "node"]
    for one, other in combinations(frames, 2):
        assert not one.overlaps(other), f"{one.title} and {other.title}"


@pytest.mark.parametrize(("nodes", "pods"), SIZES)
def test_every_pod_and_card_is_inside_its_node_and_everything_inside_the_picture(nodes: int, pods: int) -> None:
    cluster = cluster_of(nodes, pods)
    scene = layout(cluster)
    for pod in cluster.pods:
        inside, frame = scene.box(pod.key), scene.box(pod.node)
        assert inside is not None
        assert frame is not None
        assert frame.contains(inside)
    page = Box("", "", "page", 0, 0, scene.width, scene.height, "")
    for box in scene.boxes:
        assert page.contains(box), box.title
        if box.kind in ("bridge", "routing", "ethernet"):
            frame = scene.box(box.device)
            assert frame is not None
            assert frame.contains(box), box.title


@pytest.mark.parametrize(("nodes", "pods"), [(1, 1), (1, 20), (2, 9), (3, 20), (4, 20)])
def test_every_interface_of_what_is_shown_has_an_anchor_and_a_cable(nodes: int, pods: int) -> None:
    cluster = cluster_of(nodes, pods)
    scene = layout(cluster)
    names = [*(node.name for node in cluster.nodes), *(pod.key for pod in cluster.pods), *outside(cluster), "underlay"]
    for name in names:
        for link in cluster.namespace(name).links.values():
            if link.kind == "loopback" or (link.peer is not None and not scene.shows(link.peer.namespace)):
                continue
            assert Place(name, link.name) in scene.anchors
            if link.peer is not None:
                assert scene.wire(Place(name, link.name), Place(*link.peer)) is not None


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_stands_on_anchors_and_follows_cables(name: str) -> None:
    cluster, trace = WALKS[name]
    scene = layout(cluster, trace)
    for one in (trace, trace.reply):
        if one is None:
            continue
        stops = path(scene, one)
        assert len(stops) == sum(1 for _ in one.steps())
        for hop in one.hops:
            for link in (hop.ingress, hop.egress):
                assert not link or Place(hop.device, link) in scene.anchors
        for before, after in pairwise(stops):
            assert after.way[0] == before.point
            assert after.way[-1] == after.point
            for start, end in pairwise(after.way):
                assert start.x == end.x or start.y == end.y, "every way is made of level and upright lines"


def test_the_same_cluster_gives_the_same_scene() -> None:
    assert layout(cluster_of(3, 17)) == layout(cluster_of(3, 17))


def test_the_first_pods_do_not_move_the_node() -> None:
    frames = [layout(cluster_of(1, pods)).box("node-1") for pods in range(6)]
    assert all(frame is not None and (frame.x, frame.width) == (frames[0].x, frames[0].width) for frame in frames if frames[0])


@pytest.mark.parametrize("cni", ["none", "bridge", "flannel", "flannel-host-gw", "weave"])
def test_a_node_whose_last_pod_has_gone_keeps_its_bridge(cni: str) -> None:
    """The way to the pod that was there ends in the bridge; with a bridge that is always there nothing is said of the past."""
    cluster = Cluster(nodes=2, cni=cni)
    address = cluster.add_pod("once", node="node-1").ip
    cluster.add_pod("b", node="node-2")
    cluster.delete("pod", "once")
    scene = layout(cluster, cluster.send("node-1", address))
    assert collisions(scene) == [] and scene.box("node-1", "weave" if cni == "weave" else "cni0") is not None
    notes = [label.text for box in scene.boxes if box.kind == "note" and box.device == "node-1" for label in box.labels]
    assert notes == ["no pods yet" if cni == "weave" else "no pods any more"]
    text = cluster_text(cluster)
    assert "  bridge cni0 10.244.0.1/" in text or cni == "weave"


def test_a_large_cluster_shows_a_few_nodes_those_of_the_walk_among_them() -> None:
    cluster = Cluster(nodes=40)
    cluster.add_pod("far", node="node-31")
    cluster.add_pod("farther", node="node-40")
    trace = cluster.send("far", "farther")
    scene = layout(cluster, trace)
    frames = [box.device for box in scene.boxes if box.kind == "node"]
    assert frames == ["node-1", "node-2", "node-31", "node-40"]
    assert "and 36 more nodes" in scene.text
    assert any(box.title == "and 36 more" for box in scene.boxes)
    path(scene, trace)


def test_a_full_node_shows_some_pods_those_of_the_walk_among_them() -> None:
    cluster = cluster_of(1, 110)
    trace = cluster.send("frontend", NAMES[109])
    scene = layout(cluster, trace)
    assert sum(box.kind == "pod" for box in scene.boxes) == MOST_PODS
    assert scene.shows(f"default/{NAMES[109]}")
    assert f"and {110 - MOST_PODS} more pods" in scene.text
    for one, other in combinations(solid(scene), 2):
        assert not one.overlaps(other), f"{one.title} and {other.title}"


def test_long_names_stay_inside_their_pod() -> None:
    cluster = Cluster()
    cluster.add_pod("a" * 60 + ".v2")
    box = layout(cluster).box(cluster.pods[0].key)
    assert box is not None
    assert box.labels[0].text.endswith("…")
    assert len(box.labels[0].text) * 8 <= box.width
    assert cluster.pods[0].name in box.title


def texts(scene: Scene) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Each text with what it covers, by the widths that the layout itself reckons with."""
    return [(label.text, area(label)) for box in scene.boxes for label in box.labels if label.text]


def collisions(scene: Scene) -> list[str]:
    found = []
    for (one, a), (other, b) in combinations(texts(scene), 2):
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]:
            found.append(f"{one!r} and {other!r}")
    return found


@pytest.mark.parametrize("cni", PLUGINS)
@pytest.mark.parametrize("nodes", [1, 2, 3, 4])
@pytest.mark.parametrize("pods", [0, 3, 8, 20])
def test_no_text_runs_into_another_whatever_the_plugin(cni: str, nodes: int, pods: int) -> None:
    scene = layout(cluster_of(nodes, pods, cni))
    assert collisions(scene) == []
    page = Box("", "", "page", 0, 0, scene.width, scene.height, "")
    for one, other in combinations(solid(scene), 2):
        assert not one.overlaps(other), f"{one.title} and {other.title}"
    for box in scene.boxes:
        assert page.contains(box), box.title
        frame = scene.box(box.device)
        if box.kind in ("bridge", "routing", "tunnel", "ethernet"):
            assert frame is not None and frame.contains(box), box.title


@pytest.mark.parametrize("name", LATER)
def test_nothing_overlaps_and_nothing_is_outside_in_later_walks_either(name: str) -> None:
    scene = layout(*WALKS[name])
    assert collisions(scene) == []
    page = Box("", "", "page", 0, 0, scene.width, scene.height, "")
    for one, other in combinations(solid(scene), 2):
        assert not one.overlaps(other), f"{one.title} and {other.title}"
    for box in scene.boxes:
        assert page.contains(box), box.title
        frame = scene.box(box.device)
        if box.kind in ("virtual", "bridge", "routing", "tunnel", "ethernet"):
            assert frame is not None and frame.contains(box), box.title
        if box.kind in ("virtual", "pod", "hostpod", "internet", "router", "laptop"):
            for left, top, right, bottom in (area(label) for label in box.labels if label.text):
                assert box.x <= left and right <= box.right and box.y <= top and bottom <= box.bottom, box.title


@pytest.mark.parametrize("cni", PLUGINS)
def test_every_text_of_a_device_stays_in_its_box(cni: str) -> None:
    for nodes in (1, 2, 3, 4):
        for box in layout(cluster_of(nodes, 4, cni)).boxes:
            if box.kind in ("bridge", "routing", "tunnel", "ethernet", "node"):
                for left, top, right, bottom in (area(label) for label in box.labels if label.text):
                    assert box.x <= left and right <= box.right and box.y <= top and bottom <= box.bottom, box.title


@pytest.mark.parametrize("nodes", [2, 3, 4])
def test_a_tunnel_stands_between_the_routing_and_the_card(nodes: int) -> None:
    scene = layout(cluster_of(nodes, 4, "flannel"))
    for number in range(1, nodes + 1):
        found = [scene.box(f"node-{number}", link) for link in ("cni0", "routing", "flannel.1", "eth0 card")]
        bridge, routing, tunnel, card = (box for box in found if box is not None)
        assert bridge.bottom < routing.y < routing.bottom < tunnel.y < tunnel.bottom < card.y
        assert tunnel.kind == "tunnel"
        assert tunnel.labels[0].text == "flannel.1"
        assert tunnel.labels[-1].text.startswith(f"10.244.{number - 1}.0")
        assert f"vxlan flannel.1 of node-{number} 10.244.{number - 1}.0/32" in tunnel.title


def order(cluster: Cluster, trace: Trace) -> list[str]:
    """The boxes that a walk's way passes, in order, by the places where it stands and the corners between."""
    scene = layout(cluster, trace)
    inside = [box for box in scene.boxes if box.kind not in ("node", "port", "note")]
    found: list[str] = []
    for stop in path(scene, trace):
        for point in stop.way:
            for box in inside:
                if box.x <= point.x <= box.right and box.y <= point.y <= box.bottom:
                    name = f"{box.device} {box.link}".strip()
                    if found[-1:] != [name]:
                        found.append(name)
    return found


def test_the_way_through_a_tunnel_has_no_loop() -> None:
    cluster, trace = WALKS["by flannel"]
    wanted = [
        "default/frontend", "node-1 cni0", "node-1 routing", "node-1 flannel.1", "node-1 eth0 card", "underlay br0",
        "node-2 eth0 card", "node-2 flannel.1", "node-2 routing", "node-2 cni0", "default/backend",
    ]
    assert order(cluster, trace) == wanted
    assert trace.reply is not None
    assert order(cluster, trace.reply) == wanted[::-1]


@pytest.mark.parametrize("name", [name for name in WALKS if name.startswith("by ") or "tunnel" in name])
def test_no_way_crosses_a_node_twice(name: str) -> None:
    """Inside one visit to a node a packet goes down to the card, or up from it: it never turns round on the way."""
    cluster, trace = WALKS[name]
    scene = layout(cluster, trace)
    for one in (trace, trace.reply):
        stops = path(scene, one) if one is not None else ()
        for number, hop in enumerate(one.hops if one is not None else (), start=1):
            ys = [point.y for stop in stops if stop.hop == number for point in stop.way[-2:]]
            if hop.kind == "node" and {hop.ingress, hop.egress} & {"eth0"} and hop.ingress != hop.egress:
                assert ys in (sorted(ys), sorted(ys, reverse=True)), hop


def test_a_packet_is_wrapped_from_the_step_that_wraps_it_to_the_one_that_takes_it_out() -> None:
    cluster, trace = WALKS["by flannel"]
    stops = path(layout(cluster, trace), trace)
    actions = [step.action for _, step in trace.steps()]
    first, last = actions.index(Action.ENCAPSULATE), actions.index(Action.DECAPSULATE)
    assert [number for number, stop in enumerate(stops) if stop.wrapped] == list(range(first, last))
    assert [number for number, stop in enumerate(stops) if stop.came_wrapped] == list(range(first + 1, last + 1))


def test_what_a_tunnel_wrapped_is_routed_at_its_way_out_and_the_routing_is_marked() -> None:
    cluster, trace = WALKS["by flannel"]
    scene = layout(cluster, trace)
    stops = path(scene, trace)
    actions = [step.action for _, step in trace.steps()]
    number = actions.index(Action.ENCAPSULATE)
    wrapped, routed = stops[number:number + 2]
    assert wrapped.box == Place("node-1", "flannel.1")
    assert routed.box == Place("node-1", "routing")
    assert routed.point == (scene.anchor("node-1", "eth0").x, wrapped.point.y)


@pytest.mark.parametrize("cni", ["calico", "cilium"])
def test_a_routed_pod_s_cable_ends_at_the_routing(cni: str) -> None:
    cluster = cluster_of(2, 2, cni)
    scene = layout(cluster)
    host = cluster.pod("frontend").links[1].peer
    routing = scene.box("node-1", "routing")
    assert host is not None and routing is not None
    assert scene.anchor(*host).y == routing.y


def test_a_bridged_tunnel_is_reached_past_the_routing() -> None:
    cluster = cluster_of(2, 2, "weave")
    scene = layout(cluster)
    tunnel = next(link for link in cluster.node("node-1").links if link.tunnel is not None)
    routing = scene.box("node-1", "routing")
    assert routing is not None
    assert scene.anchor("node-1", tunnel.name).x < routing.x
    assert scene.wire(Place("node-1", tunnel.master), Place("node-1", tunnel.name)) is not None


def test_several_devices_below_the_routing_stand_under_each_other_where_their_names_would_not_fit() -> None:
    wide, narrow = (layout(cluster_of(nodes, 2, "cilium")) for nodes in (2, 4))
    rows = [{box.y for box in scene.boxes if box.device == "node-1" and "cilium" in box.link and box.kind != "port"}
            for scene in (wide, narrow)]
    assert [len(ys) for ys in rows] == [1, 2]
    host = narrow.box("node-1", "cilium_host")
    assert host is not None
    assert all(area(label)[2] < narrow.anchor("node-1", "cilium_vxlan").x for label in host.labels), "the way passes behind"


@pytest.mark.parametrize("cni", ["calico", "calico-vxlan", "cilium", "cilium-native"])
@pytest.mark.parametrize("nodes", [2, 4])
def test_a_routed_packet_does_not_walk_back_and_forth(cni: str, nodes: int) -> None:
    cluster = cluster_of(nodes, 8, cni)
    trace = cluster.send("frontend", "backend")
    scene = layout(cluster, trace)
    legs = [leg for stop in path(scene, trace) for leg in pairwise(stop.way)]
    level = {(start.y, min(start.x, end.x), max(start.x, end.x)) for start, end in legs if start.y == end.y != start}
    for (y, left, right), (other_y, other_left, other_right) in combinations(sorted(level), 2):
        assert y != other_y or right <= other_left or other_right <= left, (y, left, right)
