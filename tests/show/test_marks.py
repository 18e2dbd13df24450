"""What is written over a picture: doors, rewritten addresses, numbers and ends."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from k8snet_course.linux.trace import Action
from k8snet_course.show import PacketWalk, draw
from k8snet_course.show.connections import ways
from k8snet_course.show.layout import layout
from k8snet_course.show.marks import LOCKED, UNLOCKED, Note, Walked, apart, badges, sign
from k8snet_course.show.scene import Place, Point
from k8snet_course.show.svg import svg
from tests.show.clusters import LATER, WALKS

NS = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("name", "allowed"), [
    ("denied at the door", False), ("denied behind a Service", False), ("allowed at the door", True)])
def test_the_policy_s_door_stands_at_the_pod_s_interface_on_the_node(name: str, allowed: bool) -> None:
    cluster, trace = LATER[name]
    scene = layout(cluster, trace)
    walk = Walked.of(scene, trace)
    (door,) = walk.doors
    hop, step = list(trace.steps())[door.step]
    assert (step.action, door.allowed, door.word) == (Action.FILTER, allowed, "allowed" if allowed else "denied")
    assert door.why == step.why
    assert door.lock == (UNLOCKED if allowed else LOCKED)
    stop = walk.stops[door.step]
    assert stop.place == Place(hop.device, step.link)
    assert scene.pod_behind(stop.place).startswith("default/web-")
    assert stop.point == scene.anchor(hop.device, step.link)
    assert abs(door.corner.x - stop.point.x) < 20 and stop.point.y - 45 < door.corner.y < stop.point.y


@pytest.mark.parametrize("name", ["denied at the door", "allowed at the door"])
def test_a_door_is_drawn_with_its_reason_as_title_from_its_step_on(name: str) -> None:
    cluster, trace = LATER[name]
    root = ElementTree.fromstring(draw(cluster, trace).svg)
    (group,) = [one for one in root.iter(f"{NS}g") if (one.get("class") or "").startswith("door ")]
    scene = layout(cluster, trace)
    walk = Walked.of(scene, trace)
    title, text = group.find(f"{NS}title"), group.find(f"{NS}text")
    assert title is not None and text is not None
    assert (title.text, text.text) == (walk.doors[0].why, walk.doors[0].word)
    number = walk.doors[0].step
    drawn = [f'class="door {walk.doors[0].word}"' in svg(scene, [walk], step) for step in range(len(walk.stops))]
    assert drawn == [step >= number for step in range(len(walk.stops))]


def test_a_door_is_said() -> None:
    steps = PacketWalk(*LATER["denied at the door"]).state["ways"][0]["steps"]
    (step,) = [one for one in steps if one["door"]]
    assert step["door"]["text"] == "denied"
    assert step["say"].endswith("At the door of the pod: denied.")
    assert step["door"]["title"] == step["why"]


def test_rules_elsewhere_are_no_doors() -> None:
    cluster, trace = WALKS["blocked tunnel"]
    assert any(step.action is Action.FILTER for _, step in trace.steps())
    assert Walked.of(layout(cluster, trace), trace).doors == ()


@pytest.mark.parametrize("name", [*LATER, "blocked tunnel", "lost in the tunnel", "too big"])
def test_the_word_at_the_end_is_inside_the_picture(name: str) -> None:
    cluster, trace = WALKS[name]
    scene = layout(cluster, trace)
    for way in ways(trace):
        made = sign(scene, Walked.of_way(scene, way))
        assert made is not None
        assert made.corner.x >= 0 and made.corner.x + made.width <= scene.width
        assert made.corner.y >= 0 and made.corner.y + 22 <= scene.height


def area(note: Note) -> tuple[float, float, float, float]:
    return note.corner.x, note.corner.y, note.corner.x + note.width, note.corner.y + note.height


@pytest.mark.parametrize("name", ["to a node port", "to a load balancer", "two connections by Services"])
def test_what_was_rewritten_can_be_read_even_where_it_happened_several_times(name: str) -> None:
    cluster, trace = LATER[name]
    scene = layout(cluster, trace)
    notes = apart([Walked.of_way(scene, way) for way in ways(trace)])
    assert len(notes) >= 3
    for one, other in combinations(map(area, notes), 2):
        assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
    for note in notes:
        assert note.corner.x >= 0 and note.corner.x + note.width <= scene.width
        assert all(re.fullmatch(r"(source|destination) \S+ → \S+", line) for line in note.lines)


def test_notes_stay_where_they_are_if_they_cover_nothing() -> None:
    walk = Walked("there", (), True, "delivered", (Note(0, ("a",), Point(0, 0), 50), Note(1, ("b",), Point(100, 0), 50)))
    assert apart([walk]) == list(walk.notes)


def test_numbers_on_one_box_stand_side_by_side() -> None:
    cluster, trace = LATER["two connections"]
    scene = layout(cluster, trace)
    found = badges(scene, [Walked.of_way(scene, way) for way in ways(trace) if way.name == "there"])
    places = [place for several in found for _, place in several]
    assert len(places) == len(set(places))
    assert [number for several in found for number, _ in several] == list(range(1, len(places) + 1))
