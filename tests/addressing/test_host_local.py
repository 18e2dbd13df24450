"""host-local: the table of FACTS section 4, the messages, the files, and a naive allocator beside ours."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.addressing import HostLocal
from k8snet_course.errors import (
    AddressesExhausted,
    AddressUnavailable,
    AlreadyExists,
    CourseError,
    InvalidAddress,
    InvalidArgument,
)


def state(node):
    """All that can be seen of an allocator, and what it would do next."""
    return node.to_files(), node.used, node.free, tuple(zip(range(20), node.next_candidates(), strict=False))


def used(*addresses):
    return dict.fromkeys(addresses, "id")


@pytest.mark.parametrize(
    ("ranges", "reserved", "last", "expected"),
    [
        ("10.0.0.0/29", {}, None, "10.0.0.2"),
        ("10.0.0.0/29", {}, "10.0.0.5", "10.0.0.6"),
        ("10.0.0.0/29", used("10.0.0.4", "10.0.0.5"), "10.0.0.3", "10.0.0.6"),
        ("10.0.0.0/29", used("10.0.0.6"), "10.0.0.5", "10.0.0.2"),
        ("10.0.0.0/29", used("10.0.0.2"), "10.0.0.128", "10.0.0.3"),
        ("10.0.0.0/29", used("10.0.0.2"), "fd00::1", "10.0.0.3"),
        ("10.0.0.0/29", used("10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"), "10.0.0.3", "10.0.0.3"),
        (["10.0.0.0/30", "10.0.1.0/30"], {}, None, "10.0.0.2"),
        (["10.0.0.0/30", "10.0.1.0/30"], {}, "10.0.0.2", "10.0.1.2"),
        (["10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30"], {}, "10.0.2.2", "10.0.0.2"),
        (["10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30"], {}, "10.0.1.2", "10.0.2.2"),
        (["10.0.0.0/30", "10.0.1.0/30", "10.0.2.0/30"], used("10.0.1.2", "10.0.2.2"), "10.0.2.2", "10.0.0.2"),
        ("2001:db8:1::/64", {}, None, "2001:db8:1::2"),
        ("10.0.0.0/30", {}, None, "10.0.0.2"),
    ],
)
def test_the_next_address(ranges, reserved, last, expected):
    node = HostLocal(ranges, reserved=reserved, last_reserved=last)
    assert node.peek() == expected
    assert next(each.address for each in node.next_candidates() if each.skipped is None) == expected
    assert node.allocate("new") == expected
    assert node.last_reserved == expected


def test_a_whole_29_and_then_nothing():
    node = HostLocal("10.0.0.0/29")
    assert [node.allocate(f"c{number}") for number in range(5)] == [f"10.0.0.{number}" for number in range(2, 7)]
    before = state(node)
    with pytest.raises(AddressesExhausted, match=r"no IP addresses available in range set: 10\.0\.0\.1-10\.0\.0\.6\)"):
        node.allocate("c5")
    assert state(node) == before


def test_two_30s_are_one_pool():
    node = HostLocal([{"subnet": "10.0.0.0/30"}, {"subnet": "10.0.1.0/30"}])
    assert [node.allocate("a"), node.allocate("b")] == ["10.0.0.2", "10.0.1.2"]
    with pytest.raises(AddressesExhausted) as caught:
        node.allocate("c")
    assert "no IP addresses available in range set: 10.0.0.1-10.0.0.2,10.0.1.1-10.0.1.2" in str(caught.value)


def test_a_released_address_is_reused_only_after_the_wrap():
    node = HostLocal("10.244.0.0/24")
    assert node.allocate("a") == "10.244.0.2"
    assert node.release("a") == ("10.244.0.2",)
    got = []
    for number in range(253):
        got.append(node.allocate(f"c{number}"))
        node.release(f"c{number}")
    assert got == [f"10.244.0.{number}" for number in [*range(3, 255), 2]]


def test_requested_addresses():
    node = HostLocal("10.244.1.0/24")
    assert node.allocate("a", requested="10.244.1.9") == "10.244.1.9"
    assert node.allocate("b") == "10.244.1.10", "a requested address moves the round robin too"
    assert node.allocate("a", requested="10.244.1.4") == "10.244.1.4", "a second address can be had by asking"
    assert node.addresses_of("a") == ("10.244.1.9", "10.244.1.4")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ({"requested": "10.244.1.9"}, AddressUnavailable,
         "requested IP address 10.244.1.9 is not available in range set 10.244.1.1-10.244.1.254"),
        ({"requested": "10.244.1.1"}, AddressUnavailable, "requested ip 10.244.1.1 is subnet's gateway"),
        ({"requested": "10.244.1.0"}, AddressUnavailable, "10.244.1.0 not in range set 10.244.1.1-10.244.1.254"),
        ({"requested": "10.244.1.255"}, AddressUnavailable, "10.244.1.255 not in range set 10.244.1.1-10.244.1.254"),
        ({"requested": "10.244.2.9"}, AddressUnavailable, "10.244.2.9 not in range set 10.244.1.1-10.244.1.254"),
        ({"requested": "fd00::1"}, AddressUnavailable, "fd00::1 not in range set 10.244.1.1-10.244.1.254"),
        ({"requested": "10.244.1.09"}, InvalidAddress, "write '10.244.1.9'"),
        ({"container_id": "holder"}, AlreadyExists,
         "10.244.1.9 has been allocated to holder, duplicate allocation is not allowed"),
        ({"container_id": "-x"}, InvalidArgument, "container id"),
        ({"container_id": "x y"}, InvalidArgument, "container id"),
        ({"container_id": ""}, InvalidArgument, "container id"),
        ({"container_id": None}, InvalidArgument, "container id"),
        ({"ifname": "averyveryverylongname"}, InvalidArgument, "interface name"),
        ({"ifname": "et/h"}, InvalidArgument, "interface name"),
        ({"ifname": ".."}, InvalidArgument, "interface name"),
        ({"ifname": ""}, InvalidArgument, "interface name"),
    ],
)
def test_a_refused_allocation_says_why_and_changes_nothing(call, error, words):
    node = HostLocal("10.244.1.0/24", {"10.244.1.9": "holder"}, "10.244.1.9")
    before = state(node)
    with pytest.raises(error) as caught:
        node.allocate(**{"container_id": "new", **call})
    assert words in str(caught.value)
    assert state(node) == before


def test_each_interface_of_a_container_has_its_own_address():
    node = HostLocal("10.244.0.0/24")
    assert [node.allocate("a", "eth0"), node.allocate("a", "eth1")] == ["10.244.0.2", "10.244.0.3"]
    assert node.addresses_of("a", "eth1") == ("10.244.0.3",)
    assert node.release("a", "eth0") == ("10.244.0.2",)
    assert node.addresses_of("a") == ("10.244.0.3",)
    assert node.release("a") == ("10.244.0.3",)
    assert node.release("a") == ()
    assert node.used == 0


def test_gateway_and_prefix_length_are_those_of_the_addresss_own_range():
    node = HostLocal([{"subnet": "10.0.0.0/30"}, {"subnet": "10.0.1.0/29", "gateway": "10.0.1.6"}])
    assert (node.gateway_of("10.0.0.2"), node.prefix_length_of("10.0.0.2")) == ("10.0.0.1", 30)
    assert (node.gateway_of("10.0.1.2"), node.prefix_length_of("10.0.1.2")) == ("10.0.1.6", 29)
    with pytest.raises(AddressUnavailable):
        node.gateway_of("10.0.2.2")
    with pytest.raises(InvalidAddress):
        node.prefix_length_of("10.0.0.2/30")


def test_a_range_of_the_gateway_alone_has_nothing_to_give():
    node = HostLocal({"subnet": "10.6.0.0/24", "rangeStart": "10.6.0.1", "rangeEnd": "10.6.0.1"})
    assert node.capacity == 0
    with pytest.raises(AddressesExhausted):
        node.allocate("a")


def test_a_huge_range_costs_nothing_to_look_at():
    node = HostLocal("2001:db8::/64", last_reserved="2001:db8::ffff:ffff:ffff:ffff")
    assert node.free == 2**64 - 2
    assert node.allocate("a") == "2001:db8::2"


@pytest.mark.parametrize("reserved", [{"10.0.0.02": "a"}, {"pod": "a"}, {"10.0.0.2": "-"}, {"10.0.0.2": ("a", "")}])
def test_reservations_that_are_refused(reserved):
    with pytest.raises(CourseError):
        HostLocal("10.0.0.0/29", reserved)


def test_last_reserved_must_be_an_address():
    with pytest.raises(InvalidAddress):
        HostLocal("10.0.0.0/29", last_reserved="yesterday")


# -- the form on disk --------------------------------------------------------------------------------------------------


def test_files_as_the_plugin_writes_them():
    node = HostLocal("10.244.0.0/24")
    node.allocate("a")
    node.allocate("b", "net1")
    node.release("a")
    assert node.to_files() == {"10.244.0.3": "b\r\nnet1", "last_reserved_ip.0": "10.244.0.3"}
    assert HostLocal("fd00::/64", last_reserved="fd00::5").to_files(set_index=1) == {"last_reserved_ip.1": "fd00::5"}


def test_files_as_a_node_may_have_them():
    node = HostLocal.from_files("10.244.0.0/29", {
        "10.244.0.2": "a\r\neth0",
        "10.244.0.3": "old",  # an old version of the plugin: no interface
        "10.244.0.4": "",  # the plugin died between making and writing the file
        "10.9.0.4": "a\r\neth0",  # of another range: the node's CIDR was changed
        "10.244.0.1": "a\r\neth0",  # the gateway was handed out once, by a configuration of then
        "last_reserved_ip.0": "10.244.0.2",
        "last_reserved_ip.1": "10.244.0.6",
        "lock": "",
        "10.244.0.05": "x",
    })
    assert [(each.address, each.skipped) for each in node.next_candidates()] == [
        ("10.244.0.3", "held by old"),
        ("10.244.0.4", "held by nobody (an empty file)"),
        ("10.244.0.5", None),
        ("10.244.0.6", None),
        ("10.244.0.1", "gateway"),
        ("10.244.0.2", "held by a eth0"),
    ]
    assert node.used == 3
    with pytest.raises(AlreadyExists):
        node.allocate("old")
    assert node.release("old", "eth0") == ("10.244.0.3",)
    assert set(node.release("a", "eth0")) == {"10.244.0.2", "10.9.0.4", "10.244.0.1"}
    assert node.to_files() == {"10.244.0.4": "", "last_reserved_ip.0": "10.244.0.2"}


def test_only_canonical_file_names_are_addresses():
    assert HostLocal.from_files("fd00::/64", {"FD00::2": "a\r\neth0"}).allocate("b") == "fd00::2"


def test_an_unreadable_last_address_only_loses_the_round_robin():
    node = HostLocal.from_files("10.244.0.0/29", {"last_reserved_ip.0": "??", "10.244.0.2": "a\r\neth0"})
    assert node.last_reserved is None
    assert node.peek() == "10.244.0.3"


# -- any history -------------------------------------------------------------------------------------------------------


class Naive:
    """The same rules as slow and plain as can be: list every address, look for the first one that will do."""

    def __init__(self, subnets):
        self.pool = []
        for subnet in map(ip_network, subnets):
            top = subnet.num_addresses - (1 if subnet.version == 4 else 0)
            self.pool += [(str(subnet[number]), number == 1) for number in range(1, top)]
        self.held = {}
        self.last = None

    def allocate(self, container, ifname):
        if (container, ifname) in self.held.values():
            return None
        texts = [text for text, _ in self.pool]
        start = texts.index(self.last) + 1 if self.last in texts else 0
        for text, gateway in self.pool[start:] + self.pool[:start]:
            if not gateway and text not in self.held:
                return self.take(text, container, ifname)
        return None

    def request(self, container, ifname, text):
        free = (text, False) in self.pool and text not in self.held
        return self.take(text, container, ifname) if free else None

    def take(self, text, container, ifname):
        self.held[text] = (container, ifname)
        self.last = text
        return text

    def release(self, container, ifname):
        gone = [text for text, (who, on) in self.held.items() if who == container and ifname in (None, on)]
        for text in gone:
            del self.held[text]
        return tuple(gone)


POOLS = [["10.0.0.0/29"], ["10.0.0.0/30"], ["10.0.0.0/30", "10.0.1.0/30"],
         ["10.0.1.0/29", "10.0.0.0/30", "10.0.4.0/30"], ["2001:db8::/126"], ["10.244.0.0/27"]]
containers = st.sampled_from("abcdefghij")
interfaces = st.sampled_from(["eth0", "eth0", "eth1"])


@st.composite
def histories(draw):
    subnets = draw(st.sampled_from(POOLS))
    anywhere = st.builds(lambda subnet, number: str(ip_address(int(ip_network(subnet)[0]) + number))
                         if ip_network(subnet).version == 4 else str(ip_network(subnet)[number % 4]),
                         st.sampled_from(subnets), st.integers(0, 9))
    call = (st.tuples(st.just("allocate"), containers, interfaces, st.none())
            | st.tuples(st.just("allocate"), containers, interfaces, st.none())
            | st.tuples(st.just("allocate"), containers, interfaces, anywhere)
            | st.tuples(st.just("release"), containers, st.none() | interfaces, st.none()))
    return subnets, draw(st.lists(call, max_size=60))


@given(histories())
def test_as_a_naive_allocator_and_no_address_is_held_twice(history):
    subnets, calls = history
    ours, naive = HostLocal(subnets), Naive(subnets)
    for verb, container, ifname, requested in calls:
        before, twin = state(ours), ours.copy()
        if verb == "release":
            assert set(ours.release(container, ifname)) == set(naive.release(container, ifname))
        else:
            expected = (naive.allocate(container, ifname) if requested is None
                        else naive.request(container, ifname, requested))
            try:
                got = ours.allocate(container, ifname, requested)
                assert got == expected
                assert got not in before[0]
            except CourseError:
                assert expected is None
                assert state(ours) == before
        assert state(twin) == before
        assert ours.reserved == naive.held
        assert ours.last_reserved == naive.last
        assert ours.used + ours.free == ours.capacity
        again = HostLocal.from_files(subnets, ours.to_files())
        assert state(again) == state(ours)


@given(st.dictionaries(st.ip_addresses(v=4, network="10.0.0.0/28").map(str) | st.sampled_from(["lock", "x", "fd00::2"]),
                       st.sampled_from(["", "a", "a\r\neth0", " a\r\neth0\n", "b\neth0", "c\r\neth0\r\nmore"])),
       st.sampled_from(["", "10.0.0.5", "10.1.0.5", "fd00::1", "nonsense"]))
def test_whatever_the_files_hold_they_can_be_read_and_what_is_written_reads_the_same(files, last):
    node = HostLocal.from_files("10.0.0.0/28", files | {"last_reserved_ip.0": last})
    again = HostLocal.from_files("10.0.0.0/28", node.to_files())
    assert state(again) == state(node)
