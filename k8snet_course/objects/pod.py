"""Pods: what runs on a node and gets an address.

Source: Kubernetes API reference, core/v1 (Pod, Container, ContainerPort).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.objects.pod_dns_config import PodDnsConfig

LISTEN_ANNOTATION = "k8snet-course/listen"
"""The annotation by which a manifest says what the pod's programs listen on, where the image does not tell."""


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A port that a container declares.  It is information for people: declaring it opens nothing.

    ``host_port`` is the exception: the node itself sends packets to this port of its own (at ``host_ip``, or at all its
    addresses) on to the pod.  0: it does not.
    """

    container_port: int
    protocol: str = "TCP"
    name: str = ""
    host_port: int = 0
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod: its name, image and declared ports."""

    name: str
    image: str
    ports: tuple[ContainerPort, ...] = ()


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as the cluster holds it: ``node`` is where it runs, ``ip`` the address that the CNI plugin gave it.

    In a dual-stack cluster ``second_ip`` is its address of the other IP version.  With ``host_network`` the pod has no network
    namespace of its own: it uses its node's, and has the node's address.  ``hostname`` and ``subdomain`` give it a name in
    DNS, ``dns_policy`` says which servers its programs ask, and ``dns_config`` what it has of its own beside that.

    >>> print(Pod("frontend", "node-1", "10.244.0.2"))
    pod frontend 10.244.0.2 on node-1
    >>> print(Pod("frontend", "node-1", "10.244.0.2", second_ip="fd00:10:244::2"))
    pod frontend 10.244.0.2 and fd00:10:244::2 on node-1
    """

    name: str
    node: str
    ip: str
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[Container, ...] = ()
    second_ip: str = ""
    host_network: bool = False
    hostname: str = ""
    subdomain: str = ""
    dns_policy: str = "ClusterFirst"
    dns_config: PodDnsConfig | None = None

    def placed(self, node: str, ip: str, second_ip: str = "") -> Pod:
        """The same pod where it runs, with the address that it got there."""
        return Pod(self.name, node, ip, self.namespace, self.labels, self.annotations, self.containers, second_ip,
                   self.host_network, self.hostname, self.subdomain, self.dns_policy, self.dns_config)

    @property
    def ips(self) -> tuple[str, ...]:
        """Its addresses (status.podIPs): one, or one of each IP version."""
        return (self.ip, self.second_ip) if self.second_ip else (self.ip,)

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    def __str__(self) -> str:
        return f"pod {self.label} {' and '.join(self.ips)} on {self.node}"
