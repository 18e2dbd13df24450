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
from collections.abc import Set as AbstractSet
from heapq import nsmallest
from typing import TYPE_CHECKING

from k8snet_course.errors import NotFound
from k8snet_course.show import text
from k8snet_course.show.connections import relays
from k8snet_course.show.drawing import Drawing
from k8snet_course.show.given import check_scene
from k8snet_course.show.node_box import HEADER, NODE_TOP, Bands, NodePlan, draw_home_wire, draw_node, with_lines
from k8snet_course.show.outside import MARGIN, draw_underlay
from k8snet_course.show.pod_rows import arrange, capacity
from k8snet_course.show.scene import WIDTH, Box, Label, Scene
from k8snet_course.show.virtual import Virtual, virtuals
from k8snet_course.show.virtual_row import draw_virtuals, row_height

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.trace import Trace
    from k8snet_course.objects import Node, Pod

MOST_NODES = 4
MOST_PODS = 24
"""So many nodes, and so many pods on each where the node is wide enough, are shown; of the rest only the number."""

_GAP = 16.0
_ALONE = 640.0
"""The width of a node that stands alone and has its pods in one row."""


def layout(cluster: Cluster, trace: Trace | None = None) -> Scene:
    """The scene of a cluster; what a trace passes is in it, however large the cluster is.

    Raises InvalidArgument for what is no cluster or no walk.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend")
    >>> scene = layout(cluster)
    >>> scene.shows("default/frontend"), scene.box("node-1", "cni0").kind
    (True, 'bridge')
    """
    check_scene(cluster, trace)
    wanted = text.devices_of(trace)
    services = virtuals(cluster, trace)
    nodes, pods, width = _choose(cluster, wanted, services)
    backends = {backend.pod for one in services for backend in one.backends}
    chosen = {backend.pod for one in services for backend in one.backends if backend.chosen}
    most = capacity(width, MOST_PODS)
    shown = [[several[i] for i in _first([_rank(pod.key, wanted, backends) for pod in several], most)] for several in pods]
    left_out = [len(several) - len(some) for several, some in zip(pods, shown, strict=True)]
    relayed = relays(trace)
    plans = [NodePlan.of(cluster, *row, relayed) for row in zip(nodes, shown, left_out, strict=True)]
    hosts = text.outside(cluster, wanted)
    drawing = Drawing()
    bottom = _draw_nodes(drawing, plans, width, services)
    ends = text.ends_of(trace) | chosen
    for plan in plans:
        for pod, _ in plan.pods:
            if pod.host_network and pod.key in ends:
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
    cluster: Cluster, wanted: frozenset[str], services: Sequence[Virtual]
) -> tuple[list[Node], list[tuple[Pod, ...]], float]:
    """The nodes to show, those on the packet's way before those of backends and others, the pods on each, and the width."""
    on_the_way = wanted | {end for name in wanted for end in _joined(cluster, name)}
    behind = {backend.node for one in services for backend in one.backends}
    every = cluster.nodes
    chosen = [every[number] for number in _first([_rank(node.name, on_the_way, behind) for node in every], MOST_NODES)]
    pods = [cluster.pods_on(node.name) for node in chosen]
    width = (WIDTH - 2 * MARGIN - _GAP * (len(chosen) - 1)) / len(chosen)
    if len(chosen) == 1 and arrange(len(pods[0]), _ALONE).rows == 1:
        width = _ALONE
    return chosen, pods, width


def _rank(name: str, first: AbstractSet[str], second: AbstractSet[str]) -> int:
    return 0 if name in first else 1 if name in second else 2


def _joined(cluster: Cluster, name: str) -> Iterable[str]:
    """The devices at the other ends of a device's cables; none for a name that is no device."""
    try:
        links = cluster.namespace(name).links.values()
    except NotFound:
        return ()
    return [link.peer.namespace for link in links if link.peer is not None and link.master == ""]


def _first(ranks: Sequence[int], most: int) -> list[int]:
    """The numbers of at most ``most`` things, those of the lowest ranks; of equal ranks the first.

    >>> _first([2, 2, 0, 1, 2], 3)
    [0, 2, 3]
    """
    return sorted(nsmallest(most, range(len(ranks)), key=ranks.__getitem__))


def _draw_nodes(drawing: Drawing, plans: Sequence[NodePlan], width: float, services: Sequence[Virtual]) -> float:
    """All node boxes side by side, equally wide and high; returns their lower edge."""
    grids = with_lines(plans, [arrange(len(plan.pods), width) for plan in plans])
    bands = Bands.of(plans, grids, width, row_height(services))
    x = (WIDTH - width * len(plans) - _GAP * (len(plans) - 1)) / 2
    bottom = 0.0
    for plan, grid in zip(plans, grids, strict=True):
        bottom = draw_node(drawing, plan, grid, x, NODE_TOP, width, bands)
        x += width + _GAP
    draw_virtuals(drawing, services, NODE_TOP + HEADER - 8)
    return bottom
