"""Labs come up, send real packets, and go away without a trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
@pytest.mark.parametrize(("port", "protocol", "words"), [(80, "TCP", "tcp dport 80 tcp flags syn"), (53, "UDP", "udp dport 53"),
                                                         (None, "ICMP", "icmp type echo-request")])
def test_what_is_said_of_a_probe_is_what_the_kernel_counts(port: int | None, protocol: str, words: str) -> None:
    """Rules of other devices count the packets that lab.send describes: nothing of ours has seen them there."""
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("c", node="node-2", listen=(80, "53/UDP"), labels={"app": "c"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"selector": {"app": "c"}, "ports": [{"name": "t", "port": 80},
                                                                {"name": "u", "port": 53, "protocol": "UDP"}]}})
    with emulate(cluster) as lab:
        for device, rule in (("c", f"ip saddr 10.244.0.2 ip daddr 10.244.1.2 ip ttl 62 {words}"),
                             ("node-2", "ip saddr 192.168.1.2 ip daddr 192.168.1.3 udp dport 8472")):
            lab.exec(device, "nft add table ip seen")
            lab.exec(device, "nft 'add chain ip seen input { type filter hook input priority 0; }'")
            assert lab.exec(device, f"nft 'add rule ip seen input {rule} counter'") == ""
        for target in ("c", "web") if port else ("c",):
            sent = lab.send("a", target, port, protocol)
            assert (sent.verdict, sent.reached, sent.source_seen, sent.ttl) == (Outcome.DELIVERED, "c", "10.244.0.2", 62)
            assert sent.path == ("a", "node-1", "underlay", "node-2", "c")
            assert sent.encapsulated == ("VXLAN 192.168.1.2 -> 192.168.1.3",)
        asked = 2 if port else 1
        assert f"counter packets {asked} " in lab.exec("c", "nft list table ip seen")
        assert "counter packets 0 " not in lab.exec("node-2", "nft list table ip seen")


@REAL
def test_the_path_is_that_of_expiring_packets() -> None:
    with emulate(two_nodes()) as lab:
        routers = [next(line.split()[1] for line in lab.exec("a", f"ping -n -c 1 -W 2 -t {ttl} 10.244.1.2").splitlines()
                        if "exceeded" in line) for ttl in (1, 2)]
        assert routers == ["10.244.0.1", "10.244.1.0"], "node-1's bridge, node-2's tunnel"
        assert lab.send("a", "c", None).path == ("a", "node-1", "underlay", "node-2", "c")


@REAL
def test_exec() -> None:
    with emulate(two_nodes()) as lab:
        assert "ttl=62" in lab.exec("a", "ping -c 1 -W 2 10.244.1.2")
        with pytest.raises(NotFound, match="nosuchcommand"):
            lab.exec("a", "nosuchcommand")
        with pytest.raises(NotFound, match="a pod, a node or a machine outside"):
            lab.exec("zz", "ip route")
        with pytest.raises(NotFound, match="a pod, a node or a machine outside"):
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


def test_elsewhere_it_can_be_imported_and_says_why_not() -> None:
    """The names that the modules of Windows do not have."""
    code = """
import os, signal, socket, sys
for module, names in ((os, ("getuid", "geteuid", "getgid", "fork")), (signal, ("pthread_sigmask", "SIGKILL")),
                      (socket, ("AF_PACKET", "IPPROTO_IPIP", "IPPROTO_IPV6", "IPPROTO_ICMPV6", "IPV6_RECVPKTINFO"))):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
sys.platform = "win32"
from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, emulate, lab, needs
needs.check_machine.__defaults__ = ("win32",)
try:
    with emulate(Cluster()):
        pass
except EmulatorUnavailable as error:
    print(error)
"""
    words, here = (sys.executable, "-c", code), Path(__file__).parents[2]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=here)
    assert done.stdout.startswith("cannot emulate with 'win32': expected Linux"), done.stderr
