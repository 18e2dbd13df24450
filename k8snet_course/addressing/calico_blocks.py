"""Which address the next pod gets with Calico: blocks of addresses that nodes claim.

Calico does not use the nodes' podCIDRs.  It cuts the range of all pods into blocks of 64 addresses (/26).  A node claims a
block when it needs one, and another when that is full; such a block has an *affinity* to the node, and its route can stand
for all pods on it.  When no block is left, a node borrows single addresses from other nodes' blocks, unless strict affinity
forbids it.  Within a block, addresses wait in a queue: one that is given back goes to the end.

No address of a block is kept for a gateway, a network or a broadcast: pods are not on a common wire.

The allocator is shared by the cluster (:class:`CalicoBlocks`); each node has a view of it (:class:`NodeBlocks`).  Nodes start
to look for blocks at different places, so that they do not meet; here the place follows from the node's name alone.

Source: projectcalico/calico 3.32.1, libcalico-go/lib/ipam (ipam.go, ipam_block.go, ipam_block_reader_writer.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from k8snet_course.addressing.cidr import network, number_of, text_of
from k8snet_course.addressing.host_local import Candidate
from k8snet_course.addressing.range_set import Range
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, AlreadyExists, InvalidArgument

GATEWAY = "169.254.1.1"
"""The gateway of every pod; no device has this address."""
_SIZES = {4: (20, 32, 26), 6: (116, 128, 122)}


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its position in the pool, the node that claimed it, and the queue of its free addresses (as ordinals)."""

    index: int
    node: str
    free: tuple[int, ...]


