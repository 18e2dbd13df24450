"""Node ports: the bands of FACTS section 6.3, the messages, and that draws can be repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.addressing import NodePortAllocator
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, CourseError, InvalidArgument


def state(ports):
    """All that can be seen of an allocator, and what it would do next."""
    try:
        following = ports.copy().allocate()
    except AddressesExhausted:
        following = None
    return ports.allocated, ports.used, ports.free, following


@pytest.mark.parametrize(
    ("first", "last", "static", "dynamic"),
    [
        (30000, 32767, (30000, 30085), (30086, 32767)),
        (30000, 30127, (30000, 30015), (30016, 30127)),
        (30000, 36000, (30000, 30127), (30128, 36000)),
        (30000, 30015, None, (30000, 30015)),
        (30000, 30016, (30000, 30015), (30016, 30016)),
        (1, 65535, (1, 128), (129, 65535)),
    ],
)
def test_bands(first, last, static, dynamic):
    ports = NodePortAllocator(first, last)
    assert (ports.static_band, ports.dynamic_band) == (static, dynamic)
    assert ports.capacity == ports.free == last - first + 1
    assert dynamic[0] <= ports.allocate() <= dynamic[1]


def test_the_default_range_is_kubernetes_own():
    ports = NodePortAllocator()
    assert (ports.first, ports.last, ports.capacity) == (30000, 32767, 2768)
    dynamic = [ports.allocate() for _ in range(2682)]
    assert (min(dynamic), max(dynamic), len(set(dynamic))) == (30086, 32767, 2682)
    rest = [ports.allocate() for _ in range(86)]
    assert sorted(rest) == list(range(30000, 30086))
    with pytest.raises(AddressesExhausted, match="range is full"):
        ports.allocate()


def test_what_is_taken():
    ports = NodePortAllocator()
    assert [ports.allocate(30082), ports.allocate(30080)] == [30082, 30080]
    assert (ports.used, ports.free, ports.allocated) == (2, 2766, (30080, 30082))
    assert 30080 in ports and 30081 not in ports


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ((30080,), AddressUnavailable, "provided port is already allocated"),
        ((80,), AddressUnavailable,
         "provided port is not in the valid range. The range of valid ports is 30000-32767"),
        ((32768,), AddressUnavailable, "The range of valid ports is 30000-32767"),
        (("30081",), InvalidArgument, "port number"),
        ((True,), InvalidArgument, "port number"),
    ],
)
def test_a_refused_request_says_why_and_changes_nothing(call, error, words):
    ports = NodePortAllocator()
    ports.allocate(30080)
    before = state(ports)
    with pytest.raises(error) as caught:
        ports.allocate(*call)
    assert words in str(caught.value)
    assert state(ports) == before


def test_release():
    ports = NodePortAllocator()
    ports.allocate(30080)
    before = state(ports)
    ports.release(30081)
    ports.release(80)
    assert state(ports) == before
    for value in ("30080", None, 0, 65536):
        with pytest.raises(InvalidArgument):
            ports.release(value)
    ports.release(30080)
    assert ports.used == 0


@pytest.mark.parametrize(
    "limits", [(0, 10), (30000, 65536), (32767, 30000), ("30000", 32767), (30000, None), (True, 5)])
def test_ranges_that_are_refused(limits):
    with pytest.raises(InvalidArgument):
        NodePortAllocator(*limits)


def test_the_same_seed_gives_the_same_ports_and_another_seed_others():
    one, two, three = (NodePortAllocator(seed=seed) for seed in (7, 7, 8))
    drawn = [one.allocate() for _ in range(5)]
    assert drawn == [two.allocate() for _ in range(5)]
    assert drawn != [three.allocate() for _ in range(5)]


@given(st.lists(st.none() | st.integers(30000, 30025), max_size=80))
def test_no_port_is_ever_held_twice(calls):
    ports, held = NodePortAllocator(30000, 30023), set()
    for requested in calls:
        if requested in held:
            ports.release(requested)
            held.remove(requested)
            continue
        before = state(ports)
        upper_full = set(range(30016, 30024)) <= held
        try:
            got = ports.allocate(requested)
        except CourseError:
            assert state(ports) == before
            assert requested in (None, 30024, 30025)
            continue
        assert got not in held
        assert requested is not None or ports.is_static(got) == upper_full
        held.add(got)
        assert ports.allocated == tuple(sorted(held))
        assert ports.used == len(held) == ports.capacity - ports.free
