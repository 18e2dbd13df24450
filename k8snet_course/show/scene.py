"""A scene: where everything in a picture of a network stands.

A scene is a value.  It holds boxes, wires and anchors with their coordinates, and no cluster, no trace and no markup:
the module :mod:`~k8snet_course.show.layout` computes it, :mod:`~k8snet_course.show.svg` draws it, and
:mod:`~k8snet_course.show.path` finds a packet's way through it.

What a box looks like follows from its ``kind`` alone, so a new kind of device needs a colour and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

WIDTH = 1000
"""Every scene is this wide, whatever is in it: then its text has the same size in each chapter."""


class Point(NamedTuple):
    """A place in a scene; x runs to the right, y runs down."""

    x: float
    y: float


class Place(NamedTuple):
    """What an anchor belongs to: a device, and one of its interfaces (empty: the device itself)."""

    device: str
    link: str


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text: ``role`` is name, address, kind or note; ``align`` is start, middle or end."""

    x: float
    y: float
    text: str
    role: str = "name"
    align: str = "middle"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle for a device or one of its interfaces.

    ``kind`` is that of the device or link (pod, node, bridge, ...), or ``port`` for the small mark of an interface,
    ``routing`` for the place where a node decides, ``note`` for a remark.  ``title`` says in words what it is.
    """

    device: str
    link: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str
    labels: tuple[Label, ...] = ()

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> Point:
        """The point in the middle."""
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    def overlaps(self, other: Box) -> bool:
        """Whether the two cover some area together (to touch is not to overlap).

        >>> left, right = Box("a", "", "pod", 0, 0, 10, 10, "a"), Box("b", "", "pod", 10, 0, 10, 10, "b")
        >>> left.overlaps(right), left.overlaps(left)
        (False, True)
        """
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def contains(self, other: Box) -> bool:
        """Whether the other box lies wholly inside this one."""
        return self.x <= other.x and other.right <= self.right and self.y <= other.y and other.bottom <= self.bottom


@dataclass(frozen=True, slots=True)
class Wire:
    """A cable or veth pair between two interfaces, or (``kind`` inner) the way between two parts of one device."""

    kind: str
    a: Place
    b: Place
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Scene:
    """A whole picture: its size, what it shows, and an anchor for each interface that a packet can pass.

    ``title`` names it in a few words, ``text`` says in lines what it shows (see :mod:`k8snet_course.show.text`).
    ``boxes`` come in the order in which they are drawn, the enclosing ones first.
    """

    height: float
    title: str
    text: str
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    anchors: Mapping[Place, Point]

    @property
    def width(self) -> float:
        """The width, the same for every scene."""
        return WIDTH

    def anchor(self, device: str, link: str = "") -> Point:
        """Where an interface is; where the device is when the scene does not show that interface.

        Raises KeyError when the scene does not show the device at all.
        """
        return self.anchors.get(Place(device, link)) or self.anchors[Place(device, "")]

    def shows(self, device: str) -> bool:
        """Whether the device is in the picture."""
        return Place(device, "") in self.anchors

    def box(self, device: str, link: str = "") -> Box | None:
        """The box of an interface (the device's own for an empty ``link``), or None when there is none."""
        return self._boxes.get(Place(device, link))

    def wire(self, a: Place, b: Place) -> tuple[Point, ...] | None:
        """The points of the wire from ``a`` to ``b``, in that direction, or None when no wire joins them."""
        return self._ways.get((a, b))

    def pod_behind(self, place: Place) -> str:
        """The pod at the other end of a veth pair; empty if there is none."""
        far = self._veths.get(place)
        box = self.box(far.device) if far is not None else None
        return box.device if box is not None and box.kind == "pod" else ""

    def at_home(self, device: str) -> tuple[str, ...]:
        """The pods that use this node's own network and are joined to its routing in this picture."""
        return tuple(wire.a.device for wire in self.wires if wire.kind == "home" and wire.b == (device, ""))

    @cached_property
    def _veths(self) -> dict[Place, Place]:
        pairs = [(wire.a, wire.b) for wire in self.wires if wire.kind == "veth"]
        return {one: other for a, b in pairs for one, other in ((a, b), (b, a))}

    @cached_property
    def _boxes(self) -> dict[Place, Box]:
        return {Place(box.device, box.link): box for box in self.boxes}

    @cached_property
    def _ways(self) -> dict[tuple[Place, Place], tuple[Point, ...]]:
        there = {(wire.a, wire.b): wire.points for wire in self.wires}
        return there | {(b, a): points[::-1] for (a, b), points in there.items()}
