"""Where real Linux and the model once disagreed: each case as small as it gets, asked of the model alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import emulate
from k8snet_course.emulator.agreement import disagreements
from k8snet_course.emulator.lab import Wanted
from k8snet_course.faults import BridgeNetfilterOff, ForwardingOff, MissingRoute, WrongMtu, WrongRoute
from k8snet_course.linux.trace import Verdict

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "nft", "root")


def agreed(cluster: Cluster, probes: Sequence[Wanted]) -> None:
    """Ask real Linux the same."""
    found = disagreements(cluster, probes)
    assert not found, "\n".join(map(str, found))


def test_an_answer_that_ends_at_a_stranger_is_no_answer() -> None:
    """cni=none: a and b have one address.  a goes through node-2's node port; node-2 takes the answer's way home to b."""
    cluster = Cluster(nodes=2, cni="none")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    cluster.add_pod("web", node="node-2", labels={"app": "web"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "nodePort": 30080}]}})
    assert cluster.pod("a").ip == cluster.pod("b").ip
    trace = cluster.send("a", "node-2", port=30080)
    assert trace.verdict is Verdict.DELIVERED and trace.reply is not None
    assert not trace.reply.delivered and trace.reply.hops[-1].label == "b"
    assert not trace.answered


def test_a_node_that_forwards_nothing_answers_for_nobody() -> None:
    """Linux answers in another's name (proxy ARP) only where it forwards: Calico's pods then have no gateway."""
    cluster = Cluster(cni="calico-bgp")
    cluster.add_pod("a")
    assert cluster.send("a", "node-1", port=None).answered
    cluster = Cluster(cni="calico-bgp")
    cluster.add_pod("a")
    cluster.inject(ForwardingOff("node-1"))
    trace = cluster.send("a", "node-1", port=None)
    assert trace.verdict is Verdict.NO_NEIGHBOUR and trace.hops[-1].label == "a"


def test_an_error_about_a_packet_that_two_nodes_rewrote_finds_its_way_home() -> None:
    """node-2 rewrites the source, node-1 the destination: on the way back node-1 has to undo its part, or node-2 cannot."""
    cluster = Cluster(nodes=2, cni="flannel-host-gw")
    cluster.add_pod("a", node="node-2")
    cluster.add_pod("web", node="node-1", labels={"app": "web"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "externalTrafficPolicy": "Local", "selector": {"app": "web"},
                            "ports": [{"port": 53, "protocol": "UDP", "nodePort": 30053}]}})
    trace = cluster.send("a", "node-1", port=30053, protocol="UDP")
    assert trace.verdict is Verdict.REFUSED and trace.reply is not None
    assert trace.reply.delivered and trace.reply.hops[-1].label == "a"
    told = trace.reply.hops[-1].steps[-1].packet
    assert told.src == "192.168.1.2" and told.about is not None
    assert (told.about.src, told.about.dst, told.about.dst_port) == (cluster.pod("a").ip, "192.168.1.2", 30053)


@REAL
def test_a_packet_that_comes_back_to_its_sender_is_taken_for_forged() -> None:
    """Found by hypothesis.  node-1 has no bridge yet, and hands what is for its pods back to node-3, where it came from."""
    cluster = Cluster(3, "flannel-host-gw")
    cluster.add_pod("p0", "node-2")
    cluster.inject(WrongRoute("node-1", "default", "192.168.1.4"))
    trace = cluster.send("node-3", "10.244.0.200", port=None)
    assert not trace.answered and trace.hops[-1].label == "node-3" and "forged" in trace.reason
    agreed(cluster, [("node-3", "10.244.0.200", None, "ICMP"), ("node-2", "10.244.0.200", None, "ICMP"),
                     ("node-1", "10.244.0.200", 53, "UDP")])


SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
           "spec": {"selector": {"app": "b"}, "ports": [{"port": 80}]}}


@REAL
def test_a_packet_that_a_service_sends_back_over_the_same_bridge_keeps_its_ttl() -> None:
    """br_netfilter hands it back to the bridge: nobody routes it.  Where nobody may, Linux 6.18 drops it all the same."""
    for cni, forwarding in (("flannel", True), ("bridge", False), ("weave", True)):
        cluster = Cluster(cni=cni)
        cluster.add_pod("a")
        cluster.add_pod("b", labels={"app": "b"})
        cluster.apply(SERVICE)
        if not forwarding:
            cluster.inject(ForwardingOff("node-1"))
        trace = cluster.send("a", "web")
        assert trace.answered is forwarding
        assert not forwarding or trace.hops[-1].steps[-1].packet.ttl == 64
        agreed(cluster, [(one, "web", port, "TCP") for one in ("a", "b", "node-1") for port in (80, 81)])


@REAL
def test_a_node_without_a_route_asks_no_rules() -> None:
    """Linux looks for a route before it asks OUTPUT: the node cannot reach its own Service, its pods can."""
    cluster = Cluster(cni="flannel")
    cluster.add_pod("a")
    cluster.add_pod("b", labels={"app": "b"})
    cluster.apply(SERVICE)
    cluster.inject(MissingRoute("node-1", "default"))
    assert not cluster.send("node-1", "web").answered and cluster.send("a", "web").answered
    agreed(cluster, [("node-1", "web", 80, "TCP"), ("a", "web", 80, "TCP")])


@REAL
def test_weaves_policies_see_a_bridges_packets_only_if_they_are_shown_to_rules() -> None:
    cluster = Cluster(cni="weave", nodes=2)
    for name, node in (("a", 1), ("b", 1), ("c", 2)):
        cluster.add_pod(name, f"node-{node}")
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
                   "spec": {"podSelector": {}}})
    cluster.inject(BridgeNetfilterOff("node-1"))
    verdicts = [cluster.send(*pair).verdict for pair in (("a", "b"), ("c", "b"), ("a", "c"), ("laptop", "b"))]
    assert verdicts == [Verdict.DELIVERED, Verdict.DELIVERED, Verdict.DENIED_INGRESS, Verdict.NO_ROUTE]
    agreed(cluster, [(one, other, port, protocol) for one in ("a", "b", "c", "node-1") for other in ("a", "b", "c")
                     for port, protocol in ((80, "TCP"), (None, "ICMP"))])


@REAL
def test_of_two_networks_with_one_first_address_the_longer_prefix_is_printed_first() -> None:
    for cni, first, second in (("flannel", "10.244.0.0/24", "10.244.0.0/16"), ("weave", "default", "10.32.0.0/12")):
        cluster = Cluster(cni=cni)
        cluster.add_pod("a")
        with emulate(cluster) as lab:
            linux = [line.strip() for line in lab.exec("a", "ip route").splitlines()]
        assert linux == str(cluster.pod("a").routes).splitlines()
        assert [line.split()[0] for line in linux][-2:] == [first, second]


@REAL
def test_connection_tracking_sees_the_first_packet_that_a_bridge_sends_on() -> None:
    """Found by hypothesis.  p0 answers by way of its node, which has seen the question go from port to port: so it knows it."""
    cluster = Cluster(2, "flannel-host-gw")
    cluster.add_pod("p0", "node-2", labels={"app": "b"})
    cluster.add_pod("p3", "node-2")
    cluster.apply(SERVICE)
    cluster.inject(WrongRoute("p0", "10.244.1.0/24", "192.168.1.3"))
    assert cluster.send("p3", "p0").answered
    agreed(cluster, [("p3", "p0", 80, "TCP"), ("p3", "p0", 81, "TCP"), ("p0", "p3", 80, "TCP")])


@REAL
def test_a_routes_own_mtu_counts_for_its_sender() -> None:
    """Found by hypothesis: Cilium writes the MTU into the pods' default route."""
    cluster = Cluster(1, "cilium")
    cluster.add_pod("p0")
    agreed(cluster, [("p0", "router", None, "ICMP", size) for size in (1422, 1423, 1432)])


