"""The cluster as a learner uses it, and that every error leaves it as it was."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import errors
from k8snet_course.cluster import Cluster
from k8snet_course.errors import CourseError
from k8snet_course.linux.trace import Verdict

WEB = """
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: server
    image: nginx
"""


def state_of(cluster: Cluster) -> object:
    """Everything that a learner can see of a cluster."""
    return (
        repr(cluster),
        cluster.pods,
        [str(cluster.node(node.name).links) + str(cluster.node(node.name).routes) for node in cluster.nodes],
        [str(cluster.pod(pod.name, pod.namespace).links) for pod in cluster.pods],
        [cluster.ipam(node.name).to_files() for node in cluster.nodes],
    )


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.add_pod("frontend")
    made.add_pod("backend")
    return made


def test_addresses_of_the_canonical_cluster(cluster: Cluster) -> None:
    assert [str(node) for node in cluster.nodes] == ["node node-1 192.168.1.2, pods 10.244.0.0/24"]
    assert [pod.ip for pod in cluster.pods] == ["10.244.0.2", "10.244.0.3"]
    assert cluster.host("laptop").ip == "192.168.1.10" and cluster.host("router").ip == "192.168.1.1"


def test_recreated_pod_gets_another_address(cluster: Cluster) -> None:
    """FACTS 16, case 5: a freed address is given again only after the range has been gone through."""
    cluster.add_pod("third")
    cluster.delete("pod", "frontend")
    assert cluster.add_pod("frontend").ip == "10.244.0.5"


def test_address_comes_round_again() -> None:
    cluster = Cluster(node_mask_size=29)
    for name in "abcde":
        cluster.add_pod(name)
    cluster.delete("pod", "c")
    assert cluster.add_pod("f").ip == "10.244.0.4"
    with pytest.raises(errors.AddressesExhausted, match="no IP addresses available in range set"):
        cluster.add_pod("g")


@pytest.mark.parametrize(("source", "destination", "verdict", "answer"), [
    ("frontend", "backend", "delivered", "delivered"),
    ("frontend", "frontend", "delivered", "delivered"),
    ("frontend", "node-1", "delivered", "delivered"),
    ("node-1", "frontend", "delivered", "delivered"),
    ("node-1", "laptop", "delivered", "delivered"),
    ("laptop", "node-1", "delivered", "delivered"),
    ("laptop", "frontend", "no_route", "delivered"),
    ("frontend", "laptop", "delivered", "no_route"),
    ("frontend", "10.244.0.99", "no_neighbour", None),
    ("frontend", "8.8.8.8", "no_route", "no_route"),
])
def test_pings(cluster: Cluster, source: str, destination: str, verdict: str, answer: str | None) -> None:
    trace = cluster.send(source, destination, protocol="ICMP")
    assert str(trace.verdict) == verdict, trace
    assert (str(trace.reply.verdict) if trace.reply else None) == answer, trace


def test_ttl_at_arrival(cluster: Cluster) -> None:
    """FACTS 5.2: a bridge leaves the TTL alone; own node 64; through a node 63."""
    def ttl(source: str, destination: str) -> int:
        return cluster.send(source, destination, protocol="ICMP").hops[-1].steps[-1].packet.ttl

    assert (ttl("frontend", "backend"), ttl("frontend", "node-1"), ttl("node-1", "frontend")) == (64, 64, 64)
    assert ttl("frontend", "laptop") == 63


def test_a_node_uses_the_address_of_the_interface_it_sends_from(cluster: Cluster) -> None:
    """FACTS 16b: a pod sees its own node as the gateway's address, the laptop sees it as the node's."""
    assert cluster.send("node-1", "frontend").packet.src == "10.244.0.1"
    assert cluster.send("node-1", "laptop").packet.src == "192.168.1.2"
    assert cluster.send("frontend", "127.0.0.1").packet.src == "127.0.0.1"


def test_listening_decides_not_the_declared_port() -> None:
    cluster = Cluster()
    cluster.add_pod("frontend")
    cluster.apply(WEB.replace("image: nginx", "image: nginx\n    ports: [{containerPort: 8080}]"))
    assert cluster.send("frontend", "web", port=80).answered, "nginx listens on 80, whatever the manifest declares"
    assert cluster.send("frontend", "web", port=8080).verdict is Verdict.REFUSED


def test_bound_to_loopback_is_refused() -> None:
    cluster = Cluster()
    cluster.add_pod("frontend")
    cluster.add_pod("shy", listen="127.0.0.1:8080")
    trace = cluster.send("frontend", "shy", port=8080)
    assert trace.verdict is Verdict.REFUSED
    assert trace.hops[-1].steps[-1].candidates[0].why == "bound to 127.0.0.1, not to 10.244.0.3"
    assert cluster.send("shy", "127.0.0.1", port=8080).answered


def test_two_nodes_without_routes_between_them() -> None:
    cluster = Cluster(nodes=2)
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    assert [node.pod_cidr for node in cluster.nodes] == ["10.244.0.0/24", "10.244.1.0/24"]
    trace = cluster.send("a", "b")
    assert trace.verdict is Verdict.NO_ROUTE and trace.reason == "router has no route to 10.244.1.2"


def test_the_scheduler_takes_the_emptiest_node() -> None:
    cluster = Cluster(nodes=2)
    assert [cluster.add_pod(name).node for name in "abc"] == ["node-1", "node-2", "node-1"]


def test_the_ninth_node_does_not_take_the_laptops_address() -> None:
    cluster = Cluster(nodes=10)
    assert [node.ip for node in cluster.nodes][-3:] == ["192.168.1.9", "192.168.1.11", "192.168.1.12"]


def test_tables_forget_a_pod_that_is_gone(cluster: Cluster) -> None:
    cluster.send("frontend", "backend")
    cluster.delete("pod", "backend")
    assert [row.address for row in cluster.pod("frontend").neighbours] == []
    assert [row.mac for row in cluster.node("node-1").fdb] == ["0a:58:0a:f4:00:02"]
    assert cluster.send("frontend", "10.244.0.3").verdict is Verdict.NO_NEIGHBOUR


def test_the_bridge_comes_with_the_first_pod() -> None:
    cluster = Cluster()
    assert [link.name for link in cluster.node("node-1").links] == ["lo", "eth0"]
    cluster.add_pod("a")
    assert [link.name for link in cluster.node("node-1").links][:3] == ["lo", "eth0", "cni0"]


@pytest.mark.parametrize("cni", ["none", "bridge", "flannel", "flannel-host-gw"])
def test_the_bridge_outlasts_the_last_pod(cni: str) -> None:
    """CNI DEL takes the pod's cable away and nothing else (tried with the reference plugins: tests/cni)."""
    cluster = Cluster(cni=cni)
    pod = cluster.add_pod("a")
    cluster.send("node-1", "10.244.0.9")
    assert cluster.namespace("node-1").neighbours.unanswered
    cluster.delete("pod", "a")
    assert not cluster.namespace("node-1").neighbours.unanswered, "with the carrier Linux throws away what it has asked there"
    bridge = cluster.node("node-1").links[-1]
    assert (bridge.name, bridge.state, bridge.mtu, bridge.address) == ("cni0", "DOWN", 1500, "10.244.0.1")
    trace = cluster.send("node-1", pod.ip)
    assert trace.verdict is Verdict.NO_NEIGHBOUR and trace.reason == (
        f"node-1 asked on cni0 who has {pod.ip}, and nobody answered")
    assert trace.packet.src == "10.244.0.1" and cluster.send("node-1", "10.244.0.1").verdict is Verdict.REFUSED
    cluster.add_pod("b")
    bridge = next(link for link in cluster.node("node-1").links if link.name == "cni0")
    assert (bridge.state, bridge.mtu) == ("UP", cluster.pod("b").links[1].mtu)
    assert "linkdown" not in str(cluster.node("node-1").routes) and cluster.send("node-1", "b").answered


