"""A drawing: a scene while it is being laid out.

It collects boxes, ports and cables and hands out the finished, unchangeable scene.  It decides no position.
"""

from __future__ import annotations

from k8snet_course.show.scene import Box, Label, Place, Point, Scene, Wire

PORT = 12.0
"""The side of the small square that marks an interface."""


class Drawing:
    """Boxes, wires and anchors in the making.

    >>> drawing = Drawing()
    >>> drawing.port("node-1", "eth0", Point(10, 10))
    >>> drawing.scene(20, "one port", "").box("node-1", "eth0").kind
    'port'
    """

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.ports: list[Box] = []
        self.wires: list[Wire] = []
        self.anchors: dict[Place, Point] = {}

    def box(self, box: Box) -> None:
        """Add a box."""
        self.boxes.append(box)

    def anchor(self, device: str, link: str, point: Point) -> None:
        """Say where an interface is, or (with an empty ``link``) the device itself."""
        self.anchors[Place(device, link)] = point

    def port(self, device: str, link: str, middle: Point, label: Label | None = None) -> None:
        """Add the small mark of an interface, and its anchor."""
        self.anchor(device, link, middle)
        self.ports.append(
            Box(
                device,
                link,
                "port",
                middle.x - PORT / 2,
                middle.y - PORT / 2,
                PORT,
                PORT,
                f"interface {link} of {device.removeprefix('default/')}",
                (label,) if label else (),
            )
        )

    def cable(self, kind: str, a: Place, b: Place, bend: float | None = None, via: tuple[Point, ...] = ()) -> None:
        """Join two anchors: straight, by the points ``via``, or with a step at the height ``bend``."""
        start, end = self.anchors[a], self.anchors[b]
        if bend is not None and start.x != end.x:
            via = (Point(start.x, bend), Point(end.x, bend))
        self.wires.append(Wire(kind, a, b, (start, *via, end)))

    def scene(self, height: float, title: str, text: str) -> Scene:
        """The finished scene."""
        return Scene(height, title, text, (*self.boxes, *self.ports), tuple(self.wires), dict(self.anchors))


def fit(text: str, width: float, character: float) -> str:
    """The text, cut with an ellipsis where it is wider than ``width``, if a character is ``character`` wide.

    >>> fit("frontend", 100, 7), fit("a-very-long-name-of-a-pod", 100, 7)
    ('frontend', 'a-very-long-n…')
    """
    room = int(width / character)
    return text if len(text) <= room else text[: max(1, room - 1)] + "…"


def fit_address(text: str, width: float) -> str:
    """An IPv6 address, cut at a colon with an ellipsis where it is too wide: its end is what tells it from its neighbours.

    An IPv4 address is left as it is.

    >>> fit_address("fd00:10:244::8:77c4:29c1", 120), fit_address("10.244.0.2", 50)
    ('…:8:77c4:29c1', '10.244.0.2')
    """
    if ":" not in text or measure(text, "address") <= width:
        return text
    cuts = ["…" + text[at:] for at, letter in enumerate(text) if letter == ":" and text[at : at + 2] != "::"]
    return next((cut for cut in cuts if measure(cut, "address") <= width), cuts[-1])


_MONO = {"address": 7.85, "port": 7.85, "upright": 7.85}
_BOLD, _PLAIN = (5.0, 8.65, 9.7, 13.0), (4.6, 8.0, 8.3, 12.0)
_ROLES = {"title": (_BOLD, 16 / 14), "name": (_BOLD, 1.0), "kind": (_PLAIN, 1.0), "note": (_PLAIN, 1.0),
          "refused": (_BOLD, 13 / 14), "star": (_PLAIN, 11 / 13)}
"""How wide characters are (narrow ones, most, digits, wide ones) by a label's role, in the sizes that the style sheet sets."""
_NARROW, _WIDE = frozenset("fijlrt.,:-/'|()[] "), frozenset("mwMW@%✕")


def measure(text: str, role: str) -> float:
    """How wide a text is taken to be.

    >>> round(measure("eth0", "name"), 1), round(measure("10.244.0.2", "address"), 1)
    (32.0, 78.5)
    """
    if role in _MONO:
        return len(text) * _MONO[role]
    (narrow, most, digit, wide), scale = _ROLES[role]
    widths = (narrow if c in _NARROW else wide if c in _WIDE else digit if c.isdigit() else most for c in text)
    return sum(widths) * scale


def area(label: Label) -> tuple[float, float, float, float]:
    """What a label covers: left, top, right, bottom.

    >>> area(Label(100, 50, "10.0.0.1", "address", "end"))
    (37.2, 39, 100.0, 54)
    """
    width = measure(label.text, label.role)
    if label.role == "upright":
        return label.x - 11, label.y - width, label.x + 4, label.y
    left = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.align]
    return left, label.y - 11, left + width, label.y + 4
