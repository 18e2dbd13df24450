"""The kinds of objects that a manifest may ask for: one row for each.

Source: Kubernetes API reference; ``kubectl api-resources``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from k8snet_course.errors import InvalidArgument
from k8snet_course.manifests import endpoint_slices, gateways, http_routes, ingresses, pods, services, workloads
from k8snet_course.manifests.cluster_network_policies import CLUSTER_NETWORK_POLICY
from k8snet_course.manifests.namespaces import NAMESPACE
from k8snet_course.manifests.network_policies import NETWORK_POLICY
from k8snet_course.manifests.records import Record
from k8snet_course.manifests.spot import Spot
from k8snet_course.manifests.workloads import Deployment, ReplicaSet
from k8snet_course.names import nearest, with_article
from k8snet_course.objects.cluster_network_policy import ClusterNetworkPolicy
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.gateway import Gateway, GatewayClass, ReferenceGrant
from k8snet_course.objects.http_route import HTTPRoute
from k8snet_course.objects.ingress import Ingress, IngressClass
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.network_policy import NetworkPolicy
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import Service


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its name, API version, record, class, and the names by which kubectl knows it.

    ``update`` gives the object to hold when a manifest is applied to one that is there: what the cluster has decided stays, and
    what may not change is refused.

        >>> kind_named("svc").name, kind_named("svc").resource
        ('Service', 'service')
    """

    name: str
    api_version: str
    made: type
    record: Record
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    update: Callable[[Any, Any], Any] = lambda present, wanted: wanted
    also: tuple[str, ...] = ()
    """Other API versions in which the fields are the same."""

    @property
    def resource(self) -> str:
        """How kubectl's messages name it: the kind in lower case, and its API group if it has one.

        >>> kind_named("endpointslices").resource
        'endpointslice.discovery.k8s.io'
        """
        group = self.api_version.rpartition("/")[0]
        return f"{self.name.lower()}.{group}" if group else self.name.lower()

    def __str__(self) -> str:
        return f"{self.api_version} {self.name}"


_GATEWAY_V1, _GATEWAY_V1BETA1 = "gateway.networking.k8s.io/v1", ("gateway.networking.k8s.io/v1beta1",)

KINDS: dict[str, Kind] = {kind.name: kind for kind in (
    Kind("Namespace", "v1", Namespace, NAMESPACE, "namespaces", ("ns",), namespaced=False),
    Kind("Pod", "v1", Pod, pods.POD, "pods", ("po",), update=pods.updated),
    Kind("Service", "v1", Service, services.SERVICE, "services", ("svc",), update=services.updated),
    Kind("EndpointSlice", "discovery.k8s.io/v1", EndpointSlice, endpoint_slices.ENDPOINT_SLICE, "endpointslices",
         update=endpoint_slices.updated),
    Kind("NetworkPolicy", "networking.k8s.io/v1", NetworkPolicy, NETWORK_POLICY, "networkpolicies", ("netpol",)),
    Kind("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2", ClusterNetworkPolicy, CLUSTER_NETWORK_POLICY,
         "clusternetworkpolicies", ("cnp",), namespaced=False),
    Kind("IngressClass", "networking.k8s.io/v1", IngressClass, ingresses.INGRESS_CLASS, "ingressclasses", namespaced=False,
         update=ingresses.class_updated),
    Kind("Ingress", "networking.k8s.io/v1", Ingress, ingresses.INGRESS, "ingresses", ("ing",), update=ingresses.updated),
    Kind("GatewayClass", _GATEWAY_V1, GatewayClass, gateways.GATEWAY_CLASS, "gatewayclasses", ("gc",), namespaced=False,
         update=gateways.class_updated, also=_GATEWAY_V1BETA1),
    Kind("Gateway", _GATEWAY_V1, Gateway, gateways.GATEWAY, "gateways", ("gtw",), update=gateways.updated,
         also=_GATEWAY_V1BETA1),
    Kind("HTTPRoute", _GATEWAY_V1, HTTPRoute, http_routes.HTTP_ROUTE, "httproutes", update=http_routes.updated,
         also=_GATEWAY_V1BETA1),
    Kind("ReferenceGrant", _GATEWAY_V1, ReferenceGrant, gateways.REFERENCE_GRANT, "referencegrants", ("refgrant",),
         also=_GATEWAY_V1BETA1),
    Kind("Deployment", "apps/v1", Deployment, workloads.DEPLOYMENT, "deployments", ("deploy",), update=workloads.updated),
    Kind("ReplicaSet", "apps/v1", ReplicaSet, workloads.REPLICA_SET, "replicasets", ("rs",), update=workloads.updated),
)}
"""The kinds by their names."""

