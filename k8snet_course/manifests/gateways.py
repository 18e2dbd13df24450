"""How GatewayClasses, Gateways and ReferenceGrants are written.

Source: kubernetes-sigs/gateway-api 1.6, gateway.networking.k8s.io/v1 (GatewayClass, Gateway, ReferenceGrant).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from k8snet_course.errors import InvalidManifest
from k8snet_course.manifests.checks import PORT
from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record, left_alone
from k8snet_course.manifests.scalars import Refused, Shown, Text
from k8snet_course.manifests.selectors import SELECTOR
from k8snet_course.objects.gateway import (
    FROM,
    MOST_LISTENERS,
    AllowedRoutes,
    Gateway,
    GatewayClass,
    Listener,
    ReferenceGrant,
    ReferenceGrantFrom,
    ReferenceGrantTo,
)
from k8snet_course.objects.ingress import check_controller

GATEWAY_CLASS = Record(GatewayClass, (
    *HEAD, metadata("GatewayClass name", namespaced=False), Field("spec", Group((
        Field("controllerName", Text(check=lambda name: check_controller(name, "controllerName", 253)), "controller_name",
              required=True),
        *left_alone("description", "parametersRef"),
    )), required=True), *left_alone("status"),
))


def _secret(name: str, namespace: str = "", kind: str = "Secret") -> str:
    """A reference to a Secret as the listener keeps it: its name, after its namespace where that is another."""
    return f"{namespace}/{name}" if namespace else name


def _of_secret(reference: str) -> dict[str, str]:
    namespace, _, name = reference.rpartition("/")
    return {"name": name, "namespace": namespace, "kind": "Secret"}


def _kind(kind: str) -> str:
    """A kind of route that may attach; HTTPRoute is the only one here, so it need not be remembered."""
    return kind


_ALLOWED = Record(AllowedRoutes, (
    Field("namespaces", Group((
        Field("from", Text(choices=FROM), "from_"),
        Field("selector", SELECTOR, "selector"),
    ))),
    Field("kinds", ListOf(Record(_kind, (
        *left_alone("group"),
        Field("kind", Text(choices=("HTTPRoute",)), "kind", required=True),
    )))),
))

_LISTENER = Record(Listener, (
    Field("name", Text(), "name", required=True),
    Field("hostname", Text(), "hostname"),
    Field("port", PORT, "port", required=True),
    Field("protocol", Text(), "protocol", required=True),
    Field("tls", Group((
        Field("mode", Text(choices=("Terminate",))),
        Field("certificateRefs", ListOf(Record(_secret, (
            *left_alone("group"),
            Field("kind", Text(choices=("Secret",)), "kind"),
            Field("name", Text(), "name", required=True),
            Field("namespace", Text(), "namespace"),
        ), take=_of_secret)), "certificate_refs"),
        *left_alone("options"),
    ))),
    Field("allowedRoutes", _ALLOWED, "allowed_routes"),
))


def _attributes(gateway: Gateway) -> dict[str, Any]:
    kept = ("name", "namespace", "labels", "annotations", "gateway_class_name", "listeners")
    addresses = [{"type": "IPAddress", "value": one} for one in gateway.addresses]
    return {name: getattr(gateway, name) for name in kept} | {"status": {"addresses": addresses} if addresses else None}


GATEWAY = Record(Gateway, (
    *HEAD, metadata("Gateway name"), Field("spec", Group((
        Field("gatewayClassName", Text(), "gateway_class_name", required=True),
        Field("listeners", ListOf(_LISTENER, 1, MOST_LISTENERS), "listeners", required=True),
        Field("addresses", Refused("leave it out: the controller chooses the addresses")),
        Field("allowedListeners", Refused()),
        Field("tls", Refused()),
        *left_alone("defaultScope", "infrastructure"),
    )), required=True), Field("status", Shown(), "status"),
), take=_attributes)


def _grant(name: str, namespace: str = "default", **rest: Any) -> ReferenceGrant:
    return ReferenceGrant(name, namespace, **rest)


REFERENCE_GRANT = Record(_grant, (
    *HEAD, metadata("ReferenceGrant name"), Field("spec", Group((
        Field("from", ListOf(Record(ReferenceGrantFrom, (
            Field("group", Text(), "group", required=True),
            Field("kind", Text(), "kind", required=True),
            Field("namespace", Text(), "namespace", required=True),
        ))), "from_", required=True),
        Field("to", ListOf(Record(ReferenceGrantTo, (
            Field("group", Text(), "group", required=True),
            Field("kind", Text(), "kind", required=True),
            Field("name", Text(), "name"),
        ))), "to", required=True),
    )), required=True),
), of=ReferenceGrant)


def updated(present: Gateway, wanted: Gateway) -> Gateway:
    """The Gateway to hold: what is wanted, with the addresses that its controller has reported.

    >>> held = Gateway("edge", "envoy", (Listener("web", 80),), addresses=("198.51.100.7",))
    >>> updated(held, Gateway("edge", "envoy", (Listener("web", 8080),))).addresses
    ('198.51.100.7',)
    """
    return replace(wanted, addresses=present.addresses)


def class_updated(present: GatewayClass, wanted: GatewayClass) -> GatewayClass:
    """The class to hold: what is wanted.  Raises InvalidManifest for another controller."""
    if present.controller_name != wanted.controller_name:
        raise InvalidManifest(f"the controllerName {wanted.controller_name}", f"gatewayclass {present.name} to keep its "
                              f"controllerName {present.controller_name} for its lifetime", "write another GatewayClass")
    return wanted
