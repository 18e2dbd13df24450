"""All thirteen plugins: the table of the README, and what must hold whatever the plugin is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.linux.trace import Action
from k8snet_course.show.compare import compare
from tests.cni.worlds import arrivals, largest_ping, two_nodes

# cni, verdict, hops, encapsulation, overhead, MTU, TTL at arrival, source seen, NetworkPolicy.  FACTS 5.2, 5.6, 16b.
# TTL of flannel: tried (16b); of calico-bgp and weave: tried in test_calico and test_weave; of calico with a tunnel: routed
# at the same two places; of cilium: from its code; of the fabrics: of the sketch.
TABLE = [
    ("none", "address_conflict", "1", "-", "0", "1500", "-", "-", "no"),
    ("bridge", "no_route", "4", "-", "0", "1500", "-", "-", "no"),
    ("flannel", "delivered", "5", "VXLAN", "50", "1450", "62", "10.244.0.2", "no"),
    ("flannel-host-gw", "delivered", "5", "-", "0", "1500", "62", "10.244.0.2", "no"),
    ("calico", "delivered", "5", "IPIP", "20", "1480", "62", "10.244.41.193", "yes"),
    ("calico-vxlan", "delivered", "5", "VXLAN", "50", "1450", "62", "10.244.41.193", "yes"),
    ("calico-bgp", "delivered", "5", "-", "0", "1500", "62", "10.244.41.192", "yes"),
    ("cilium", "delivered", "5", "VXLAN", "50", "1450", "63", "10.244.0.2", "yes"),
    ("cilium-native", "delivered", "5", "-", "0", "1500", "62", "10.244.0.2", "yes"),
    ("weave", "delivered", "5", "VXLAN", "50", "1376", "64", "10.32.0.2", "yes"),
    ("nsx", "delivered", "5", "Geneve", "50", "1500", "64", "10.244.0.2", "yes"),
    ("aci", "delivered", "5", "VXLAN", "50", "1500", "64", "10.244.0.2", "yes"),
    ("bcf", "delivered", "7", "-", "0", "1500", "61", "10.244.0.2", "no"),
]
WORKING = [row[0] for row in TABLE if row[1] == "delivered"]


def test_the_table() -> None:
    assert [line.cells() for line in compare()] == TABLE
    assert [row[0] for row in TABLE] == list(PLUGINS)


def test_it_prints() -> None:
    table = compare(["flannel", "calico"])
    assert str(table).splitlines()[1].split() == list(TABLE[2])
    assert table.markdown().splitlines()[3] == f"| {' | '.join(TABLE[4])} |"


@pytest.mark.parametrize("line", compare(), ids=lambda line: line.cni)
def test_plugins_say_of_themselves_what_packets_show(line: object) -> None:
    name = line.cni  # type: ignore[attr-defined]
    plugin = PLUGINS[name]
    if name in WORKING:
        assert (plugin.encapsulation, plugin.overhead) == (line.encapsulation, line.overhead)  # type: ignore[attr-defined]
        assert largest_ping(two_nodes(name)) == plugin.mtu - 28
    else:
        assert (plugin.encapsulation, plugin.overhead) == ("", 0)


@pytest.mark.parametrize("cni", WORKING)
def test_everybody_reaches_everybody_with_their_own_address(cni: str) -> None:
    """The network model: pod to pod without NAT; node to pod; pod to node; every answer comes home."""
    cluster = Cluster(nodes=3, cni=cni)
    for number in range(6):
        cluster.add_pod(f"p{number}")
    pods = [pod.name for pod in cluster.pods]
    for src in pods:
        for dst in pods:
            assert arrivals(cluster, (src, dst))[0][1] == cluster.pod(src).ip
        for node in cluster.nodes:
            arrivals(cluster, (src, node.name), (node.name, src))


@pytest.mark.parametrize("cni", [row[0] for row in TABLE if row[3] != "-"])
def test_encapsulation_is_undone_exactly(cni: str) -> None:
    """What comes out of the tunnel is what went in; the outer packet is between the nodes, and larger by the overhead."""
    cluster = two_nodes(cni)

    @settings(max_examples=25, deadline=None)
    @given(st.sampled_from(["a", "b", "node-1"]), st.sampled_from(["TCP", "UDP", "ICMP"]), st.integers(0, 1300))
    def walk(src: str, protocol: str, size: int) -> None:
        trace = cluster.send(src, "c", protocol=protocol, size=size)
        steps = [step for _, step in trace.steps()]
        (wrapped,) = [step.packet for step in steps if step.action is Action.ENCAPSULATE]
        (unwrapped,) = [step.packet for step in steps if step.action is Action.DECAPSULATE]
        assert unwrapped == wrapped.carried and wrapped.size == unwrapped.size + PLUGINS[cni].overhead
        assert (wrapped.src, wrapped.dst, wrapped.ttl) == ("192.168.1.2", "192.168.1.3", 64)
        assert unwrapped._replace(ttl=64) == trace.packet
        assert trace.reply is not None and trace.reply.delivered

    walk()


@pytest.mark.parametrize("cni", PLUGINS)
def test_pods_come_and_go(cni: str) -> None:
    """Names, addresses and holders stay in order: after a pod has gone, another one is reached."""
    cluster = Cluster(nodes=2, cni=cni)
    for _ in range(3):
        cluster.add_pod("a", node="node-1")
        cluster.add_pod("b", node="node-1")
        assert cluster.send("a", "b").answered, cni
        address = cluster.pod("b").ip
        cluster.delete("pod", "b")
        assert not cluster.send("a", address).delivered
        cluster.delete("pod", "a")
    first = [names[0] for names in cluster._control.holders.values() if names]
    assert all(name.startswith(("node", "laptop", "router", "internet")) for name in first)


@pytest.mark.parametrize("cni", PLUGINS)
def test_every_interface_index_is_used_once(cni: str) -> None:
    links = two_nodes(cni).node("node-1").links
    assert [link.index for link in links] == sorted({link.index for link in links})
