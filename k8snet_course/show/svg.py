"""Drawing: a scene, and a packet's path through it, as SVG.

The picture carries its own style sheet, its title and, as description, its text form.  Its colours are the Okabe-Ito
palette; nothing is told by colour alone: the ways there and back differ in their dashes, a lost packet has a cross
and the word.  In Jupyter it takes the colours of page and text from Jupyter's theme, elsewhere it follows
``prefers-color-scheme``.

Markup is built with ``xml.etree``, which escapes every text.  The same scene and path give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from k8snet_course.linux.trace import Action, Trace
from k8snet_course.show.path import Stop, path
from k8snet_course.show.scene import Box, Label, Place, Point, Scene, Wire

_ROUND = {"node": 14, "pod": 10, "note": 8, "port": 2, "laptop": 10, "router": 10}
"""How round the corners of a kind of box are; 5 where nothing is said."""

TICK, CROSS = "M-4 0L-1 3.5L4.5 -3.5", "M-3.5 -3.5L3.5 3.5M-3.5 3.5L3.5 -3.5"
ENVELOPE = "M-17 -13H17V13H-17ZM-17 -13L0 2L17 -13"
"""Around the mark of a packet that a tunnel has wrapped."""
BESIDE = 5
"""The way back is drawn this far beside the way there, so that both are seen."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a step (its number, from 0) rewrote: the words, and the left upper corner and width of their label."""

    step: int
    word: str
    corner: Point
    width: float


@dataclass(frozen=True, slots=True)
class Walked:
    """One direction of a walk as it is drawn: ``name`` is there or back, and how it ended."""

    name: str
    stops: tuple[Stop, ...]
    delivered: bool
    verdict: str
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, scene: Scene, trace: Trace, name: str = "there") -> Walked:
        """The walk of a trace (without its answer) in a scene."""
        stops = path(scene, trace)
        return cls(name, stops, trace.delivered, str(trace.verdict).replace("_", " "), _notes(scene, trace, stops, name))


@dataclass(frozen=True, slots=True)
class Sign:
    """The word that says how a walk ended, and the left upper corner and width of its label."""

    word: str
    good: bool
    corner: Point
    width: float


def _notes(scene: Scene, trace: Trace, stops: Sequence[Stop], name: str) -> tuple[Note, ...]:
    """A label for each step that rewrites addresses: below the place that rewrites, of the way back above it."""
    found = []
    for number, ((_, step), stop) in enumerate(zip(trace.steps(), stops, strict=True)):
        box = home(scene, stop.box)
        if step.action is not Action.TRANSLATE or not step.changed or box is None:
            continue
        word = " and ".join(f"{change.field} {change.old} → {change.new}" for change in step.changed)
        width = round(7.8 * len(word) + 14, 1)
        left = min(max(4.0, box.middle.x - width / 2), scene.width - 4 - width)
        above = name == "back"
        found.append(Note(number, word, Point(round(left, 1), box.y - 19 if above else box.bottom - 3), width))
    return tuple(found)


