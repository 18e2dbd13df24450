"""The manifests of Services: from flags alone, or for an object that is to be exposed.

Source: k8s.io/kubectl, pkg/cmd/create/create_service.go; pkg/generate/versioned/service.go (generator service/v2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.drafts.pods import labels_of, metadata
from k8snet_course.manifests.checks import port_name
from k8snet_course.objects.service import CLUSTER_IP, EXTERNAL_NAME, HEADLESS


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
    wanted = [(_number(each, "port"), "") for each in port.split(",")] if port else list(what.ports)
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


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= 65535):
        raise Complaint(f'error: "{text}" is not a valid {what} number', "A port is a number from 1 to 65535.")
    return int(text)


def _pair(text: str) -> tuple[int, int | str]:
    """A port and where it leads: the same number where nothing else is said."""
    first, _, second = text.partition(":")
    number = _number(first, "port")
    if not second:
        return number, number
    if second.isdecimal():
        return number, _number(second, "port")
    try:
        return number, port_name(second)
    except CourseError as wrong:
        raise Complaint(f"error: {second} is no port number, and no name of one", str(wrong)) from None
