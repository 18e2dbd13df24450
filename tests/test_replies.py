"""A reply comes home whenever the request arrived and no table says otherwise."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.linux.trace import Trace, Verdict

PODS = [f"p{n}" for n in range(5)]
OUTSIDE = ["laptop", "router", "internet"]


@st.composite
def worlds(draw: st.DrawFn) -> Cluster:
    """One to three nodes with any plugin; pods anywhere, some on their node's network, one with a port of the node."""
    nodes = draw(st.integers(1, 3))
    cluster = Cluster(nodes=nodes, cni=draw(st.sampled_from(sorted(PLUGINS))))
    for number, name in enumerate(PODS):
        cluster.add_pod(name, node=f"node-{draw(st.integers(1, nodes))}", host_network=draw(st.booleans()) and number > 1,
                        host_ports={8080: 80} if number == 0 else None)
    for name in draw(st.lists(st.sampled_from(PODS[1:]), max_size=2, unique=True)):
        cluster.delete("pod", name)
    return cluster


def excused(cluster: Cluster, reply: Trace) -> bool:
    """Whether the device where a lost reply ended has a table that says so."""
    last = cluster.namespace(reply.hops[-1].device)
    target = reply.hops[-1].steps[-1].packet.dst
    if reply.verdict is Verdict.NO_ROUTE:
        winner = last.routes.lookup(target).winner
        return winner is None or bool(winner.kind) or not last.forwarding
    if reply.verdict is Verdict.NO_NEIGHBOUR:
        winner = last.routes.lookup(target).winner
        asked = target if winner is None else winner.via or target
        return last.name not in cluster.holders(asked)
    return reply.verdict is Verdict.ADDRESS_CONFLICT and len(cluster.holders(target)) > 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.data())
def test_a_reply_comes_home_unless_a_table_says_otherwise(cluster: Cluster, data: st.DataObject) -> None:
    names = [*(pod.name for pod in cluster.pods), *(node.name for node in cluster.nodes), *OUTSIDE]
    source, target = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    trace = cluster.send(source, target, port=data.draw(st.sampled_from([80, 8080, None])))
    if trace.reply is None:
        assert not trace.delivered, trace
    elif not trace.reply.delivered:
        assert excused(cluster, trace.reply), trace
    else:
        first, home = trace.packet, trace.reply.hops[-1].steps[-1].packet
        assert home.dst == first.src, "NAT was undone on the way back"
        if not home.is_icmp_error:
            assert (home.src, home.src_port, home.dst_port) == (first.dst, first.dst_port, first.src_port)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.data())
def test_between_pods_of_a_network_that_keeps_the_model_everything_is_answered(cluster: Cluster, data: st.DataObject) -> None:
    """FACTS 1, requirement 3: all plugins but the two that leave nodes without routes."""
    pods = [pod.name for pod in cluster.pods]
    source, target = data.draw(st.sampled_from(pods)), data.draw(st.sampled_from(pods))
    trace = cluster.send(source, target, port=None)
    together = cluster.pod(source).kind == "node" or cluster.pod(target).kind == "node"
    if cluster.cni not in ("none", "bridge") and not together:
        assert trace.answered and trace.nat == (), trace
