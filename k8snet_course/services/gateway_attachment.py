"""Which HTTPRoutes attach to which listeners of a Gateway, and which references across namespaces are allowed.

An attachment needs both sides: the route names the Gateway (``parentRefs``), and a listener takes routes of the route's
namespace (``allowedRoutes``).  If both name hosts, these must overlap; only the overlap counts afterwards.  So a Gateway's
owner lets routes in, and a Service's owner lets them out to it, with a ReferenceGrant.

Source: kubernetes-sigs/gateway-api 1.6: "Hostnames", ParentReference, AllowedRoutes, ReferenceGrant, reasons of conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from k8snet_course.objects.gateway import ALL, HTTP, HTTPS, NONE, SAME, TLS, UDP, Gateway, Listener, ReferenceGrant
from k8snet_course.objects.http_route import HTTPBackendRef, HTTPRoute
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.service import Service
from k8snet_course.services.http import any_labels_match

ACCEPTED, NOT_ALLOWED, NO_MATCHING_HOSTNAME = "Accepted", "NotAllowedByListeners", "NoMatchingListenerHostname"
NO_MATCHING_PARENT, UNSUPPORTED_VALUE = "NoMatchingParent", "UnsupportedValue"
"""The reasons of a route's condition Accepted: the first is the good one."""

