"""Asked in the other kernel: random clusters, most of them with the mode ipvs, with and without faults."""

from __future__ import annotations

import os

from tests.emulator.draws import OTHER_KERNEL
from tests.emulator.sweep import sweep

CLUSTERS, SIDE_BY_SIDE = 16, 4


def test_model_and_this_kernel_agree() -> None:
    """With K8SNET_CLUSTERS=N those many others are asked."""
    wanted = int(os.environ.get("K8SNET_CLUSTERS", "0"))
    swept = sweep(wanted or CLUSTERS, first_seed=wanted, kinds=OTHER_KERNEL, side_by_side=SIDE_BY_SIDE,
                  begin="fork")  # to import everything again takes seconds in this kernel
    print(f"\n{swept}")
    assert not swept.failures, "\n\n".join(swept.failures)
    assert swept.clusters >= (wanted or CLUSTERS)
    reached = {what: {which for each, which in swept.counts if each == what} for what, _ in swept.counts}
    assert {"delivered", "refused", "no_endpoints", "no_route", "no_neighbour"} <= reached["verdict"]
    assert {"ipvs ClusterIP", "ipvs NodePort", "ipvs LoadBalancer"} <= reached["service"] and "calico" in reached["plugin"]
