"""Ingresses: which Service answers an HTTP request, said by the request's host and path.

An Ingress here is valid: what the API server would refuse cannot be made.  It opens no port and routes nothing.  A controller
does (:mod:`k8snet_course.services.ingress`), which an IngressClass names; without one an Ingress has no effect.

Source: Kubernetes API reference, networking.k8s.io/v1 (Ingress, IngressClass); kubernetes pkg/apis/networking (validation).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from k8snet_course.errors import InvalidArgument, InvalidName
from k8snet_course.names import check_labels, dns_label, dns_subdomain, nearest
from k8snet_course.objects.network_policy import check_port, check_port_name

EXACT, PREFIX, IMPLEMENTATION_SPECIFIC = "Exact", "Prefix", "ImplementationSpecific"
PATH_TYPES = (EXACT, PREFIX, IMPLEMENTATION_SPECIFIC)
"""How a path is compared.  The third is left to the controller; ours takes it for Prefix."""

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""How an Ingress named its class before ``ingressClassName`` existed; deprecated."""

DEFAULT_CLASS_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
"""The annotation, with the value ``true``, of the class that Ingresses without one get."""

_CONTROLLER = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
_FORBIDDEN_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_FORBIDDEN_AT_END = ("/..", "/.")


@dataclass(frozen=True, slots=True)
class IngressClass:
    """A kind of Ingress, and the controller that serves it.  Raises InvalidArgument or InvalidName.

    >>> print(IngressClass("traefik", "traefik.io/ingress-controller", {DEFAULT_CLASS_ANNOTATION: "true"}))
    ingressclass traefik (default) of traefik.io/ingress-controller
    """

    name: str
    controller: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "IngressClass name")
        check_controller(self.controller, "controller", 250)
        check_labels(self.labels)

    @property
    def key(self) -> str:
        """Its name: a class stands in no namespace."""
        return self.name

    @property
    def default(self) -> bool:
        """Whether Ingresses that name no class get this one."""
        return self.annotations.get(DEFAULT_CLASS_ANNOTATION) == "true"

    def __str__(self) -> str:
        return f"ingressclass {self.name}{' (default)' if self.default else ''} of {self.controller}"


@dataclass(frozen=True, slots=True)
class IngressBackend:
    """Where requests go: a port of a Service of the Ingress's own namespace, by number or name; or a ``resource``.

    A resource is written ``kind/name``.  What it means is up to the controller.  Raises InvalidArgument or InvalidName.

        >>> print(IngressBackend("web", 80), IngressBackend("web", "http"), IngressBackend(resource="StorageBucket/icons"))
        web:80 web:http StorageBucket/icons
        >>> IngressBackend("web")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument 'web': expected a port number or port name of the Service; \
write port: {number: 80}.
    """

    service: str = ""
    port: int | str = 0
    resource: str = ""

    def __post_init__(self) -> None:
        if self.service and self.resource:
            raise InvalidArgument(f"{self.service} and {self.resource}", "a backend that is either a service or a resource",
                                  "leave one of them out")
        if self.resource:
            kind, _, name = self.resource.partition("/")
            if not kind or not name or "/" in name or "%" in self.resource:
                raise InvalidArgument(self.resource, "a resource as kind/name", "write 'StorageBucket/icons'")
            return
        if not self.service:
            raise InvalidArgument("{}", "a backend with a service or a resource", "write service: {name: web, port: ...}")
        dns_label(self.service, "Service name")
        if self.port in (0, ""):
            raise InvalidArgument(self.service, "a port number or port name of the Service", "write port: {number: 80}")
        if isinstance(self.port, str):
            check_port_name(self.port)
        else:
            check_port(self.port, "port")

    def __str__(self) -> str:
        return self.resource or f"{self.service}:{self.port}"


@dataclass(frozen=True, slots=True)
class HTTPIngressPath:
    """A path, how it is compared (``path_type`` must be given), and where requests to it go.  Paths are case-sensitive.

    Raises InvalidArgument.

        >>> print(HTTPIngressPath("/cart", "Prefix", IngressBackend("cart", 80)))
        Prefix /cart -> cart:80
        >>> HTTPIngressPath("cart", "Exact", IngressBackend("cart", 80))
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument 'cart': expected an absolute path, which begins with '/'; \
write '/cart'.
    """

    path: str
    path_type: str
    backend: IngressBackend

    def __post_init__(self) -> None:
        if self.path_type not in PATH_TYPES:
            raise InvalidArgument(self.path_type, f"a pathType: {', '.join(PATH_TYPES)}",
                                  f"write {nearest(self.path_type or PREFIX, PATH_TYPES)}")
        if self.path_type == IMPLEMENTATION_SPECIFIC:
            if self.path and not self.path.startswith("/"):
                raise InvalidArgument(self.path, "an absolute path, which begins with '/'", f"write '/{self.path}'")
        else:
            check_path(self.path)

    def __str__(self) -> str:
        return f"{self.path_type} {self.path or '/'} -> {self.backend}"


