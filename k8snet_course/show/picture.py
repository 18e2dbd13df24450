"""A still picture: a scene with a whole walk in it, as a notebook cell shows it.

It has two forms that say the same, SVG and text, and both are the same in every run, so a stored notebook can be
compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8snet_course.show.connections import ways
from k8snet_course.show.layout import layout
from k8snet_course.show.marks import Walked
from k8snet_course.show.scene import Scene
from k8snet_course.show.svg import svg

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.trace import Trace


@dataclass(frozen=True)
class Picture:
    """A scene, the walk in it if there is one, and the text that says the same."""

    scene: Scene
    trace: Trace | None
    text: str

    @property
    def svg(self) -> str:
        """The picture as SVG text, with its style sheet, title and description."""
        walks = [Walked.of_way(self.scene, way) for way in ways(self.trace)]
        return svg(self.scene, walks, described=str(self.trace) if self.trace is not None else "")

    def bundle(self) -> dict[str, str]:
        """The MIME types that a notebook stores."""
        return {"text/plain": self.text, "image/svg+xml": self.svg}

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **kwargs: object) -> dict[str, str]:
        return self.bundle()


def draw(cluster: Cluster, trace: Trace | None = None) -> Picture:
    """A still picture of a cluster, and of a packet's walk through it with all connections that follow.

    Its ``svg`` raises NotFound for a walk through another cluster.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend")
    >>> draw(cluster)
    node node-1 192.168.1.2, pods 10.244.0.0/24
      bridge cni0 10.244.0.1/24
      pod frontend 10.244.0.2, eth0 to veth... at cni0
    laptop 192.168.1.10/24
    router 192.168.1.1/24
    """
    scene = layout(cluster, trace)
    return Picture(scene, trace, str(trace) if trace is not None else scene.text)


def cluster_svg(cluster: Cluster) -> str:
    """The picture of a cluster as SVG text."""
    return draw(cluster).svg
