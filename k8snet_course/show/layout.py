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
from k8snet_course.show.drawing import Drawing, fit
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

MARGIN = 10.0
_GAP = 16.0
_ALONE = 640.0
"""The width of a node that stands alone and has its pods in one row."""
_HOST_WIDTH, _HOST_HEIGHT = 124.0, 56.0
_SWITCH_HEIGHT = 42.0
_SWITCH_LEFT, _SWITCH_RIGHT = 226.0, WIDTH - 226.0
_CABLE = 44.0
_TUBE = 16.0
"""From the nodes to the switch, and how much more where wrapped packets pass, which are drawn wider."""


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
    nodes, pods, width = _choose(cluster, wanted)
    most = capacity(width, MOST_PODS)
    shown = [[several[i] for i in _first([pod.key in wanted for pod in several], most)] for several in pods]
    left_out = [len(several) - len(some) for several, some in zip(pods, shown, strict=True)]
    plans = [NodePlan.of(cluster, *row) for row in zip(nodes, shown, left_out, strict=True)]
    drawing = Drawing()
    bottom = _draw_nodes(drawing, plans, width)
    bottom = _draw_underlay(drawing, cluster, plans, bottom)
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
    said = text.cluster_text(cluster, nodes, [pod for some in shown for pod in some], sum(left_out))
    return drawing.scene(bottom + MARGIN, title, said)


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _choose(cluster: Cluster, wanted: frozenset[str]) -> tuple[list[Node], list[list[Pod]], float]:
    """The nodes to show, those on the packet's way before others, the pods on each, and how wide a node is."""
    on_the_way = wanted | {end for name in wanted for end in _joined(cluster, name)}
    every = cluster.nodes
    chosen = [every[number] for number in _first([node.name in on_the_way for node in every], MOST_NODES)]
    by_node: dict[str, list[Pod]] = {node.name: [] for node in chosen}
    for pod in cluster.pods:
        if pod.node in by_node:
            by_node[pod.node].append(pod)
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


