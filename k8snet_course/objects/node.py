"""Nodes: the machines of a cluster.

Source: Kubernetes API reference, core/v1 (Node).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster: ``ip`` is its address on the node network, ``pod_cidr`` the range its pods get theirs from.

    ``second_ip`` and ``second_pod_cidr`` are those of the other IP version, in a dual-stack cluster.

    >>> print(Node("node-1", "192.168.1.2", "10.244.0.0/24"))
    node node-1 192.168.1.2, pods 10.244.0.0/24
    >>> print(Node("node-1", "192.168.1.2", "10.244.0.0/24", "fd00:192:168:1::2", "fd00:10:244::/64"))
    node node-1 192.168.1.2 and fd00:192:168:1::2, pods 10.244.0.0/24 and fd00:10:244::/64
    """

    name: str
    ip: str
    pod_cidr: str
    second_ip: str = ""
    second_pod_cidr: str = ""

    @property
    def ips(self) -> tuple[str, ...]:
        """Its addresses: one, or one of each IP version."""
        return (self.ip, self.second_ip) if self.second_ip else (self.ip,)

    @property
    def pod_cidrs(self) -> tuple[str, ...]:
        """Its ranges of pod addresses (spec.podCIDRs), in the order of the cluster's."""
        return (self.pod_cidr, self.second_pod_cidr) if self.second_pod_cidr else (self.pod_cidr,)

    @property
    def swapped(self) -> Node:
        """The same node with the second IP version first.

            >>> Node("node-1", "192.168.1.2", "10.244.0.0/24", "fd00:192:168:1::2", "fd00:10:244::/64").swapped.pod_cidr
            'fd00:10:244::/64'
        """
        return Node(self.name, self.second_ip, self.second_pod_cidr, self.ip, self.pod_cidr)

    def __str__(self) -> str:
        return f"node {self.name} {' and '.join(self.ips)}, pods {' and '.join(self.pod_cidrs)}"
