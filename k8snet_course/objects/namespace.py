"""Namespaces: where names are unique, and what policies select by labels.

A namespace is a set of names.  It separates no network: pods of different namespaces reach each other.

Source: Kubernetes API reference, core/v1 (Namespace); "Automatic labelling" of namespaces in the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.names import check_labels, dns_label

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label by which every namespace can be selected by its name; the API server sets it, and nobody can change it."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace.  Its labels always include ``kubernetes.io/metadata.name``, with its name.

    Raises InvalidName.

        >>> shop = Namespace("shop", {"team": "a"})
        >>> shop.labels
        {'team': 'a', 'kubernetes.io/metadata.name': 'shop'}
        >>> print(shop)
        namespace shop team=a
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_label(self.name, "namespace")
        check_labels(self.labels)
        object.__setattr__(self, "labels", {**self.labels, NAME_LABEL: self.name})

    @property
    def key(self) -> str:
        """Its name: a namespace stands in no other."""
        return self.name

    def __str__(self) -> str:
        given = ",".join(f"{key}={value}" for key, value in self.labels.items() if key != NAME_LABEL)
        return f"namespace {self.name} {given}".rstrip()
