"""Into which pieces packets are cut, by whom, and what tunnels make of it (RFC 791, 8200, 7348)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux.fragments import Fragments, fragment_size
from k8snet_course.linux.link import Link, Tunnel
from k8snet_course.linux.packet import Frame, Packet
from k8snet_course.linux.tunnel import encapsulated

FOUR = Packet("10.244.0.2", "10.244.1.2", "UDP", 1, 2, payload=3000, dont_fragment=False)
SIX = FOUR._replace(src="fd00::2", dst="fd00::3")
VXLAN = Tunnel("VXLAN", "192.168.1.2", vni=1, port=8472)
VXLAN6 = Tunnel("VXLAN", "fd00:192:168:1::2", vni=1, port=8472)


def wire(mtu: int) -> Link:
    return Link("eth0", "veth", 2, "", mtu)


def in_tunnel(packet: Packet, tunnel: Tunnel = VXLAN) -> Packet:
    return encapsulated(Frame("a", "b", packet), tunnel, "192.168.1.3" if tunnel is VXLAN else "fd00:192:168:1::3")


def test_routers_cut_in_ipv4_and_senders_alone_in_ipv6() -> None:
    for packet, own, made in ((FOUR, True, True), (FOUR, False, True), (SIX, True, True), (SIX, False, False)):
        fragments = Fragments()
        assert fragments.made(packet, 1500, own) == made
        assert fragments.fit(wire(1500), packet) == made and not fragments.fit(wire(1400), packet)


def test_what_may_not_be_cut_is_not() -> None:
    fragments = Fragments()
    assert not fragments.made(FOUR._replace(dont_fragment=True), 1500, own=True) and fragments.largest(FOUR) == FOUR.size


def test_a_smaller_wire_means_smaller_pieces() -> None:
    fragments = Fragments()
    assert fragments.made(FOUR, 1500, own=True) and fragments.made(FOUR, 1400, own=False)
    assert fragments.largest(FOUR) == fragment_size(1400, 4) == 1396
    assert fragments.made(FOUR, 1396, own=False) and fragments.largest(FOUR) == 1396


def test_pieces_become_packets_of_the_tunnel() -> None:
    fragments = Fragments()
    assert fragments.made(FOUR, 1450, own=True)
    outer = in_tunnel(FOUR)
    assert outer.size == FOUR.size + 50 and fragments.largest(outer) == 1444 + 50 and fragments.fit(wire(1500), outer)
    assert fragments.made(outer, 1500, own=True)
    fragments.joined()
    assert fragments.largest(FOUR) == 1444, "they come out one by one"


def test_a_tunnels_packet_is_cut_in_ipv4_only_and_put_together_at_its_end() -> None:
    small = FOUR._replace(payload=1450)
    for tunnel, made in ((VXLAN, True), (VXLAN6, False)):
        fragments, outer = Fragments(), in_tunnel(small, tunnel)
        assert fragments.made(outer, 1500, own=True) == made
        assert fragments.fit(wire(1500), outer) == made
        fragments.joined()
        assert fragments.largest(small) == small.size


def test_what_a_bridge_does_not_cut_again() -> None:
    fragments = Fragments()
    assert not fragments.too_large_to_cut_again(FOUR, 1500, 1300), "it came whole"
    assert fragments.made(FOUR, 1500, own=True)
    assert fragments.too_large_to_cut_again(FOUR, 1500, 1300) and not fragments.too_large_to_cut_again(FOUR, 1500, 1500)
    small = FOUR._replace(payload=100)
    assert not fragments.too_large_to_cut_again(small, 1500, 1300), "it was never cut"


def test_what_a_bridge_has_put_together_is_whole_again() -> None:
    fragments = Fragments()
    assert fragments.made(FOUR, 1400, own=True)
    fragments.forgotten()
    assert fragments.largest(FOUR) == FOUR.size and fragments.made(FOUR, 1500, own=False) and fragments.largest(FOUR) == 1500


@given(st.integers(576, 9000), st.sampled_from((4, 6)))
def test_all_fragments_but_the_last_carry_a_multiple_of_eight_bytes(mtu: int, version: int) -> None:
    size = fragment_size(mtu, version)
    assert mtu - 8 < size <= mtu and (size - (20 if version == 4 else 48)) % 8 == 0


@given(st.sampled_from((FOUR, SIX)), st.lists(st.integers(1280, 9000), max_size=5))
def test_pieces_never_grow(packet: Packet, mtus: list[int]) -> None:
    fragments, before = Fragments(), packet.size
    for number, mtu in enumerate(mtus):
        made = fragments.made(packet, mtu, own=number == 0)
        after = fragments.largest(packet)
        assert after <= before and (not made or after <= mtu)
        before = after
