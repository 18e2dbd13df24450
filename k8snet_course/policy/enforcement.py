"""What a network plugin makes of policies: all of them, none, or all with differences.

Policies are accepted by the API server in any cluster.  Whether they do anything is the plugin's business, and in a few
points the specification leaves it a choice.

Source: "Network Policies" in the Kubernetes documentation; the plugins' own documentation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Enforcement:
    """How a plugin treats policies.

    ``enforces``: policies do something.  ``ip_blocks_match_cluster``: an ipBlock of a NetworkPolicy also matches pods and nodes
    (Calico and kube-router), not only what is outside (Cilium).  ``end_port``: ranges of ports work; without, only the first
    port of a range counts.  ``cluster_policies``: ClusterNetworkPolicies work.  ``by_rules``: they are rules of iptables where
    pods are ports of a bridge (Weave), which has to show them its packets.

        >>> print(STANDARD)
        enforces policies
        >>> print(NONE)
        enforces no policies
        >>> print(Enforcement(ip_blocks_match_cluster=False))
        enforces policies, but ipBlock matches only addresses outside the cluster
    """

    enforces: bool = True
    ip_blocks_match_cluster: bool = True
    end_port: bool = True
    cluster_policies: bool = True
    by_rules: bool = False

    def __str__(self) -> str:
        if not self.enforces:
            return "enforces no policies"
        less = [text for given, text in (
            (self.ip_blocks_match_cluster, "ipBlock matches only addresses outside the cluster"),
            (self.end_port, "endPort is ignored"), (self.cluster_policies, "ClusterNetworkPolicies do nothing")) if not given]
        return "enforces policies" + (f", but {', and '.join(less)}" if less else "")


STANDARD = Enforcement()
"""Everything works, as with Calico."""

NONE = Enforcement(enforces=False)
"""Policies are accepted and do nothing, as with plain flannel."""