@REAL
def test_a_packet_that_is_too_large_does_not_even_get_to_an_ebpf_program() -> None:
    """Found by hypothesis: the interface that leads to the program has an MTU like any other."""
    cluster = Cluster(1, "cilium")
    cluster.add_pod("p0")
    assert cluster.send("node-1", "10.244.0.200", port=None, size=3000).verdict is Verdict.TOO_BIG
    agreed(cluster, [("node-1", "10.244.0.200", None, "ICMP", 3000), ("node-1", "10.244.0.200", None, "ICMP", 1000),
                     ("node-1", "p0", None, "ICMP", 3000), ("node-1", "p0", 53, "UDP", 3000)])


@REAL
def test_two_services_that_want_one_external_ip() -> None:
    """Found by hypothesis: a map of nftables takes no second answer to the same question, so the first Service has it."""
    cluster = Cluster(1, "bridge", proxy="nftables")
    for name in ("p0", "p1"):
        cluster.add_pod(name, labels={"app": name})
    for name in ("p0", "p1"):
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"for-{name}"}, "spec": {
            "selector": {"app": name}, "ports": [{"port": 80}], "externalIPs": ["198.51.100.7"]}})
    assert cluster.proxy_text("node-1").count("198.51.100.7 . tcp . 80") == 1
    agreed(cluster, [(one, "198.51.100.7", 80, "TCP") for one in ("p0", "p1", "node-1")])


