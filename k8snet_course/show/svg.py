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
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from k8snet_course.show.marks import (
    CROSS,
    DOOR_HEIGHT,
    ENVELOPE,
    NOTE_LINE,
    TICK,
    Door,
    Note,
    Sign,
    Walked,
    apart,
    badges,
    home,
    sign,
)
from k8snet_course.show.scene import Box, Label, Place, Point, Scene, Wire

_ROUND = {"node": 14, "pod": 10, "hostpod": 10, "note": 8, "port": 2, "laptop": 10, "router": 10, "internet": 28, "virtual": 10,
          "backend": 7, "chosen": 7}
"""How round the corners of a kind of box are; 5 where nothing is said."""

_LATER = frozenset({"hostpod", "virtual", "internet"})
"""Kinds of boxes that have a style sheet of their own."""
BESIDE = 5
"""The way back is drawn this far beside the way there, so that both are seen."""


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


@lru_cache(maxsize=1)
def service_style() -> str:
    """The style sheet of what later chapters draw: virtual addresses, doors, hostNetwork, the internet.

    >>> ".k8snet .box.virtual" in service_style()
    True
    """
    return Path(__file__).with_name("service.css").read_text(encoding="utf-8")


def _styles(scene: Scene, walks: Sequence[Walked]) -> str:
    """The style sheets that a picture needs."""
    tunnels = any(box.kind == "tunnel" for box in scene.boxes) or any(walk.notes for walk in walks)
    services = any(box.kind in _LATER or any(label.role == "refused" for label in box.labels) for box in scene.boxes)
    services = services or any(walk.doors for walk in walks)
    return style() + (tunnel_style() if tunnels else "") + (service_style() if services else "")


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
        SubElement(root, "style").text = _styles(scene, walks)
    SubElement(root, "rect", {"class": "page", "width": _n(scene.width), "height": _n(scene.height), "rx": "10"})
    drawn = [(walk, len(walk.stops)) for walk in walks] if step is None else [(walk, step + 1) for walk in walks[:1]]
    shown = [stop for walk, upto in drawn for stop in walk.stops[:upto]] if step is not None else []
    now = {shown[-1].box} if shown else set()
    if step is not None:
        now |= {place for walk, _ in drawn for number, place in walk.addresses if number == step}
    _scene(root, scene, now)
    for walk, upto in drawn:
        for stop in walk.stops[:upto]:
            if stop.came_wrapped and len(stop.way) > 1:
                SubElement(root, "path", {"class": f"tube {walk.name}", "d": line(stop.way)})
    numbered = badges(scene, [walk for walk in walks if walk.name == "there"]) if step is None else []
    covered = any(walk.notes or walk.doors for walk in walks)  # then the numbers are drawn last, so that all can be read
    numbers = iter([] if covered else numbered)
    for walk, upto in drawn:
        _walk(root, walk, upto, next(numbers, []) if walk.name == "there" else [])
    _ends(root, scene, [walk for walk, upto in drawn if walk.stops and upto >= len(walk.stops)])
    notes = apart(walks) if step is None else [note for walk, _ in drawn for note in walk.notes if note.step == step]
    for note in notes:
        _note(root, note)
    for door in [door for walk, upto in drawn for door in walk.doors if door.step < upto]:
        _door(root, door)
    for number, corner in [one for several in numbered for one in several] if covered else []:
        _badge(root, corner, str(number))
    if shown:
        if shown[-1].wrapped:
            _envelope(root, shown[-1].point)
        _circle(root, shown[-1].point, 8, "packet")
    return _identified(root, title, desc)


def _scene(root: Element, scene: Scene, now: AbstractSet[Place]) -> None:
    """What is there: nodes, then cables, then all that stands on them."""
    for box in scene.boxes:
        if box.kind == "node":
            _box(root, box, now)
    for wire in scene.wires:
        _wire(root, wire)
    for box in scene.boxes:
        if box.kind not in ("node", "port"):
            _box(root, box, now)
    for box in scene.boxes:
        if box.kind == "port":
            _box(root, box, now)


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
    return "; ".join([scene.title, *(walk.described for walk in walks)])


def _box(parent: Element, box: Box, now: AbstractSet[Place]) -> None:
    marked = Place(box.device, box.link) in now
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


def _walk(parent: Element, walk: Walked, upto: int, numbers: Iterable[tuple[int, Point]]) -> None:
    shift = {} if walk.name == "there" else {"transform": f"translate({BESIDE} {BESIDE})"}
    group = SubElement(parent, "g", {"class": f"walk {walk.name}", **shift})
    for stop in walk.stops[:upto]:
        if len(stop.way) > 1:
            SubElement(group, "path", {"class": "leg", "d": line(stop.way)})
    for number, corner in numbers:
        _badge(group, corner, str(number))


def _note(parent: Element, note: Note) -> None:
    group = SubElement(parent, "g", {"class": "rewritten"})
    corner = note.corner
    place = {"x": _n(corner.x), "y": _n(corner.y), "width": _n(note.width), "height": _n(note.height), "rx": "4"}
    SubElement(group, "rect", place)
    for number, text in enumerate(note.lines):
        y = corner.y + 14.5 + NOTE_LINE * number
        SubElement(group, "text", {"x": _n(corner.x + note.width / 2), "y": _n(y), "text-anchor": "middle"}).text = text


def _door(parent: Element, door: Door) -> None:
    group = SubElement(parent, "g", {"class": f"door {door.word}"})
    SubElement(group, "title").text = door.why
    x, y = door.corner
    place = {"x": _n(x), "y": _n(y), "width": _n(door.width), "height": _n(DOOR_HEIGHT), "rx": "9"}
    SubElement(group, "rect", place)
    SubElement(group, "path", {"class": "lock", "d": door.lock, "transform": f"translate({_n(x + 11)} {_n(y + 8)})"})
    SubElement(group, "text", {"x": _n(x + 22), "y": _n(y + 13.5)}).text = door.word


def _envelope(parent: Element, at: Point) -> None:
    place = {"transform": f"translate({_n(at.x)} {_n(at.y)})"}
    SubElement(parent, "path", {"class": "envelope", "d": ENVELOPE, **place})


def _badge(parent: Element, at: Point, word: str) -> None:
    group = SubElement(parent, "g", {"class": "badge"})
    _circle(group, at, 9, "")
    SubElement(group, "text", {"x": _n(at.x), "y": _n(at.y + 4.2), "text-anchor": "middle"}).text = word


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
