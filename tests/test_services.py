"""Services as packets meet them: what a cluster does with connections to them, by every plugin and in every mode of kube-proxy.

The tables are those of FACTS 6, 7.3 and 16; each row is a packet's whole walk, not a reading of rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, CourseError, InvalidArgument, InvalidManifest, NotFound
from k8snet_course.linux.trace import Trace, Verdict

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
            continue  # Windows hides no source of its own pods
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
    ("nftables", "refused", "no_route", "refused"),
    ("ipvs", "refused", "no_route", "delivered"),
])
def test_what_is_at_a_cluster_ip_that_nobody_serves(proxy: str, wrong_port: str, no_service: str, ping: str) -> None:
    """FACTS 7.3: another port, an address of no Service, a ping.  For nftables an address of no Service is dropped."""
    cluster = world(proxy=proxy)
    cluster.apply(service())
    told = {trace: str(trace.verdict) for trace in ()}
    told = [cluster.send("client", VIP, port=81), cluster.send("client", "10.96.0.99", port=80),
            cluster.send("client", VIP, protocol="ICMP")]
    assert [str(trace.verdict) for trace in told] == [wrong_port, no_service, ping], [trace.reason for trace in told]
