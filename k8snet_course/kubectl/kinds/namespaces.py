"""Namespaces as kubectl sees them.

Source: kubernetes pkg/printers (printNamespace); kubectl describe (describeNamespace).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import Form
from k8snet_course.objects.namespace import Namespace


class NamespaceForm(Form):
    """How namespaces are listed and written."""

    columns = ("NAME", "STATUS", "AGE")
    fields: ClassVar[Mapping[str, Callable[[Any, Any], str]]] = {"status.phase": lambda form, one: "Active"}

    def cells(self, one: Namespace) -> tuple[str, ...]:
        """NAME, STATUS, AGE."""
        return (one.name, "Active", self.age(one))

    def fill(self, one: Namespace, served: dict[str, Any]) -> None:
        """What the server fills in."""
        served["spec"] = {"finalizers": ["kubernetes"]}
        served["status"] = {"phase": "Active"}

    def describe(self, one: Namespace) -> str:
        """The namespace; it has no quota here."""
        text = f"Name:\t{one.name}\n" + tell.labels(one.labels) + tell.notes(one.annotations)
        return text + "Status:\tActive\n\nNo resource quota.\n\nNo LimitRange resource.\n"


FORMS = {"namespaces": NamespaceForm}
