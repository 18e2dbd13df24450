"""Virtual addresses of Services, drawn from the walk and the Services alone."""

from __future__ import annotations

from fractions import Fraction

import pytest

from k8snet_course import Cluster
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action
from k8snet_course.services.kube_proxy.modes import MODES
from k8snet_course.show import PacketWalk, draw
from k8snet_course.show.layout import layout
from k8snet_course.show.scene import Box, Scene
from k8snet_course.show.virtual import address_of, virtuals
from tests.show.clusters import LATER, shop

BY_MODE = ["to a Service", "to a Service by ipvs", "to a Service by nftables"]


def boxes(scene: Scene, kind: str) -> list[Box]:
    return [box for box in scene.boxes if box.kind == kind]


@pytest.mark.parametrize("name", BY_MODE)
def test_the_address_is_drawn_in_the_node_that_rewrote_it_whatever_did_the_rewriting(name: str) -> None:
    cluster, trace = LATER[name]
    (found,) = virtuals(cluster, trace)
    service = next(one for one in cluster.services if one.name == "web")
    assert (found.node, found.service, found.kind) == ("node-1", "web", "ClusterIP")
    assert found.address == f"{service.cluster_ip}:80"
    ready = {f"{address}:80" for part in cluster.endpoint_slices("web") for end in part.endpoints for address in end.addresses}
    assert {backend.address for backend in found.backends} == ready
    assert [backend.pod for backend in found.backends if backend.chosen] == [trace.hops[-1].device]
    scene = layout(cluster, trace)
    box, frame = scene.box("node-1", found.link), scene.box("node-1")
    assert box is not None and frame is not None and frame.contains(box)
    assert [label.text for label in box.labels] == ["web", "ClusterIP", found.address, "3 backends, 1/3 each"]


def test_its_title_says_that_it_is_virtual_unless_an_interface_has_it() -> None:
    said = {name: virtuals(*LATER[name])[0].nature for name in [*BY_MODE, "to a node port"]}
    assert said["to a Service"] == said["to a Service by nftables"] == "virtual: no device has this address"
    cluster, trace = LATER["to a Service by ipvs"]
    address = virtuals(cluster, trace)[0].address.partition(":")[0]
    holder = cluster.namespace("node-1").local_link(address)
    wanted = f"virtual, but {holder} of node-1 has this address" if holder else "virtual: no device has this address"
    assert said["to a Service by ipvs"] == wanted
    assert said["to a node port"] == "a port of every node, on which no program listens"
    assert "virtual: no device has this address" in boxes(layout(*LATER["to a Service"]), "virtual")[0].title


def test_thin_lines_lead_to_the_candidates_and_the_chosen_one_has_a_star() -> None:
    cluster, trace = LATER["to a Service by a tunnel"]
    scene = layout(cluster, trace)
    marks = boxes(scene, "backend") + boxes(scene, "chosen")
    assert sorted(box.device for box in marks) == [f"default/web-{number}" for number in range(3)]
    (chosen,) = boxes(scene, "chosen")
    assert chosen.device == trace.hops[-1].device
    assert [label.text for label in chosen.labels] == ["★"]
    assert chosen.title.startswith("chosen backend of the service web: web-")
    assert sorted(wire.kind for wire in scene.wires if wire.kind in ("backend", "chosen")) == ["backend", "backend", "chosen"]


@pytest.mark.parametrize("name", LATER)
def test_the_lines_run_through_no_pod_and_no_device(name: str) -> None:
    scene = layout(*LATER[name])
    inside = [box for box in scene.boxes if box.kind in ("pod", "hostpod", "bridge", "routing", "tunnel", "ethernet", "switch")]
    for wire in scene.wires:
        if wire.kind not in ("backend", "chosen"):
            continue
        for start, end in zip(wire.points[:-1], wire.points[1:], strict=True):
            assert start.x == end.x or start.y == end.y
            for box in inside:
                low, high = sorted((start.y, end.y))
                left, right = sorted((start.x, end.x))
                assert not (left < box.right and box.x < right and low < box.bottom and box.y < high), box.title


def test_a_node_port_and_a_load_balancer_are_called_so() -> None:
    (port,) = virtuals(*LATER["to a node port"])
    assert (port.node, port.kind, port.address) == ("node-2", "NodePort", "192.168.1.3:30080")
    (balanced,) = virtuals(*LATER["to a load balancer"])
    assert (balanced.kind, balanced.address) == ("LoadBalancer", "192.168.1.240:80")


def test_a_service_without_backends_is_drawn_where_the_packet_ends() -> None:
    cluster, trace = LATER["to nobody"]
    (found,) = virtuals(cluster, trace)
    assert (found.service, found.backends, found.chosen) == ("nobody", (), "")
    assert str(found).endswith("no backends")
    (box,) = boxes(layout(cluster, trace), "virtual")
    assert box.labels[-1].text == "no backends"
    steps = PacketWalk(cluster, trace).state["ways"][0]["steps"]
    assert [f"node-1|{found.link}" in step["at"] for step in steps][-1]


