"""Parties: who stands at the two ends of a connection, as policies see them.

A party is a pod with its namespace, a node, or an address outside the cluster.  It holds what selectors and address blocks
can look at, so that policies can be judged without a cluster.

Source: "Network Policies" in the Kubernetes documentation (hostNetwork pods; traffic of the own node).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.pod import Pod


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a connection.  ``ip`` is the address that the packet carries there, when the policy looks at it.

    ``pod`` and ``namespace`` are given for a pod, ``node`` is the name of the node that it is or that the pod runs on,
    ``node_labels`` that node's labels, and ``names`` the domain names by which an outside address was found.

        >>> web = Party.of_pod(Pod("web", "node-1", "10.244.0.2", "shop", {"app": "web"}), Namespace("shop", {"team": "a"}))
        >>> print(web, web.governed)
        pod shop/web True
        >>> print(Party.of_node("node-1", "192.168.1.2"), "and", Party.outside("203.0.113.9"))
        node node-1 and 203.0.113.9
    """

    ip: str
    pod: Pod | None = None
    namespace: Namespace | None = None
    node: str = ""
    node_labels: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @classmethod
    def of_pod(cls, pod: Pod, namespace: Namespace | None = None, ip: str = "",
               node_labels: Mapping[str, str] | None = None) -> Party:
        """A pod.  Without ``namespace`` its namespace has only the automatic label; without ``ip`` it uses its first address.

        >>> Party.of_pod(Pod("web", "node-1", "10.244.0.2")).namespace.labels
        {'kubernetes.io/metadata.name': 'default'}
        """
        return cls(ip or pod.ip, pod, namespace or Namespace(pod.namespace), pod.node, node_labels or {})

    @classmethod
    def of_node(cls, name: str, ip: str, labels: Mapping[str, str] | None = None) -> Party:
        """A node itself: the kubelet, or whoever a packet seems to come from when its source has become the node's.

        >>> Party.of_node("node-1", "192.168.1.2").is_node
        True
        """
        return cls(ip, node=name, node_labels=labels or {})

    @classmethod
    def outside(cls, ip: str, names: tuple[str, ...] = ()) -> Party:
        """An address that is neither a pod's nor a node's.

        >>> Party.outside("203.0.113.9").governed
        False
        """
        return cls(ip, names=names)

    @property
    def governed(self) -> bool:
        """Whether policies can select it: a pod with a network of its own (not ``hostNetwork``)."""
        return self.pod is not None and not self.pod.host_network

    @property
    def is_node(self) -> bool:
        """Whether it is seen as a node: a node, or a pod that uses its node's network."""
        return self.node != "" and not self.governed

    @property
    def key(self) -> str:
        """What it is called: a pod's key, a node's name or an address."""
        return self.pod.key if self.pod is not None else self.node or self.ip

    def __str__(self) -> str:
        if self.pod is not None:
            return f"pod {self.pod.label}" + (f" (on the network of {self.node})" if self.pod.host_network else "")
        return f"node {self.node}" if self.node else self.ip
