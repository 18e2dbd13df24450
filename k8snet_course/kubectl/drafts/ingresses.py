"""The manifest of an Ingress, from rules as a person types them: ``shop.example.com/cart*=cart:80,tls=shop-cert``.

Source: k8s.io/kubectl, pkg/cmd/create/create_ingress.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.drafts.pods import metadata

_RULE = re.compile(r"(?P<host>[\w*.-]*)(?P<path>/[^,=\n]*)=(?P<service>[\w-]+):(?P<port>[\w-]+)"
                   r"(,(?P<tls>tls)=?(?P<secret>[\w-]+)?)?")


def ingress(name: str, *, namespace: str = "", ingress_class: str = "", rules: Sequence[str] = (), default_backend: str = "",
            annotations: Sequence[str] = ()) -> dict[str, Any]:
    """What ``kubectl create ingress`` makes.  A path that ends in ``*`` is a prefix, any other is exact.  Raises Complaint.

    >>> made = ingress("shop", rules=["shop.example.com/*=web:80"])["spec"]["rules"]
    >>> made[0]["host"], made[0]["http"]["paths"][0]["pathType"], made[0]["http"]["paths"][0]["path"]
    ('shop.example.com', 'Prefix', '/')
    """
    if not rules and not default_backend:
        raise Complaint("error: not enough information provided: every ingress has to either specify a default-backend (which "
                        "catches all traffic) or a list of rules (which catch specific paths)",
                        'Write --rule="shop.example.com/*=web:80", for example.')
    found = [_read(rule) for rule in rules]
    head = metadata(name, {}, namespace)
    if annotations:
        head["annotations"] = dict(_annotation(each) for each in annotations)
    spec: dict[str, Any] = {"ingressClassName": ingress_class} if ingress_class else {}
    if default_backend:
        if default_backend.count(":") != 1:
            raise Complaint("error: default-backend should be in format servicename:serviceport")
        spec["defaultBackend"] = _backend(*default_backend.split(":"))
    tls = _tls(found)
    if tls:
        spec["tls"] = tls
    by_host: dict[str, list[dict[str, Any]]] = {}
    for rule in found:
        prefix = rule["path"].endswith("*")
        by_host.setdefault(rule["host"], []).append({
            "path": rule["path"].removesuffix("*") if prefix else rule["path"], "pathType": "Prefix" if prefix else "Exact",
            "backend": _backend(rule["service"], rule["port"])})
    if by_host:
        spec["rules"] = [({"host": host} if host else {}) | {"http": {"paths": paths}} for host, paths in by_host.items()]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": head, "spec": spec,
            "status": {"loadBalancer": {}}}


def _read(rule: str) -> re.Match[str]:
    found = _RULE.fullmatch(rule)
    if found is None:
        raise Complaint(f"error: rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]")
    return found


def _annotation(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise Complaint(f"error: annotation {text} is invalid and should be in format key=[value]")
    return key, value


def _backend(service: str, port: str) -> dict[str, Any]:
    return {"service": {"name": service, "port": {"number": int(port)} if port.isdecimal() else {"name": port}}}


def _tls(rules: Sequence[re.Match[str]]) -> list[dict[str, Any]]:
    """The hosts by their Secrets, each host once."""
    by_secret: dict[str, list[str]] = {}
    seen: set[str] = set()
    for rule in rules:
        secret = rule["secret"] or ""
        if rule["tls"] and rule["host"] not in seen:
            seen.add(rule["host"])
            if secret in by_secret:
                by_secret[secret].append(rule["host"])  # even where it is empty: the real one does so
            elif rule["host"] or secret:
                by_secret[secret] = [rule["host"]] if rule["host"] else []
    return [({"hosts": hosts} if hosts else {}) | ({"secretName": secret} if secret else {})
            for secret, hosts in by_secret.items()]