@lru_cache(maxsize=1)
def style() -> str:
    """The style sheet of every picture.

    >>> "prefers-color-scheme" in style()
    True
    """
    return Path(__file__).with_name("scene.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def tunnel_style() -> str:
    """The style sheet of what only some pictures have: tunnels, wrapped packets, rewritten addresses.

    >>> ".k8snet .box.tunnel" in tunnel_style()
    True
    """
    return Path(__file__).with_name("tunnel.css").read_text(encoding="utf-8")


def svg(
    scene: Scene, walks: Sequence[Walked] = (), step: int | None = None, described: str = "", styled: bool = True
) -> str:
    """The picture as SVG text.

    ``walks`` are drawn over the scene; with ``step`` (from 0) only the first of them, up to that step, which is
    marked. ``described`` is added to the description: the text of the walk.  Without ``styled`` the page must have
    the style sheet.

        >>> from k8snet_course import Cluster
        >>> from k8snet_course.show.layout import layout
        >>> svg(layout(Cluster()))[:60]
        '<svg xmlns="http://www.w3.org/2000/svg" class="k8snet" role='
    """
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "k8snet",
            "role": "img",
            "viewBox": f"0 0 {_n(scene.width)} {_n(scene.height)}",
            "width": "100%",
            "preserveAspectRatio": "xMidYMin meet",
        },
    )
    title, desc = SubElement(root, "title"), SubElement(root, "desc")
    title.text = _title(scene, walks)
    desc.text = f"{scene.text}\n\n{described}" if described else scene.text
    if styled:
        tunnels = any(box.kind == "tunnel" for box in scene.boxes)
        noted = any(walk.notes for walk in walks)
        SubElement(root, "style").text = style() + (tunnel_style() if tunnels or noted else "")
    SubElement(root, "rect", {"class": "page", "width": _n(scene.width), "height": _n(scene.height), "rx": "10"})
    shown = [stop for walk in walks[:1] for stop in walk.stops[: step + 1]] if step is not None else []
    now = shown[-1].box if shown else None
    boxes = [box for box in scene.boxes if box.kind != "port"]
    for box in boxes:
        if box.kind == "node":
            _box(root, box, now)
    for wire in scene.wires:
        _wire(root, wire)
    for box in boxes:
        if box.kind != "node":
            _box(root, box, now)
    for box in scene.boxes:
        if box.kind == "port":
            _box(root, box, now)
    for walk in walks[:1] if step is not None else walks:
        for stop in walk.stops if step is None else walk.stops[: step + 1]:
            if stop.came_wrapped and len(stop.way) > 1:
                SubElement(root, "path", {"class": f"tube {walk.name}", "d": line(stop.way)})
    for walk in walks[:1] if step is not None else walks:
        _walk(root, scene, walk, len(walk.stops) if step is None else step + 1, step is None)
    finished = [
        walk for walk in walks if walk.stops and (step is None or (walk is walks[0] and step + 1 >= len(walk.stops)))
    ]
    _ends(root, scene, finished)
    for walk in walks[:1] if step is not None else walks:
        for note in walk.notes:
            if step is None or note.step == step:
                _note(root, note)
    if shown:
        if shown[-1].wrapped:
            _envelope(root, shown[-1].point)
        _circle(root, shown[-1].point, 8, "packet")
    return _identified(root, title, desc)


def _identified(root: Element, title: Element, desc: Element) -> str:
    """The text of the picture, with ids made from its content, so that two pictures on a page do not share them."""
    digest = hashlib.sha256(tostring(root)).hexdigest()[:10]
    title.set("id", f"t{digest}")
    desc.set("id", f"d{digest}")
    root.set("aria-labelledby", f"t{digest}")
    root.set("aria-describedby", f"d{digest}")
    return tostring(root, encoding="unicode")


def _title(scene: Scene, walks: Sequence[Walked]) -> str:
    if not walks:
        return scene.title
    return "; ".join([scene.title, *(f"the packet's way {walk.name}: {walk.verdict}" for walk in walks)])


def _box(parent: Element, box: Box, now: Place | None) -> None:
    marked = now == Place(box.device, box.link)
    group = SubElement(
        parent,
        "g",
        {"class": f"box {box.kind}{' now' if marked else ''}", "data-at": _key(Place(box.device, box.link))},
    )
    if box.kind != "port":
        SubElement(group, "title").text = box.title
    SubElement(
        group,
        "rect",
        {
            "x": _n(box.x),
            "y": _n(box.y),
            "width": _n(box.width),
            "height": _n(box.height),
            "rx": str(_ROUND.get(box.kind, 5)),
        },
    )
    for label in box.labels:
        if label.text:
            _label(group, label)


def _label(parent: Element, label: Label) -> None:
    attributes = {"class": f"text {label.role}", "x": _n(label.x), "y": _n(label.y)}
    if label.align != "start":
        attributes["text-anchor"] = label.align
    if label.role == "upright":
        attributes["transform"] = f"rotate(-90 {_n(label.x)} {_n(label.y)})"
    SubElement(parent, "text", attributes).text = label.text


def _wire(parent: Element, wire: Wire) -> None:
    SubElement(parent, "path", {"class": f"wire {wire.kind}", "d": line(wire.points)})


def _walk(parent: Element, scene: Scene, walk: Walked, upto: int, numbers: bool) -> None:
    shift = {} if walk.name == "there" else {"transform": f"translate({BESIDE} {BESIDE})"}
    group = SubElement(parent, "g", {"class": f"walk {walk.name}", **shift})
    for stop in walk.stops[:upto]:
        if len(stop.way) > 1:
            SubElement(group, "path", {"class": "leg", "d": line(stop.way)})
    if numbers and walk.name == "there":
        for number, corner in badges(scene, walk.stops):
            _badge(group, corner, str(number))


