"""What is written over a scene about a walk: numbers, rewritten addresses, doors, and how it ended.

Each mark is words and a place for them; :mod:`~k8snet_course.show.svg` draws them, and the widget's script does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from k8snet_course.linux.packet import with_port
from k8snet_course.linux.trace import Action, Change, Trace
from k8snet_course.show.connections import Way
from k8snet_course.show.path import Stop, path
from k8snet_course.show.scene import Box, Place, Point, Scene
from k8snet_course.show.virtual import marked

TICK, CROSS = "M-4 0L-1 3.5L4.5 -3.5", "M-3.5 -3.5L3.5 3.5M-3.5 3.5L3.5 -3.5"
ENVELOPE = "M-17 -13H17V13H-17ZM-17 -13L0 2L17 -13"
"""Around the mark of a packet that a tunnel has wrapped."""
LOCKED, UNLOCKED = "M-5 -1H5V6H-5ZM-3 -1V-3.5A3 3 0 0 1 3 -3.5V-1", "M-5 -1H5V6H-5ZM3 -1V-4A3 3 0 0 1 9 -4V-2"
"""Padlocks for the door of a pod: closed, and open."""
DOOR_HEIGHT = 18.0


NOTE_LINE = 20.0
_NUMBERS = 30.0
"""The room at a box's left for the numbers of hops."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a step (its number, from 0) rewrote: the lines, and the left upper corner and width of their label."""

    step: int
    lines: tuple[str, ...]
    corner: Point
    width: float

    @property
    def word(self) -> str:
        """All lines as one text."""
        return " and ".join(self.lines)

    @property
    def height(self) -> float:
        """How high the label is."""
        return NOTE_LINE * len(self.lines)


@dataclass(frozen=True, slots=True)
class Door:
    """What a step decided at the door of a pod: whether the packet may pass, why, and where the mark stands."""

    step: int
    allowed: bool
    why: str
    corner: Point

    @property
    def word(self) -> str:
        """The word beside the lock."""
        return "allowed" if self.allowed else "denied"

    @property
    def width(self) -> float:
        """How wide the mark is."""
        return round(7.7 * len(self.word) + 30, 1)

    @property
    def lock(self) -> str:
        """The shape of the lock."""
        return UNLOCKED if self.allowed else LOCKED


@dataclass(frozen=True, slots=True)
class Sign:
    """The word that says how a walk ended, and the left upper corner and width of its label."""

    word: str
    good: bool
    corner: Point
    width: float


@dataclass(frozen=True, slots=True)
class Walked:
    """One direction of a walk as it is drawn: ``name`` is there or back, and how it ended.

    ``first`` is how many hops were numbered before it.  ``addresses`` says which step concerns which Service's address.
    """

    name: str
    stops: tuple[Stop, ...]
    delivered: bool
    verdict: str
    notes: tuple[Note, ...] = ()
    doors: tuple[Door, ...] = ()
    first: int = 0
    connection: str = ""
    addresses: tuple[tuple[int, Place], ...] = ()

    @classmethod
    def of(cls, scene: Scene, trace: Trace, name: str = "there", first: int = 0, connection: str = "") -> Walked:
        """The walk of a trace (without its answer) in a scene."""
        stops = path(scene, trace)
        return cls(
            name, stops, trace.delivered, str(trace.verdict).replace("_", " "), _notes(scene, trace, stops, name),
            _doors(scene, trace, stops), first, connection, tuple(marked(scene, trace).items()),
        )

    @classmethod
    def of_way(cls, scene: Scene, way: Way) -> Walked:
        """One way of a trace, which may have several connections."""
        return cls.of(scene, way.trace, way.name, way.first, way.connection)

    @property
    def described(self) -> str:
        """Which way it is and how it ended, in words."""
        return f"{self.connection.lower()}{', ' if self.connection else ''}the packet's way {self.name}: {self.verdict}"


def _notes(scene: Scene, trace: Trace, stops: Sequence[Stop], name: str) -> tuple[Note, ...]:
    """A label for each step that rewrites addresses: below the place that rewrites, of the way back above it."""
    found: list[Note] = []
    for number, ((_, step), stop) in enumerate(zip(trace.steps(), stops, strict=True)):
        box = home(scene, stop.box)
        if step.action is not Action.TRANSLATE or not step.changed or box is None:
            continue
        lines = rewritten(step.changed)
        width = round(7.8 * max(map(len, lines)) + 14, 1)
        left = min(max(box.x + _NUMBERS, box.middle.x - width / 2), scene.width - 4 - width)
        y = box.y + 1 - NOTE_LINE * len(lines) if name == "back" else box.bottom - 3
        found.append(Note(number, lines, Point(round(left, 1), y), width))
    return tuple(found)


