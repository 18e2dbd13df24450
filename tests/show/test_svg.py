"""The pictures as files: well formed, described, self-contained, the same in every run."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from k8snet_course import Cluster
from k8snet_course.show import draw
from k8snet_course.show.layout import layout
from k8snet_course.show.marks import Walked
from k8snet_course.show.scene import Box, Label, Scene
from k8snet_course.show.strip import trace_svg
from k8snet_course.show.svg import svg
from tests.show.clusters import WALKS, cluster_of

NS = "{http://www.w3.org/2000/svg}"


def pictures() -> dict[str, str]:
    found = {name: draw(*walk).svg for name, walk in WALKS.items()}
    found |= {f"strip, {name}": trace_svg(trace) for name, (_, trace) in WALKS.items()}
    return found | {"empty": draw(Cluster()).svg, "large": draw(cluster_of(4, 20)).svg}


PICTURES = pictures()


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_well_formed_and_says_what_it_shows(name: str) -> None:
    root = ElementTree.fromstring(PICTURES[name])
    assert root.tag == f"{NS}svg"
    assert root.get("role") == "img"
    title, desc = root.find(f"{NS}title"), root.find(f"{NS}desc")
    assert title is not None
    assert title.text
    assert desc is not None
    assert desc.text
    assert root.get("aria-labelledby") == title.get("id")
    assert root.get("aria-describedby") == desc.get("id")


@pytest.mark.parametrize("name", PICTURES)
def test_it_needs_nothing_from_outside_and_runs_nothing(name: str) -> None:
    text = PICTURES[name].replace('xmlns="http://www.w3.org/2000/svg"', "", 1)
    assert not re.search(r"https?:|<script|\bon\w+=|@import|url\(|xlink", text)


def test_two_pictures_share_no_id_and_one_has_the_same_ids_in_every_run() -> None:
    distinct = {text: set(re.findall(r' id="([^"]+)"', text)) for text in PICTURES.values()}
    assert len(set().union(*distinct.values())) == sum(len(found) for found in distinct.values())
    assert pictures() == PICTURES


def test_the_description_is_the_text_of_the_walk() -> None:
    cluster, trace = WALKS["same node"]
    desc = ElementTree.fromstring(draw(cluster, trace).svg).find(f"{NS}desc")
    assert desc is not None
    assert str(trace) in str(desc.text)
    assert "pod frontend 10.244.0.2" in str(desc.text)


def test_a_lost_packet_is_marked_by_a_sign_and_a_word() -> None:
    lost = PICTURES["outside"]
    assert 'class="end there lost"' in lost
    assert "✕ no route" in lost
    assert "✓ delivered" in PICTURES["same node"]


def test_texts_are_escaped() -> None:
    evil = '<script>alert("&")</script>'
    scene = Scene(50, evil, evil, (Box("a", "", "pod", 0, 0, 90, 40, evil, (Label(5, 5, evil),)),), (), {})
    root = ElementTree.fromstring(svg(scene))
    assert root.find(f".//{NS}script") is None
    assert [text.text for text in root.iter(f"{NS}text")] == [evil]


def test_one_step_shows_the_way_so_far_and_marks_where_it_is() -> None:
    cluster, trace = WALKS["same node"]
    scene = layout(cluster, trace)
    first, last = (svg(scene, [Walked.of(scene, trace)], step) for step in (0, 4))
    assert 'class="box pod now" data-at="default/frontend|"' in first
    assert 'class="leg"' not in first
    assert 'class="end' not in first
    assert 'class="box pod now" data-at="default/backend|"' in last
    assert "✓ delivered" in last


def test_only_pictures_with_a_tunnel_or_a_rewritten_address_carry_their_style() -> None:
    assert ".tunnel" not in PICTURES["same node"]
    assert ".tunnel" in PICTURES["by flannel"]
    assert ".rewritten" in PICTURES["rewritten"]
    assert len(PICTURES["same node"]) < 20_000


def test_rewritten_addresses_stand_where_they_are_rewritten() -> None:
    cluster, trace = WALKS["rewritten"]
    assert "source 10.244.0.2 → 192.168.1.2" in PICTURES["rewritten"]
    assert "destination 192.168.1.2 → 10.244.0.2" in PICTURES["rewritten"], "and back"
    scene = layout(cluster, trace)
    (note,) = Walked.of(scene, trace).notes
    routing = scene.box("node-1", "routing")
    assert routing is not None
    assert routing.y < note.corner.y < routing.bottom + 5
    before, at, after = (svg(scene, [Walked.of(scene, trace)], note.step + shift) for shift in (-1, 0, 1))
    assert ["rewritten" in text.partition("</style>")[2] for text in (before, at, after)] == [False, True, False]


def test_a_long_note_stays_inside_the_picture() -> None:
    for name in ("rewritten", "by flannel"):
        cluster, trace = WALKS[name]
        scene = layout(cluster, trace)
        for note in Walked.of(scene, trace).notes:
            assert note.corner.x >= 0 and note.corner.x + note.width <= scene.width


def test_a_wrapped_packet_has_an_envelope_and_its_way_a_second_line() -> None:
    cluster, trace = WALKS["by flannel"]
    scene = layout(cluster, trace)
    walk = Walked.of(scene, trace)
    for number, stop in enumerate(walk.stops):
        picture = svg(scene, [walk], number, styled=False)
        assert ('class="envelope"' in picture) is stop.wrapped, number
    assert picture.count('class="tube there"') == sum(stop.came_wrapped and len(stop.way) > 1 for stop in walk.stops) > 2
    assert 'class="tube' not in PICTURES["by flannel-host-gw"]
