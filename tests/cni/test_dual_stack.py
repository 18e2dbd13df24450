"""What the plugins write with IPv6: tables from FACTS 3, 4, 5 and 5.6, and the reference plugins beside ours."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from k8snet_course.addressing import CalicoBlocks
from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS, Settings, validate
from k8snet_course.errors import AddressesExhausted, CidrOverlap, InvalidArgument
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Verdict
from tests.cni.worlds import outer, real

DUAL = {"pod_cidr": "10.244.0.0/16,fd00:10:244::/56", "node_network": "192.168.1.0/24,fd00:192:168:1::/64"}
SIX = {"pod_cidr": "fd00:10:244::/56", "node_network": "fd00:192:168:1::/64"}
IPV6_PLUGINS = [name for name, plugin in PLUGINS.items() if plugin.ipv6]
REACHING = [name for name in IPV6_PLUGINS if name not in ("none", "bridge")]


def world(cni: str, **ranges: str) -> Cluster:
    """Pods a and b on node-1, c on node-2."""
    cluster = Cluster(nodes=2, cni=cni, **ranges)  # type: ignore[arg-type]
    for name, node in (("a", "node-1"), ("b", "node-1"), ("c", "node-2")):
        cluster.add_pod(name, node=node)
    return cluster


def six_of(rows: object) -> list[str]:
    """The lines about IPv6."""
    return [line for line in str(rows).splitlines() if "fd00" in line or "fe80" in line]


def address_of(cluster: Cluster, pod: str) -> str:
    """A pod's IPv6 address."""
    return next(ip for ip in cluster.pod(pod).ips if ":" in ip)


def test_which_plugins_know_ipv6() -> None:
    assert IPV6_PLUGINS == [
        "none",
        "bridge",
        "flannel",
        "flannel-host-gw",
        "calico",
        "calico-vxlan",
        "calico-bgp",
        "cilium",
        "cilium-native",
    ]


@pytest.mark.parametrize("cni", [name for name in PLUGINS if name not in IPV6_PLUGINS])
@pytest.mark.parametrize("ranges", [DUAL, SIX], ids=["dual", "six"])
def test_the_others_say_so(cni: str, ranges: dict[str, str]) -> None:
    with pytest.raises(
        InvalidArgument, match=f"expected an IPv4 pod_cidr for the plugin {cni}, which here knows no IPv6; write "
    ):
        Cluster(cni=cni, **ranges)  # type: ignore[arg-type]


# cni, MTU of pods and bytes of the tunnel (IPv4, IPv6) in a dual-stack and in an IPv6 cluster; what the tunnel runs between.
# FACTS 5.4, 5.6: VXLAN costs 50 bytes between IPv4 addresses and 70 between IPv6 ones; IPIP carries IPv4 alone.
TUNNELS = [
    ("flannel", (1430, 50, 70), (1430, 70), ":"),
    ("flannel-host-gw", (1500, 0, 0), (1500, 0), ""),
    ("calico", (1480, 20, 0), (1500, 0), ""),
    ("calico-vxlan", (1430, 50, 70), (1430, 70), ":"),
    ("calico-bgp", (1500, 0, 0), (1500, 0), ""),
    ("cilium", (1450, 50, 50), (1430, 70), "."),
    ("cilium-native", (1500, 0, 0), (1500, 0), ""),
]


def added(cluster: Cluster, dst: str) -> int:
    """How many bytes a tunnel adds on the way from a to this address."""
    trace = cluster.send("a", dst, port=None)
    assert trace.answered
    wrapped = [step.packet for _, step in trace.steps() if str(step.action) == "encapsulate"]
    if not wrapped:
        return 0
    inner = wrapped[0].carried
    assert inner is not None
    return wrapped[0].size - inner.size


def largest(cluster: Cluster, dst: str) -> int:
    """The largest packet from a that arrives in one piece."""
    header = 48 if ":" in dst else 28
    size = next(size for size in range(1600, 1000, -1) if cluster.send("a", dst, port=None, size=size - header).answered)
    assert cluster.send("a", dst, port=None, size=size + 1 - header).verdict is Verdict.TOO_BIG
    return size


