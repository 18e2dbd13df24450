"""The Kubernetes objects that the course models, as values.

A value here is what the cluster has decided: a Pod with its node and address, a Node with its podCIDR.  It holds no tables
and decides nothing.

Source: Kubernetes API reference, core/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LISTEN_ANNOTATION = "k8snet-course/listen"
"""The annotation by which a manifest says what the pod's programs listen on, where the image does not tell."""


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A port that a container declares.  It is information for people: declaring it opens nothing."""

    container_port: int
    protocol: str = "TCP"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod: its name, image and declared ports."""

    name: str
    image: str
    ports: tuple[ContainerPort, ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as the cluster holds it: ``node`` is where it runs, ``ip`` the address that the CNI plugin gave it.

    >>> print(Pod("frontend", "node-1", "10.244.0.2"))
    pod frontend 10.244.0.2 on node-1
    """

    name: str
    node: str
    ip: str
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[Container, ...] = ()

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    def __str__(self) -> str:
        return f"pod {self.label} {self.ip} on {self.node}"


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster: ``ip`` is its address on the node network, ``pod_cidr`` the range its pods get theirs from.

    >>> print(Node("node-1", "192.168.1.2", "10.244.0.0/24"))
    node node-1 192.168.1.2, pods 10.244.0.0/24
    """

    name: str
    ip: str
    pod_cidr: str

    def __str__(self) -> str:
        return f"node {self.name} {self.ip}, pods {self.pod_cidr}"
