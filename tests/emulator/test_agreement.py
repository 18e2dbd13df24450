"""Model and real Linux are asked the same about random clusters: `pytest tests/emulator/test_agreement.py --agreement 1000`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from k8snet_course.emulator.agreement import disagreements
from tests.emulator.worlds import World, worlds

pytestmark = pytest.mark.needs("ip", "bridge", "iptables-restore", "root")
FEW = 15


def test_model_and_linux_agree(request: pytest.FixtureRequest) -> None:
    wanted = request.config.getoption("--agreement")
    asked = [0, 0]

    @settings(max_examples=wanted or FEW, deadline=None, derandomize=not wanted, database=None,
              phases=(Phase.generate, Phase.shrink) if wanted else (Phase.generate,), suppress_health_check=list(HealthCheck))
    @given(worlds())
    def check(world: World) -> None:
        cluster = world.build()
        probes = world.wanted(cluster)
        asked[0] += 1
        asked[1] += len(probes)
        found = disagreements(cluster, probes)
        assert not found, "\n".join((str(world), *map(str, found)))

    check()
    assert asked[0] >= FEW and asked[1] > 20 * FEW
    print(f"{asked[0]} clusters, {asked[1]} probes")
