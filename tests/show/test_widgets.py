"""The widgets' kernel side: what they say without a browser, and how they change in place."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import NotFound
from k8snet_course.show import PacketWalk, Panel, PodPanel, draw
from k8snet_course.show.panel import Seen, choice
from k8snet_course.show.widgets import VIEW
from tests.show.clusters import WALKS, cluster_of


def test_its_text_is_the_trace_and_its_still_picture_the_drawing() -> None:
    cluster, trace = WALKS["same node"]
    walk = PacketWalk(cluster, trace)
    data, metadata = walk._repr_mimebundle_()
    assert data["text/plain"] == repr(walk) == str(trace)
    assert data["image/svg+xml"] == draw(cluster, trace).svg
    assert set(data) == {"text/plain", "image/svg+xml", VIEW}
    assert metadata == {}
    assert walk.model_id not in data["image/svg+xml"] + data["text/plain"]


@pytest.mark.parametrize("name", WALKS)
def test_all_it_is_sent_is_json(name: str) -> None:
    state = PacketWalk(*WALKS[name]).state
    assert json.loads(json.dumps(state)) == state
    assert state["ways"][0]["steps"][0]["quiz"] is None


def test_without_a_trace_it_shows_the_cluster() -> None:
    walk = PacketWalk(cluster_of(1, 1))
    assert walk.state["ways"] == []
    assert repr(walk).startswith("node node-1")


def test_another_trace_starts_at_its_first_step_and_the_same_one_sends_nothing() -> None:
    cluster, trace = WALKS["same node"]
    other = WALKS["refused"][1]
    walk = PacketWalk(cluster, trace)
    walk.step = 3
    before = walk.state
    walk.trace = trace
    assert walk.state is before
    assert walk.step == 3
    walk.trace = other
    assert (walk.step, walk.way, walk.trace) == (0, 0, other)
    assert walk.state["svg"] == before["svg"], "the picture of the same cluster is the same, so it stays in the page"


def test_a_walk_needs_no_pandas() -> None:
    code = ("import sys; from k8snet_course import Cluster; from k8snet_course.show import PodPanel; c = Cluster();"
            "c.add_pod('a'); PodPanel(c).add(); print('pandas' in sys.modules, 'matplotlib' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def panel() -> PodPanel:
    cluster = Cluster()
    cluster.add_pod("frontend")
    cluster.add_pod("backend")
    return PodPanel(cluster)


def test_pods_come_and_go() -> None:
    made = panel()
    assert made.add()
    assert made.board.notice == "database got 10.244.0.4."
    assert "10.244.0.4" in made.walk.state["svg"]
    assert made.delete("frontend")
    assert [pod.name for pod in made.cluster.pods] == ["backend", "database"]
    assert made.recreate("backend")
    assert made.board.notice == "backend had 10.244.0.3; the new backend got 10.244.0.5."
    assert made.walk.trace is not None
    assert made.walk.trace.source != made.walk.trace.target


def test_the_learner_s_cluster_is_left_alone() -> None:
    cluster = cluster_of(1, 2)
    before = deepcopy(cluster.pods)
    made = PodPanel(cluster)
    made.add()
    made.recreate("frontend")
    assert cluster.pods == before
    assert not cluster.pod("frontend").neighbours


def test_a_full_range_says_one_sentence_and_changes_nothing() -> None:
    made = panel()
    made._size.value = 29
    assert made.seen.cluster.nodes[0].pod_cidr == "10.244.0.0/29"
    assert all(made.add() for _ in range(3))
    state, tables, pods = made.walk.state, made.board.tables, made.cluster.pods
    assert not made.add()
    assert made.board.failed
    assert made.board.notice.count("\n") == 0
    assert (made.walk.state, made.board.tables, made.cluster.pods) == (state, tables, pods)
    assert made.delete("frontend")
    assert not made.board.failed


def test_a_size_that_is_too_small_goes_back_to_what_it_was() -> None:
    made = panel()
    while len(made.cluster.pods) < 6:
        made.add()
    made._size.value = 29
    assert made.board.failed
    assert made._size.value == 24
    assert made.cluster.nodes[0].pod_cidr == "10.244.0.0/24"


def test_a_wrong_name_is_a_sentence_too() -> None:
    made = panel()
    assert not made.add("Web_1")
    assert "RFC 1123" in made.board.notice
    assert len(made.cluster.pods) == 2


def test_an_empty_node_can_be_filled_from_the_panel() -> None:
    made = PodPanel(Cluster())
    assert made.walk.trace is not None, "the node itself can still send a packet"
    assert not made.delete()
    assert made.board.notice == "There is no pod yet."
    assert made.add()
    assert made.cluster.pods[0].ip == "10.244.0.2"


def test_two_panels_of_the_same_cluster_say_the_same() -> None:
    one, other = panel(), panel()
    assert repr(one) == repr(other)
    first, second = (made._repr_mimebundle_() for made in (one, other))
    assert first.pop(VIEW) != second.pop(VIEW)
    assert first == second
    one.add()
    assert repr(one) != repr(other)
    assert "database  10.244.0.4" in repr(one)


def test_a_panel_of_a_later_chapter_takes_a_few_lines() -> None:
    size = choice("Nodes", (1, 2, 3), 1)
    made = Panel([size], lambda: Seen(cluster := Cluster(nodes=size.value), cluster.send("node-1", "laptop", port=None)))
    size.value = 3
    assert "node-3" in made.walk.state["svg"]
    assert "delivered" in repr(made)


def test_a_walk_through_another_cluster_is_a_sentence_of_the_course() -> None:
    cluster, trace = WALKS["same node"]
    walk = PacketWalk(cluster, trace)
    before = walk.state
    with pytest.raises(NotFound, match="send the packet in it"):
        walk.show(Cluster(), trace)
    assert (walk.state, walk.trace) == (before, trace)


def test_the_headers_grow_at_the_tunnel_and_shrink_behind_it() -> None:
    steps = PacketWalk(*WALKS["by flannel"]).state["ways"][0]["steps"]
    grew = [step["packet"]["grew"] for step in steps]
    first, last = grew.index("wrapped"), grew.index("unwrapped")
    assert [step["packet"]["size"] for step in steps] == [40] * first + [90] * (last - first) + [40] * (len(steps) - last)
    assert [header["name"] for header in steps[first]["packet"]["headers"]] == ["IP", "UDP", "VXLAN", "Ethernet", "IP", "TCP"]
    assert steps[first - 1]["packet"]["exit"] == "MTU of flannel.1: 1450 bytes"
    assert steps[first]["packet"]["exit"] == "MTU of eth0: 1500 bytes"
    assert all(step["packet"]["fits"] for step in steps)
    assert "now 90 bytes, from the outside in: IP 192.168.1.2 → 192.168.1.3" in steps[first]["say"]
    assert not all(step["packet"]["fits"] for step in PacketWalk(*WALKS["too big"]).state["ways"][0]["steps"])


def test_rewritten_addresses_are_sent_with_their_step() -> None:
    steps = PacketWalk(*WALKS["rewritten"]).state["ways"][0]["steps"]
    assert [step["note"]["text"] for step in steps if step["note"]] == ["source 10.244.0.2 → 192.168.1.2"]
    assert [step["action"] for step in steps if step["note"]] == ["translate"]
    assert [step["action"] for step in steps if "Rewritten: source 10.244.0.2" in step["say"]] == ["translate"]


def test_the_tables_of_the_devices_on_the_way_are_sent_and_of_no_others() -> None:
    cluster = cluster_of(4, 20, "flannel")
    walk = PacketWalk(cluster, cluster.send("frontend", "backend"))
    assert [device["label"] for device in walk.state["devices"]] == ["frontend", "node-1", "underlay", "node-2", "backend"]
    (node,) = (device for device in walk.state["devices"] if device["label"] == "node-1")
    assert {"command": "ip route", "text": str(cluster.node("node-1").routes)} in node["tables"]
    assert len(json.dumps(walk.state["devices"])) < 20_000
    assert PacketWalk(cluster).state["devices"] == []