@pytest.mark.parametrize("proxy", MODES)
def test_what_each_backend_gets_is_read_off_the_rules_and_said_in_picture_and_text(proxy: str) -> None:
    cluster = Cluster(nodes=2, cni="flannel", proxy=proxy)
    for name, node in (("web-1", "node-1"), ("web-2", "node-1"), ("web-3", "node-2")):
        cluster.add_pod(name, node, labels={"app": "web"})
    cluster.add_pod("client", "node-2")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
               "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    cluster.apply(service)
    trace = cluster.send("client", "web")
    (found,) = virtuals(cluster, trace)
    assert (found.share, found.each) == (Fraction(1, 3), "1/3 each")
    scene = layout(cluster, trace)
    assert boxes(scene, "virtual")[0].labels[-1].text == "3 backends, 1/3 each"
    assert all(mark.title.endswith(", 1/3 of new connections") for mark in boxes(scene, "backend") + boxes(scene, "chosen"))
    there = PacketWalk(cluster, trace).state["ways"][0]
    assert sum("1/3 of new connections each" in step["service"] for step in there["steps"]) == 1
    cluster.set_state("web-1", ready=False)
    assert [one.each for one in virtuals(cluster, cluster.send("client", "web"))] == ["1/2 each"]


def test_a_backend_that_the_node_would_not_choose_is_no_candidate() -> None:
    """trafficDistribution keeps connections in their zone; the policy Local keeps those from outside on their node."""
    cluster = Cluster(nodes=3, cni="flannel")
    for node, zone in (("node-1", "a"), ("node-2", "a"), ("node-3", "b")):
        cluster.label_node(node, {"topology.kubernetes.io/zone": zone})
    for number in (1, 2, 3):
        cluster.add_pod(f"web-{number}", f"node-{number}", labels={"app": "web"})
    cluster.add_pod("client", "node-1")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "selector": {"app": "web"}, "trafficDistribution": "PreferSameZone",
                            "ports": [{"port": 80, "nodePort": 30080}]}})
    (found,) = virtuals(cluster, cluster.send("client", "web"))
    assert ([one.pod for one in found.backends], found.each) == (["default/web-1", "default/web-2"], "1/2 each")
    cluster.delete("svc", "web")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "selector": {"app": "web"}, "externalTrafficPolicy": "Local",
                            "ports": [{"port": 80, "nodePort": 30080}]}})
    (found,) = virtuals(cluster, cluster.send("laptop", "node-2", port=30080))
    assert ([one.pod for one in found.backends], found.each) == (["default/web-2"], "")
    cluster.set_state("web-1", ready=False)
    (found,) = virtuals(cluster, cluster.send("client", "node-1", port=30080))  # from a pod it is as with the policy Cluster
    assert ([one.pod for one in found.backends], found.each) == (["default/web-2", "default/web-3"], "1/2 each")


def test_of_many_backends_the_chosen_one_is_shown_and_the_others_are_counted() -> None:
    cluster, trace = LATER["to a Service of many"]
    (found,) = virtuals(cluster, trace)
    assert len(found.backends) == 9
    assert "and 3 more" in str(found)
    assert f"{found.chosen} (chosen)" in str(found)
    scene = layout(cluster, trace)
    assert [box.device for box in boxes(scene, "chosen")] == [trace.hops[-1].device]


def test_backends_come_before_other_pods_when_not_all_are_shown() -> None:
    cluster = shop(6, "flannel")
    for number in range(120):
        cluster.add_pod(f"other-{number}")
    cluster.add_pod("late", node="node-6", labels={"app": "web"})
    trace = cluster.send("client", "web")
    scene = layout(cluster, trace)
    assert scene.shows("default/late") or trace.hops[-1].device != "default/late"
    shown = {box.device for box in boxes(scene, "backend") + boxes(scene, "chosen")}
    frames = {box.device for box in boxes(scene, "node")}
    wanted = {pod.key for pod in cluster.pods if pod.labels.get("app") == "web" and pod.node in frames}
    assert shown == wanted
    assert {pod.node for pod in cluster.pods if pod.labels.get("app") == "web"} <= frames | {"node-5"}


def test_its_text_says_what_the_picture_shows() -> None:
    cluster, trace = LATER["to a Service"]
    (found,) = virtuals(cluster, trace)
    lines = draw(cluster, trace).scene.text.splitlines()
    assert lines[1] == f"  {found}"
    assert f"{trace.hops[-1].label} {trace.hops[-1].steps[-1].packet.dst}:80 (chosen)" in lines[1]


def test_the_step_that_rewrites_marks_the_address_and_says_who_could_have_been_chosen() -> None:
    cluster, trace = LATER["to a node port"]
    (found,) = virtuals(cluster, trace)
    there, back = PacketWalk(cluster, trace).state["ways"]
    (step,) = [one for one in there["steps"] if f"{found.node}|{found.link}" in one["at"]]
    assert step["action"] == "translate"
    assert step["note"]["lines"] == [f"destination 192.168.1.3:30080 → {found.chosen.partition(' ')[2]}"]
    assert step["say"].endswith(f"The {found}.")
    assert [one["action"] for one in back["steps"] if f"{found.node}|{found.link}" in one["at"]] == ["translate"]


def test_other_rewriting_shows_no_address() -> None:
    cluster, trace = LATER["to the internet"]
    assert any(step.action is Action.TRANSLATE for _, step in trace.steps())
    assert virtuals(cluster, trace) == ()
    assert not boxes(layout(cluster, trace), "virtual")


def test_an_address_is_told_with_its_port() -> None:
    assert address_of(Packet("fd00::2", "fd00::3", "UDP", 40000, 53), "dst") == "[fd00::3]:53/UDP"
    assert address_of(Packet("10.0.0.1", "10.0.0.2", "TCP", 40000, 80), "src") == "10.0.0.1:40000"
