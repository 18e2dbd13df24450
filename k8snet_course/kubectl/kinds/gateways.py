"""GatewayClasses and Gateways as kubectl sees them.

Source: kubernetes-sigs/gateway-api, apis/v1 (printcolumn, the default conditions, reasons).
"""

from __future__ import annotations

from typing import Any

from k8snet_course.kubectl.kinds.custom import CustomForm
from k8snet_course.kubectl.kinds.serving import conditions_of_class, conditions_of_gateway
from k8snet_course.objects.gateway import Gateway, GatewayClass

_ACCEPTED, _PROGRAMMED = 0, 1


class GatewayClassForm(CustomForm):
    """How GatewayClasses are listed and written."""

    columns = ("NAME", "CONTROLLER", "ACCEPTED", "AGE")
    wide = ("DESCRIPTION",)

    def cells(self, one: GatewayClass) -> tuple[str, ...]:
        """NAME, CONTROLLER, ACCEPTED, AGE."""
        accepted = conditions_of_class(self.server.api, one)[_ACCEPTED]
        return (one.name, one.controller_name, str(accepted["status"]), self.age(one))

    def more(self, one: GatewayClass) -> tuple[str, ...]:
        """The description, which the model does not keep."""
        return ("",)

    def fill(self, one: GatewayClass, served: dict[str, Any]) -> None:
        """What the class's controller says."""
        served["status"] = {"conditions": conditions_of_class(self.server.api, one)}


class GatewayForm(CustomForm):
    """How Gateways are listed and written."""

    columns = ("NAME", "CLASS", "ADDRESS", "PROGRAMMED", "AGE")

    def cells(self, gateway: Gateway) -> tuple[str, ...]:
        """NAME, CLASS, ADDRESS, PROGRAMMED, AGE."""
        programmed = conditions_of_gateway(self.server.api, gateway)[_PROGRAMMED]
        return (gateway.name, gateway.gateway_class_name, gateway.addresses[0] if gateway.addresses else "",
                str(programmed["status"]), self.age(gateway))

    def fill(self, gateway: Gateway, served: dict[str, Any]) -> None:
        """What the definition's defaults fill in, and what the class's controller says."""
        for listener in served["spec"]["listeners"]:
            listener.setdefault("allowedRoutes", {}).setdefault("namespaces", {}).setdefault("from", "Same")
            for reference in listener.get("tls", {}).get("certificateRefs", ()):
                reference.setdefault("group", "")
                reference.setdefault("kind", "Secret")
        status = served.setdefault("status", {})
        status["conditions"] = conditions_of_gateway(self.server.api, gateway)


FORMS = {"gatewayclasses": GatewayClassForm, "gateways": GatewayForm}

