"""Packets of probes are recognised by their bytes, and nothing else is."""

from __future__ import annotations

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.emulator.capture import ANSWER, mark, read

numbers = st.integers(0, 0xFFFFFFFF)


def ip(protocol: int, load: bytes, src: str = "10.244.0.2", dst: str = "10.244.1.2", ttl: int = 62, fragment: int = 0) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(load), 0, fragment, ttl, protocol, 0)
    return head + socket.inet_aton(src) + socket.inet_aton(dst) + load


def udp(load: bytes, port: int = 53) -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(load), 0) + load


def tcp(sequence: int, acknowledged: int, flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 40000, 80, sequence, acknowledged, 0x50, flags, 0, 0, 0)


@given(numbers)
def test_requests_and_answers(number: int) -> None:
    for protocol, load, kind in ((17, udp(mark(number)), "request"), (17, udp(mark(number, ANSWER)), "answer"),
                                 (1, bytes([8]) + bytes(7) + mark(number), "request"), (1, bytes(8) + mark(number), "answer"),
                                 (6, tcp(number, 0, 0x02), "request"), (6, tcp(9, (number + 1) & 0xFFFFFFFF, 0x12), "answer"),
                                 (6, tcp(0, (number + 1) & 0xFFFFFFFF, 0x14), "answer")):
        seen = read(ip(protocol, load))
        assert seen is not None
        assert (seen.kind, seen.number, seen.src, seen.dst, seen.ttl, seen.outer) == (
            kind, number, "10.244.0.2", "10.244.1.2", 62, "")


@given(numbers, st.sampled_from([(3, 3, 3), (3, 0, 0), (11, 0, -1)]))
def test_an_error_quotes_the_probe(number: int, told: tuple[int, int, int]) -> None:
    kind, code, expected = told
    for quoted in (ip(17, udp(mark(number))), ip(6, tcp(number, 0, 2)), ip(6, tcp(number, 0, 2)[:8])):
        seen = read(ip(1, bytes([kind, code]) + bytes(6) + quoted, "10.244.0.1", "10.244.0.2"))
        assert seen is not None and (seen.kind, seen.number, seen.code) == ("error", number, expected)


@given(numbers)
def test_out_of_a_tunnel(number: int) -> None:
    inner = ip(17, udp(mark(number)))
    outer = ip(17, struct.pack("!HHHH", 50000, 8472, 0, 0) + bytes(8 + 14) + inner, "192.168.1.2", "192.168.1.3")
    seen = read(outer, frozenset([8472]))
    assert seen is not None and (seen.number, seen.ttl, seen.outer) == (number, 62, "VXLAN 192.168.1.2 -> 192.168.1.3")
    assert read(outer) is None, "who knows no tunnel sees a datagram of somebody else's"


@given(numbers)
def test_the_first_fragment_is_the_probes(number: int) -> None:
    """RFC 8200, section 4.5: in IPv6 a header of its own says which part of a packet this is; later parts have no ports."""
    addresses = socket.inet_pton(socket.AF_INET6, "fd00::2") + socket.inet_pton(socket.AF_INET6, "fd00::3")
    for offset in (0, 1448):
        load = struct.pack("!BBHI", 17, 0, offset | 1, 7) + udp(mark(number))
        seen = read(struct.pack("!IHBB", 6 << 28, len(load), 44, 63) + addresses + load)
        if offset:
            assert seen is None and read(ip(17, udp(mark(number)), fragment=offset >> 3)) is None
        else:
            assert seen is not None and (seen.kind, seen.number, seen.src, seen.ttl) == ("request", number, "fd00::2", 63)


@given(st.binary(max_size=120))
def test_other_bytes_are_nobodys(data: bytes) -> None:
    assert read(data) is None or data[0] >> 4 == 4
    assert read(ip(17, udp(data.replace(b"k8snet", b"")))) is None


def test_what_is_not_a_probes_packet() -> None:
    assert read(ip(6, tcp(7, 8, 0x10))) is None and read(ip(6, tcp(7, 8, 0x11))) is None, "the connection goes on"
    assert read(ip(17, udp(mark(7)), fragment=100)) is None, "a later fragment has no ports"
    assert read(ip(47, mark(7))) is None


def ipv6(protocol: int, load: bytes, src: str = "fd00:10:244::2", dst: str = "fd00:10:244:1::2", limit: int = 62) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(load), protocol, limit)
    return head + socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + load


@given(numbers)
def test_ipv6(number: int) -> None:
    for protocol, load, kind in ((17, udp(mark(number)), "request"), (17, udp(mark(number, ANSWER)), "answer"),
                                 (58, bytes([128]) + bytes(7) + mark(number), "request"),
                                 (58, bytes([129]) + bytes(7) + mark(number), "answer"),
                                 (6, tcp(number, 0, 0x02), "request"), (6, tcp(0, (number + 1) & 0xFFFFFFFF, 0x14), "answer")):
        seen = read(ipv6(protocol, load))
        assert seen is not None
        assert (seen.kind, seen.number, seen.ttl) == (kind, number, 62)
        assert (seen.src, seen.dst) == ("fd00:10:244::2", "fd00:10:244:1::2")
        through = ip(17, udp(bytes(8 + 14) + ipv6(protocol, load), 8472), "192.168.1.2", "192.168.1.3")
        inner = read(through, frozenset({8472}))
        assert inner is not None and (inner.number, inner.outer) == (number, "VXLAN 192.168.1.2 -> 192.168.1.3")


@given(numbers, st.sampled_from([(1, 4, 3), (1, 0, 0), (1, 3, 0), (2, 0, 4), (3, 0, -1)]))
def test_an_ipv6_error_quotes_the_probe(number: int, told: tuple[int, int, int]) -> None:
    kind, code, expected = told
    seen = read(ipv6(58, bytes([kind, code]) + bytes(6) + ipv6(17, udp(mark(number)))))
    assert seen is not None and (seen.kind, seen.number, seen.code) == ("error", number, expected)


def test_neighbours_questions_are_nothing() -> None:
    for kind in (133, 134, 135, 136):
        assert read(ipv6(58, bytes([kind]) + bytes(23))) is None
