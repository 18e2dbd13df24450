"""Types that a cluster gets by a CustomResourceDefinition: HTTPRoutes, ReferenceGrants, ClusterNetworkPolicies.

kubectl knows nothing of them: their columns are in the definition, and ``describe`` prints their fields as they come.

Source: kubernetes-sigs/gateway-api and network-policy-api (printcolumn); kubectl describe (the describer of all other types).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8snet_course.kubectl.jsonpath_steps import as_text
from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import Form
from k8snet_course.kubectl.kinds.serving import conditions_of_route
from k8snet_course.objects.cluster_network_policy import ClusterNetworkPolicy
from k8snet_course.objects.http_route import HTTPRoute

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9]+")
_ACRONYMS = ("API", "URL", "UID", "OSB", "GUID")
_ABOVE = (".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations")
"""What stands above the fields, and is not repeated among them."""


class CustomForm(Form):
    """A type that kubectl describes field by field."""

    def describe(self, value: Any) -> str:
        """Every field of the object as the API serves it."""
        text = f"Name:\t{value.name}\nNamespace:\t{value.namespace if self.resource.namespaced else ''}\n"
        text += tell.labels(self.labels(value)) + tell.notes(self.annotations(value))
        return text + _fields(self.served(value), 0, "") + tell.NO_EVENTS


class HTTPRouteForm(CustomForm):
    """How HTTPRoutes are listed and written."""

    columns = ("NAME", "HOSTNAMES", "AGE")

    def cells(self, route: HTTPRoute) -> tuple[str, ...]:
        """NAME, HOSTNAMES, AGE."""
        return (route.name, as_text(list(route.hostnames)) if route.hostnames else "", self.age(route))

    def fill(self, route: HTTPRoute, served: dict[str, Any]) -> None:
        """What the definition's defaults fill in, and what each Gateway's controller says of the route."""
        spec = served["spec"]
        for parent in spec.get("parentRefs", ()):
            parent.setdefault("group", "gateway.networking.k8s.io")
            parent.setdefault("kind", "Gateway")
        for rule in spec.get("rules", ()):
            for backend in rule.get("backendRefs", ()):
                for name, value in (("group", ""), ("kind", "Service"), ("weight", 1)):
                    backend.setdefault(name, value)
        parents = conditions_of_route(self.server.api, route)
        if parents:
            served["status"] = {"parents": parents}


class ClusterNetworkPolicyForm(CustomForm):
    """How ClusterNetworkPolicies are listed and written."""

    columns = ("NAME", "TIER", "PRIORITY", "AGE")

    def cells(self, policy: ClusterNetworkPolicy) -> tuple[str, ...]:
        """NAME, TIER, PRIORITY, AGE."""
        return (policy.name, policy.tier, str(policy.priority), self.age(policy))


def title(field: str) -> str:
    """A field's name as describe prints it.

    >>> title("gatewayClassName"), title("apiVersion"), title("podCIDR")
    ('Gateway Class Name', 'API Version', 'Pod CIDR')
    """
    words = (word for word in _WORD.findall(field) if word != "_")
    return " ".join(word.upper() if word.upper() in _ACRONYMS else word[:1].upper() + word[1:] for word in words)


def _fields(content: Mapping[str, Any], level: int, path: str) -> str:
    text, indent = "", "  " * level
    for name in sorted(content):
        value, here = content[name], f"{path}.{name}"
        if here in _ABOVE:
            continue
        if isinstance(value, dict):
            text += f"{indent}{title(name)}:\n" + _fields(value, level + 1, here)
        elif isinstance(value, list):
            text += f"{indent}{title(name)}:\n" + "".join(
                _fields(one, level + 1, here) if isinstance(one, dict) else f"{indent}  {as_text(one)}\n" for one in value)
        else:
            text += f"{indent}{title(name)}:\t{as_text(value)}\n"
    return text


FORMS = {"clusternetworkpolicies": ClusterNetworkPolicyForm, "httproutes": HTTPRouteForm, "referencegrants": CustomForm}
