"""Asked in the other kernel: the mode ipvs, and tunnels of the kind IPIP.  test_other_kernel.py starts it there."""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import Lab, emulate, modelled
from k8snet_course.emulator.agreement import compare, differing_backends
from k8snet_course.emulator.kernel import IPIP, IPVS, born_with, kernel, restorers
from k8snet_course.emulator.lab import Wanted
from k8snet_course.services.kube_proxy.schedulers import Server, schedule
from tests.emulator.test_rules import everything, service
from tests.emulator.worlds import ways_in


def test_this_kernel_has_what_the_others_lack() -> None:
    assert kernel()[IPVS].there and kernel()[IPIP].there and not born_with()
    assert restorers()[0].startswith("iptables-legacy-restore")


def listed(lab: Lab, node: str) -> list[str]:
    """A node's sets without what only a kernel knows, and the members of each in one order."""
    text = lab.exec(node, "ipset list")
    text = re.sub(r"^(Revision|Size in memory|References): .*\n", "", text, flags=re.MULTILINE)
    return normal(re.sub(r" bucketsize \d+ initval 0x[0-9a-f]+", "", text))


def normal(text: str) -> list[str]:
    parts = [part.partition("Members:\n") for part in text.strip().split("\n\n")]
    return sorted(f"{head}{sorted(members.split())}" for head, _, members in parts)


def servers(text: str) -> dict[str, list[str]]:
    """The virtual servers of `ipvsadm -Ln` with their real ones, without counts of connections."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines()[3:]:
        words = line.split()
        if words[0] == "->":
            found[next(reversed(found))].append(" ".join(words[1:4]))
        else:
            found[" ".join(words)] = []
    return {name: sorted(of) for name, of in found.items()}


def rules(text: str) -> list[str]:
    """What `iptables-save` prints, without counters and comments, each chain's rules in their order."""
    lines = [re.sub(r" \[\d+:\d+\]$", "", line) for line in text.splitlines() if not line.startswith("#")]
    return sorted((line for line in lines), key=lambda line: line.split()[1] if line.startswith("-A") else "")


def test_the_kernel_holds_the_very_texts() -> None:
    cluster = everything("ipvs", "calico")
    with emulate(cluster) as lab:
        for node in ("node-1", "node-2"):
            assert listed(lab, node) == normal(cluster.exec(node, "ipset list").out)
            assert servers(lab.exec(node, "ipvsadm -Ln")) == servers(cluster.exec(node, "ipvsadm -Ln").out)
            for table in ("nat", "filter"):
                assert rules(lab.exec(node, f"iptables-legacy-save -t {table}")) == rules(
                    cluster.exec(node, f"iptables-save -t {table}").out)
            for name, value in (("conntrack", "1"), ("expire_nodest_conn", "1")):
                assert lab.exec(node, f"cat /proc/sys/net/ipv4/vs/{name}").strip() == value


@pytest.mark.parametrize("cni", ["flannel", "calico"])
def test_every_way_in_from_everywhere(cni: str) -> None:
    """Affinity, node ports, load balancers' addresses, source ranges, policies Local, no endpoints; TCP, UDP and pings."""
    cluster = everything("ipvs", cni)
    cluster.add_pod("h", "node-2", labels={"app": "h"}, host_network=True)
    cluster.apply(service("s6", "h", type="LoadBalancer", loadBalancerSourceRanges=["10.244.0.0/16"]))
    sources = ("a", "c", "node-1", "node-2", "laptop")
    ways = list(ways_in(cluster))
    wanted: list[Wanted] = [(source, *way) for way, source in product(ways, sources)]
    wanted += [(source, address, port, protocol) for source in ("a", "node-1")  # what nobody serves there
               for address in dict.fromkeys(way[0] for way in ways) if address not in ("node-1", "node-2")
               for port, protocol in ((81, "TCP"), (81, "UDP"), (None, "ICMP"))]
    with emulate(cluster) as lab:
        assert compare(cluster, lab, wanted) == []
        for way in (ways[0], ways[-1]):
            assert differing_backends(cluster, lab, ("a", *way)) == []


CLIENTS = ("c0", "c1", "c0", "c2", "c0", "c1")


def several() -> Cluster:
    """Five servers on two nodes, and three clients."""
    cluster = Cluster(nodes=2, cni="calico-bgp", proxy="ipvs")
    for number in range(5):
        cluster.add_pod(f"w{number}", f"node-{number % 2 + 1}", labels={"app": "w"})
    for number in range(3):
        cluster.add_pod(f"c{number}", "node-1")
    return cluster


def test_turns_are_taken_in_the_same_order() -> None:
    """Connection by connection: round robin starts with the server that was added last."""
    cluster = several()
    cluster.apply(service("web", "w"))
    with emulate(cluster) as lab:
        real = [lab.send(client, "web").reached for client in CLIENTS]
    model = [cluster.send(client, "web").hops[-1].label for client in CLIENTS]
    ends = sorted((f"{pod.ip}:80", pod.name) for pod in cluster.pods if pod.name.startswith("w"))
    assert real == model == [name for _, name in reversed(ends)] + [ends[-1][1]]


