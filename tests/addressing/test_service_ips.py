"""Service addresses: the bands of FACTS section 6.2, the messages, and that draws can be repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.addressing import ServiceIpAllocator
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, CourseError, InvalidAddress, InvalidCidr


def state(services):
    """All that can be seen of an allocator, and what it would do next."""
    twin = services.copy()
    try:
        following = twin.allocate()
    except AddressesExhausted:
        following = None
    return services.allocated, services.used, services.free, following


@pytest.mark.parametrize(
    ("cidr", "usable", "static", "dynamic"),
    [
        ("10.96.0.0/28", 14, None, ("10.96.0.1", "10.96.0.14")),
        ("10.96.0.0/27", 30, ("10.96.0.1", "10.96.0.16"), ("10.96.0.17", "10.96.0.30")),
        ("10.96.0.0/26", 62, ("10.96.0.1", "10.96.0.16"), ("10.96.0.17", "10.96.0.62")),
        ("10.96.0.0/24", 254, ("10.96.0.1", "10.96.0.16"), ("10.96.0.17", "10.96.0.254")),
        ("10.96.0.0/22", 1022, ("10.96.0.1", "10.96.0.64"), ("10.96.0.65", "10.96.3.254")),
        ("10.96.0.0/20", 4094, ("10.96.0.1", "10.96.1.0"), ("10.96.1.1", "10.96.15.254")),
        ("10.96.0.0/16", 65534, ("10.96.0.1", "10.96.1.0"), ("10.96.1.1", "10.96.255.254")),
        ("10.96.0.0/12", 1048574, ("10.96.0.1", "10.96.1.0"), ("10.96.1.1", "10.111.255.254")),
        ("10.96.0.0/30", 2, None, ("10.96.0.1", "10.96.0.2")),
        ("fd00:10:96::/112", 65535, ("fd00:10:96::1", "fd00:10:96::100"), ("fd00:10:96::101", "fd00:10:96::ffff")),
        ("fd00::/64", 2**64 - 1, ("fd00::1", "fd00::100"), ("fd00::101", "fd00::ffff:ffff:ffff:ffff")),
    ],
)
def test_bands(cidr, usable, static, dynamic):
    services = ServiceIpAllocator(cidr)
    assert services.capacity == services.free == usable
    assert (services.static_band, services.dynamic_band) == (static, dynamic)
    drawn = services.allocate()
    assert not services.is_static(drawn)
    for edge in (*(static or ()), *dynamic):
        if edge not in services:
            services.allocate(edge)


@pytest.mark.parametrize("cidr", ["10.96.0.0/28", "10.96.0.0/27", "10.96.0.0/26", "fd00::/123"])
def test_the_upper_band_is_used_up_before_the_lower(cidr):
    services = ServiceIpAllocator(cidr, seed=3)
    drawn = [services.allocate() for _ in range(services.capacity)]
    assert len(set(drawn)) == services.capacity
    statics = [services.is_static(each) for each in drawn]
    assert statics == sorted(statics)
    before = state(services)
    with pytest.raises(AddressesExhausted, match="range is full"):
        services.allocate()
    assert state(services) == before
    for freed in (drawn[5], drawn[-1]):
        services.release(freed)
        assert services.allocate() == freed


def test_kubernetes_and_dns_may_be_asked_for():
    services = ServiceIpAllocator("10.96.0.0/12")
    assert [services.allocate("10.96.0.1"), services.allocate("10.96.0.10")] == ["10.96.0.1", "10.96.0.10"]
    assert services.allocate("10.100.1.1") == "10.100.1.1"
    assert services.allocated == ("10.96.0.1", "10.96.0.10", "10.100.1.1")
    assert "10.96.0.10" in services
    assert "10.96.0.11" not in services
    assert "192.168.0.1" not in services


@pytest.mark.parametrize(
    ("requested", "error", "words"),
    [
        ("10.96.0.1", AddressUnavailable, "failed to allocate IP 10.96.0.1: provided IP is already allocated"),
        ("10.96.0.0", AddressUnavailable, "The range of valid IPs is 10.96.0.0/12"),
        ("10.111.255.255", AddressUnavailable, "provided IP is not in the valid range."),
        ("10.112.0.1", AddressUnavailable, "The range of valid IPs is 10.96.0.0/12"),
        ("fd00::1", AddressUnavailable, "The range of valid IPs is 10.96.0.0/12"),
        ("10.96.0.01", InvalidAddress, "write '10.96.0.1'"),
        ("dns", InvalidAddress, "Service address"),
        ("", InvalidAddress, "Service address"),
    ],
)
def test_a_refused_request_says_why_and_changes_nothing(requested, error, words):
    services = ServiceIpAllocator("10.96.0.0/12")
    services.allocate("10.96.0.1")
    before = state(services)
    with pytest.raises(error) as caught:
        services.allocate(requested)
    assert words in str(caught.value)
    assert state(services) == before


@pytest.mark.parametrize("value", ["10.96.0.77", "10.95.0.1", "fd00::1", "10.96.0.0"])
def test_releasing_what_is_free_or_elsewhere_changes_nothing(value):
    services = ServiceIpAllocator("10.96.0.0/24")
    services.allocate("10.96.0.1")
    before = state(services)
    services.release(value)
    assert state(services) == before


@pytest.mark.parametrize(
    "cidr", ["10.96.0.0/31", "10.96.0.0/32", "fd00::/63", "fd00::/128", "10.96.0.1/24", "services"])
def test_ranges_that_are_refused(cidr):
    with pytest.raises(InvalidCidr):
        ServiceIpAllocator(cidr)


def test_the_same_seed_gives_the_same_addresses_and_another_seed_others():
    one, two, three = (ServiceIpAllocator("10.96.0.0/12", seed) for seed in (7, 7, 8))
    drawn = [one.allocate() for _ in range(5)]
    assert drawn == [two.allocate() for _ in range(5)]
    assert drawn != [three.allocate() for _ in range(5)]


@given(st.integers(0, 5), st.lists(st.none() | st.integers(0, 33), max_size=60))
def test_no_address_is_ever_held_twice(seed, calls):
    services, held = ServiceIpAllocator("10.96.0.0/27", seed), set()
    for call in calls:
        if call is not None and f"10.96.0.{call}" in held:
            services.release(f"10.96.0.{call}")
            held.remove(f"10.96.0.{call}")
            continue
        before = state(services)
        upper_full = len([each for each in held if not services.is_static(each)]) == 14
        try:
            got = services.allocate(None if call is None else f"10.96.0.{call}")
        except CourseError:
            assert state(services) == before
            assert len(held) == 30 or call in (0, 31, 32, 33)
            continue
        assert got not in held
        assert call is not None or services.is_static(got) == upper_full
        held.add(got)
        assert set(services.allocated) == held
        assert (services.used, services.free) == (len(held), 30 - len(held))
