"""How long the model takes, and how its cost grows: run with `python3 -m k8snet_course test benchmarks`.

No figure is asserted: machines differ.  The ratios printed by pytest-benchmark compare rows of one run.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.show import PacketWalk, PodPanel, draw


def cluster_of(pods: int) -> Cluster:
    cluster = Cluster()
    for number in range(pods):
        cluster.add_pod(f"pod-{number}")
    return cluster


@pytest.mark.parametrize("pods", [2, 20, 100, 250])
@pytest.mark.benchmark(group="a traced packet and its answer, next door, by pods on the node")
def test_trace(benchmark: Any, pods: int) -> None:
    cluster = cluster_of(pods)
    cluster.send("pod-0", "pod-1")
    assert benchmark(cluster.send, "pod-0", "pod-1").answered


@pytest.mark.parametrize("pods", [2, 20, 100, 250])
@pytest.mark.benchmark(group="a pod deleted and added, by pods on the node")
def test_recreate(benchmark: Any, pods: int) -> None:
    cluster = cluster_of(pods)

    def recreate() -> None:
        cluster.delete("pod", "pod-0")
        cluster.add_pod("pod-0")

    benchmark(recreate)


@pytest.mark.parametrize("pods", [2, 20])
@pytest.mark.benchmark(group="the scene drawn with a walk, by pods")
def test_draw(benchmark: Any, pods: int) -> None:
    cluster = cluster_of(pods)
    trace = cluster.send("pod-0", "pod-1")
    assert benchmark(lambda: draw(cluster, trace).svg).startswith("<svg")


@pytest.mark.parametrize("pods", [2, 20])
@pytest.mark.benchmark(group="the widget given another walk (in the kernel), by pods")
def test_redraw(benchmark: Any, pods: int) -> None:
    cluster = cluster_of(pods)
    walk = PacketWalk(cluster)
    traces = [cluster.send("pod-0", "pod-1"), cluster.send("pod-1", "pod-0")]

    def redraw() -> None:
        traces.reverse()
        walk.trace = traces[0]

    benchmark(redraw)


@pytest.mark.benchmark(group="a control of the panel used (in the kernel)")
def test_recreate_in_the_panel(benchmark: Any) -> None:
    panel = PodPanel(cluster_of(2))
    assert benchmark(panel.recreate, "pod-0")


@pytest.mark.parametrize("what", ["pass", "import k8snet_course", "from k8snet_course import Cluster", "import pandas"])
@pytest.mark.benchmark(group="a new Python, to compare: starting and importing")
def test_import(benchmark: Any, what: str) -> None:
    benchmark.pedantic(subprocess.run, ([sys.executable, "-c", what],), {"check": True}, rounds=5)
