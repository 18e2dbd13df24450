"""A node in a scene: its pods, what its Linux adds, where it routes, and its network card.

From top to bottom: the pods in rows, a cable from each, the bridges, the routing, tunnels and the like, the card.  This
module places the parts of one node; how nodes stand to each other is the business of
:mod:`~k8snet_course.show.layout`, and what a device looks like that of :mod:`~k8snet_course.show.devices`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from k8snet_course.show.devices import (
    CARD,
    LANE,
    MONO,
    ONE_LINE,
    SIDE_LANE,
    Devices,
    below_height,
    draw_below,
    draw_bridges,
    draw_cards,
    has_bridges,
)
from k8snet_course.show.drawing import Drawing, fit, fit_address, measure
from k8snet_course.show.pod_box import PodFacts, pod_box, refusals
from k8snet_course.show.pod_rows import PAD, PORT_LABEL, PodRows
from k8snet_course.show.scene import Box, Label, Place, Point

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.namespace import Namespace, Refused
    from k8snet_course.objects import Node, Pod

NODE_TOP = 10.0
HEADER = 46.0
_ROUTING = 32.0
_GAP = 15.0
_HOME_TURN = 13.0
NOTHING: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What is to be drawn of one node: its namespace, its pods, and how many pods are left out."""

    node: Node
    namespace: Namespace
    pods: tuple[tuple[Pod, Namespace], ...]
    left_out: int
    devices: Devices
    facts: tuple[PodFacts, ...]

    @classmethod
    def of(cls, cluster: Cluster, node: Node, pods: Sequence[Pod], left_out: int,
           relayed: Mapping[str, int] = NOTHING) -> NodePlan:
        """Collect it from the cluster; ``relayed`` is what :func:`~k8snet_course.show.connections.relays` says."""
        inside = cluster.namespace(node.name)
        there = tuple((pod, cluster.namespace(pod.key)) for pod in pods)
        own: dict[str, tuple[Refused, ...]] = {}
        if any(pod.host_network for pod in pods):
            own = refusals((pod for pod in cluster.pods_on(node.name) if pod.host_network), inside)
        facts = tuple(
            PodFacts(pod, own[pod.key] if pod.host_network else its.refused, relayed.get(pod.key, 0)) for pod, its in there
        )
        return cls(node, inside, there, left_out, Devices.of(inside), facts)

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name

    @property
    def routed(self) -> bool:
        """Whether a pod's cable ends at the routing, because it is plugged into no bridge."""
        there = self.namespace.links
        ends = [link.peer for pod, inside in self.pods if not pod.host_network for link in inside.links.values()
                if link.peer is not None]
        return any(end.namespace == self.name and end.link in there and not there[end.link].master for end in ends)


@dataclass(frozen=True, slots=True)
class Bands:
    """How high the parts of every node of a picture are: the pods with their cables, the bridges, the tunnels (0: none).

    ``above`` is the room above the pods, for the virtual addresses of Services.
    """

    pods: float
    bridges: float
    below: float
    above: float = 0.0

    @classmethod
    def of(cls, plans: Sequence[NodePlan], rows: Sequence[PodRows], width: float, above: float = 0.0) -> Bands:
        """The same for all nodes, so that equal parts stand side by side."""
        devices = [plan.devices for plan in plans]
        bridges = ONE_LINE + _GAP if has_bridges(devices, any(plan.routed for plan in plans)) else 0.0
        below = below_height(devices, width - 2 * PAD)
        return cls(max(row.height for row in rows), bridges, below, above)


def with_lines(plans: Sequence[NodePlan], rows: Sequence[PodRows]) -> list[PodRows]:
    """The rows with as much room in each pod as the pod with most to say needs: the same for all nodes."""
    lines = max((len(facts.lines(each)) for plan, each in zip(plans, rows, strict=True) for facts in plan.facts), default=0)
    return [replace(each, lines=lines) for each in rows]


def draw_node(
    drawing: Drawing, plan: NodePlan, rows: PodRows, x: float, y: float, width: float, bands: Bands
) -> float:
    """Draw a node with its left upper corner at (x, y); returns its lower edge."""
    node, inside, devices = plan.node, plan.namespace, plan.devices
    pods_y = y + HEADER + bands.above
    bridges_y = pods_y + bands.pods
    routing_y = bridges_y + bands.bridges
    tall = bands.below > 0 or not bands.bridges  # packets run along it: their lane stays off the text
    routing = ONE_LINE if tall else _ROUTING
    below_y = routing_y + routing + _GAP
    card_y = below_y + (bands.below + _GAP if bands.below else 0.0)
    bottom = card_y + CARD + 8
    left = x + PAD + (SIDE_LANE if devices.bridged else 0.0)
    middle = round(x + width / 2, 1)
    room = width - 3 * PAD - measure(node.name, "title")
    ranges = f"pods {' '.join(node.pod_cidrs)}"
    pods = node.pod_cidr if width < 300 or not node.pod_cidr else f"pods {node.pod_cidr}"
    pods = ranges if node.second_pod_cidr and measure(ranges, "address") <= room else fit_address(pods, room)
    drawing.box(
        Box(
            node.name,
            "",
            "node",
            x,
            y,
            width,
            bottom - y,
            f"{node}",
            (
                Label(x + PAD, y + 22, node.name, "title", "start"),
                Label(x + width - PAD, y + 22, pods, "address", "end"),
            ),
        )
    )
    routes = len(inside.routes)
    baseline, end = routing_y + (32 if tall else 21), x + width - PAD - (SIDE_LANE if bands.below else 9)
    if devices.columns(width - 2 * PAD) < len(devices.below):
        end -= 2 * PAD
    drawing.box(
        Box(
            node.name,
            "routing",
            "routing",
            left,
            routing_y,
            x + width - PAD - left,
            routing,
            f"the Linux of {node.name} routes by {routes} rows",
            (
                Label(left + 9, baseline, "routing", "name", "start"),
                Label(end, baseline, f"{routes} route{'' if routes == 1 else 's'}", "kind", "end"),
            ),
        )
    )
    drawing.anchor(node.name, "", Point(middle, routing_y + (LANE if tall else _ROUTING / 2)))
    draw_bridges(drawing, node.name, devices, Point(x + PAD, bridges_y), width - 2 * PAD)
    draw_below(drawing, node.name, devices, Point(x + PAD, below_y), width - 2 * PAD)
    draw_cards(drawing, node.name, inside, devices, middle, x + width - PAD, card_y)
    _draw_pods(drawing, plan, rows, Point(x, pods_y), width, (bridges_y, routing_y))
    return bottom


