"""Every row of the table of known simplifications is asserted here, and nothing else is in the table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS as ALL_PLUGINS
from k8snet_course.emulator import NotEmulated, Outcome, emulate, modelled
from k8snet_course.emulator.kernel import IPIP, IPVS, NFT_IPV4, born_with, kernel, restorers
from k8snet_course.emulator.plan import PLUGINS, check_cluster, plan, plans
from k8snet_course.emulator.simplifications import DIFFERS, LAID_OUT, REFUSED, table
from k8snet_course.faults import MissingRoute, WrongFdb, WrongMtu, WrongRoute
from k8snet_course.linux.bridge import EVERYBODY

SERVICE: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
           "spec": {"selector": {"app": "b"}, "ports": [{"port": 80}]}}


def refused(cluster: Cluster, word: str) -> None:
    with pytest.raises(NotEmulated, match=word):
        plans(cluster)


def plugins() -> None:
    for cni in ("nsx", "aci", "bcf"):
        assert cni not in PLUGINS
        refused(Cluster(cni=cni), cni)
    if kernel()[IPIP].there:
        check_cluster(Cluster(cni="calico"))
    else:
        refused(Cluster(cni="calico"), "IPIP")
    assert {"nsx", "aci", "bcf", "calico", *PLUGINS} == set(ALL_PLUGINS)
    for cni in PLUGINS:
        check_cluster(Cluster(cni=cni))


def proxy_modes() -> None:
    for proxy, works in (("iptables", True), ("nftables", True), ("ipvs", kernel()[IPVS].there), ("kernelspace", False)):
        cluster = Cluster(proxy=proxy)
        check_cluster(cluster)
        cluster.apply(SERVICE)
        if works:
            check_cluster(cluster)
        else:
            refused(cluster, "a kernel that has IPVS" if proxy == "ipvs" else "the mode iptables, nftables or ipvs")


def old_kernels() -> None:
    """What is refused there is said in test_kernel.py; here that what a kernel has is used."""
    cluster = Cluster(proxy="nftables")
    cluster.apply(SERVICE)
    if kernel()[NFT_IPV4].there:
        check_cluster(cluster)
        assert restorers()[0] == "iptables-restore"
    else:
        refused(cluster, NFT_IPV4)
        assert restorers()[0].startswith("iptables-legacy-restore")


def answers_for_services() -> None:
    for proxy, expected in (("ipvs", ["1"]), ("iptables", [])):
        cluster = Cluster(proxy=proxy)
        cluster.apply(SERVICE)
        settings = plan(cluster.namespace("node-1")).settings
        assert [value for name, value in settings if name == "ipv4/conf/all/arp_ignore"] == expected


def first_tunnel() -> None:
    """Asked for good in another kernel (guest/ask_services.py); here that this kernel's are as the row says."""
    assert ("tunl0" in born_with()) <= kernel()[IPIP].there
    made = next(line for line in plan(Cluster(cni="calico").namespace("node-1")).ip if "tunl0" in line)
    assert made.startswith("link set tunl0 mtu" if "tunl0" in born_with() else "link add name tunl0")


def cilium_services() -> None:
    for cni in ("cilium", "cilium-native"):
        cluster = Cluster(cni=cni)
        cluster.apply(SERVICE)
        refused(cluster, cni)


def sidecars() -> None:
    cluster = Cluster()
    cluster.add_pod("a", labels={"sidecar.istio.io/inject": "true"})
    assert list(cluster.pod("a").nat), "a sidecar comes with rules"
    refused(cluster, "sidecar")


def ebpf_maps() -> None:
    for cni in ("cilium", "cilium-native"):
        cluster = Cluster(nodes=2, cni=cni)
        ip = cluster.add_pod("a", node="node-1").ip
        made, entry = plans(cluster)["node-1"], cluster.node("node-1").maps[0]
        assert f"route replace {ip}/32 dev {entry.dev} scope link src 10.244.0.1" in made.ip
        assert ("ip ttl 64 ip ttl set 65" in made.nft) == (cni == "cilium")
        cluster.inject(MissingRoute("node-1", entry.dst.rpartition(".")[0] + ".0/24"))
        assert not [line for line in plans(cluster)["node-1"].ip if f"{ip}/32" in line], "nothing gets to the program"


