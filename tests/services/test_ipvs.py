"""What kube-proxy writes in the mode ipvs, after pkg/proxy/ipvs/proxier.go; what a kernel does with it is asked in another
kernel (tests/emulator/guest).
"""

from __future__ import annotations

import pytest

from k8snet_course.linux.ipset import SETS, SetRule
from k8snet_course.linux.netfilter import FILTER, IPVS, NAT
from k8snet_course.linux.packet import Packet
from k8snet_course.objects.service import ServicePort
from k8snet_course.services.kube_proxy.ipvs import IP_SETS
from k8snet_course.services.kube_proxy.ipvs_text import ipset_list, ipset_restore, ipvsadm_restore
from k8snet_course.services.kube_proxy.modes import KubeProxy
from k8snet_course.services.kube_proxy.proxy import Settings, decide
from tests.services.worlds import NODES, is_local, proxied, web

NODE = NODES[0]
BALANCED = {"type": "LoadBalancer", "load_balancer_ips": ("203.0.113.8",)}


def sets(proxy: KubeProxy) -> dict[str, list[str]]:
    """The members of the sets that have any."""
    texts = (text.splitlines() for text in ipset_list(proxy.rules(NODE)).split("\n\n"))
    return {lines[0].removeprefix("Name: "): lines[5:] for lines in texts if lines[5:]}


LOOP = {"KUBE-LOOP-BACK": [f"{ip},tcp:8080,{ip}" for ip in ("10.244.0.2", "10.244.1.2", "10.244.1.3")]}
CLUSTER = {"KUBE-CLUSTER-IP": ["10.96.0.20,tcp:80"]}


@pytest.mark.parametrize(("spec", "expected"), [
    ({}, {"KUBE-IPVS-IPS": ["10.96.0.20"]}),
    ({"type": "NodePort"}, {"KUBE-NODE-PORT-TCP": ["30080"], "KUBE-IPVS-IPS": ["10.96.0.20"]}),
    ({"external_ips": ("198.51.100.7",)},
     {"KUBE-EXTERNAL-IP": ["198.51.100.7,tcp:80"], "KUBE-IPVS-IPS": ["10.96.0.20", "198.51.100.7"]}),
    (BALANCED, {"KUBE-LOAD-BALANCER": ["203.0.113.8,tcp:80"], "KUBE-NODE-PORT-TCP": ["30080"],
                "KUBE-IPVS-IPS": ["10.96.0.20", "203.0.113.8"]}),
])
def test_the_sets(spec: dict[str, object], expected: dict[str, list[str]]) -> None:
    assert sets(proxied("ipvs", web(**spec))) == LOOP | CLUSTER | expected


def test_the_policy_local_has_sets_of_its_own() -> None:
    spec = {**BALANCED, "external_ips": ("198.51.100.7",), "external_traffic_policy": "Local", "health_check_node_port": 31000}
    found = sets(proxied("ipvs", web(**spec)))
    assert found.pop("KUBE-LOOP-BACK") == ["10.244.0.2,tcp:8080,10.244.0.2", "10.244.1.2,tcp:8080,10.244.1.2",
                                           "10.244.1.3,tcp:8080,10.244.1.3"]
    assert found == CLUSTER | {
        "KUBE-EXTERNAL-IP-LOCAL": ["198.51.100.7,tcp:80"], "KUBE-LOAD-BALANCER": ["203.0.113.8,tcp:80"],
        "KUBE-LOAD-BALANCER-LOCAL": ["203.0.113.8,tcp:80"], "KUBE-NODE-PORT-TCP": ["30080"],
        "KUBE-NODE-PORT-LOCAL-TCP": ["30080"], "KUBE-HEALTH-CHECK-NODE-PORT": ["31000"],
        "KUBE-IPVS-IPS": ["10.96.0.20", "198.51.100.7", "203.0.113.8"]}


