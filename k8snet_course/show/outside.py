"""What stands below the nodes: the switch that joins them, the machines beside it, and those behind one of these.

A machine whose cable ends at the switch stands beside it.  One that is reached through such a machine (the internet, behind
the router) stands below that; it is drawn only if it is asked for, and so is the cable to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from k8snet_course.show.devices import MONO
from k8snet_course.show.drawing import Drawing, fit, fit_address
from k8snet_course.show.scene import WIDTH, Box, Label, Place, Point

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.link import Link
    from k8snet_course.linux.namespace import Namespace
    from k8snet_course.show.node_box import NodePlan

MARGIN = 10.0
_HOST_WIDTH, _HOST_HEIGHT = 124.0, 56.0
_BESIDE = 12.0
_BEHIND = 48.0
"""From a machine to the one behind it: room for a cable with the name of its port, and for the word at the end of a walk."""
_WIDER = 34.0
_SWITCH_HEIGHT = 42.0
_SWITCH_LEFT, _SWITCH_RIGHT = 226.0, WIDTH - 226.0
_CABLE = 44.0
_TUBE = 16.0
"""From the nodes to the switch, and how much more where wrapped packets pass, which are drawn wider."""


def draw_underlay(drawing: Drawing, cluster: Cluster, plans: Sequence[NodePlan], names: Sequence[str], top: float) -> float:
    """The switch, its cables to the nodes, and the machines outside (``names``); returns the lower edge of it all."""
    uplinks = [(plan.name, plan.namespace.links[link]) for plan in plans for link in plan.devices.cards]
    machines = [cluster.namespace(name) for name in names]
    switch = _switch_of(cluster, [plan.namespace for plan in plans] + machines)
    if switch is None:
        return top
    hosts = [host for host in machines if any(_leads_to(link, switch.name) for link in host.links.values())]
    wrapped = any(plan.devices.below for plan in plans)
    y = top + _CABLE + (_TUBE if wrapped else 0.0)
    lane = y + 12
    bridge = next((link.name for link in switch.links.values() if link.kind == "bridge"), "")
    sides = max(1, (len(hosts) + 1) // 2)
    height = _SWITCH_HEIGHT + (sides - 1) * (_HOST_HEIGHT + _BESIDE)
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
    above = [drawing.anchors[Place(device, link.name)].x for device, link in uplinks]
    places = _spread(above, left, right)
    for (device, link), x, bend in zip(uplinks, places, _bends(above, places, wrapped), strict=True):
        if link.peer is None or link.peer.link not in switch.links or link.peer.namespace != switch.name:
            continue
        port = link.peer.link
        inward = x + 11 + len(port) * MONO > right
        label = Label(x + (-11 if inward else 11), y - 9, port, "port", "end" if inward else "start")
        drawing.port(switch.name, port, Point(x, y), label)
        drawing.cable("ethernet", Place(device, link.name), Place(switch.name, port), bend=y - bend)
    bottom = y + height
    for number, host in enumerate(hosts):
        bottom = max(bottom, _draw_host(drawing, host, switch, number, lane, (left, right)))
    for host in machines:
        if host not in hosts:
            bottom = max(bottom, _draw_behind(drawing, host, hosts))
    return bottom


def _draw_host(
    drawing: Drawing, host: Namespace, switch: Namespace, number: int, lane: float, edges: tuple[float, float]
) -> float:
    """A machine beside the switch: even numbers on the left, odd ones on the right; returns its lower edge."""
    at_left = number % 2 == 0
    y = lane + (number // 2) * (_HOST_HEIGHT + _BESIDE)
    x = MARGIN if at_left else WIDTH - MARGIN - _HOST_WIDTH
    links = [link for link in host.links.values() if _leads_to(link, switch.name)]
    align = "start" if at_left else "end"
    address = links[0].address if links else ""
    _box(drawing, host, address, Point(x, y - _HOST_HEIGHT / 2), align, f"{host.kind} {host.label} {address}")
    edge = x + _HOST_WIDTH if at_left else x
    drawing.anchor(host.name, "", Point(edge + (-14 if at_left else 14), y))
    for link in links:
        drawing.port(host.name, link.name, Point(edge, y))
        far = link.peer
        if far is None:
            continue
        x_port = edges[0] if at_left else edges[1]
        label = Label(x_port + (-11 if at_left else 11), y - 9, far.link, "port", "end" if at_left else "start")
        drawing.port(switch.name, far.link, Point(x_port, y), label)
        drawing.cable("ethernet", Place(host.name, link.name), Place(switch.name, far.link))
    return y + _HOST_HEIGHT / 2


def _draw_behind(drawing: Drawing, host: Namespace, hosts: Sequence[Namespace]) -> float:
    """A machine below the one that it is reached through; returns its lower edge, 0 if it is reached through none of these."""
    for near in hosts:
        link = next((link for link in host.links.values() if _leads_to(link, near.name)), None)
        box = next((box for box in drawing.boxes if box.device == near.name and not box.link), None)
        if link is None or link.peer is None or box is None:
            continue
        x, y = drawing.anchors[Place(near.name, "")].x, box.bottom + _BEHIND
        align = "start" if box.x == MARGIN else "end"
        left = box.x - (_WIDER if align == "end" else 0.0)  # its number stands beside the cable, not on it
        said = f"{host.label} {link.address}, behind the {near.label}"
        _box(drawing, host, link.address, Point(left, y), align, said, _HOST_WIDTH + _WIDER)
        drawing.anchor(host.name, "", Point(x, y + 14))
        side = 1 if align == "end" else -1
        label = Label(x + 11 * side, box.bottom + 20, link.peer.link, "port", "start" if side > 0 else "end")
        drawing.port(near.name, link.peer.link, Point(x, box.bottom), label)
        drawing.port(host.name, link.name, Point(x, y))
        drawing.cable("ethernet", Place(near.name, link.peer.link), Place(host.name, link.name))
        return y + _HOST_HEIGHT
    return 0.0


def _box(drawing: Drawing, host: Namespace, address: str, corner: Point, align: str, title: str,
         width: float = _HOST_WIDTH) -> None:
    """The box of a machine with its name and address at one side, away from its cable."""
    at = corner.x + (12 if align == "start" else width - 12)
    labels = (
        Label(at, corner.y + _HOST_HEIGHT / 2 - 4, fit(host.label, 90, 8.0), "name", align),
        Label(at, corner.y + _HOST_HEIGHT / 2 + 14, fit_address(address, _HOST_WIDTH - 18), "address", align),
    )
    drawing.box(Box(host.name, "", host.kind, corner.x, corner.y, width, _HOST_HEIGHT, title, labels))


def _leads_to(link: Link, device: str) -> bool:
    """Whether the other end of a cable is in this device."""
    return link.peer is not None and link.peer.namespace == device


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
