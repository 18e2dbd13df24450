"""The shop on every mode of kube-proxy, held to what the rules of FACTS 6.4, 7.3 and 9.1 say."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import InvalidArgument
from k8snet_course.faults import MissingRoute
from k8snet_course.services.kube_proxy.modes import MODES
from k8snet_course.show.shares import shares
from k8snet_course.show.shop import CONNECTIONS, PLUGINS, SOURCES, Shop, Target, walks
from k8snet_course.show.shop_table import ALL, Backend, Line, Walks

PODS = SOURCES[:2]
CLUSTER_IP, NODE_PORT, LOAD_BALANCER = "backend's cluster IP", "backend's node port", "frontend's load balancer"
INGRESS, DATABASE, DIRECT = "Ingress", "database's cluster IP", "database-1 itself"
LINUX = tuple(mode for mode in MODES if mode != "kernelspace")


@cache
def whole() -> Walks:
    """Every connection, made once for all tests."""
    return walks()


def lines(target: str, *sources: str, cni: str = "", proxies: tuple[str, ...] = tuple(MODES)) -> list[Line]:
    found = [line for line in whole() if line.target == target and line.source in sources and line.proxy in proxies
             and cni in ("", line.cni)]
    assert len(found) == len(sources) * len(proxies) * (1 if cni else len(PLUGINS))
    return found


def target(shop: Shop, name: str) -> Target:
    return next(each for each in shop.targets if each.name == name)


def web(pods: int, proxy: str, ports: int = 80) -> Cluster:
    cluster = Cluster(nodes=2, cni="flannel", proxy=proxy)
    for number in range(pods):
        cluster.add_pod(f"web-{number}", labels={"app": "web"})
    cluster.add_pod("client", node="node-1")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"selector": {"app": "web"}, "ports": [{"port": ports}]}})
    return cluster


# -- who gets which part -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proxy", MODES)
@pytest.mark.parametrize("pods", [1, 2, 3, 7, 12])
def test_each_pod_has_the_same_part_by_the_rules(proxy: str, pods: int) -> None:
    cluster = web(pods, proxy)
    found = shares(cluster, cluster.send("client", "web"))
    assert found is not None
    assert list(found.parts.values()) == [Fraction(1, pods)] * pods
    assert {address for address, _ in found.parts} == {pod.ip for pod in cluster.pods if pod.name != "client"}


def test_what_no_rule_rewrites_has_no_parts() -> None:
    cluster = web(2, "iptables")
    assert shares(cluster, cluster.send("client", "web-1")) is None
    assert shares(cluster, cluster.send("client", "web", 81)) is None


def to_itself(line: Line) -> bool:
    """kernelspace hides no source: what backend-1 sends to itself by the cluster IP, it takes for forged."""
    return (line.proxy, line.source, line.target) == ("kernelspace", "backend-1", CLUSTER_IP)


def test_parts_and_counts_in_the_shop() -> None:
    for line in whole():
        if line.backends and not to_itself(line):
            assert sum(backend.part for backend in line.backends) == 1
            assert sum(backend.count or 0 for backend in line.backends) == CONNECTIONS
        if line.backends:
            assert len({backend.part for backend in line.backends}) == 1
    to_backends = lines(CLUSTER_IP, *PODS, "node-1") + lines(NODE_PORT, *SOURCES) + lines(INGRESS, *SOURCES)
    assert {(len(line.backends), to_itself(line)) for line in to_backends} == {(3, False), (2, True)}
    assert all(len(line.backends) == 2 for line in lines(LOAD_BALANCER, *SOURCES))


def test_ipvs_takes_turns_and_the_others_draw() -> None:
    turns = lines(CLUSTER_IP, "frontend-1", proxies=("ipvs",))
    assert all([backend.count for backend in line.backends] == [CONNECTIONS // 3] * 3 for line in turns)
    drawn = lines(CLUSTER_IP, "frontend-1", proxies=("iptables", "nftables", "kernelspace"))
    assert any({backend.count for backend in line.backends} != {CONNECTIONS // 3} for line in drawn)
    for line in drawn:
        assert all(abs((backend.count or 0) - CONNECTIONS / 3) < CONNECTIONS / 4 for backend in line.backends)


def test_the_words_for_the_choice_are_those_of_the_mode() -> None:
    said = {line.proxy: line.chance for line in whole().choices() if line.cni == "flannel"}
    assert said == {"iptables": "probability 1/3, then 1/2, then the rest", "ipvs": "IPVS scheduler rr over 3",
                    "nftables": "numgen random mod 3", "kernelspace": "hash of the connection over 3"}


def test_the_rule_shown_stands_on_the_node() -> None:
    for line in whole().choices():
        shop = Shop(line.cni, line.proxy)
        first = shop.walk(line.source, shop.targets[0]).backends[0].pod
        assert next(pod.ip for pod in shop.cluster.pods if pod.name == first) in line.row


# -- how it ends, and who is seen --------------------------------------------------------------------------------------


def test_flannel_ignores_the_policy_and_calico_enforces_it() -> None:
    for target in (DATABASE, DIRECT):
        assert {line.verdict for line in lines(target, *PODS, "node-1", cni="flannel")} == {"delivered"}
        assert {line.verdict for line in lines(target, "backend-1", cni="calico")} == {"delivered"}
        denied = lines(target, "frontend-1", "node-1", cni="calico")
        assert {line.verdict for line in denied} == {"denied_ingress"}
        assert all("NetworkPolicy only-backend" in line.rule and not line.backends for line in denied)


def test_cluster_ips_and_pods_are_nowhere_outside() -> None:
    for target in (CLUSTER_IP, DATABASE, DIRECT):
        assert {line.verdict for line in lines(target, "laptop", "internet")} == {"no_route"}


def test_node_port_and_load_balancer_are_open_to_everybody() -> None:
    assert {line.verdict for target in (NODE_PORT, LOAD_BALANCER) for line in lines(target, *SOURCES)} == {"delivered"}


def test_the_source_of_pods_stays_for_a_cluster_ip() -> None:
    for line in lines(CLUSTER_IP, "frontend-1"):
        assert (line.seen, line.nat) == (("the sender",), ("dst 10.102.42.247:80 -> pod:8080",))


@pytest.mark.parametrize(("cni", "local", "remote"), [
    ("flannel", "10.244.0.1 (node-1 cni0)", "10.244.0.0 (node-1 flannel.1)"),
    ("calico", "192.168.1.2 (node-1 eth0)", "10.244.41.192 (node-1 tunl0)"),
])
def test_a_node_port_hides_the_source(cni: str, local: str, remote: str) -> None:
    for line in lines(NODE_PORT, *PODS, "laptop", "internet", cni=cni):
        assert line.seen == (local, remote)
        assert line.nat == ("dst 192.168.1.2:30080 -> pod:8080",
                            f"src the sender -> {local.partition(' ')[0]} or {remote.partition(' ')[0]}")


def test_the_load_balancers_packets_come_in_by_one_node() -> None:
    assert {line.rule for line in lines(LOAD_BALANCER, "laptop", "internet")} == {"DNAT on node-2"}
    assert {line.rule for line in lines(LOAD_BALANCER, *PODS, "node-1")} == {"DNAT on node-1"}


def test_a_pod_that_reaches_itself_is_hidden_except_in_kernelspace() -> None:
    for line in lines(CLUSTER_IP, "backend-1", proxies=LINUX):
        assert line.seen[1] == "the sender" and "node-1" in line.seen[0]
    for line in lines(CLUSTER_IP, "backend-1", proxies=("kernelspace",)):
        assert line.seen == ("the sender",)


def test_the_ingress_is_two_connections() -> None:
    for line in lines(INGRESS, *SOURCES):
        assert (line.verdict, line.seen) == ("delivered, 200", ("ingress-1",))
        assert line.rule == "DNAT on node-1, then ingress shop: shop.example Prefix /api -> backend:80"
        assert line.nat[0] == "dst 192.168.1.241 -> pod"


def test_a_policy_between_the_controller_and_the_backends() -> None:
    shop = Shop("calico")
    shop.cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "only-frontend"},
                        "spec": {"podSelector": {"matchLabels": {"app": "backend"}},
                                 "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "frontend"}}}]}]}})
    line = shop.walk("laptop", target(shop, INGRESS), 6)
    assert "denied_ingress, 504" in line.verdict
    assert "NetworkPolicy only-frontend isolates pod backend-2 for ingress" in line.rule


def test_an_ingress_without_backends_answers_by_itself() -> None:
    shop = Shop()
    for number in (1, 2, 3):
        shop.cluster.delete("pod", f"backend-{number}")
    line = shop.walk("laptop", target(shop, INGRESS), 3)
    assert (line.verdict, line.backends, line.seen) == ("delivered, 503", (), ())


def test_an_answer_that_gets_lost_is_told() -> None:
    shop = Shop()
    shop.cluster.inject(MissingRoute("node-2", "10.244.0.0/24"))
    assert shop.walk("backend-1", shop.targets[-1], 2).verdict == "delivered, its answer is lost"


# -- lines told as one ---------------------------------------------------------------------------------------------------


def test_a_folded_table_says_what_the_whole_one_says() -> None:
    folded = whole().folded()
    assert len(folded) < len(whole()) / 4
    covered = 0
    for line in whole():
        holders = [one for one in folded if one.result == line.result and all(
            told == ALL or mine in told.split(", ")
            for mine, told in ((line.cni, one.cni), (line.proxy, one.proxy), (line.source, one.source)))]
        assert len(holders) == 1, line
        covered += 1
    assert covered == len(whole()) == len(PLUGINS) * len(MODES) * len(SOURCES) * 6


def test_folding_keeps_apart_what_differs() -> None:
    one = Line("web", "a", "flannel", "iptables", "delivered", (Backend("x", Fraction(1), 5),), ("s",), (), "DNAT", "l", "row")
    for other in (replace(one, verdict="refused"), replace(one, seen=("t",)), replace(one, nat=("dst a -> b",)),
                  replace(one, rule="route"), replace(one, backends=(Backend("x", Fraction(1, 2)),)), replace(one, target="y")):
        assert Walks([one, replace(other, proxy="ipvs")]).folded() == (one, replace(other, proxy="ipvs"))
    (both,) = Walks([one, replace(one, proxy="ipvs", backends=(Backend("x", Fraction(1), 7),))]).folded()
    assert both == replace(one, proxy=ALL, backends=(Backend("x", Fraction(1)),), chance="", row="")
    some = Walks([one, replace(one, proxy="ipvs"), replace(one, proxy="nftables", verdict="refused")]).folded()
    assert [line.proxy for line in some] == ["iptables, ipvs", "nftables"]
    assert Walks([one]).folded() == (one,)


# -- how it is shown -----------------------------------------------------------------------------------------------------


def test_it_is_the_same_every_time() -> None:
    again = walks(["calico"], ["ipvs"])
    assert again == tuple(line for line in whole() if (line.cni, line.proxy) == ("calico", "ipvs"))


def test_it_prints_as_text_as_markdown_and_as_a_frame() -> None:
    table = Walks(lines(CLUSTER_IP, "frontend-1", cni="flannel", proxies=("iptables",)))
    heading, row = str(table).splitlines()
    assert heading.split()[:2] == ["to", "from"] and row.startswith("backend's cluster IP  frontend-1  flannel")
    assert len({text.count("|") for text in whole().markdown().splitlines()}) == 1
    assert len({text.count("|") for text in whole().choices().markdown().splitlines()}) == 1
    frame = table.to_frame()
    assert list(frame.columns[:5]) == ["target", "source", "cni", "proxy", "verdict"]
    assert frame["verdict"][0] == "delivered" and "backend-1 1/3" in frame["backends"][0]


def test_names_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        walks(["flanel"])
    with pytest.raises(InvalidArgument):
        walks(["flannel"], ["iptable"])
    assert walks([], []) == ()
