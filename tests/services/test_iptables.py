"""The mode iptables: the names and probabilities of FACTS 7.2, and that Linux takes the rules and gives the same ones back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.kube_proxy.iptables import probability
from k8snet_course.services.kube_proxy.modes import KubeProxy
from k8snet_course.services.kube_proxy.names import endpoint_chain, service_chain
from tests.services.worlds import NODES, PODS, pod, proxied, web


@pytest.mark.parametrize(("port", "protocol", "name"), [
    ("default/kubernetes:https", "tcp", "NPX46M4PTMTKRN6Y"), ("kube-system/kube-dns:dns", "udp", "TCOU7JCQXEZGVUNU"),
    ("kube-system/kube-dns:dns-tcp", "tcp", "ERIFXISQEP7F7OF4"), ("kube-system/kube-dns:metrics", "tcp", "JD5MR3NA4I4DYORP"),
    ("ns1/svc1:p80", "tcp", "XPGD46QRK7WJZT7O"), ("default/web", "tcp", "LOLE4ISW44XBNF3G"),
    ("default/web:http", "tcp", "CDGGSHYLG3RE2FKL"), ("default/database", "tcp", "JOEGBJDQRZTJPXRH"),
    ("my-app/database", "tcp", "OC57FA5LPS5USBEI"), ("my-app/database:pg", "tcp", "LGZZ6ASOIITHR5VU"),
])
def test_names_of_service_chains(port: str, protocol: str, name: str) -> None:
    assert service_chain("KUBE-SVC-", port, protocol) == f"KUBE-SVC-{name}"
    assert service_chain("KUBE-EXT-", port, protocol) == f"KUBE-EXT-{name}"


@pytest.mark.parametrize(("port", "protocol", "endpoint", "name"), [
    ("ns1/svc1:p80", "tcp", "10.180.0.1:80", "SXIVWICOYRO3J4NJ"),
    ("default/kubernetes:https", "tcp", "192.168.1.2:6443", "L2IPDJWE6EEVHGM7"),
    ("default/web", "tcp", "10.244.1.2:8080", "PXJ2U7QYT2QW5545"),
    ("default/web", "tcp", "10.244.2.2:8080", "5Q3P56IRA2PP7VYF"),
    ("default/web", "tcp", "10.244.2.3:8080", "G2TK3RG32KUOAWKQ"),
    ("default/web:http", "tcp", "10.244.1.2:8080", "UIQK3OSOSTRHRPBX"),
    ("default/web", "tcp", "[fd00:10:244:1::2]:8080", "GOJQLROOZK37V2P4"),
    ("kube-system/kube-dns:dns", "udp", "10.244.0.2:53", "YIL6JZP7A3QYXJU2"),
])
def test_names_of_endpoint_chains(port: str, protocol: str, endpoint: str, name: str) -> None:
    assert endpoint_chain(port, protocol, endpoint) == f"KUBE-SEP-{name}"


@pytest.mark.parametrize(("number", "text"), [
    (2, "0.50000000000"), (3, "0.33333333349"), (4, "0.25000000000"), (5, "0.20000000019"), (6, "0.16666666651"),
    (7, "0.14285714272"), (8, "0.12500000000"), (9, "0.11111111101"), (10, "0.10000000009")])
def test_probabilities(number: int, text: str) -> None:
    assert probability(number) == text


@pytest.mark.parametrize(("pods", "shares"), [
    (3, ["0.33333333349", "0.50000000000", ""]), (2, ["0.50000000000", ""]), (1, [""]), (0, [])])
def test_the_rules_of_a_service_chain(pods: int, shares: list[str]) -> None:
    rules = proxied("iptables", web(), PODS[:pods]).rules(NODES[0])
    lots = [row for row in rules.rows("nat") if row.chain.startswith("KUBE-SVC-") and row.target.startswith("KUBE-SEP-")]
    assert [row.probability for row in lots] == shares
    refusals = [row for row in rules.rows("filter") if row.target == "REJECT"]
    assert bool(refusals) == (not pods)


def test_the_node_ports_rule_is_the_last_one() -> None:
    proxy = proxied("iptables", web(type="NodePort"))
    proxy.update(Service("late", ports=(ServicePort(80),), cluster_ips=("10.96.0.99",)), ())
    last = [row for row in proxy.rules(NODES[0]).rows("nat") if row.chain == "KUBE-SERVICES"][-1]
    assert (last.target, "must be the last" in str(last)) == ("KUBE-NODEPORTS", True)


def test_more_than_a_thousand_endpoints_go_without_comments() -> None:
    proxy = proxied("iptables", web())
    before = proxy.text(NODES[0])
    ends = tuple(Endpoint((f"10.244.{n // 250 + 10}.{n % 250 + 2}",)) for n in range(1000))
    proxy.update(Service("big", ports=(ServicePort(80),), cluster_ips=("10.96.0.21",)),
                 [EndpointSlice("big-1", "default", "big", endpoints=ends, ports=(EndpointPort(80),))])
    assert '"default/web -> 10.244.0.2:8080"' in before
    assert "->" not in proxy.text(NODES[0])
    assert '"default/web cluster IP"' in proxy.text(NODES[0]), "the first chain keeps its comments"
    proxy.remove("default/big")
    assert proxy.text(NODES[0]) == before


@pytest.fixture
def namespace() -> Iterator[str]:
    name = "k8snet-services"
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def all_kinds() -> KubeProxy:
    """Services of every kind, with each of their options."""
    guarded = {"load_balancer_ips": ("203.0.113.8",), "load_balancer_source_ranges": ("198.51.100.0/24", "192.168.1.0/24")}
    proxy = proxied("iptables", web(type="LoadBalancer", external_traffic_policy="Local", session_affinity="ClientIP",
                                    health_check_node_port=32000, external_ips=("203.0.113.7",), **guarded))
    ports = (ServicePort(53, protocol="UDP", name="dns", node_port=30053), ServicePort(53, name="dns-tcp", node_port=30053),
             ServicePort(132, protocol="SCTP", name="sctp", node_port=30132))
    ends = tuple(Endpoint((f"10.244.0.{n}",)) for n in range(2, 9))
    slices = [EndpointSlice("dns-1", "kube-system", "kube-dns", endpoints=ends,
                            ports=tuple(EndpointPort(port.port, port.protocol, port.name) for port in ports))]
    proxy.update(Service("kube-dns", "kube-system", "NodePort", ports=ports, cluster_ips=("10.96.0.10",)), slices)
    proxy.update(Service("empty", type="NodePort", ports=(ServicePort(80, node_port=30081),), cluster_ips=("10.96.0.21",),
                         external_ips=("203.0.113.9",)), ())
    far = EndpointSlice("far-1", "default", "far", endpoints=(Endpoint(("10.244.1.2",), node_name="node-2"),),
                        ports=(EndpointPort(80),))
    proxy.update(Service("far", type="NodePort", ports=(ServicePort(80, node_port=30082),), cluster_ips=("10.96.0.22",),
                         internal_traffic_policy="Local", external_traffic_policy="Local"), [far])
    return proxy


def table_of(text: str) -> dict[str, list[str]]:
    """The rules of an iptables-save text by table and chain."""
    found: dict[str, list[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line
        elif line.startswith("-A"):
            found.setdefault(f"{table} {line.split()[1]}", []).append(line)
    return found


@pytest.mark.needs("ip", "iptables-restore", "iptables-save", "root")
def test_linux_takes_the_rules_and_gives_the_same_back(namespace: str) -> None:
    text = all_kinds().text(NODES[0]) + "\n"
    inside = ["ip", "netns", "exec", namespace]
    subprocess.run([*inside, "iptables-restore", "--test"], input=text, text=True, check=True)
    subprocess.run([*inside, "iptables-restore"], input=text, text=True, check=True)
    saved = subprocess.run([*inside, "iptables-save"], capture_output=True, text=True, check=True).stdout
    assert table_of(saved) == table_of(text)
    assert sum(map(len, table_of(text).values())) > 80


@pytest.mark.needs("ip", "ip6tables-restore", "ip6tables-save", "root")
def test_linux_takes_the_rules_for_ipv6(namespace: str) -> None:
    proxy = KubeProxy("iptables", families=("IPv6",))
    service = Service("web", ports=(ServicePort(80),), cluster_ips=("fd00:10:96::20",), session_affinity="ClientIP")
    ends = (Endpoint(("fd00:10:244::2",)),)
    proxy.update(service, [EndpointSlice("web-6", "default", "web", "IPv6", ends, (EndpointPort(80),))])
    proxy.update(Service("empty", ports=(ServicePort(80),), cluster_ips=("fd00:10:96::21",)), ())
    text = proxy.text(NODES[0]) + "\n"
    inside = ["ip", "netns", "exec", namespace]
    subprocess.run([*inside, "ip6tables-restore"], input=text, text=True, check=True)
    saved = subprocess.run([*inside, "ip6tables-save"], capture_output=True, text=True, check=True).stdout
    assert table_of(saved) == table_of(text)


def test_endpoints_stand_in_the_order_of_their_texts() -> None:
    rules = proxied("iptables", web(), [pod(1), pod(9), pod(10)]).rules(NODES[0])
    assert [row.to for row in rules.rows("nat") if row.target == "DNAT"] == [
        "10.244.0.10:8080", "10.244.0.11:8080", "10.244.0.2:8080"]
