"""Labs come up, send real packets, and go away without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, Outcome, emulate, modelled
from k8snet_course.emulator.agreement import within_ration
from k8snet_course.emulator.needs import check_machine
from k8snet_course.emulator.plan import PLUGINS, devices_of
from k8snet_course.emulator.spaces import FOLDER, name_of, remove_stale, stale
from k8snet_course.errors import InvalidArgument, NotFound

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "ping", "root")


def ours() -> list[str]:
    """The namespaces of this process's labs."""
    prefix = f"k8snet-{os.getpid()}-"
    return sorted(path.name for path in FOLDER.iterdir() if path.name.startswith(prefix)) if FOLDER.exists() else []


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
        entries = len(cluster.node("node-1").maps)
        rows = str(cluster.node("node-1").routes).splitlines()
        assert not [row for row in rows if row not in node] and len(node) == len(rows) + entries
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


@REAL
def test_two_labs_side_by_side_and_nothing_left_behind() -> None:
    one, other = two_nodes("bridge"), two_nodes("calico-bgp")
    with emulate(one) as first, emulate(other) as second:
        assert len(ours()) == len(devices_of(one)) + len(devices_of(other))
        assert first.send("a", "b").ttl == 64 and second.send("a", "b").ttl == 63
    assert ours() == []


@REAL
def test_an_exception_leaves_nothing_behind() -> None:
    def broken() -> None:
        with emulate(two_nodes()):
            assert ours()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert ours() == []


@REAL
def test_a_failed_start_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    from k8snet_course.emulator import lab
    from k8snet_course.emulator.plan import Cable

    monkeypatch.setattr(lab, "cables", lambda *_: [Cable("node-1", "nonsense", "node-2", "nonsense")])
    with pytest.raises(EmulatorUnavailable, match="ip -batch"), emulate(two_nodes()):
        pytest.fail("it cannot have started")
    assert ours() == []


@REAL
def test_a_killed_lab_is_cleaned_up_at_the_next_start() -> None:
    code = ("import os, time; from k8snet_course import Cluster; from k8snet_course.emulator import emulate\n"
            "with emulate(Cluster()) as lab:\n    print('up', flush=True); time.sleep(60)")
    words, here = (sys.executable, "-c", code), Path(__file__).parents[2]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=here) as child:
        assert child.stdout is not None and child.stdout.readline() == "up\n"
        left = [path.name for path in FOLDER.iterdir() if path.name.startswith(f"k8snet-{child.pid}-")]
        assert left and not set(left) & set(remove_stale()), "its owner lives"
        child.send_signal(signal.SIGKILL)
    with emulate(Cluster()):
        assert not {path.name for path in FOLDER.iterdir()} & set(left)


@REAL
def test_a_lab_can_be_made_again_and_again() -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    for number in range(6):
        cluster.add_pod(f"p{number}")
    for _ in range(3):
        with emulate(cluster) as lab:
            assert lab.send("p0", "p1").verdict is Outcome.DELIVERED


def test_which_names_are_stale() -> None:
    me = os.getpid()
    names = [name_of(me, 0, "a"), name_of(me, 1, "a"), name_of(1, 0, "a"), name_of(99, 0, "a"), f"k8snet-{me}-node", "other"]
    assert stale(names, lambda pid: pid == 1, mine=[0]) == sorted([name_of(me, 1, "a"), name_of(99, 0, "a")])


def test_one_sentence_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmulatorUnavailable, match="expected Linux"):
        check_machine("win32")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmulatorUnavailable, match="install iproute2"):
        check_machine("linux")
