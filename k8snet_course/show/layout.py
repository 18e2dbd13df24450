"""Layout: from a cluster to a scene.

Pods stand at the top of their node, below them the node's bridges, then the place where the node routes, then its tunnels,
then its network card; below the nodes the switch that joins them, with the machines outside the
cluster beside it.

Every position follows from the namespaces' links alone, by their kind, their bridge and their other end: this module
knows no plugin and no chapter.  The same cluster gives the same scene, to the last digit.  Of a large cluster it
shows a few nodes and pods, those on the packet's way among them, and says how many there are besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from k8snet_course.errors import NotFound
from k8snet_course.show import text
from k8snet_course.show.devices import MONO
from k8snet_course.show.drawing import Drawing, fit, fit_address
from k8snet_course.show.node_box import NODE_TOP, Bands, NodePlan, draw_node
from k8snet_course.show.pod_rows import arrange, capacity
from k8snet_course.show.scene import WIDTH, Box, Label, Place, Point, Scene

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.namespace import Namespace
    from k8snet_course.linux.trace import Trace
    from k8snet_course.objects import Node, Pod

MOST_NODES = 4
MOST_PODS = 24
"""So many nodes, and so many pods on each where the node is wide enough, are shown; of the rest only the number."""

_GAP = 16.0
_ALONE = 640.0
"""The width of a node that stands alone and has its pods in one row."""


def layout(cluster: Cluster, trace: Trace | None = None) -> Scene:
    """The scene of a cluster; what a trace passes is in it, however large the cluster is.  Raises nothing.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend")
    >>> scene = layout(cluster)
    >>> scene.shows("default/frontend"), scene.box("node-1", "cni0").kind
    (True, 'bridge')
    """
    wanted = text.devices_of(trace)
    services = virtuals(cluster, trace)
    backends = frozenset(backend.pod for one in services for backend in one.backends)
    nodes, pods, width = _choose(cluster, wanted, backends)
    most = capacity(width, MOST_PODS)
    shown = [[several[i] for i in _first([_rank(pod.key, wanted, backends) for pod in several], most)] for several in pods]
    left_out = [len(several) - len(some) for several, some in zip(pods, shown, strict=True)]
    relayed = relays(trace)
    plans = [NodePlan.of(cluster, *row, relayed) for row in zip(nodes, shown, left_out, strict=True)]
    hosts = text.outside(cluster, wanted)
    drawing = Drawing()
    bottom = _draw_nodes(drawing, plans, width, services)
    for plan in plans:
        for pod, _ in plan.pods:
            if pod.host_network and pod.key in text.ends_of(trace) | {one.chosen_pod for one in services}:
                draw_home_wire(drawing, plan, pod)
    bottom = draw_underlay(drawing, cluster, plans, hosts, bottom)
    missing = len(cluster.nodes) - len(nodes)
    if missing:
        label = f"and {missing} more"
        bottom += 10
        drawing.box(
            Box(
                "",
                "more nodes",
                "note",
                WIDTH / 2 - 90,
                bottom,
                180,
                24,
                label,
                (Label(WIDTH / 2, bottom + 16, label, "note"),),
            )
        )
        bottom += 24
    title = f"A cluster of {_several(len(cluster.nodes), 'node')} and {_several(len(cluster.pods), 'pod')}"
    said = text.cluster_text(cluster, nodes, [fact for plan in plans for fact in plan.facts], sum(left_out), hosts, services)
    return drawing.scene(bottom + MARGIN, title, said)


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _choose(
    cluster: Cluster, wanted: frozenset[str], backends: frozenset[str]
) -> tuple[list[Node], list[tuple[Pod, ...]], float]:
    """The nodes to show, those on the packet's way before those of backends and others, the pods on each, and a node's width."""
    on_the_way = wanted | {end for name in wanted for end in _joined(cluster, name)}
    every = cluster.nodes
    names = [node.name for node in every] if len(every) <= MOST_NODES else _wanted_nodes(cluster, on_the_way, backends)
    number = {name: index for index, name in enumerate(node.name for node in every)} if len(names) < MOST_NODES else {}
    chosen = every
    width = (WIDTH - 2 * MARGIN - _GAP * (len(chosen) - 1)) / len(chosen)
    if len(chosen) == 1 and arrange(len(by_node[chosen[0].name]), _ALONE).rows == 1:
        width = _ALONE
    return chosen, list(by_node.values()), width


def _joined(cluster: Cluster, name: str) -> Iterable[str]:
    """The devices at the other ends of a device's cables; none for a name that is no device."""
    try:
        links = cluster.namespace(name).links.values()
    except NotFound:
        return ()
    return [link.peer.namespace for link in links if link.peer is not None and link.master == ""]


def _first(wanted: Sequence[bool], most: int) -> list[int]:
    """The numbers of at most ``most`` things: first those that are wanted, then the others as they come."""
    order = sorted(range(len(wanted)), key=lambda number: (not wanted[number], number))
    return sorted(order[:most])


def _draw_nodes(drawing: Drawing, plans: Sequence[NodePlan], width: float) -> float:
    """All node boxes side by side, equally wide and high; returns their lower edge."""
    grids = [arrange(len(plan.pods), width) for plan in plans]
    bands = Bands.of(plans, grids, width)
    x = (WIDTH - width * len(plans) - _GAP * (len(plans) - 1)) / 2
    bottom = 0.0
    for plan, grid in zip(plans, grids, strict=True):
        bottom = draw_node(drawing, plan, grid, x, NODE_TOP, width, bands)
        x += width + _GAP
    return bottom
