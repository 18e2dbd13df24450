"""Nodes: the machines of a cluster.

Source: Kubernetes API reference, core/v1 (Node).
"""

from __future__ import annotations

from dataclasses import dataclass


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