class CalicoBlocks:
    """The blocks of one pool.

    ``block_size`` is a prefix length, from 20 to 32 (IPv6: 116 to 128).  Raises InvalidCidr or InvalidArgument.

        >>> pool = CalicoBlocks("10.244.0.0/16")
        >>> one, two = pool.node("node-1"), pool.node("node-2")
        >>> one.allocate("a"), one.allocate("b"), two.allocate("c")
        ('10.244.41.192', '10.244.41.193', '10.244.41.0')
        >>> pool.blocks_of("node-1"), pool.blocks_of("node-2")
        (('10.244.41.192/26',), ('10.244.41.0/26',))
    """

    def __init__(self, pool: str, block_size: int = 0, *, strict_affinity: bool = False) -> None:
        parsed = network(pool, "pool")
        least, most, usual = _SIZES[parsed.version]
        size = block_size or max(usual, parsed.prefixlen)
        if not isinstance(size, int) or not max(least, parsed.prefixlen) <= size <= most:
            raise InvalidArgument(block_size, f"a block size from /{max(least, parsed.prefixlen)} to /{most}",
                                  f"write block_size={usual}")
        self.version = parsed.version
        self.strict_affinity = strict_affinity
        self.prefix_length = size
        self.revision = 0
        """Counts what all nodes must hear of: blocks claimed, and addresses borrowed or given back."""
        self._base = int(parsed.network_address)
        self._block = 1 << (parsed.max_prefixlen - size)
        self._count = 1 << (size - parsed.prefixlen)
        self._blocks: dict[int, Block] = {}
        self._by_prefix: dict[int, Block] = {}
        self._owned: dict[str, tuple[int, ...]] = {}
        self._held: dict[str, dict[str, int]] = {}
        self._borrowed: dict[int, str] = {}

    def node(self, name: str) -> NodeBlocks:
        """A node's view."""
        return NodeBlocks(self, name)

    def blocks_of(self, node: str) -> tuple[str, ...]:
        """The blocks that a node has claimed, in that order."""
        return tuple(self._cidr(index) for index in self._owned.get(node, ()))

    @property
    def by_prefix(self) -> tuple[int, int, Mapping[int, Block]]:
        """IP version, prefix length, and the claimed blocks by the leading bits of their addresses."""
        return self.version, self.prefix_length, self._by_prefix

    def cidr_of(self, block: Block) -> str:
        """A block's addresses."""
        return self._cidr(block.index)

    def borrowed(self) -> Iterator[tuple[str, str, str]]:
        """Each borrowed address, the node that holds it, and the node whose block it is from."""
        for number, node in self._borrowed.items():
            yield text_of(self.version, number), node, self._blocks[self._index(number)].node

    # -- what a view does ----------------------------------------------------------------------------------------------

    def candidates(self, node: str) -> Iterator[tuple[int, int]]:
        """The free addresses in the order in which a node takes them, as (block, ordinal); blocks may be unclaimed."""
        owned = self._owned.get(node, ())
        for index in owned:
            yield from ((index, ordinal) for ordinal in self._blocks[index].free)
        start = _fnv(node) % self._count
        lap = [*range(start, self._count), *range(start)] if len(self._blocks) == self._count else None
        if lap is None:
            first = next(i % self._count for i in range(start, start + self._count) if i % self._count not in self._blocks)
            yield from ((first, ordinal) for ordinal in range(self._block))
        elif not self.strict_affinity:
            for index in lap:
                if index not in owned:
                    yield from ((index, ordinal) for ordinal in self._blocks[index].free)

    def take(self, node: str, container: str, index: int, ordinal: int) -> str:
        """Enter that a container has an address; a block that nobody has is claimed."""
        block = self._blocks.get(index)
        if block is None:
            block = Block(index, node, tuple(range(self._block)))
            self._owned[node] = (*self._owned.get(node, ()), index)
            self._by_prefix[self._base // self._block + index] = block
            self.revision += 1
        first = bool(block.free) and block.free[0] == ordinal
        left = block.free[1:] if first else tuple(free for free in block.free if free != ordinal)
        self._blocks[index] = Block(index, block.node, left)
        number = self._base + index * self._block + ordinal
        self._held.setdefault(node, {})[container] = number
        if block.node != node:
            self._borrowed[number] = node
            self.revision += 1
        return text_of(self.version, number)

    def give_back(self, node: str, container: str) -> tuple[str, ...]:
        """Enter that a container is gone: its address goes to the end of its block's queue."""
        number = self._held.get(node, {}).pop(container, None)
        if number is None:
            return ()
        block = self._blocks[self._index(number)]
        self._blocks[block.index] = replace(block, free=(*block.free, (number - self._base) % self._block))
        if self._borrowed.pop(number, None):
            self.revision += 1
        return (text_of(self.version, number),)

    def place_of(self, address: str) -> tuple[int, int]:
        """An address as (block, ordinal).  Raises AddressUnavailable when it is not in the pool, or InvalidAddress."""
        version, number = number_of(address)
        if version != self.version or not 0 <= number - self._base < self._count * self._block:
            raise AddressUnavailable(address, f"an address of the pool, {text_of(self.version, self._base)} and "
                                     f"{self._count * self._block - 1} more", "ask for one of these")
        return self._index(number), (number - self._base) % self._block

    def block(self, index: int) -> Block | None:
        """A block that somebody has claimed, or None."""
        return self._blocks.get(index)

    def owned(self, node: str) -> list[Block]:
        """The blocks that a node has claimed."""
        return [self._blocks[index] for index in self._owned.get(node, ())]

    def held(self, node: str) -> dict[str, int]:
        """Who holds which address on a node: container -> number."""
        return self._held.get(node, {})

    def text(self, index: int, ordinal: int) -> str:
        """An address, given as (block, ordinal)."""
        return text_of(self.version, self._base + index * self._block + ordinal)

    def range_of(self, block: Block) -> Range:
        """A block in the form of a host-local range."""
        first = self._base + block.index * self._block
        return Range(self.version, first, self.prefix_length, first, first + self._block - 1, number_of(GATEWAY)[1])

    def copy(self, node: str) -> CalicoBlocks:
        """Another pool in the same state, as far as this node can change it."""
        twin = CalicoBlocks.__new__(CalicoBlocks)
        twin.__dict__ |= self.__dict__
        twin._blocks, twin._owned, twin._borrowed = dict(self._blocks), dict(self._owned), dict(self._borrowed)
        twin._by_prefix = dict(self._by_prefix)
        twin._held = self._held | {node: dict(self.held(node))}
        return twin

    def become(self, other: CalicoBlocks, node: str) -> None:
        """Take over the state of a node's copy; the revision goes on, because every node must hear of it."""
        revision = self.revision
        self.__dict__ |= other.copy(node).__dict__
        self.revision = revision + 1

    def _cidr(self, index: int) -> str:
        return f"{self.text(index, 0)}/{self.prefix_length}"

    def _index(self, number: int) -> int:
        return (number - self._base) // self._block


class NodeBlocks:
    """One node's view of the pool: it allocates as a host-local allocator does, and what it takes the others see.

        >>> node = CalicoBlocks("10.244.0.0/16").node("node-1")
        >>> node.allocate("a"), node.allocate("b"), node.release("a"), node.peek()
        ('10.244.41.192', '10.244.41.193', ('10.244.41.192',), '10.244.41.194')
        >>> node.used, node.free, node.capacity
        (1, 63, 64)
    """

    __slots__ = ("_last", "node", "pool")

    def __init__(self, pool: CalicoBlocks, node: str) -> None:
        self.pool = pool
        self.node = node
        self._last: str | None = None

    @property
    def blocks(self) -> tuple[str, ...]:
        """The blocks that the node has claimed."""
        return self.pool.blocks_of(self.node)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The same as ranges: all their addresses can be handed out."""
        return tuple(self.pool.range_of(block) for block in self.pool.owned(self.node))

    @property
    def capacity(self) -> int:
        """How many addresses its blocks have."""
        return sum(each.capacity for each in self.ranges)

    @property
    def used(self) -> int:
        """How many addresses are held on this node, borrowed ones too."""
        return len(self.pool.held(self.node))

    @property
    def free(self) -> int:
        """How many addresses its blocks have left (it may claim more blocks)."""
        return sum(len(block.free) for block in self.pool.owned(self.node))

    @property
    def last_reserved(self) -> str | None:
        """The address that was handed out last; None on a new node."""
        return self._last

    def addresses_of(self, container_id: str, ifname: str | None = None) -> tuple[str, ...]:
        """The address that a container holds, as a tuple of one or none."""
        number = self.pool.held(self.node).get(container_id)
        return () if number is None else (text_of(self.pool.version, number),)

    def next_candidates(self) -> Iterator[Candidate]:
        """The free addresses in the order in which ``allocate`` takes them."""
        for place in self.pool.candidates(self.node):
            yield Candidate(self.pool.text(*place), None)

    def peek(self) -> str:
        """The address that ``allocate`` would hand out next.  Raises AddressesExhausted."""
        return self.pool.text(*self._next())

    def allocate(self, container_id: str, ifname: str = "eth0", requested: str | None = None) -> str:
        """CNI ADD: take an address, or the requested one.

        Raises AddressesExhausted, AddressUnavailable, AlreadyExists or InvalidAddress; nothing has changed then.
        """
        if container_id in self.pool.held(self.node):
            raise AlreadyExists(container_id, "a container that has no address yet", "release it first")
        index, ordinal = self._next() if requested is None else self._if_available(requested)
        self._last = self.pool.take(self.node, container_id, index, ordinal)
        return self._last

    def release(self, container_id: str, ifname: str | None = None) -> tuple[str, ...]:
        """CNI DEL: give back what a container holds.  Releasing what is not held is no error."""
        return self.pool.give_back(self.node, container_id)

    def copy(self) -> NodeBlocks:
        """A view of a copy of the pool: what is tried on it does not change this one."""
        twin = NodeBlocks(self.pool.copy(self.node), self.node)
        twin._last = self._last
        return twin

    def recall(self, last: str | None) -> None:
        """Take an earlier address for the one that was handed out last."""
        self._last = last

    def restore(self, before: NodeBlocks) -> None:
        """Put the pool back into the state of a copy; nothing else may have changed it since."""
        self.pool.become(before.pool, self.node)
        self._last = before._last

    def __repr__(self) -> str:
        return f"<NodeBlocks {self.node} {' '.join(self.blocks)}: {self.used} held, {self.free} free>"

    def _next(self) -> tuple[int, int]:
        for place in self.pool.candidates(self.node):
            return place
        raise AddressesExhausted(" ".join(self.blocks) or "the pool", "a free address in the node's blocks, or a free block"
                                 + ("" if self.pool.strict_affinity else ", or an address to borrow"),
                                 "delete a pod, or use a larger pool" + (" or no strict affinity" if self.pool.strict_affinity
                                                                         else ""))

    def _if_available(self, requested: str) -> tuple[int, int]:
        index, ordinal = self.pool.place_of(requested)
        block = self.pool.block(index)
        if block is not None and (ordinal not in block.free or (self.pool.strict_affinity and block.node != self.node)):
            why = "that nobody holds" if ordinal not in block.free else f"of a block of {self.node} (strict affinity)"
            raise AddressUnavailable(requested, f"an address {why}", "ask for another, or for none in particular")
        return index, ordinal


def _fnv(text: str) -> int:
    """The 32-bit FNV-1 hash of a node's name, with which Calico seeds the place where the node begins to look."""
    found = 0x811C9DC5
    for byte in text.encode():
        found = (found * 0x01000193 & 0xFFFFFFFF) ^ byte
    return found
