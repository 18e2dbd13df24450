"""What the API server would answer kubectl: the objects of each type, in the order of its lists, and how they are.

It only looks.  Changes go through the front door of the cluster, as everybody's do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from k8snet_course.kubectl.kinds import Form, form_of
from k8snet_course.kubectl.resources import Resource

if TYPE_CHECKING:
    from k8snet_course.api_server import ApiServer
    from k8snet_course.clock import Clock
    from k8snet_course.cluster import Cluster
    from k8snet_course.control_plane import ControlPlane


class Server:
    """The API server of one cluster, as kubectl sees it."""

    def __init__(self, cluster: Cluster, control: ControlPlane, api: ApiServer, settle: Callable[[], None]) -> None:
        self.cluster = cluster
        self.control = control
        self.api = api
        self.settle = settle
        """Lets the controllers do what is to be done, before anybody looks."""
        self.applied: dict[tuple[str, str], Mapping[str, Any]] = {}
        """By kind and key the manifest that was applied last, which the real one keeps in an annotation."""
        self._forms: dict[str, Form] = {}

    @property
    def clock(self) -> Clock:
        """The cluster's clock."""
        return self.control.clock

    def form(self, resource: Resource) -> Form:
        """How the objects of a type are listed and written."""
        found = self._forms.get(resource.plural)
        if found is None:
            found = self._forms[resource.plural] = form_of(resource)(self, resource)
        return found

    def objects(self, resource: Resource, namespace: str = "") -> list[Any]:
        """The objects of a type, by namespace and name; with ``namespace`` only those that lie in it."""
        form = self.form(resource)
        found: Iterable[Any] = form.all()
        if not resource.namespaced:
            return sorted(found, key=lambda one: one.name)
        if namespace:
            return sorted((one for one in found if one.namespace == namespace), key=lambda one: one.name)
        return sorted(found, key=lambda one: (one.namespace, one.name))

    def find(self, resource: Resource, name: str, namespace: str) -> Any:
        """The object of this name, or None."""
        return self.form(resource).find(name, namespace)

    def forget(self, kind: str, value: Any) -> None:
        """An object is gone, and with a namespace all that was in it: what was applied says nothing any more."""
        for place in list(self.applied):
            if place == (kind, value.key) or (kind == "Namespace" and place[1].startswith(f"{value.name}/")):
                del self.applied[place]

    def namespaces(self) -> tuple[str, ...]:
        """The names of the namespaces, in order."""
        return tuple(sorted(one.name for one in self.api.all("Namespace")))