def apart(walks: Iterable[Walked]) -> list[Note]:
    """The notes of several walks for one picture: those that would cover another one stand below it, of ways back above it."""
    found: list[Note] = []
    for walk in walks:
        for note in walk.notes:
            while any(_cover(note, other) for other in found):
                note = replace(note, corner=Point(note.corner.x, note.corner.y + (-2 if walk.name == "back" else 2)))
            found.append(note)
    return found


def _cover(one: Note, other: Note) -> bool:
    """Whether two notes cover some area together."""
    return (abs(one.corner.x + one.width / 2 - other.corner.x - other.width / 2) < (one.width + other.width) / 2
            and abs(one.corner.y + one.height / 2 - other.corner.y - other.height / 2) < (one.height + other.height) / 2)


def rewritten(changed: Sequence[Change]) -> tuple[str, ...]:
    """What a translation changed, a line a side: the port stands with its address if it changed too.

    >>> rewritten([Change("destination", "10.96.0.20", "10.244.0.3")])
    ('destination 10.96.0.20 → 10.244.0.3',)
    >>> rewritten([Change("destination", "10.96.0.20", "10.244.0.3"), Change("destination port", "80", "8080")])
    ('destination 10.96.0.20:80 → 10.244.0.3:8080',)
    """
    fields = {change.field: change for change in changed}
    lines = []
    for change in changed:
        port = fields.get(f"{change.field} port")
        if port is not None and change.field in ("source", "destination"):
            old, new = with_port(change.old, int(port.old)), with_port(change.new, int(port.new))
            lines.append(f"{change.field} {old} → {new}")
        elif not change.field.endswith(" port") or change.field.removesuffix(" port") not in fields:
            lines.append(f"{change.field} {change.old} → {change.new}")
    return tuple(lines)


def _doors(scene: Scene, trace: Trace, stops: Sequence[Stop]) -> tuple[Door, ...]:
    """A mark for each step that decides at a pod's door; it was denied if the device then drops the packet."""
    found: list[Door] = []
    steps = list(trace.steps())
    seen: Counter[Place] = Counter()
    for number, ((hop, step), stop) in enumerate(zip(steps, stops, strict=True)):
        if step.action is not Action.FILTER or not (scene.pod_behind(stop.place) or hop.kind == "pod"):
            continue
        after = steps[number + 1] if number + 1 < len(steps) else None
        allowed = trace.delivered if after is None else after[0] is not hop or after[1].action is not Action.DROP
        below = hop.kind == "pod"
        shift = (DOOR_HEIGHT + 2) * seen[stop.place]
        seen[stop.place] += 1
        y = stop.point.y + (10 + shift if below else -40 - shift)
        door = Door(number, allowed, step.why, Point(stop.point.x - 9, y))
        left = min(max(4.0, door.corner.x), scene.width - 4 - door.width)
        found.append(replace(door, corner=Point(round(left, 1), round(y, 1))))
    return tuple(found)


def home(scene: Scene, place: Place) -> Box | None:
    """The box to which something about a place is written: for the mark of an interface, its device's."""
    box = scene.box(*place)
    return scene.box(place.device) if box is None or box.kind == "port" else box


def badges(scene: Scene, walks: Iterable[Walked]) -> list[list[tuple[int, Point]]]:
    """For each walk its hops' numbers, and the place for each: at the upper left of the box where the hop begins."""
    crowd: Counter[Place] = Counter()
    return [list(_badges(scene, walk, crowd)) for walk in walks]


def _badges(scene: Scene, walk: Walked, crowd: Counter[Place]) -> Iterator[tuple[int, Point]]:
    last = 0
    for stop in walk.stops:
        box = home(scene, stop.box) if stop.hop != last else None
        last = stop.hop
        if box is not None:
            at = Place(box.device, box.link)
            yield walk.first + stop.hop, Point(box.x + 16 + 20 * crowd[at], box.y)
            crowd[at] += 1


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
    y = box.y - 20 - 25 * above
    if y < 0:  # above a node there is no room: beside the place in it
        point = walk.stops[-1].point
        right, y = min(point.x + 10 + width, scene.width - 4), point.y + 2 + 25 * above
    return Sign(word, walk.delivered, Point(round(right - width, 1), y), round(width, 1))
