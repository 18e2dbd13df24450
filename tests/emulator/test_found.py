"""Where real Linux and the model once disagreed: each case as small as it gets, asked of the model alone."""

from __future__ import annotations

from k8snet_course.cluster import Cluster
from k8snet_course.faults import ForwardingOff
from k8snet_course.linux.trace import Verdict


def test_an_answer_that_ends_at_a_stranger_is_no_answer() -> None:
    """cni=none: a and b have one address.  a goes through node-2's node port; node-2 takes the answer's way home to b."""
    cluster = Cluster(nodes=2, cni="none")
    cluster.add_pod("a", node="node-1")
    cluster.add_pod("b", node="node-2")
    cluster.add_pod("web", node="node-2", labels={"app": "web"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "nodePort": 30080}]}})
    assert cluster.pod("a").ip == cluster.pod("b").ip
    trace = cluster.send("a", "node-2", port=30080)
    assert trace.verdict is Verdict.DELIVERED and trace.reply is not None
    assert not trace.reply.delivered and trace.reply.hops[-1].label == "b"
    assert not trace.answered


def test_a_node_that_forwards_nothing_answers_for_nobody() -> None:
    """Linux answers in another's name (proxy ARP) only where it forwards: Calico's pods then have no gateway."""
    cluster = Cluster(cni="calico-bgp")
    cluster.add_pod("a")
    assert cluster.send("a", "node-1", port=None).answered
    cluster = Cluster(cni="calico-bgp")
    cluster.add_pod("a")
    cluster.inject(ForwardingOff("node-1"))
    trace = cluster.send("a", "node-1", port=None)
    assert trace.verdict is Verdict.NO_NEIGHBOUR and trace.hops[-1].label == "a"


def test_an_error_about_a_packet_that_two_nodes_rewrote_finds_its_way_home() -> None:
    """node-2 rewrites the source, node-1 the destination: on the way back node-1 has to undo its part, or node-2 cannot."""
    cluster = Cluster(nodes=2, cni="flannel-host-gw")
    cluster.add_pod("a", node="node-2")
    cluster.add_pod("web", node="node-1", labels={"app": "web"})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "externalTrafficPolicy": "Local", "selector": {"app": "web"},
                            "ports": [{"port": 53, "protocol": "UDP", "nodePort": 30053}]}})
    trace = cluster.send("a", "node-1", port=30053, protocol="UDP")
    assert trace.verdict is Verdict.REFUSED and trace.reply is not None
    assert trace.reply.delivered and trace.reply.hops[-1].label == "a"
    told = trace.reply.hops[-1].steps[-1].packet
    assert told.src == "192.168.1.2" and told.about is not None
    assert (told.about.src, told.about.dst, told.about.dst_port) == (cluster.pod("a").ip, "192.168.1.2", 30053)
