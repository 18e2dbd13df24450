"""The pods of a lab are attached by the reference CNI plugins, and these say and write what the model says."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.cni.plugin import Json
from k8snet_course.emulator import Lab, Outcome, emulate, lab
from k8snet_course.emulator.agreement import compare
from k8snet_course.emulator.attaching import PLUGINS, NodeRun, node_runs, turns
from k8snet_course.emulator.cni_run import as_in_real, files_in
from k8snet_course.emulator.ground import Ground
from k8snet_course.emulator.needs import PLUGIN_NAMES, EmulatorUnavailable, PluginDisagrees, plugin_folder
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.faults import MissingRoute, WrongMtu

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "root", *(f"/usr/lib/cni/{name}" for name in PLUGIN_NAMES))


def with_gaps(cni: str) -> Cluster:
    """Two nodes whose pods came and went; one address is held by nobody, and one was given out last and is free again."""
    cluster = Cluster(nodes=2, cni=cni)
    for number in range(8):
        cluster.add_pod(f"p{number}", host_ports={8080 + number: 80} if number % 3 == 0 else None)
    for number in (0, 1, 5):
        cluster.delete("pod", f"p{number}")
    cluster.ipam("node-1").allocate("dead")
    for name in ("q", "r"):
        cluster.add_pod(name, node="node-1")
    cluster.delete("pod", "r")
    return cluster


def links_of(text: str) -> dict[str, tuple[str, str]]:
    """Number and MAC address by name, from `ip -o link`."""
    words = [line.split() for line in text.splitlines()]
    return {each[1].partition("@")[0].rstrip(":"): (each[0].rstrip(":"), each[each.index("link/ether") + 1]) for each in words
            if "link/ether" in each}


def store_of(lab: Lab, cluster: Cluster, node: str) -> Path:
    """Where host-local has written down who holds which address."""
    assert isinstance(lab._ground, Ground)
    return lab._ground._spaces.folder / node / str(cluster.conflist(node)["name"])


@REAL
@pytest.mark.parametrize("cni", PLUGINS)
def test_pods_that_came_and_went(cni: str) -> None:
    cluster = with_gaps(cni)
    with emulate(cluster) as lab:
        for pod in cluster.pods:
            (real,) = lab.cni(pod.name)
            model = cluster.cni_result(pod.name)
            assert real == as_in_real(model, real)
            assert real["ips"] == model["ips"] and real["routes"] == model["routes"], "these are not touched"
            assert real["interfaces"][2]["mac"] == model["interfaces"][2]["mac"]  # type: ignore[index]
        for node in cluster.nodes:
            numbers = {link.name: (str(link.index), link.mac) for link in cluster.node(node.name).links if link.index > 1}
            assert links_of(lab.exec(node.name, "ip -o link")) == numbers
            store = store_of(lab, cluster, node.name)
            assert files_in(store) == cluster.ipam(node.name).to_files()
        ways = (("laptop", "node-1", 8086), ("p2", "node-1", 8086), ("node-1", "p4", 80), ("q", "p2", 80))
        assert compare(cluster, lab, [(*way, "TCP") for way in ways]) == []
        assert {lab.send(*way).verdict for way in ways} == {Outcome.DELIVERED}


@REAL
@pytest.mark.parametrize("cni", PLUGINS)
def test_the_plugins_check_and_take_away_what_is_there(cni: str) -> None:
    cluster = Cluster(cni=cni)
    for name in "ab":
        cluster.add_pod(name, host_ports={8080: 80} if name == "a" else None)
    with emulate(cluster) as lab:
        if cluster.conflist("node-1")["cniVersion"] == "1.0.0":
            assert lab.cni("b", "CHECK") == [{}, {}], "the model's own result passes the plugins' CHECK"
            assert lab.cni("a", "CHECK")[0] == {}, "portmap 1.1.1 misses ip6tables chains, though the pod has no IPv6 address"
            lab.exec("a", "ip route del default")
            assert [said["code"] for said in lab.cni("a", "CHECK")] == [999]
        else:
            with pytest.raises(InvalidArgument, match="does not support CHECK"):
                lab.cni("a", "CHECK")
        assert "dport 8080" in lab.exec("node-1", "iptables-save -t nat")
        for _ in range(2):
            assert lab.cni("a", "DEL") == [{}, {}], "DEL may be repeated"
        assert "eth0" not in lab.exec("a", "ip -o link")
        assert "8080" not in lab.exec("node-1", "iptables-save -t nat")
        store = store_of(lab, cluster, "node-1")
        cluster.delete("pod", "a")
        assert files_in(store) == cluster.ipam("node-1").to_files()
        assert lab.cni("b") and lab.send("b", "node-1", None).verdict is Outcome.DELIVERED


@REAL
def test_who_has_no_answer_of_a_plugin() -> None:
    cluster = Cluster(cni="calico-bgp")
    cluster.add_pod("a")
    with emulate(cluster) as lab, pytest.raises(NotFound, match="attached"):
        lab.cni("a")


@REAL
def test_faults_are_laid_over_what_the_plugins_did() -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    for name in "abc":
        cluster.add_pod(name)
    for fault in (MissingRoute("default/a", "default"), MissingRoute("node-2", "10.244.1.0/24"),
                  WrongMtu("default/c", "eth0", 1300)):
        cluster.inject(fault)
    with emulate(cluster) as lab:
        for device in ("a", "b", "node-2"):
            name = device if device.startswith("node") else f"default/{device}"
            routes = [line.strip() for line in lab.exec(device, "ip route").splitlines()]
            assert sorted(routes) == sorted(map(str, cluster.namespace(name).routes))
        assert "mtu 1300" in lab.exec("c", "ip link show dev eth0")


def wrong_address(run: NodeRun) -> NodeRun:
    one = run.addings[0]
    changed: Json = {**one.result, "ips": [{**one.result["ips"][0], "address": "10.244.0.77/24"}]}
    return replace(run, addings=(replace(one, result=changed), *run.addings[1:]))


def wrong_files(run: NodeRun) -> NodeRun:
    return replace(run, after={**run.after, "10.244.0.99": "nobody\r\neth0"})


def wrong_rules(run: NodeRun) -> NodeRun:
    return replace(run, port_rules=run.port_rules[1:])


@REAL
@pytest.mark.parametrize(("broken", "word"), [(wrong_address, "10.244.0.77"), (wrong_files, "10.244.0.99"),
                                              (wrong_rules, "rules on node-1")])
def test_a_plugin_that_does_something_else_is_noticed(broken: object, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    cluster.add_pod("a", host_ports={8080: 80})
    monkeypatch.setattr(lab, "node_runs", lambda cluster: tuple(map(broken, node_runs(cluster))))  # type: ignore[arg-type]
    with pytest.raises(PluginDisagrees, match=word), emulate(cluster):
        pytest.fail("it cannot have started")
    left = list(Path(tempfile.gettempdir()).glob(f"k8snet-{os.getpid()}-*"))
    assert left == [], "host-local's files are gone"


def test_what_is_sent_is_what_the_model_prints() -> None:
    cluster = Cluster(nodes=2)
    cluster.add_pod("a", node="node-2", host_ports={8080: 80})
    loopback, bridge, portmap = turns(cluster, "default/a")
    said = cluster.cni_exchange("a")
    assert (bridge.request, portmap.request) == (said[0].request, said[1].request)
    assert loopback.environment["CNI_IFNAME"] == "lo" and bridge.environment["CNI_IFNAME"] == "eth0"
    assert bridge.environment["CNI_ARGS"].startswith(said[0].environment["CNI_ARGS"])


def test_flannel_hands_a_complete_configuration_to_bridge() -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("a", node="node-2")
    own, portmap = cluster.cni_exchange("a")
    assert own.request["type"] == "flannel" and portmap.delegate is None
    assert own.delegate == {
        "cniVersion": "0.3.1", "name": "cbr0", "type": "bridge", "mtu": 1450, "ipMasq": False, "isGateway": True,
        "isDefaultGateway": True, "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.1.0/24"}]], "routes": [{"dst": "10.244.0.0/16"}]}}
    assert cluster.cni_exchange("a", "DEL")[-1].delegate == own.delegate


def test_one_sentence_says_that_the_plugins_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k8snet_course.emulator.needs.PLUGIN_FOLDERS", ("/nowhere",))
    with pytest.raises(EmulatorUnavailable, match="install containernetworking-plugins"):
        plugin_folder()


def test_nothing_is_said_for_pods_at_home() -> None:
    cluster = Cluster()
    cluster.add_pod("a", host_network=True)
    assert node_runs(cluster) == ()
