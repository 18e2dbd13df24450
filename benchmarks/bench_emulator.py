"""How long a lab of real namespaces takes to be there and to be gone: run with `python3 -m k8snet_course test benchmarks`.

No figure is asserted: machines differ.  Beside each row stands what the bare namespaces cost, as many of them, in the same run.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.ground import Ground
from k8snet_course.emulator.lab import blueprint
from k8snet_course.emulator.plan import devices_of
from k8snet_course.emulator.spaces import ip_batch, remove_all

pytestmark = pytest.mark.needs("ip", "bridge", "iptables-restore", "/usr/lib/cni/bridge", "root")
ROUNDS = 15
PLUGINS = ("flannel", "calico-vxlan")
UP, GONE = "a lab of 2 nodes and 6 pods is up", "a lab of 2 nodes and 6 pods is gone"


def shop(cni: str) -> Cluster:
    cluster = Cluster(nodes=2, cni=cni)
    for number in range(6):
        cluster.add_pod(f"pod-{number}")
    return cluster


def bare() -> list[str]:
    """The names of as many namespaces as the lab has."""
    return [f"k8snet-{os.getpid()}-bench-{number}" for number in range(len(devices_of(shop("flannel"))))]


def make(names: list[str]) -> None:
    ip_batch([f"netns add {name}" for name in names])


@pytest.mark.parametrize("cni", PLUGINS)
@pytest.mark.benchmark(group=UP)
def test_up(benchmark: Any, cni: str) -> None:
    wanted = blueprint(shop(cni))
    made: list[Ground] = []

    def fresh() -> tuple[tuple[Ground], dict[str, Any]]:
        while made:
            made.pop().close()
        made.append(Ground(wanted))
        return (made[-1],), {}

    benchmark.pedantic(Ground.build, setup=fresh, rounds=ROUNDS)
    made.pop().close()


@pytest.mark.benchmark(group=UP)
def test_bare_namespaces_are_made(benchmark: Any) -> None:
    names = bare()
    benchmark.pedantic(make, (names,), setup=lambda: remove_all(names), rounds=ROUNDS)
    remove_all(names)


@pytest.mark.parametrize("cni", PLUGINS)
@pytest.mark.benchmark(group=GONE)
def test_gone(benchmark: Any, cni: str) -> None:
    wanted = blueprint(shop(cni))

    def fresh() -> tuple[tuple[Ground], dict[str, Any]]:
        made = Ground(wanted)
        made.build()
        return (made,), {}

    benchmark.pedantic(Ground.close, setup=fresh, rounds=ROUNDS)


@pytest.mark.benchmark(group=GONE)
def test_bare_namespaces_are_removed(benchmark: Any) -> None:
    names = bare()
    benchmark.pedantic(lambda: remove_all(names), setup=lambda: make(names), rounds=ROUNDS)
