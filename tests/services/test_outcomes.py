"""What happens to a connection: the table of FACTS 7.3, and 6.4, in every mode."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.packet import Packet
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.endpoints import PodState
from k8snet_course.services.kube_proxy.modes import MODES, KubeProxy
from k8snet_course.services.kube_proxy.proxy import Decision, Settings, decide
from tests.services.worlds import CLIENT, NODES, PODS, is_local, pod, proxied, unique, web

LINUX = ("iptables", "nftables", "ipvs")
ONE = (pod(1, 1),)
POD_A, VIP, NODE = "10.244.0.9", "10.96.0.20", "192.168.1.2"


def ask(proxy: KubeProxy, src: str, dst: str, port: int = 80, node: Node = NODES[0], sport: int = 40000,
        protocol: str = "TCP", memory: Memory | None = None, seed: int = 0) -> Decision:
    """What a node's kube-proxy makes of a packet; one from the node's own address is sent by the node itself."""
    local = is_local(node, *proxy.addresses(node))
    return decide(proxy.rules(node), Packet(src, dst, protocol, sport, port), local, from_node=local(src), seed=seed,
                  memory=memory)


OUTCOMES = [
    # flow, Service, packet, node, what all modes do
    ("pod to ClusterIP", {}, (POD_A, VIP, 80), 0, "translated to 10.244.0.2:8080"),
    ("pod to itself", {}, ("10.244.0.2", VIP, 80), 0, "translated to 10.244.0.2:8080, source masqueraded"),
    ("node to ClusterIP", {}, (NODE, VIP, 80), 0, "translated to 10.244.0.2:8080, source masqueraded"),
    ("outside to NodePort, Cluster", {"type": "NodePort"}, (CLIENT, NODE, 30080), 0,
     "translated to 10.244.0.2:8080, source masqueraded"),
    ("outside to NodePort of a node without the pod, Cluster", {"type": "NodePort"}, (CLIENT, NODES[1].ip, 30080), 1,
     "translated to 10.244.0.2:8080, source masqueraded"),
    ("outside to NodePort, Local, local pod", {"type": "NodePort", "external_traffic_policy": "Local"},
     (CLIENT, NODE, 30080), 0, "translated to 10.244.0.2:8080"),
    ("pod to NodePort", {"type": "NodePort"}, (POD_A, NODE, 30080), 0, "translated to 10.244.0.2:8080, source masqueraded"),
    ("pod to pod", {}, (POD_A, "10.244.0.2", 8080), 0, "passed"),
    ("NodePort that is none", {"type": "NodePort"}, (CLIENT, NODE, 30081), 0, "passed"),
    ("no NodePort on a ClusterIP Service", {}, (CLIENT, NODE, 30080), 0, "passed"),
    ("external IP", {"external_ips": ("203.0.113.7",)}, (CLIENT, "203.0.113.7", 80), 0,
     "translated to 10.244.0.2:8080, source masqueraded"),
    ("load balancer's IP", {"type": "LoadBalancer", "load_balancer_ips": ("203.0.113.8",)}, (CLIENT, "203.0.113.8", 80), 0,
     "translated to 10.244.0.2:8080, source masqueraded"),
    ("load balancer pending", {"type": "LoadBalancer"}, (CLIENT, NODE, 30080), 0,
     "translated to 10.244.0.2:8080, source masqueraded"),
    ("headless", {"cluster_ips": ("None",)}, (POD_A, "10.244.0.2", 8080), 0, "passed"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("service", "packet", "node", "expected"), [case[1:] for case in OUTCOMES],
                         ids=[str(case[0]) for case in OUTCOMES])
def test_outcomes(mode: str, service: dict[str, object], packet: tuple[str, str, int], node: int, expected: str) -> None:
    proxy = proxied(mode, web(**service), ONE)
    src, dst, port = packet
    found = str(ask(proxy, src, dst, port, NODES[node]))
    if mode == "kernelspace" and dst == VIP:
        expected = expected.removesuffix(", source masqueraded")  # HNS hides no source for a cluster IP
    assert found == expected


@pytest.mark.parametrize(("mode", "no_endpoint", "no_local", "wrong_port", "no_service", "ping"), [
    ("iptables", "rejected", "dropped", "passed", "passed", "passed"),
    ("nftables", "rejected", "dropped", "rejected", "dropped", "rejected"),
    ("ipvs", "rejected", "rejected", "rejected", "passed", "rejected"),
    ("kernelspace", "passed", "passed", "passed", "passed", "passed"),
])
def test_what_is_not_translated(mode: str, no_endpoint: str, no_local: str, wrong_port: str, no_service: str,
                                ping: str) -> None:
    empty = proxied(mode, web(type="NodePort", external_ips=("203.0.113.7",)), ())
    for src, dst, port in ((POD_A, VIP, 80), (NODE, VIP, 80), (CLIENT, NODE, 30080), (CLIENT, "203.0.113.7", 80)):
        found = ask(empty, src, dst, port)
        assert (str(found), found.no_endpoints) == (no_endpoint, mode != "kernelspace"), (src, dst)
    local = proxied(mode, web(type="NodePort", external_traffic_policy="Local", internal_traffic_policy="Local"), ONE)
    found = ask(local, CLIENT, NODES[1].ip, 30080, NODES[1])
    if mode == "ipvs":  # it takes the other nodes' endpoints then, so that local pods reach the Service; source unhidden
        assert str(found) == str(ask(local, "10.244.1.9", VIP, 80, NODES[1])) == "translated to 10.244.0.2:8080"
        local = proxied(mode, web(internal_traffic_policy="Local"), ONE)
    else:
        assert (str(found), found.no_endpoints) == (no_local, mode != "kernelspace")
    assert str(ask(local, "10.244.1.9", VIP, 80, NODES[1])) == no_local
    assert ask(local, POD_A, VIP, 80).backend == "10.244.0.2:8080"
    one = proxied(mode, web(), ONE)
    assert (str(ask(one, POD_A, VIP, 81)), ask(one, POD_A, VIP, 81).no_endpoints) == (wrong_port, False)
    assert str(ask(one, POD_A, "10.96.0.99", 80)) == no_service
    assert str(ask(one, POD_A, VIP, 0, protocol="ICMP", sport=0)) == ping


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_policy_local_is_cluster_for_pods_and_the_node_itself(mode: str) -> None:
    proxy = proxied(mode, web(type="LoadBalancer", external_traffic_policy="Local", load_balancer_ips=("203.0.113.8",)), ONE)
    there = NODES[1]
    assert str(ask(proxy, CLIENT, "203.0.113.8", 80, there)) == "dropped"
    assert str(ask(proxy, "10.244.1.9", "203.0.113.8", 80, there)) == "translated to 10.244.0.2:8080"
    assert str(ask(proxy, there.ip, "203.0.113.8", 80, there)) == "translated to 10.244.0.2:8080, source masqueraded"


@pytest.mark.parametrize("mode", LINUX)
def test_source_ranges_guard_the_load_balancers_address_alone(mode: str) -> None:
    proxy = proxied(mode, web(type="LoadBalancer", load_balancer_ips=("203.0.113.8",),
                              load_balancer_source_ranges=("198.51.100.0/24",)), ONE)
    assert ask(proxy, "198.51.100.7", "203.0.113.8", 80).backend == "10.244.0.2:8080"
    assert str(ask(proxy, CLIENT, "203.0.113.8", 80)) == "dropped"
    assert ask(proxy, CLIENT, NODE, 30080).backend == "10.244.0.2:8080"
    assert ask(proxy, POD_A, VIP, 80).backend == "10.244.0.2:8080"


@pytest.mark.parametrize("mode", MODES)
def test_every_endpoint_gets_its_share(mode: str) -> None:
    proxy = proxied(mode, web())
    found = Counter(ask(proxy, POD_A, VIP, sport=port).backend for port in range(20000, 23000))
    assert sorted(found) == ["10.244.0.2:8080", "10.244.1.2:8080", "10.244.1.3:8080"]
    assert all(abs(count - 1000) < 100 for count in found.values()), found


@pytest.mark.parametrize("mode", MODES)
def test_a_connection_is_drawn_once_and_another_seed_draws_otherwise(mode: str) -> None:
    proxy = proxied(mode, web())
    ports = range(20000, 20050)
    one, again, other = ([ask(proxy, POD_A, VIP, sport=port, seed=seed).backend for port in ports] for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.parametrize("mode", MODES)
def test_affinity_keeps_a_client_with_its_endpoint(mode: str) -> None:
    proxy, memory = proxied(mode, web(session_affinity="ClientIP", affinity_timeout=60)), Memory()

    def connect(src: str, port: int) -> str:
        decision = ask(proxy, src, VIP, sport=port, memory=memory)
        memory.note(decision.remember)
        return decision.backend

    first = {host: connect(f"10.244.0.{host}", 20000) for host in range(20, 40)}
    assert len(set(first.values())) == 3
    assert all(connect(f"10.244.0.{host}", port) == first[host] for host in first for port in range(20001, 20005))
    memory.wait(61)
    after = {host: connect(f"10.244.0.{host}", 20777) for host in first}
    assert (after == first) == (mode == "kernelspace"), "after the time-out the client is drawn anew"


@pytest.mark.parametrize("mode", MODES)
def test_internal_policy_local(mode: str) -> None:
    proxy = proxied(mode, web(internal_traffic_policy="Local"))
    assert {ask(proxy, POD_A, VIP, sport=port).backend for port in range(20000, 20050)} == {"10.244.0.2:8080"}
    assert {ask(proxy, "10.244.1.9", VIP, sport=port, node=NODES[1]).backend for port in range(20000, 20050)} == {
        "10.244.1.2:8080", "10.244.1.3:8080"}


@pytest.mark.parametrize("mode", MODES)
def test_traffic_distribution_is_the_nodes_own_view(mode: str) -> None:
    proxy = proxied(mode, web(traffic_distribution="PreferSameNode"))
    near, far = (({ask(proxy, src, VIP, sport=port, node=node).backend for port in range(20000, 20050)})
                 for src, node in ((POD_A, NODES[0]), ("10.244.2.9", NODES[2])))
    assert near == {"10.244.0.2:8080"}
    assert len(far) == 3, "node-3 has none of its own"


@pytest.mark.parametrize("mode", MODES)
def test_endpoints_that_are_not_ready_get_nothing(mode: str) -> None:
    names = [each.key for each in unique(PODS)]
    proxy = proxied(mode, web(), states={names[0]: PodState(ready=False), names[1]: PodState(terminating=True)})
    assert {ask(proxy, POD_A, VIP, sport=port).backend for port in range(20000, 20050)} == {"10.244.1.3:8080"}
    last = proxied(mode, web(), states=dict.fromkeys(names, PodState(terminating=True)))
    assert len({ask(last, POD_A, VIP, sport=port).backend for port in range(20000, 20050)}) == 3


@pytest.mark.parametrize("mode", MODES)
def test_ports_and_protocols_are_apart(mode: str) -> None:
    dns = web(ports=(ServicePort(53, 53, "UDP", "dns"), ServicePort(53, 5353, "TCP", "dns-tcp"),
                     ServicePort(80, 8080, name="web")))
    proxy = proxied(mode, dns, ONE)
    assert ask(proxy, POD_A, VIP, 53, protocol="UDP").backend == "10.244.0.2:53"
    assert ask(proxy, POD_A, VIP, 53).backend == "10.244.0.2:5353"
    assert ask(proxy, POD_A, VIP, 80).backend == "10.244.0.2:8080"
    assert ask(proxy, POD_A, VIP, 80, protocol="UDP").backend == ""


@pytest.mark.parametrize("mode", MODES)
def test_a_service_without_selector_uses_slices_written_by_hand(mode: str) -> None:
    proxy = KubeProxy(mode)
    service = Service("db", ports=(ServicePort(5432),), cluster_ips=("10.96.0.30",))
    proxy.update(service, [EndpointSlice("db-1", "default", "db", endpoints=(Endpoint(("192.168.1.99",)),),
                                         ports=(EndpointPort(5432),))])
    assert ask(proxy, POD_A, "10.96.0.30", 5432).backend == "192.168.1.99:5432"


@pytest.mark.parametrize("mode", MODES)
def test_two_families_have_tables_of_their_own(mode: str) -> None:
    proxy = KubeProxy(mode, Settings("10.244.0.0/16,fd00:10:244::/56", "10.96.0.0/12,fd00:10:96::/112"), ("IPv4", "IPv6"))
    service = replace(web(), cluster_ips=(VIP, "fd00:10:96::20"), ip_families=("IPv4", "IPv6"))
    proxy.update(service, [
        EndpointSlice("web-4", "default", "web", "IPv4", (Endpoint(("10.244.0.2",)),), (EndpointPort(8080),)),
        EndpointSlice("web-6", "default", "web", "IPv6", (Endpoint(("fd00:10:244::2",)),), (EndpointPort(8080),))])
    assert ask(proxy, POD_A, VIP).backend == "10.244.0.2:8080"
    assert str(ask(proxy, "fd00:10:244::9", "fd00:10:96::20")) == "translated to [fd00:10:244::2]:8080"
    if mode != "kernelspace":
        assert ask(proxy, "fd00:10:244::2", "fd00:10:96::20").masquerade, "a pod that reaches itself"


@pytest.mark.parametrize("mode", ["iptables", "nftables", "ipvs"])
def test_how_pods_are_known_decides_who_is_masqueraded(mode: str) -> None:
    nobody = proxied(mode, web(), ONE, settings=Settings(cluster_cidr=""))
    assert not ask(nobody, CLIENT, VIP).masquerade
    everybody = proxied(mode, web(), ONE, settings=Settings(masquerade_all=True))
    assert ask(everybody, POD_A, VIP).masquerade
    assert ask(proxied(mode, web(), ONE), CLIENT, VIP).masquerade


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_written_for_names_and_headless_services(mode: str) -> None:
    proxy, empty = KubeProxy(mode), KubeProxy(mode)
    proxy.update(web(type="ExternalName", external_name="example.com", cluster_ips=()), ())
    proxy.update(replace(web(cluster_ips=("None",)), name="other"), ())
    assert proxy.text(NODES[0]) == empty.text(NODES[0])


def test_node_ports_answer_at_every_address_in_iptables_and_at_the_nodes_own_in_nftables() -> None:
    for mode, answers in (("iptables", True), ("nftables", False)):
        proxy = proxied(mode, web(type="NodePort"), ONE)
        assert bool(ask(proxy, CLIENT, "10.244.0.1", 30080).backend) == answers


def test_unknown_modes_and_schedulers_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="write 'iptables'"):
        KubeProxy("iptable")
    with pytest.raises(InvalidArgument, match="a scheduler: rr, wrr"):
        KubeProxy("ipvs", Settings(scheduler="random"))
