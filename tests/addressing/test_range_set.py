"""Range sets: the blanks that are filled in, capacities, and every configuration that host-local refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.addressing import HostLocal
from k8snet_course.addressing.range_set import parse
from k8snet_course.errors import CidrOverlap, InvalidAddress, InvalidArgument, InvalidCidr


@pytest.mark.parametrize(
    ("spec", "start", "end", "gateway"),
    [
        ("10.244.0.0/24", "10.244.0.1", "10.244.0.254", "10.244.0.1"),
        ({"subnet": "10.244.0.0/24", "rangeStart": "10.244.0.100"}, "10.244.0.100", "10.244.0.254", "10.244.0.1"),
        ({"subnet": "10.244.0.0/24", "rangeEnd": "10.244.0.9"}, "10.244.0.1", "10.244.0.9", "10.244.0.1"),
        ({"subnet": "10.244.0.0/24", "gateway": "10.244.0.254"}, "10.244.0.1", "10.244.0.254", "10.244.0.254"),
        ({"subnet": "10.244.0.0/24", "gateway": "10.9.0.1"}, "10.244.0.1", "10.244.0.254", "10.9.0.1"),
        ("2001:db8::/64", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::1"),
        ("2001:db8::/126", "2001:db8::1", "2001:db8::3", "2001:db8::1"),
    ],
)
def test_blanks_are_filled_in(spec, start, end, gateway):
    (one,) = parse(spec).ranges
    assert (one.start, one.end, one.gateway) == (start, end, gateway)


@pytest.mark.parametrize(
    ("subnet", "capacity"),
    [("10.244.0.0/24", 253), ("10.244.0.0/26", 61), ("10.244.0.0/28", 13), ("10.244.0.0/29", 5), ("10.244.0.0/30", 1)],
)
def test_capacity(subnet, capacity):
    node = HostLocal(subnet)
    assert node.capacity == capacity
    assert sum(candidate.skipped is None for candidate in node.next_candidates()) == capacity


@given(st.integers(0, 30))
def test_capacity_formula(length):
    assert parse(f"0.0.0.0/{length}").capacity == 2 ** (32 - length) - 3


def test_capacity_counts_the_gateway_only_where_it_lies_inside():
    assert parse({"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.10", "rangeEnd": "10.0.0.19"}).capacity == 10
    assert parse({"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.10", "rangeEnd": "10.0.0.19",
                  "gateway": "10.0.0.12"}).capacity == 9
    assert parse([{"subnet": "10.0.0.0/30"}, {"subnet": "10.0.1.0/30"}]).capacity == 2


NET = "10.244.0.0/24"


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("10.244.0.7/24", InvalidCidr,
         "Network has host bits set. For a subnet mask of length 24 the network address is 10.244.0.0"),
        ("10.244.0.0/31", InvalidCidr, "Network 10.244.0.0/31 too small to allocate from"),
        ("10.244.0.0/32", InvalidCidr, "Network 10.244.0.0/32 too small to allocate from"),
        ("2001:db8::/127", InvalidCidr, "Network 2001:db8::/127 too small to allocate from"),
        ("2001:db8::/128", InvalidCidr, "Network 2001:db8::/128 too small to allocate from"),
        ({"subnet": NET, "rangeStart": "10.0.0.1"}, InvalidAddress, f"RangeStart 10.0.0.1 not in network {NET}"),
        ({"subnet": NET, "rangeEnd": "10.0.0.1"}, InvalidAddress, f"RangeEnd 10.0.0.1 not in network {NET}"),
        ({"subnet": NET, "rangeEnd": "10.244.0.0"}, InvalidAddress, f"RangeEnd 10.244.0.0 not in network {NET}"),
        ({"subnet": NET, "rangeStart": "10.244.0.5", "rangeEnd": "10.244.0.3"}, InvalidAddress,
         f"RangeStart 10.244.0.5 not in network {NET}"),
        ({"subnet": NET, "rangeStart": "10.244.0.255"}, InvalidAddress,
         f"RangeStart 10.244.0.255 not in network {NET}"),
        ({"subnet": NET, "rangeStart": "fd00::1"}, InvalidAddress, f"RangeStart fd00::1 not in network {NET}"),
        ({"subnet": NET, "rangeStart": "five"}, InvalidAddress, "rangeStart"),
        ({"subnet": NET, "gateway": "fd00::1"}, InvalidAddress, "IPv4 gateway"),
        ({"subnet": NET, "gatway": "10.244.0.1"}, InvalidArgument, "gatway"),
        ({"rangeStart": "10.244.0.1"}, InvalidArgument, "subnet"),
        ([], InvalidArgument, "empty range set"),
        ([[{"subnet": NET}]], InvalidArgument, "subnet"),
        (7, InvalidArgument, "a list of ranges"),
        ([NET, "2001:db8::/64"], InvalidCidr, "mixed address families"),
        ([{"subnet": NET, "rangeStart": "10.244.0.9"}, {"subnet": NET, "rangeEnd": "10.244.0.9"}], CidrOverlap,
         "subnets 10.244.0.9-10.244.0.254 and 10.244.0.1-10.244.0.9 overlap"),
        (["10.0.0.0/29", "10.0.0.0/30"], CidrOverlap,
         "subnets 10.0.0.1-10.0.0.6 and 10.0.0.1-10.0.0.2 overlap"),
    ],
)
def test_refused(spec, error, words):
    with pytest.raises(error) as caught:
        HostLocal(spec)
    assert words in str(caught.value)


def test_ranges_of_one_subnet_may_stand_side_by_side():
    low = {"subnet": NET, "rangeStart": "10.244.0.10", "rangeEnd": "10.244.0.11"}
    high = {"subnet": NET, "rangeStart": "10.244.0.20", "rangeEnd": "10.244.0.21"}
    node = HostLocal([low, high])
    assert [node.allocate(name) for name in "abcd"] == ["10.244.0.10", "10.244.0.11", "10.244.0.20", "10.244.0.21"]


def test_a_gateway_that_lies_in_a_sibling_range_is_still_skipped_there():
    low = {"subnet": NET, "rangeStart": "10.244.0.10", "rangeEnd": "10.244.0.11"}
    first = {"subnet": NET, "rangeEnd": "10.244.0.2"}
    node = HostLocal([low, first])
    assert [node.allocate(name) for name in "abc"] == ["10.244.0.10", "10.244.0.11", "10.244.0.2"]
    assert node.free == 0
