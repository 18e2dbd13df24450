"""The devices that a node's Linux adds, in the order in which a packet meets them on its way out.

Bridges stand above the routing.  What the routing hands packets to (tunnels, and other virtual interfaces with an
address) stands below it, and leaves a lane at the right edge for the packets that need none of them.  The network cards
stand at the lower edge; on a node with a tunnel the card is at the end of that lane.

Text is shortened rather than let run into other text: first the word for the kind goes, then the address gets a line of
its own.  The box's title always says everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from k8snet_course.linux.link import LINK_LOCAL, Link
from k8snet_course.linux.namespace import Namespace
from k8snet_course.show.drawing import Drawing, fit, fit_address, measure
from k8snet_course.show.pod_rows import PAD
from k8snet_course.show.scene import Box, Label, Place, Point
from k8snet_course.show.text import few

NAME, MONO = 8.0, 7.85
"""How wide a character of a name and of an address is, in the sizes that svg draws them."""
LANE = 12.0
"""How far below a device's upper edge packets run along it; its name stands below that."""
ONE_LINE, TWO_LINES, CARD = 42.0, 60.0, 30.0
SIDE_LANE = 22.0
"""The room beside the tunnels for the packets that need none, and beside the routing for the frames of a bridged tunnel."""
_MARGIN, _APART, _BETWEEN = 9.0, 5.0, 10.0


@dataclass(frozen=True, slots=True)
class Devices:
    """The interfaces of one node, by where they stand."""

    bridges: tuple[Link, ...]
    below: tuple[Link, ...]
    cards: tuple[str, ...]
    patches: tuple[tuple[Link, Link], ...]

    @classmethod
    def of(cls, namespace: Namespace) -> Devices:
        """Sorted by what they are and by how they are plugged, never by their names.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster(nodes=2, cni="flannel")
        >>> _ = cluster.add_pod("frontend")
        >>> devices = Devices.of(cluster.namespace("node-1"))
        >>> [link.name for link in devices.bridges], [link.name for link in devices.below], devices.cards
        (['cni0'], ['flannel.1'], ('eth0',))
        """
        links = namespace.links
        masters = {link.master for link in links.values() if link.master}
        bridges, below, cards, patches = [], [], [], []
        for link in links.values():
            here = links.get(link.peer.link) if link.peer is not None and link.peer.namespace == namespace.name else None
            if link.kind == "bridge" or link.name in masters:
                bridges.append(link)
            elif link.kind == "ethernet" and link.tunnel is None:
                if link.peer is not None:
                    cards.append(link.name)
            elif here is not None and link.master and here.master and link.index < here.index:
                patches.append((link, here))
            elif link.kind not in ("loopback", "tap") and (
                link.kind != "veth" or (link.addresses and (here or link.peer is None))
            ):
                below.append(link)
        return cls(tuple(bridges), tuple(below), tuple(cards), tuple(patches))

    @property
    def bridged(self) -> bool:
        """Whether a bridge sends frames into one of the tunnels directly, past the routing."""
        return any(link.master for link in self.below)

    def columns(self, room: float) -> int:
        """How many of the devices below the routing stand side by side: all if their names can be read, else one."""
        each = _each(len(self.below), room - SIDE_LANE)
        named = (measure(link.name, "name") + 2 * _MARGIN + (SIDE_LANE if link.master else 0.0) for link in self.below)
        return len(self.below) if all(width <= each for width in named) else 1

    def line_height(self, room: float) -> float:
        """How high one of them is, in a node with so much room from side to side."""
        each = _each(self.columns(room), room - SIDE_LANE)
        fits = (_one_line(link, each - (SIDE_LANE if link.master else 0.0)) is not None for link in self.below)
        return ONE_LINE if all(fits) else TWO_LINES

    def below_height(self, room: float) -> float:
        """How high all of them are together; 0 if there is none."""
        if not self.below:
            return 0.0
        rows = len(self.below) // self.columns(room)
        return rows * self.line_height(room) + (rows - 1) * _BETWEEN


