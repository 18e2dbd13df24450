"""Node CIDRs: the table of FACTS section 2, the cursor, and a naive allocator beside ours."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.addressing import DualStackNodeCidrs, NodeCidrAllocator
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, CourseError, InvalidArgument, InvalidCidr


def state(blocks):
    """All that can be seen of an allocator, and what it would do next."""
    try:
        following = blocks.peek()
    except AddressesExhausted:
        following = None
    return blocks.allocated, blocks.used, blocks.free, following


@pytest.mark.parametrize(
    ("cluster", "size", "capacity"),
    [
        ("10.244.0.0/16", 24, 256), ("10.240.0.0/14", 24, 1024), ("10.240.0.0/12", 24, 4096),
        ("10.244.0.0/16", 26, 1024), ("10.244.0.0/24", 24, 1), ("10.0.0.0/8", 24, 65536),
        ("2001:db8:1234::/48", 64, 65536), ("10.0.0.0/32", 32, 1),
    ],
)
def test_capacity(cluster, size, capacity):
    assert NodeCidrAllocator(cluster, size).capacity == capacity


@pytest.mark.parametrize(
    ("cluster", "size", "index", "cidr"),
    [
        ("127.123.0.0/16", 24, 0, "127.123.0.0/24"),
        ("127.123.0.0/16", 24, 15, "127.123.15.0/24"),
        ("10.244.0.0/16", 24, 255, "10.244.255.0/24"),
        ("192.168.0.0/24", 28, 3, "192.168.0.48/28"),
        ("2001:db8:1234::/48", 64, 15, "2001:db8:1234:f::/64"),
        ("2001:db8:1234:ff00::/56", 72, 15, "2001:db8:1234:ff00:f00::/72"),
    ],
)
def test_the_block_of_an_index(cluster, size, index, cidr):
    blocks = NodeCidrAllocator(cluster, size)
    assert [blocks.allocate() for _ in range(index + 1)][-1] == cidr


def test_default_sizes():
    assert NodeCidrAllocator("10.244.0.0/16").allocate() == "10.244.0.0/24"
    assert NodeCidrAllocator("fd00:10:244::/48").allocate() == "fd00:10:244::/64"


def test_a_released_block_comes_back_only_when_the_cursor_has_wrapped():
    blocks = NodeCidrAllocator("10.244.0.0/22", 24)
    assert [blocks.allocate() for _ in range(3)] == ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]
    blocks.release("10.244.1.0/24")
    assert [blocks.allocate() for _ in range(2)] == ["10.244.3.0/24", "10.244.1.0/24"]
    with pytest.raises(AddressesExhausted, match="CIDR allocation failed; there are no remaining CIDRs left "
                                                 "to allocate in the accepted range"):
        blocks.allocate()


def test_deleting_node_two_of_three_leaves_its_block_unused_until_256_nodes_have_come():
    blocks = NodeCidrAllocator("10.244.0.0/16", 24)
    for _ in range(3):
        blocks.allocate()
    blocks.release("10.244.1.0/24")
    got = [blocks.allocate() for _ in range(254)]
    assert got[0] == "10.244.3.0/24"
    assert got[-2:] == ["10.244.255.0/24", "10.244.1.0/24"]
    with pytest.raises(AddressesExhausted):
        blocks.allocate()


@pytest.mark.parametrize(
    ("cidr", "blocks_taken"),
    [
        ("10.244.1.0/24", [1]), ("10.244.2.0/23", [2, 3]), ("10.244.1.64/26", [1]), ("10.0.0.0/8", [0, 1, 2, 3]),
        ("10.244.0.0/22", [0, 1, 2, 3]), ("10.244.3.255/32", [3]),
    ],
)
def test_occupy_marks_all_that_it_touches_and_leaves_the_cursor(cidr, blocks_taken):
    blocks = NodeCidrAllocator("10.244.0.0/22", 24)
    for _ in range(2):  # twice is no error
        blocks.occupy(cidr)
    assert blocks.allocated == tuple(f"10.244.{index}.0/24" for index in blocks_taken)
    free = [f"10.244.{index}.0/24" for index in range(4) if index not in blocks_taken]
    assert [blocks.allocate() for _ in free] == free
    blocks.release(cidr)
    assert blocks.used == len(free)


@pytest.mark.parametrize("cidr", ["10.245.0.0/24", "192.168.0.0/16", "fd00::/64"])
@pytest.mark.parametrize("verb", ["occupy", "release"])
def test_outside_the_cluster_cidr(cidr, verb):
    blocks = NodeCidrAllocator("10.244.0.0/16", 24)
    before = state(blocks)
    with pytest.raises(AddressUnavailable, match=r"out the range of cluster cidr 10\.244\.0\.0/16"):
        getattr(blocks, verb)(cidr)
    assert state(blocks) == before


@pytest.mark.parametrize(
    ("cluster", "size", "error", "words"),
    [
        ("10.244.0.0/16", 8, InvalidArgument, "from 16 to 32"),
        ("10.244.0.0/25", None, InvalidCidr, "less than"),
        ("2001:db8::/32", 64, InvalidArgument, "New CIDR set failed; the node CIDR size is too big"),
        ("2001:db8::/32", None, InvalidArgument, "New CIDR set failed; the node CIDR size is too big"),
        ("10.0.0.0/8", 25, InvalidArgument, "New CIDR set failed; the node CIDR size is too big"),
        ("10.244.0.0/16", 33, InvalidArgument, "prefix length"),
        ("10.244.0.0/16", -1, InvalidArgument, "prefix length"),
        ("10.244.0.0/16", "24", InvalidArgument, "prefix length"),
        ("10.244.0.0/16", True, InvalidArgument, "prefix length"),
        ("10.244.0.1/16", 24, InvalidCidr, "10.244.0.0"),
        ("pods", 24, InvalidCidr, "cluster CIDR"),
    ],
)
def test_refused(cluster, size, error, words):
    with pytest.raises(error, match=words):
        NodeCidrAllocator(cluster, size)


class Naive:
    """The same rules as slow and plain as can be: a list of networks and a set."""

    def __init__(self, cluster, size):
        self.blocks = list(ip_network(cluster).subnets(new_prefix=size))
        self.taken = set()
        self.cursor = 0

    def allocate(self):
        order = self.blocks[self.cursor :] + self.blocks[: self.cursor]
        for block in order:
            if block not in self.taken:
                self.taken.add(block)
                self.cursor = (self.blocks.index(block) + 1) % len(self.blocks)
                return str(block)
        return None

    def occupy(self, cidr):
        self.taken |= {block for block in self.blocks if block.overlaps(ip_network(cidr))}

    def release(self, cidr):
        self.taken -= {block for block in self.blocks if block.overlaps(ip_network(cidr))}


CLUSTERS = [("10.244.0.0/21", 24), ("10.244.8.0/29", 32), ("fd00:10:244::/61", 64), ("10.0.0.0/24", 24)]


@st.composite
def histories(draw):
    cluster, size = draw(st.sampled_from(CLUSTERS))
    whole = ip_network(cluster)
    calls = []
    for verb in draw(st.lists(st.sampled_from(["allocate", "allocate", "occupy", "release"]), max_size=40)):
        length = draw(st.integers(max(0, whole.prefixlen - 2), min(whole.max_prefixlen, size + 2)))
        offset = draw(st.integers(0, whole.num_addresses - 1))
        calls.append((verb, str(ip_network((int(whole.network_address) + offset, length), strict=False))))
    return cluster, size, calls


@given(histories())
def test_as_a_naive_allocator(history):
    cluster, size, calls = history
    ours, naive = NodeCidrAllocator(cluster, size), Naive(cluster, size)
    for verb, cidr in calls:
        if verb == "allocate":
            before = state(ours)
            twin = ours.copy()
            expected = naive.allocate()
            try:
                predicted = ours.peek()
                assert ours.allocate() == predicted == expected
                assert expected not in before[0]
            except AddressesExhausted:
                assert expected is None
                assert state(ours) == before
            assert state(twin) == before
        else:
            getattr(ours, verb)(cidr)
            getattr(naive, verb)(cidr)
        assert ours.allocated == tuple(map(str, sorted(naive.taken)))
        assert (ours.used, ours.free) == (len(naive.taken), len(naive.blocks) - len(naive.taken))


def test_dual_stack_blocks_move_together():
    blocks = DualStackNodeCidrs("10.244.0.0/16,fd00:10:244::/48", (24, 64))
    assert blocks.allocate() == ("10.244.0.0/24", "fd00:10:244::/64")
    assert blocks.allocate() == ("10.244.1.0/24", "fd00:10:244:1::/64")
    blocks.release(("10.244.0.0/24", "fd00:10:244::/64"))
    blocks.occupy(["fd00:10:244:2::/64"])
    assert blocks.peek() == ("10.244.2.0/24", "fd00:10:244:3::/64")
    assert (blocks.used, blocks.free, blocks.capacity) == (2, 255, 256)


def test_dual_stack_keeps_the_order_of_the_cluster_cidr():
    assert DualStackNodeCidrs("fd00::/48,10.244.0.0/16").allocate() == ("fd00::/64", "10.244.0.0/24")
    assert DualStackNodeCidrs("10.244.0.0/16").allocate() == ("10.244.0.0/24",)


def test_when_one_family_is_full_nothing_is_taken_from_the_other():
    blocks = DualStackNodeCidrs("10.244.0.0/16,fd00::/64", (24, 64))
    blocks.allocate()
    before = [state(family) for family in blocks.families]
    with pytest.raises(AddressesExhausted, match="fd00::/64"):
        blocks.allocate()
    assert [state(family) for family in blocks.families] == before
    assert blocks.free == 0


@pytest.mark.parametrize("other", ["fd01::/64", "pods", "11.0.0.0/24"])
@pytest.mark.parametrize("verb", ["occupy", "release"])
def test_a_dual_stack_error_changes_neither_family(other, verb):
    blocks = DualStackNodeCidrs("10.244.0.0/16,fd00::/48")
    if verb == "release":
        blocks.allocate()
    before = [state(family) for family in blocks.families]
    with pytest.raises(CourseError):
        getattr(blocks, verb)(("10.244.0.0/24", other))
    assert [state(family) for family in blocks.families] == before


@pytest.mark.parametrize("sizes", [(24,), (24, 64, 64), (24, 24)])
def test_dual_stack_sizes_that_do_not_fit(sizes):
    with pytest.raises(InvalidArgument):
        DualStackNodeCidrs("10.244.0.0/16,fd00::/48", sizes)
