"""Clusters and walks for the tests of the views."""

from __future__ import annotations

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


WALKS = walks()
