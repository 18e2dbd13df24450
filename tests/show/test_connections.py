"""Several connections in one picture and one widget: an exchange that a proxy takes and passes on."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from k8snet_course import Cluster
from k8snet_course.show import PacketWalk, draw
from k8snet_course.show.connections import connections, relays, ways
from k8snet_course.show.device_tables import devices_on_the_way
from k8snet_course.show.strip import trace_svg
from k8snet_course.show.tables import trace_frame
from tests.show.clusters import LATER, WALKS

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
    assert relays(trace) == {"default/web-1": 1}
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
    assert relays(trace) == {"default/b": 1, "default/c": 2}
