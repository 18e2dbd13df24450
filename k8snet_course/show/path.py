"""A packet's path through a scene: for each step of a trace a place to stand, and the way there from the step before.

It reads the trace and the scene and decides nothing about packets.  Where the scene does not show an interface, the
path passes through the middle of its device.

What a tunnel wraps, its device routes a second time, by the same table.  The path does not go back up for that: the packet
stands below the tunnel, at its way out, and the routing is marked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from k8snet_course.errors import NotFound
from k8snet_course.linux.trace import Action, Hop, Step, Trace
from k8snet_course.show.scene import Box, Place, Point, Scene

_INSIDE = frozenset({Action.ORIGINATE, Action.ROUTE, Action.DELIVER, Action.TRANSLATE, Action.FILTER})
"""What a device does as a whole; everything else happens at the interface that the step names."""
_LANES = frozenset({"bridge", "switch", "routing"})
"""Boxes that a packet crosses from side to side."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where one step happens: its hop's number (from 1), its place, the box to mark, and the way to it.

    ``came_wrapped`` and ``wrapped`` say whether a tunnel's packet was around the packet on the way, and after the step.
    """

    hop: int
    place: Place
    box: Place
    point: Point
    way: tuple[Point, ...]
    came_wrapped: bool = False
    wrapped: bool = False


def path(scene: Scene, trace: Trace) -> tuple[Stop, ...]:
    """The stops of a trace, one a step.  Raises NotFound when the trace visits a device that the scene does not show.

    >>> from k8snet_course import Cluster
    >>> from k8snet_course.show.layout import layout
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> trace = cluster.send("frontend", "backend")
    >>> [stop.place.link for stop in path(layout(cluster, trace), trace)]
    ['', '', 'eth0', 'cni0', '']
    """
    for hop in trace.hops:
        if not scene.shows(hop.device):
            raise NotFound(hop.label, "a walk through the cluster that is shown", "send the packet in it, and show that walk")
    return tuple(_stops(scene, trace))


def _stops(scene: Scene, trace: Trace) -> Iterator[Stop]:
    last: Point | None = None
    before: Hop | None = None
    wrapped = False
    begins, ends = _homes(scene, trace)
    for number, hop in enumerate(trace.hops, start=1):
        way: list[Point] = [] if last is None else [last]
        if before is not None:
            way = _cross(scene, before, hop, way)
        wrapped_here = False
        for step in hop.steps:
            if last is None and begins:
                last, way = scene.anchor(begins), [*(scene.wire(Place(begins, ""), Place(hop.device, "")) or ())]
                yield Stop(number, Place(begins, ""), Place(begins, ""), last, (last,))
                continue
            place = _place(scene, hop, step)
            box = _box(scene, place)
            here = _at(scene, place, box, way[-1] if way else last)
            if step.packet.inner is not None and not place.link and last is not None:
                here = _way_out(scene, hop, step, last) if wrapped_here else _as_it_is(step, way[-1] if way else last, here)
            if way or last is not None:
                start = way or ([last] if last is not None else [])
                way = [*start, *_elbow(start[-1], here, _lane(scene, hop.device, start[-1]))]
            else:
                way = [here]
            if ends and hop is trace.hops[-1] and step.action is Action.DELIVER:
                place, box = Place(ends, ""), scene.box(ends)
                way = [last] if last == scene.anchor(ends) else [*way, *(scene.wire(Place(hop.device, ""), place) or ())]
                here = way[-1]
            came_wrapped, wrapped = wrapped, step.packet.inner is not None
            wrapped_here = wrapped_here or step.action is Action.ENCAPSULATE
            marked = Place(box.device, box.link) if box else place
            yield Stop(number, place, marked, here, tuple(_tidy(way)), came_wrapped, wrapped)
            last, way = here, []
        if way:
            last = way[-1]
        before = hop


def _homes(scene: Scene, trace: Trace) -> tuple[str, str]:
    """The pods with hostNetwork that the walk begins and ends in, empty for none.

    A pod that is named is meant.  A Service does not name its pod; then it is the one that is joined to the node's routing and
    is not the other end.
    """
    found = []
    for hop, name, other in ((trace.hops[:1], trace.source, trace.target), (trace.hops[-1:], trace.target, trace.source)):
        homes = scene.at_home(hop[0].device) if hop else ()
        named = [pod for pod in homes if pod in (name, f"default/{name}")]
        unnamed = [pod for pod in homes if pod not in (other, f"default/{other}")]
        itself = bool(hop) and name == hop[0].label
        found.append("" if itself else next(iter(named or unnamed), ""))
    by_kernel = trace.packet.kind == "RST" or trace.packet.is_icmp_error  # no program has sent it
    return "" if by_kernel else found[0], found[1]


def _cross(scene: Scene, before: Hop, hop: Hop, way: list[Point]) -> list[Point]:
    """From the last place in one device, out by its interface, along the cable, to the interface of the next."""
    out, into = Place(before.device, before.egress), Place(hop.device, hop.ingress)
    start = scene.anchor(*out)
    if way:
        way = [*way, *_elbow(way[-1], start, _lane(scene, before.device, way[-1]))]
    cable = scene.wire(out, into)
    return [*way, *(cable if cable is not None else (start, scene.anchor(*into)))]


def _place(scene: Scene, hop: Hop, step: Step) -> Place:
    if step.action is Action.FILTER and scene.pod_behind(Place(hop.device, step.link)):
        return Place(hop.device, step.link)
    if step.action in _INSIDE or not step.link or Place(hop.device, step.link) not in scene.anchors:
        return Place(hop.device, "")
    return Place(hop.device, step.link)


def _way_out(scene: Scene, hop: Hop, step: Step, last: Point) -> Point:
    """Where a packet stands that was wrapped in this device and is routed again: beside the tunnel, above its interface."""
    card = scene.anchors.get(Place(hop.device, step.link))
    return last if card is None or step.action is Action.FILTER else Point(card.x, last.y)


def _as_it_is(step: Step, last: Point, here: Point) -> Point:
    """A wrapped packet that has just come in is filtered where it stands."""
    return last if step.action is Action.FILTER else here


def _box(scene: Scene, place: Place) -> Box | None:
    """The box to mark: a node as a whole decides in its routing."""
    if not place.link:
        return scene.box(place.device, "routing") or scene.box(place.device)
    return scene.box(*place) or scene.box(place.device)


def _at(scene: Scene, place: Place, box: Box | None, last: Point | None) -> Point:
    """The anchor; in a bridge, and in the routing of a device without one, the point nearest to where the packet comes from."""
    anchor = scene.anchor(*place)
    if box is not None and last is not None and box.kind in _LANES and (place.link or not _has_bridge(scene, place.device)):
        return Point(min(max(last.x, box.x + 8), box.right - 8), anchor.y)
    return anchor


def _has_bridge(scene: Scene, device: str) -> bool:
    return any(box.kind == "bridge" and box.device == device for box in scene.boxes)


def _lane(scene: Scene, device: str, point: Point) -> bool:
    """Whether the point lies in a box that packets cross from side to side."""
    return any(
        box.kind in _LANES and box.device == device and box.x <= point.x <= box.right and box.y < point.y < box.bottom
        for box in scene.boxes
    )


def _elbow(start: Point, end: Point, level_first: bool) -> list[Point]:
    """From start to end by at most one corner."""
    if start.x == end.x or start.y == end.y:
        return [end]
    return [Point(end.x, start.y) if level_first else Point(start.x, end.y), end]


def _tidy(points: list[Point]) -> Iterator[Point]:
    """The points without repetitions."""
    last: Point | None = None
    for point in points:
        if point != last:
            yield point
        last = point
