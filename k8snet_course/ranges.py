"""The ranges that a cluster is made of, one of each IP version: where nodes stand, and where pods get their addresses.

A cluster is single-stack (IPv4 or IPv6) or dual-stack (both).  The pods' ranges say which, and the first of them is the primary
one.  Each IP version that pods have, nodes need as well; nodes may have one that pods do not have.

This module checks what was given and puts it in order.  It gives nobody an address.

Source: kube-controller-manager reference (--cluster-cidr, --node-cidr-mask-size and its two relatives); KEP-563 (dual stack).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8snet_course.addressing import DualStackNodeCidrs, Network, disjoint, networks
from k8snet_course.errors import InvalidArgument, InvalidCidr

IPV4_MASK, IPV6_MASK = 24, 64
"""The prefix length of a node's range of pod addresses, if nobody asks for another one."""
_EXAMPLES = {4: "192.168.1.0/24", 6: "fd00:192:168:1::/64"}


@dataclass(frozen=True, slots=True)
class Ranges:
    """The pods' and the nodes' ranges, the primary IP version first in both, and the prefix lengths of the nodes' parts.

    >>> Ranges.of("fd00:10:244::/56,10.244.0.0/16", "192.168.1.0/24,fd00:192:168:1::/64").nodes[0]
    IPv6Network('fd00:192:168:1::/64')
    """

    pods: tuple[Network, ...]
    nodes: tuple[Network, ...]
    masks: tuple[int, ...]

    @classmethod
    def of(cls, pod_cidr: str, node_network: str, mask: int = IPV4_MASK, mask_ipv6: int = IPV6_MASK) -> Ranges:
        """The ranges of these texts, each one network or two with a comma between them.

        ``mask`` is for IPv4 and ``mask_ipv6`` for IPv6; a cluster of IPv6 alone takes either.  Raises InvalidCidr, CidrOverlap
        or InvalidArgument.

            >>> print(*Ranges.of("10.244.0.0/16,fd00:10:244::/56", "192.168.1.0/24,fd00:192:168:1::/64").masks)
            24 64
        """
        nodes = networks(node_network, "node network")
        for each in nodes:
            if each.prefixlen > each.max_prefixlen - 3:
                raise InvalidCidr(node_network, f"an IPv{each.version} network with room for router, laptop and nodes "
                                  f"(/{each.max_prefixlen - 3} or larger)", f"write node_network='{_EXAMPLES[each.version]}'")
        disjoint(pod_cidr=pod_cidr, node_network=node_network)
        pods = networks(pod_cidr, "pod_cidr")
        versions = [each.version for each in pods]
        if not {each.version for each in nodes}.issuperset(versions):
            raise InvalidCidr(node_network, "a node network of each IP version that pods have "
                              f"({' and '.join(f'IPv{version}' for version in versions)})",
                              f"write node_network='{','.join(_EXAMPLES[version] for version in versions)}'")
        ordered = sorted(nodes, key=lambda each: versions.index(each.version) if each.version in versions else len(versions))
        return cls(pods, tuple(ordered), _masks(versions, mask, mask_ipv6))

    def node_cidrs(self) -> DualStackNodeCidrs:
        """The allocator of the nodes' parts.  Raises InvalidCidr or InvalidArgument."""
        return DualStackNodeCidrs(",".join(map(str, self.pods)), self.masks)


def free_range(candidates: Sequence[str], taken: Sequence[Network]) -> str:
    """The first of the candidates that shares no address with what is taken; the first one if all do.

    >>> free_range(["10.96.0.0/12", "172.30.0.0/16"], networks("10.100.0.0/16", "pod_cidr"))
    '172.30.0.0/16'
    """
    for text in candidates:
        [mine] = networks(text, "Service CIDR")
        if not any(mine.version == other.version and mine.overlaps(other) for other in taken):
            return text
    return candidates[0]


def _masks(versions: Sequence[int], mask: int, mask_ipv6: int) -> tuple[int, ...]:
    if list(versions) == [4] and mask_ipv6 != IPV6_MASK:
        raise InvalidArgument(mask_ipv6, "no node_mask_size_ipv6 where pods have IPv4 addresses alone "
                              "(kube-controller-manager: usage of --node-cidr-mask-size-ipv6 is not allowed with single-stack)",
                              "leave it out")
    if list(versions) == [6] and mask != IPV4_MASK:
        if mask_ipv6 not in (IPV6_MASK, mask):
            raise InvalidArgument(mask, "one node mask size where pods have IPv6 addresses alone",
                                  f"write node_mask_size_ipv6={mask_ipv6} and leave the other one out")
        return (mask,)
    return tuple(mask if version == 4 else mask_ipv6 for version in versions)
