"""Packets that are too large: who says so, with which MTU, and where nobody does.  Real Linux is asked the same."""

from __future__ import annotations

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import Outcome, emulate, modelled
from k8snet_course.emulator.agreement import asked, compare
from k8snet_course.emulator.lab import Wanted
from k8snet_course.errors import InvalidArgument
from k8snet_course.faults import Fault, WrongMtu
from k8snet_course.linux.trace import Verdict

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "nft", "ping", "root")
PING, DATAGRAM = 28, 28
"""Headers of a ping and of a datagram."""


def two_nodes(cni: str, *faults: Fault) -> Cluster:
    cluster = Cluster(nodes=2, cni=cni)
    for name, node in (("a", 1), ("b", 1), ("c", 2)):
        cluster.add_pod(name, node=f"node-{node}", listen=(80, "53/UDP"))
    for fault in faults:
        cluster.inject(fault)
    return cluster


def sizes(src: str, dst: str, *mtus: int) -> list[Wanted]:
    """Pings and datagrams of exactly these sizes, and of one byte more."""
    return [(src, dst, port, protocol, mtu - head + more) for mtu in mtus for more in (0, 1)
            for port, protocol, head in ((None, "ICMP", PING), (53, "UDP", DATAGRAM))]


@REAL
@pytest.mark.parametrize(("cni", "mtu"), [("flannel", 1450), ("flannel-host-gw", 1500), ("calico-vxlan", 1450),
                                          ("cilium-native", 1500), ("weave", 1376)])
def test_a_pods_own_interface_says_what_it_takes(cni: str, mtu: int) -> None:
    cluster = two_nodes(cni)
    probes = [*sizes("a", "c", mtu), *sizes("a", "b", mtu), *sizes("node-1", "c", mtu, 1500), *sizes("c", "node-1", mtu),
              *sizes("a", "c", 4000)]
    with emulate(cluster) as lab:
        assert compare(cluster, lab, probes) == []
        fits, too_big = (lab.send("a", "c", None, size=mtu - PING + more) for more in (0, 1))
        assert fits.verdict is Outcome.DELIVERED and (too_big.verdict, too_big.mtu) == (Outcome.TOO_BIG, mtu)
        assert f"mtu={mtu}" in lab.exec("a", f"ping -M do -c 1 -W 1 -s {mtu - PING + 1} {cluster.pod('c').ip}").replace(" ", "")
        assert lab.send("a", "c", 53, "UDP", size=4000).verdict is Outcome.DELIVERED, "a datagram is cut"


@REAL
def test_a_router_tells_the_sender() -> None:
    """The node's way to the other node takes less than the pod's interface: ICMP says how much."""
    cluster = two_nodes("flannel-host-gw", WrongMtu("node-1", "eth0", 1300))
    trace = asked(cluster, ("a", "c", None, "ICMP", 1300 - PING + 1))
    assert trace.verdict is Verdict.TOO_BIG and trace.reply is not None and trace.reply.packet.kind.endswith("mtu 1300")
    with emulate(cluster) as lab:
        assert compare(cluster, lab, [*sizes("a", "c", 1300, 1500), *sizes("c", "a", 1290), *sizes("node-1", "c", 1300)]) == []
        told = lab.send("a", "c", None, size=1400)
        assert (told.verdict, told.mtu) == (Outcome.TOO_BIG, 1300)


@REAL
@pytest.mark.parametrize("fault", [WrongMtu("c", "eth0", 1400), WrongMtu("node-2", "eth0", 1400)])
def test_a_black_hole(fault: Fault) -> None:
    """A cable's far end that takes less than what is sent: Linux drops it, and tells nobody.

    There is room for the tag of a VLAN, four bytes.
    """
    limit, cluster = 1404, two_nodes("flannel-host-gw", fault)
    for more, verdict in ((0, Verdict.DELIVERED), (1, Verdict.TOO_BIG)):
        trace = asked(cluster, ("a", "c", None, "ICMP", limit - PING + more))
        assert trace.verdict is verdict and (trace.reply is None or more == 0), "nobody is told"
    with emulate(cluster) as lab:
        probes = [("a", "c", None, "ICMP", limit - PING + more) for more in (0, 1, 50)]
        linux = lab.send_all(probes)
        assert [one.verdict for one in linux][1:] == [Outcome.NO_ANSWER, Outcome.NO_ANSWER]
        assert compare(cluster, lab, probes) == []


@REAL
def test_a_port_of_a_bridge_that_takes_less() -> None:
    """Rules see what the bridge sends on (bridge-nf-call-iptables): then not even a VLAN's tag has room, but pieces have."""
    port = two_nodes("bridge").node("node-1").links[-1].name
    cluster = two_nodes("bridge", WrongMtu("node-1", port, 1400))
    probes = [*sizes("a", "b", 1400), ("a", "b", None, "ICMP", 1404 - PING), ("a", "b", None, "ICMP", 1405 - PING),
              ("node-1", "b", None, "ICMP", 1404 - PING), ("node-1", "b", None, "ICMP", 1405 - PING)]
    with emulate(cluster) as lab:
        found = compare(cluster, lab, probes)
    assert not found, "\n".join(map(str, found))


@REAL
def test_an_answer_that_is_too_large_is_cut() -> None:
    """Linux lets routers cut what it answers to a ping, so that a way back that takes less does no harm."""
    cluster = two_nodes("flannel-host-gw", WrongMtu("router", "eth0", 1500), WrongMtu("node-2", "eth0", 1450))
    probe = ("node-1", "c", None, "ICMP", 1450 - PING + 4)
    assert asked(cluster, probe).answered
    with emulate(cluster) as lab:
        assert compare(cluster, lab, [probe, ("laptop", "node-2", None, "ICMP", 1450 - PING + 4)]) == []


@REAL
def test_a_cables_other_end_that_takes_less_is_silent_to_datagrams_too() -> None:
    """Found by hypothesis: Linux says ENOBUFS to a datagram's sender, but only to one that has asked for ICMP's errors."""
    healthy = two_nodes("bridge")
    port = next(link.peer for link in healthy.pod("a").links if link.name == "eth0")
    assert port is not None
    cluster = two_nodes("bridge", WrongMtu(port.namespace, port.link, 1000))
    probes = [("a", target, number, protocol, size) for target in ("router", "b") for size in (900, 1350)
              for number, protocol in ((None, "ICMP"), (53, "UDP"))]
    with emulate(cluster) as lab:
        assert compare(cluster, lab, probes) == []


def test_what_cannot_be_asked() -> None:
    with pytest.raises(InvalidArgument, match="number of bytes"):
        asked(Cluster(), ("laptop", "router", None, "ICMP", 70000))


@REAL
def test_sizes_that_a_lab_refuses() -> None:
    with emulate(Cluster()) as lab:
        with pytest.raises(InvalidArgument, match="no size with TCP"):
            lab.send("laptop", "router", 80, size=100)
        with pytest.raises(InvalidArgument, match="number of bytes"):
            lab.send("laptop", "router", None, size=70000)
        linux, model = lab.send("laptop", "router", None, size=1473), asked(Cluster(), ("laptop", "router", None, "ICMP", 1473))
        assert linux == modelled(model, "laptop", "router", "ICMP", 0) and str(linux).endswith("ICMP: too big for 1500 bytes")