@pytest.mark.parametrize(("cni", "dual", "six", "between"), TUNNELS, ids=[row[0] for row in TUNNELS])
def test_tunnels(cni: str, dual: tuple[int, int, int], six: tuple[int, int], between: str) -> None:
    cluster = world(cni, **DUAL)
    four, its = cluster.pod("c").ips
    assert (added(cluster, four), added(cluster, its)) == dual[1:]
    assert largest(cluster, four) == largest(cluster, its) == dual[0]
    if between:
        assert between in outer(cluster.send("a", its)).src
    alone = world(cni, **SIX)
    assert (largest(alone, alone.pod("c").ip), added(alone, alone.pod("c").ip)) == six
    plugin = alone._plugin
    assert (plugin.mtu, plugin.overhead) == six, "what the plugin says of itself"
    assert bool(plugin.encapsulation) is bool(plugin.overhead)


@pytest.mark.parametrize("cni", IPV6_PLUGINS)
@pytest.mark.parametrize("ranges", [DUAL, SIX], ids=["dual", "six"])
def test_every_interface_index_is_used_once(cni: str, ranges: dict[str, str]) -> None:
    links = world(cni, **ranges).node("node-1").links
    assert [link.index for link in links] == list(range(1, len(links) + 1))


# What tests of single plugins look at: lines of `ip -6 route` and `ip neigh` on node-1 and in a.  From memory of the plugins'
# code (flannel pkg/backend/vxlan, Calico cni-plugin and Felix, Cilium plugins/cilium-cni), in the form that iproute2 prints.
TABLES = {
    "flannel": (
        [
            "fd00:10:244:: dev flannel-v6.1 proto kernel metric 256 pref medium",
            "fd00:10:244::/64 dev cni0 proto kernel metric 256 pref medium",
            "fd00:10:244:1::/64 via fd00:10:244:1:: dev flannel-v6.1 metric 1024 onlink pref medium",
        ],
        [
            "fd00:10:244::/64 dev eth0 proto kernel metric 256 pref medium",
            "fd00:10:244::/56 via fd00:10:244::1 dev eth0 metric 1024 pref medium",
            "default via fd00:10:244::1 dev eth0 metric 1024 pref medium",
        ],
    ),
    "flannel-host-gw": (
        [
            "fd00:10:244::/64 dev cni0 proto kernel metric 256 pref medium",
            "fd00:10:244:1::/64 via fd00:192:168:1::3 dev eth0 metric 1024 pref medium",
        ],
        [
            "fd00:10:244::/64 dev eth0 proto kernel metric 256 pref medium",
            "fd00:10:244::/56 via fd00:10:244::1 dev eth0 metric 1024 pref medium",
            "default via fd00:10:244::1 dev eth0 metric 1024 pref medium",
        ],
    ),
    "calico": (
        [
            "fd00:10:244::8:77c4:2900/122 via fd00:192:168:1::3 dev eth0 proto bird metric 1024 pref medium",
            "fd00:10:244::8:77c4:29c0 dev cali278a92c3281 metric 1024 pref medium",
            "fd00:10:244::8:77c4:29c1 dev cali52ae1ff7a9f metric 1024 pref medium",
            "blackhole fd00:10:244::8:77c4:29c0/122 dev lo proto bird metric 1024 pref medium",
        ],
        [
            "fd00:10:244::8:77c4:29c0 dev eth0 proto kernel metric 256 pref medium",
            "default via fe80::ecee:eeff:feee:eeee dev eth0 metric 1024 pref medium",
        ],
    ),
    "calico-vxlan": (
        [
            (
                "fd00:10:244::8:77c4:2900/122 via fd00:10:244::8:77c4:2900 dev vxlan-v6.calico "
                "proto 80 metric 1024 onlink pref medium"
            ),
            "fd00:10:244::8:77c4:29c0 dev vxlan-v6.calico proto kernel metric 256 pref medium",
            "fd00:10:244::8:77c4:29c1 dev cali278a92c3281 metric 1024 pref medium",
            "fd00:10:244::8:77c4:29c2 dev cali52ae1ff7a9f metric 1024 pref medium",
            "blackhole fd00:10:244::8:77c4:29c0/122 dev lo proto 80 metric 1024 pref medium",
        ],
        [
            "fd00:10:244::8:77c4:29c1 dev eth0 proto kernel metric 256 pref medium",
            "default via fe80::ecee:eeff:feee:eeee dev eth0 metric 1024 pref medium",
        ],
    ),
    "cilium": (
        [
            "fd00:10:244::1 dev cilium_host proto kernel metric 256 pref medium",
            "fd00:10:244::/64 via fd00:10:244::1 dev cilium_host proto kernel src fd00:10:244::1 metric 1024 pref medium",
            (
                "fd00:10:244:1::/64 via fd00:10:244::1 dev cilium_host proto kernel src fd00:10:244::1 "
                "metric 1024 mtu 1450 pref medium"
            ),
        ],
        [
            "fd00:10:244::1 dev eth0 metric 1024 pref medium",
            "fd00:10:244::2 dev eth0 proto kernel metric 256 pref medium",
            "default via fd00:10:244::1 dev eth0 metric 1024 mtu 1450 pref medium",
        ],
    ),
}
UNDERLAY = [
    "fd00:192:168:1::/64 dev eth0 proto kernel metric 256 pref medium",
    "default via fd00:192:168:1::1 dev eth0 metric 1024 pref medium",
]