@REAL
@pytest.mark.parametrize("ranges", [("10.244.0.0/16", "192.168.1.0/24"), ("fd00:10:244::/56", "fd00:192:168:1::/64")])
def test_tcp_is_not_told_that_a_services_pod_is_nowhere(ranges: tuple[str, str]) -> None:
    """Found by a sweep in IPv6: the Service's address has a way, the pod's has none.  UDP is told, and TCP tries again."""
    cluster = Cluster(1, "calico-bgp", pod_cidr=ranges[0], node_network=ranges[1])
    pod = cluster.add_pod("p0", labels={"app": "x"}, listen=(80, "53/UDP"))
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s0"}, "spec": {
        "selector": {"app": "x"}, "ports": [{"name": "t", "port": 80}, {"name": "u", "port": 53, "protocol": "UDP"}]}})
    cluster.inject(MissingRoute("node-1", pod.ip))
    agreed(cluster, [("node-1", target, port, protocol) for target in (cluster.services[0].cluster_ip, pod.ip)
                     for port, protocol in ((80, "TCP"), (53, "UDP"))])


@REAL
def test_nobody_is_asked_for_the_mac_address_of_a_packet_that_is_not_let_in() -> None:
    """Found by hypothesis: the sender hears nothing of a policy, even where the way behind it leads nowhere."""
    cluster = Cluster(1, "calico-bgp")
    for name in ("p0", "p1"):
        cluster.add_pod(name)
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
                   "spec": {"podSelector": {}}})
    cluster.inject(WrongRoute("node-1", cluster.pod("p1").ip, "192.168.1.1"))
    trace = cluster.send("p0", "p1")
    assert trace.verdict is Verdict.DENIED_INGRESS and trace.reply is None
    agreed(cluster, [("p0", "p1", 80, "TCP"), ("p0", "p1", None, "ICMP"), ("node-1", "p1", 80, "TCP")])


@REAL
def test_tcp_is_told_that_nobody_answers_for_a_services_pod() -> None:
    """Found by a sweep: unlike a missing way, a missing neighbour is reported by ICMP, also for a rewritten packet."""
    cluster = Cluster(2, "none")
    cluster.add_pod("p0", "node-1", labels={"app": "x"})
    cluster.add_pod("p1", "node-1", labels={"app": "x"})
    cluster.add_pod("p2", "node-2")
    cluster.delete("pod", "p0")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s0"}, "spec": {
        "selector": {"app": "x"}, "ports": [{"port": 80}]}})
    agreed(cluster, [("node-2", "s0", 80, "TCP"), ("node-1", "s0", 80, "TCP")])


