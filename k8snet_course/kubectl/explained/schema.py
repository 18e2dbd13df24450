"""The manifests' tables as a tree of named types: what a field is called, what it holds, and what it is for.

The tables know no names of types, so those that are not the names of classes stand here.

Source: Kubernetes API reference, whose names of types these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from k8snet_course.kubectl.explained import core, policies, routing
from k8snet_course.manifests import KINDS
from k8snet_course.manifests.records import Field, Group, ListOf, Record
from k8snet_course.manifests.scalars import Flag, Ignored, Number, NumberOrText, Refused, Shown, Text, Texts, Type

TEXTS = {**core.TEXTS, **policies.TEXTS, **routing.TEXTS}
"""A text for each type, and for each field as ``Type.field``."""
HEAD = {
    "apiVersion": "The group and version of the API that the manifest is written for.",
    "kind": "What the object is.",
    "metadata": TEXTS["ObjectMeta"],
}
"""The fields that are the same in every kind."""
LEFT_ALONE = "The course accepts this field and leaves it alone: it changes nothing in its network."
NOT_HERE = "Kubernetes has this field and the course does not: a manifest with it is refused."

_TYPES = {
    "PodTemplateSpec.spec": "PodSpec", "PodSpec.dnsConfig": "PodDNSConfig", "PodDNSConfig.options": "PodDNSConfigOption",
    "DeploymentSpec.template": "PodTemplateSpec", "ReplicaSetSpec.template": "PodTemplateSpec",
    "ServiceSpec.sessionAffinityConfig": "SessionAffinityConfig", "SessionAffinityConfig.clientIP": "ClientIPConfig",
    "Endpoint.conditions": "EndpointConditions", "Endpoint.targetRef": "ObjectReference",
    "NetworkPolicySpec.ingress": "NetworkPolicyIngressRule", "NetworkPolicySpec.egress": "NetworkPolicyEgressRule",
    "ClusterNetworkPolicyRule.protocols": "ClusterNetworkPolicyProtocol",
    "ClusterNetworkPolicyProtocol.tcp": "DestinationPort", "ClusterNetworkPolicyProtocol.udp": "DestinationPort",
    "ClusterNetworkPolicyProtocol.sctp": "DestinationPort", "DestinationPort.destinationPort": "Ports",
    "Ports.range": "PortRange",
    "IngressSpec.defaultBackend": "IngressBackend", "HTTPIngressPath.backend": "IngressBackend",
    "IngressBackend.service": "IngressServiceBackend", "IngressBackend.resource": "TypedLocalObjectReference",
    "IngressServiceBackend.port": "ServiceBackendPort", "IngressRule.http": "HTTPIngressRuleValue",
    "Listener.tls": "ListenerTLSConfig", "ListenerTLSConfig.certificateRefs": "SecretObjectReference",
    "AllowedRoutes.namespaces": "RouteNamespaces", "AllowedRoutes.kinds": "RouteGroupKind",
}
"""The types of fields whose tables have no class of that name."""
_SCALARS: dict[type, str] = {Text: "string", Number: "integer", Flag: "boolean", Texts: "map[string]string",
                             NumberOrText: "IntOrString"}
IN_CRDS = ("gateway.networking.k8s.io", "policy.networking.k8s.io")
"""API groups that are installed as custom resources: their types have no names that kubectl could print."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field, or (without a name) a whole kind: how its type is printed, what it is for, and the fields inside."""

    name: str
    type: str
    text: str
    fields: tuple[Part, ...] = ()
    required: bool = False
    choices: tuple[str, ...] = ()
    modelled: bool = True

    def field(self, name: str) -> Part | None:
        """A field inside, or None."""
        return next((each for each in self.fields if each.name == name), None)

    def walk(self, path: str = "") -> Iterator[tuple[str, Part]]:
        """Every field inside, with its path."""
        for each in self.fields:
            here = f"{path}.{each.name}".lstrip(".")
            yield here, each
            yield from each.walk(here)


@cache
def schema(kind: str) -> Part:
    """A kind with all its fields, in alphabetical order.

    >>> pod = schema("Pod")
    >>> [each.name for each in pod.fields]
    ['apiVersion', 'kind', 'metadata', 'spec', 'status']
    >>> pod.field("spec").field("containers").type
    '[]Container'
    """
    found = KINDS[kind]
    plain = found.api_version.rpartition("/")[0] not in IN_CRDS
    return Part("", kind, TEXTS[kind], _parts(found.record.fields, kind, kind, plain))


def _parts(fields: Iterable[Field], parent: str, kind: str, plain: bool) -> tuple[Part, ...]:
    return tuple(sorted((_part(each, parent, kind, plain) for each in fields), key=lambda one: one.name))


def _part(field: Field, parent: str, kind: str, plain: bool) -> Part:
    inside, marks = _unlisted(field.type)
    if isinstance(inside, (Ignored, Refused)):
        return Part(field.name, "Object", LEFT_ALONE if isinstance(inside, Ignored) else NOT_HERE, modelled=False)
    own = f"{parent}.{field.name}"
    text = TEXTS.get(own, "") or HEAD.get(field.name, "")
    choices = tuple(sorted(inside.choices)) if isinstance(inside, Text) else ()
    if isinstance(inside, (Group, Record)):
        name = _type_name(inside, own, field.name, kind)
        shown = name if plain or name == "ObjectMeta" else "Object"
        about = TEXTS.get(name, "")
        whole = text if about in ("", text) or text == HEAD.get("metadata") else f"{text}\n{about}" if text else about
        return Part(field.name, f"{marks}{shown}", whole, _parts(inside.fields, name, kind, plain), field.required)
    shown = f"{kind}Status" if isinstance(inside, Shown) and plain else _SCALARS.get(type(inside), "Object")
    return Part(field.name, f"{marks}{shown}", text, required=field.required, choices=choices)


def _type_name(inside: Group | Record, own: str, name: str, kind: str) -> str:
    if own in _TYPES:
        return _TYPES[own]
    if name == "metadata":
        return "ObjectMeta"
    if isinstance(inside, Group):
        return f"{kind}Spec" if name == "spec" else own
    return (inside.of or inside.make).__name__


def _unlisted(one: Type | Group) -> tuple[Type | Group, str]:
    """The type inside lists, and the marks for them."""
    marks = ""
    while isinstance(one, ListOf):
        one, marks = one.item, f"{marks}[]"
    return one, marks
