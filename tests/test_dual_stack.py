"""IPv6 and dual stack through the front door: what a learner types, and what must hold whatever the plugin is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import errors
from k8snet_course.cluster import Cluster
from k8snet_course.faults import BlockedPort, ForwardingOff, MissingNeighbour, MissingRoute, WrongMtu
from k8snet_course.linux.trace import Verdict
from k8snet_course.ranges import Ranges
from k8snet_course.show.kubectl import get_pods
from tests.cni.test_dual_stack import DUAL, IPV6_PLUGINS, REACHING, SIX, address_of, world

TURNED: dict[str, Any] = {"pod_cidr": "fd00:10:244::/56,10.244.0.0/16", "node_network": DUAL["node_network"]}


def dual(cni: str = "flannel", **more: Any) -> Cluster:
    return world(cni, **DUAL, **more)


# -- what the cluster decides ------------------------------------------------------------------------------------------


def test_what_the_course_writes() -> None:
    cluster = Cluster(
        nodes=2,
        cni="flannel",
        pod_cidr="10.244.0.0/16,fd00:10:244::/56",
        node_network="192.168.1.0/24,fd00:192:168:1::/64",
        node_mask_size=24,
        node_mask_size_ipv6=64,
    )
    assert [(node.ips, node.pod_cidrs) for node in cluster.nodes] == [
        (("192.168.1.2", "fd00:192:168:1::2"), ("10.244.0.0/24", "fd00:10:244::/64")),
        (("192.168.1.3", "fd00:192:168:1::3"), ("10.244.1.0/24", "fd00:10:244:1::/64")),
    ]
    pod = cluster.add_pod("a")
    assert (pod.ip, pod.second_ip, pod.ips) == ("10.244.0.2", "fd00:10:244::2", ("10.244.0.2", "fd00:10:244::2"))
    assert str(pod) == "pod a 10.244.0.2 and fd00:10:244::2 on node-1"
    assert (cluster.pod("a").ips, cluster.node("node-1").pod_cidrs) == (pod.ips, ("10.244.0.0/24", "fd00:10:244::/64"))
    assert cluster.host("laptop").ips == ("192.168.1.10", "fd00:192:168:1::a")


def test_the_order_says_which_family_is_primary() -> None:
    cluster = world("flannel", **TURNED)
    assert cluster.nodes[0].ips == ("fd00:192:168:1::2", "192.168.1.2"), "the nodes follow the pods, whatever was written first"
    assert cluster.nodes[0].pod_cidr == "fd00:10:244::/64"
    assert cluster.send("a", "c").packet.dst == "fd00:10:244:1::2"
    assert cluster.send("a", "10.244.1.2").packet.src == "10.244.0.2"
    assert cluster.send("a", "localhost").packet.dst == "::1"


def test_nodes_may_have_a_family_that_pods_have_not() -> None:
    cluster = Cluster(nodes=2, cni="flannel", node_network="fd00:192:168:1::/64,192.168.1.0/24")
    assert cluster.nodes[0].ips == ("192.168.1.2", "fd00:192:168:1::2") and cluster.nodes[0].pod_cidrs == ("10.244.0.0/24",)
    for name, node in (("a", "node-1"), ("c", "node-2")):
        assert cluster.add_pod(name, node=node).second_ip == ""
    assert cluster.send("a", "c").answered
    assert cluster.send("node-1", "fd00:192:168:1::3", port=None).answered


def test_the_ipv6_numbers_run_like_the_ipv4_ones() -> None:
    """Block number n of both families goes to one node (FACTS 2: podCIDRs are aligned with the cluster CIDRs)."""
    cluster = Cluster(nodes=20, **DUAL)  # type: ignore[arg-type]
    for number, node in enumerate(cluster.nodes):
        assert node.pod_cidrs == (
            f"10.244.{number}.0/24",
            str(list(ip_network("fd00:10:244::/56").subnets(new_prefix=64))[number]),
        )
        first, second = map(ip_address, node.ips)
        assert int(first) & 0xFF == int(second) & 0xFF and not set(node.ips) & set(cluster.host("laptop").ips)


# -- what makes no cluster ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (errors.InvalidCidr, {"pod_cidr": "10.244.0.0/16,10.245.0.0/16", "node_network": DUAL["node_network"]}),
        (errors.InvalidCidr, {"pod_cidr": "fd00:1::/56,fd00:2::/56", "node_network": DUAL["node_network"]}),
        (errors.InvalidCidr, {"pod_cidr": "10.244.0.0/16,fd00:1::/56,fd00:2::/56", "node_network": DUAL["node_network"]}),
        (errors.InvalidCidr, {"pod_cidr": "10.244.0.0/16,", "node_network": DUAL["node_network"]}),
        (errors.InvalidCidr, {"pod_cidr": "10.244.0.0/16, fd00:1::/56", "node_network": DUAL["node_network"]}),
        (errors.InvalidCidr, {"pod_cidr": "fd00:10:244::1/56", "node_network": SIX["node_network"]}),
        (errors.InvalidCidr, {"pod_cidr": DUAL["pod_cidr"]}),
        (errors.InvalidCidr, {"pod_cidr": SIX["pod_cidr"]}),
        (errors.InvalidCidr, {"node_network": SIX["node_network"]}),
        (errors.InvalidCidr, {"pod_cidr": SIX["pod_cidr"], "node_network": "fd00::/126"}),
        (errors.InvalidCidr, {"node_network": "192.168.1.0/24,192.168.2.0/24"}),
        (errors.CidrOverlap, {"pod_cidr": "fd00:192:168::/48", "node_network": SIX["node_network"]}),
        (errors.CidrOverlap, {"pod_cidr": "10.244.0.0/16,fd00:192:168::/48", "node_network": DUAL["node_network"]}),
        (errors.InvalidArgument, {**DUAL, "node_mask_size_ipv6": 55}),
        (errors.InvalidArgument, {**DUAL, "node_mask_size_ipv6": 73}),  # more than 16 bits
        (errors.InvalidArgument, {**DUAL, "node_mask_size": 15}),
        (errors.InvalidArgument, {"node_mask_size_ipv6": 72}),
        (errors.InvalidArgument, {**SIX, "node_mask_size": 70, "node_mask_size_ipv6": 72}),
        (errors.InvalidArgument, {"pod_cidr": "fd00:10:244::/65", "node_network": SIX["node_network"]}),
        (errors.AddressesExhausted, {**DUAL, "nodes": 3, "pod_cidr": "10.244.0.0/16,fd00:10:244::/63"}),
    ],
)
def test_what_makes_no_cluster(kind: type[errors.CourseError], arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.CourseError) as caught:
        Cluster(**arguments)
    assert type(caught.value) is kind, caught.value
    assert "; " in str(caught.value) and str(caught.value).endswith("."), "one sentence with the way to mend it"


@pytest.mark.parametrize(
    ("given", "masks"),
    [
        (("10.244.0.0/16", "192.168.1.0/24"), (24,)),
        (("10.244.0.0/16", "192.168.1.0/24", 26), (26,)),
        (("fd00:10:244::/56", "fd00:192:168:1::/64"), (64,)),
        (("fd00:10:244::/56", "fd00:192:168:1::/64", 60), (60,)),  # --node-cidr-mask-size is for the one family that there is
        (("fd00:10:244::/56", "fd00:192:168:1::/64", 24, 62), (62,)),
        (("10.244.0.0/16,fd00:10:244::/56", "192.168.1.0/24,fd00:192:168:1::/64", 25, 60), (25, 60)),
        (("fd00:10:244::/56,10.244.0.0/16", "192.168.1.0/24,fd00:192:168:1::/64", 25, 60), (60, 25)),
    ],
)
def test_node_mask_sizes(given: tuple[Any, ...], masks: tuple[int, ...]) -> None:
    assert Ranges.of(*given).masks == masks


# -- everybody reaches everybody ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cni", REACHING)
@pytest.mark.parametrize("ranges", [DUAL, TURNED, SIX], ids=["dual", "turned", "six"])
def test_any_pod_reaches_any_pod_in_both_families(cni: str, ranges: dict[str, str]) -> None:
    cluster = Cluster(nodes=3, cni=cni, **ranges)  # type: ignore[arg-type]
    for number in range(7):
        cluster.add_pod(f"p{number}")

    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(0, 6),
        st.integers(0, 6),
        st.integers(0, len(cluster.pods[0].ips) - 1),
        st.sampled_from(["TCP", "ICMP"]),
        st.integers(0, 1200),
    )
    def walk(a: int, b: int, family: int, protocol: str, size: int) -> None:
        src, dst = cluster.pods[a], cluster.pods[b]
        trace = cluster.send(src.name, dst.ips[family], protocol=protocol, size=size)
        assert trace.answered, trace
        arrived = trace.hops[-1].steps[-1].packet
        assert (arrived.src, arrived.dst) == (src.ips[family] if a != b else dst.ips[family], dst.ips[family]), (
            "no NAT between pods"
        )
        assert trace.reply is not None and trace.reply.hops[-1].device == src.key

    walk()


@pytest.mark.parametrize("cni", REACHING)
def test_nodes_and_pods(cni: str) -> None:
    cluster = dual(cni)
    for node in cluster.nodes:
        for ip in cluster.pod("a").ips:
            assert cluster.send(node.name, ip).answered
        for ip in node.ips:
            assert cluster.send("a", ip, port=None).answered


# FACTS 5.2, 16b: TTL at arrival; the hop limit falls at the same routers.
@pytest.mark.parametrize(
    ("cni", "near", "far"),
    [
        ("flannel", 64, 62),
        ("flannel-host-gw", 64, 62),
        ("calico", 63, 62),
        ("calico-vxlan", 63, 62),
        ("calico-bgp", 63, 62),
        ("cilium", 63, 63),
        ("cilium-native", 63, 62),
    ],
)
def test_hop_limits(cni: str, near: int, far: int) -> None:
    cluster = dual(cni)
    for family in (0, 1):
        seen = [cluster.send("a", cluster.pod(dst).ips[family], port=None).hops[-1].steps[-1].packet.ttl for dst in "bc"]
        assert seen == [near, far]


def test_the_opening_problem_is_the_same() -> None:
    """cni="none": both nodes give out the same addresses, in both families."""
    cluster = dual("none")
    assert cluster.pod("a").ips == cluster.pod("c").ips
    assert cluster.send("a", "c").verdict is Verdict.ADDRESS_CONFLICT
    bridged = dual("bridge")
    assert [bridged.send("a", ip).verdict for ip in bridged.pod("c").ips] == [Verdict.NO_ROUTE] * 2


def test_reachability_in_both_families() -> None:
    cluster = dual()
    assert cluster.reachability().ok and cluster.reachability(family="IPv4").ok and cluster.reachability(family="IPv6").ok
    cluster.inject(MissingRoute("node-1", "fd00:10:244:1::/64"))
    assert cluster.reachability(family="IPv4").ok
    broken = cluster.reachability(family="IPv6")
    assert broken.between("a", "c").result == "no_route" and broken.between("a", "b").result == "ok"
    assert broken.between("c", "a").result == "reply no_route"
    with pytest.raises(errors.InvalidArgument, match="expected an IP version that pods have: IPv4 or IPv6"):
        cluster.reachability(family="IPv5")
    with pytest.raises(errors.InvalidArgument, match="expected an IP version that pods have: IPv4; "):
        Cluster().reachability(family="IPv6")


# -- pods come and go --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cni", IPV6_PLUGINS)
@pytest.mark.parametrize("ranges", [DUAL, SIX], ids=["dual", "six"])
def test_pods_come_and_go(cni: str, ranges: dict[str, str]) -> None:
    cluster = Cluster(nodes=2, cni=cni, **ranges)  # type: ignore[arg-type]
    empty, left = dict(cluster._control.holders), {}
    for _ in range(3):
        cluster.add_pod("a", node="node-1")
        gone = cluster.add_pod("b", node="node-1")
        assert all(cluster.send("a", ip).answered for ip in gone.ips)
        cluster.delete("pod", "b")
        assert not any(cluster.send("a", ip).delivered for ip in gone.ips)
        assert not any(row.address in gone.ips for row in cluster.node("node-1").neighbours), "nobody remembers it"
        cluster.delete("pod", "a")
    if cni in ("none", "bridge", "flannel", "flannel-host-gw"):  # cni0 stays, with the gateways' addresses
        gateways = ["10.244.0.1", "fd00:10:244::1"][-len(gone.ips):]
        left = dict.fromkeys(gateways, ("node-1",))
    assert cluster._control.holders == empty | left


@pytest.mark.parametrize("short", [0, 1])
def test_a_full_range_changes_nothing(short: int) -> None:
    """When one family has no address left, none is taken from the other."""
    masks = ({"node_mask_size": 30}, {"node_mask_size_ipv6": 126})[short]
    cidrs = ("10.244.0.0/28,fd00:10:244::/56", "10.244.0.0/16,fd00:10:244::/120")[short]
    cluster = Cluster(cni="bridge", pod_cidr=cidrs, node_network=DUAL["node_network"], **masks)  # type: ignore[arg-type]
    made = (1, 2)[short]  # FACTS 4: a /30 has one address for pods; a /126 has two, for IPv6 has no broadcast address
    for number in range(made):
        cluster.add_pod(f"p{number}")
    state = cluster._control.nodes["node-1"]
    assert state.second_ipam is not None
    assert (state.ipam.used, state.second_ipam.used) == (made, made)
    before = state.ipam.last_reserved, state.second_ipam.last_reserved
    with pytest.raises(errors.AddressesExhausted):
        cluster.add_pod("again")
    assert (state.ipam.last_reserved, state.second_ipam.last_reserved) == before
    cluster.delete("pod", "p0")
    assert cluster.add_pod("again").ips


POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}}}\nspec: {{nodeName: node-1, containers: [{{name: x, image: nginx}}]}}\n"
)


@pytest.mark.parametrize("cni", ["flannel", "calico-vxlan", "cilium"])
def test_a_manifest_that_fails_is_undone_in_both_families(cni: str) -> None:
    cluster, other = dual(cni), dual(cni)
    wrong = POD.format("x") + "---\n" + POD.format("y").replace("node-1", "node-9")
    with pytest.raises(errors.CourseError):
        cluster.apply(wrong)
    for each in (cluster, other):
        each.apply(POD.format("z"))
    assert cluster.pod("z").ips == other.pod("z").ips and str(cluster) == str(other)
    assert str(cluster.node("node-1").links) == str(other.node("node-1").links)


def test_a_pod_in_its_nodes_network() -> None:
    cluster = dual()
    agent = cluster.add_pod("agent", node="node-2", host_network=True)
    assert agent.ips == cluster.nodes[1].ips
    assert all(cluster.send("a", ip, port=80).answered for ip in agent.ips)


@pytest.mark.parametrize(
    ("listen", "four", "six"),
    [("80", True, True), ("0.0.0.0:80", True, False), ("[::]:80", True, True), ("[::1]:80", False, False)],
)
def test_what_programs_listen_on(listen: str, four: bool, six: bool) -> None:
    cluster = dual()
    cluster.add_pod("web", node="node-1", listen=listen)
    assert [cluster.send("a", ip).answered for ip in cluster.pod("web").ips] == [four, six]
    assert cluster.send("web", "::1").answered is (listen != "0.0.0.0:80")


# -- faults ------------------------------------------------------------------------------------------------------------


def test_faults_of_one_family_leave_the_other() -> None:
    cluster = dual()
    four, six = cluster.pod("c").ips
    for fault, verdicts in (
        (MissingRoute("node-1", "10.244.1.0/24"), (Verdict.NO_ROUTE, Verdict.DELIVERED)),
        (MissingRoute("node-1", "fd00:10:244:1::/64"), (Verdict.DELIVERED, Verdict.NO_ROUTE)),
        (MissingNeighbour("node-1", "fd00:10:244:1::"), (Verdict.DELIVERED, Verdict.NO_NEIGHBOUR)),
        (WrongMtu("node-1", "cni0", 1279), (Verdict.DELIVERED, Verdict.NO_ROUTE)),
        (ForwardingOff("node-1"), (Verdict.NO_ROUTE, Verdict.NO_ROUTE)),
        (BlockedPort("c", "TCP", 80), (Verdict.DENIED_INGRESS, Verdict.DENIED_INGRESS)),
    ):
        cluster.inject(fault)
        assert (cluster.send("a", four).verdict, cluster.send("a", six).verdict) == verdicts, fault
        cluster.repair(fault)
        assert cluster.send("a", four).answered and cluster.send("a", six).answered


def test_an_interface_that_is_too_narrow_has_no_ipv6() -> None:
    """RFC 8200, section 5; Linux 6.18 takes the addresses and the routes away, and keeps those of IPv4."""
    cluster = dual()
    cluster.inject(WrongMtu("a", "eth0", 1279))
    links, routes = str(cluster.pod("a").links), str(cluster.pod("a").routes)
    assert "inet 10.244.0.2/24" in links and "inet6 fd00" not in links and "fd00" not in routes
    assert cluster.send("a", "c").answered and not cluster.send("a", address_of(cluster, "c")).delivered


def test_too_big_comes_back_as_icmpv6() -> None:
    cluster = dual("flannel-host-gw")
    cluster.inject(WrongMtu("node-1", "eth0", 1400))
    trace = cluster.send("a", address_of(cluster, "c"), port=None, size=1400)
    assert trace.verdict is Verdict.TOO_BIG and trace.reply is not None and trace.reply.delivered
    assert trace.reply.packet.protocol == "ICMPv6" and trace.reply.packet.kind == "packet too big, mtu 1400"


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_kubectl_shows_the_primary_address() -> None:
    for ranges, address in ((DUAL, "10.244.0.2"), (TURNED, "fd00:10:244::2")):
        assert f" {address} " in get_pods(world("flannel", **ranges)).splitlines()[1]


def test_the_words_of_a_trace_are_those_of_ipv6() -> None:
    text = str(dual().send("a", "fd00:10:244:1::2", port=None))
    assert "hop limit: 64 -> 63" in text and "neighbour solicitation" in text and "ICMPv6 echo request" in text
    assert not any(word in text for word in ("TTL", "ARP", "everybody", "who has"))


@pytest.mark.parametrize("cni", IPV6_PLUGINS)
@pytest.mark.parametrize("ranges", [DUAL, TURNED, SIX], ids=["dual", "turned", "six"])
def test_pictures_and_tables_can_be_made(cni: str, ranges: dict[str, str]) -> None:
    from k8snet_course.show.challenge import questions
    from k8snet_course.show.drawing import area
    from k8snet_course.show.layout import layout
    from k8snet_course.show.picture import draw
    from k8snet_course.show.text import cluster_text

    cluster = world(cni, **ranges)
    for ip in cluster.pod("c").ips:
        trace = cluster.send("a", ip)
        assert draw(cluster, trace).svg.startswith("<svg") and len(questions(trace)) == len(list(trace.steps()))
        for box in layout(cluster, trace).boxes:
            for label in box.labels if box.kind != "port" else ():
                left, _, right, _ = area(label)
                assert box.x <= left + 4 and right - 4 <= box.x + box.width, (box.device, box.link, label.text)
    assert all(ip in cluster_text(cluster) for ip in cluster.nodes[0].ips)


# -- what stays as it was ----------------------------------------------------------------------------------------------


def test_ipv4_says_nothing_of_ipv6() -> None:
    for cni in IPV6_PLUGINS:
        cluster = world(cni)
        trace = cluster.send("a", "c")
        said = "\n".join(
            [str(cluster), str(trace), str(cluster.conflist("node-1")), str(cluster.cni_result("a"))]
            + [
                str(getattr(device, what))
                for device in (cluster.node("node-1"), cluster.pod("a"), cluster.host("router"))
                for what in ("links", "routes", "neighbours", "listeners", "__str__")
            ]
        )
        assert "inet6" not in said and "::" not in said and "fd00" not in said and "hop limit" not in said, cni
