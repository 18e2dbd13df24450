"""From where to where a packet can travel, and what becomes of it: pods, nodes, the machines outside, hostNetwork, hostPort,
and several programs in one network namespace (FACTS 1, 5.3, 6.6 and 11)."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.errors import AlreadyExists, InvalidArgument, InvalidName, NotFound, Unschedulable
from k8snet_course.objects import LISTEN_ANNOTATION

MASQUERADED = {"flannel", "flannel-host-gw", "calico", "calico-vxlan", "calico-bgp", "cilium", "cilium-native", "weave", "nsx"}
"""The plugins behind which a pod's packets to the outside carry its node's address."""


def world(cni: str = "flannel") -> Cluster:
    """Two nodes: on the first a pod, one with a hostPort and one on the node's own network; on the second another pod."""
    cluster = Cluster(nodes=2, cni=cni)
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("web", node="node-1", host_ports={8080: 80})
    cluster.add_pod("agent", node="node-1", image="httpd", listen=9100, host_network=True)
    cluster.add_pod("b", node="node-2")
    return cluster


@pytest.mark.parametrize("cni", PLUGINS)
def test_pod_to_internet_and_back(cni: str) -> None:
    trace = world(cni).send("b", "internet", port=443)
    assert trace.delivered
    if cni in MASQUERADED:
        assert trace.answered and next(str(one) for one in trace.nat).endswith("-> 192.168.1.3")
    elif cni in ("aci", "bcf"):  # the fabric knows the way to pods; the internet does not
        assert not trace.answered and trace.reply is not None and "internet has no route" in trace.reply.reason
    else:
        assert trace.nat == () and trace.reply is not None and trace.reply.verdict == "no_route"
        assert trace.reply.reason.startswith("internet has no route to 10.")


@pytest.mark.parametrize("cni", PLUGINS)
def test_the_internet_cannot_begin_with_a_pod(cni: str) -> None:
    trace = world(cni).send("internet", "b")
    assert trace.verdict == "no_route" and "internet has no route" in trace.reason


@pytest.mark.parametrize(("source", "target", "port", "end", "answer"), [
    ("a", "a", 80, "delivered", "delivered"),
    ("a", "web", 80, "delivered", "delivered"),
    ("a", "b", 80, "delivered", "delivered"),
    ("node-1", "a", 80, "delivered", "delivered"),
    ("node-1", "b", 80, "delivered", "delivered"),
    ("a", "node-1", None, "delivered", "delivered"),
    ("a", "node-2", None, "delivered", "delivered"),
    ("laptop", "node-1", None, "delivered", "delivered"),
    ("laptop", "a", None, "no_route", None),
    ("internet", "node-1", None, "delivered", "delivered"),
    ("internet", "node-1", 8080, "delivered", "delivered"),
    ("laptop", "node-1", 8080, "delivered", "delivered"),
    ("laptop", "node-2", 8080, "refused", "delivered"),
    ("a", "agent", 9100, "delivered", "delivered"),
    ("b", "agent", 9100, "delivered", "delivered"),
    ("agent", "b", 80, "delivered", "delivered"),
    ("agent", "agent", 9100, "delivered", "delivered"),
    ("laptop", "agent", 9100, "delivered", "delivered"),
    ("internet", "agent", 9100, "delivered", "delivered"),
    ("agent", "internet", 443, "delivered", "delivered"),
    ("a", "laptop", None, "delivered", "delivered"),
    ("router", "internet", None, "delivered", "delivered"),
])
def test_from_where_to_where(source: str, target: str, port: int | None, end: str, answer: str | None) -> None:
    trace = world().send(source, target, port=port)
    said = str(trace)
    assert str(trace.verdict) == end, said
    if answer is not None:
        assert trace.reply is not None and str(trace.reply.verdict) == answer, said


