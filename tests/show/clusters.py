"""Clusters and walks for the tests of the views."""

from __future__ import annotations

from dataclasses import replace

from k8snet_course import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.faults import BlockedPort, MissingFdb
from k8snet_course.linux.trace import Trace

NAMES = ("frontend", "backend", *(f"web-{number}" for number in range(200)))


def cluster_of(nodes: int, pods: int, cni: str = "bridge") -> Cluster:
    """So many nodes, and so many pods on them in turn."""
    cluster = Cluster(nodes=nodes, cni=cni)
    for name in NAMES[:pods]:
        cluster.add_pod(name)
    return cluster


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80, nodePort: 30080}]
"""
NOBODY = """
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec:
  selector: {app: nobody}
  ports: [{port: 80}]
"""
FRIENDS = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: friends}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: friend}}}]
"""


def shop(nodes: int = 2, cni: str = "calico", **options: str) -> Cluster:
    """A cluster with a client, three backends of one Service, a Service without any, an agent with hostNetwork on each node."""
    cluster = Cluster(nodes=nodes, cni=cni, **options)
    for number in range(1, nodes + 1):
        cluster.add_pod(f"agent-{number}", node=f"node-{number}", host_network=True)
    cluster.add_pod("client", node="node-1")
    cluster.add_pod("friend", node="node-1", labels={"app": "friend"})
    for number in range(3):
        cluster.add_pod(f"web-{number}", node=f"node-{number % nodes + 1}", labels={"app": "web"})
    cluster.apply(SERVICE)
    cluster.apply(NOBODY)
    return cluster


def later_walks() -> dict[str, tuple[Cluster, Trace]]:
    """Walks past Services, doors, the internet, and to pods that use their node's network."""
    plain, guarded, modes = shop(), shop(), {proxy: shop(proxy=proxy) for proxy in ("ipvs", "nftables")}
    tunnel, many = shop(cni="flannel", load_balancer="192.168.1.240/29"), shop(4, "flannel")
    guarded.apply(FRIENDS)
    for number in range(80):
        many.add_pod(f"more-{number}", labels={"app": "web"} if number < 6 else {})
    balanced = next(service for service in tunnel.services if service.name == "web").load_balancer_ips[0]
    return {
        "to a Service": (plain, plain.send("client", "web")),
        "to a Service by a tunnel": (tunnel, tunnel.send("web-1", "web")),
        "to a Service from a node": (plain, plain.send("node-2", "web")),
        "to a node port": (plain, plain.send("laptop", "node-2", port=30080)),
        "to a load balancer": (tunnel, tunnel.send("laptop", balanced)),
        "to a Service of many": (many, many.send("client", "web")),
        "to nobody": (plain, plain.send("client", "nobody")),
        **{f"to a Service by {proxy}": (cluster, cluster.send("client", "web")) for proxy, cluster in modes.items()},
        "denied at the door": (guarded, guarded.send("client", "web-1")),
        "denied behind a Service": (guarded, guarded.send("client", "web")),
        "allowed at the door": (guarded, guarded.send("friend", "web-0")),
        "to the internet": (tunnel, tunnel.send("client", "internet")),
        "from the internet": (tunnel, tunnel.send("internet", "client")),
        "from an agent": (plain, plain.send("agent-1", "web-1")),
        "to an agent": (plain, plain.send("client", "agent-2")),
        "agent to agent": (tunnel, tunnel.send("agent-1", "agent-2")),
        "agent to itself": (tunnel, tunnel.send("agent-1", "agent-1")),
        "agent to a Service": (tunnel, tunnel.send("agent-2", "web")),
        "refused by an agent": (tunnel, tunnel.send("laptop", "agent-1", port=81)),
        "two connections": (tunnel, replace(tunnel.send("node-2", "web-1"), then=tunnel.send("web-1", "web-2"))),
        "two connections by Services": (
            many, replace(many.send("laptop", "node-1", port=30080), then=many.send("client", "web"))),
    }


def walks() -> dict[str, tuple[Cluster, Trace]]:
    """A walk of each kind that a cluster of today can make."""
    one, two = cluster_of(1, 2), cluster_of(2, 4)
    tunnel, lost, blocked = (cluster_of(2, 4, "flannel") for _ in range(3))
    lost.inject(MissingFdb("node-1", next(row.mac for row in lost.node("node-1").fdb if row.dev == "flannel.1")))
    blocked.inject(BlockedPort("node-2", "UDP", 8472))
    plugins = {cni: cluster_of(2, 2, cni) for cni in PLUGINS}
    return {
        "same node": (one, one.send("frontend", "backend")),
        "known neighbour": (one, one.send("frontend", "backend")),
        "refused": (one, one.send("frontend", "backend", port=81)),
        "ping": (one, one.send("backend", "frontend", port=None)),
        "to the laptop": (one, one.send("frontend", "laptop")),
        "from the laptop": (one, one.send("laptop", "frontend")),
        "node to pod": (one, one.send("node-1", "backend")),
        "to itself": (one, one.send("frontend", "frontend")),
        "nobody there": (one, one.send("frontend", "10.244.0.99")),
        "outside": (one, one.send("frontend", "8.8.8.8")),
        "other node": (two, two.send("frontend", "backend")),
        "node to node": (two, two.send("node-1", "node-2", port=None)),
        "rewritten": (tunnel, tunnel.send("frontend", "laptop", port=None)),
        "beside the tunnel": (tunnel, tunnel.send("node-1", "node-2", port=None)),
        "node into the tunnel": (tunnel, tunnel.send("node-1", "backend")),
        "too big": (tunnel, tunnel.send("frontend", "backend", size=1500)),
        "lost in the tunnel": (lost, lost.send("frontend", "backend")),
        "blocked tunnel": (blocked, blocked.send("frontend", "backend")),
        **{f"by {cni}": (cluster, cluster.send("frontend", "backend")) for cni, cluster in plugins.items()},
    }


LATER = later_walks()
WALKS = walks() | LATER
