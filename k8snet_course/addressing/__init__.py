"""Who gets which address: the allocators of a cluster.

Four places in Kubernetes hand out addresses, each from a range of its own, and each by another rule:

=====================  ==============================  =====================================================
what                   who hands it out                rule
=====================  ==============================  =====================================================
a node's pod CIDR      :class:`NodeCidrAllocator`      the next free block behind a cursor that wraps around
a pod's address        :class:`HostLocal`              the next free address behind the last one handed out
a Service's ClusterIP  :class:`ServiceIpAllocator`     at random, upper band first
a Service's NodePort   :class:`NodePortAllocator`      at random, upper band first
=====================  ==============================  =====================================================

Addresses and networks come and go as canonical text, because that is what learners compare.  An error leaves the
allocator as it was.  Nothing here knows pods, Services, interfaces or packets.
"""

from k8snet_course.addressing.calico_blocks import CalicoBlocks, NodeBlocks
from k8snet_course.addressing.cidr import Address, Network, address, disjoint, network, networks, number_of, text_of
from k8snet_course.addressing.host_local import Candidate, HostLocal
from k8snet_course.addressing.node_cidrs import DualStackNodeCidrs, NodeCidrAllocator
from k8snet_course.addressing.node_ports import NodePortAllocator
from k8snet_course.addressing.range_set import Range, RangeSet
from k8snet_course.addressing.service_ips import ServiceIpAllocator
from k8snet_course.addressing.store import Holder

__all__ = [
    "Address",
    "CalicoBlocks",
    "Candidate",
    "DualStackNodeCidrs",
    "Holder",
    "HostLocal",
    "Network",
    "NodeBlocks",
    "NodeCidrAllocator",
    "NodePortAllocator",
    "Range",
    "RangeSet",
    "ServiceIpAllocator",
    "address",
    "disjoint",
    "network",
    "networks",
    "number_of",
    "text_of",
]
