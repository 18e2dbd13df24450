"""Reading networks and addresses: what is taken, what is refused, and that the message mends it."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.addressing import address, disjoint, network, networks, number_of, text_of
from k8snet_course.errors import CidrOverlap, InvalidAddress, InvalidCidr


@pytest.mark.parametrize("text", ["10.244.0.0/16", "0.0.0.0/0", "10.0.0.1/32", "2001:db8::/32", "::/0", "::1/128"])
def test_networks_that_are_taken(text):
    assert network(text) == ip_network(text)


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("10.244.0.7/24", "write '10.244.0.0/24'"),
        ("2001:db8::1/64", "write '2001:db8::/64'"),
        ("10.244.0.0", "write '10.244.0.0/32'"),
        ("010.244.0.0/16", "write '10.244.0.0/16'"),
        ("10.244.0.0/016", "write '10.244.0.0/16'"),
        ("10.244.0.0/255.255.0.0", "write '10.244.0.0/16'"),
        (" 10.244.0.0/16", "write '10.244.0.0/16'"),
        ("10.244.0.0/33", "write something like '10.244.0.0/16'"),
        ("10.244.0/16", "write something like '10.244.0.0/16'"),
        ("10.244.0.0/", "write something like '10.244.0.0/16'"),
        ("10.244.0.0/١٦", "write something like '10.244.0.0/16'"),
        ("::ffff:10.244.0.0/112", None),
        ("fe80::%eth0/64", None),
        ("pods", "write something like '10.244.0.0/16'"),
        ("", "write something like '10.244.0.0/16'"),
        (None, "write something like '10.244.0.0/16'"),
        (16, None),
        (b"10.244.0.0/16", "write something like '10.244.0.0/16'"),
    ],
)
def test_networks_that_are_refused(text, mend):
    with pytest.raises(InvalidCidr) as caught:
        network(text, "pod_cidr")
    assert caught.value.given == text
    assert "pod_cidr" in caught.value.expected
    assert mend in (None, caught.value.mend)


def test_host_bits_are_explained_as_the_reference_does():
    with pytest.raises(InvalidCidr, match=r"For a subnet mask of length 24 the network address is 10\.244\.0\.0"):
        network("10.244.0.7/24")


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("10.0.0.01", "write '10.0.0.1'"),
        ("010.0.0.1", "write '10.0.0.1'"),
        ("10.0.0.1/24", "write '10.0.0.1'"),
        ("::ffff:10.0.0.1", "write '10.0.0.1'"),
        ("fe80::1%eth0", "write 'fe80::1'"),
        ("10.0.0.256", "write something like '10.244.0.2'"),
        ("10.0.0", "write something like '10.244.0.2'"),
        ("", "write something like '10.244.0.2'"),
        (None, "write something like '10.244.0.2'"),
        (1, None),
    ],
)
def test_addresses_that_are_refused(text, mend):
    with pytest.raises(InvalidAddress) as caught:
        address(text, "gateway")
    assert caught.value.given == text
    assert "gateway" in caught.value.expected
    assert mend in (None, caught.value.mend)


@given(st.ip_addresses())
def test_numbers_and_texts_are_each_others_inverse(one):
    text = str(one)
    if isinstance(one, IPv6Address) and one.ipv4_mapped:
        with pytest.raises(InvalidAddress):
            number_of(text)
        return
    assert text_of(*number_of(text)) == text
    assert address(text) == one


@given(st.text(max_size=20) | st.from_regex(r"[0-9.:/a-f]{0,20}", fullmatch=True))
def test_whatever_is_given_it_is_read_exactly_or_refused_with_our_own_error(text):
    with suppress(InvalidAddress):
        assert str(address(text)) == str(ip_address(text))
    with suppress(InvalidCidr):
        assert str(network(text)) == str(ip_network(text))


def test_dual_stack_text():
    assert networks("10.0.0.0/8") == (ip_network("10.0.0.0/8"),)
    assert [each.version for each in networks("fd00::/48,10.0.0.0/8")] == [6, 4]
    for text in ("10.0.0.0/8,11.0.0.0/8", "10.0.0.0/8,", "10.0.0.0/8, fd00::/48", None):
        with pytest.raises(InvalidCidr):
            networks(text)


def test_disjoint_takes_what_shares_nothing():
    disjoint(node_network="192.168.1.0/24", pod_cidr="10.244.0.0/16,fd00:10:244::/48", service_cidr="10.96.0.0/12")


@pytest.mark.parametrize(
    ("pods", "services"),
    [
        ("10.96.0.0/16", "10.96.0.0/12"),
        ("10.0.0.0/8", "10.96.0.0/12"),
        ("10.96.0.0/12", "10.96.0.0/12"),
        ("10.244.0.0/16,fd00::/48", "fd00::/112"),
    ],
)
def test_disjoint_names_both(pods, services):
    with pytest.raises(CidrOverlap, match=r"pod_cidr .*service_cidr"):
        disjoint(pod_cidr=pods, node_network="192.168.1.0/24", service_cidr=services)


def test_what_is_read_twice_is_parsed_once():
    assert address("10.9.8.7") is address("10.9.8.7")
    assert isinstance(address("10.9.8.7"), IPv4Address)
