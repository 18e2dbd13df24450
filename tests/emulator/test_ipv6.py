"""IPv6 and dual stack in real Linux: the same tables and the same answers as in the model."""

from __future__ import annotations

from itertools import product

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import Outcome, emulate
from k8snet_course.emulator.agreement import Wanted, asked, compare
from k8snet_course.emulator.cni_run import files_in
from k8snet_course.emulator.ground import Ground
from k8snet_course.faults import ForwardingOff, MissingNeighbour, MissingRoute
from k8snet_course.linux.trace import Verdict

REAL = pytest.mark.needs("ip", "bridge", "ip6tables-restore", "nft", "/usr/lib/cni/bridge", "root")
PLUGINS = ("none", "bridge", "flannel", "flannel-host-gw", "calico-bgp", "calico-vxlan", "cilium", "cilium-native")
RANGES = {"six": ("fd00:10:244::/56", "fd00:192:168:1::/64"),
          "dual": ("10.244.0.0/16,fd00:10:244::/56", "192.168.1.0/24,fd00:192:168:1::/64"),
          "six first": ("fd00:10:244::/56,10.244.0.0/16", "fd00:192:168:1::/64,192.168.1.0/24")}
DEVICES = ("a", "b", "c", "node-1", "node-2", "laptop", "internet")
KINDS = ((80, "TCP"), (81, "TCP"), (53, "UDP"), (80, "UDP"), (None, "ICMP"))


def cluster_of(cni: str, ranges: str, proxy: str = "iptables") -> Cluster:
    pods, nodes = RANGES[ranges]
    cluster = Cluster(nodes=2, cni=cni, pod_cidr=pods, node_network=nodes, proxy=proxy)
    for name, node in (("a", 1), ("b", 1), ("c", 2)):
        cluster.add_pod(name, node=f"node-{node}", listen=(80, "53/UDP"), labels={"app": name})
    return cluster


def addresses(cluster: Cluster, device: str) -> list[str]:
    """The addresses of a device's eth0."""
    kind = next((each for each in ("node", "host") if device in {"node": [node.name for node in cluster.nodes],
                                                                 "host": cluster.hosts}[each]), "pod")
    links = getattr(cluster, kind)(device).links
    return [text.partition("/")[0] for link in links if link.name == "eth0" for text in link.addresses]


def probes(cluster: Cluster) -> list[Wanted]:
    """Everybody to everybody, by name and by each address, and to nobody's."""
    targets = [*DEVICES, *(address for device in DEVICES for address in addresses(cluster, device)), "fd00:10:244::77"]
    return [(source, target, *kind) for source, target, kind in product(DEVICES, dict.fromkeys(targets), KINDS)]


@REAL
@pytest.mark.parametrize(("cni", "ranges"), [*((cni, "dual") for cni in PLUGINS), ("flannel", "six"), ("calico-vxlan", "six"),
                                            ("cilium", "six"), ("cilium-native", "six"), ("flannel", "six first")])
def test_everybody_to_everybody(cni: str, ranges: str) -> None:
    cluster = cluster_of(cni, ranges)
    with emulate(cluster) as lab:
        assert compare(cluster, lab, probes(cluster)) == []
        target = next(address for address in addresses(cluster, "b") if ":" in address)
        sent = lab.send("a", target)
        assert (sent.verdict, sent.reached) == (Outcome.DELIVERED, "b") and ":" in sent.source_seen


@REAL
@pytest.mark.parametrize("cni", PLUGINS)
def test_the_tables_are_the_models(cni: str) -> None:
    cluster = cluster_of(cni, "dual")
    with emulate(cluster) as lab:
        for device, name in (("a", "default/a"), ("node-1", "node-1"), ("laptop", "laptop")):
            real = {" ".join(line.split()) for line in lab.exec(device, "ip -6 route").splitlines()}
            real = {row for row in real if not row.startswith("fe80::/64 ")}
            ns = cluster.namespace(name)
            by_program = {link.name for link in ns.links.values() if link.program}
            model = {str(row) for row in ns.routes if ":" in str(row) and row.dev not in by_program}
            assert model <= real and (by_program or model == real)
        rules = [line for line in lab.exec("node-1", "ip6tables-save -t nat").splitlines() if line.startswith("-A")]
        assert sorted(rules) == sorted(map(str, cluster.namespace("node-1").rules6.rows("nat")))


@REAL
def test_the_tunnel_of_ipv6() -> None:
    cluster = cluster_of("flannel", "dual")
    target = next(address for address in addresses(cluster, "c") if ":" in address)
    with emulate(cluster) as lab:
        assert lab.send("a", target).encapsulated == ("VXLAN fd00:192:168:1::2 -> fd00:192:168:1::3",)
        assert lab.send("a", "c").encapsulated == ("VXLAN 192.168.1.2 -> 192.168.1.3",)
        assert "ttl=62 time" in lab.exec("a", f"ping -c 1 -W 2 {target}")


