"""Views: everything that a learner sees of a computed network.

Views import the model, never the reverse, and each is imported when it is first used: a picture needs the standard
library alone, a table needs pandas, a widget needs anywidget.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8snet_course.show.lookup_steps import LookupSteps
    from k8snet_course.show.panel import Panel
    from k8snet_course.show.path_panel import PathPanel
    from k8snet_course.show.picture import draw
    from k8snet_course.show.pod_panel import PodPanel
    from k8snet_course.show.reach_matrix import ReachMatrix
    from k8snet_course.show.real_panel import RealPanel
    from k8snet_course.show.widgets import PacketWalk

_OWNERS = {"LookupSteps": "lookup_steps", "PacketWalk": "widgets", "Panel": "panel", "PathPanel": "path_panel",
           "PodPanel": "pod_panel", "ReachMatrix": "reach_matrix", "RealPanel": "real_panel", "draw": "picture"}

__all__ = ["LookupSteps", "PacketWalk", "Panel", "PathPanel", "PodPanel", "ReachMatrix", "RealPanel", "draw"]


def __getattr__(name: str) -> object:
    if name not in _OWNERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_OWNERS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
