"""What ``kubectl get --watch`` gives back: a reply that goes on following the cluster.

In a notebook it is a display that changes with every change of the cluster, by the same cell or by another one.  There is no
clock and no thread in it: the cluster tells it.  As text it is the table as it is at that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from k8snet_course.kubectl.reply import Reply

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster


class Watch(Reply):
    """A reply that is made again when the cluster has changed.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> watch = cluster.kubectl("get pods --watch")
    >>> _ = cluster.add_pod("web")
    >>> watch
    NAME   READY   STATUS    RESTARTS   AGE
    web    1/1     Running   0          0s
    >>> watch.stop()
    """

    __slots__ = ("__weakref__", "_cluster", "_make", "_now", "_widget")

    def __init__(self, cluster: Cluster, make: Callable[[], Reply]) -> None:
        first = make()
        super().__init__(first.out, first.err, first.code, first.value)
        for name, value in (("_cluster", cluster), ("_make", make), ("_now", first), ("_widget", None)):
            object.__setattr__(self, name, value)  # a reply is frozen; what follows the cluster is not
        cluster.followers.add(self)

    def refresh(self) -> None:
        """Make the reply again, and show it wherever this one is shown."""
        object.__setattr__(self, "_now", self._make())
        if self._widget is not None:
            self._widget.value = _preformatted(str(self))

    def stop(self) -> None:
        """Follow the cluster no longer: what is shown, stays."""
        self._cluster.followers.remove(self)

    def __str__(self) -> str:
        return str(self._now)

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """A widget where there is something to show it, and the text."""
        text = {"text/plain": str(self)}
        try:
            from ipywidgets import HTML
        except ImportError:
            return text
        if self._widget is None:
            object.__setattr__(self, "_widget", HTML(_preformatted(str(self))))
        found: dict[str, Any] = self._widget._repr_mimebundle_()
        return found | text

    _cluster: Cluster
    _make: Callable[[], Reply]
    _now: Reply
    _widget: Any


def _preformatted(text: str) -> str:
    """The text as HTML, letter by letter; in the colours of the notebook."""
    return f'<pre style="margin: 0; line-height: 1.3">{escape(text)}</pre>'
