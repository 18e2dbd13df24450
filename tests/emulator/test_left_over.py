"""The bridge of a node whose last pod has gone: laid out in real Linux, where packets to that pod end as in the model."""

from __future__ import annotations

from itertools import product
from time import monotonic, sleep

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import emulate
from k8snet_course.emulator.agreement import Wanted, asked, compare, within_ration
from k8snet_course.emulator.lab import Lab
from k8snet_course.faults import Fault, ForwardingOff, MissingRoute, WrongMtu, WrongRoute
from k8snet_course.linux.trace import Verdict
from tests.emulator.worlds import DUAL, FOUR, RANGES, SIX
from tests.shell.real import differences

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "ip6tables-restore", "nft", "/usr/lib/cni/bridge", "root")
BRIDGED = ("none", "bridge", "flannel", "flannel-host-gw")
KINDS = ((80, "TCP"), (53, "UDP"), (None, "ICMP"), (None, "ICMP", 1452))
"""The last fills 1500 bytes in IPv6: as much as a bridge without ports takes, and more than flannel's pods can send."""
SOURCES = ("b", "node-1", "node-2", "laptop")
TEXTS = ("ip link show cni0", "ip addr show cni0", "ip -br addr", "ip route", "ip -6 route", "ip route show table local",
         "ip route get 10.244.0.2", "ip -6 route get fd00:10:244::2", "ip route get fibmatch 10.244.0.2", "bridge link",
         "ip link show master cni0", "ip -4 neigh", "busybox ip route")


def left_alone(cni: str, ranges: str) -> tuple[Cluster, list[str]]:
    """Two nodes, of which the first has no pod any more; and the addresses of the pod that it had."""
    cluster = Cluster(2, cni, **RANGES.get(ranges, {}))  # type: ignore[arg-type]
    gone = cluster.add_pod("a", node="node-1").ips
    cluster.add_pod("b", node="node-2", listen=(80, "53/UDP"))
    cluster.delete("pod", "a")
    return cluster, list(gone)


def settled(lab: Lab) -> None:
    """The kernel notes the state of a link with a delay of up to a second (net/core/link_watch.c)."""
    end = monotonic() + 5
    while "state DOWN" not in lab.exec("node-1", "ip link show cni0") and monotonic() < end:
        sleep(0.05)


@REAL
@pytest.mark.parametrize(("cni", "ranges"), list(product(BRIDGED, (FOUR, DUAL, SIX))))
def test_packets_to_the_pod_that_has_gone(cni: str, ranges: str) -> None:
    cluster, gone = left_alone(cni, ranges)
    gateways = list(cluster.namespace("node-1").links["cni0"].addresses)
    wanted: list[Wanted] = [(source, address.partition("/")[0], *kind)  # type: ignore[misc] # of three fields or of four
                            for source, address, kind in product(SOURCES, (*gone, *gateways), KINDS)]
    wanted = within_ration(cluster, wanted)
    near = [asked(cluster, probe) for probe in wanted if probe[0] == "node-1" and probe[1] in gone]
    assert near and {trace.verdict for trace in near} == {Verdict.NO_NEIGHBOUR}
    if cni.startswith("flannel"):
        far = [asked(cluster, probe) for probe in wanted if probe[0] == "b" and probe[1] in gone and len(probe) == 4]
        assert far and {trace.verdict for trace in far} == {Verdict.NO_NEIGHBOUR}
        assert all(trace.reply is not None and trace.reply.hops[-1].label == "b" for trace in far), "b is told"
    with emulate(cluster) as lab:
        found = compare(cluster, lab, wanted)
    assert not found, "\n".join(map(str, found))


@REAL
@pytest.mark.needs("busybox")
@pytest.mark.parametrize("cni", BRIDGED)
def test_what_is_printed_of_it(cni: str) -> None:
    cluster, _ = left_alone(cni, DUAL)
    with emulate(cluster) as lab:
        settled(lab)
        found = list(differences(cluster, lab, [("node-1", line) for line in TEXTS]))
        assert "NO-CARRIER" in lab.exec("node-1", "ip link show cni0") and "linkdown" in lab.exec("node-1", "ip route")
    assert not found, "\n".join(found)


@REAL
def test_a_service_whose_last_pod_has_gone_and_one_that_has_moved() -> None:
    """The Service's answer comes from the other node; a client of its own still asks for the address it once had."""
    cluster, (address,) = left_alone("flannel", FOUR)
    cluster.add_pod("c", node="node-2", labels={"app": "web"}, listen=80)
    for name in ("web", "none"):
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                       "spec": {"type": "NodePort", "selector": {"app": name}, "ports": [{"port": 80}]}})
    wanted: list[Wanted] = [(source, target, 80, "TCP") for source in SOURCES for target in ("web", "none", address)
                            if source != "laptop" or target == address]
    wanted += [("laptop", "node-1", service.ports[0].node_port, "TCP") for service in cluster.services]
    with emulate(cluster) as lab:
        found = compare(cluster, lab, within_ration(cluster, wanted))
    assert not found, "\n".join(map(str, found))


@REAL
@pytest.mark.parametrize(("cni", "ranges", "fault", "expected"), [
    ("flannel-host-gw", FOUR, WrongRoute("node-1", "10.244.0.0/24", "192.168.1.10"), Verdict.NO_NEIGHBOUR),
    ("flannel-host-gw", FOUR, WrongRoute("node-1", "10.244.0.0/24", "192.168.1.10", "eth0"), Verdict.NO_ROUTE),
    ("flannel", FOUR, WrongRoute("node-1", "10.244.1.0/24", "10.244.0.9", "cni0"), Verdict.NO_NEIGHBOUR),
    ("flannel", DUAL, WrongMtu("node-1", "cni0", 1000), Verdict.TOO_BIG),
    ("flannel-host-gw", SIX, MissingRoute("node-1", "fd00:10:244::/64"), Verdict.NO_ROUTE),
    ("none", FOUR, ForwardingOff("node-1"), Verdict.NO_NEIGHBOUR)])
def test_with_a_fault(cni: str, ranges: str, fault: Fault, expected: Verdict) -> None:
    """Also routes that lead elsewhere, or by the bridge to a router that nobody can be."""
    cluster, gone = left_alone(cni, ranges)
    cluster.inject(fault)
    wanted: list[Wanted] = [(source, target, *kind)  # type: ignore[misc] # of three fields or of four
                            for source, target, kind in product(SOURCES, (*gone, "b"), KINDS) if source != target]
    wanted = within_ration(cluster, wanted)
    assert expected in {asked(cluster, probe).verdict for probe in wanted}
    with emulate(cluster) as lab:
        found = compare(cluster, lab, wanted)
    assert not found, "\n".join(map(str, found))
