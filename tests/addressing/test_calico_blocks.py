"""Calico's IPAM: blocks with affinity, a queue in each block, borrowing.  FACTS 5.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.addressing import CalicoBlocks
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, AlreadyExists, CourseError, InvalidArgument


def test_all_64_addresses_of_a_block_are_usable() -> None:
    node = CalicoBlocks("10.244.0.0/26").node("node-1")
    assert [node.allocate(str(n)) for n in range(64)] == [f"10.244.0.{n}" for n in range(64)]
    with pytest.raises(AddressesExhausted):
        node.allocate("one more")


def test_a_freed_address_waits_at_the_end_of_the_queue() -> None:
    node = CalicoBlocks("10.244.0.0/26").node("node-1")
    first = [node.allocate(str(n)) for n in range(3)]
    assert node.release("0") == (first[0],) and node.release("0") == ()
    later = [node.allocate(f"again {n}") for n in range(62)]
    assert later[-1] == first[0] and first[0] not in later[:-1]


def test_blocks_have_one_node_each() -> None:
    pool = CalicoBlocks("10.244.0.0/16")
    views = [pool.node(f"node-{n}") for n in range(100)]
    for view in views:
        view.allocate("x")
    blocks = [block for view in views for block in view.blocks]
    assert len(set(blocks)) == 100 and all(block.endswith("/26") for block in blocks)


def test_another_block_when_the_first_is_full_and_then_borrowing() -> None:
    pool = CalicoBlocks("10.244.0.0/25")
    one, two = pool.node("node-1"), pool.node("node-2")
    for n in range(65):
        one.allocate(str(n))
    assert len(one.blocks) == 2 and (one.used, one.free, one.capacity) == (65, 63, 128)
    borrowed = two.allocate("guest")
    assert two.blocks == () and list(pool.borrowed()) == [(borrowed, "node-2", "node-1")]
    two.release("guest")
    assert list(pool.borrowed()) == []


def test_strict_affinity_forbids_borrowing() -> None:
    pool = CalicoBlocks("10.244.0.0/26", strict_affinity=True)
    taken = pool.node("node-1").allocate("a")
    two = pool.node("node-2")
    with pytest.raises(AddressesExhausted):
        two.allocate("b")
    with pytest.raises(AddressUnavailable):
        two.allocate("b", requested="10.244.0.9")
    with pytest.raises(AddressUnavailable):
        pool.node("node-1").allocate("b", requested=taken)
    assert pool.node("node-1").allocate("b", requested="10.244.0.9") == "10.244.0.9"


def test_a_container_gets_one_address() -> None:
    node = CalicoBlocks("10.244.0.0/16").node("node-1")
    node.allocate("a")
    with pytest.raises(AlreadyExists):
        node.allocate("a")
    with pytest.raises(AddressUnavailable):
        node.allocate("b", requested="192.168.0.1")


@pytest.mark.parametrize(("pool", "size"), [("10.244.0.0/16", 19), ("10.244.0.0/16", 33), ("10.244.0.0/24", 23),
                                            ("fd00:10:244::/64", 64)])
def test_block_sizes(pool: str, size: int) -> None:
    with pytest.raises(InvalidArgument):
        CalicoBlocks(pool, size)


def test_ipv6_blocks() -> None:
    node = CalicoBlocks("fd00:10:244::/112").node("node-1")
    assert node.allocate("a") in node.blocks[0].replace("/122", "") and node.capacity == 64


def test_a_copy_is_another_pool_until_it_is_restored() -> None:
    pool = CalicoBlocks("10.244.0.0/25")
    one, two = pool.node("node-1"), pool.node("node-2")
    one.allocate("a")
    before, twin = one.copy(), one.copy()
    twin.allocate("b")
    assert one.used == 1
    for n in range(64):
        one.allocate(str(n))
    one.restore(before)
    assert (one.used, one.blocks, two.blocks) == (1, before.blocks, ()) and one.peek() == before.peek()
    two.allocate("c")
    assert len(two.blocks) == 1, "the views share the restored pool"


ACTIONS = st.lists(st.tuples(st.sampled_from(["node-1", "node-2", "node-3"]), st.integers(0, 40), st.booleans()), max_size=300)


@given(ACTIONS, st.booleans())
def test_no_address_is_given_twice(actions: list[tuple[str, int, bool]], strict: bool) -> None:
    pool = CalicoBlocks("10.244.0.0/28", 30, strict_affinity=strict)
    held: dict[tuple[str, str], str] = {}
    for node, number, gives in actions:
        view, key = pool.node(node), (node, str(number))
        if gives:
            try:
                expected = view.peek()
                held_before = dict(held)
                got = view.allocate(str(number))
            except CourseError:
                continue
            assert got == expected and got not in held_before.values()
            held[key] = got
        else:
            assert view.release(str(number)) == ((held.pop(key),) if key in held else ())
    assert sum(pool.node(node).used for node in ("node-1", "node-2", "node-3")) == len(held)