def test_the_address_that_the_other_side_sees() -> None:
    """FACTS 5.3: a pod's address stays inside the pod network; what leaves it has the node's."""
    cluster = world()

    def seen(source: str, target: str, port: int | None = 80) -> str:
        trace = cluster.send(source, target, port=port)
        assert trace.answered, trace
        return trace.hops[-1].steps[-1].packet.src

    pod = cluster.pod("a").ip
    assert seen("a", "web") == seen("a", "b") == seen("a", "node-1", None) == pod
    assert seen("a", "node-2", None) == seen("a", "internet") == seen("a", "laptop", None) == "192.168.1.2"
    assert seen("laptop", "agent", 9100) == "192.168.1.10" and seen("internet", "agent", 9100) == "203.0.113.9"
    assert seen("laptop", "node-1", 8080) == "192.168.1.10", "portmap keeps a stranger's address"
    assert seen("a", "node-1", 8080) == "10.244.0.1", "of its own pods it does not: a hairpin"
    assert seen("agent", "b") == "10.244.0.0", "a node speaks with the address of its end of the tunnel"


def test_host_network() -> None:
    cluster = world()
    agent = cluster.pod("agent")
    assert agent.ip == "192.168.1.2" and agent.kind == "node"
    assert str(agent.listeners) == "TCP 0.0.0.0:9100 httpd" == str(cluster.node("node-1").listeners)
    assert cluster.holders("192.168.1.2") == ("node-1",)
    trace = cluster.send("a", "agent", port=9100)
    assert (trace.source, trace.target) == ("a", "agent") and trace.hops[-1].device == "node-1"
    assert trace.reason == "httpd in node-1 listens on TCP port 9100 and takes the packet"
    for ask in (cluster.cni_result, cluster.cni_exchange):
        with pytest.raises(InvalidArgument, match="no plugin was called"):
            ask("agent")
    cluster.delete("pod", "agent")
    assert not cluster.node("node-1").listeners
    assert cluster.send("a", "node-1", port=9100).verdict == "refused"
    assert cluster.ipam("node-1").used == 2  # type: ignore[union-attr] # host-local


def test_host_network_pods_count_when_a_node_is_chosen() -> None:
    cluster = Cluster(nodes=2)
    placed = [cluster.add_pod(f"p{n}", host_network=n % 2 == 0, image="busybox").node for n in range(4)]
    assert placed == ["node-1", "node-2", "node-1", "node-2"]
    assert [pod.name for pod in cluster.pods_on("node-1")] == ["p0", "p2"]


def test_two_containers_share_localhost_and_the_ports() -> None:
    cluster = Cluster()
    cluster.add_pod("web", containers={"nginx": "nginx", "log": "busybox", "apache": "httpd"},
                    listen={"nginx": 80, "log": "127.0.0.1:9090", "apache": [80, 8081]})
    cluster.add_pod("other")
    assert cluster.pod("web").listeners[0].program == "nginx"
    assert str(cluster.pod("web").refused) == (
        "apache cannot listen on TCP 0.0.0.0:80: address already in use (nginx has it)")
    assert cluster.send("web", "localhost", port=9090).answered
    assert cluster.send("web", "127.0.0.1", port=8081).reason == "apache in web listens on TCP port 8081 and takes the packet"
    outside = cluster.send("other", "web", port=9090)
    assert outside.verdict == "refused"
    assert outside.hops[-1].steps[-1].candidates[1].why == "bound to 127.0.0.1, not to 10.244.0.2"
    assert cluster.send("other", "web", port=80).answered, "two pods may use the same port"


def test_a_port_is_free_again_when_its_holder_is_gone() -> None:
    cluster = Cluster()
    cluster.add_pod("one", host_network=True)
    cluster.add_pod("two", host_network=True)
    assert str(cluster.node("node-1").refused) == (
        "nginx cannot listen on TCP 0.0.0.0:80: address already in use (nginx has it)")
    cluster.delete("pod", "one")
    assert not cluster.node("node-1").refused and cluster.send("laptop", "two").answered


