"""Services as packets meet them: what a cluster does with connections to them, by every plugin and in every mode of kube-proxy.

The tables are those of FACTS 6, 7.3 and 16; each row is a packet's whole walk, not a reading of rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, CourseError, InvalidArgument, InvalidManifest, NotFound
from k8snet_course.faults import BlockedPort, BridgeNetfilterOff
from k8snet_course.linux.trace import Trace, Verdict
from k8snet_course.objects.service import Service
from k8snet_course.services import controller
from k8snet_course.services.endpoints import endpoint_slices
from k8snet_course.yaml_text import text_of

VIP, NODE_PORT, EXTERNAL = "10.96.0.20", 30080, "192.168.1.240"
LINUX_MODES = ("iptables", "nftables", "ipvs")
MODES = (*LINUX_MODES, "kernelspace")
CONNECTED = [cni for cni in PLUGINS if cni not in ("none", "bridge")]
"""Plugins under which pods of different nodes reach each other at all."""


def service(name: str = "web", namespace: str = "default", **spec: Any) -> dict[str, Any]:
    """The manifest of a Service for the pods app=web, with a known address; ``spec`` changes its fields."""
    fields = {"selector": {"app": "web"}, "ports": [{"port": 80}], "clusterIP": VIP} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {key: value for key, value in fields.items() if value is not None}}


def node_port(**spec: Any) -> dict[str, Any]:
    return service(type="NodePort", ports=[{"port": 80, "nodePort": NODE_PORT}], **spec)


def balancer(**spec: Any) -> dict[str, Any]:
    return service(type="LoadBalancer", ports=[{"port": 80, "nodePort": NODE_PORT}], **spec)


def world(cni: str = "flannel", proxy: str = "iptables", on: tuple[int, ...] = (2,), **more: Any) -> Cluster:
    """Three nodes, a client on the first, and pods app=web on the given ones."""
    cluster = Cluster(nodes=3, cni=cni, proxy=proxy, load_balancer=f"{EXTERNAL}/28", **more)
    cluster.add_pod("client", node="node-1")
    for number, node in enumerate(on, 1):
        cluster.add_pod(f"web-{number}", node=f"node-{node}", labels={"app": "web"})
    return cluster


def arrived(cluster: Cluster, trace: Trace) -> tuple[str, str]:
    """Who the receiver takes the sender for, and who the receiver is: names of devices, or addresses that nobody has."""
    packet = trace.hops[-1].steps[-1].packet

    def who(address: str) -> str:
        names = [node.name for node in cluster.nodes if address in cluster.namespace(node.name).addresses]
        names += cluster.holders(address)
        return names[0].removeprefix("default/") if names else address

    return who(packet.src), who(packet.dst)


# -- the table of NAT outcomes -----------------------------------------------------------------------------------------

FLOWS = {
    # the flow: (sender, destination, port, whom the pod takes the sender for)
    "pod to ClusterIP": ("client", VIP, 80, "client"),
    "pod to itself by the ClusterIP (hairpin)": ("web-1", VIP, 80, "node-2"),
    "node to ClusterIP": ("node-1", VIP, 80, "node-1"),
    "the pod's own node to ClusterIP": ("node-2", VIP, 80, "node-2"),
    "outside to NodePort of a node without the pod": ("laptop", "node-1", NODE_PORT, "node-1"),
    "outside to NodePort of the pod's node": ("laptop", "node-2", NODE_PORT, "node-2"),
    "internet to NodePort": ("internet", "node-3", NODE_PORT, "node-3"),
    "pod to NodePort of its own node": ("client", "node-1", NODE_PORT, "node-1"),
    "pod to NodePort of another node": ("client", "node-3", NODE_PORT, "node-3"),
    "pod to itself by a NodePort": ("web-1", "node-2", NODE_PORT, "node-2"),
    "node to its own NodePort": ("node-1", "node-1", NODE_PORT, "node-1"),
    "outside to the load balancer's address": ("laptop", EXTERNAL, 80, None),
    "pod to the load balancer's address": ("client", EXTERNAL, 80, "node-1"),
    "pod to pod directly": ("client", "web-1", 80, "client"),
}


@pytest.mark.parametrize("proxy", MODES)
@pytest.mark.parametrize("cni", CONNECTED)
def test_nat_outcomes(cni: str, proxy: str) -> None:
    """FACTS 7.3: who is translated, and as whom the sender is seen."""
    cluster = world(cni, proxy)
    cluster.apply(balancer())
    for flow, (src, dst, port, seen_as) in FLOWS.items():
        if proxy == "kernelspace" and "itself by the ClusterIP" in flow:
            lost = cluster.send(src, dst, port=port)
            assert not lost.answered, "Windows hides no source: the pod gets a packet from itself, and takes it for forged"
            continue
        trace = cluster.send(src, dst, port=port)
        assert trace.answered, (flow, trace)
        speaker, = cluster.holders(EXTERNAL)
        assert arrived(cluster, trace) == (seen_as or speaker, "web-1"), flow
        assert any(change.field == "destination" for change in trace.nat) == (flow != "pod to pod directly"), flow


def test_a_plugin_without_routes_between_nodes_serves_its_own_nodes_pods_only() -> None:
    cluster = world("bridge", on=(1,))
    cluster.apply(node_port())
    assert cluster.send("client", "web", port=80).answered
    cluster.delete("pod", "web-1")
    cluster.add_pod("web-1", node="node-2", labels={"app": "web"})
    assert cluster.send("client", "web", port=80).verdict is Verdict.NO_ROUTE


@pytest.mark.parametrize(("cni", "hit", "source"), [
    ("flannel", "node-1", "10.244.0.0"), ("flannel", "node-2", "10.244.1.1"),
    ("flannel-host-gw", "node-1", "192.168.1.2"), ("flannel-host-gw", "node-2", "10.244.1.1")])
def test_masquerade_takes_the_address_of_the_interface_on_the_way(cni: str, hit: str, source: str) -> None:
    """FACTS 6.4 and 16, case 9; 16b, tried on Linux."""
    cluster = world(cni)
    cluster.apply(node_port())
    assert cluster.send("laptop", hit, port=NODE_PORT).hops[-1].steps[-1].packet.src == source


@pytest.mark.parametrize(("proxy", "wrong_port", "no_service", "ping"), [
    ("iptables", "no_route", "no_route", "no_route"),
    ("nftables", "denied_ingress", "denied_ingress", "denied_ingress"),
    ("ipvs", "denied_ingress", "no_route", "denied_ingress"),
])
def test_what_is_at_a_cluster_ip_that_nobody_serves(proxy: str, wrong_port: str, no_service: str, ping: str) -> None:
    """FACTS 7.3: another port, an address of no Service, a ping."""
    cluster = world(proxy=proxy)
    cluster.apply(service())
    told = [cluster.send("client", VIP, port=81), cluster.send("client", "10.96.0.99", port=80),
            cluster.send("client", VIP, protocol="ICMP")]
    assert [str(trace.verdict) for trace in told] == [wrong_port, no_service, ping], [trace.reason for trace in told]
    assert [trace.reply is not None for trace in told] == [True, proxy != "nftables", True], "a REJECT is told, a DROP is not"


def test_nftables_names_the_map_or_set_that_decided() -> None:
    cluster = world(proxy="nftables")
    cluster.apply(service())
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty"},
                   "spec": {"clusterIP": "10.96.0.77", "selector": {"app": "nobody"}, "ports": [{"port": 80}]}})
    assert cluster.send("client", VIP, port=81).reason == (
        f"default/web has no such port: node-1's element '{VIP}' of cluster-ips says REJECT")
    assert cluster.send("client", "empty", port=80).reason == (
        "default/empty has no endpoints to use here: node-1's rule 'reject' of reject-chain, to which element "
        "'10.96.0.77 . tcp . 80 comment \"default/empty\" : goto reject-chain' of no-endpoint-services leads, says REJECT")


# -- endpoints: none, none here, not ready ------------------------------------------------------------------------------

@pytest.mark.parametrize("proxy", LINUX_MODES)
@pytest.mark.parametrize("nobody", [
    lambda cluster: cluster.set_state("web-1", ready=False), lambda cluster: cluster.set_state("web-1", finished=True),
    lambda cluster: cluster.delete("pod", "web-1")], ids=["not ready", "finished", "deleted"])
def test_without_a_ready_endpoint_connections_are_refused_at_once(proxy: str, nobody: Callable[[Cluster], None]) -> None:
    cluster = world(proxy=proxy)
    cluster.apply(node_port())
    nobody(cluster)
    for src, dst, port in (("client", VIP, 80), ("node-1", VIP, 80), ("laptop", "node-1", NODE_PORT)):
        trace = cluster.send(src, dst, port=port)
        assert trace.verdict is Verdict.NO_ENDPOINTS, trace
        assert "web has no endpoints" in trace.reason or "no real server" in trace.reason
        assert trace.reply is not None or src == "node-1", "the sender is told"
    cluster.add_pod("web-9", labels={"app": "web"})
    assert cluster.send("client", VIP, port=80).answered


def test_states_of_pods_decide_who_gets_connections() -> None:
    cluster = world(on=(1, 2, 3))
    cluster.apply(service())

    def reached() -> set[str]:
        return {arrived(cluster, cluster.send("client", "web", port=80))[1] for _ in range(30)}

    assert reached() == {"web-1", "web-2", "web-3"}
    cluster.set_state("web-1", ready=False)
    assert reached() == {"web-2", "web-3"}
    cluster.set_state("web-2", terminating=True)
    assert reached() == {"web-3"}
    cluster.set_state("web-3", terminating=True)
    assert reached() == {"web-2", "web-3"}, "nobody is ready, so those that are shutting down and still serve take over"
    cluster.set_state("web-2", finished=True)
    cluster.set_state("web-1")
    assert reached() == {"web-1"}
    states = {end.target: (end.ready, end.serving, end.terminating)
              for part in cluster.endpoint_slices("web") for end in part.endpoints}
    assert states == {"default/web-1": (True, True, False), "default/web-3": (False, True, True)}
    assert cluster.send("client", "web-2", port=80).verdict is Verdict.REFUSED, "its programs have ended"
    assert cluster.send("client", "web-3", port=80).answered, "it is out of the Service, and still there"


def test_publish_not_ready_addresses() -> None:
    cluster = world()
    cluster.apply(service(publishNotReadyAddresses=True))
    cluster.set_state("web-1", ready=False)
    assert cluster.send("client", "web", port=80).answered


@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
@pytest.mark.parametrize("cni", ["flannel", "calico", "weave", "cilium"])
def test_traffic_policy_local(cni: str, proxy: str) -> None:
    """FACTS 6.4: only endpoints of the node, the source is kept; a node without one drops, for the node and pods too."""
    cluster = world(cni, proxy)
    cluster.apply(node_port(externalTrafficPolicy="Local", internalTrafficPolicy="Local"))
    kept = cluster.send("laptop", "node-2", port=NODE_PORT)
    assert kept.answered
    assert arrived(cluster, kept) == ("node-2" if cni == "weave" else "laptop", "web-1"), "Weave hides whoever is no pod"
    for src, dst, port in (("laptop", "node-1", NODE_PORT), ("client", VIP, 80), ("node-1", VIP, 80),
                           ("client", "node-3", NODE_PORT)):
        lost = cluster.send(src, dst, port=port)
        assert (lost.verdict, lost.reply) == (Verdict.NO_ENDPOINTS, None), (src, dst, lost)
    for src, dst, port, seen_as in (("node-2", VIP, 80, "node-2"), ("client", "node-1", NODE_PORT, "client"),
                                    ("node-1", "node-1", NODE_PORT, "node-1")):
        near = cluster.send(src, dst, port=port)
        assert near.answered and arrived(cluster, near) == (seen_as, "web-1"), (src, dst, near)


@pytest.mark.parametrize("proxy", MODES)
def test_local_means_endpoints_of_the_node_alone(proxy: str) -> None:
    cluster = world(proxy=proxy, on=(1, 2, 2))
    cluster.apply(node_port(externalTrafficPolicy="Local"))
    for node, pods in (("node-1", {"web-1"}), ("node-2", {"web-2", "web-3"})):
        assert {arrived(cluster, cluster.send("laptop", node, port=NODE_PORT))[1] for _ in range(20)} == pods


# -- who is drawn -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("proxy", MODES)
@pytest.mark.parametrize("pods", [2, 3, 5])
def test_each_endpoint_gets_its_share(proxy: str, pods: int) -> None:
    """FACTS 7.2: each endpoint gets one connection in n; what is drawn is the same in every run."""
    cluster = world(proxy=proxy, on=tuple(1 + number % 3 for number in range(pods)))
    cluster.apply(service())
    counts = Counter(arrived(cluster, cluster.send("client", "web", port=80))[1] for _ in range(100 * pods))
    assert len(counts) == pods and all(70 <= count <= 130 for count in counts.values()), counts


def test_connections_are_spread_and_the_answers_come_from_whom_they_went_to() -> None:
    """FACTS 15, question 23: a choice is made for a connection, not for a packet."""
    cluster = world(on=(1, 2, 3))
    cluster.apply(service())
    for _ in range(20):
        trace = cluster.send("client", "web", port=80)
        assert trace.reply is not None
        assert trace.reply.packet.src == trace.hops[-1].steps[-1].packet.dst
        assert trace.reply.hops[-1].steps[-1].packet.src == VIP, "the client sees the Service's address alone"


@pytest.mark.parametrize("proxy", LINUX_MODES)
def test_session_affinity_lasts_for_its_time(proxy: str) -> None:
    cluster = world(proxy=proxy, on=(1, 2, 3, 1, 2, 3))
    cluster.apply(service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}}))

    def reached(src: str = "client") -> str:
        return arrived(cluster, cluster.send(src, "web", port=80))[1]

    first = reached()
    for _ in range(10):
        cluster.wait(59)
        assert reached() == first, "each visit renews it"
    clients = [cluster.add_pod(f"client-{number}", node="node-1").name for number in range(12)]
    assert len({reached(name) for name in clients}) > 1, "another client is another matter"
    others = set()
    for _ in range(12):
        cluster.wait(61)
        others.add(reached())
    assert len(others) > 1
    with pytest.raises(InvalidArgument, match="a whole number of seconds"):
        cluster.wait(-1)


def test_session_affinity_of_windows_is_a_hash_of_the_addresses_and_knows_no_time() -> None:
    """kubernetes, pkg/proxy/winkernel/hns.go: the distribution SourceIP."""
    cluster = world(proxy="kernelspace", on=(1, 2, 3, 1, 2, 3))
    cluster.apply(service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}}))
    first = arrived(cluster, cluster.send("client", "web", port=80))[1]
    for _ in range(12):
        cluster.wait(61)
        assert arrived(cluster, cluster.send("client", "web", port=80))[1] == first
    clients = [cluster.add_pod(f"client-{number}", node="node-1").name for number in range(12)]
    assert len({arrived(cluster, cluster.send(name, "web", port=80))[1] for name in clients}) > 2


def test_traffic_distribution_prefers_the_zone() -> None:
    """FACTS 6.4: near endpoints if there are any, otherwise all."""
    cluster = world(on=(1, 2, 3))
    cluster.apply(service(trafficDistribution="PreferSameZone"))

    def reached(src: str) -> set[str]:
        return {arrived(cluster, cluster.send(src, VIP, port=80))[1] for _ in range(25)}

    assert reached("client") == {"web-1", "web-2", "web-3"}, "nobody knows where the nodes stand"
    for node, zone in (("node-1", "a"), ("node-2", "a"), ("node-3", "b")):
        cluster.label_node(node, {"topology.kubernetes.io/zone": zone})
    assert {end.zone for part in cluster.endpoint_slices("web") for end in part.endpoints} == {"a", "b"}
    assert reached("client") == {"web-1", "web-2"} and reached("node-3") == {"web-3"}
    cluster.set_state("web-3", ready=False)
    assert reached("node-3") == {"web-1", "web-2"}, "its zone has none, so it takes those of others"
    cluster.apply(service(trafficDistribution="PreferSameNode"))
    assert reached("client") == {"web-1"}
    cluster.label_node("node-1", {})
    cluster.apply(service(trafficDistribution="PreferSameZone"))
    assert reached("client") == {"web-1", "web-2"}


@pytest.mark.parametrize("labels", [None, {"a b": "c"}, {"a": "b c"}, {"a": 1}])
def test_labels_of_nodes_are_checked(labels: Any) -> None:
    cluster = world()
    with pytest.raises(CourseError):
        cluster.label_node("node-1", labels)
    with pytest.raises(NotFound):
        cluster.label_node("node-9", {})


# -- what leads to a Service from outside -------------------------------------------------------------------------------

def test_a_load_balancer_is_pending_without_a_provider_and_the_rest_works() -> None:
    """FACTS 6.1 and 15, question 8."""
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("web", labels={"app": "web"})
    held, = cluster.apply(balancer())
    assert (held.external_ip_column, held.ports[0].node_port) == ("<pending>", NODE_PORT)
    assert cluster.send("laptop", "node-2", port=NODE_PORT).answered
    assert cluster.send("node-1", VIP, port=80).answered


def test_a_load_balancers_pool_and_who_waits_for_it() -> None:
    cluster = Cluster(load_balancer="192.168.1.240/31")
    names = [f"web-{number}" for number in range(3)]
    for name in names:
        cluster.apply(service(name, clusterIP=None, type="LoadBalancer"))
    assert [each.external_ip_column for each in cluster.services] == ["192.168.1.240", "192.168.1.241", "<pending>"]
    cluster.delete("svc", "web-0")
    cluster.endpoint_slices("web-1")
    assert cluster.query("web-2.default.svc.cluster.local").addresses
    assert [each.external_ip_column for each in cluster.services] == ["192.168.1.241", "192.168.1.240"]
    cluster.apply(service("web-1", clusterIP=None))
    cluster.apply(service("web-3", clusterIP=None, type="LoadBalancer"))
    assert [each.external_ip_column for each in cluster.services] == ["<none>", "192.168.1.240", "192.168.1.241"]


def test_an_address_that_goes_from_one_service_to_another_is_announced_for_the_other() -> None:
    cluster = Cluster(nodes=2, cni="flannel", load_balancer=f"{EXTERNAL}/32")
    cluster.add_pod("web", labels={"app": "web"})
    cluster.apply(balancer())
    assert cluster.send("laptop", EXTERNAL, port=80).answered
    waits = service("waits", type="LoadBalancer", clusterIP=None, ports=[{"port": 81, "targetPort": 80}])
    cluster.apply({"apiVersion": "v1", "kind": "List", "items": [waits, service()]})
    assert cluster.send("laptop", EXTERNAL, port=81).answered
    assert not cluster.send("laptop", EXTERNAL, port=80).answered
    assert [each.external_ip_column for each in cluster.services] == ["<none>", EXTERNAL]


@pytest.mark.parametrize("pool", ["192.168.1.0/28", "10.244.0.0/28", "10.96.0.0/24", "web", "192.168.1.241/28", 5])
def test_a_pool_that_cannot_be(pool: Any) -> None:
    with pytest.raises(CourseError):
        Cluster(load_balancer=pool)


def test_the_node_that_answers_for_a_load_balancers_address() -> None:
    cluster = world(on=(2, 3))
    cluster.apply(balancer(externalTrafficPolicy="Local"))
    trace = cluster.send("laptop", EXTERNAL, port=80)
    speaker, = cluster.holders(EXTERNAL)
    assert speaker in ("node-2", "node-3") and trace.answered
    assert arrived(cluster, trace) == ("laptop", "web-1" if speaker == "node-2" else "web-2")
    pod = "web-1" if speaker == "node-2" else "web-2"
    cluster.set_state(pod, ready=False)
    assert cluster.holders(EXTERNAL) == (({"node-2", "node-3"} - {speaker}).pop(),)
    assert cluster.send("laptop", EXTERNAL, port=80).answered
    held, = cluster.services
    port = held.health_check_node_port
    assert port >= 30000 and str(cluster.node("node-1").listeners) == f"TCP 0.0.0.0:{port} kube-proxy"
    assert all(cluster.send("laptop", node.name, port=port).answered for node in cluster.nodes)
    cluster.delete("svc", "web")
    assert cluster.send("laptop", "node-1", port=port).verdict is Verdict.REFUSED
    assert cluster.holders(EXTERNAL) == () and cluster.send("laptop", EXTERNAL, port=80).verdict is Verdict.NO_NEIGHBOUR


@pytest.mark.parametrize("proxy", LINUX_MODES)
def test_source_ranges_guard_the_load_balancers_address_alone(proxy: str) -> None:
    cluster = world(proxy=proxy)
    cluster.apply(balancer(loadBalancerSourceRanges=["203.0.113.0/24"]))
    assert cluster.send("laptop", EXTERNAL, port=80).verdict is Verdict.DENIED_INGRESS
    assert cluster.send("internet", EXTERNAL, port=80).answered
    assert cluster.send("laptop", "node-1", port=NODE_PORT).answered
    assert cluster.send("client", VIP, port=80).answered


def test_no_node_ports_where_a_load_balancer_needs_none() -> None:
    """FACTS 14, article 003: a LoadBalancer does not always have a NodePort."""
    cluster = world()
    held, = cluster.apply(service(type="LoadBalancer", allocateLoadBalancerNodePorts=False))
    assert held.ports[0].node_port == 0
    assert cluster.send("laptop", EXTERNAL, port=80).answered


@pytest.mark.parametrize("proxy", MODES)
def test_external_ips_are_caught_by_rules_and_announced_by_nobody(proxy: str) -> None:
    """FACTS 14, article 001: Kubernetes does not manage these addresses.  Who is sent there must come by a node."""
    cluster = world(proxy=proxy)
    cluster.apply(service(externalIPs=["198.51.100.7"]))
    assert cluster.send("client", "198.51.100.7", port=80).answered
    assert cluster.send("node-3", "198.51.100.7", port=80).answered
    assert cluster.send("laptop", "198.51.100.7", port=80).verdict is Verdict.NO_ROUTE, "nobody has told the router"
    if proxy != "ipvs":  # there every node would take the address for its own, and lose its neighbour
        cluster.apply(service(externalIPs=["192.168.1.2"]))
        assert cluster.send("laptop", "192.168.1.2", port=80).answered, "an address that a node has anyway"


@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
def test_node_ports_are_no_sockets(proxy: str) -> None:
    """FACTS 6.3: a NodePort is not a listening socket; every node answers; in nftables mode only at its own address."""
    cluster = world(proxy=proxy)
    cluster.apply(node_port())
    assert not cluster.node("node-1").listeners
    assert all(cluster.send("laptop", node.name, port=NODE_PORT).answered for node in cluster.nodes)
    assert cluster.send("client", "10.244.0.1", port=NODE_PORT).answered == (proxy == "iptables")
    assert cluster.send("laptop", "node-1", port=NODE_PORT, protocol="UDP").verdict is Verdict.REFUSED


def test_a_cluster_ip_is_of_no_use_outside() -> None:
    """FACTS 15, extra (d)."""
    cluster = world()
    cluster.apply(service())
    assert cluster.send("laptop", VIP, port=80).verdict is Verdict.NO_ROUTE


# -- ports, names, and Services that are not proxied ---------------------------------------------------------------------

NAMED = """
apiVersion: v1
kind: Pod
metadata: {name: old, labels: {app: web}}
spec: {nodeName: node-1, containers: [{name: web, image: example/web, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: new, labels: {app: web}}
spec:
  nodeName: node-2
  containers:
  - name: web
    image: example/web
    ports: [{name: http, containerPort: 9090}, {name: dns, containerPort: 53, protocol: UDP}]
"""


def test_named_ports_mean_each_pods_own_number() -> None:
    """FACTS 6.1: a name may map to different numbers; several ports, each with a name."""
    cluster = world(on=())
    cluster.apply(NAMED)
    cluster.apply(service(ports=[{"name": "web", "port": 80, "targetPort": "http"},
                                 {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}]))
    ends = {arrived(cluster, trace)[1]: trace.hops[-1].steps[-1].packet.dst_port
            for trace in (cluster.send("client", "web", port=80) for _ in range(20))}
    assert ends == {"old": 8080, "new": 9090}
    assert [arrived(cluster, cluster.send("client", "web", port=53, protocol="UDP"))[1] for _ in range(5)] == ["new"] * 5
    assert cluster.send("client", "web", port=53).verdict is Verdict.NO_ROUTE, "TCP 53 is no port of this Service"
    assert len(cluster.endpoint_slices("web")) == 2


def test_headless() -> None:
    """FACTS 15, question 24: no virtual address and no rules; DNS gives the pods."""
    cluster = world(on=(1, 2))
    bare = str(cluster.node("node-1").nat)
    cluster.apply(service(clusterIP="None"))
    assert cluster.query("web.default.svc.cluster.local").addresses == tuple(
        pod.ip for pod in cluster.pods if pod.labels)
    assert "web" not in cluster.proxy_text("node-1") and bare in str(cluster.node("node-1").nat)
    trace = cluster.send("client", "web", port=80)
    assert trace.answered and not trace.nat
    cluster.set_state("web-1", ready=False)
    assert cluster.query("web.default.svc.cluster.local").addresses == (cluster.pod("web-2").ip,)
    cluster.set_state("web-2", ready=False)
    assert str(cluster.query("web.default.svc.cluster.local").rcode) == "NXDOMAIN"
    assert cluster.send("client", "web", port=80).verdict is Verdict.NO_SUCH_NAME


def test_external_name_is_an_alias() -> None:
    cluster = Cluster(nodes=2, cni="flannel", outside_names={"shop.example.com": ("203.0.113.9",)})
    cluster.add_pod("client")
    for name, target in (("shop", "shop.example.com"), ("again", "shop.default.svc.cluster.local"), ("number", "203.0.113.9"),
                         ("lost", "nowhere.example.com")):
        alias = service(name, type="ExternalName", externalName=target, selector=None, ports=None, clusterIP=None)
        held, = cluster.apply(alias)
        assert (held.cluster_ips, cluster.endpoint_slices(name)) == ((), ())
    answer = cluster.query("again.default.svc.cluster.local")
    assert [(record.type, record.data) for record in answer.records] == [
        ("CNAME", "shop.default.svc.cluster.local."), ("CNAME", "shop.example.com."), ("A", "203.0.113.9")]
    assert cluster.lookup("client", "shop").result == ("203.0.113.9",)
    assert cluster.send("client", "again", protocol="ICMP").hops[0].steps[0].packet.dst == "203.0.113.9"
    for name in ("number", "lost"):
        assert cluster.send("client", name, port=80).verdict is Verdict.NO_SUCH_NAME


SLICE = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": "db-1", "labels": {"kubernetes.io/service-name": "db"}},
         "ports": [{"port": 22}], "endpoints": [{"addresses": ["192.168.1.10"]}]}


def test_a_service_without_selector_leads_where_somebody_says() -> None:
    cluster = world()
    cluster.apply(service("db", selector=None, ports=[{"port": 5432, "targetPort": 22}]))
    assert cluster.send("client", "db", port=5432).verdict is Verdict.NO_ENDPOINTS
    cluster.apply(SLICE)
    assert arrived(cluster, cluster.send("client", "db", port=5432))[1] == "laptop"
    other = SLICE | {"metadata": {"name": "db-1", "labels": {"kubernetes.io/service-name": "other"}}}
    cluster.apply(other)
    assert cluster.send("client", "db", port=5432).verdict is Verdict.NO_ENDPOINTS, "the slice is another Service's now"
    cluster.apply(SLICE)
    cluster.delete("endpointslice", "db-1")
    assert cluster.send("client", "db", port=5432).verdict is Verdict.NO_ENDPOINTS
    for address in ("127.0.0.1", "169.254.1.1", VIP):
        with pytest.raises(CourseError):
            cluster.apply(SLICE | {"endpoints": [{"addresses": [address]}]})
        assert cluster.objects("endpointslices") == ()


def test_pods_of_another_namespace_are_no_endpoints() -> None:
    cluster = world()
    cluster.apply(service(namespace="shop"))
    assert cluster.send("client", "shop/web", port=80).verdict is Verdict.NO_ENDPOINTS
    cluster.add_pod("web", namespace="shop", labels={"app": "web"})
    assert cluster.send("client", "web.shop", port=80).answered


def test_changed_labels_change_the_endpoints() -> None:
    """FACTS 15, question 4."""
    cluster = world()
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"app": "wbe"}},
           "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}
    cluster.delete("pod", "web-1")
    cluster.apply(pod)
    cluster.apply(service())
    assert cluster.send("client", "web", port=80).verdict is Verdict.NO_ENDPOINTS
    cluster.apply(pod | {"metadata": {"name": "x", "labels": {"app": "web"}}})
    assert cluster.send("client", "web", port=80).answered
    cluster.apply(service(selector={"app": "other"}))
    assert cluster.send("client", "web", port=80).verdict is Verdict.NO_ENDPOINTS


def test_a_pod_with_the_nodes_network_is_an_endpoint_too() -> None:
    """FACTS 7.3, last row."""
    cluster = world(on=())
    cluster.add_pod("agent", node="node-2", labels={"app": "web"}, host_network=True)
    cluster.apply(service())
    trace = cluster.send("client", "web", port=80)
    assert trace.answered and trace.hops[-1].steps[-1].packet.dst == "192.168.1.3"


# -- addresses and ports, changes and ends --------------------------------------------------------------------------------

def test_what_is_asked_for_is_given_once() -> None:
    """FACTS 6.2 and 6.3."""
    cluster = world()
    cluster.apply(node_port())
    with pytest.raises(AddressUnavailable, match="provided IP is already allocated"):
        cluster.apply(service("other"))
    with pytest.raises(AddressUnavailable, match="is not in the valid range"):
        cluster.apply(service("other", clusterIP="10.128.0.1"))
    with pytest.raises(AddressUnavailable, match="provided port is already allocated"):
        cluster.apply(service("other", clusterIP=None, type="NodePort", ports=[{"port": 80, "nodePort": NODE_PORT}]))
    with pytest.raises(AddressUnavailable, match="The range of valid ports is 30000-32767"):
        cluster.apply(service("other", clusterIP=None, type="NodePort", ports=[{"port": 80, "nodePort": 80}]))
    with pytest.raises(AddressUnavailable, match="provided port is already allocated"):  # another protocol is no other number
        cluster.apply(service("other", clusterIP=None, type="NodePort",
                              ports=[{"port": 80, "nodePort": NODE_PORT, "protocol": "UDP"}]))
    cluster.delete("svc", "web")
    cluster.apply(service("third", type="NodePort", ports=[{"port": 80, "nodePort": NODE_PORT}]))


def test_a_service_changes_its_type() -> None:
    cluster = world()
    given, = cluster.apply(service(clusterIP=None))
    kept = given.cluster_ips
    ports = []
    for kind in ("NodePort", "LoadBalancer", "NodePort", "ClusterIP", "LoadBalancer", "ClusterIP"):
        held, = cluster.apply(service(clusterIP=None, type=kind))
        assert held.cluster_ips == kept and cluster.send("client", "web", port=80).answered
        ports.append(held.ports[0].node_port)
        assert bool(ports[-1]) == (kind != "ClusterIP")
        assert cluster.send("laptop", "node-3", port=ports[-1] or ports[-2]).answered == bool(ports[-1])
        assert (held.load_balancer_ips, cluster.send("laptop", EXTERNAL, port=80).answered) == (
            ((EXTERNAL,), True) if kind == "LoadBalancer" else ((), False))
    assert ports[0] == ports[1] == ports[2]
    with pytest.raises(InvalidManifest, match="to keep its cluster IP"):
        cluster.apply(service())
    named, = cluster.apply(service(type="ExternalName", externalName="shop.example.com", selector=None, clusterIP=None))
    assert named.cluster_ips == ()
    other, = cluster.apply(service("other", clusterIP=kept[0]))
    assert other.cluster_ips == kept, "a mere name needs no address"


def test_a_full_range() -> None:
    """FACTS 6.2: a /28 has 14 addresses; the tenth is kept for the DNS server."""
    with pytest.raises(InvalidArgument, match="at least 16 addresses"):
        Cluster(service_cidr="10.96.0.0/29")
    cluster = Cluster(service_cidr="10.96.0.0/28")
    for number in range(13):
        cluster.apply(service(f"web-{number}", clusterIP=None))
    with pytest.raises(AddressesExhausted, match="range is full"):
        cluster.apply(service("more", clusterIP=None))
    cluster.delete("svc", "web-3")
    cluster.apply(service("more", clusterIP=None))


def test_a_node_knows_nothing_of_a_service_that_is_gone() -> None:
    cluster = world()
    before = {node.name: (str(cluster.node(node.name).nat), str(cluster.node(node.name).filters)) for node in cluster.nodes}
    for manifest in (node_port(), balancer(loadBalancerSourceRanges=["203.0.113.0/24"], externalTrafficPolicy="Local"),
                     service(sessionAffinity="ClientIP"), service(clusterIP="None")):
        cluster.apply(manifest)
        cluster.send("laptop", "node-1", port=NODE_PORT)
        cluster.delete("svc", "web")
        assert before == {node.name: (str(cluster.node(node.name).nat), str(cluster.node(node.name).filters))
                          for node in cluster.nodes}
        assert str(cluster.query("web.default.svc.cluster.local").rcode) == "NXDOMAIN"


def test_without_bridge_netfilter_a_pod_of_the_same_bridge_answers_in_its_own_name() -> None:
    """FACTS 5.2, rule 7."""
    cluster = world(on=(1,))
    cluster.apply(service())
    assert cluster.send("client", "web", port=80).answered
    cluster.inject(BridgeNetfilterOff("node-1"))
    trace = cluster.send("client", "web", port=80)
    assert trace.delivered and not trace.answered and trace.reply is not None
    assert trace.reply.verdict is Verdict.REFUSED and "waits for an answer from 10.96.0.20 port 80" in trace.reply.reason
    assert cluster.send("client", "web-1", port=80).answered and cluster.send("node-3", "web", port=80).answered
    cluster.repair()
    assert cluster.send("client", "web", port=80).answered
    with pytest.raises(NotFound):
        cluster.inject(BridgeNetfilterOff("client"))


@pytest.mark.parametrize("proxy", MODES)
def test_two_families(proxy: str) -> None:
    cluster = Cluster(nodes=2, cni="calico", proxy=proxy, pod_cidr="10.244.0.0/16,fd00:10:244::/56",
                      node_network="192.168.1.0/24,fd00:192:168:1::/64", service_cidr="10.96.0.0/12,fd00:10:96::/112")
    cluster.add_pod("client", node="node-1")
    cluster.add_pod("web", node="node-2", labels={"app": "web"})
    cluster.apply(service(clusterIP=None, ipFamilyPolicy="RequireDualStack", type="NodePort",
                          ports=[{"port": 80, "nodePort": NODE_PORT}]))
    held, = cluster.services
    assert [":" in ip for ip in held.cluster_ips] == [False, True]
    assert {part.address_type for part in cluster.endpoint_slices("web")} == {"IPv4", "IPv6"}
    nodes = [cluster.node("node-2").ip, cluster.node("node-2").second_ip]
    for src, dst, port in [("client", ip, 80) for ip in held.cluster_ips] + [("laptop", ip, NODE_PORT) for ip in nodes]:
        trace = cluster.send(src, dst, port=port)
        assert trace.answered and trace.nat, trace
    assert sorted(len(cluster.query("web.default.svc.cluster.local", kind).addresses) for kind in ("A", "AAAA")) == [1, 1]


def test_require_dual_stack_needs_it() -> None:
    with pytest.raises(InvalidArgument, match="make the cluster dual-stack"):
        world().apply(service(clusterIP=None, ipFamilyPolicy="RequireDualStack"))


# -- what a person can look at -------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("proxy", "words"), [
    ("iptables", ["*nat", ":KUBE-SVC-LOLE4ISW44XBNF3G - [0:0]", "--probability 0.33333333349", "--probability 0.50000000000"]),
    ("nftables", ["table ip kube-proxy", "numgen random mod 3"]),
    ("ipvs", ["IP Virtual Server", f"TCP  {VIP}:80 rr", "Masq"]),
    ("kernelspace", [VIP])])
def test_what_kube_proxy_has_written(proxy: str, words: list[str]) -> None:
    """FACTS 7.2, and 16, case 8."""
    cluster = world(proxy=proxy, on=(1, 2, 3))
    cluster.apply(service())
    assert [word for word in words if word not in cluster.proxy_text("node-1")] == []
    assert all("web" not in str(row) and VIP not in str(row) for row in world(proxy=proxy).node("node-1").nat)
    with pytest.raises(NotFound):
        cluster.proxy_text("node-9")


def test_rules_follow_the_endpoints() -> None:
    """FACTS 16, case 8."""
    cluster = world(on=(1, 2, 3))
    cluster.apply(service())

    def drawn() -> list[str]:
        rows = [str(row) for row in cluster.node("node-1").nat if str(row).startswith("-A KUBE-SVC-")]
        return [row.partition("--probability ")[2].partition(" ")[0] for row in rows if "-j KUBE-SEP" in row]

    assert drawn() == ["0.33333333349", "0.50000000000", ""]
    cluster.delete("pod", "web-2")
    assert drawn() == ["0.50000000000", ""]
    for name in ("web-1", "web-3"):
        cluster.delete("pod", name)
    assert drawn() == [] and not any("KUBE-SVC" in str(row) for row in cluster.node("node-1").nat)
    assert [row.target for row in cluster.node("node-1").filters if "has no endpoints" in str(row)] == ["REJECT"]


def test_what_nobody_asks_for_is_drawn_above_the_static_band() -> None:
    """FACTS 6.2 and 6.3: 10.96.0.1 to 10.96.1.0, and the ports 30000 to 30085, are left to people."""
    cluster = world()
    for number in range(40):
        held, = cluster.apply(service(f"s{number}", clusterIP=None, type="NodePort"))
        assert ip_address(held.cluster_ip) > ip_address("10.96.1.0") and 30086 <= held.ports[0].node_port <= 32767


def test_the_rules_that_a_node_shows_are_those_that_packets_meet() -> None:
    cluster = world()
    cluster.apply(service())
    shown = {str(row) for row in (*cluster.node("node-1").nat, *cluster.node("node-1").filters)}
    trace = cluster.send("client", "web", port=80)
    read = {candidate.row for hop in trace.hops if hop.device == "node-1" for step in hop.steps
            if step.action in ("translate", "filter") for candidate in step.candidates}
    assert read and read <= shown
    cluster.set_state("web-1", ready=False)
    hops = cluster.send("client", "web", port=80).hops
    refused = [step.matched for hop in hops for step in hop.steps if step.action == "filter"]
    assert refused and all(row in str(cluster.node("node-1").filters) for row in refused)


def test_cluster_ipvs_addresses_stand_on_every_node() -> None:
    cluster = world(proxy="ipvs")
    assert "kube-ipvs0" not in str(cluster.node("node-3").links)
    cluster.apply(service())
    cluster.query("web.default.svc.cluster.local")
    assert VIP in str(cluster.node("node-3").links[-1])
    cluster.apply(service("other", clusterIP="10.96.0.21"))
    assert "10.96.0.21" in str(cluster.node("node-3").links[-1])
    cluster.delete("svc", "web")
    assert VIP not in str(cluster.node("node-3").links)


def test_ebpf_maps_and_filters() -> None:
    cluster = Cluster(nodes=2, cni="cilium")
    cluster.add_pod("web", node="node-2")
    assert "10.244.1.0/24" in str(cluster.node("node-1").maps) or cluster.pod("web").ip in str(cluster.node("node-1").maps)
    assert not Cluster().node("node-1").maps and not Cluster().node("node-1").filters
    blocked = world()
    blocked.inject(BlockedPort("node-2", "TCP", 22))
    assert str(blocked.node("node-2").filters) == "-A INPUT -p tcp -m tcp --dport 22 -j DROP"


# -- NAT is undone --------------------------------------------------------------------------------------------------------

manifests_of_services = st.fixed_dictionaries({}, optional={
    "type": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
    "externalTrafficPolicy": st.sampled_from(["Cluster", "Local"]),
    "internalTrafficPolicy": st.sampled_from(["Cluster", "Local"]),
    "sessionAffinity": st.sampled_from(["None", "ClientIP"]), "trafficDistribution": st.sampled_from(["PreferSameNode"]),
    "externalIPs": st.just(["198.51.100.7"])})


@pytest.mark.parametrize("proxy", MODES)
def test_a_load_balancers_ipv6_address_is_answered_for(proxy: str) -> None:
    """Found by a sweep: no card of the node that announces it has it, and in IPv6 a card answers for its own."""
    cluster = Cluster(nodes=2, proxy=proxy, cni="flannel", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64",
                      load_balancer="fd00:192:168:1::f0/124")
    cluster.add_pod("a", node="node-2", labels={"app": "web"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}})
    assert cluster.send("laptop", "fd00:192:168:1::f0").answered
    assert not cluster.send("laptop", "fd00:192:168:1::f1").answered


KEEPING = ("cilium-native", "aci", "bcf")
"""Networks in which a pod's packet comes to another node with the pod's address."""


def short_circuited(cni: str, spec: dict[str, Any], src: str, dst: str) -> bool:
    """A pod asks another node for a Service of the policy Local, and comes there with its own address.

    kube-proxy takes every packet from a pod's address for one of its own node, and hides no source: see the next test.
    """
    return (cni in KEEPING and spec.get("externalTrafficPolicy") == "Local" and dst.startswith("node")
            and src in ("client", "web-1"))


@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
@pytest.mark.parametrize("cni", KEEPING)
def test_a_pod_that_keeps_its_address_on_the_way_to_another_node_is_taken_for_a_pod_of_that_node(cni: str, proxy: str) -> None:
    """FACTS 6.4: with the policy Local, pods' traffic is treated as Cluster.  Where the network masquerades what pods send to
    nodes, this means the node's own pods alone.  Cilium's native routing keeps a pod's address on the way to another node; that
    node then sends the packet on to a pod elsewhere, whose answer goes straight back, past the node that would undo the NAT.
    """
    cluster = world(cni, proxy, on=(1,))
    cluster.apply(service(type="NodePort", externalTrafficPolicy="Local", ports=[{"port": 80, "nodePort": NODE_PORT}]))
    trace = cluster.send("client", "node-2", port=NODE_PORT)
    assert trace.delivered and not trace.answered and trace.reply is not None
    assert "is nobody's" in trace.reply.reason and "node-2" not in [hop.device for hop in trace.reply.hops]
    masqueraded = world("cilium", proxy, on=(1,))
    masqueraded.apply(service(type="NodePort", externalTrafficPolicy="Local", ports=[{"port": 80, "nodePort": NODE_PORT}]))
    assert masqueraded.send("client", "node-2", port=NODE_PORT).verdict is Verdict.NO_ENDPOINTS, "no endpoint there"


@pytest.mark.parametrize(("cni", "answered"), [("calico-bgp", False), ("flannel-host-gw", True)])
def test_ipvs_sends_on_what_the_policy_local_has_no_endpoint_for(cni: str, answered: bool) -> None:
    """Kubernetes, pkg/proxy/ipvs/proxier.go, syncEndpoint; tried on Linux 6.1.  The source is kept, so the pod's answer takes
    another way and is nobody's, unless the plugin masquerades what comes from outside, as Flannel does.
    """
    cluster = world(cni, "ipvs", on=(1,))
    cluster.apply(service(type="NodePort", externalTrafficPolicy="Local", ports=[{"port": 80, "nodePort": NODE_PORT}]))
    assert cluster.send("laptop", "node-1", port=NODE_PORT).answered
    trace = cluster.send("laptop", "node-2", port=NODE_PORT)
    assert trace.delivered and trace.answered == answered and trace.reply is not None
    assert answered or "is nobody's" in trace.reply.reason


changes = st.builds(
    lambda name, kind, numbers, local, none: service(
        name, clusterIP=None, type=kind, **({"externalName": "example.com"} if kind == "ExternalName" else {}),
        **({"externalTrafficPolicy": "Local"} if local and kind == "LoadBalancer" else {}),
        **({"allocateLoadBalancerNodePorts": False} if none and kind == "LoadBalancer" else {}),
        ports=[{"name": f"p{at}", "port": port, "protocol": ("TCP", "UDP")[at]}
               | ({"nodePort": number} if number and kind in ("NodePort", "LoadBalancer") else {})
               for at, (port, number) in enumerate(numbers)]),
    st.sampled_from("abc"), st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
    st.lists(st.tuples(st.sampled_from([53, 80]), st.sampled_from([0, 0, 30001, 30002])), min_size=1, max_size=2),
    st.booleans(), st.booleans())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(changes, min_size=1, max_size=2), max_size=8))
def test_the_books_of_node_ports_are_what_services_have(steps: list[list[dict[str, Any]]]) -> None:
    """Whatever Services are changed into, and whatever is refused on the way."""
    cluster = Cluster(load_balancer="192.168.1.240/28")
    for manifests in steps:
        before = cluster.services, cluster._api.services.numbers.ports.allocated
        try:
            cluster.apply(text_of(manifests))
        except CourseError:
            assert (cluster.services, cluster._api.services.numbers.ports.allocated) == before
        held = {port.node_port for one in cluster.services for port in one.ports}
        held |= {one.health_check_node_port for one in cluster.services}
        assert cluster._api.services.numbers.ports.allocated == tuple(sorted(held - {0}))
        for one in cluster.services:
            if one.type == "NodePort" or (one.type == "LoadBalancer" and one.allocate_load_balancer_node_ports):
                assert all(port.node_port for port in one.ports)
            elif one.type != "LoadBalancer":
                assert not any(port.node_port for port in one.ports)


DNS_PORTS = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}, {"name": "metrics", "port": 9153}]


def test_only_the_ports_of_one_service_with_one_number_share_a_node_port() -> None:
    """kubernetes, issue 20092: the API server counts numbers, whatever the protocol; kube-dns is such a Service."""
    cluster = world("flannel", "iptables")
    held, = cluster.apply(service(type="NodePort", ports=DNS_PORTS))
    udp, tcp, metrics = (port.node_port for port in held.ports)
    assert udp == tcp != metrics
    asked, = cluster.apply(service("asked", clusterIP=None, type="NodePort", ports=[
        {"name": "a", "port": 53}, {"name": "b", "port": 53, "protocol": "UDP", "nodePort": 30053},
        {"name": "c", "port": 54, "protocol": "UDP"}]))
    assert [port.node_port for port in asked.ports][:2] == [30053, 30053] != asked.ports[2].node_port
    for name in ("web", "asked"):
        cluster.delete("svc", name)
    again, = cluster.apply(service("asked", clusterIP=None, type="NodePort", ports=[{"port": 53, "nodePort": 30053}]))
    more, = cluster.apply(service("asked", clusterIP=None, type="NodePort", ports=[
        {"name": "x", "port": 53, "nodePort": 30053}, {"name": "y", "port": 53, "protocol": "UDP"}]))
    assert again.ports[0].node_port == more.ports[0].node_port == 30053 != more.ports[1].node_port, "an update shares nothing"


@pytest.mark.parametrize(("first", "then"), [
    ({}, {"type": "NodePort"}),
    ({}, {"type": "LoadBalancer"}),
    ({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}, {"type": "LoadBalancer"}),
    ({"type": "ExternalName", "externalName": "example.com", "clusterIP": None, "ports": None}, {"type": "NodePort"}),
    ({"type": "NodePort", "ports": [{"port": 80, "name": "a"}]},
     {"type": "NodePort", "ports": [{"port": 80, "name": "a"}, {"port": 81, "targetPort": 80, "name": "b"}]}),
])
def test_a_service_that_comes_to_need_node_ports_gets_them(first: dict[str, Any], then: dict[str, Any]) -> None:
    """By apply; `kubectl patch` and `kubectl edit` come to the same."""
    cluster = world("flannel", "iptables")
    cluster.apply(service(**first))
    held, = cluster.apply(service(**then))
    numbers = [port.node_port for port in held.ports]
    assert len(set(numbers)) == len(numbers) and all(30000 <= number <= 32767 for number in numbers)
    assert all(cluster.send("laptop", "node-1", port=number).delivered for number in numbers)
    again, = cluster.apply(service(**then))
    assert again == held, "applied again it keeps them"
    if "ports" not in then:
        cluster.apply(service())
        assert cluster.send("laptop", "node-1", port=numbers[0]).verdict is Verdict.REFUSED, "and without need it has none"
        cluster.apply(service("other", clusterIP=None, type="NodePort", ports=[{"port": 80, "nodePort": numbers[0]}]))


@pytest.mark.parametrize("type", ["NodePort", "LoadBalancer"])
def test_a_headless_service_cannot_be_opened_to_the_outside(type: str) -> None:  # noqa: A002 # the field's name
    """The API server keeps clusterIP None where an update leaves it out, and refuses it with these types."""
    cluster = world()
    cluster.apply(service(clusterIP="None"))
    with pytest.raises(InvalidManifest, match="clusterIP None, which only one of type ClusterIP can have"):
        cluster.apply(service(clusterIP=None, type=type))
    assert cluster.services[0].headless
    cluster.apply(service(clusterIP=None, ports=[{"port": 81}]))
    assert cluster.services[0].headless and cluster.services[0].ports[0].port == 81


def test_an_error_about_a_packet_that_nobody_sent_so_is_ignored() -> None:
    """Found in the other kernel: the router tells the laptop, past the node that has rewritten the destination."""
    cluster = world("bridge", "ipvs", on=(1,))
    cluster.apply(service(type="NodePort", externalTrafficPolicy="Local", ports=[{"port": 80, "nodePort": NODE_PORT}]))
    trace = cluster.send("laptop", "node-2", port=NODE_PORT)
    assert trace.verdict is Verdict.NO_ROUTE and trace.reply is not None and not trace.reply.delivered
    assert [hop.device for hop in trace.reply.hops] == ["router", "underlay", "laptop"] and "nobody's" in trace.reply.reason


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cni=st.sampled_from(["bridge", *CONNECTED]), proxy=st.sampled_from(MODES), spec=manifests_of_services,
       on=st.lists(st.integers(1, 3), min_size=1, max_size=3),
       src=st.sampled_from(["client", "web-1", "node-1", "node-3", "laptop", "internet"]),
       dst=st.sampled_from([VIP, "node-1", "node-2", EXTERNAL, "198.51.100.7"]))
def test_nat_is_undone_exactly_on_the_way_back(cni: str, proxy: str, spec: dict[str, Any], on: list[int], src: str,
                                               dst: str) -> None:
    """Whoever gets an answer gets it from where he sent to, at the port he sent from."""
    cluster = world(cni, proxy, tuple(on))
    kind = spec.get("type", "ClusterIP")
    if kind == "ClusterIP" and "externalIPs" not in spec:
        spec = {key: value for key, value in spec.items() if key != "externalTrafficPolicy"}
    port = {"port": 80} if kind == "ClusterIP" else {"port": 80, "nodePort": NODE_PORT}
    cluster.apply(service(**spec, ports=[port]))
    trace = cluster.send(src, dst, port=NODE_PORT if dst.startswith("node") else 80)
    first = trace.packet
    rewritten = trace.hops[-1].steps[-1].packet
    itself = proxy == "kernelspace" and rewritten.src == rewritten.dst  # Windows hides no source, so the answer never leaves
    assert trace.answered or not trace.delivered or cni == "bridge" or itself or (
        proxy in ("iptables", "nftables") and short_circuited(cni, spec, src, dst)) or (
        proxy == "ipvs" and spec.get("externalTrafficPolicy") == "Local" and dst != VIP), trace
    if trace.answered:
        assert trace.reply is not None
        home = trace.reply.hops[-1].steps[-1].packet
        assert (home.src, home.src_port, home.dst, home.dst_port) == (
            first.dst, first.dst_port, first.src, first.src_port), trace
        answer = trace.reply.packet
        assert (answer.src, answer.src_port, answer.dst, answer.dst_port) == (
            rewritten.dst, rewritten.dst_port, rewritten.src, rewritten.src_port)


@pytest.mark.parametrize("proxy", MODES)
def test_only_services_that_somebody_asks_for_are_worked_out(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many Services the endpoints of those are looked at to which a packet or a question goes; and of all by a person."""
    looked: list[str] = []

    def noted(service: Service, *more: Any) -> Any:
        looked.append(service.name)
        return endpoint_slices(service, *more)

    monkeypatch.setattr(controller, "endpoint_slices", noted)
    cluster = Cluster(nodes=2, cni="flannel", proxy=proxy)
    for number in range(30):
        cluster.add_pod(f"pod-{number}", labels={"app": f"app-{number}"})
        cluster.apply(f"{{apiVersion: v1, kind: Service, metadata: {{name: svc-{number}}}, "
                      f"spec: {{selector: {{app: app-{number}}}, ports: [{{port: 80}}]}}}}")
    assert cluster.query("svc-7.default.svc.cluster.local").records
    first = looked.copy()
    assert len(first) <= 2  # the first, to see what rows such Services have
    assert cluster.send("pod-1", "svc-9").delivered
    assert [name for name in looked if name not in first] == ["svc-9"]
    assert cluster.send("pod-1", "svc-9").hops[-1].device == "default/pod-9"
    cluster.delete("pod", "pod-9")
    assert not cluster.send("pod-1", "svc-9").delivered
    assert set(looked) == {*first, "svc-9"}
    assert len(cluster.proxy_text("node-1")) > 1000
    assert {f"svc-{number}" for number in range(30)} <= set(looked)


@pytest.mark.parametrize("proxy", LINUX_MODES)
def test_an_endpoint_that_is_sent_back_to_itself_is_hidden_whoever_asked_first(proxy: str) -> None:
    """A pod's own Service, of which nobody has worked anything out, leads back to the pod, which sees the node's address."""
    cluster = Cluster(nodes=2, cni="flannel", proxy=proxy)
    for number in range(12):
        cluster.add_pod(f"pod-{number}", labels={"app": f"app-{number}"})
        cluster.apply(service(f"svc-{number}", clusterIP=None, selector={"app": f"app-{number}"}, ports=[{"port": 80}]))
    for number in range(12):
        trace = cluster.send(f"pod-{number}", f"svc-{number}")
        assert trace.answered and trace.hops[-1].packet.src != cluster.pod(f"pod-{number}").ip
