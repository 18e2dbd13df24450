"""What every type of object has in kubectl's eyes: columns, fields to select by, the object as the API serves it.

The modules of this package each have one class on :class:`Form`; what they do not say, stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from k8snet_course.entrances import with_status
from k8snet_course.kubectl import human
from k8snet_course.kubectl.resources import Resource
from k8snet_course.manifests import as_dict

if TYPE_CHECKING:
    from k8snet_course.kubectl.server import Server

NONE = "<none>"


class Form:
    """How the objects of one type are listed and written.  ``columns`` is what ``get`` prints, ``wide`` what -o wide adds.

    ``fields`` are those by which ``--field-selector`` can select, beside metadata.name and metadata.namespace.
    """

    columns: ClassVar[tuple[str, ...]] = ("NAME", "AGE")
    wide: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[Mapping[str, Callable[[Any, Any], str]]] = {}

    def __init__(self, server: Server, resource: Resource) -> None:
        self.server = server
        self.resource = resource

    # -- which there are -----------------------------------------------------------------------------------------------

    def all(self) -> Iterable[Any]:
        """The objects, in any order, with their status."""
        return with_status(self.server.api, self.server.api.all(self.resource.kind))

    def find(self, name: str, namespace: str) -> Any:
        """The object of this name, or None."""
        found = self.server.api.find(self.resource.kind, f"{namespace}/{name}" if self.resource.namespaced else name)
        return found if found is None else with_status(self.server.api, (found,))[0]

    def labels(self, value: Any) -> Mapping[str, str]:
        """The object's labels."""
        found: Mapping[str, str] = value.labels
        return found

    def annotations(self, value: Any) -> Mapping[str, str]:
        """The object's annotations."""
        found: Mapping[str, str] = value.annotations
        return found

    def born(self, value: Any) -> int:
        """When the object was made, on the cluster's clock."""
        return self.server.clock.born(self.resource.kind, value.key)

    def age(self, value: Any) -> str:
        """How old the object is, as the column AGE shows it."""
        return human.age(self.server.clock.now - self.born(value))

    # -- how it is listed ----------------------------------------------------------------------------------------------

    def cells(self, value: Any) -> tuple[str, ...]:
        """What stands under ``columns``."""
        return (value.name, self.age(value))

    def more(self, value: Any) -> tuple[str, ...]:
        """What stands under ``wide``."""
        return ()

    def widened(self, value: Any, cells: tuple[str, ...]) -> tuple[str, ...]:
        """What stands under ``columns`` with -o wide, where that is not the same."""
        return cells

    # -- how it is written ---------------------------------------------------------------------------------------------

    def served(self, value: Any) -> dict[str, Any]:
        """The object as the API serves it: the manifest, what the server filled in, and the status; keys in order.

        A uid, a resourceVersion and managedFields are left out: nothing in the model has to do with them.
        """
        found = self.manifest(value)
        metadata = found.setdefault("metadata", {})
        metadata["creationTimestamp"] = human.timestamp(self.born(value))
        if self.resource.namespaced:
            metadata["namespace"] = value.namespace
        for name, held in (("labels", self.labels(value)), ("annotations", self.annotations(value))):
            if held:
                metadata[name] = dict(held)
        self.fill(value, found)
        ordered: dict[str, Any] = in_order(found)
        return ordered

    def manifest(self, value: Any) -> dict[str, Any]:
        """The manifest that asks for the object."""
        return as_dict(value)

    def fill(self, value: Any, served: dict[str, Any]) -> None:
        """Add to the manifest what the server fills in, and the status."""

    def describe(self, value: Any) -> str:
        """What ``describe`` tells about the object."""
        raise NotImplementedError(self.resource.kind)


def in_order(value: Any) -> Any:
    """A plain value with the keys of its maps in order, as kubectl prints them.

    >>> in_order({"b": [{"d": 1, "c": 2}], "a": 0})
    {'a': 0, 'b': [{'c': 2, 'd': 1}]}
    """
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(each) for each in value] if isinstance(value, list) else value


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels in one cell, by their keys.

    >>> labels_text({"tier": "db", "app": "web"}), labels_text({})
    ('app=web,tier=db', '<none>')
    """
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or NONE