def _draw_pods(
    drawing: Drawing, plan: NodePlan, rows: PodRows, corner: Point, width: float, below: tuple[float, float]
) -> None:
    """The pods and their cables; ``below`` is where the bridges and where the routing begin."""
    gutter = rows.cell - rows.pod
    left = corner.x + (width - rows.columns * rows.cell + (gutter if rows.rows == 1 else PAD)) / 2
    if rows.rows == 1:
        left -= max(
            0.0, left + rows.columns * rows.cell - gutter - rows.pod / 2 + PORT_LABEL - (corner.x + width - 4)
        )
    for number, ((pod, inside), facts) in enumerate(zip(plan.pods, plan.facts, strict=True)):
        row, column = divmod(number, rows.columns)
        x, y = round(left + column * rows.cell, 1), corner.y + row * rows.row
        middle = round(x + rows.pod / 2, 1)
        drawing.box(pod_box(facts, rows, x, y))
        drawing.anchor(pod.key, "", Point(middle, y + rows.pod_height - 12))
        for link in inside.links.values():
            if link.kind == "loopback" or inside.name != pod.key:
                continue
            bottom = y + rows.pod_height
            drawing.port(
                pod.key, link.name, Point(middle, bottom), Label(middle - 10, bottom + 14, link.name, "port", "end")
            )
            far = plan.namespace.links.get(link.peer.link) if link.peer and link.peer.namespace == plan.name else None
            if far is None:
                continue
            last = row == rows.rows - 1
            at_x = middle if last else x + rows.cell - PAD / 2 - row * rows.spacing - rows.spacing / 2
            at = Point(round(at_x, 1), below[0] if far.master else below[1])
            beside = column + 1 < rows.columns and number + 1 < len(plan.pods)
            room = rows.cell - 22 if beside else corner.x + width - at.x - 14
            drawing.port(plan.name, far.name, at, _port_label(rows, at, far.name, room))
            turn = bottom + 19
            via = () if last else (Point(middle, turn), Point(at.x, turn))
            drawing.cable("veth", Place(pod.key, link.name), Place(plan.name, far.name), via=via)
    if plan.left_out:
        y = corner.y + rows.height - 30
        label = f"and {plan.left_out} more pods"
        drawing.box(
            Box(
                plan.name,
                "more pods",
                "note",
                corner.x + width - 174,
                y,
                160,
                22,
                label,
                (Label(corner.x + width - 94, y + 15, label, "note"),),
            )
        )
    if not plan.pods:
        said = "no pods yet" if all(link.carrier for link in plan.devices.bridges) else "no pods any more"
        drawing.box(
            Box(
                plan.name,
                "no pods",
                "note",
                corner.x + width / 2 - 80,
                corner.y + 8,
                160,
                34,
                said,
                (Label(corner.x + width / 2, corner.y + 30, said, "note"),),
            )
        )


def draw_home_wire(drawing: Drawing, plan: NodePlan, pod: Pod) -> None:
    """The way between a pod that uses its node's network and the node's routing: along the node's left edge, past the bridges.

    It is no cable, and is drawn only for a pod that a packet begins or ends in.
    """
    box = next(box for box in drawing.boxes if (box.device, box.link) == (pod.key, ""))
    frame = next(box for box in drawing.boxes if (box.device, box.link) == (plan.name, ""))
    routing = drawing.anchors[Place(plan.name, "")]
    start, lane = drawing.anchors[Place(pod.key, "")], frame.x + PAD / 2
    turn = box.bottom + _HOME_TURN
    via = [Point(start.x, turn), Point(lane, turn), Point(lane, routing.y)]
    inside = next(each for each in drawing.boxes if (each.device, each.link) == (plan.name, "routing"))
    if routing.y != inside.y + LANE:  # the routing has no lane beside its text: the way comes from above
        above = inside.y - _GAP / 2
        via[2:] = [Point(lane, above), Point(routing.x, above)]
    drawing.cable("home", Place(pod.key, ""), Place(plan.name, ""), via=tuple(via))


def _port_label(rows: PodRows, at: Point, name: str, room: float) -> Label | None:
    """The name beside a port: level if there is one row, else along the cable, none where cables are dense."""
    if rows.rows == 1:
        return Label(at.x + 10, at.y - 9, fit(name, max(PORT_LABEL - 10, room), MONO), "port", "start")
    return Label(at.x - 4, at.y - 9, fit(name, PORT_LABEL - 10, MONO), "upright", "start") if rows.upright else None