def _each(count: int, room: float) -> float:
    return (room - PAD * (count - 1)) / max(1, count)


def _one_line(link: Link, room: float) -> tuple[str, str] | None:
    """Kind and address, as much of them as fits into one line with the name; None if not even the bare address does."""
    whole = link.addresses[0] if link.addresses else ""
    for kind, address in ((link.kind, " ".join(_shown(link))), (link.kind, whole), ("", whole), ("", link.address)):
        named = _behind(link.name) + measure(kind, "kind") if kind else measure(link.name, "name")
        if 2 * _MARGIN + named + (_APART + measure(address, "address") if address else 0.0) <= room:
            return kind, address
    return None


def _shown(link: Link) -> list[str]:
    """The addresses that a picture has room for, if it has: those that mean something beyond one wire."""
    return [text for text in few(link.addresses) if not text.startswith(LINK_LOCAL)]


def _behind(name: str) -> float:
    """How far behind a name's beginning the next word stands; the longer the name, the less sure is its width."""
    return measure(name, "name") + _APART + 1.2 * max(0, len(name) - 4)


def _labels(link: Link, x: float, y: float, room: float, height: float) -> tuple[Label, ...]:
    """The texts of a device's box, from ``x`` on: what fits, in one line or in two."""
    line = _one_line(link, room) if height < TWO_LINES else None
    beside = x + _MARGIN + _behind(link.name)
    if line is not None:
        return (
            Label(x + _MARGIN, y + 32, link.name, "name", "start"),
            Label(beside, y + 32, line[0], "kind", "start"),
            Label(x + room - _MARGIN, y + 32, line[1], "address", "end"),
        )
    name = fit(link.name, room - 2 * _MARGIN, NAME)
    kind = link.kind if beside + measure(link.kind, "kind") + _MARGIN <= x + room else ""
    if height < TWO_LINES:
        return Label(x + _MARGIN, y + 32, name, "name", "start"), Label(beside, y + 32, kind, "kind", "start")
    whole = link.addresses[0] if link.addresses else ""
    address = next((text for text in (" ".join(_shown(link)), whole) if measure(text, "address") + 2 * _MARGIN <= room),
                   fit(fit_address(link.address, room - 2 * _MARGIN), room - 2 * _MARGIN, MONO))
    return (
        Label(x + _MARGIN, y + 32, name, "name", "start"),
        Label(beside, y + 32, kind, "kind", "start"),
        Label(x + _MARGIN, y + 50, address, "address", "start"),
    )


def _device(
    drawing: Drawing, device: str, link: Link, corner: Point, room: float, height: float, indent: float = 0.0
) -> None:
    kind = "tunnel" if link.tunnel is not None else link.kind
    drawing.box(
        Box(
            device,
            link.name,
            kind,
            corner.x,
            corner.y,
            room,
            height,
            f"{link.kind} {link.name} of {device} {' '.join(few(link.addresses))}".rstrip(),
            _labels(link, corner.x + indent, corner.y, room - indent, height),
        )
    )


def draw_bridges(drawing: Drawing, device: str, devices: Devices, corner: Point, room: float) -> None:
    """The bridges, side by side above the routing."""
    each = _each(len(devices.bridges), room)
    core = drawing.anchors[Place(device, "")]
    for number, link in enumerate(devices.bridges):
        left = corner.x + number * (each + PAD)
        lane = SIDE_LANE if any(tunnel.master == link.name for tunnel in devices.below) else 0.0
        _device(drawing, device, link, Point(left, corner.y), each, ONE_LINE, lane)
        drawing.anchor(device, link.name, Point(round(left + each / 2, 1), corner.y + LANE))
        drawing.cable("inner", Place(device, link.name), Place(device, ""), bend=core.y)
    boxes = {box.link: box for box in drawing.boxes if box.device == device}
    for one, other in devices.patches:
        left_box, right_box = sorted((boxes[one.master], boxes[other.master]), key=lambda box: box.x)
        ends = {left_box.link: left_box.right, right_box.link: right_box.x}
        for link in (one, other):
            drawing.port(device, link.name, Point(ends[link.master], corner.y + LANE))
        drawing.cable("veth", Place(device, one.name), Place(device, other.name))


