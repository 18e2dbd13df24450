"""Model and real Linux side by side, as a table and as a panel."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, NotEmulated, emulate
from k8snet_course.emulator.lab import PATIENCE
from k8snet_course.emulator.plan import PLUGINS
from k8snet_course.errors import CourseError
from k8snet_course.show import real_panel
from k8snet_course.show.path_panel import NOTHING
from k8snet_course.show.real_panel import THE_SAME, RealPanel, beside
from tests.emulator.test_lab import REAL


@REAL
@pytest.mark.parametrize("cni", PLUGINS)
def test_the_two_agree_about_every_plugin(cni: str) -> None:
    panel = RealPanel(cni)
    rows = panel.seen.tables[0].rows
    assert len(rows) == len(real_panel.PROBES) and {row[-1] for row in rows} == {THE_SAME}, panel.seen.tables[0]
    assert panel.seen.notice == f"{NOTHING}. The two agree."
    assert str(panel.seen.tables[0]) in repr(panel) and " at 0x" not in repr(panel)


@REAL
def test_what_is_broken_is_broken_in_both() -> None:
    panel = RealPanel("flannel")
    panel.broken.value = "node-3 has lost its route 10.244.1.0/24"
    first = panel.seen.tables[0].rows[0]
    assert first[1:3] == ("no answer", "from 10.244.1.2, TTL 62"), "it arrives, and the answer is lost"
    assert {row[-1] for row in panel.seen.tables[0].rows} == {THE_SAME}


@REAL
def test_a_difference_is_shown() -> None:
    cluster = Cluster()
    cluster.add_pod("a"), cluster.add_pod("b")
    with emulate(cluster) as lab:
        cluster.delete("pod", "b")
        cluster.add_pod("b", listen=81)  # the lab shows the cluster as it was
        (row,) = beside(cluster, lab, [("a", "10.244.0.3", 80, "TCP")]).rows
    assert row[1] == "delivered" and row[-1] == "unreachable; -; -"


@pytest.mark.parametrize("error", [EmulatorUnavailable, NotEmulated])
def test_where_there_is_no_lab_the_panel_says_why(error: type[CourseError], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(cluster: Cluster) -> object:
        raise error("darwin", "Linux", "use a Linux machine")

    monkeypatch.setattr(real_panel, "emulate", missing)
    panel = RealPanel()
    assert panel.seen.notice == f"{error.problem} 'darwin': expected Linux; use a Linux machine."
    assert panel.seen.trace is not None and panel.seen.trace.answered and not panel.seen.tables[0].rows


def test_the_chapter_counts_the_probes_and_the_patience_rightly() -> None:
    chapter = (Path(__file__).parents[2] / "chapters" / "A_real_linux.py").read_text(encoding="utf-8")
    assert "sends six probes" in chapter and len(real_panel.PROBES) == 6
    assert "takes a second and a half" in chapter and PATIENCE == 1.5
