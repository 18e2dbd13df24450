"""What the controllers of the Gateway API say of its objects: the conditions in their status.

A controller is a pod (:mod:`k8snet_course.controllers`); where none runs, the conditions stay as the definition sets them at
first: Unknown.

Source: kubernetes-sigs/gateway-api, apis/v1 (conditions, their defaults and reasons).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8snet_course.controllers import gateway_controller, gateway_served
from k8snet_course.objects.gateway import Gateway, GatewayClass
from k8snet_course.objects.http_route import HTTPRoute
from k8snet_course.services.gateway_attachment import RESOLVED, accepted, attachments, resolve, why_not_programmed

if TYPE_CHECKING:
    from k8snet_course.api_server import ApiServer

_NEVER = "1970-01-01T00:00:00Z"
"""The moment that the definition gives to a condition of which nobody has said anything."""


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    """One condition.

    >>> condition("Accepted", "True", "Accepted", "it is served")["type"]
    'Accepted'
    """
    moment = {"lastTransitionTime": _NEVER} if status == "Unknown" else {}
    return {**moment, "message": message, "reason": reason, "status": status, "type": kind}


def _waiting(kind: str) -> dict[str, str]:
    return condition(kind, "Unknown", "Pending", "Waiting for controller")


def _served(api: ApiServer, gateway_class: str, gateway: str = "") -> str:
    """The controller that serves a class, if one of its pods runs; or one that was started for this Gateway alone."""
    found = api.find("GatewayClass", gateway_class)
    if found is None:
        return ""
    for pod in api.control.pods.values():
        if gateway_controller(pod) == found.controller_name or (gateway and gateway_served(pod) == gateway):
            return str(found.controller_name)
    return ""


def conditions_of_class(api: ApiServer, one: GatewayClass) -> list[dict[str, str]]:
    """The condition Accepted of a class."""
    if not _served(api, one.name):
        return [_waiting("Accepted")]
    return [condition("Accepted", "True", "Accepted", f"{one.controller_name} serves this class")]


def conditions_of_gateway(api: ApiServer, gateway: Gateway) -> list[dict[str, str]]:
    """The conditions Accepted and Programmed of a Gateway."""
    controller = _served(api, gateway.gateway_class_name, gateway.key)
    if not controller:
        return [_waiting("Accepted"), _waiting("Programmed")]
    grants = api.all("ReferenceGrant")
    problems = {listener.name: why_not_programmed(gateway, listener, grants) for listener in gateway.listeners}
    wrong = "; ".join(f"listener {name}: {why}" for name, why in problems.items() if why)
    works = not all(problems.values())
    reason = "Accepted" if not wrong else "ListenersNotValid"
    return [
        condition("Accepted", "True" if works else "False", reason, wrong or f"{controller} serves this Gateway"),
        condition("Programmed", "True" if works else "False", "Programmed" if works else "Invalid",
                  wrong or "its listeners take connections"),
    ]


def conditions_of_route(api: ApiServer, route: HTTPRoute) -> list[dict[str, Any]]:
    """What the controller of each Gateway that a route names says of the route."""
    namespaces = {one.name: one for one in api.all("Namespace")}
    grants = api.all("ReferenceGrant")
    refs = [resolve(route, ref, api.services.services, grants) for rule in route.rules for ref in rule.backend_refs]
    bad = next(((reason, why) for reason, why in refs if reason != RESOLVED), None)
    found = []
    for parent in route.parent_refs:
        key = f"{parent.namespace or route.namespace}/{parent.name}"
        gateway = api.find("Gateway", key) if parent.kind == "Gateway" else None
        controller = _served(api, gateway.gateway_class_name, key) if gateway is not None else ""
        if gateway is None or not controller:
            continue
        said = attachments(route, gateway, namespaces)
        reason = accepted(said)
        why = "; ".join(f"listener {each.listener}: {each.why}" if each.listener else each.why for each in said)
        more = {"namespace": parent.namespace, "sectionName": parent.section_name, "port": parent.port}
        named = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": parent.name,
                 **{name: value for name, value in more.items() if value}}
        found.append({"controllerName": controller, "parentRef": named, "conditions": [
            condition("Accepted", "True" if reason == "Accepted" else "False", reason, why),
            condition("ResolvedRefs", "False" if bad else "True", bad[0] if bad else RESOLVED,
                      bad[1] if bad else "every backend can be used"),
        ]})
    return found