@REAL
@pytest.mark.parametrize("ranges", [("10.244.0.0/16", "192.168.1.0/24"), ("fd00:10:244::/56", "fd00:192:168:1::/64")])
def test_a_bridge_gets_a_packet_back_without_forwarding_in_ipv6_only(ranges: tuple[str, str]) -> None:
    """Found by a sweep in IPv6."""
    cluster = Cluster(1, "bridge", pod_cidr=ranges[0], node_network=ranges[1])
    cluster.add_pod("p0")
    cluster.add_pod("p1", labels={"app": "x"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s0"}, "spec": {
        "selector": {"app": "x"}, "ports": [{"port": 80}]}})
    cluster.inject(ForwardingOff("node-1"))
    assert cluster.send("p0", "s0").answered == (":" in ranges[0])
    agreed(cluster, [("p0", "s0", 80, "TCP"), ("p1", "s0", 80, "TCP")])


@REAL
def test_a_route_in_a_blackholes_place_leads_to_its_routers_wire() -> None:
    """Found by hypothesis: `ip route replace` needs no interface where the router is on a wire."""
    cluster = Cluster(1, "calico-bgp")
    cluster.add_pod("p0")
    block = next(row.dst for row in cluster.node("node-1").routes if row.kind == "blackhole")
    cluster.inject(WrongRoute("node-1", block, "192.168.1.1"))
    assert [str(row) for row in cluster.node("node-1").routes if row.dst == block] == [f"{block} via 192.168.1.1 dev eth0"]
    agreed(cluster, [("p0", "10.244.41.200", 80, "TCP"), ("node-1", "10.244.41.200", None, "ICMP"),
                     ("p0", "node-1", 80, "TCP")])


@REAL
def test_an_error_about_an_unknown_connection_is_invalid() -> None:
    """Found by a sweep: node-2 tells of a closed port by way of node-4, whose rules drop what it knows nothing of."""
    cluster = Cluster(4, "bridge")
    cluster.add_pod("p0", "node-3", labels={"app": "x"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s0"}, "spec": {
        "selector": {"app": "x"}, "ports": [{"port": 80}]}})
    cluster.inject(WrongRoute("node-2", "192.168.1.0/24", "192.168.1.5"))
    trace = cluster.send("node-3", "node-2", 53, "UDP")
    assert trace.verdict is Verdict.REFUSED and trace.reply is not None
    assert (trace.reply.verdict, trace.reply.hops[-1].label) == (Verdict.DENIED_INGRESS, "node-4")
    assert "--ctstate INVALID" in trace.reply.reason
    agreed(cluster, [("node-3", "node-2", 53, "UDP"), ("laptop", "node-2", 53, "UDP"), ("node-4", "node-2", 53, "UDP")])


@REAL
def test_a_refusal_by_a_rule_is_lost_the_same_way() -> None:
    """Found by a sweep."""
    cluster = Cluster(3, "bridge", load_balancer="192.168.1.240/28")
    cluster.add_pod("p0", "node-3")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s0"}, "spec": {
        "type": "NodePort", "selector": {"app": "y"}, "ports": [{"port": 80, "nodePort": 31663}]}})
    cluster.inject(WrongRoute("node-1", "192.168.1.0/24", "192.168.1.3"))
    agreed(cluster, [("node-3", "node-1", 31663, "TCP"), ("laptop", "node-1", 31663, "TCP")])


@REAL
@pytest.mark.parametrize("broken", [True, False])
def test_pieces_travel_each_in_a_packet_of_the_tunnel(broken: bool) -> None:
    """Found by a sweep: what was cut for the tunnel comes out of it in pieces, which a bridge's port takes."""
    cluster = Cluster(2, "weave")
    cluster.add_pod("p0", "node-1")
    if broken:
        cluster.inject(BridgeNetfilterOff("node-1"))
    trace = cluster.send("node-2", "p0", 80, "UDP", size=3000)
    assert trace.verdict is Verdict.REFUSED
    agreed(cluster, [("node-2", "p0", 80, "UDP", size) for size in (1340, 1348, 1349, 1352, 3000)])