@pytest.mark.parametrize("cni", TABLES)
def test_routes(cni: str) -> None:
    cluster = world(cni, **DUAL)
    on_node, in_pod = TABLES[cni]
    assert six_of(cluster.node("node-1").routes) == on_node + UNDERLAY
    assert six_of(cluster.pod("a").routes) == in_pod


@pytest.mark.parametrize("cni", ["flannel", "calico-vxlan"])
def test_the_ipv6_tunnel_has_its_own_rows(cni: str) -> None:
    """A neighbour row and an FDB row for each other node, the FDB row with that node's IPv6 address."""
    node = world(cni, **DUAL).node("node-1")
    (neighbour,) = [row for row in node.neighbours if ":" in row.address]
    (row,) = [row for row in node.fdb if ":" in row.dst]
    assert (row.mac, row.dev, row.dst) == (neighbour.mac, neighbour.dev, "fd00:192:168:1::3")
    assert neighbour.dev == ("flannel-v6.1" if cni == "flannel" else "vxlan-v6.calico")


def test_the_order_of_families_does_not_change_the_tables() -> None:
    """Which family is primary decides about names and defaults only."""
    turned = ",".join(DUAL["pod_cidr"].split(",")[::-1])
    for cni in REACHING:
        one, other = world(cni, **DUAL), world(cni, pod_cidr=turned, node_network=DUAL["node_network"])
        assert other.pod("a").ips == one.pod("a").ips[::-1]
        for cluster in (one, other):
            cluster.send("a", "c")
        for name in ("node-1", "a"):
            mine, theirs = (cluster.node(name) if name == "node-1" else cluster.pod(name) for cluster in (one, other))
            assert str(mine.routes) == str(theirs.routes), cni


# -- CNI ---------------------------------------------------------------------------------------------------------------


def test_two_range_sets_and_two_addresses() -> None:
    cluster = world("bridge", **DUAL)
    config = validate(cluster.conflist("node-1"))
    assert config["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.0.0/24"}], [{"subnet": "fd00:10:244::/64"}]]
    result = cluster.cni_result("a")
    assert result["ips"] == [
        {"address": "10.244.0.2/24", "gateway": "10.244.0.1", "interface": 2},
        {"address": "fd00:10:244::2/64", "gateway": "fd00:10:244::1", "interface": 2},
    ]
    assert result["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.244.0.1"}, {"dst": "::/0", "gw": "fd00:10:244::1"}]


