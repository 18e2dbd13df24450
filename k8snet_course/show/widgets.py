"""The packet-walk widget: a scene and a hop list that step together through a trace.

The kernel's part is here: it lays the scene out, puts the whole walk into one value
(:mod:`~k8snet_course.show.state`), and hands it to the script ``walk.js``, which shows it.  Stepping, animation and
challenge mode need no answer from the kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from k8snet_course.linux.trace import Trace
from k8snet_course.show.layout import layout
from k8snet_course.show.picture import Picture
from k8snet_course.show.scene import Scene
from k8snet_course.show.state import tables_json, walk_state
from k8snet_course.show.svg import service_style, style, tunnel_style

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster

_HERE = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"
"""The MIME type by which Jupyter finds a live widget.  Its value is random, so no stored notebook may hold it."""


class PacketWalk(anywidget.AnyWidget):
    """A packet's walk through a cluster, step by step, by mouse or keyboard.

    ``trace`` is what ``cluster.send`` returned; without one the picture alone is shown.  ``challenge=True`` asks
    before each step what happens next.  Another trace can be put in at any time: ``walk.trace = other`` redraws in
    place, and so does ``walk.show(cluster, trace)`` for another cluster.

    A trace that is followed by others (an Ingress controller's own connection) is shown with them, one after the other: the
    last step of one is followed by the first of the next, and hops are numbered on.

    Without a live kernel a notebook shows the same as a still picture and as text.  Raises NotFound for a walk through
    another cluster.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster()
        >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
        >>> walk = PacketWalk(cluster, cluster.send("frontend", "backend", port=81))
        >>> print(walk.trace.verdict)
        refused
        >>> repr(walk) == str(walk.trace)
        True
    """

    _esm = (_HERE / "walk.js").read_text(encoding="utf-8")
    _css = style() + tunnel_style() + service_style() + (_HERE / "walk.css").read_text(encoding="utf-8")

    state = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    way = traitlets.Int(0).tag(sync=True)
    challenge = traitlets.Bool(False).tag(sync=True)
    opened = traitlets.Unicode("").tag(sync=True)
    tables = traitlets.Dict().tag(sync=True)

    def __init__(self, cluster: Cluster, trace: Trace | None = None, challenge: bool = False) -> None:
        self._cluster = cluster
        self._trace = trace
        self._scene = layout(cluster, trace)
        super().__init__(state=walk_state(self._scene, cluster, trace), challenge=challenge)

    @property
    def trace(self) -> Trace | None:
        """The walk that is shown.  Another one that is put in here is drawn in place."""
        return self._trace

    @trace.setter
    def trace(self, trace: Trace | None) -> None:
        self.show(self._cluster, trace)

    @property
    def scene(self) -> Scene:
        """The layout that is shown."""
        return self._scene

    def show(self, cluster: Cluster, trace: Trace | None = None) -> None:
        """Show another cluster or trace in the same place; only what differs is sent to the browser."""
        scene = layout(cluster, trace)
        state = walk_state(scene, cluster, trace)
        self._cluster, self._trace, self._scene = cluster, trace, scene
        if state == self.state:
            return
        with self.hold_sync():
            self.opened, self.tables = "", {}
            if state["ways"] != self.state["ways"]:
                self.step = self.way = 0
            self.state = state

    @traitlets.observe("opened")
    def _open(self, change: Any) -> None:
        """The tables of a device of a large cluster are made when somebody opens them."""
        name = self.opened
        if any(device["name"] == name for device in self.state["devices"]):
            self.tables = {name: tables_json(self._cluster, name)}

    def __repr__(self) -> str:
        return str(self._trace) if self._trace is not None else self._scene.text

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict[str, Any], dict[str, Any]]:
        live = super()._repr_mimebundle_()
        data = dict(live[0]) if live else {}
        still = Picture(self._scene, self._trace, repr(self))
        return {**data, **still.bundle()}, {}
