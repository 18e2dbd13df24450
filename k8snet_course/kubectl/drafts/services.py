"""The manifests of Services: from flags alone, or for an object that is to be exposed.

Source: k8s.io/kubectl, pkg/cmd/create/create_service.go; pkg/generate/versioned/service.go (generator service/v2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.drafts.pods import labels_of, metadata
from k8snet_course.names import is_dns_subdomain
from k8snet_course.objects.service import CLUSTER_IP, EXTERNAL_NAME, HEADLESS

_LAST = 65535
_A_PORT = "A port is a number from 1 to 65535."


def service(name: str, kind: str, *, namespace: str = "", tcp: Sequence[str] = (), node_port: int = 0, cluster_ip: str = "",
            external_name: str = "") -> dict[str, Any]:
    """What ``kubectl create service`` makes.  ``tcp`` are pairs such as ``80:8080``.  Raises Complaint.

    >>> service("web", "ClusterIP", tcp=["80:8080"])["spec"]["ports"]
    [{'name': '80-8080', 'port': 80, 'protocol': 'TCP', 'targetPort': 8080}]
    """
    if cluster_ip == HEADLESS and kind != CLUSTER_IP:
        raise Complaint("error: ClusterIP=None can only be used with ClusterIP service type")
    if cluster_ip != HEADLESS and not tcp and kind != EXTERNAL_NAME:
        raise Complaint("error: at least one tcp port specifier must be provided", "Write --tcp=80:8080, for example.")
    if kind == EXTERNAL_NAME and not is_dns_subdomain(external_name):
        raise Complaint(f"error: invalid service external name {external_name}")
    labels = {"app": name}
    ports: list[dict[str, Any]] = []
    for text in tcp:
        number, target = _pair(text)
        port: dict[str, Any] = {"name": text.replace(":", "-"), "port": number, "protocol": "TCP", "targetPort": target}
        ports.append(port | ({"nodePort": node_port} if node_port else {}))
    spec: dict[str, Any] = {"type": kind, "selector": dict(labels)}
    if ports:
        spec["ports"] = ports
    if cluster_ip:
        spec["clusterIP"] = cluster_ip
    if external_name:
        spec["externalName"] = external_name
    return _service(metadata(name, labels, namespace), spec)


@dataclass(frozen=True, slots=True)
class Exposed:
    """What ``expose`` finds at an object: its selector, its labels, and its ports with their protocols."""

    name: str
    selector: Mapping[str, str]
    labels: Mapping[str, str]
    ports: tuple[tuple[int, str], ...] = ()


def exposing(what: Exposed, *, name: str = "", namespace: str = "", port: str = "", target_port: str = "", protocol: str = "",
             kind: str = "", selector: str = "", labels: str = "", cluster_ip: str = "", external_ip: str = "",
             session_affinity: str = "") -> dict[str, Any]:
    """What ``kubectl expose`` makes for an object.  Raises Complaint.

    >>> web = Exposed("web", {"run": "web"}, {"run": "web"}, ((80, "TCP"),))
    >>> exposing(web)["spec"]
    {'ports': [{'port': 80, 'protocol': 'TCP', 'targetPort': 80}], 'selector': {'run': 'web'}}
    """
    wanted = [(_number(each), "") for each in port.split(",")] if port else list(what.ports)
    if not wanted and cluster_ip != HEADLESS:
        raise Complaint("error: couldn't find port via --port flag or introspection\n"
                        "See 'kubectl expose -h' for help and examples", "Write --port=80, for example.")
    protocols = dict(what.ports)
    ports: list[dict[str, Any]] = []
    for place, (number, own) in enumerate(wanted, 1):
        named = {"name": f"port-{place}"} if len(wanted) > 1 else {}
        target: int | str = number if not target_port else int(target_port) if target_port.isdecimal() else target_port
        ports.append({**named, "port": number, "protocol": protocol or own or protocols.get(number, "TCP"),
                      "targetPort": target})
    spec: dict[str, Any] = {"ports": ports} if ports else {}
    spec["selector"] = labels_of(selector) if selector else dict(what.selector)
    more = {"type": kind, "clusterIP": cluster_ip, "sessionAffinity": session_affinity,
            "externalIPs": [external_ip] if external_ip else []}
    spec |= {field: value for field, value in more.items() if value}
    return _service(metadata(name or what.name, labels_of(labels) if labels else dict(what.labels), namespace), spec)


def _service(head: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": head, "spec": spec, "status": {"loadBalancer": {}}}


def _number(text: str) -> int:
    """The port of a Service, as a flag gives it.  Raises Complaint."""
    if not (text.isascii() and text.isdecimal()):
        raise Complaint(f'error: strconv.ParseUint: parsing "{text}": invalid syntax', _A_PORT)
    if int(text) > _LAST:
        raise Complaint(f'error: strconv.ParseUint: parsing "{text}": value out of range', _A_PORT)
    return int(text)


def _pair(text: str) -> tuple[int, int | str]:
    """A port and where it leads: the same number where nothing else is said.  Raises Complaint."""
    first, colon, second = text.partition(":")
    number = _number(first)
    if not colon:
        return number, number
    if re.fullmatch(r"[+-]?[0-9]+", second):
        if not 1 <= int(second) <= _LAST:
            raise Complaint(f"error: must be between 1 and {_LAST}, inclusive")
        return number, int(second)
    wrong = [words for words, bad in (
        ("must be no more than 15 characters", len(second) > 15),
        ("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)", not re.fullmatch("[-a-z0-9]+", second)),
        ("must contain at least one letter (a-z)", not re.search("[a-z]", second)),
        ("must not contain consecutive hyphens", "--" in second),
        ("must not begin or end with a hyphen", second.startswith("-") or second.endswith("-"))) if bad]
    if wrong:
        raise Complaint(f"error: {','.join(wrong)}", "The name of a port is one such as http.")
    return number, second
