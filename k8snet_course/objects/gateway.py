"""Gateways: where HTTP requests come into the cluster, and which namespaces may attach routes there.

The three people of the Gateway API have an object each: the provider a GatewayClass, the cluster's operator a Gateway, the
application's developer an HTTPRoute (:mod:`k8snet_course.objects.http_route`).  A ReferenceGrant lets routes of one namespace
use Services of another.  What the API server would refuse cannot be made.  Nothing is routed here: that is
:mod:`k8snet_course.services.gateway`.

Source: kubernetes-sigs/gateway-api 1.6, gateway.networking.k8s.io/v1 (GatewayClass, Gateway, ReferenceGrant).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.errors import InvalidArgument
from k8snet_course.names import check_labels, dns_label, dns_subdomain, nearest
from k8snet_course.objects.ingress import check_controller, check_host
from k8snet_course.objects.network_policy import check_port
from k8snet_course.objects.selector import LabelSelector

GROUP = "gateway.networking.k8s.io"
"""The API group of all objects of the Gateway API."""

HTTP, HTTPS, TLS, TCP, UDP = "HTTP", "HTTPS", "TLS", "TCP", "UDP"
PROTOCOLS = (HTTP, HTTPS, TLS, TCP, UDP)
"""What a listener may speak.  HTTPRoutes attach to the first two."""

SAME, ALL, SELECTOR, NONE = "Same", "All", "Selector", "None"
FROM = (SAME, ALL, SELECTOR, NONE)
"""From which namespaces a listener takes routes."""

MOST_LISTENERS = 64


@dataclass(frozen=True, slots=True)
class GatewayClass:
    """A kind of Gateway, and the controller that makes it work.  Raises InvalidArgument or InvalidName.

    >>> print(GatewayClass("envoy", "gateway.envoyproxy.io/gatewayclass-controller"))
    gatewayclass envoy of gateway.envoyproxy.io/gatewayclass-controller
    """

    name: str
    controller_name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "GatewayClass name")
        check_controller(self.controller_name, "controllerName", 253)
        check_labels(self.labels)

    @property
    def key(self) -> str:
        """Its name: a class stands in no namespace."""
        return self.name

    def __str__(self) -> str:
        return f"gatewayclass {self.name} of {self.controller_name}"


@dataclass(frozen=True, slots=True)
class AllowedRoutes:
    """Which namespaces' routes a listener takes: those of its own (Same), of All, of those a Selector selects, of None.

    Raises InvalidArgument.

        >>> print(AllowedRoutes(), "|", AllowedRoutes("Selector", LabelSelector({"team": "a"})))
        from Same | from Selector team=a
    """

    from_: str = SAME
    selector: LabelSelector | None = None

    def __post_init__(self) -> None:
        if self.from_ not in FROM:
            raise InvalidArgument(self.from_, f"namespaces from {', '.join(FROM)}", f"write {nearest(self.from_, FROM)}")
        if self.from_ == SELECTOR and self.selector is None:
            raise InvalidArgument(self.from_, "a selector beside 'from: Selector'", "write selector: {matchLabels: {...}}")

    def __str__(self) -> str:
        return f"from {self.from_}" + (f" {self.selector}" if self.from_ == SELECTOR else "")


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of a Gateway, for one host name or (empty) for all.  ``*.`` before it means one or more labels.

    ``certificate_refs`` are the Secrets with the certificates that an HTTPS listener shows: ``name`` or ``namespace/name``.
    Protocols are known in any case and kept in upper case.  Raises InvalidArgument or InvalidName.

        >>> print(Listener("web", 80, hostname="*.example.com"))
        listener web HTTP 80 *.example.com from Same
        >>> Listener("db", 5432, "TCP", "db.example.com")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument 'db.example.com': expected no hostname in a listener of \
protocol TCP, which knows no host names; leave it out, or write protocol: HTTP.
    """

    name: str
    port: int
    protocol: str = HTTP
    hostname: str = ""
    allowed_routes: AllowedRoutes = field(default_factory=AllowedRoutes)
    certificate_refs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "listener name")
        check_port(self.port, "port")
        protocol = str(self.protocol).upper()
        if protocol not in PROTOCOLS:
            raise InvalidArgument(self.protocol, f"a protocol: {', '.join(PROTOCOLS)}", f"write {nearest(protocol, PROTOCOLS)}")
        object.__setattr__(self, "protocol", protocol)
        object.__setattr__(self, "certificate_refs", tuple(self.certificate_refs))
        if self.hostname:
            check_host(self.hostname, "hostname")
            if protocol in (TCP, UDP):
                raise InvalidArgument(self.hostname, f"no hostname in a listener of protocol {protocol}, which knows no host "
                                      "names", "leave it out, or write protocol: HTTP")
        if self.certificate_refs and protocol not in (HTTPS, TLS):
            raise InvalidArgument(self.certificate_refs[0], f"no tls in a listener of protocol {protocol}",
                                  "leave it out, or write protocol: HTTPS")

    def __str__(self) -> str:
        return " ".join(filter(None, (f"listener {self.name} {self.protocol} {self.port}", self.hostname,
                                      str(self.allowed_routes))))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A Gateway: at least one listener, on every one of its ``addresses`` (status).

    Listeners differ in name, and in port, protocol or hostname.  Raises InvalidArgument or InvalidName.

        >>> print(Gateway("edge", "envoy", (Listener("web", 80),), "infra"))
        gateway infra/edge class envoy: listener web HTTP 80 from Same
    """

    name: str
    gateway_class_name: str
    listeners: tuple[Listener, ...]
    namespace: str = "default"
    addresses: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "Gateway name")
        dns_label(self.namespace, "namespace")
        dns_subdomain(self.gateway_class_name, "gatewayClassName")
        check_labels(self.labels)
        object.__setattr__(self, "listeners", tuple(self.listeners))
        object.__setattr__(self, "addresses", tuple(self.addresses))
        if not 1 <= len(self.listeners) <= MOST_LISTENERS:
            raise InvalidArgument(len(self.listeners), f"1 to {MOST_LISTENERS} listeners",
                                  "write listeners: [{name: http, port: 80, protocol: HTTP}]")
        names: dict[str, Listener] = {}
        places: dict[tuple[int, str, str], Listener] = {}
        for listener in self.listeners:
            if names.setdefault(listener.name, listener) is not listener:
                raise InvalidArgument(listener.name, "listeners of different names", "rename one of them")
            place = (listener.port, listener.protocol, listener.hostname)
            if places.setdefault(place, listener) is not listener:
                raise InvalidArgument(listener.name, "another port, protocol or hostname than that of the listener "
                                      f"{places[place].name}", "change one of the three, or take one listener out")

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    def __str__(self) -> str:
        return f"gateway {self.label} class {self.gateway_class_name}: {'; '.join(map(str, self.listeners))}"


@dataclass(frozen=True, slots=True)
class ReferenceGrantFrom:
    """Whose references are trusted: objects of a kind in a namespace.

    >>> print(ReferenceGrantFrom("shop"))
    HTTPRoutes of namespace shop
    """

    namespace: str
    kind: str = "HTTPRoute"
    group: str = GROUP

    def __post_init__(self) -> None:
        dns_label(self.namespace, "namespace")

    def __str__(self) -> str:
        return f"{self.kind}s of namespace {self.namespace}"


@dataclass(frozen=True, slots=True)
class ReferenceGrantTo:
    """What they may refer to: one object of the grant's own namespace, or (no name) all of the kind.

    >>> print(ReferenceGrantTo(), "|", ReferenceGrantTo("web"))
    all Services | Service web
    """

    name: str = ""
    kind: str = "Service"
    group: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else f"all {self.kind}s"


@dataclass(frozen=True, slots=True)
class ReferenceGrant:
    """A permission that the owner of a namespace gives: any of ``from_`` may refer to any of ``to``.

    Raises InvalidArgument or InvalidName.

        >>> print(ReferenceGrant("from-shop", "backends", (ReferenceGrantFrom("shop"),), (ReferenceGrantTo("web"),)))
        referencegrant backends/from-shop: HTTPRoutes of namespace shop may use Service web
    """

    name: str
    namespace: str
    from_: tuple[ReferenceGrantFrom, ...]
    to: tuple[ReferenceGrantTo, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "ReferenceGrant name")
        dns_label(self.namespace, "namespace")
        check_labels(self.labels)
        for name in ("from_", "to"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            if not 1 <= len(getattr(self, name)) <= 16:
                raise InvalidArgument(len(getattr(self, name)), f"1 to 16 elements in '{name.rstrip('_')}'",
                                      "add one, or split the grant in two")

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    def permits(self, from_kind: str, from_namespace: str, to_kind: str, to_namespace: str, to_name: str) -> bool:
        """Whether this grant lets an object of one namespace refer to an object of another.

        >>> grant = ReferenceGrant("g", "backends", (ReferenceGrantFrom("shop"),), (ReferenceGrantTo(),))
        >>> grant.permits("HTTPRoute", "shop", "Service", "backends", "web")
        True
        >>> grant.permits("HTTPRoute", "blog", "Service", "backends", "web")
        False
        """
        if self.namespace != to_namespace:
            return False
        return (any(each.namespace == from_namespace and each.kind == from_kind and each.group == GROUP for each in self.from_)
                and any(each.kind == to_kind and not each.group and each.name in ("", to_name) for each in self.to))

    def __str__(self) -> str:
        return (f"referencegrant {self.key}: {', '.join(map(str, self.from_))} may use {', '.join(map(str, self.to))}")
