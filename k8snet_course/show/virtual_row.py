"""The row above the pods where Services' virtual addresses are drawn, each in the node that rewrote it.

From a dashed box a thin line runs above all pods to every backend that is shown, and ends at a mark on the pod's left
edge: a ring, or for the one that was chosen a star.  The lines go through no other pod, and no device: they are no cables.
What an address is and who stands behind it is found by :mod:`~k8snet_course.show.virtual`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from k8snet_course.show.drawing import Drawing, fit, fit_address, measure
from k8snet_course.show.pod_rows import PAD
from k8snet_course.show.scene import Box, Label, Place, Point, Wire
from k8snet_course.show.virtual import Candidate, Virtual

BACKEND, CHOSEN = "backend", "chosen"
"""The kinds of the marks at pods, and of the lines to them."""
_HEIGHT, _BETWEEN, _WIDEST = 42.0, 6.0, 320.0
_LANE, _BELOW = 6.0, 16.0
_STEP = 10.0
_LEFT = 5.0
"""How far left of the pods the lines run down to them."""
_MARK = 14.0
_FROM_BOTTOM = 9.0


def row_height(several: Sequence[Virtual]) -> float:
    """How much room they need above the pods; 0 for none."""
    if not several:
        return 0.0
    return _most(several) * (_HEIGHT + _BETWEEN) + _LANE * len(several) + _BELOW


def _most(several: Sequence[Virtual]) -> int:
    return max(Counter(one.node for one in several).values())


def draw_virtuals(drawing: Drawing, several: Sequence[Virtual], top: float) -> None:
    """Draw them in their nodes, which are drawn already; ``top`` is where the row begins."""
    frames = {box.device: box for box in drawing.boxes if box.kind == "node"}
    pods = {box.device: box for box in drawing.boxes if box.kind in ("pod", "hostpod")}
    most = _most(several) if several else 0
    drawn: Counter[str] = Counter()
    marks: list[Box] = []
    for number, one in enumerate(several):
        frame, place = frames.get(one.node), drawn[one.node]
        if frame is None:
            continue
        drawn[one.node] += 1
        shown = [backend for backend in one.backends if backend.pod in pods]
        y = top + place * (_HEIGHT + _BETWEEN)
        width = min(frame.width - 2 * PAD - _STEP * (most - 1), _WIDEST)
        box = _box(one, len(shown), Point(frame.x + PAD, y), width)
        drawing.box(box)
        lane = top + most * (_HEIGHT + _BETWEEN) + _LANE * number
        last = drawn[one.node] == sum(other.node == one.node for other in several)
        start = _start(box, last, most - place, lane)
        drawing.anchor(one.node, one.link, box.middle)
        in_order = sorted(shown, key=lambda each: each.chosen)
        marks += [_line(drawing, one, backend, pods[backend.pod], start) for backend in in_order]
    drawing.ports += sorted(marks, key=lambda mark: mark.kind == CHOSEN)


def _start(box: Box, last: bool, beside: int, lane: float) -> tuple[Point, ...]:
    """The way from a box to the lane above the pods: straight down, or around the boxes below it."""
    if last:
        return Point(box.right - 20, box.bottom), Point(box.right - 20, lane)
    x = box.right + _STEP * (beside - 1) - _STEP / 2
    return Point(box.right, box.middle.y), Point(x, box.middle.y), Point(x, lane)


def _box(one: Virtual, shown: int, corner: Point, width: float) -> Box:
    """Name and kind, below them the address; how many backends there are, as fully as there is room."""
    count, room = len(one.backends), width - 18
    words = f"{count} backend{'' if count == 1 else 's'}" if count else "no backends"
    fully = f"{words}, {shown} shown" if shown < count else words
    texts = (f"{fully}, {one.each}" if one.each else fully, fully, words, "")
    left = room - measure(one.address, "address") - 8
    right = corner.x + width - 9
    labels = (
        Label(corner.x + 9, corner.y + 17, fit(one.service, room - measure(one.kind, "kind") - 8, 8.65), "name", "start"),
        Label(right, corner.y + 17, one.kind, "kind", "end"),
        Label(corner.x + 9, corner.y + 34, fit_address(one.address, room), "address", "start"),
        Label(right, corner.y + 34, next((text for text in texts if measure(text, "kind") <= left), ""), "kind", "end"),
    )
    return Box(one.node, one.link, "virtual", corner.x, corner.y, width, _HEIGHT, f"{one}", labels)


def _line(drawing: Drawing, one: Virtual, backend: Candidate, pod: Box, start: tuple[Point, ...]) -> Box:
    """Draw the line to one backend; returns the mark at its end."""
    kind = CHOSEN if backend.chosen else BACKEND
    end = Point(pod.x, pod.bottom - _FROM_BOTTOM)
    x, lane = pod.x - _LEFT, start[-1].y
    points = (*start, Point(x, lane), Point(x, end.y), end)
    link = f"{one.link} for {one.node}"
    drawing.wires.append(Wire(kind, Place(one.node, one.link), Place(backend.pod, link), points))
    word = "chosen backend" if backend.chosen else "backend"
    return Box(
        backend.pod, link, kind, end.x - _MARK / 2, end.y - _MARK / 2, _MARK, _MARK,
        f"{word} of the service {one.service}: {backend}" + (f", {one.share} of new connections" if one.each else ""),
        (Label(end.x, end.y + 4, "★", "star"),) if backend.chosen else (),
    )
