"""Each fault is put into the model and, with it, into real Linux: it changes something, and the two agree about what."""

from __future__ import annotations

from itertools import product

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.agreement import asked, compare, within_ration
from k8snet_course.emulator.lab import Wanted, emulate
from k8snet_course.faults import (
    BlockedPort,
    BridgeNetfilterOff,
    Fault,
    ForwardingOff,
    MissingFdb,
    MissingNeighbour,
    MissingRoute,
    WrongFdb,
    WrongMtu,
    WrongNeighbour,
    WrongRoute,
)
from k8snet_course.linux.trace import Verdict

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "nft", "root")
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
           "spec": {"selector": {"app": "b"}, "ports": [{"port": 80}]}}
A_MAC = "0a:58:00:00:00:01"


def three_pods(cni: str) -> Cluster:
    cluster = Cluster(nodes=2, cni=cni)
    for name, node in (("a", 1), ("b", 1), ("c", 2)):
        cluster.add_pod(name, node=f"node-{node}", labels={"app": name})
    if not cni.startswith("cilium"):
        cluster.apply(SERVICE)
    return cluster


def far_mac(cni: str, tunnel: str) -> str:
    return three_pods(cni).namespace("node-2").links[tunnel].mac


CASES: dict[str, tuple[str, Fault, tuple[Verdict, ...]]] = {
    "a node that forwards nothing": ("flannel", ForwardingOff("node-1"), (Verdict.NO_ROUTE,)),
    "a router that forwards nothing": ("flannel", ForwardingOff("router"), (Verdict.NO_ROUTE,)),
    "no way to the other node's pods": ("flannel-host-gw", MissingRoute("node-1", "10.244.1.0/24"), (Verdict.NO_ROUTE,)),
    "a pod without a default route": ("calico-bgp", MissingRoute("a", "default"), (Verdict.NO_ROUTE,)),
    "the wrong way": ("flannel-host-gw", WrongRoute("node-1", "10.244.1.0/24", "192.168.1.10"), (Verdict.NO_ROUTE,)),
    "the way to nobody": ("calico-bgp", WrongRoute("node-1", "default", "192.168.1.77"), (Verdict.NO_NEIGHBOUR,)),
    "no neighbour row for the tunnel": ("flannel", MissingNeighbour("node-1", "10.244.1.0"), (Verdict.NO_NEIGHBOUR,)),
    "a wrong neighbour row": ("flannel", WrongNeighbour("node-1", "10.244.1.0", A_MAC), (Verdict.NO_NEIGHBOUR,)),
    "no FDB row": ("flannel", MissingFdb("node-1", far_mac("flannel", "flannel.1")), (Verdict.NO_NEIGHBOUR,)),
    "no FDB row for Calico": ("calico-vxlan", MissingFdb("node-1", far_mac("calico-vxlan", "vxlan.calico")),
                              (Verdict.NO_NEIGHBOUR,)),
    "a wrong FDB row": ("flannel", WrongFdb("node-1", far_mac("flannel", "flannel.1"), "192.168.1.10"), (Verdict.REFUSED,)),
    "a firewall in the tunnel's way": ("flannel", BlockedPort("node-2", "UDP", 8472), (Verdict.DENIED_INGRESS,)),
    "a firewall in Calico's way": ("calico-vxlan", BlockedPort("node-1", "UDP", 4789), (Verdict.DENIED_INGRESS,)),
    "a bridge that shows rules nothing": ("flannel", BridgeNetfilterOff("node-1"), (Verdict.DELIVERED,)),
    "a wire that takes less": ("flannel-host-gw", WrongMtu("node-1", "eth0", 1300), (Verdict.TOO_BIG,)),
    "a pod's end that takes less": ("cilium-native", WrongMtu("c", "eth0", 1300), (Verdict.TOO_BIG,)),
}


def probes(cluster: Cluster) -> list[Wanted]:
    names = ("a", "b", "c", "node-1", "node-2", "laptop", "internet")
    wanted: list[Wanted] = [(src, dst, port, protocol) for src, dst in product(names, names) if src != dst
                            for port, protocol in ((80, "TCP"), (None, "ICMP"))]
    wanted += [(src, dst, None, "ICMP", 1400) for src, dst in product(("a", "c", "node-1"), ("a", "c")) if src != dst]
    return wanted + [(src, service.name, 80, "TCP") for service in cluster.services for src in ("a", "c", "node-1")]


@REAL
@pytest.mark.parametrize("name", CASES)
def test_a_fault(name: str) -> None:
    cni, fault, expected = CASES[name]
    healthy, broken = three_pods(cni), three_pods(cni)
    broken.inject(fault)
    wanted = within_ration(broken, probes(broken))
    changed = [probe for probe in wanted if asked(healthy, probe).answered and not asked(broken, probe).answered]
    assert changed and {asked(broken, probe).verdict for probe in changed} & set(expected)
    with emulate(broken) as lab:
        found = compare(broken, lab, wanted)
    assert not found, "\n".join(map(str, found))


@REAL
def test_duplicate_addresses() -> None:
    """With no plugin at all each node hands out the same addresses: a packet ends at whoever has it here."""
    cluster = Cluster(nodes=2, cni="none")
    for name, node in (("a", 1), ("b", 2), ("c", 2)):
        cluster.add_pod(name, node=f"node-{node}")
    assert cluster.pod("a").ip == cluster.pod("b").ip
    wanted = within_ration(cluster, probes(cluster))
    assert Verdict.ADDRESS_CONFLICT in {asked(cluster, probe).verdict for probe in wanted}
    with emulate(cluster) as lab:
        found = compare(cluster, lab, wanted)
    assert not found, "\n".join(map(str, found))
