"""Which part of the pod network each node gets.

kube-controller-manager cuts the cluster CIDR into equal blocks and gives each node the next free one.  This module
keeps the books of those blocks.  It does not know nodes: who got which block is written in the Node object.

The rule, and its reason: a cursor moves upwards and wraps around.  Giving a block back does not move the cursor back,
so a deleted node's addresses rest as long as possible before another node gets them, while old connections and caches
still remember them.

Source: Kubernetes, pkg/controller/nodeipam/ipam/cidrset (CidrSet); kube-controller-manager reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snet_course.addressing.cidr import Network, network, networks, text_of
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, InvalidArgument, InvalidCidr

DEFAULT_NODE_MASK_SIZE = {4: 24, 6: 64}
"""IP version -> the prefix length of a block when none is asked for (``--node-cidr-mask-size-ipv4``, ``-ipv6``)."""
MAX_INDEX_BITS = 16
"""A cluster CIDR is cut into at most 2**16 blocks.  Kubernetes checks this for IPv6; here it holds for both."""


class NodeCidrAllocator:
    """Hands out the blocks of one cluster CIDR, one a node.

    ``cluster_cidr`` is the whole pod network; ``node_mask_size`` the prefix length of a block (bits; by default 24
    for IPv4 and 64 for IPv6).  Raises InvalidCidr or InvalidArgument.  Source: Kubernetes, cidrset.CidrSet.

        >>> blocks = NodeCidrAllocator("10.244.0.0/16", 24)
        >>> blocks.allocate(), blocks.allocate()
        ('10.244.0.0/24', '10.244.1.0/24')
        >>> blocks.release("10.244.0.0/24")
        >>> blocks.allocate()  # not 10.244.0.0/24: that one rests until the cursor comes around
        '10.244.2.0/24'
        >>> blocks.used, blocks.free, blocks.capacity
        (2, 254, 256)
    """

    __slots__ = ("_cluster", "_cursor", "_taken", "_used", "node_mask_size")

    def __init__(self, cluster_cidr: str, node_mask_size: int | None = None) -> None:
        self._cluster = network(cluster_cidr, "cluster CIDR")
        self.node_mask_size = _node_mask_size(self._cluster, node_mask_size)
        self._taken = bytearray(1 << (self.node_mask_size - self._cluster.prefixlen))
        self._used = 0
        self._cursor = 0

    @property
    def cluster_cidr(self) -> str:
        """The whole range."""
        return str(self._cluster)

    @property
    def capacity(self) -> int:
        """The number of blocks, free or not: 2 ** (node mask size - cluster mask size).

            >>> NodeCidrAllocator("10.244.0.0/16", 26).capacity
            1024
        """
        return len(self._taken)

    @property
    def used(self) -> int:
        """The number of blocks that are taken."""
        return self._used

    @property
    def free(self) -> int:
        """The number of blocks that are left."""
        return self.capacity - self._used

    @property
    def allocated(self) -> tuple[str, ...]:
        """The blocks that are taken, in the order of their addresses."""
        return tuple(self._block(index) for index, taken in enumerate(self._taken) if taken)

    def peek(self) -> str:
        """The block that ``allocate`` would hand out.  Raises AddressesExhausted.

            >>> NodeCidrAllocator("10.244.0.0/16").peek()
            '10.244.0.0/24'
        """
        return self._block(self._next())

    def allocate(self) -> str:
        """Take the next free block.  Raises AddressesExhausted when every block is taken.

            >>> blocks = NodeCidrAllocator("10.244.0.0/24", 24)
            >>> blocks.allocate()
            '10.244.0.0/24'
            >>> blocks.allocate()
            Traceback (most recent call last):
            k8snet_course.errors.AddressesExhausted: nothing free in '10.244.0.0/24': expected a free /24 block (CIDR \
allocation failed; there are no remaining CIDRs left to allocate in the accepted range: all 1 are taken); release the \
block of a deleted node, or give the cluster a larger CIDR or smaller blocks.
        """
        index = self._next()
        self._taken[index] = True
        self._used += 1
        self._cursor = (index + 1) % self.capacity
        return self._block(index)

    def occupy(self, cidr: str) -> None:
        """Mark every block that shares addresses with ``cidr`` as taken; the cursor stays.

        This is how a restarted controller learns what nodes hold, and how it keeps blocks out of the Service range.
         Occupying twice is no error.  Raises AddressUnavailable when ``cidr`` lies outside the cluster CIDR, or
        InvalidCidr.

            >>> blocks = NodeCidrAllocator("10.244.0.0/16", 24)
            >>> blocks.occupy("10.244.0.0/23")
            >>> blocks.allocate()
            '10.244.2.0/24'
        """
        self._mark(cidr, True)

    def release(self, cidr: str) -> None:
        """Mark every block that shares addresses with ``cidr`` as free; the cursor stays.

        Releasing what is free is no error.  Raises AddressUnavailable when ``cidr`` lies outside the cluster CIDR, or
        InvalidCidr.

            >>> blocks = NodeCidrAllocator("10.244.0.0/30", 32)
            >>> [blocks.allocate() for _ in range(3)]
            ['10.244.0.0/32', '10.244.0.1/32', '10.244.0.2/32']
            >>> blocks.release("10.244.0.1/32")
            >>> blocks.allocate(), blocks.allocate()
            ('10.244.0.3/32', '10.244.0.1/32')
        """
        self._mark(cidr, False)

    def copy(self) -> NodeCidrAllocator:
        """Another allocator in the same state: what is tried on it does not change this one."""
        twin = NodeCidrAllocator(self.cluster_cidr, self.node_mask_size)
        twin._taken[:], twin._used, twin._cursor = self._taken, self._used, self._cursor
        return twin

    def __repr__(self) -> str:
        return f"<NodeCidrAllocator {self.cluster_cidr} in /{self.node_mask_size}: {self.used} of {self.capacity} used>"

    def _next(self) -> int:
        """The index of the first free block from the cursor on, around the end if need be."""
        index = self._taken.find(0, self._cursor)
        if index < 0:
            index = self._taken.find(0)
        if index < 0:
            raise AddressesExhausted(
                self.cluster_cidr,
                f"a free /{self.node_mask_size} block (CIDR allocation failed; there are no remaining CIDRs "
                f"left to allocate in the accepted range: all {self.capacity} are taken)",
                "release the block of a deleted node, or give the cluster a larger CIDR or smaller blocks",
            )
        return index

    def _block(self, index: int) -> str:
        """The CIDR of a block."""
        first = int(self._cluster.network_address) + (index << (self._cluster.max_prefixlen - self.node_mask_size))
        return f"{text_of(self._cluster.version, first)}/{self.node_mask_size}"

    def _mark(self, cidr: str, taken: bool) -> None:
        """Set the state of the blocks that share addresses with a network."""
        wanted = network(cidr, "node CIDR")
        if wanted.version != self._cluster.version or not wanted.overlaps(self._cluster):
            raise AddressUnavailable(
                cidr, f"a network that shares addresses with the cluster CIDR (cidr {wanted} is out the range of "
                f"cluster cidr {self._cluster})", f"write a block such as '{self._block(0)}'")
        host_bits = self._cluster.max_prefixlen - self.node_mask_size
        base = int(self._cluster.network_address)
        first = max(0, (int(wanted.network_address) - base) >> host_bits)
        last = min(self.capacity - 1, (int(wanted.broadcast_address) - base) >> host_bits)
        changed = self._taken.count(not taken, first, last + 1)
        self._taken[first : last + 1] = bytes([taken]) * (last + 1 - first)
        self._used += changed if taken else -changed


class DualStackNodeCidrs:
    """Hands out an IPv4 and an IPv6 block to each node: one allocator a family, which move together.

    ``cluster_cidr`` holds both networks, joined by a comma (one network alone is allowed); ``node_mask_sizes`` the
    prefix lengths of the blocks in the same order.  Blocks come in that order too, as in ``spec.podCIDRs``, whose
    first is ``spec.podCIDR``.  When one family is full nothing is taken from the other.  Raises InvalidCidr or
    InvalidArgument.  Source: Kubernetes, nodeipam range allocator; KEP-563 (dual stack).

    Kubernetes takes the first family's block and gives it back when the second fails, which moves the first family's
    cursor.  Here an error changes nothing at all.

        >>> blocks = DualStackNodeCidrs("10.244.0.0/16,fd00:10:244::/48")
        >>> blocks.allocate()
        ('10.244.0.0/24', 'fd00:10:244::/64')
        >>> blocks.capacity  # of the smaller family
        256
    """

    __slots__ = ("families",)

    def __init__(self, cluster_cidr: str, node_mask_sizes: Sequence[int | None] | None = None) -> None:
        ranges = networks(cluster_cidr, "cluster CIDR")
        sizes = [None] * len(ranges) if node_mask_sizes is None else list(node_mask_sizes)
        if len(sizes) != len(ranges):
            raise InvalidArgument(node_mask_sizes, f"{len(ranges)} node mask sizes, in the order of the networks",
                                  "write one for each network, such as (24, 64)")
        self.families = tuple(NodeCidrAllocator(str(each), size) for each, size in zip(ranges, sizes, strict=True))

    @property
    def capacity(self) -> int:
        """The number of nodes that there are blocks for."""
        return min(family.capacity for family in self.families)

    @property
    def used(self) -> int:
        """The number of taken blocks of the fuller family."""
        return max(family.used for family in self.families)

    @property
    def free(self) -> int:
        """The number of nodes that can still get their blocks."""
        return min(family.free for family in self.families)

    def peek(self) -> tuple[str, ...]:
        """The blocks that ``allocate`` would hand out.  Raises AddressesExhausted."""
        return tuple(family.peek() for family in self.families)

    def allocate(self) -> tuple[str, ...]:
        """Take the next free block of each family.  Raises AddressesExhausted when one family is full."""
        self.peek()
        return tuple(family.allocate() for family in self.families)

    def occupy(self, cidrs: Iterable[str]) -> None:
        """Mark a node's blocks as taken.  Raises AddressUnavailable or InvalidCidr."""
        self._each(cidrs, True)

    def release(self, cidrs: Iterable[str]) -> None:
        """Give a node's blocks back.  Raises AddressUnavailable or InvalidCidr."""
        self._each(cidrs, False)

    def copy(self) -> DualStackNodeCidrs:
        """Another allocator in the same state: what is tried on it does not change this one."""
        twin = DualStackNodeCidrs(",".join(family.cluster_cidr for family in self.families),
                                  [family.node_mask_size for family in self.families])
        twin.families = tuple(family.copy() for family in self.families)
        return twin

    def __repr__(self) -> str:
        return f"<DualStackNodeCidrs {', '.join(map(repr, self.families))}>"

    def _each(self, cidrs: Iterable[str], taken: bool) -> None:
        """Mark each block in its own family: on copies, so that an error in the second leaves the first as it was."""
        twins = self.copy()
        for cidr in [cidrs] if isinstance(cidrs, str) else cidrs:
            version = network(cidr, "node CIDR").version
            family = next((each for each in twins.families if each._cluster.version == version), twins.families[0])
            family._mark(cidr, taken)
        self.families = twins.families