@REAL
@pytest.mark.parametrize("cni", ["bridge", "flannel"])
def test_the_plugins_give_both_addresses(cni: str) -> None:
    """Also after pods have come and gone, and with ports of the node."""
    pods, nodes = RANGES["dual"]
    cluster = Cluster(cni=cni, pod_cidr=pods, node_network=nodes)
    for number in range(5):
        cluster.add_pod(f"p{number}", host_ports={8080 + number: 80} if number % 2 else None)
    cluster.delete("pod", "p0")
    cluster.delete("pod", "p2")
    cluster.add_pod("q")
    second = cluster.second_ipam("node-1")
    with emulate(cluster) as lab:
        assert isinstance(lab._ground, Ground) and second is not None
        store = lab._ground._spaces.folder / "node-1" / str(cluster.conflist("node-1")["name"])
        assert files_in(store) == {**cluster.ipam("node-1").to_files(), **second.to_files(1)}  # type: ignore[union-attr]
        for pod in cluster.pods:
            (real,) = lab.cni(pod.name)
            assert real["ips"] == cluster.cni_result(pod.name)["ips"] and len(real["ips"]) == 2
        node = next(address for address in addresses(cluster, "node-1") if ":" in address)
        ways = product(("laptop", "p4", "p3", "node-1"), (8080, 8081, 8083))
        assert compare(cluster, lab, [(source, node, port, "TCP") for source, port in ways]) == []


@REAL
@pytest.mark.parametrize(("cni", "proxy"), [("calico-vxlan", "nftables"), ("calico-bgp", "iptables"), ("flannel", "iptables"),
                                           ("bridge", "nftables")])
def test_services(cni: str, proxy: str) -> None:
    cluster = cluster_of(cni, "dual", proxy)
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "ipFamilyPolicy": "PreferDualStack", "selector": {"app": "c"},
                            "ports": [{"port": 80, "nodePort": 30080}]}})
    (service,) = cluster.services
    entrances = [(address, 80) for address in service.cluster_ips]
    entrances += [(address, 30080) for node in ("node-1", "node-2") for address in addresses(cluster, node)]
    assert len(entrances) == 6
    with emulate(cluster) as lab:
        sources = ("a", "c", "node-1", "node-2", "laptop")
        assert compare(cluster, lab, [(source, *way, "TCP") for source, way in product(sources, entrances)]) == []
        if cni != "bridge":  # whose nodes know no way to each other's pods
            assert {lab.send("a", *entrance).reached for entrance in entrances} == {"c"}


POLICIES = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: to-b}
spec:
  podSelector: {matchLabels: {app: b}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: c}}}]
    ports: [{port: 80, endPort: 81}]
  - from: [{ipBlock: {cidr: "fd00:192:168:1::/64", except: ["fd00:192:168:1::3/128"]}}, {ipBlock: {cidr: 192.168.1.3/32}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: from-c}
spec:
  podSelector: {matchLabels: {app: c}}
  policyTypes: [Egress]
  egress:
  - to: [{namespaceSelector: {}}]
    ports: [{protocol: UDP}, {port: 80}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: admin}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  egress:
  - {action: Deny, to: [{networks: ["fd00:10:244::/64"]}], protocols: [{udp: {destinationPort: {number: 53}}}]}
  - {action: Pass, to: [{nodes: {}}]}
  ingress:
  - action: Deny
    from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: a}}}}]
    protocols: [{tcp: {destinationPort: {number: 81}}}]
"""


@REAL
@pytest.mark.parametrize(("cni", "ranges"), [("calico-bgp", "dual"), ("calico-vxlan", "six"), ("calico-vxlan", "six first"),
                                            ("cilium", "dual"), ("cilium-native", "six")])
def test_policies(cni: str, ranges: str) -> None:
    """A policy's addresses are of one family, its selectors mean both; and pods still find their neighbours."""
    cluster = cluster_of(cni, ranges)
    cluster.add_pod("d", node="node-2", listen=(80, 81, "53/UDP"), labels={"app": "b"})
    cluster.apply(POLICIES)
    wanted = probes(cluster)
    traces = [asked(cluster, probe) for probe in wanted]
    seen = {(":" in trace.packet.dst, trace.verdict) for trace in traces}
    verdicts = (Verdict.DENIED_INGRESS, Verdict.DENIED_EGRESS, Verdict.DELIVERED)
    assert set(product({True, ranges == "six"}, verdicts)) <= seen
    with emulate(cluster) as lab:
        assert compare(cluster, lab, wanted) == []


@REAL
@pytest.mark.parametrize("cni", ["flannel", "flannel-host-gw", "calico-bgp"])
def test_faults(cni: str) -> None:
    cluster = cluster_of(cni, "dual")
    route = next(row.dst for row in cluster.node("node-1").routes if ":" in row.via and row.dst != "::/0")
    faults = [MissingRoute("node-1", route), ForwardingOff("node-2")]
    if cni == "flannel":
        faults = [MissingNeighbour("node-1", "fd00:10:244:1::")]  # type: ignore[list-item]
    if cni == "flannel-host-gw":
        faults = [MissingRoute("node-1", "fd00:192:168:1::/64")]
    for fault in faults:
        cluster.inject(fault)
    targets = [address for device in ("b", "c") for address in addresses(cluster, device)]
    with emulate(cluster) as lab:
        wanted = [(source, target, None, "ICMP") for source, target in product(("a", "node-1", "node-2"), targets)]
        assert compare(cluster, lab, wanted) == []
        arrives = lab.send("a", targets[-1], None).verdict is Outcome.DELIVERED
        assert arrives == (cni == "flannel-host-gw"), "a row to a router outlives the row that says where the router is"
