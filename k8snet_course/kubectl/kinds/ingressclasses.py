"""IngressClasses as kubectl sees them.

Source: kubernetes pkg/printers (printIngressClass, with the mark of the default since 1.36); kubectl describe.
"""

from __future__ import annotations

from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import NONE, Form
from k8snet_course.objects.ingress import IngressClass


class IngressClassForm(Form):
    """How IngressClasses are listed and written."""

    columns = ("NAME", "CONTROLLER", "PARAMETERS", "AGE")

    def cells(self, one: IngressClass) -> tuple[str, ...]:
        """NAME, CONTROLLER, PARAMETERS, AGE."""
        return (f"{one.name}{' (default)' if one.default else ''}", one.controller, NONE, self.age(one))

    def describe(self, one: IngressClass) -> str:
        """The class and its controller."""
        text = f"Name:\t{one.name}\n" + tell.labels(one.labels) + tell.notes(one.annotations)
        return text + f"Controller:\t{one.controller}\n" + tell.NO_EVENTS


FORMS = {"ingressclasses": IngressClassForm}
