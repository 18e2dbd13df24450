"""How an EndpointSlice is written: its Service is a label, and each endpoint's state stands under ``conditions``.

Source: Kubernetes API reference, discovery.k8s.io/v1 (EndpointSlice) and its validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snet_course.addressing.cidr import address
from k8snet_course.errors import InvalidAddress, InvalidManifest
from k8snet_course.manifests.checks import PORT, PROTOCOL, each_once
from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record, left_alone
from k8snet_course.manifests.scalars import Flag, Text
from k8snet_course.manifests.spot import Spot
from k8snet_course.names import dns_label, dns_subdomain
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice

SERVICE_NAME = "kubernetes.io/service-name"
"""The label that says to which Service a slice belongs."""


def endpoint_address(text: str) -> str:
    """The address, if an endpoint can have it: not one of loopback, of one link or of a group.  Raises InvalidAddress.

    >>> endpoint_address("10.244.0.2")
    '10.244.0.2'
    """
    found = address(text, "address of an endpoint")
    if found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast:
        raise InvalidAddress(text, "the address of an endpoint, not one of loopback, of one link or of a group (another node "
                             "could not reach it)", "write the address of a pod or of a machine")
    return text


def _endpoint(ready: bool = True, serving: bool | None = None, target: str = "", **rest: Any) -> Endpoint:
    """An endpoint; left out, ``serving`` is as ``ready``."""
    return Endpoint(ready=ready, serving=ready if serving is None else serving, target=target, **rest)


def _of_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    kept = ("addresses", "ready", "terminating", "node_name", "zone", "hostname", "target")
    return {name: getattr(endpoint, name) for name in kept} | {
        "serving": None if endpoint.serving == endpoint.ready else endpoint.serving}


def _target(name: str = "", namespace: str = "default", kind: str = "Pod") -> str:
    """The key of the pod that an endpoint stands for; of another kind there is none."""
    return f"{namespace}/{name}" if kind == "Pod" and name else ""


def _of_target(key: str) -> dict[str, Any]:
    namespace, _, name = key.rpartition("/")
    return {"kind": "Pod", "namespace": namespace, "name": name}


def _slice(name: str, namespace: str = "default", labels: Mapping[str, str] | None = None, **rest: Any) -> EndpointSlice:
    """A slice; of its labels the one that names its Service is kept."""
    return EndpointSlice(name, namespace, (labels or {}).get(SERVICE_NAME, ""), **rest)


def _of_slice(one: EndpointSlice) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("name", "namespace", "address_type", "endpoints", "ports")} | {
        "labels": {SERVICE_NAME: one.service} if one.service else None}


_HOST = Text(check=lambda name: dns_subdomain(name, "address of type FQDN"))
_ADDRESS = Text(check=endpoint_address)


def _of_one_family(one: EndpointSlice, spot: Spot) -> None:
    """Every address is of the slice's type."""
    versions = {"IPv4": 4, "IPv6": 6}
    for number, endpoint in enumerate(one.endpoints):
        for place, text in enumerate(endpoint.addresses):
            here = spot.at("endpoints", number, "addresses", place)
            if one.address_type == "FQDN":
                _HOST.read(here)
                continue
            _ADDRESS.read(here)
            if address(text).version != versions[one.address_type]:
                raise here.wrong(f"an {one.address_type} address, as addressType says (a slice has one IP family)",
                                 "write another slice for it")
    each_once(spot.at("ports"), [(port.name,) for port in one.ports], "name", "a name of its own")


_ENDPOINT = Record(_endpoint, (
    Field("addresses", ListOf(Text(), least=1, most=100), "addresses", required=True),
    Field("conditions", Group((
        Field("ready", Flag(), "ready"),
        Field("serving", Flag(), "serving"),
        Field("terminating", Flag(), "terminating"),
    ))),
    Field("hostname", Text(check=lambda name: dns_label(name, "host name")), "hostname"),
    Field("nodeName", Text(check=lambda name: dns_subdomain(name, "node name")), "node_name"),
    Field("targetRef", Record(_target, (
        Field("kind", Text(), "kind", required=True),
        Field("namespace", Text(), "namespace", required=True),
        Field("name", Text(), "name", required=True),
        *left_alone("apiVersion", "fieldPath", "resourceVersion", "uid"),
    ), take=_of_target), "target"),
    Field("zone", Text(), "zone"),
    *left_alone("deprecatedTopology", "hints"),
), take=_of_endpoint, of=Endpoint)

_PORT = Record(EndpointPort, (
    Field("name", Text(check=lambda name: name and dns_label(name, "port name")), "name"),
    Field("protocol", PROTOCOL, "protocol"),
    Field("port", PORT, "port", required=True),
    *left_alone("appProtocol"),
))

ENDPOINT_SLICE = Record(_slice, (
    *HEAD, metadata("EndpointSlice name", ("labels",)),
    Field("addressType", Text(choices=("IPv4", "IPv6", "FQDN")), "address_type", required=True),
    Field("ports", ListOf(_PORT, most=100), "ports"),
    Field("endpoints", ListOf(_ENDPOINT, most=1000), "endpoints", required=True),
), rules=(_of_one_family,), take=_of_slice, of=EndpointSlice)


def updated(present: EndpointSlice, wanted: EndpointSlice) -> EndpointSlice:
    """The slice to hold: what is wanted.  Raises InvalidManifest for another address type.

    >>> print(updated(EndpointSlice("a", "default", "web"), EndpointSlice("a", "default", "db")))
    endpointslice a of db: IPv4 no endpoints ports none
    """
    if present.address_type != wanted.address_type:
        raise InvalidManifest(f"addressType {wanted.address_type}", f"endpointslice {present.name} to keep its addressType "
                              f"{present.address_type} for its lifetime", "write another slice")
    return wanted
