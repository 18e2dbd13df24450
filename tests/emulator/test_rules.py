"""The rules of a lab: what real `nft` and `iptables-restore` make of the texts, and that they do what the model says."""

from __future__ import annotations

import re
from itertools import product

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import emulate
from k8snet_course.emulator.agreement import compare
from k8snet_course.emulator.policy_rules import policy_table
from k8snet_course.linux.trace import Verdict

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "nft", "root")
PORTS = [{"name": "p", "port": 80, "targetPort": 80, "protocol": "TCP"},
         {"name": "u", "port": 53, "targetPort": 53, "protocol": "UDP"}]


def service(name: str, app: str, **spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": app}, "ports": PORTS, **spec}}


def policy(name: str, **spec: object) -> dict[str, object]:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}


def everything(proxy: str, cni: str = "flannel") -> Cluster:
    """Services of each kind: with affinity, node ports, addresses of a load balancer, source ranges, no endpoints."""
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy, load_balancer="192.168.1.240/28")
    for name, app, node in (("a", "x", 1), ("b", "x", 2), ("c", "y", 2), ("d", "z", 1)):
        cluster.add_pod(name, f"node-{node}", labels={"app": app}, listen=(80, "53/UDP"))
    for one in (service("s1", "x", sessionAffinity="ClientIP"),
                service("s2", "x", type="NodePort", externalTrafficPolicy="Local"),
                service("s3", "y", type="LoadBalancer", loadBalancerSourceRanges=["192.168.1.0/24"],
                        externalIPs=["198.51.100.7"]),
                service("s4", "nobody", type="LoadBalancer", externalTrafficPolicy="Local", internalTrafficPolicy="Local"),
                service("s5", "y", type="NodePort", internalTrafficPolicy="Local")):
        cluster.apply(one)
    return cluster


def normal(text: str) -> list[str]:
    """A table's text with the elements of each set in one order: the kernel keeps them by a hash."""
    def ordered(match: re.Match[str]) -> str:
        return "elements = {" + ", ".join(sorted(" ".join(each.split()) for each in match[1].split(","))) + "}"

    return [" ".join(line.split()) for line in re.sub(r"elements = \{(.*?)\}", ordered, text, flags=re.DOTALL).splitlines()]


@REAL
def test_nft_prints_the_very_text_that_it_was_given() -> None:
    cluster = everything("nftables")
    with emulate(cluster) as lab:
        for node in ("node-1", "node-2"):
            listed = lab.exec(node, "nft list table ip kube-proxy")
            assert len(listed.splitlines()) > 200 and normal(listed) == normal(cluster.proxy_text(node))
            assert lab.exec(node, "iptables-save -t nat").count("KUBE-") == 0, "kube-proxy wrote no other rules"


@REAL
@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
@pytest.mark.parametrize("cni", ["flannel", "calico-vxlan"])
def test_every_kind_of_service_in_both_modes(proxy: str, cni: str) -> None:
    cluster = everything(proxy, cni)
    probes = []
    for source, one in product(("a", "c", "node-1", "node-2", "laptop"), cluster.services):
        addresses = [one.cluster_ip, *one.external_ips, *one.load_balancer_ips]
        for port in one.ports:
            probes += [(source, address, port.port, port.protocol) for address in addresses]
            if port.node_port:
                probes += [(source, node, port.node_port, port.protocol) for node in ("node-1", "node-2")]
    assert len(probes) > 150
    with emulate(cluster) as lab:
        found = compare(cluster, lab, probes)
    assert not found, "\n".join(map(str, found))


@REAL
def test_policies_of_both_kinds_do_what_the_model_says() -> None:
    cluster = Cluster(nodes=2, cni="calico-bgp")
    for name, app, node in (("a", "x", 1), ("b", "x", 2), ("c", "y", 2), ("d", "z", 1), ("e", "", 1)):
        cluster.add_pod(name, f"node-{node}", labels={"app": app} if app else {}, listen=(80, 81, "53/UDP"))
    cluster.apply(policy("only-x", podSelector={"matchLabels": {"app": "y"}}, ingress=[
        {"from": [{"podSelector": {"matchLabels": {"app": "x"}}}], "ports": [{"port": 80, "endPort": 81}]},
        {"from": [{"ipBlock": {"cidr": "192.168.1.0/24", "except": ["192.168.1.2/32"]}}]}]))
    cluster.apply(policy("few", podSelector={"matchLabels": {"app": "z"}}, policyTypes=["Egress"], egress=[
        {"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "UDP"}]}]))
    cluster.apply({"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
                   "metadata": {"name": "admin"}, "spec": {
                       "tier": "Admin", "priority": 5, "subject": {"namespaces": {}}, "ingress": [
                           {"action": "Pass", "from": [{"pods": {"namespaceSelector": {}, "podSelector": {
                               "matchLabels": {"app": "x"}}}}]},
                           {"action": "Deny", "from": [{"namespaces": {}}],
                            "protocols": [{"tcp": {"destinationPort": {"number": 81}}}]}]}})
    who = ("a", "b", "c", "d", "e", "node-1", "node-2", "laptop")
    probes = [(one, other, port, protocol) for one, other in product(who, who)
              for port, protocol in ((80, "TCP"), (81, "TCP"), (53, "UDP"), (None, "ICMP"))]
    verdicts = [cluster.send(*probe).verdict for probe in probes]
    assert verdicts.count(Verdict.DENIED_INGRESS) >= 20 and verdicts.count(Verdict.DENIED_EGRESS) >= 10
    with emulate(cluster) as lab:
        assert compare(cluster, lab, probes) == []


def test_a_named_port_is_the_destinations() -> None:
    cluster = Cluster(nodes=1, cni="calico-bgp")
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db", "labels": {"app": "db"}}, "spec": {
        "containers": [{"name": "pg", "image": "postgres", "ports": [{"containerPort": 5432, "name": "pg"}]}]}})
    cluster.add_pod("web", labels={"app": "web"})
    cluster.apply(policy("in", podSelector={"matchLabels": {"app": "db"}}, ingress=[{"ports": [{"port": "pg"}]}]))
    cluster.apply(policy("out", podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Egress"],
                         egress=[{"ports": [{"port": "pg"}, {"port": "nobodys"}]}]))
    rows = [line.strip() for line in policy_table(cluster, "node-1").splitlines() if "dport" in line]
    assert rows == [f"ip daddr {cluster.pod('db').ip} tcp dport 5432 return"] * 2