@pytest.mark.parametrize("scheduler", ["sh", "dh", "lc"])
def test_a_scheduler_chooses_by_its_formula(scheduler: str) -> None:
    """The kernel's own, set by hand: kube-proxy is told its scheduler when it starts."""
    cluster = several()
    cluster.apply(service("web", "w"))
    address = cluster.services[0].cluster_ip
    ends = {f"{pod.ip}:80": pod.name for pod in cluster.pods if pod.name.startswith("w")}
    counts: Counter[str] = Counter()
    expected = []
    for client in CLIENTS:
        offered = tuple(Server(end, inactive=counts[end]) for end in sorted(ends, reverse=True))
        found = schedule(scheduler, offered, 0, cluster.pod(client).ip, address)
        assert found is not None
        counts[found.name] += 1  # the connection is closed at once, and remembered for a while
        expected.append(ends[found.name])
    with emulate(cluster) as lab:
        lab.exec("node-1", f"ipvsadm -E -t {address}:80 -s {scheduler}")
        assert f"TCP {address}:80 {scheduler}" in servers(lab.exec("node-1", "ipvsadm -Ln"))
        assert [lab.send(client, "web").reached for client in CLIENTS] == expected


def test_a_client_stays_with_its_server() -> None:
    cluster = several()
    cluster.apply(service("web", "w", sessionAffinity="ClientIP"))
    with emulate(cluster) as lab:
        real = [lab.send(client, "web").reached for client in CLIENTS]
    assert real == [cluster.send(client, "web").hops[-1].label for client in CLIENTS]
    assert len({one for client, one in zip(CLIENTS, real, strict=True) if client == "c0"}) == 1


def test_the_same_in_both_ip_families() -> None:
    """kube-ipvs0 is down and has addresses of both; a pod's cable has none, so MASQUERADE takes a Service's in IPv6."""
    cluster = Cluster(nodes=2, cni="calico-bgp", proxy="ipvs", pod_cidr="10.244.0.0/16,fd00:10:244::/56",
                      node_network="192.168.1.0/24,fd00:192:168:1::/64", service_cidr="10.96.0.0/12,fd00:10:96::/112")
    for name, app, node in (("a", "x", 1), ("b", "x", 2), ("c", "y", 2)):
        cluster.add_pod(name, f"node-{node}", labels={"app": app}, listen=(80, "53/UDP"))
    for name, app, spec in (("s1", "x", {}), ("s2", "y", {"type": "NodePort"}), ("s3", "nobody", {}),
                            ("s4", "x", {"type": "NodePort", "externalTrafficPolicy": "Local"})):
        cluster.apply(service(name, app, ipFamilyPolicy="RequireDualStack", **spec))
    ways = [(address, port.port, port.protocol) for each in cluster.services for address in each.cluster_ips
            for port in each.ports]
    ways += [(address, port.node_port, port.protocol) for each in cluster.services for port in each.ports if port.node_port
             for node in cluster.nodes for address in (node.ip, node.second_ip)]
    wanted: list[Wanted] = [(source, *way) for way, source in product(ways, ("a", "c", "node-1", "laptop"))]
    wanted += [(source, address, None, "ICMP") for source in ("a", "node-1") for address in cluster.services[0].cluster_ips]
    with emulate(cluster) as lab:
        assert compare(cluster, lab, wanted) == []
        assert listed(lab, "node-1") == normal(cluster.exec("node-1", "ipset list").out)
        assert servers(lab.exec("node-1", "ipvsadm -Ln")) == servers(cluster.exec("node-1", "ipvsadm -Ln").out)


def test_a_tunnel_that_linux_has_made_in_each_namespace() -> None:
    """The row "first tunnel" of the known simplifications."""
    setting = Path("/proc/sys/net/core/fb_tunnels_only_for_init_net")
    cluster = Cluster(nodes=2, cni="calico")
    cluster.add_pod("a", "node-1", labels={"app": "a"})
    cluster.add_pod("b", "node-2")
    held, = cluster.apply(service("web", "a", type="NodePort"))
    tunnel = next(link for link in cluster.node("node-1").links if link.name == "tunl0").addresses[0].partition("/")[0]
    probe = ("laptop", "node-1", held.ports[0].node_port)
    assert modelled(cluster.send(*probe), *probe[:2], "TCP", probe[2]).source_seen == cluster.nodes[0].ip
    before = setting.read_text(encoding="ascii")
    try:
        setting.write_text("0", encoding="ascii")
        born_with.cache_clear()
        assert "tunl0" in born_with()
        with emulate(cluster) as lab:
            assert lab.send(*probe).source_seen == tunnel
            assert lab.send("a", "b") == modelled(cluster.send("a", "b"), "a", "b", "TCP", 80), "the tunnel itself is the same"
    finally:
        setting.write_text(before, encoding="ascii")
        born_with.cache_clear()


def test_what_an_ipip_tunnel_does_with_sizes() -> None:
    """Calico's tunl0 takes 1480 bytes; the tunnel's far end is nobody's neighbour but its own route's."""
    cluster = Cluster(nodes=3, cni="calico")
    for number in (1, 2, 3):
        cluster.add_pod(f"p{number}", f"node-{number}", listen=(80, "53/UDP"))
    wanted: list[Wanted] = [(source, target, None, "ICMP", size) for source, target in (("p1", "p2"), ("node-1", "p3"))
                            for size in (56, 1452, 1453, 1472)]
    wanted += [("p1", "p3", 53, "UDP", size) for size in (100, 1452, 1453, 3000)]
    wanted += [(source, target, 80, "TCP") for source, target in product(("p1", "node-1", "laptop"), ("p1", "p2", "p3"))]
    with emulate(cluster) as lab:
        assert compare(cluster, lab, wanted) == []
        assert "ipip remote any local any" in lab.exec("node-1", "ip -d link show tunl0")
