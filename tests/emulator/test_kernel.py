"""What this kernel can do is asked once, and what it cannot is named."""

from __future__ import annotations

import subprocess

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, NotEmulated, emulate, ground, kernel, modelled, plan
from k8snet_course.emulator.capture import mark, read
from k8snet_course.emulator.kernel import BRIDGE_NETFILTER, IPIP, IPVS, NFT_IPV4, VXLAN, Ability, born_with, not_checked
from k8snet_course.emulator.plan import check_cluster, plans
from tests.emulator.test_capture import ip, udp


@pytest.fixture
def fresh() -> None:
    kernel.kernel.cache_clear()
    kernel.born_with.cache_clear()


def with_abilities(monkeypatch: pytest.MonkeyPatch, *there: str, born: tuple[str, ...] = ()) -> None:
    abilities = {name: Ability(name, name in there, "this", "do that") for name in (
        IPIP, VXLAN, IPVS, BRIDGE_NETFILTER, NFT_IPV4)}
    monkeypatch.setattr(plan, "kernel", lambda: abilities)
    monkeypatch.setattr(plan, "born_with", lambda: born)


@pytest.mark.needs("ip", "unshare", "root")
def test_what_is_said_is_so() -> None:
    for name, ability in kernel.kernel().items():
        assert (str(ability) in not_checked()) == (not ability.there)
        assert ability.name == name
    tried = subprocess.run(("unshare", "--net", "ip", "link", "add", "p", "type", "ipip"), capture_output=True, check=False)
    assert kernel.kernel()[IPIP].there == (tried.returncode == 0 or "tunl0" in born_with())
    assert kernel.kernel()[VXLAN].there and kernel.kernel()[BRIDGE_NETFILTER].there, "without these the other tests say nothing"


@pytest.mark.usefixtures("fresh")
def test_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(kernel, "_in_a_namespace", lambda script: asked.append(script) or ["VXLAN"])
    assert [name for name, ability in kernel.kernel().items() if ability.there] == [VXLAN]
    assert kernel.kernel() and len(asked) == 1
    assert not_checked()[0] == ("IPIP is not there, so cni='calico' is not checked; let root run 'modprobe ipip', "
                                "or use cni='calico-vxlan'")
    kernel.kernel.cache_clear()


def test_a_machine_without_namespaces_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert kernel._in_a_namespace("echo VXLAN") == []


def test_ipip_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with_abilities(monkeypatch)
    with pytest.raises(NotEmulated, match="a kernel that has IPIP tunnels; do that"):
        check_cluster(Cluster(cni="calico"))


@pytest.mark.parametrize("cni", ["flannel", "calico-vxlan", "cilium", "weave"])
def test_vxlan_where_there_is_none(cni: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_abilities(monkeypatch, NFT_IPV4)
    with pytest.raises(NotEmulated, match="a kernel that has VXLAN tunnels; do that"):
        check_cluster(Cluster(nodes=2, cni=cni))
    for other in ("bridge", "flannel-host-gw", "calico-bgp", "cilium-native"):
        check_cluster(Cluster(nodes=2, cni=other))


@pytest.mark.parametrize("born", [(), ("tunl0",)])
def test_ipip_where_the_kernel_has_it(born: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines; what a kernel makes of them is asked in another one (test_other_kernel.py)."""
    with_abilities(monkeypatch, IPIP, NFT_IPV4, born=born)
    cluster = Cluster(nodes=2, cni="calico")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    lines = plans(cluster)["node-1"].ip
    address = cluster.node("node-1").links[2].addresses[0]
    rows = [f"route replace {row}" for row in cluster.node("node-1").routes if row.dev == "tunl0"]
    made = "link set tunl0 mtu 1480" if born else "link add name tunl0 index 3 mtu 1480 type ipip"
    assert [line for line in lines if "tunl0" in line] == [
        made, f"addr add {address} dev tunl0 brd +", "link set tunl0 up",
        *(row.replace("proto bird", "proto 12") for row in rows)]
    assert any("via 192.168.1.3 dev tunl0" in line for line in lines)
    cable = next(plan.cables(cluster))
    assert (" index " in cable.end) == (not born), "numbers may be taken"


@pytest.mark.needs("ip", "bridge", "iptables-restore", "/usr/lib/cni/bridge", "root")
def test_rules_for_bridged_packets_need_br_netfilter(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (plan, ground):
        monkeypatch.setattr(module, "BRIDGE_NF", "bridge/there-is-no-such-file")
    cluster = Cluster()
    cluster.add_pod("a")
    with emulate(cluster) as lab:
        assert lab.exec("a", "true") == "", "without rules it does not matter"
    cluster.add_pod("b", host_ports={8080: 80})
    with pytest.raises(EmulatorUnavailable, match="let root run 'modprobe br_netfilter'"), emulate(cluster):
        pytest.fail("it cannot have started")


@pytest.mark.needs("ip", "bridge", "iptables-restore", "/usr/lib/cni/bridge", "root")
@pytest.mark.parametrize("cni", ["flannel", "calico-vxlan"])
def test_a_lab_where_numbers_may_be_taken(cni: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on machines whose kernel puts interfaces into each new namespace."""
    monkeypatch.setattr(plan, "born_with", lambda: ("sit0",))
    cluster = Cluster(nodes=2, cni=cni)
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    with emulate(cluster) as lab:
        assert lab.send("a", "b") == modelled(cluster.send("a", "b"), "a", "b", "TCP", 80)


WEB = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
       "spec": {"selector": {"app": "b"}, "ports": [{"port": 80}]}}


def test_ipvs_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(proxy="ipvs")
    cluster.apply(WEB)
    with_abilities(monkeypatch, NFT_IPV4)
    with pytest.raises(NotEmulated, match="a kernel that has IPVS and sets of addresses, with ipvsadm and ipset; do that"):
        check_cluster(cluster)
    with_abilities(monkeypatch, NFT_IPV4, IPVS)
    check_cluster(cluster)


def test_a_kernel_without_nftables_for_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """There the older commands write the rules of iptables, and what is written as nftables is refused."""
    with_abilities(monkeypatch, VXLAN, IPVS)
    for proxy, cni in (("nftables", "flannel"), ("iptables", "calico-bgp")):
        cluster = Cluster(proxy=proxy, cni=cni)
        cluster.apply(WEB)
        if proxy == "iptables":
            check_cluster(cluster)
            cluster.add_pod("a")
            cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
                           "spec": {"podSelector": {}}})
        with pytest.raises(NotEmulated, match="a kernel that has nftables for IPv4; do that"):
            check_cluster(cluster)
    kernel.restorers.cache_clear()
    for there, begin in ((True, "iptables-restore"), (False, "iptables-legacy-restore")):
        abilities = {NFT_IPV4: Ability(NFT_IPV4, there, "this", "do that")}
        monkeypatch.setattr(kernel, "kernel", lambda found=abilities: found)
        assert [command.split()[0] for command in kernel.restorers()] == [begin, begin.replace("ip", "ip6", 1)]
        kernel.restorers.cache_clear()


def test_an_ipip_packet_is_read() -> None:
    outer = ip(4, ip(17, udp(mark(7))), "192.168.1.2", "192.168.1.3")
    seen = read(outer)
    assert seen is not None and (seen.number, seen.src, seen.outer) == (7, "10.244.0.2", "IPIP 192.168.1.2 -> 192.168.1.3")
    cluster = Cluster(nodes=2, cni="calico")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    assert modelled(cluster.send("a", "b"), "a", "b", "TCP", 80).encapsulated == (seen.outer,)