def _note(parent: Element, note: Note) -> None:
    group = SubElement(parent, "g", {"class": "rewritten"})
    corner = note.corner
    place = {"x": _n(corner.x), "y": _n(corner.y), "width": _n(note.width), "height": "20", "rx": "4"}
    SubElement(group, "rect", place)
    text = {"x": _n(corner.x + note.width / 2), "y": _n(corner.y + 14.5), "text-anchor": "middle"}
    SubElement(group, "text", text).text = note.word


def _envelope(parent: Element, at: Point) -> None:
    place = {"transform": f"translate({_n(at.x)} {_n(at.y)})"}
    SubElement(parent, "path", {"class": "envelope", "d": ENVELOPE, **place})


def home(scene: Scene, place: Place) -> Box | None:
    """The box to which something about a place is written: for the mark of an interface, its device's."""
    box = scene.box(*place)
    return scene.box(place.device) if box is None or box.kind == "port" else box


def badges(scene: Scene, stops: Iterable[Stop]) -> list[tuple[int, Point]]:
    """For each hop its number and the place for it: at the upper left of the box where the hop begins."""
    found: list[tuple[int, Point]] = []
    crowd: dict[Place, int] = {}
    last = 0
    for stop in stops:
        if stop.hop == last:
            continue
        last = stop.hop
        box = home(scene, stop.box)
        if box is None:
            continue
        at = Place(box.device, box.link)
        found.append((stop.hop, Point(box.x + 16 + 20 * crowd.get(at, 0), box.y)))
        crowd[at] = crowd.get(at, 0) + 1
    return found


def _badge(parent: Element, at: Point, word: str) -> None:
    group = SubElement(parent, "g", {"class": "badge"})
    _circle(group, at, 9, "")
    SubElement(group, "text", {"x": _n(at.x), "y": _n(at.y + 4.2), "text-anchor": "middle"}).text = word


def sign(scene: Scene, walk: Walked, above: int = 0) -> Sign | None:
    """The mark for the end of a walk, or None for a walk without steps; ``above`` such marks are on that box already."""
    box = home(scene, walk.stops[-1].box) if walk.stops else None
    if box is None:
        return None
    word = walk.verdict
    if walk.name == "back":
        word = "answered" if walk.delivered else f"answer: {word}"
    word = f"{'✓' if walk.delivered else '✕'} {word}"
    width = 7.7 * len(word) + 18
    right = min(box.right + 6, scene.width - 4)
    return Sign(word, walk.delivered, Point(round(right - width, 1), box.y - 20 - 25 * above), round(width, 1))


def _ends(parent: Element, scene: Scene, walks: Sequence[Walked]) -> None:
    taken: list[Box | None] = []
    for walk in walks:
        box = home(scene, walk.stops[-1].box)
        made = sign(scene, walk, taken.count(box))
        taken.append(box)
        if made is not None:
            _end(parent, walk, made)


def _end(parent: Element, walk: Walked, made: Sign) -> None:
    group = SubElement(parent, "g", {"class": f"end {walk.name} {'arrived' if made.good else 'lost'}"})
    at, corner = walk.stops[-1].point, made.corner
    mark = SubElement(group, "g", {"transform": f"translate({_n(at.x)} {_n(at.y)})"})
    SubElement(mark, "circle", {"r": "8.5"})
    SubElement(mark, "path", {"class": "sign", "d": TICK if made.good else CROSS})
    place = {"x": _n(corner.x), "y": _n(corner.y), "width": _n(made.width), "height": "22", "rx": "11"}
    SubElement(group, "rect", place)
    text = {"x": _n(corner.x + made.width / 2), "y": _n(corner.y + 15.5), "text-anchor": "middle"}
    SubElement(group, "text", text).text = made.word


def _circle(parent: Element, at: Point, radius: int, kind: str) -> None:
    attributes = {"cx": _n(at.x), "cy": _n(at.y), "r": str(radius)}
    SubElement(parent, "circle", {"class": kind, **attributes} if kind else attributes)


def line(points: Sequence[Point]) -> str:
    """The path data of a line through the points.

    >>> line([Point(0, 0), Point(10, 0), Point(10, 5.5)])
    'M0 0L10 0L10 5.5'
    """
    return "M" + "L".join(f"{_n(point.x)} {_n(point.y)}" for point in points)


def _key(place: Place) -> str:
    return f"{place.device}|{place.link}"


def _n(number: float) -> str:
    """A number as short as it can be written, to a tenth."""
    return f"{number:.1f}".removesuffix(".0")
