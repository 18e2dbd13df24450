"""The bridge plugin: its result has the form of the CNI specification, and the tables say what the result says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from k8snet_course.cluster import Cluster

RESULT_KEYS = {"cniVersion", "interfaces", "ips", "routes", "dns"}
INTERFACE_KEYS = {"name", "mac", "mtu", "sandbox", "socketPath", "pciID"}


def cluster_of(*names: str) -> Cluster:
    cluster = Cluster()
    for name in names:
        cluster.add_pod(name)
    return cluster


def test_result_by_the_specification() -> None:
    """FACTS 3 and 5.1: the order of the interfaces, the index of the pod's, gateway and route."""
    result = cluster_of("a").cni_result("a")
    assert set(result) == RESULT_KEYS
    bridge, port, eth0 = result["interfaces"]  # type: ignore[misc]
    assert (bridge["name"], port["name"][:4], len(port["name"]), eth0["name"]) == ("cni0", "veth", 12, "eth0")
    assert "sandbox" not in bridge and "sandbox" not in port and eth0["sandbox"].startswith("/var/run/netns/cni-")
    assert all(set(interface) <= INTERFACE_KEYS for interface in (bridge, port, eth0))
    assert result["ips"] == [{"address": "10.244.0.2/24", "gateway": "10.244.0.1", "interface": 2}]
    assert result["routes"] == [{"dst": "0.0.0.0/0", "gw": "10.244.0.1"}]


def test_pod_tables() -> None:
    """FACTS 13.2: what `ip route` and `ip addr` print in a pod."""
    pod = cluster_of("a").pod("a")
    assert str(pod.routes) == ("default via 10.244.0.1 dev eth0\n"
                               "10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.2")
    assert [link.name for link in pod.links] == ["lo", "eth0"]
    assert "inet 10.244.0.2/24 brd 10.244.0.255 scope global eth0" in str(pod.links)


def test_node_tables() -> None:
    node = cluster_of("a", "b").node("node-1")
    assert str(node.routes) == ("default via 192.168.1.1 dev eth0\n"
                                "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1\n"
                                "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.2")
    ports = [link for link in node.links if link.master == "cni0"]
    assert len(ports) == 2 and all(link.kind == "veth" and not link.addresses for link in ports)


@pytest.mark.parametrize("cni", ["bridge", "flannel", "flannel-host-gw"])
@pytest.mark.parametrize("ranges", [("10.244.0.0/16,fd00:10:244::/56", "192.168.1.0/24,fd00:192:168:1::/64"),
                                    ("fd00:10:244::/56,10.244.0.0/16", "fd00:192:168:1::/64,192.168.1.0/24"),
                                    ("fd00:10:244::/56", "fd00:192:168:1::/64")], ids=["dual", "six first", "six"])
def test_what_is_left_over_is_the_same_bridge(cni: str, ranges: tuple[str, str]) -> None:
    """Number, MAC address and addresses stay, and so do the routes; the carrier has gone, and with it the ports' MTU."""
    cluster = Cluster(cni=cni, pod_cidr=ranges[0], node_network=ranges[1])
    cluster.add_pod("a")
    before, rows = cluster.namespace("node-1").links, list(cluster.node("node-1").routes)
    cluster.delete("pod", "a")
    after = cluster.namespace("node-1").links
    assert [*after] == [name for name in before if not name.startswith("veth")]
    assert after["cni0"] == replace(before["cni0"], mtu=1500, carrier=False)
    assert list(cluster.node("node-1").routes) == [replace(row, linkdown=row.dev == "cni0") for row in rows]


@pytest.mark.parametrize("cni", ["weave", "calico", "cilium", "nsx"])
def test_other_plugins_leave_nothing_over(cni: str) -> None:
    cluster, never = Cluster(cni=cni), Cluster(cni=cni)
    cluster.add_pod("a")
    cluster.delete("pod", "a")
    assert [link.name for link in cluster.node("node-1").links] == [link.name for link in never.node("node-1").links]
    assert all(link.carrier for link in cluster.node("node-1").links)


def test_both_ends_of_each_cable_name_each_other() -> None:
    cluster = cluster_of("a", "b")
    for name in ("default/a", "default/b"):
        inside = cluster.namespace(name).links["eth0"]
        assert inside.peer is not None
        outside = cluster.namespace(inside.peer.namespace).links[inside.peer.link]
        assert outside.peer == (name, "eth0")
        assert (inside.index, inside.peer_index) == (outside.peer_index, outside.index)


def test_names_differ_and_are_the_same_in_every_run() -> None:
    def ports() -> list[str]:
        cluster = cluster_of("a", "b")
        cluster.delete("pod", "a")
        cluster.add_pod("a")
        return [link.name for link in cluster.node("node-1").links if link.master]

    assert ports() == ports() and len(set(ports())) == 2
