"""The metadata that every object has: name, namespace, labels, annotations.

Source: Kubernetes API reference, meta/v1 (ObjectMeta); "Object Names and IDs".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8snet_course.manifests.records import Field, Group, left_alone
from k8snet_course.manifests.scalars import Refused, Text, Texts
from k8snet_course.names import check_labels, dns_label, dns_subdomain

LABELS = Texts(check=check_labels)

_LEFT_ALONE = left_alone("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generation",
                         "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid")


def metadata(what: str, keeps: tuple[str, ...] = ("labels", "annotations"), *, namespaced: bool = True,
             name_check: Callable[[object, str], Any] = dns_subdomain) -> Field:
    """The field ``metadata`` of a kind.  ``what`` names the object's name in errors; ``keeps``: what the object remembers.

    >>> [one.name for one in metadata("pod name").type.fields][:3]
    ['name', 'namespace', 'labels']
    """
    def checked(name: str) -> None:
        name_check(name, what)

    namespace = (Field("namespace", Text(check=lambda name: dns_label(name, "namespace")), "namespace") if namespaced else
                 Field("namespace", Refused("leave it out: this kind is cluster-wide and lies in no namespace")))
    return Field("metadata", Group((
        Field("name", Text(check=checked), "name", required=True),
        namespace,
        Field("labels", LABELS, "labels" if "labels" in keeps else ""),
        Field("annotations", Texts(), "annotations" if "annotations" in keeps else ""),
        Field("generateName", Refused("write the name out")),
        *_LEFT_ALONE)), required=True)


HEAD = (Field("apiVersion", Text()), Field("kind", Text()))
"""The two fields that say what the document is; they have been read before any other."""
