"""How Ingresses and IngressClasses are written.

Source: Kubernetes API reference, networking.k8s.io/v1 (Ingress, IngressClass).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from k8snet_course.errors import InvalidArgument, InvalidManifest
from k8snet_course.manifests.checks import PORT, port_name
from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record, left_alone
from k8snet_course.manifests.scalars import Shown, Text
from k8snet_course.objects.ingress import (
    PATH_TYPES,
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressRule,
    IngressTLS,
    check_controller,
)

INGRESS_CLASS = Record(IngressClass, (
    *HEAD, metadata("IngressClass name", namespaced=False), Field("spec", Group((
        Field("controller", Text(check=lambda name: check_controller(name, "controller", 250)), "controller", required=True),
        *left_alone("parameters"),
    )), required=True),
))


def _resource(kind: str, name: str) -> str:
    return f"{kind}/{name}"


def _of_resource(resource: str) -> dict[str, str]:
    kind, _, name = resource.partition("/")
    return {"kind": kind, "name": name}


def _backend(service: str = "", number: int = 0, named: str = "", resource: str = "") -> IngressBackend:
    if number and named:
        raise InvalidArgument(named, "a port with either a number or a name", "leave one of them out")
    return IngressBackend(service, number or named or 0, resource)


def _of_backend(backend: IngressBackend) -> dict[str, Any]:
    port = backend.port
    return {"service": backend.service or None, "resource": backend.resource or None,
            "number": port if isinstance(port, int) and port else None,
            "named": port if isinstance(port, str) and port else None}


BACKEND = Record(_backend, (
    Field("service", Group((
        Field("name", Text(), "service", required=True),
        Field("port", Group((Field("name", Text(check=port_name), "named"), Field("number", PORT, "number")))),
    ))),
    Field("resource", Record(_resource, (
        *left_alone("apiGroup"),
        Field("kind", Text(), "kind", required=True),
        Field("name", Text(), "name", required=True),
    ), take=_of_resource), "resource"),
), take=_of_backend)


def _path(path: str = "", **rest: Any) -> HTTPIngressPath:
    return HTTPIngressPath(path, **rest)


_PATH = Record(_path, (
    Field("path", Text(), "path"),
    Field("pathType", Text(choices=PATH_TYPES), "path_type", required=True),
    Field("backend", BACKEND, "backend", required=True),
), of=HTTPIngressPath)

_RULE = Record(IngressRule, (
    Field("host", Text(), "host"),
    Field("http", Group((Field("paths", ListOf(_PATH, least=1), "paths"),))),
))


def _attributes(ingress: Ingress) -> dict[str, Any]:
    kept = ("name", "namespace", "labels", "annotations", "ingress_class_name", "default_backend", "tls", "rules")
    ips = [{"ip": one} for one in ingress.load_balancer_ips]
    return {name: getattr(ingress, name) for name in kept} | {"status": {"loadBalancer": {"ingress": ips}} if ips else None}


INGRESS = Record(Ingress, (
    *HEAD, metadata("Ingress name"), Field("spec", Group((
        Field("ingressClassName", Text(), "ingress_class_name"),
        Field("defaultBackend", BACKEND, "default_backend"),
        Field("tls", ListOf(Record(IngressTLS, (
            Field("hosts", ListOf(Text()), "hosts"),
            Field("secretName", Text(), "secret_name"),
        ))), "tls"),
        Field("rules", ListOf(_RULE), "rules"),
    )), required=True), Field("status", Shown(), "status"),
), take=_attributes)


def updated(present: Ingress, wanted: Ingress) -> Ingress:
    """The Ingress to hold: what is wanted, with the addresses that its controller has reported and the class that it has got.

    >>> backend = IngressBackend("web", 80)
    >>> held = Ingress("a", default_backend=backend, load_balancer_ips=("198.51.100.7",))
    >>> updated(held, Ingress("a", default_backend=IngressBackend("web", 81))).load_balancer_ips
    ('198.51.100.7',)
    """
    chosen = wanted.ingress_class_name if wanted.class_name else present.ingress_class_name
    return replace(wanted, load_balancer_ips=present.load_balancer_ips, ingress_class_name=chosen)


def class_updated(present: IngressClass, wanted: IngressClass) -> IngressClass:
    """The class to hold: what is wanted.  Raises InvalidManifest for another controller."""
    if present.controller != wanted.controller:
        raise InvalidManifest(f"the controller {wanted.controller}", f"ingressclass {present.name} to keep its controller "
                              f"{present.controller} for its lifetime", "write another IngressClass")
    return wanted