def _node_mask_size(cluster: Network, given: int | None) -> int:
    """The prefix length of a block, checked against the cluster CIDR."""
    size = DEFAULT_NODE_MASK_SIZE[cluster.version] if given is None else given
    widest, longest = cluster.prefixlen, min(cluster.max_prefixlen, cluster.prefixlen + MAX_INDEX_BITS)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= cluster.max_prefixlen:
        raise InvalidArgument(given, f"a node mask size: a prefix length from {widest} to {longest}",
                              f"write {min(max(DEFAULT_NODE_MASK_SIZE[cluster.version], widest), longest)}")
    if size < widest:
        problem = f"({cluster} is smaller than a /{size}: the node mask size must not be less than the cluster's)"
        if given is None:
            raise InvalidCidr(str(cluster), f"a cluster CIDR with room for a /{size} block {problem}",
                              f"write node_mask_size={longest}, or give a larger cluster CIDR")
        raise InvalidArgument(size, f"a node mask size from {widest} to {longest} {problem}",
                              f"write {longest}, or give a larger cluster CIDR")
    if size > longest:
        raise InvalidArgument(size, f"a node mask size from {widest} to {longest} for the cluster CIDR {cluster} (New "
                              f"CIDR set failed; the node CIDR size is too big: more than 2**{MAX_INDEX_BITS} blocks)",
                              f"write {longest}, or give a smaller cluster CIDR")
    return size
