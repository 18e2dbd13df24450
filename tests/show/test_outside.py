"""The machines outside: always there if they are at the switch, else only when a packet has to do with them."""

from __future__ import annotations

import pytest

from k8snet_course.show import draw
from k8snet_course.show.layout import layout
from k8snet_course.show.path import path
from k8snet_course.show.scene import Place
from tests.show.clusters import WALKS, cluster_of


def test_without_a_packet_to_it_the_internet_is_neither_drawn_nor_said() -> None:
    cluster = cluster_of(1, 2)
    scene = layout(cluster, cluster.send("frontend", "laptop"))
    assert not scene.shows("internet")
    assert Place("router", "eth1") not in scene.anchors
    assert "internet" not in draw(cluster).svg
    assert scene.text.endswith("router 192.168.1.1/24")


def test_a_packet_brings_it_and_its_cable_into_the_picture() -> None:
    cluster, trace = WALKS["to the internet"]
    scene = layout(cluster, trace)
    router, internet = scene.box("router"), scene.box("internet")
    assert router is not None and internet is not None
    assert internet.y > router.bottom
    assert scene.wire(Place("router", "eth1"), Place("internet", "eth0")) is not None
    assert scene.text.splitlines()[-2:] == ["router 192.168.1.1/24 203.0.113.1/24", "internet 203.0.113.9/24"]
    assert path(scene, trace)[-1].point == scene.anchor("internet")


@pytest.mark.parametrize("target", ["internet", "203.0.113.9"])
def test_a_packet_that_is_lost_on_the_way_brings_it_too_when_it_is_named(target: str) -> None:
    cluster = cluster_of(1, 1)
    trace = cluster.send("frontend", target)
    assert layout(cluster, trace).shows("internet")
    assert layout(cluster, cluster.send("internet", "frontend")).shows("internet")


def test_the_rest_of_the_picture_stays_where_it_is() -> None:
    cluster, trace = WALKS["to the internet"]
    without, with_it = layout(cluster), layout(cluster, trace)
    assert {place: point for place, point in with_it.anchors.items() if place in without.anchors} == without.anchors
    assert with_it.height > without.height
