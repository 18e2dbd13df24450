"""Model and real Linux are asked the same about random clusters: `pytest tests/emulator/test_agreement.py --agreement 1000`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8snet_course.emulator.plan import PLUGINS
from k8snet_course.linux.trace import Verdict
from tests.emulator.sweep import sweep
from tests.emulator.worlds import DUAL, FAULTS, FOUR, LOOP, SIX

pytestmark = pytest.mark.needs("ip", "bridge", "iptables-restore", "nft", "root")
CLUSTERS, PROBES = 320, 5000
"""What is asked at least where nobody wants more."""
UNREACHED = (Verdict.NO_SUCH_NAME,)
"""Names are looked up by a resolver, and none runs in a lab."""


def test_model_and_linux_agree(request: pytest.FixtureRequest, tell: Callable[[str], None]) -> None:
    """What was found is printed as a test, which belongs into test_found.py when the model has been mended."""
    wanted = request.config.getoption("--agreement")
    swept = sweep(wanted or CLUSTERS, first_seed=wanted)
    tell(str(swept))
    assert not swept.failures, "\n\n".join(swept.failures)
    assert swept.clusters >= (wanted or CLUSTERS) and swept.probes >= PROBES
    reached = {what: {which for each, which in swept.counts if each == what} for what, _ in swept.counts}
    assert reached["verdict"] == set(Verdict) - set(UNREACHED)
    assert reached["plugin"] == set(PLUGINS)
    assert reached["addresses"] == {FOUR, DUAL, SIX}
    assert reached["fault"] == set(FAULTS) - {LOOP}, "a loop is made of a wrong route"
    assert reached["bridge"] == {"without ports"}
    assert reached["policy"] == {"NetworkPolicy", "ClusterNetworkPolicy"}
    assert reached["service"] == {f"{proxy} {what}" for proxy in ("iptables", "nftables") for what in (
        "ClusterIP", "NodePort", "LoadBalancer", "externalIPs", "sessionAffinity", "loadBalancerSourceRanges",
        "externalTrafficPolicy", "internalTrafficPolicy", "ipFamilyPolicy")}
