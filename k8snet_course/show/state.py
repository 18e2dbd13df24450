"""What the packet-walk widget is sent: a scene and a trace as plain JSON values.

Everything that the widget's script says or draws is decided here; the script only shows it, step by step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8snet_course.linux.trace import Action, Hop, Trace
from k8snet_course.show.challenge import Question, questions
from k8snet_course.show.connections import Way, ways
from k8snet_course.show.device_tables import devices_on_the_way, mtu, tables_of
from k8snet_course.show.headers import leaves_by, stack
from k8snet_course.show.marks import CROSS, DOOR_HEIGHT, ENVELOPE, TICK, Door, Note, Walked, home, sign
from k8snet_course.show.path import Stop
from k8snet_course.show.scene import Place, Scene
from k8snet_course.show.svg import line, svg

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster

Json = dict[str, Any]
MOST_AT_ONCE = 100
"""Of a cluster with more nodes or Services than this, a device's tables are made only when somebody opens them."""


def walk_state(scene: Scene, cluster: Cluster, trace: Trace | None) -> Json:
    """The scene's picture and, of the trace and its answer, every step with its text, path, headers and question.

    The tables are those of the devices on the way, as they are now; in a large cluster they are left out (None), because to
    make all their rows takes longer than the picture.

    >>> from k8snet_course import Cluster
    >>> from k8snet_course.show.layout import layout
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> state = walk_state(layout(cluster), cluster, cluster.send("frontend", "backend"))
    >>> [way["name"] for way in state["ways"]], len(state["ways"][0]["steps"]), len(state["devices"])
    (['there', 'back'], 5, 3)
    """
    several = ways(trace)
    shown = [_way(scene, cluster, way) | {"next": way.following(several)} for way in several]
    at_once = len(cluster.nodes) <= MOST_AT_ONCE and len(cluster.services) <= MOST_AT_ONCE
    devices = [_device(cluster, name, at_once) for name in devices_on_the_way(trace)] if trace is not None else []
    label = f"Packet from {trace.source} to {trace.target}" if trace else scene.title
    return {"label": label, "svg": svg(scene, styled=False), "ways": shown, "devices": devices,
            "envelope": ENVELOPE}


def _device(cluster: Cluster, name: str, at_once: bool) -> Json:
    return {"name": name, "label": cluster.namespace(name).label, "tables": tables_json(cluster, name) if at_once else None}


def tables_json(cluster: Cluster, name: str) -> list[Json]:
    """The tables of one device, as they are now."""
    return [{"command": command, "text": text} for command, text in tables_of(cluster.namespace(name))]


def _way(scene: Scene, cluster: Cluster, way: Way) -> Json:
    trace = way.trace
    walk, asked = Walked.of_way(scene, way), questions(trace)
    ended = sign(scene, walk)
    numbered = [(hop, number) for hop in trace.hops for number in range(len(hop.steps))]
    steps = [
        _step(scene, hop, number, stop, question) | {"packet": _packet(cluster, hop, number)}
        for (hop, number), stop, question in zip(numbered, walk.stops, asked, strict=True)
    ]
    for note in walk.notes:
        steps[note.step]["note"] = _note(note)
    for door in walk.doors:
        steps[door.step]["door"] = _door(door)
    for number, place in walk.addresses:
        steps[number]["at"].append(key(place))
        box = scene.box(*place)
        if way.name == "there" and box is not None:
            steps[number]["service"] = box.title
    which = f"{way.connection}. " if way.connection else ""
    for index, step in enumerate(steps):
        step["number"] += way.first
        step["say"] = f"{which}Step {index + 1} of {len(steps)}, {step['hop']}: {step['action']}. {step['why']}.{_more(step)}"
    label = "Way there" if way.name == "there" else "Way back"
    return {
        "name": way.name,
        "label": f"{way.number} of {way.count}: {way.name}" if way.connection else label,
        "title": f"{way.connection}: {label.lower()}" if way.connection else label,
        "connection": way.connection,
        "packet": str(trace.packet),
        "delivered": trace.delivered,
        "verdict": str(trace.verdict).replace("_", " "),
        "reason": trace.reason,
        "end": {
            "text": ended.word if ended else "",
            "x": ended.corner.x if ended else 0,
            "y": ended.corner.y if ended else 0,
            "width": ended.width if ended else 0,
            "mark": TICK if trace.delivered else CROSS,
        },
        "steps": steps,
    }