_BY_CLASS = {kind.made: kind for kind in KINDS.values()}

ELSEWHERE = {
    "Node": "make the nodes with Cluster(nodes=...)",
    "Endpoints": "write an EndpointSlice, which has taken its place",
    "AdminNetworkPolicy": "write a ClusterNetworkPolicy, which has taken its place",
    "BaselineAdminNetworkPolicy": "write a ClusterNetworkPolicy of the tier Baseline, which has taken its place",
} | dict.fromkeys(
    ("ClusterRole", "ClusterRoleBinding", "ConfigMap", "CronJob", "CustomResourceDefinition", "DaemonSet", "GRPCRoute",
     "HorizontalPodAutoscaler", "Job", "PersistentVolumeClaim", "PodDisruptionBudget", "ReplicationController", "Role",
     "RoleBinding", "Secret", "ServiceAccount", "StatefulSet", "TCPRoute", "TLSRoute", "UDPRoute"), "leave this document out")
"""Kinds that Kubernetes has and this course does not, and what to do instead."""


def kind_of(value: object) -> Kind:
    """The kind of an object.  Raises InvalidArgument.

    >>> print(kind_of(Namespace("shop")))
    v1 Namespace
    """
    kind = _BY_CLASS.get(type(value))
    if kind is None:
        raise InvalidArgument(type(value).__name__, f"an object of one of the kinds {', '.join(KINDS)}", "pass such an object")
    return kind


def kind_named(name: object) -> Kind:
    """The kind that kubectl would understand: by its name, plural, short name or resource, in any case of letters.

    Raises InvalidArgument.

        >>> kind_named("NetPol").name
        'NetworkPolicy'
        >>> kind_named("servise")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument 'servise': expected a kind that this course has; write 'service'.
    """
    words = {word: kind for kind in KINDS.values() for word in (kind.name.lower(), kind.plural, *kind.short, kind.resource)}
    kind = words.get(name.lower()) if isinstance(name, str) else None
    if kind is None:
        raise InvalidArgument(name, "a kind that this course has", f"write '{nearest(str(name).lower(), words)}'")
    return kind


def kind_written(document: Spot) -> Kind:
    """The kind that a document names, in the API version that it names.  Raises InvalidManifest.

    >>> from k8snet_course.yaml_text import located
    >>> kind_written(Spot(located({"apiVersion": "v1", "kind": "Pood"})))
    Traceback (most recent call last):
    k8snet_course.errors.InvalidManifest: invalid manifest 'Pood': expected a kind that this version of the course has: \
Namespace, Pod, ...; write 'kind: Pod'.
    """
    written = document.here.value
    if isinstance(written, dict) and "kind" in written and "apiVersion" in written:
        name, version = written["kind"].value, written["apiVersion"].value
        found = KINDS.get(name) if isinstance(name, str) else None
        if found is not None and version in (found.api_version, *found.also):
            return found
    return _kind_sought(document)


def _kind_sought(document: Spot) -> Kind:
    """The kind that a document names, or what is wrong with its name or its version."""
    if not isinstance(document.value, dict):
        raise document.wrong("a map of fields", "write 'apiVersion:', 'kind:', 'metadata:' and 'spec:' lines")
    at = document.at("kind")
    if at is document or at.value is None:
        raise at.refusal("no kind", f"a kind that this version of the course has: {', '.join(KINDS)}", "write 'kind: Pod'")
    kind = KINDS.get(at.value) if isinstance(at.value, str) else None
    if kind is None:
        known = get_close_matches(str(at.shown), [*KINDS, *ELSEWHERE], 1, 0.6)
        instead = ELSEWHERE.get(str(at.shown)) or (
            f"write 'kind: {known[0] if known and known[0] in KINDS else 'Pod'}'")
        raise at.refusal(at.shown, f"a kind that this version of the course has: {', '.join(KINDS)}", instead)
    version = document.at("apiVersion")
    if version is document or version.value not in (kind.api_version, *kind.also):
        given = "no apiVersion" if version is document or version.value is None else kind.name
        written = "" if given == "no apiVersion" else f", not {version.shown}"
        raise version.refusal(given, f"'apiVersion: {kind.api_version}' for {with_article(kind.name)}{written}", "write it so")
    return kind
