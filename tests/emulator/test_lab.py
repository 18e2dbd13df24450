"""Labs come up, send real packets, and go away without a trace."""

from __future__ import annotations

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, Outcome, emulate, modelled
from k8snet_course.emulator.agreement import within_ration
from k8snet_course.emulator.needs import check_machine
from k8snet_course.emulator.plan import PLUGINS
from k8snet_course.errors import InvalidArgument, NotFound

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "ping", "root")


def two_nodes(cni: str = "flannel") -> Cluster:
    cluster = Cluster(nodes=2, cni=cni)
    for name, node in (("a", 1), ("b", 1), ("c", 2)):
        cluster.add_pod(name, node=f"node-{node}")
    return cluster


@REAL
def test_a_packet_through_vxlan_is_seen_on_its_way() -> None:
    with emulate(two_nodes()) as lab:
        assert str(lab.send("a", "c")) == ("a -> c TCP 80: delivered; c saw 10.244.0.2 and TTL 62; "
                                           "by a, node-1, underlay, node-2, c; in VXLAN 192.168.1.2 -> 192.168.1.3")
        assert lab.send("node-1", "c").source_seen == "10.244.0.0", "the address of flannel.1"
        assert lab.send("a", "c", 81).verdict is Outcome.REFUSED
        assert lab.send("a", "c", 53, "UDP").verdict is Outcome.REFUSED
        assert str(lab.send("a", "b", None)) == "a -> b ICMP: delivered; b saw 10.244.0.2 and TTL 64; by a, node-1, b"


@REAL
@pytest.mark.parametrize("cni", PLUGINS)
def test_each_plugin_says_the_same_as_the_model(cni: str) -> None:
    cluster = two_nodes(cni)
    probes = within_ration(cluster, [(a, b, port, protocol) for a in ("a", "node-1", "laptop")
                                     for b in ("a", "b", "c", "node-2", "internet")
                                     for port, protocol in ((80, "TCP"), (81, "TCP"), (None, "ICMP"))])
    assert len(probes) > 30
    with emulate(cluster) as lab:
        for probe, linux in zip(probes, lab.send_all(probes), strict=True):
            assert linux == modelled(cluster.send(*probe), linux.source, linux.target, linux.protocol, linux.port)


@REAL
@pytest.mark.parametrize("cni", PLUGINS)
def test_the_tables_are_the_models(cni: str) -> None:
    cluster = two_nodes(cni)
    with emulate(cluster) as lab:
        pod = [line.strip() for line in lab.exec("a", "ip route").splitlines()]
        assert sorted(pod) == sorted(str(cluster.pod("a").routes).splitlines())
        links = lab.exec("a", "ip -o link show dev eth0")
        assert links.startswith("2: eth0@if") and f"mtu {cluster.pod('a').links[1].mtu} " in links
        node = [line.strip() for line in lab.exec("node-1", "ip route").splitlines()]
        mapped = {row.dst for row in cluster.node("node-1").maps}
        rows = [str(row) for row in cluster.node("node-1").routes if row.dst not in mapped]
        assert not [row for row in rows if row not in node] and len(node) == len(rows) + len(mapped)
        rules = [line for line in lab.exec("node-1", "iptables-save -t nat").splitlines() if line.startswith("-A")]
        assert sorted(rules) == sorted(map(str, cluster.node("node-1").nat))


@REAL
def test_flannels_tunnel_rows_are_the_models() -> None:
    cluster = two_nodes()
    with emulate(cluster) as lab:
        assert lab.exec("node-1", "ip neigh show dev flannel.1 nud permanent").split() == [
            word for word in str(cluster.node("node-1").neighbours[0]).split() if word not in ("dev", "flannel.1")]
        row = str(cluster.node("node-1").fdb[0]).replace("dev flannel.1 ", "")
        assert row in lab.exec("node-1", "bridge fdb show dev flannel.1")


@REAL
def test_exec() -> None:
    with emulate(two_nodes()) as lab:
        assert "ttl=62" in lab.exec("a", "ping -c 1 -W 2 10.244.1.2")
        with pytest.raises(NotFound, match="nosuchcommand"):
            lab.exec("a", "nosuchcommand")
        with pytest.raises(NotFound, match="device of this lab"):
            lab.exec("zz", "ip route")
        with pytest.raises(NotFound, match="device of this lab"):
            lab.send("a", "zz")
        with pytest.raises(InvalidArgument):
            lab.send("a", "b", 80, "SCTP")
        with pytest.raises(InvalidArgument):
            lab.send("a", "b", 0)


def test_one_sentence_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmulatorUnavailable, match="expected Linux"):
        check_machine("win32")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmulatorUnavailable, match="install iproute2"):
        check_machine("linux")