@dataclass(frozen=True, slots=True)
class IngressRule:
    """Paths under a host.  No host: all hosts.  ``*.`` before a host: exactly one label in its place.

    Without paths, requests to the host go to the Ingress's default backend.  Raises InvalidArgument or InvalidName.

        >>> print(IngressRule("*.shop.example.com", (HTTPIngressPath("/", "Prefix", IngressBackend("web", 80)),)))
        *.shop.example.com: Prefix / -> web:80
    """

    host: str = ""
    paths: tuple[HTTPIngressPath, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", tuple(self.paths))
        if self.host:
            check_host(self.host, "host")

    def __str__(self) -> str:
        return f"{self.host or '*'}: {', '.join(map(str, self.paths)) or 'the default backend'}"


@dataclass(frozen=True, slots=True)
class IngressTLS:
    """Hosts for which the controller ends TLS with the certificate of the Secret ``secret_name`` (type kubernetes.io/tls).

    No hosts: those of the rules.  Raises InvalidName.

        >>> print(IngressTLS(("shop.example.com",), "shop-tls"))
        shop.example.com with secret shop-tls
    """

    hosts: tuple[str, ...] = ()
    secret_name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", tuple(self.hosts))
        for host in self.hosts:
            check_host(host, "host in tls", address=True)
        if self.secret_name:
            dns_subdomain(self.secret_name, "secretName")

    def __str__(self) -> str:
        return f"{','.join(self.hosts) or '*'} with {f'secret {self.secret_name}' if self.secret_name else 'no secret'}"


@dataclass(frozen=True, slots=True)
class Ingress:
    """An Ingress.  It needs rules or a ``default_backend``, which gets what matches no rule.

    ``load_balancer_ips`` is the ADDRESS that the controller reports (status); it stays empty where no controller serves it.
    Raises InvalidArgument or InvalidName, as the API server refuses it.

        >>> print(Ingress("shop", ingress_class_name="traefik", default_backend=IngressBackend("web", 80)))
        ingress shop class traefik, else web:80
        >>> Ingress("shop")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument 'shop': expected an Ingress with rules or a defaultBackend; \
add one of them.
    """

    name: str
    namespace: str = "default"
    ingress_class_name: str = ""
    rules: tuple[IngressRule, ...] = ()
    default_backend: IngressBackend | None = None
    tls: tuple[IngressTLS, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "Ingress name")
        dns_label(self.namespace, "namespace")
        check_labels(self.labels)
        for name in ("rules", "tls", "load_balancer_ips"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.rules and self.default_backend is None:
            raise InvalidArgument(self.name, "an Ingress with rules or a defaultBackend", "add one of them")
        if self.ingress_class_name:
            dns_subdomain(self.ingress_class_name, "ingressClassName")
            if CLASS_ANNOTATION in self.annotations:
                raise InvalidArgument(self.annotations[CLASS_ANNOTATION], f"no annotation {CLASS_ANNOTATION} beside "
                                      "ingressClassName", "leave the annotation out; it is deprecated")

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    @property
    def class_name(self) -> str:
        """The class that it names, by the field or by the old annotation; empty where it names none.

        >>> Ingress("x", default_backend=IngressBackend("web", 80), annotations={CLASS_ANNOTATION: "nginx"}).class_name
        'nginx'
        """
        return self.ingress_class_name or self.annotations.get(CLASS_ANNOTATION, "")

    @property
    def hosts_column(self) -> str:
        """What kubectl's HOSTS column shows: three hosts at most, ``*`` for all.

        >>> Ingress("x", rules=[IngressRule(f"{letter}.example.com") for letter in "abcde"]).hosts_column
        'a.example.com,b.example.com,c.example.com + 2 more...'
        """
        hosts = [rule.host for rule in self.rules if rule.host]
        return ",".join(hosts[:3]) + (f" + {len(hosts) - 3} more..." if len(hosts) > 3 else "") or "*"

    @property
    def ports_column(self) -> str:
        """What kubectl's PORTS column shows."""
        return "80, 443" if self.tls else "80"

    def __str__(self) -> str:
        told = [f"ingress {self.label} class {self.class_name or '<none>'}", *map(str, self.rules)]
        return "; ".join(told) + (f", else {self.default_backend}" if self.default_backend else "")


def check_host(host: str, what: str, address: bool = False) -> None:
    """Refuse what is neither a DNS name nor one with ``*.`` before it; an IP address too, unless ``address``.

    Raises InvalidArgument or InvalidName.

        >>> check_host("*.example.com", "host")
        >>> check_host("10.0.0.1", "host")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument '10.0.0.1': expected a host that is a DNS name, not an IP \
address; leave the host out to match requests to the address.
    """
    if "*" in host and (not host.startswith("*.") or "*" in host[1:]):
        raise InvalidName(host, f"a {what} with '*' only as its whole first label", "write '*.example.com'")
    if not address and _is_address(host):
        raise InvalidArgument(host, f"a {what} that is a DNS name, not an IP address",
                              "leave the host out to match requests to the address")
    dns_subdomain(host.removeprefix("*."), what)


def check_path(path: str) -> None:
    """Refuse a path that could be read in two ways, or that is not absolute.  Raises InvalidArgument.

    >>> check_path("/cart/items")
    """
    if not path.startswith("/"):
        raise InvalidArgument(path, "an absolute path, which begins with '/'", f"write '/{path}'")
    for each in _FORBIDDEN_IN_PATHS:
        if each in path:
            raise InvalidArgument(path, f"a path without '{each}'", "write it plainly, such as '/cart/items'")
    for each in _FORBIDDEN_AT_END:
        if path.endswith(each):
            raise InvalidArgument(path, f"a path that does not end with '{each}'", "write it plainly, such as '/cart/items'")


def check_controller(name: str, what: str, longest: int) -> None:
    """Refuse what is no name of a controller: a domain, '/' and a path.  Raises InvalidArgument.

    >>> check_controller("traefik.io/ingress-controller", "controller", 250)
    """
    if len(name) > longest or not _CONTROLLER.fullmatch(name):
        raise InvalidArgument(name, f"a {what} with a domain before it, of at most {longest} characters",
                              "write 'example.com/controller'")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
