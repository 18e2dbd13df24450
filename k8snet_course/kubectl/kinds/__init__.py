"""How the objects of each type look to kubectl: a module a type, each with one :class:`Form`.

A form says which columns ``get`` prints, which fields ``--field-selector`` knows, what the API server adds to the manifest,
and what ``describe`` tells.  It decides nothing: everything is read off the objects and the cluster.
"""

from __future__ import annotations

from importlib import import_module

from k8snet_course.kubectl.kinds.form import Form
from k8snet_course.kubectl.resources import Resource

_MODULES = {
    "pods": "pods",
}
"""The type's plural, and the module of this package that has its form."""

__all__ = ["Form", "form_of"]


def form_of(resource: Resource) -> type[Form]:
    """The form of a type; one that has no module here has a name and an age."""
    if resource.plural not in _MODULES:
        return Form
    found: type[Form] = import_module(f"{__name__}.{_MODULES[resource.plural]}").FORM
    return found