@REAL
def test_a_program_of_ebpf_has_the_source_address_of_its_interface() -> None:
    """Found by a sweep: the lab's own mistake, where the route to the program has lost its source address."""
    cluster = Cluster(2, "cilium")
    cluster.add_pod("p0", "node-1")
    cluster.inject(WrongRoute("node-1", "10.244.0.0/24", "192.168.1.3"))
    agreed(cluster, [("node-1", "p0", 80, "TCP"), ("node-1", "p0", 53, "UDP")])


@REAL
@pytest.mark.parametrize(("ranges", "told"), [(("10.244.0.0/16", "192.168.1.0/24"), False),
                                              (("fd00:10:244::/56", "fd00:192:168:1::/64"), True)])
def test_ipv6_tells_of_a_missing_route_where_nothing_is_forwarded(ranges: tuple[str, str], told: bool) -> None:
    """Found by a sweep: IPv6 looks for a route before it asks whether it may forward, IPv4 after."""
    cluster = Cluster(1, "bridge", pod_cidr=ranges[0], node_network=ranges[1])
    cluster.add_pod("p0")
    cluster.inject(ForwardingOff("router"))
    lost = "fd00:99::1" if told else "10.99.0.1"
    trace = cluster.send("node-1", lost)
    assert (trace.verdict, trace.reply is not None) == (Verdict.NO_ROUTE, told)
    outside = "2001:db8::9" if told else "203.0.113.9"
    assert "does not forward" in cluster.send("node-1", outside).reason, "there is a route"
    agreed(cluster, [("node-1", lost, 53, "UDP"), ("laptop", lost, None, "ICMP"), ("node-1", outside, 53, "UDP")])


@REAL
def test_an_error_about_what_was_not_sent_is_nobodys() -> None:
    """Found by a sweep: node-1 sends p1's datagram back to p1's node, which tells p1 directly that nobody listens there."""
    cluster = Cluster(3, "calico-bgp", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    cluster.add_pod("p0", "node-3", labels={"app": "x"}, host_network=True, listen=(80,))
    cluster.add_pod("p1", "node-3")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s0"}, "spec": {
        "type": "NodePort", "selector": {"app": "x"}, "externalTrafficPolicy": "Local", "ports": [
            {"port": 80, "targetPort": 53, "protocol": "UDP", "nodePort": 30251}]}})
    trace = cluster.send("p1", "node-1", 30251, "UDP")
    assert trace.verdict is Verdict.REFUSED and trace.reply is not None and not trace.reply.delivered
    assert "an error about a packet it has not sent is nobody's" in trace.reply.reason
    agreed(cluster, [("p1", "node-1", 30251, "UDP"), ("laptop", "node-1", 30251, "UDP"), ("p1", "node-3", 30251, "UDP")])