def test_a_manifest_that_fails_leaves_no_bridge_that_was_not_there() -> None:
    cluster, two = Cluster(2, node_mask_size=30), WEB + "---" + WEB.replace("name: web", "name: web2")
    elsewhere = two.replace("spec:", "spec:\n  nodeName: node-2")
    for link_names, holders in ((["lo", "eth0"], []), (["lo", "eth0", "cni0"], ["node-2"])):
        before = state_of(cluster)
        with pytest.raises(errors.AddressesExhausted):
            cluster.apply(elsewhere)
        assert state_of(cluster) == before
        assert [link.name for link in cluster.node("node-2").links] == link_names
        assert list(cluster.holders("10.244.0.5")) == holders
        cluster.add_pod("once", node="node-2")
        cluster.delete("pod", "once")


def test_words_for_endpoints(cluster: Cluster) -> None:
    cluster.add_pod("db", namespace="shop")
    for name in ("shop/db", "pod/shop/db", "10.244.0.4"):
        assert cluster.send("pod/frontend", name).answered
    assert cluster.send("node/node-1", "frontend").answered


BAD: dict[str, tuple[type[CourseError], Callable[[Cluster], object]]] = {
    "a name that is no DNS label": (errors.InvalidName, lambda c: c.add_pod("Web_1")),
    "a namespace that is no label": (errors.InvalidName, lambda c: c.add_pod("web", namespace="a.b")),
    "a name of the wrong type": (errors.InvalidName, lambda c: c.add_pod(7)),  # type: ignore[arg-type]
    "labels that are no texts": (errors.InvalidName, lambda c: c.add_pod("web", labels={"a": 1})),  # type: ignore[dict-item]
    "a duplicate pod": (errors.AlreadyExists, lambda c: c.add_pod("frontend")),
    "an unknown node": (errors.NotFound, lambda c: c.add_pod("web", node="node-7")),
    "a port that cannot be": (errors.InvalidArgument, lambda c: c.add_pod("web", listen=70000)),
    "no image": (errors.InvalidArgument, lambda c: c.add_pod("web", image="")),
    "deleting what is not there": (errors.NotFound, lambda c: c.delete("pod", "nobody")),
    "deleting an unknown kind": (errors.InvalidArgument, lambda c: c.delete("servise", "web")),
    "a packet from nowhere": (errors.NotFound, lambda c: c.send("nobody", "backend")),
    "a packet from a list": (errors.NotFound, lambda c: c.send(["frontend"], "backend")),  # type: ignore[arg-type]
    "a pod named by a list": (errors.NotFound, lambda c: c.pod(["frontend"])),  # type: ignore[arg-type]
    "a packet to nowhere": (errors.NotFound, lambda c: c.send("frontend", "10.0.0.300")),
    "an impossible port": (errors.InvalidArgument, lambda c: c.send("frontend", "backend", port=0)),
    "an unknown protocol": (errors.InvalidArgument, lambda c: c.send("frontend", "backend", protocol="SCTP")),
    "an impossible size": (errors.InvalidArgument, lambda c: c.send("frontend", "backend", size=-1)),
    "a wrong field": (errors.InvalidManifest, lambda c: c.apply(WEB.replace("image:", "imagee:"))),
    "a second document that is bad": (errors.InvalidManifest, lambda c: c.apply(
        WEB + "---" + WEB.replace("name: web", "name: W"))),
    "a second document for no node": (errors.NotFound, lambda c: c.apply(
        WEB + "---" + WEB.replace("name: web", "name: w2").replace("spec:", "spec:\n  nodeName: node-9"))),
    "a change that a running pod cannot take": (errors.InvalidManifest, lambda c: c.apply(
        WEB + "---" + WEB.replace("name: server", "name: other"))),
    "a manifest for an unknown kind": (errors.InvalidManifest, lambda c: c.apply(WEB.replace("kind: Pod", "kind: Pood"))),
}