def draw_below(drawing: Drawing, device: str, devices: Devices, corner: Point, room: float) -> None:
    """Tunnels and other interfaces that the routing hands packets to, beside the lane; the tunnels nearest to the cards."""
    several = sorted(devices.below, key=lambda link: link.tunnel is not None)
    columns, height = devices.columns(room), devices.line_height(room)
    each = _each(columns, room - SIDE_LANE)
    core = drawing.anchors[Place(device, "")]
    for number, link in enumerate(several):
        row, column = divmod(number, max(1, columns))
        left, y = corner.x + column * (each + PAD), corner.y + row * (height + _BETWEEN)
        _device(drawing, device, link, Point(left, y), each, height, SIDE_LANE if link.master else 0.0)
        middle = core.x if left < core.x < left + each else round(left + each / 2, 1)
        if columns < len(several):
            middle = round(left + each - PAD, 1)  # the way to the lower ones passes behind the texts of the upper ones
        at = Point(left + SIDE_LANE / 2 if link.master else middle, y + LANE)
        drawing.anchor(device, link.name, at)
        bridge = drawing.anchors.get(Place(device, link.master)) if link.master else None
        if bridge is not None:
            drawing.cable("inner", Place(device, link.master), Place(device, link.name), bend=bridge.y)
        else:
            drawing.cable("inner", Place(device, link.name), Place(device, ""), bend=core.y)


def draw_cards(drawing: Drawing, device: str, namespace: Namespace, devices: Devices, middle: float, right: float,
               y: float) -> None:
    """The network cards: in the middle of the lower edge, or at the end of the lane beside the tunnels."""
    core, centre = Place(device, ""), y + CARD / 2
    for number, name in enumerate(devices.cards):
        link = namespace.links[name]
        width = 84 + len(link.address) * MONO
        if not devices.below:
            at = Point(middle + number * 200, centre)
            left, texts = at.x - 58, ((at.x - 14, name, "end"), (at.x + 14, link.address, "start"))
        else:
            at = Point(right - SIDE_LANE / 2 - number * 200, centre)
            width = 2 * _MARGIN + measure(name, "name") + measure(link.address, "address") + 28
            left = at.x + SIDE_LANE / 2 - width
            texts = ((left + _MARGIN, name, "start"), (at.x - 12, link.address, "end"))
        labels = tuple(
            Label(x, y + 20, text, role, align) for (x, text, align), role in zip(texts, ("name", "address"), strict=True)
        )
        said = f"network card {name} of {device} {' '.join(text.partition('/')[0] for text in link.addresses)}".rstrip()
        drawing.box(Box(device, f"{name} card", "ethernet", left, y, width, CARD, said, labels))
        drawing.port(device, name, at)
        drawing.cable("inner", core, Place(device, name), bend=drawing.anchors[core].y)
        for tunnel in (link for link in devices.below if link.tunnel is not None):
            there = Place(device, tunnel.name)
            drawing.cable("inner", there, Place(device, name), bend=drawing.anchors[there].y)


def below_height(several: Iterable[Devices], room: float) -> float:
    """How high the row below the routing is in all nodes of a picture."""
    return max((devices.below_height(room) for devices in several), default=0.0)


def has_bridges(several: Sequence[Devices], routed: bool) -> bool:
    """Whether there is a row for bridges; without pods that are routed there is always one, for the bridge to come."""
    return not routed or any(devices.bridges for devices in several)
