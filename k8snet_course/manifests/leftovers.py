"""What the API server takes out of a Service whose type is changed, because the new type has no use for it.

Whoever changes the type alone (with `kubectl patch`, or in what was printed) would otherwise be refused for fields that the
server itself has filled in.  A field that was changed as well stays, and is judged as in any other object.

Source: kubernetes, pkg/registry/core/service (dropTypeDependentFields).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from k8snet_course.objects.service import CLUSTER, CLUSTER_IP, LOAD_BALANCER, LOCAL, NODE_PORT
from k8snet_course.yaml_text import Located

_EXPOSED = (NODE_PORT, LOAD_BALANCER)
_OF_TYPES = {
    "clusterIP": (CLUSTER_IP, *_EXPOSED), "clusterIPs": (CLUSTER_IP, *_EXPOSED), "ipFamilies": (CLUSTER_IP, *_EXPOSED),
    "ipFamilyPolicy": (CLUSTER_IP, *_EXPOSED), "externalTrafficPolicy": _EXPOSED,
    "allocateLoadBalancerNodePorts": (LOAD_BALANCER,), "loadBalancerClass": (LOAD_BALANCER,),
}
"""Fields of the spec, and the types that have them."""
_FILLED_IN = {"externalTrafficPolicy": CLUSTER, "allocateLoadBalancerNodePorts": True, "ipFamilyPolicy": "SingleStack",
              "ipFamilies": ["IPv4"]}
"""What stands in a Service where nothing was written."""


def without_leftovers(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a Service as it was changed, without what belonged to its type before.

    >>> port = {"port": 80, "nodePort": 30080}
    >>> without_leftovers({"spec": {"type": "NodePort", "ports": [port]}}, {"spec": {"type": "ClusterIP", "ports": [port]}})
    {'spec': {'type': 'ClusterIP', 'ports': [{'port': 80}]}}
    """
    made: dict[str, Any] = copy.deepcopy(dict(after))
    spec, old = made.get("spec"), before.get("spec")
    if not isinstance(spec, dict) or not isinstance(old, Mapping):
        return made
    was, now = old.get("type", CLUSTER_IP), spec.get("type", CLUSTER_IP)
    for name, types in _OF_TYPES.items():
        if was in types and now not in types and spec.get(name) == old.get(name, _FILLED_IN.get(name)):
            spec.pop(name, None)
    if was in _EXPOSED and now not in _EXPOSED and _node_ports(spec) == _node_ports(old):
        for port in spec.get("ports", ()):
            if isinstance(port, dict):
                port.pop("nodePort", None)
    if _checked(old) and not _checked(spec) and spec.get("healthCheckNodePort") == old.get("healthCheckNodePort"):
        spec.pop("healthCheckNodePort", None)
    return made


def pruned(located: Located, plain: object) -> Located:
    """A place in a manifest without what is not in the plain value any more; the lines stay.

    >>> found = pruned(Located({"type": Located("ClusterIP", 7), "nodePort": Located(30080, 8)}, 6), {"type": "ClusterIP"})
    >>> found.plain(), found.value["type"].line
    ({'type': 'ClusterIP'}, 7)
    """
    if isinstance(located.value, dict) and isinstance(plain, dict):
        kept = {name: pruned(inner, plain[name]) for name, inner in located.value.items() if name in plain}
        return located._replace(value=kept)
    if isinstance(located.value, list) and isinstance(plain, list):
        return located._replace(value=[pruned(*both) for both in zip(located.value, plain, strict=True)])
    return located


def _node_ports(spec: Mapping[str, Any]) -> list[Any]:
    ports = spec.get("ports", ())
    return [port.get("nodePort") for port in ports if isinstance(port, dict)] if isinstance(ports, list) else []


def _checked(spec: Mapping[str, Any]) -> bool:
    """Whether a node port says which nodes have endpoints."""
    return spec.get("type") == LOAD_BALANCER and spec.get("externalTrafficPolicy") == LOCAL