def _draw_underlay(drawing: Drawing, cluster: Cluster, plans: Sequence[NodePlan], top: float) -> float:
    """The switch, its cables to the nodes, and the machines beside it; returns the lower edge of it all."""
    uplinks = [(plan.name, link) for plan in plans for link in plan.devices.cards]
    hosts = [cluster.namespace(name) for name in cluster.hosts]
    switch = _switch_of(cluster, [cluster.namespace(plan.name) for plan in plans] + hosts)
    if switch is None:
        return top
    wrapped = any(plan.devices.below for plan in plans)
    y = top + _CABLE + (_TUBE if wrapped else 0.0)
    lane = y + 12
    bridge = next((link.name for link in switch.links.values() if link.kind == "bridge"), "")
    sides = max(1, (len(hosts) + 1) // 2)
    height = _SWITCH_HEIGHT + (sides - 1) * (_HOST_HEIGHT + 12)
    left, right = _SWITCH_LEFT, _SWITCH_RIGHT
    drawing.box(
        Box(
            switch.name,
            bridge,
            "switch",
            left,
            y,
            right - left,
            height,
            f"{switch.label}: a switch between the machines",
            (
                Label(left + 12, y + height - 10, f"{switch.label}", "name", "start"),
                Label(right - 12, y + height - 10, f"switch {bridge}", "kind", "end"),
            ),
        )
    )
    drawing.anchor(switch.name, "", Point((left + right) / 2, lane))
    drawing.anchor(switch.name, bridge, Point((left + right) / 2, lane))
    ports = {(link.peer.namespace, link.peer.link): link for link in switch.links.values() if link.peer is not None}
    above = [drawing.anchors[Place(*up)].x for up in uplinks]
    places = _spread(above, left, right)
    for (device, link), x, bend in zip(uplinks, places, _bends(above, places, wrapped), strict=True):
        port = ports.get((device, link))
        if port is None:
            continue
        inward = x + 11 + len(port.name) * MONO > right
        label = Label(x + (-11 if inward else 11), y - 9, port.name, "port", "end" if inward else "start")
        drawing.port(switch.name, port.name, Point(x, y), label)
        drawing.cable("ethernet", Place(device, link), Place(switch.name, port.name), bend=y - bend)
    bottom = y + height
    for number, host in enumerate(hosts):
        bottom = max(bottom, _draw_host(drawing, host, switch, number, lane, (left, right)))
    return bottom


def _draw_host(
    drawing: Drawing, host: Namespace, switch: Namespace, number: int, lane: float, edges: tuple[float, float]
) -> float:
    """A machine beside the switch: even numbers on the left, odd ones on the right; returns its lower edge."""
    at_left = number % 2 == 0
    y = lane + (number // 2) * (_HOST_HEIGHT + 12)
    x = MARGIN if at_left else WIDTH - MARGIN - _HOST_WIDTH
    links = [link for link in host.links.values() if link.peer is not None]
    address = links[0].address if links else ""
    at, align = (x + 12, "start") if at_left else (x + _HOST_WIDTH - 12, "end")
    drawing.box(
        Box(
            host.name,
            "",
            host.kind,
            x,
            y - _HOST_HEIGHT / 2,
            _HOST_WIDTH,
            _HOST_HEIGHT,
            f"{host.kind} {host.label} {address}",
            (Label(at, y - 4, fit(host.label, 90, 8.0), "name", align), Label(at, y + 14, address, "address", align)),
        )
    )
    edge = x + _HOST_WIDTH if at_left else x
    drawing.anchor(host.name, "", Point(edge + (-14 if at_left else 14), y))
    for link in links:
        drawing.port(host.name, link.name, Point(edge, y))
        far = link.peer
        if far is None or far.namespace != switch.name:
            continue
        x_port = edges[0] if at_left else edges[1]
        label = Label(x_port + (-11 if at_left else 11), y - 9, far.link, "port", "end" if at_left else "start")
        drawing.port(switch.name, far.link, Point(x_port, y), label)
        drawing.cable("ethernet", Place(host.name, link.name), Place(switch.name, far.link))
    return y + _HOST_HEIGHT / 2


def _switch_of(cluster: Cluster, machines: Iterable[Namespace]) -> Namespace | None:
    """The switch that the machines' cables lead to."""
    for machine in machines:
        for link in machine.links.values():
            if link.kind == "ethernet" and link.peer is not None:
                far = cluster.namespace(link.peer.namespace)
                if far.kind == "switch":
                    return far
    return None


def _spread(wanted: Sequence[float], left: float, right: float) -> list[float]:
    """Places between two edges: as wanted if all are inside, else drawn together."""
    if all(left + 24 <= x <= right - 24 for x in wanted):
        return list(wanted)
    low, high = min(wanted), max(wanted)
    first, last = max(low, left + 24), min(high, right - 96)
    if low == high:
        return [min(first, last)] * len(wanted)
    return [round(first + (x - low) * (last - first) / (high - low), 1) for x in wanted]


def _bends(above: Sequence[float], below: Sequence[float], wrapped: bool) -> list[float]:
    """How far above the switch each cable turns: all at one height, unless their level parts would then lie on each other.

    ``wrapped``: there is room for the wide line of a wrapped packet.

    >>> _bends([100, 900], [250, 750], False), _bends([100, 600, 900], [100, 300, 500], True)
    ([26.0, 26.0], [48.0, 41.0, 34.0])
    """
    spans = [sorted(pair) for pair in zip(above, below, strict=True)]
    if all(one[1] < other[0] for one, other in pairwise(spans)):
        return [40.0 if wrapped else 26.0] * len(spans)
    high, low = (48.0, 34.0) if wrapped else (34.0, 24.0)
    return [round(high - (high - low) * number / (len(spans) - 1), 1) for number in range(len(spans))]