@pytest.mark.parametrize("what", BAD)
def test_every_error_is_one_sentence_and_changes_nothing(cluster: Cluster, what: str) -> None:
    kind, action = BAD[what]
    before = state_of(cluster)
    with pytest.raises(kind) as caught:
        action(cluster)
    text = str(caught.value)
    assert "\n" not in text and "expected" in text and "; " in text and text.endswith(".")
    assert state_of(cluster) == before
    assert cluster.add_pod("next").ip == "10.244.0.4", "not even the allocator has moved on"


@pytest.mark.parametrize(("kind", "arguments"), [
    (errors.InvalidArgument, {"nodes": 0}),
    (errors.InvalidArgument, {"nodes": True}),
    (errors.InvalidArgument, {"cni": "brigde"}),
    (errors.InvalidArgument, {"cni": ["bridge"]}),
    (errors.InvalidCidr, {"pod_cidr": 10}),
    (errors.InvalidCidr, {"pod_cidr": "10.244.0.5/16"}),
    (errors.InvalidCidr, {"pod_cidr": "ten"}),
    (errors.InvalidCidr, {"node_network": "192.168.1.0/30"}),
    (errors.InvalidArgument, {"node_mask_size": 8}),
    (errors.CidrOverlap, {"pod_cidr": "192.168.0.0/16"}),
    (errors.AddressesExhausted, {"nodes": 3, "pod_cidr": "10.244.0.0/23"}),
    (errors.AddressesExhausted, {"nodes": 300, "pod_cidr": "10.0.0.0/8"}),
])
def test_what_makes_no_cluster(kind: type[CourseError], arguments: dict[str, object]) -> None:
    with pytest.raises(kind):
        Cluster(**arguments)  # type: ignore[arg-type]