@pytest.mark.parametrize(("source", "allowed"), [("192.168.1.0/24", True), ("198.51.100.0/24", False)])
def test_a_node_outside_of_the_source_ranges_is_kept_out_by_a_rule(source: str, allowed: bool) -> None:
    proxy = proxied("ipvs", web(**BALANCED, load_balancer_source_ranges=(source,)))
    found = sets(proxy)
    assert found["KUBE-LOAD-BALANCER-FW"] == ["203.0.113.8,tcp:80"]
    assert found["KUBE-LOAD-BALANCER-SOURCE-CIDR"] == [f"203.0.113.8,tcp:80,{source}"]
    assert ("KUBE-LOAD-BALANCER-SOURCE-IP" in found) == allowed
    drops = [str(row) for row in proxy.rules(NODE).rows(FILTER) if row.chain == "KUBE-IPVS-OUT-FILTER"]
    drop = "-A KUBE-IPVS-OUT-FILTER -s 203.0.113.8/32 -m ipvs --vproto 6 --vaddr 203.0.113.8 --vport 80 -j DROP"
    assert drops == ([] if allowed else [drop])
    local = is_local(NODE, *proxy.addresses(NODE))
    sent = decide(proxy.rules(NODE), Packet("203.0.113.8", "203.0.113.8", "TCP", 40000, 80), local, from_node=True)
    assert (str(sent) == "dropped") == (not allowed)


def test_every_set_that_a_rule_asks_is_made_and_every_name_fits_the_kernel() -> None:
    rules = proxied("ipvs", web()).rules(NODE)
    asked = {row.set_name for table in (NAT, FILTER) for row in rules.rows(table) if isinstance(row, SetRule)}
    assert asked == {each.name for each in IP_SETS} == set(rules.names(SETS, own=False))
    assert {line.split()[1] for line in ipset_restore(rules).splitlines() if line.startswith("create")} == asked
    assert max(len(each.named(family)) for each in IP_SETS for family in ("IPv4", "IPv6")) == 31


@pytest.mark.parametrize(("settings", "rule"), [
    (Settings(), "! -s 10.244.0.0/16 {}KUBE-CLUSTER-IP dst,dst"), (Settings(masquerade_all=True), "{}KUBE-CLUSTER-IP dst,dst"),
    (Settings(cluster_cidr=""), "{}KUBE-CLUSTER-IP src,dst")])
def test_whose_source_is_hidden_at_a_cluster_ip(settings: Settings, rule: str) -> None:
    about = '-m comment --comment "Kubernetes service cluster ip + port for masquerade purpose" -m set --match-set '
    rows = [str(row) for row in proxied("ipvs", web(), settings=settings).rules(NODE).rows(NAT)]
    assert f"-A KUBE-SERVICES {rule.format(about)} -j KUBE-MARK-MASQ" in rows


def test_the_commands_for_virtual_servers() -> None:
    """A node port has one at each address of the node; clients that stay have -p; real servers weigh 1."""
    ports = (ServicePort(80, target_port=8080, node_port=30080), ServicePort(53, name="dns", protocol="UDP", node_port=30053))
    proxy = proxied("ipvs", web(type="NodePort", ports=ports, session_affinity="ClientIP"), settings=Settings(scheduler="sh"))
    lines = ipvsadm_restore(proxy.rules(NODE), ("192.168.1.2", "10.244.0.1", "fd00::1")).splitlines()
    assert [line for line in lines if line.startswith("-A")] == [
        f"-A {where} -s sh -p 10800" for where in ("-t 10.96.0.20:80", "-t 192.168.1.2:30080", "-t 10.244.0.1:30080",
                                                   "-u 10.96.0.20:53", "-u 192.168.1.2:30053", "-u 10.244.0.1:30053")]
    assert lines[1] == "-a -t 10.96.0.20:80 -r 10.244.0.2:8080 -m -w 1"


def test_two_services_with_one_address_make_one_virtual_server_and_one_member() -> None:
    proxy = proxied("ipvs", web(external_ips=("198.51.100.7",)))
    other = web(external_ips=("198.51.100.7",), cluster_ips=("10.96.0.21",))
    proxy.update(type(other)("other", selector=other.selector, ports=other.ports, cluster_ips=other.cluster_ips,
                             external_ips=other.external_ips), [])
    rules = proxy.rules(NODE)
    assert len(list(rules.rows(IPVS))) == 4
    assert [line for line in ipvsadm_restore(rules, ()).splitlines() if line.startswith("-A")] == [
        f"-A -t {address}:80 -s rr" for address in ("10.96.0.20", "198.51.100.7", "10.96.0.21")]
    assert sets(proxy)["KUBE-EXTERNAL-IP"] == ["198.51.100.7,tcp:80"]


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_a_service_address_leads_to_no_other_port_of_the_node(family: str) -> None:
    """https://github.com/kubernetes/kubernetes/issues/72236"""
    rows = list(KubeProxy("ipvs", families=(family,)).rules(NODE).rows(FILTER))
    last = [row for row in rows if row.chain == "KUBE-IPVS-FILTER"][-1]
    assert str(last).endswith(f"dst -j REJECT --reject-with icmp{'6' * (family == 'IPv6')}-port-unreachable")