RESOLVED, NOT_PERMITTED, INVALID_KIND, NOT_FOUND = "ResolvedRefs", "RefNotPermitted", "InvalidKind", "BackendNotFound"
"""The reasons of a route's condition ResolvedRefs: the first is the good one."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What one listener says to a route: the ``reason`` is that of the condition Accepted.

    ``hostnames`` are pairs: the hosts that listener and route have in common, and the route's own name for them.  An empty
    one stands for all hosts.

        >>> print(Attachment("web", "NotAllowedByListeners", "it takes routes of namespace infra only"))
        listener web: NotAllowedByListeners, it takes routes of namespace infra only
    """

    listener: str
    reason: str
    why: str
    hostnames: tuple[tuple[str, str], ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the route is attached to this listener."""
        return self.reason == ACCEPTED

    def __str__(self) -> str:
        hosts = ",".join(host or "*" for host, _ in self.hostnames)
        return f"listener {self.listener}: {self.reason}, {self.why}" + (f" ({hosts})" if hosts else "")


def intersection(listener: str, route: str) -> str | None:
    """The hosts that two host names have in common, as a host name; empty means all hosts, None that there is none.

    >>> intersection("*.example.com", "www.example.com"), intersection("*.com", "*.example.com"), intersection("", "")
    ('www.example.com', '*.example.com', '')
    >>> print(intersection("*.example.com", "example.com"))
    None
    """
    if not listener or not route:
        return listener or route
    for wide, narrow in ((listener, route), (route, listener)):
        if wide == narrow or (wide.startswith("*.") and any_labels_match(wide, narrow.removeprefix("*"))):
            return narrow
    return None


def attachments(http_route: HTTPRoute, gateway: Gateway, namespaces: Mapping[str, Namespace]) -> tuple[Attachment, ...]:
    """What each listener of a Gateway that a route names says to the route; empty where it does not name the Gateway.

    ``namespaces`` are by name: a listener may select them by their labels.

        >>> from k8snet_course.objects.http_route import ParentReference
        >>> listeners = (Listener("web", 80, hostname="*.example.com"), Listener("db", 5432, "TCP"))
        >>> edge = Gateway("edge", "envoy", listeners, "infra")
        >>> shop = HTTPRoute("shop", "infra", (ParentReference("edge"),), ("www.example.com", "shop.org"))
        >>> print(*attachments(shop, edge, {}), sep="\\n")
        listener web: Accepted, it allows the route (www.example.com)
        listener db: NotAllowedByListeners, it speaks TCP, and an HTTPRoute needs HTTP or HTTPS
    """
    naming = [ref for ref in http_route.parent_refs if ref.kind == "Gateway" and ref.name == gateway.name
              and (ref.namespace or http_route.namespace) == gateway.namespace]
    found = [_attachment(http_route, gateway, listener, namespaces) for listener in gateway.listeners
             if any(ref.section_name in ("", listener.name) and ref.port in (0, listener.port) for ref in naming)]
    if naming and not found:
        wanted = ", ".join(str(ref) for ref in naming)
        found.append(Attachment("", NO_MATCHING_PARENT, f"the Gateway {gateway.key} has no such listener: {wanted}"))
    return tuple(found)


def accepted(found: Iterable[Attachment]) -> str:
    """The reason of the route's condition Accepted, from what the listeners said: one that takes it is enough.

    >>> accepted([Attachment("a", "NotAllowedByListeners", "..."), Attachment("b", "Accepted", "...")])
    'Accepted'
    """
    reasons = [each.reason for each in found]
    return next((reason for reason in (ACCEPTED, NO_MATCHING_HOSTNAME, *reasons) if reason in reasons), NO_MATCHING_PARENT)


def why_not_programmed(gateway: Gateway, listener: Listener, grants: Iterable[ReferenceGrant] = ()) -> str:
    """Why a listener takes no connections; empty where it does.

    On one port there can be HTTP, or HTTPS and TLS (told apart by host), or TCP; UDP has ports of its own.  Where two listeners
    are in each other's way, neither works.  An HTTPS listener needs a certificate, and a grant if that is in another namespace.

        >>> edge = Gateway("edge", "envoy", (Listener("a", 80), Listener("b", 80, "TCP"), Listener("c", 443, "HTTPS")))
        >>> [why_not_programmed(edge, listener) for listener in edge.listeners]
        ['listener b speaks TCP on the same port', 'listener a speaks HTTP on the same port', 'it has no certificate']
    """
    for other in gateway.listeners:
        if other.port == listener.port and not _share_a_port(other.protocol, listener.protocol):
            return f"listener {other.name} speaks {other.protocol} on the same port"
    if listener.protocol != HTTPS:
        return ""
    if not listener.certificate_refs:
        return "it has no certificate"
    grants = tuple(grants)
    for ref in listener.certificate_refs:
        namespace, _, name = certificate_key(gateway, ref).partition("/")
        if namespace != gateway.namespace and not any(
                grant.permits("Gateway", gateway.namespace, "Secret", namespace, name) for grant in grants):
            return (f"no ReferenceGrant of namespace {namespace} lets Gateways of namespace {gateway.namespace} "
                    f"use Secret {name}")
    return ""


def certificate_key(gateway: Gateway, ref: str) -> str:
    """The key of the Secret that a listener's ``certificate_refs`` name.

    >>> certificate_key(Gateway("edge", "envoy", (Listener("web", 80),), "infra"), "shop-tls")
    'infra/shop-tls'
    """
    return ref if "/" in ref else f"{gateway.namespace}/{ref}"


def resolve(http_route: HTTPRoute, ref: HTTPBackendRef, services: Mapping[str, Service],
            grants: Iterable[ReferenceGrant]) -> tuple[str, str]:
    """Whether a route's backend can be used: the reason of the condition ResolvedRefs, and a sentence on it.

    ``services`` are by key.  A Service of another namespace needs a ReferenceGrant there, whether it exists or not.

        >>> shop = HTTPRoute("shop", "shop")
        >>> resolve(shop, HTTPBackendRef("web", 80, "backends"), {}, [])
        ('RefNotPermitted', 'no ReferenceGrant of namespace backends lets HTTPRoutes of namespace shop use Service web')
    """
    namespace = ref.namespace or http_route.namespace
    if ref.kind != "Service" or ref.group:
        return INVALID_KIND, f"the controller knows no backend of kind {ref.kind}"
    if namespace != http_route.namespace and not any(
            grant.permits("HTTPRoute", http_route.namespace, ref.kind, namespace, ref.name) for grant in grants):
        return NOT_PERMITTED, (f"no ReferenceGrant of namespace {namespace} lets HTTPRoutes of namespace "
                               f"{http_route.namespace} use Service {ref.name}")
    service = services.get(f"{namespace}/{ref.name}")
    if service is None:
        return NOT_FOUND, f"there is no Service {namespace}/{ref.name}"
    if not any(port.port == ref.port and port.protocol == "TCP" for port in service.ports):
        return NOT_FOUND, f"the Service {service.key} has no TCP port {ref.port}"
    return RESOLVED, f"the Service {service.key} has the port {ref.port}"


def _attachment(http_route: HTTPRoute, gateway: Gateway, listener: Listener, namespaces: Mapping[str, Namespace]) -> Attachment:
    if listener.protocol not in (HTTP, HTTPS):
        return Attachment(listener.name, NOT_ALLOWED, f"it speaks {listener.protocol}, and an HTTPRoute needs HTTP or HTTPS")
    if not _takes(listener, gateway, http_route.namespace, namespaces):
        where = {SAME: f"of namespace {gateway.namespace} only", NONE: "of no namespace"}.get(
            listener.allowed_routes.from_, f"of namespaces with {listener.allowed_routes.selector} only")
        return Attachment(listener.name, NOT_ALLOWED, f"it takes routes {where}")
    pairs = [(intersection(listener.hostname, name), name) for name in http_route.hostnames or ("",)]
    hostnames = tuple((common, name) for common, name in pairs if common is not None)
    if not hostnames:
        return Attachment(listener.name, NO_MATCHING_HOSTNAME,
                          f"its host {listener.hostname} and the route's {','.join(http_route.hostnames)} do not overlap")
    if not any(rule.supported for rule in http_route.rules):
        return Attachment(listener.name, UNSUPPORTED_VALUE, "the controller knows no RegularExpression")
    return Attachment(listener.name, ACCEPTED, "it allows the route", hostnames)


def _share_a_port(one: str, other: str) -> bool:
    return one == other or {one, other} == {HTTPS, TLS} or UDP in (one, other)


def _takes(listener: Listener, gateway: Gateway, namespace: str, namespaces: Mapping[str, Namespace]) -> bool:
    allowed = listener.allowed_routes
    if allowed.from_ in (ALL, NONE):
        return allowed.from_ == ALL
    if allowed.from_ == SAME:
        return namespace == gateway.namespace
    labels = (namespaces.get(namespace) or Namespace(namespace)).labels
    return allowed.selector is not None and allowed.selector.matches(labels)
