"""A device's tables as the model prints them."""

from __future__ import annotations

from k8snet_course.linux.netfilter import NAT
from k8snet_course.show import PacketWalk
from k8snet_course.show.device_tables import MOST_ROWS, devices_on_the_way, mtu, tables_of
from k8snet_course.show.state import MOST_AT_ONCE, tables_json
from tests.show.clusters import LATER, WALKS, cluster_of


def test_the_text_is_the_model_s_own() -> None:
    cluster, _ = WALKS["by flannel"]
    found, node = dict(tables_of(cluster.namespace("node-1"))), cluster.node("node-1")
    assert found["ip route"] == str(node.routes)
    assert found["ip neigh"] == str(node.neighbours)
    assert found["bridge fdb"] == str(node.fdb)
    assert found["ip addr"] == str(node.links)
    assert found["iptables -t nat -S"].splitlines() == [str(rule) for rule in cluster.namespace("node-1").rules.rows(NAT)]
    assert "" not in found.values()


def test_programs_that_wait_and_rules_that_drop_are_there_too() -> None:
    cluster, _ = WALKS["blocked tunnel"]
    assert "--dport 8472 -j DROP" in dict(tables_of(cluster.namespace("node-2")))["iptables -S"]
    assert dict(tables_of(cluster.namespace("default/backend")))["ss -ln"] == "TCP 0.0.0.0:80 nginx"


def test_what_the_mode_ipvs_has_written_stands_in_tables_of_its_own() -> None:
    cluster, _ = LATER["to a Service by ipvs"]
    found = dict(tables_of(cluster.namespace("node-1")))
    assert found["ipvsadm -Ln"] == cluster.exec("node-1", "ipvsadm -Ln").out.rstrip()
    assert "add KUBE-CLUSTER-IP " in found["ipset save"] and "KUBE-CLUSTER-IP dst,dst" in found["iptables -t nat -S"]
    assert "ipvsadm -Ln" not in dict(tables_of(LATER["to a Service"][0].namespace("node-1")))


def test_a_long_table_is_cut_and_says_by_how_much() -> None:
    cluster = cluster_of(60, 1, "flannel")
    routes = dict(tables_of(cluster.namespace("node-1")))["ip route"].splitlines()
    assert len(routes) == MOST_ROWS + 1
    assert routes[-1] == f"... and {len(cluster.node('node-1').routes) - MOST_ROWS} more rows"


def test_only_the_devices_on_the_way_both_ways() -> None:
    _, trace = WALKS["by flannel"]
    assert devices_on_the_way(trace) == ["default/frontend", "node-1", "underlay", "node-2", "default/backend"]


def test_no_interface_has_no_mtu() -> None:
    cluster, _ = WALKS["by flannel"]
    assert [mtu(cluster, "node-1", link) for link in ("eth0", "flannel.1", "", "gone")] == [1500, 1450, 0, 0]


def test_in_a_large_cluster_tables_are_made_when_they_are_opened() -> None:
    cluster = cluster_of(MOST_AT_ONCE + 1, 2, "flannel")
    walk = PacketWalk(cluster, cluster.send("frontend", "backend"))
    assert {device["tables"] for device in walk.state["devices"]} == {None}
    assert walk.tables == {}
    walk.opened = "node-1"
    assert walk.tables == {"node-1": tables_json(cluster, "node-1")}
    assert walk.tables["node-1"][0]["command"] == "ip route"
    walk.opened = "nothing of the kind"
    assert list(walk.tables) == ["node-1"]
    walk.trace = cluster.send("frontend", "backend", port=81)
    assert (walk.opened, walk.tables) == ("", {})
    small = cluster_of(2, 2)
    assert all(device["tables"] for device in PacketWalk(small, small.send("frontend", "backend")).state["devices"])
