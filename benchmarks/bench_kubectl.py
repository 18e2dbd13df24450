"""What kubectl's output costs: ten thousand pods as a table, beside pandas, which lays out the same cells.

Run with `python3 -m k8snet_course test benchmarks`.  No figure is asserted: machines differ.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd
import pytest

from k8snet_course import Cluster

GROUP = "10,000 pods as a table"


@lru_cache(maxsize=1)
def cluster() -> Cluster:
    made = Cluster(nodes=200, cni="flannel", node_network="192.168.0.0/16", pod_cidr="10.128.0.0/9")
    made.add_pods(10_000, labels={"app": "web"})
    made.wait(100)
    made.add_pod("late")
    return made


@lru_cache(maxsize=1)
def cells() -> pd.DataFrame:
    """The same cells, made beforehand: pandas has only to lay them out."""
    rows = [line.split() for line in cluster().kubectl("get pods -A -o wide --no-headers").out.splitlines()]
    return pd.DataFrame(rows)


@pytest.mark.benchmark(group=GROUP)
def test_get_pods_wide(benchmark: Any) -> None:
    reply = benchmark(cluster().kubectl, "get pods -A -o wide")
    assert reply.out.count("\n") == 10_002


@pytest.mark.benchmark(group=GROUP)
def test_get_pods_by_label(benchmark: Any) -> None:
    assert benchmark(cluster().kubectl, "get pods -A -o wide -l app=web --show-labels").out.count("\n") == 10_001


@pytest.mark.benchmark(group=GROUP)
def test_pandas_lays_out_the_same_cells(benchmark: Any) -> None:
    assert benchmark(lambda: cells().to_string(index=False)).count("\n") == 10_001


@pytest.mark.parametrize("line", ["get pod pod-77 -o wide", "get pod pod-77 -o yaml", "describe pod pod-77",
                                  "get pods -A --field-selector spec.nodeName=node-7"])
@pytest.mark.benchmark(group="a few of 10,000 pods")
def test_a_few(benchmark: Any, line: str) -> None:
    assert benchmark(cluster().kubectl, line).code == 0
