"""How the objects of each type look to kubectl: a module a type, each with one :class:`Form`.

A form says which columns ``get`` prints, which fields ``--field-selector`` knows, what the API server adds to the manifest,
and what ``describe`` tells.  It decides nothing: everything is read off the objects and the cluster.
"""

from __future__ import annotations

from importlib import import_module

from k8snet_course.kubectl.kinds.form import Form
from k8snet_course.kubectl.resources import Resource

_MODULES = {
    "clusternetworkpolicies": "custom", "deployments": "deployments", "endpoints": "endpoints",
    "endpointslices": "endpointslices", "gatewayclasses": "gateways", "gateways": "gateways", "httproutes": "custom",
    "ingressclasses": "ingressclasses", "ingresses": "ingresses", "namespaces": "namespaces",
    "networkpolicies": "networkpolicies", "nodes": "nodes", "pods": "pods", "referencegrants": "custom",
    "replicasets": "deployments", "services": "services",
}
"""The type's plural, and the module of this package that has its form."""

__all__ = ["Form", "form_of"]


def form_of(resource: Resource) -> type[Form]:
    """The form of a type."""
    found: type[Form] = import_module(f"{__name__}.{_MODULES[resource.plural]}").FORMS[resource.plural]
    return found
