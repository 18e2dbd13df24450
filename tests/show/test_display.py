"""What a value shows as the result of a cell, and the tables of pandas."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from k8snet_course.show import tables
from k8snet_course.show.display import register
from k8snet_course.show.text import cluster_text, indent
from tests.show.clusters import WALKS, cluster_of


def shown(value: object) -> dict[str, str]:
    shell = InteractiveShell.instance()
    register(shell)
    register(shell)
    data, _ = shell.display_formatter.format(value)
    return data


def test_a_trace_shows_its_text_and_its_strip() -> None:
    _, trace = WALKS["same node"]
    data = shown(trace)
    assert data["text/plain"] == str(trace)
    assert data["image/svg+xml"].startswith("<svg")


def test_a_cluster_shows_its_scene() -> None:
    cluster = cluster_of(2, 3)
    data = shown(cluster)
    assert data["text/plain"] == repr(cluster)
    assert "node-2" in data["image/svg+xml"]


def test_a_trace_s_table_has_a_row_for_each_step_both_ways() -> None:
    _, trace = WALKS["same node"]
    frame = trace.to_frame()
    assert list(frame["way"]) == ["there"] * 5 + ["back"] * 5
    assert frame.loc[1, "won"].startswith("10.244.0.0/24")


def test_rows_become_columns_of_plain_values() -> None:
    cluster = cluster_of(1, 2)
    frame = cluster.node("node-1").links.to_frame()
    assert frame.loc[frame["name"] == "eth0", "addresses"].item() == "192.168.1.2/24"
    assert frame.loc[frame["name"] == "eth0", "peer"].item() == "underlay/to-node-1"
    assert list(tables.rows_frame([]).columns) == []
    with pytest.raises(TypeError, match="dataclass"):
        tables.rows_frame(["a"])


def test_a_table_in_html_has_a_caption_and_scopes_and_is_escaped() -> None:
    html = tables.frame_html(tables.rows_frame(cluster_of(1, 1).pods)[["name", "ip"]], "Pods of <all>")
    assert "<caption>Pods of &lt;all&gt;</caption>" in html
    assert '<th scope="col">ip</th>' in html
    assert '<th scope="row">frontend</th>' in html


def test_the_text_of_a_cluster_names_each_thing_once() -> None:
    lines = cluster_text(cluster_of(2, 3)).splitlines()
    assert len(lines) == len(set(lines))
    bridges = [line for line in lines if line.startswith("  bridge")]
    assert bridges == ["  bridge cni0 10.244.0.1/24", "  bridge cni0 10.244.1.1/24"]
    assert "  veth cilium_host 10.244.0.1/32" in cluster_text(cluster_of(2, 2, "cilium"))
    assert indent("one\ntwo", "> ") == "> one\n> two"