def doors() -> None:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
              "spec": {"podSelector": {}}}
    for cni, enforces in (("calico-bgp", True), ("cilium-native", True), ("flannel", False)):
        cluster = Cluster(cni=cni)
        cluster.add_pod("a")
        cluster.apply(policy)
        text = plans(cluster)["node-1"].nft
        hooks = [words for words in ("prerouting priority dstnat + 50", "postrouting priority srcnat - 50") if words in text]
        assert len(hooks) == (2 if enforces else 0)


def announcements() -> None:
    cluster = Cluster(load_balancer="192.168.1.240/28")
    cluster.add_pod("b", labels={"app": "b"})
    cluster.apply({**SERVICE, "spec": {**SERVICE["spec"], "type": "LoadBalancer"}})
    mac = cluster.namespace("node-1").links["eth0"].mac
    assert f"neigh replace 192.168.1.240 dev eth0 lladdr {mac} nud permanent" in plans(cluster)["laptop"].ip
    assert not [line for line in plans(cluster)["node-1"].ip if "192.168.1.240" in line]


def portless_bridges() -> None:
    """A kernel's own bridge keeps the address (tests/cni/test_reference_plugin.py); the carrier gives it, and here was none."""
    cluster = Cluster(pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    cluster.add_pod("b")
    cluster.delete("pod", "b")
    with emulate(cluster) as lab:
        said = lab.exec("node-1", "ip -6 addr show cni0")
        assert "inet6 fd00:10:244::1/64" in said and "inet6 fe80:" not in said
        assert "inet6 fe80:" in lab.exec("node-1", "ip -6 addr show eth0")


def cards() -> None:
    cluster = Cluster()
    with emulate(cluster) as lab:
        assert "link-netns k8snet-" in lab.exec("node-1", "ip link show dev eth0")
        outside = [line for line in lab.exec("underlay", "ip -o link").splitlines() if "link-netns" not in line]
        assert [line.split()[1] for line in outside] == ["lo:", "br0:"], "no cable leads out of the lab"


def reverse_path_filter() -> None:
    with emulate(Cluster()) as lab:
        assert lab.exec("node-1", "sysctl -n net.ipv4.conf.all.rp_filter net.ipv4.conf.eth0.rp_filter").split() == ["0", "0"]


def redirects() -> None:
    with emulate(Cluster()) as lab:
        names = "net.ipv4.conf.all.send_redirects net.ipv4.conf.eth0.send_redirects"
        assert {*lab.exec("node-1", f"sysctl -n {names}").split(), *lab.exec("router", f"sysctl -n {names}").split()} == {"0"}


def path_mtu() -> None:
    cluster = Cluster(2, "flannel-host-gw")
    for name, node in (("a", "node-1"), ("c", "node-2")):
        cluster.add_pod(name, node)
    cluster.inject(WrongMtu("node-1", "eth0", 1300))
    with emulate(cluster) as lab:
        for _ in range(2):  # a pod that had learnt it would not even send the second
            assert lab.send("a", "c", None, size=1400).mtu == 1300
            assert "cache" not in lab.exec("a", f"ip route get {cluster.pod('c').ip}").replace("cache \n", "")
        assert lab.exec("a", "sysctl -n net.ipv4.route.mtu_expires").strip() == "0"


def patience() -> None:
    with emulate(Cluster()) as lab:
        assert lab.exec("node-1", "sysctl -n net.ipv4.neigh.eth0.retrans_time_ms").strip() == "100"
        assert lab.send_all([("node-1", "192.168.1.77", None, "ICMP")], 1.2)[0].verdict is Outcome.UNREACHABLE


def fresh_tables() -> None:
    cluster = Cluster()
    cluster.add_pod("a")
    cluster.add_pod("b")
    cluster.send("a", "b")
    assert len(cluster.pod("a").neighbours) == 1
    with emulate(cluster) as lab:
        assert lab.exec("a", "ip neigh") == ""
        lab.send("a", "b")
        assert lab.exec("a", "ip neigh").split()[:5] == str(cluster.pod("a").neighbours[0]).split()[:5]


def rationed_errors() -> None:
    cluster = Cluster()
    probes = [("laptop", f"10.9.9.{number}", None, "ICMP") for number in range(1, 12)]
    assert {modelled(cluster.send(*one), *one[:2], "ICMP", 0).verdict for one in probes} == {Outcome.UNREACHABLE}
    for _ in range(3):
        with emulate(cluster) as lab:
            told = [one.verdict for one in lab.send_all(probes, 0.4)]
        if told.count(Outcome.UNREACHABLE) == 5:
            break  # on a machine that stood still for a second meanwhile, the ration is larger
    assert told.count(Outcome.UNREACHABLE) == 5 and told.count(Outcome.NO_ANSWER) == 6
    assert all(before is Outcome.UNREACHABLE for before, after in pairwise(told) if after is Outcome.UNREACHABLE)


def overheard_questions() -> None:
    """node-2 sends copies of questions to node-3 only, so that p3's question for p2 reaches nobody; p2's own reach p3."""
    cluster = Cluster(3, "weave")
    cluster.add_pod("p2", "node-1")
    cluster.add_pod("p3", "node-2")
    cluster.inject(WrongFdb("node-2", EVERYBODY, "192.168.1.4"))
    alone, both = [("p3", "p2", None, "ICMP")], [("p3", "p2", None, "ICMP"), ("p2", "10.32.0.99", None, "ICMP")]
    assert {modelled(cluster.send(*one), *one[:2], "ICMP", 0).verdict for one in both} == {Outcome.UNREACHABLE}
    with emulate(cluster) as lab:
        assert lab.send_all(alone)[0].verdict is Outcome.UNREACHABLE
        assert lab.send_all(both)[0].verdict is Outcome.DELIVERED


def dead_routers() -> None:
    cluster = Cluster(1, "bridge", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    for name in ("a", "b"):
        cluster.add_pod(name)
    cluster.inject(WrongRoute("default/a", "fd00:10:244::/64", "fd00:192:168:1::77"))
    probe = ("a", "b", None, "ICMP")
    for _ in range(2):
        assert modelled(cluster.send(*probe), *probe[:2], "ICMP", 0).verdict is Outcome.UNREACHABLE
    with emulate(cluster) as lab:
        assert lab.send_all([probe])[0].verdict is Outcome.UNREACHABLE
        assert lab.send_all([probe])[0].verdict is Outcome.DELIVERED, "by the default route"


REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "sysctl", "ping", "root")
ASSERTIONS: dict[str, Callable[[], None]] = {
    "plugins": plugins, "proxy modes": proxy_modes, "old kernels": old_kernels,
    "cilium services": cilium_services,
    "sidecars": sidecars, "ebpf maps": ebpf_maps, "doors": doors,
    "answers for services": answers_for_services, "announcements": announcements,
    "cards": cards, "portless bridges": portless_bridges, "reverse path filter": reverse_path_filter,
    "redirects": redirects, "path mtu": path_mtu, "patience": patience, "fresh tables": fresh_tables,
    "first tunnel": first_tunnel, "rationed errors": rationed_errors, "overheard questions": overheard_questions,
    "dead routers": dead_routers}
ON_PAPER = ("plugins", "proxy modes", "cilium services", "sidecars", "ebpf maps", "doors", "old kernels",
            "answers for services", "announcements", "first tunnel")


def test_the_table_is_what_is_asserted() -> None:
    assert [row.name for row in table()] == list(ASSERTIONS)
    kinds = [row.kind for row in table()]
    assert [kinds.count(kind) for kind in (REFUSED, LAID_OUT, DIFFERS)] == [5, 11, 4], "a new row needs a row here"


@pytest.mark.parametrize("name", ON_PAPER)
def test_a_row(name: str) -> None:
    ASSERTIONS[name]()


@REAL
@pytest.mark.parametrize("name", [name for name in ASSERTIONS if name not in ON_PAPER])
def test_a_row_in_real_linux(name: str) -> None:
    ASSERTIONS[name]()
