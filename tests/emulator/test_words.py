"""What people type into a lab: the words of the model mean the same, and what cannot be meant is told in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, Lab, Outcome, emulate
from k8snet_course.errors import CourseError, InvalidArgument, NotFound

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "/usr/lib/cni/bridge", "root")


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=2, cni="flannel")
    for name, node in (("a", 1), ("c", 2), ("twice", 2)):
        cluster.add_pod(name, node=f"node-{node}", labels={"app": name})
    cluster.add_pod("db", node="node-2", namespace="shop", labels={"app": "c"})
    cluster.add_pod("here", node="node-2", host_network=True, listen=(8080,))
    for name, namespace, ip in (("web", "default", "10.96.0.20"), ("web", "shop", "10.96.0.21"),
                                ("twice", "default", "10.96.0.22"), ("headless", "default", "None")):
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
                       "spec": {"clusterIP": ip, "selector": {"app": "c"}, "ports": [{"port": 80}]}})
    return cluster


@pytest.fixture(scope="module")
def lab(cluster: Cluster) -> Iterator[Lab]:
    with emulate(cluster) as lab:
        yield lab


@REAL
@pytest.mark.parametrize(("source", "target"), [
    ("a", "web"), ("a", "default/web"), ("a", "svc/web"), ("a", "web.default"), ("a", "web.default.svc.cluster.local"),
    ("a", "shop/web"), ("a", "web.shop"), ("shop/db", "web"), ("a", "headless"), ("a", "pod/c"), ("pod/a", "c"),
    ("a", "shop/db"), ("a", "twice"), ("a", "localhost"), ("a", "node/node-2"), ("a", "here"), ("here", "c"),
    ("laptop", "node-1"), ("a", "internet"), ("a", "10.244.1.2"), ("router", "node-1")])
def test_words_mean_what_they_mean_in_the_model(cluster: Cluster, lab: Lab, source: str, target: str) -> None:
    sent, trace = lab.send(source, target), cluster.send(source, target)
    assert (sent.source, sent.target) == (source, target)
    assert (sent.reached, sent.verdict) == (trace.hops[-1].label, str(trace.verdict))


@REAL
@pytest.mark.parametrize("word", ["zz", "", None, 5, "svc/zz", "300.1.1.1", "underlay"])
def test_what_is_no_target_is_told_as_the_model_does(cluster: Cluster, lab: Lab, word: str) -> None:
    with pytest.raises(NotFound) as expected:
        cluster.send("a", word)
    with pytest.raises(NotFound, match=re.escape(str(expected.value))):
        lab.send("a", word)


@REAL
@pytest.mark.parametrize("word", ["zz", "", None, 5, "10.244.0.2", "web", "web.shop"])
def test_what_is_no_sender(lab: Lab, word: str) -> None:
    for ask in (lambda: lab.send(word, "c"), lambda: lab.exec(word, "ip route"),
                lambda: lab.frames("a", "c", device=word, link="eth0"), lambda: lab.cni(word)):
        with pytest.raises(NotFound):
            ask()


@REAL
def test_a_name_that_nobody_has_is_told_with_what_the_resolver_found(lab: Lab) -> None:
    with pytest.raises(NotFound, match=r"'nobody\.example'.*none of them exists\)"):
        lab.send("a", "nobody.example")


@REAL
@pytest.mark.parametrize("named", [
    {"port": "80"}, {"port": True}, {"port": 80.5}, {"port": 0}, {"port": 65536}, {"protocol": "tcp"}, {"protocol": None},
    {"protocol": ["TCP"]}, {"port": None, "size": -1}, {"port": None, "size": 65508}, {"port": None, "size": "9"},
    {"size": 10}])
def test_what_cannot_be_sent(lab: Lab, named: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match=r"write|ask"):
        lab.send("a", "c", **named)  # type: ignore[arg-type]


@REAL
@pytest.mark.parametrize("wanted", [[("a",)], [("a", "c", 80)], ["ac"], [None], 5, [("a", "c", 80, "TCP", 0, 0)]])
def test_what_is_no_list_of_probes(lab: Lab, wanted: object) -> None:
    with pytest.raises(InvalidArgument, match=r"\('a', 'b', 80, 'TCP'\)"):
        lab.send_all(wanted)  # type: ignore[arg-type]


@REAL
@pytest.mark.parametrize("patience", ["long", -1, None, float("nan"), float("inf"), True])
def test_what_is_no_patience(lab: Lab, patience: float) -> None:
    with pytest.raises(InvalidArgument, match="seconds"):
        lab.send_all([("a", "c", 80, "TCP")], patience)


@REAL
@pytest.mark.parametrize("command", ["", "  ", "ip 'route", None, 5, [], ["ip", 5]])
def test_what_is_no_command_is_told_as_the_model_does(cluster: Cluster, lab: Lab, command: str) -> None:
    with pytest.raises(InvalidArgument) as expected:
        cluster.exec("a", command)
    with pytest.raises(InvalidArgument, match=re.escape(str(expected.value))):
        lab.exec("a", command)


@REAL
@pytest.mark.parametrize("command", ["nosuchcommand", "/etc/passwd", "/tmp", "/etc/passwd/x"])
def test_what_is_no_program(lab: Lab, command: str) -> None:
    with pytest.raises(NotFound, match="a command of this machine"):
        lab.exec("a", command)


@REAL
def test_commands(lab: Lab) -> None:
    assert lab.exec("a", ["ip", "route"]) == lab.exec("a", "ip route")
    assert lab.exec("a", "ip route | head -1") == lab.exec("a", "ip route").splitlines(keepends=True)[0], "a line is a shell's"
    assert lab.exec("a", r"printf '\377|'") == "�|", "bytes that are no text"


@REAL
def test_it_prints_itself_without_a_memory_address(cluster: Cluster, lab: Lab) -> None:
    assert repr(lab) == "lab of 2 nodes, 5 pods, laptop, router and internet (flannel)"


@REAL
def test_a_cluster_that_has_changed_since(lab: Lab, cluster: Cluster) -> None:
    cluster.add_pod("late", node="node-1")
    try:
        for ask in (lambda: lab.send("late", "c"), lambda: lab.exec("late", "ip route"), lambda: lab.cni("late")):
            with pytest.raises(NotFound, match="make the lab anew"):
                ask()
    finally:
        cluster.delete("pod", "late")


@REAL
def test_a_lab_that_is_gone() -> None:
    with emulate(Cluster(nodes=2)) as lab:
        assert lab.send("node-1", "node-2").verdict is Outcome.REFUSED
    for ask in (lambda: lab.send("node-1", "node-2"), lambda: lab.exec("node-1", "ip route"),
                lambda: lab.frames("node-1", "node-2", device="node-1", link="eth0"), lambda: lab.send_all([])):
        with pytest.raises(EmulatorUnavailable, match="with emulate"):
            ask()


@pytest.mark.parametrize("given", [None, "flannel", 5, Cluster])
def test_what_is_no_cluster(given: object) -> None:
    with pytest.raises(CourseError, match=r"emulate\(Cluster"), emulate(given):  # type: ignore[arg-type]
        pytest.fail("there is nothing to lay out")