@REAL
def test_no_card_with_a_small_mtu_answers_in_ipv6() -> None:
    """Found by a sweep: Linux takes the address away, and nobody has it."""
    cluster = Cluster(2, "bridge", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    cluster.inject(WrongMtu("node-1", "eth0", 1000))
    assert cluster.send("laptop", "node-1").verdict is Verdict.NO_NEIGHBOUR
    agreed(cluster, [("laptop", "node-1", 80, "TCP"), ("node-2", "node-1", None, "ICMP")])


@REAL
def test_in_ipv6_the_sender_of_datagrams_is_told_the_mtu() -> None:
    """Found by a sweep: no router cuts them, and Linux tells a connected socket."""
    cluster = Cluster(2, "none", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    cluster.inject(WrongMtu("router", "eth1", 1300))
    agreed(cluster, [("node-2", "internet", 53, "UDP", 3000)])


@REAL
@pytest.mark.parametrize("ranges", [("10.244.0.0/16", "192.168.1.0/24"), ("fd00:10:244::/56", "fd00:192:168:1::/64")])
def test_the_mtu_of_a_route_goes_before_that_of_its_interface(ranges: tuple[str, str]) -> None:
    """Found by a sweep: a pod of Cilium has a default route with an MTU, which its interface's does not lower."""
    cluster = Cluster(2, "cilium", pod_cidr=ranges[0], node_network=ranges[1])
    cluster.add_pod("p0", "node-1")
    cluster.inject(WrongMtu("default/p0", "eth0", 1300))
    trace = cluster.send("p0", "node-2", None, size=1350)
    assert trace.verdict is Verdict.DELIVERED and trace.reply is not None and not trace.reply.delivered
    agreed(cluster, [("p0", "node-2", None, "ICMP", size) for size in (1200, 1290, 1350, 1432)])


@REAL
@pytest.mark.parametrize("ranges", [("10.244.0.0/16", "192.168.1.0/24"), ("fd00:10:244::/56", "fd00:192:168:1::/64")])
@pytest.mark.parametrize("mtu", [1000, 1400])
def test_a_bridge_takes_no_more_than_its_ports(ranges: tuple[str, str], mtu: int) -> None:
    """Found by a sweep: Linux, net/bridge/br_if.c, br_mtu_auto_adjust; with less than 1280 bytes it has no IPv6."""
    cluster = Cluster(2, "none", pod_cidr=ranges[0], node_network=ranges[1])
    cluster.add_pod("p0", "node-1")
    cluster.add_pod("p1", "node-1")
    port = next(link.name for link in cluster.node("node-1").links if link.master)
    cluster.inject(WrongMtu("node-1", port, mtu))
    assert next(link.mtu for link in cluster.node("node-1").links if link.name == "cni0") == mtu
    agreed(cluster, [(source, target, None, "ICMP", size) for source, target in (
        ("p0", "node-1"), ("p1", "node-1"), ("node-1", "p0"), ("node-1", "p1"), ("p0", "p1")) for size in (56, 900, 1380)])


@REAL
def test_a_bridge_with_rules_cuts_nothing_again_that_came_in_pieces_too_large_for_it() -> None:
    """Found by a sweep: Linux, net/bridge/br_netfilter_hooks.c, br_nf_ip_fragment."""
    cluster = Cluster(1, "flannel-host-gw")
    for name in ("p0", "p1", "p2"):
        cluster.add_pod(name, listen=("53/UDP",))
    port = next(link for link in cluster.node("node-1").links if link.peer is not None and link.peer.namespace == "default/p1")
    cluster.inject(WrongMtu("node-1", port.name, 1300))
    assert cluster.send("p0", "p2", 53, "UDP", size=3000).verdict is Verdict.TOO_BIG
    agreed(cluster, [(source, target, 53, "UDP", size) for source, target in (
        ("p0", "p1"), ("p1", "p0"), ("p0", "p2"), ("node-1", "p1"), ("node-1", "p0")) for size in (900, 1350, 1472, 3000)])


@REAL
@pytest.mark.parametrize("cni", ["flannel", "weave", "calico-bgp"])
def test_what_a_bridge_hands_up_may_leave_in_larger_pieces(cni: str) -> None:
    """Found by a sweep: node-2 makes pieces as its card takes them, which the switch does not."""
    cluster = Cluster(2, cni)
    cluster.add_pod("p0", "node-2")
    cluster.inject(WrongMtu("node-2", "eth0", 1600))
    trace = cluster.send("p0", "laptop", 53, "UDP", size=3000)
    assert trace.verdict is (Verdict.REFUSED if cni == "calico-bgp" else Verdict.TOO_BIG)
    agreed(cluster, [("p0", target, 53, "UDP", size) for target in ("laptop", "node-1") for size in (900, 1432, 1550, 3000)])


@REAL
def test_a_pod_whose_interface_lost_ipv6_can_be_laid_out() -> None:
    """Found by a sweep: what the CNI plugin had written there, Linux has taken away."""
    cluster = Cluster(1, "flannel", pod_cidr="10.244.0.0/16,fd00:10:244::/56",
                      node_network="192.168.1.0/24,fd00:192:168:1::/64")
    cluster.add_pod("p0")
    cluster.inject(WrongMtu("default/p0", "eth0", 1000))
    agreed(cluster, [("p0", "node-1", 80, "TCP"), ("node-1", cluster.pod("p0").second_ip, None, "ICMP")])