def _step(scene: Scene, hop: Hop, number: int, stop: Stop, question: Question | None) -> Json:
    step = hop.steps[number]
    owner = home(scene, stop.box)
    marked = [key(stop.box)]
    if owner is not None and Place(owner.device, owner.link) != stop.box:
        marked.append(key(Place(owner.device, owner.link)))
    return {
        "number": stop.hop,
        "hop": hop_text(hop),
        "way": " → ".join(name for name in (hop.ingress, hop.egress) if name),
        "action": str(step.action),
        "link": step.link,
        "why": step.why,
        "asked": step.looked_up,
        "rows": [{"row": row.row, "matched": row.matched, "won": row.won, "why": row.why} for row in step.candidates],
        "others": step.others,
        "changed": [{"field": change.field, "old": change.old, "new": change.new} for change in step.changed],
        "at": marked,
        "x": round(stop.point.x, 1),
        "y": round(stop.point.y, 1),
        "path": line(stop.way),
        "tube": stop.came_wrapped,
        "wrapped": stop.wrapped,
        "note": None,
        "door": None,
        "service": "",
        "quiz": _quiz(question),
    }


def _note(note: Note) -> Json:
    return {"text": note.word, "lines": list(note.lines), "height": note.height,
            "x": note.corner.x, "y": note.corner.y, "width": note.width}


def _door(door: Door) -> Json:
    return {"text": door.word, "title": door.why, "x": door.corner.x, "y": door.corner.y, "width": door.width,
            "height": DOOR_HEIGHT, "lock": door.lock}


def _more(step: Json) -> str:
    """What the picture and the details show of a step besides its reason, for those who listen."""
    if step["note"] or step["service"]:
        rewritten = f" Rewritten: {step['note']['text']}." if step["note"] else ""
        return rewritten + (f" The {step['service']}." if step["service"] else "")
    if step["door"]:
        return f" At the door of the pod: {step['door']['text']}."
    if step["packet"]["grew"]:
        headers = ", ".join(f"{one['name']} {one['text']}".rstrip() for one in step["packet"]["headers"])
        return f" The packet is now {step['packet']['size']} bytes, from the outside in: {headers}."
    return ""


def _packet(cluster: Cluster, hop: Hop, number: int) -> Json:
    """The packet's headers as it leaves a step, their sum, and the interface by which it goes on with that one's MTU."""
    step = hop.steps[number]
    link = leaves_by(hop, number)
    most = mtu(cluster, hop.device, link)
    grew = {Action.ENCAPSULATE: "wrapped", Action.DECAPSULATE: "unwrapped"}.get(step.action, "")
    return {
        "headers": [{"name": one.name, "text": one.text, "size": one.size, "depth": one.depth} for one in stack(step.packet)],
        "size": step.packet.size,
        "grew": grew,
        "exit": f"MTU of {link}: {most} bytes" if most else "",
        "fits": not most or step.packet.size <= most,
    }


def hop_text(hop: Hop) -> str:
    """A hop's device as people say it.

    >>> hop_text(Hop("default/frontend", "pod", "", "eth0", ())), hop_text(Hop("router", "router", "eth0", "", ()))
    ('pod frontend', 'router')
    """
    return hop.label if hop.label.startswith(hop.kind) else f"{hop.kind} {hop.label}"


def _quiz(question: Question | None) -> Json | None:
    if question is None:
        return None
    choices = [{"text": choice.text, "right": choice.right, "why": choice.why} for choice in question.choices]
    return {"text": question.text, "choices": choices}


def key(place: Place) -> str:
    """How a box is found in the picture: its attribute ``data-at``."""
    return f"{place.device}|{place.link}"
