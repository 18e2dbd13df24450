"""How a Namespace is written.

Source: Kubernetes API reference, core/v1 (Namespace).
"""

from __future__ import annotations

from typing import Any

from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Record, left_alone
from k8snet_course.names import dns_label
from k8snet_course.objects.namespace import Namespace


def _namespace(name: str, labels: dict[str, str] | None = None, **rest: Any) -> Namespace:
    """The namespace; its own label is set by Kubernetes, whatever the manifest says."""
    return Namespace(name, labels or {}, **rest)


def _attributes(namespace: Namespace) -> dict[str, Any]:
    return {"name": namespace.name, "labels": namespace.labels, "annotations": namespace.annotations}


NAMESPACE = Record(_namespace, (
    *HEAD, metadata("namespace", namespaced=False, name_check=dns_label), *left_alone("spec", "status"),
), take=_attributes, of=Namespace)