def test_old_versions_say_which_ip_version() -> None:
    ips = world("flannel", **DUAL).cni_result("a")["ips"]
    assert [ip["version"] for ip in ips] == ["4", "6"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("cni", IPV6_PLUGINS)
@pytest.mark.parametrize("ranges", [DUAL, SIX], ids=["dual", "six"])
def test_check_finds_everything_in_place(cni: str, ranges: dict[str, str]) -> None:
    cluster = world(cni, **ranges)
    validate(cluster.conflist("node-1"))
    assert cluster.cni_result("a")["ips"], "there is something to check"
    if tuple(map(int, cluster.conflist("node-1")["cniVersion"].split("."))) >= (0, 4, 0):  # type: ignore[attr-defined]
        assert not any(said.failed for said in cluster.cni_exchange("a", "CHECK"))


def test_range_sets_of_one_family_may_not_overlap() -> None:
    config = world("bridge", **DUAL).conflist("node-1")
    config["plugins"][0]["ipam"]["ranges"] = [[{"subnet": "fd00::/64"}], [{"subnet": "fd00::/64"}]]  # type: ignore[index]
    with pytest.raises(CidrOverlap):
        validate(config)


# -- Calico's pools ----------------------------------------------------------------------------------------------------


def test_block_sizes() -> None:
    """FACTS 5.4: /26 and /122 unless somebody asks; /20 to /32 and /116 to /128."""

    def blocks(**more: object) -> list[str]:
        cluster = Cluster(cni="calico-bgp", **DUAL, **more)  # type: ignore[arg-type]
        cluster.add_pod("a")
        return [row.dst for row in cluster.node("node-1").routes if row.kind]

    assert [block.rpartition("/")[2] for block in blocks()] == ["26", "122"]
    assert [block.rpartition("/")[2] for block in blocks(block_size=28, block_size_ipv6=124)] == ["28", "124"]
    assert blocks()[1] == CalicoBlocks("fd00:10:244::/56", 122).node("node-1").pool.cidr_of(
        _block(CalicoBlocks("fd00:10:244::/56", 122))
    )
    for wrong in ({"block_size": 19}, {"block_size": 33}, {"block_size_ipv6": 115}, {"block_size_ipv6": 129}):
        with pytest.raises(InvalidArgument, match="expected a block size from"):
            blocks(**wrong)


def _block(pool: CalicoBlocks) -> object:
    pool.node("node-1").allocate("x")
    (block,) = pool.owned("node-1")
    return block


def test_strict_affinity() -> None:
    """Blocks of four, a pool of two of them: the fifth pod of a node borrows, unless strict affinity forbids it."""
    ranges = {"pod_cidr": "10.244.0.0/29", "node_mask_size": 30, "block_size": 30}
    for strict, most in ((False, 5), (True, 4)):
        cluster = Cluster(nodes=2, cni="calico-bgp", strict_affinity=strict, **ranges)  # type: ignore[arg-type]
        cluster.add_pod("elsewhere", node="node-2")
        for number in range(most):
            cluster.add_pod(f"p{number}", node="node-1")
        if strict:
            with pytest.raises(AddressesExhausted):
                cluster.add_pod("one-more", node="node-1")


@pytest.mark.parametrize("cni", [name for name, plugin in PLUGINS.items() if not plugin.has_blocks])
@pytest.mark.parametrize("given", [{"block_size": 26}, {"block_size_ipv6": 122}, {"strict_affinity": True}])
def test_other_plugins_have_no_blocks(cni: str, given: dict[str, int]) -> None:
    with pytest.raises(InvalidArgument, match=f"no {next(iter(given))} for the plugin {cni}, "):
        Cluster(cni=cni, **given)  # type: ignore[arg-type]


def test_a_block_size_is_for_its_own_ip_version() -> None:
    with pytest.raises(InvalidArgument, match="block_size_ipv6 only where"):
        Cluster(cni="calico", block_size_ipv6=122)
    with pytest.raises(InvalidArgument, match="block_size only where"):
        Cluster(cni="calico", block_size=26, **SIX)  # type: ignore[arg-type]


# -- NAT ---------------------------------------------------------------------------------------------------------------


def test_rules_of_both_families() -> None:
    """flannel writes the same chain with ip6tables, with ff00::/8 for 224.0.0.0/4."""
    plugin = PLUGINS["flannel"](Settings(DUAL["pod_cidr"], DUAL["node_network"], 2))
    cluster = world("flannel", **DUAL)
    tables = plugin.node_tables(cluster.nodes[0], [], cluster._control.peers)
    assert len(tables.nat) == len(tables.nat6) == 7
    swap = {"10.244.0.0/16": "fd00:10:244::/56", "10.244.0.0/24": "fd00:10:244::/64", "224.0.0.0/4": "ff00::/8"}
    for four, six in zip(tables.nat, tables.nat6, strict=True):
        said = str(four)
        for old, new in swap.items():
            said = said.replace(old, new)
        assert said == str(six)


# cni, source that the internet sees from a pod over IPv4 and over IPv6 (Calico's IPv6 pools have no natOutgoing).
@pytest.mark.parametrize(
    ("cni", "masqueraded"),
    [
        ("flannel", True),
        ("flannel-host-gw", True),
        ("calico", False),
        ("calico-vxlan", False),
        ("calico-bgp", False),
        ("cilium", True),
        ("cilium-native", True),
    ],
)
def test_who_leaves_under_which_address(cni: str, masqueraded: bool) -> None:
    cluster = world(cni, **DUAL)
    trace = cluster.send("a", "2001:db8::9", port=80)
    assert trace.delivered and trace.answered is masqueraded
    seen = trace.hops[-1].steps[-1].packet
    assert seen.src == ("fd00:192:168:1::2" if masqueraded else address_of(cluster, "a"))
    assert cluster.send("a", "203.0.113.9", port=80).answered
    rules = cluster._plugin.node_tables(cluster.nodes[0], [], cluster._control.peers)
    assert not any("fd00" in str(rule) for rule in rules.nat), "iptables has nothing to say about IPv6"
    inside = cluster.send("a", address_of(cluster, "c"))
    assert not inside.nat, "between pods nothing is translated"


def test_host_ports_in_both_families() -> None:
    cluster = Cluster(cni="bridge", **DUAL)  # type: ignore[arg-type]
    cluster.add_pod("web", host_ports={8080: 80})
    for src, dst in (("192.168.1.10", "192.168.1.2"), ("fd00:192:168:1::a", "fd00:192:168:1::2")):
        trace = cluster.send("laptop", dst, port=8080)
        assert trace.answered and trace.packet.src == src and trace.hops[-1].label == "web"


# -- the reference plugins ---------------------------------------------------------------------------------------------


@pytest.mark.needs(
    "ip", "ping", "ip6tables-save", "/usr/lib/cni/bridge", "/usr/lib/cni/host-local", "/usr/lib/cni/portmap", "root"
)
def test_the_reference_plugins_agree(tmp_path: Path) -> None:
    """bridge, host-local and portmap with a dual-stack configuration: the same result, routes and IPv6 rules."""
    cluster = Cluster(cni="bridge", **DUAL)  # type: ignore[arg-type]
    cluster.add_pod("a", host_ports={8080: 80})
    cluster.add_pod("b")
    with real() as linux:
        linux.add("node", "a", "b")
        for pod in "ab":
            previous = None
            for said in cluster.cni_exchange(pod):
                request = json.loads(json.dumps(said.request))
                if previous is None:
                    request["ipam"]["dataDir"] = str(tmp_path)
                else:
                    request["prevResult"] = previous
                environment = {
                    **said.environment,
                    "CNI_NETNS": f"/var/run/netns/{linux.name(pod)}",
                    "CNI_PATH": "/usr/lib/cni",
                    "PATH": os.environ["PATH"],
                }
                done = subprocess.run(
                    ["ip", "netns", "exec", linux.name("node"), f"/usr/lib/cni/{request['type']}"],
                    input=json.dumps(request),
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout
                previous = json.loads(done.stdout)
            ours = cluster.cni_result(pod)
            assert previous is not None and (previous["ips"], previous["routes"]) == (ours["ips"], ours["routes"])
            printed = linux.ip(pod, "route").splitlines() + linux.ip(pod, "-6 route").splitlines()
            assert [line.strip() for line in printed if "fe80" not in line] == str(cluster.pod(pod).routes).splitlines()
            printed = [
                line.strip() for line in linux.ip(pod, "-6 address show dev eth0 scope global").splitlines() if "inet6" in line
            ]
            assert printed == [line.strip() for line in str(cluster.pod(pod).links).splitlines() if "inet6 fd00" in line]
        assert "ttl=64" in linux.ping("a", address_of(cluster, "b"))
        saved = linux.exec("node", "ip6tables-save -t nat").splitlines()
    kernel = sorted(line for line in saved if line.startswith("-A ") and "KUBE" not in line)
    ours6 = sorted(str(rule) for rule in cluster.namespace("node-1").rules6.rows("nat") if "KUBE" not in str(rule))
    assert ours6 == kernel
    assert any("--to-destination [fd00:10:244::2]:80" in line for line in kernel)


def test_a_packet_of_the_other_family_is_not_for_a_tunnel() -> None:
    """Both tunnels of flannel use UDP port 8472; the outer packet's IP version says whose it is."""
    ns = world("flannel", **DUAL).namespace("node-1")
    four = ns.tunnel_for(Packet("192.168.1.3", "192.168.1.2", "UDP", 40000, 8472))
    six = ns.tunnel_for(Packet("fd00:192:168:1::3", "fd00:192:168:1::2", "UDP", 40000, 8472))
    assert four is not None and six is not None
    assert (four.name, six.name) == ("flannel.1", "flannel-v6.1")