@pytest.mark.parametrize(("first", "second", "together"), [
    ("TCP 0.0.0.0:80", "TCP 0.0.0.0:80", False),
    ("TCP 0.0.0.0:80", "UDP 0.0.0.0:80", True),
    ("TCP 0.0.0.0:80", "TCP 127.0.0.1:80", False),
    ("TCP 127.0.0.1:80", "TCP 127.0.0.1:80", False),
    ("TCP 0.0.0.0:80", "TCP 0.0.0.0:81", True),
])
def test_who_can_listen_beside_whom(first: str, second: str, together: bool) -> None:
    """bind(2) on Linux; the same pairs were tried with Python's sockets."""
    listen = {name: [f"{text.split()[1]}/{text.split()[0]}"] for name, text in (("x", first), ("y", second))}
    listen = {name: [words[0].replace("0.0.0.0:", "")] for name, words in listen.items()}
    cluster = Cluster()
    cluster.add_pod("p", containers={"x": "busybox", "y": "busybox"}, listen=listen)
    assert (not cluster.pod("p").refused) == together


def test_a_host_port_can_be_had_once_on_a_node() -> None:
    cluster = Cluster(nodes=2)
    assert [cluster.add_pod(name, host_ports={8080: 80}).node for name in ("x", "y")] == ["node-1", "node-2"]
    before = repr(cluster)
    with pytest.raises(Unschedulable, match=r"2 node\(s\) didn't have free ports"):
        cluster.add_pod("z", host_ports={8080: 80})
    with pytest.raises(Unschedulable, match="on node-2 the pod y has one"):
        cluster.add_pod("z", node="node-2", host_ports={8080: 80})
    assert repr(cluster) == before
    cluster.delete("pod", "y")
    assert cluster.add_pod("z", host_ports={8080: 80}).node == "node-2"
    assert cluster.send("laptop", "node-2", port=8080).reason.startswith("nginx in z ")


def test_a_host_port_without_portmap_does_nothing() -> None:
    """FACTS 6.6: the port exists because the portmap plugin writes a rule; Cilium's configuration does not call it."""
    cluster = Cluster(cni="cilium-native")
    cluster.add_pod("web", host_ports={8080: 80})
    assert cluster.send("laptop", "node-1", port=8080).verdict == "refused"


def test_a_host_port_has_no_listener_and_is_seen_in_the_request() -> None:
    cluster = Cluster()
    cluster.add_pod("web", host_ports={8080: 80})
    assert not cluster.node("node-1").listeners
    bridge, portmap = cluster.cni_exchange("web")
    assert "runtimeConfig" not in bridge.request
    assert portmap.request["runtimeConfig"] == {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}


@pytest.mark.parametrize(("arguments", "error"), [
    ({"containers": {}}, InvalidArgument),
    ({"containers": {"Web": "nginx"}}, InvalidName),
    ({"containers": {"web": ""}}, InvalidArgument),
    ({"containers": ["nginx"]}, InvalidArgument),
    ({"host_ports": {0: 80}}, InvalidArgument),
    ({"host_ports": {8080: "http"}}, InvalidArgument),
    ({"listen": {"nobody": 80}}, InvalidArgument),
    ({"name": "there"}, AlreadyExists),
    ({"node": "node-9"}, NotFound),
    ({"node": "node-9", "host_network": True}, NotFound),
])
def test_every_error_leaves_the_cluster_as_it_was(arguments: dict[str, object], error: type[Exception]) -> None:
    cluster = Cluster()
    cluster.add_pod("there")
    before = repr(cluster), cluster.ipam("node-1").used  # type: ignore[union-attr]
    with pytest.raises(error) as caught:
        cluster.add_pod(**{"name": "new"} | arguments)  # type: ignore[arg-type]
    assert str(caught.value).count("; ") >= 1 and "Traceback" not in str(caught.value)
    assert before == (repr(cluster), cluster.ipam("node-1").used)  # type: ignore[union-attr]
    assert cluster.add_pod("next").ip == "10.244.0.3"


def test_the_annotation_names_containers() -> None:
    cluster = Cluster()
    pod = cluster.add_pod("p", containers={"x": "busybox", "y": "busybox"}, listen={"x": 80, "y": ["53/UDP", 53]})
    assert pod.annotations[LISTEN_ANNOTATION] == "x=80, y=53/UDP, y=53"
    assert str(cluster.pod("p").listeners) == "TCP 0.0.0.0:80 x\nUDP 0.0.0.0:53 y\nTCP 0.0.0.0:53 y"
