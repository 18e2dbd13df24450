"""A trace alone, drawn as a strip: one box for each device on the way, in a row, and what each did.

A trace does not know the cluster around it; for the packet's way through the whole network see
:func:`k8snet_course.show.picture.draw`.
"""

from __future__ import annotations

from k8snet_course.linux.trace import Hop, Trace
from k8snet_course.show.connections import Way, connections, ways
from k8snet_course.show.drawing import Drawing, fit
from k8snet_course.show.marks import Walked
from k8snet_course.show.path import Stop
from k8snet_course.show.scene import WIDTH, Box, Label, Place, Point, Scene
from k8snet_course.show.state import hop_text
from k8snet_course.show.svg import svg

_MARGIN, _GAP, _ABOVE = 14.0, 30.0, 26.0
_IN_A_ROW = 5
_WIDEST = 230.0
_HEAD, _LINE = 52.0, 18.0


def trace_svg(trace: Trace) -> str:
    """The strip of a trace, and of the connections that follow it, as SVG text.

    >>> from k8snet_course import Cluster
    >>> picture = trace_svg(Cluster().send("node-1", "laptop", port=None))
    >>> [kind for kind in ("node", "switch", "laptop") if f'class="box {kind}"' in picture]
    ['node', 'switch', 'laptop']
    """
    scene = strip(trace)
    walks = [_walked(scene, way) for way in ways(trace) if way.name == "there" and way.trace.hops]
    return svg(scene, walks, described=str(trace))


def _walked(scene: Scene, way: Way) -> Walked:
    """One connection: its boxes in order, numbered on from the one before."""
    places = [Place(_name(way.first + number, hop), "") for number, hop in enumerate(way.trace.hops)]
    stops = tuple(
        Stop(number + 1, place, place, scene.anchors[place], _way(scene, places, number))
        for number, place in enumerate(places)
    )
    verdict = str(way.trace.verdict).replace("_", " ")
    return Walked("there", stops, way.trace.delivered, verdict, first=way.first, connection=way.connection)


def strip(trace: Trace) -> Scene:
    """The scene of a trace: its devices in the order of the way, five in a row at most."""
    drawing = Drawing()
    bottom = 0.0
    hops = [hop for one in connections(trace) for hop in one.hops]
    columns = max(1, min(len(hops), _IN_A_ROW))
    width = min(_WIDEST, (WIDTH - 2 * _MARGIN - (columns - 1) * _GAP) / columns)
    for start in range(0, len(hops), _IN_A_ROW):
        several = hops[start : start + _IN_A_ROW]
        top = bottom + _ABOVE
        height = _HEAD + _LINE * max(len(hop.steps) for hop in several) + 6
        for column, hop in enumerate(several):
            _draw_hop(drawing, hop, start + column, Point(_MARGIN + column * (width + _GAP), top), width, height)
        bottom = top + height
    title = f"The way of a packet from {trace.source} to {trace.target}"
    return drawing.scene(bottom + _MARGIN, title, f"{title}: {trace.verdict}")


def _name(number: int, hop: Hop) -> str:
    """A device's name in the strip: one that is visited twice stands there twice."""
    return f"{number} {hop.device}"


def _draw_hop(drawing: Drawing, hop: Hop, number: int, corner: Point, width: float, height: float) -> None:
    x, room = corner.x + 14, width - 24
    interfaces = " → ".join(name for name in (hop.ingress, hop.egress) if name)
    labels = [
        Label(x, corner.y + 28, fit(hop_text(hop), room, 8.2), "name", "start"),
        Label(x, corner.y + 44, fit(interfaces, room, 7.85), "port", "start"),
    ]
    for line, step in enumerate(hop.steps):
        text = fit(f"{step.action}{f' at {step.link}' if step.link else ''}", room, 7.4)
        labels.append(Label(x, corner.y + _HEAD + 12 + line * _LINE, text, "kind", "start"))
    name = _name(number, hop)
    drawing.box(Box(name, "", hop.kind, corner.x, corner.y, width, height, hop_text(hop), tuple(labels)))
    drawing.anchor(name, "", Point(corner.x, corner.y + 36))


def _way(scene: Scene, places: list[Place], number: int) -> tuple[Point, ...]:
    """From the right edge of the box before to the left edge of this one, around the end of the row if need be."""
    here = scene.anchors[places[number]]
    before = scene.box(*places[number - 1]) if number else None
    if before is None:
        return (here,)
    start = Point(before.right, scene.anchors[places[number - 1]].y)
    if start.y == here.y:
        return (start, here)
    between = here.y - 36 - _ABOVE / 2
    beside = Point(before.right + 8, start.y)
    return (start, beside, Point(beside.x, between), Point(here.x - 8, between), Point(here.x - 8, here.y), here)