def test_a_full_subnet_in_the_middle_of_a_manifest_undoes_all_of_it() -> None:
    cluster = Cluster(node_mask_size=30)
    before = state_of(cluster)
    with pytest.raises(errors.AddressesExhausted):
        cluster.apply(WEB + "---" + WEB.replace("name: web", "name: web2"))
    assert state_of(cluster) == before
    assert cluster.apply(WEB)[0].ip == "10.244.0.2"


def test_apply_twice_changes_nothing(cluster: Cluster) -> None:
    first = cluster.apply(WEB)
    before = state_of(cluster)
    assert cluster.apply(WEB) == first and state_of(cluster) == before


def test_apply_changes_an_image(cluster: Cluster) -> None:
    cluster.apply(WEB)
    changed, = cluster.apply(WEB.replace("image: nginx", "image: redis"))
    assert changed.ip == "10.244.0.4"
    assert cluster.send("frontend", "web", port=6379).answered and not cluster.send("frontend", "web", port=80).answered


def test_a_manifest_from_a_file(cluster: Cluster, tmp_path: object) -> None:
    path = tmp_path / "web.yaml"  # type: ignore[operator]
    path.write_text(WEB, encoding="utf-8")
    assert cluster.apply(path)[0].ip == "10.244.0.4"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "delete"]), st.integers(0, 9)), max_size=40))
def test_no_address_is_given_twice_and_all_pods_talk(actions: list[tuple[str, int]]) -> None:
    cluster = Cluster(node_mask_size=29)
    for action, number in actions:
        with suppress(errors.AlreadyExists, errors.NotFound, errors.AddressesExhausted):
            cluster.add_pod(f"p{number}") if action == "add" else cluster.delete("pod", f"p{number}")
    addresses = [pod.ip for pod in cluster.pods]
    assert len(set(addresses)) == len(addresses)
    for source in cluster.pods:
        for target in cluster.pods:
            assert cluster.send(source.name, target.name).answered


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_the_same_story_gives_the_same_text(story: list[int]) -> None:
    def tell() -> str:
        cluster = Cluster()
        for number in range(5):
            cluster.add_pod(f"p{number}")
        return "\n".join(str(cluster.send(f"p{number}", "p0")) for number in story) + str(cluster.node("node-1").links)

    assert tell() == tell()
