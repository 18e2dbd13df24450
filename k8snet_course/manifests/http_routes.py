"""How an HTTPRoute is written.

Filters change a request or its answer, and timeouts end it; neither is modelled.  Filters are refused, because without them a
request would go another way; timeouts are left alone.

Source: kubernetes-sigs/gateway-api 1.6, gateway.networking.k8s.io/v1 (HTTPRoute).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from k8snet_course.errors import InvalidArgument
from k8snet_course.manifests.checks import PORT
from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record, left_alone
from k8snet_course.manifests.scalars import Number, Refused, Text
from k8snet_course.objects.gateway import GROUP
from k8snet_course.objects.http_route import (
    METHODS,
    MOST_WEIGHT,
    HTTPBackendRef,
    HTTPHeaderMatch,
    HTTPPathMatch,
    HTTPQueryParamMatch,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    ParentReference,
)


def _parent(group: str = GROUP, **rest: Any) -> ParentReference:
    """A parent.  Its kind says its group, so the group is not kept."""
    parent = ParentReference(**rest)
    wanted = "" if parent.kind == "Service" else GROUP
    if group != wanted:
        raise InvalidArgument(group, f"the group of a {parent.kind}, '{wanted}'", f"write group: {wanted or repr(wanted)}")
    return parent


def _of_parent(parent: ParentReference) -> dict[str, Any]:
    return {name: getattr(parent, name) for name in ("kind", "namespace", "name", "section_name", "port")} | {
        "group": "" if parent.kind == "Service" else GROUP}


def _backend(name: str, port: int = 0, kind: str = "Service", **rest: Any) -> HTTPBackendRef:
    if kind == "Service" and not port:
        raise InvalidArgument(name, "the field port beside the name of a Service", "add 'port: 80'")
    return HTTPBackendRef(name, port, kind=kind, **rest)


_PARENT = Record(_parent, (
    Field("group", Text(), "group"),
    Field("kind", Text(choices=("Gateway", "Service")), "kind"),
    Field("namespace", Text(), "namespace"),
    Field("name", Text(), "name", required=True),
    Field("sectionName", Text(), "section_name"),
    Field("port", PORT, "port"),
), take=_of_parent, of=ParentReference)

_BACKEND = Record(_backend, (
    Field("group", Text(), "group"),
    Field("kind", Text(), "kind"),
    Field("namespace", Text(), "namespace"),
    Field("name", Text(), "name", required=True),
    Field("port", PORT, "port"),
    Field("weight", Number(0, MOST_WEIGHT), "weight"),
    Field("filters", Refused()),
), of=HTTPBackendRef)


def _condition(made: type) -> ListOf:
    return ListOf(Record(made, (
        Field("type", Text(), "type"),
        Field("name", Text(), "name", required=True),
        Field("value", Text(), "value", required=True),
    )))


_MATCH = Record(HTTPRouteMatch, (
    Field("path", Record(HTTPPathMatch, (
        Field("type", Text(), "type", always=True),
        Field("value", Text(), "value", always=True),
    )), "path", always=True),
    Field("method", Text(choices=METHODS), "method"),
    Field("headers", _condition(HTTPHeaderMatch), "headers"),
    Field("queryParams", _condition(HTTPQueryParamMatch), "query_params"),
))

_RULE = Record(HTTPRouteRule, (
    Field("name", Text(), "name"),
    Field("matches", ListOf(_MATCH), "matches"),
    Field("backendRefs", ListOf(_BACKEND), "backend_refs"),
    Field("filters", Refused()),
    Field("retry", Refused()),
    Field("sessionPersistence", Refused()),
    *left_alone("timeouts"),
))

HTTP_ROUTE = Record(HTTPRoute, (
    *HEAD, metadata("HTTPRoute name"), Field("spec", Group((
        Field("parentRefs", ListOf(_PARENT), "parent_refs"),
        Field("hostnames", ListOf(Text()), "hostnames"),
        Field("rules", ListOf(_RULE), "rules"),
        *left_alone("useDefaultGateways"),
    )), required=True), *left_alone("status"),
))


def updated(present: HTTPRoute, wanted: HTTPRoute) -> HTTPRoute:
    """The route to hold: what is wanted, as old as the present one.

    >>> updated(HTTPRoute("a", created=7), HTTPRoute("a", hostnames=("shop.example.com",))).created
    7
    """
    return replace(wanted, created=present.created)
