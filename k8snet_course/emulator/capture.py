"""What passes a device: packets are captured on all its interfaces, and those of a probe are recognised.

A probe carries a number by which it is known wherever it turns up, whatever NAT has rewritten: TCP in its first sequence
number, UDP and ICMP in their bytes.  Answers repeat it, and an ICMP error quotes it.  Of a VXLAN packet the inner one is read.

Source: packet(7); RFC 791, RFC 792, RFC 768, RFC 9293, RFC 7348, RFC 8200, RFC 4443.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from time import sleep, time_ns

MAGIC = b"k8snet"
REQUEST, ANSWER = b"?", b"!"
"""A UDP or ICMP probe carries MAGIC, its number in four bytes, and whether it asks or answers (an echo reply repeats "?")."""
_ALL, _SO_TIMESTAMPNS = 3, 35
_OTHERS, _OUTGOING = 3, 4
_IP = (0x0800, 0x86DD)
_ICMP, _IPIP, _TCP, _UDP, _FRAGMENT, _ICMPV6 = 1, 4, 6, 17, 44, 58  # not every system's socket module has them
_PINGS = {_ICMP: (8, 0), _ICMPV6: (128, 129)}
"""The types of an echo request and its answer."""
_ENOUGH = 512
_LARGEST = 65536
"""No frame is longer."""
_TRIES, _READ_LATER = 200, 0.002


@dataclass(frozen=True, slots=True)
class Sighting:
    """A probe's packet, or an answer, seen at one interface.

    ``when`` is the kernel's clock in nanoseconds, ``kind`` request, answer or error; the addresses, ``ttl`` and ``number`` are
    the probe's own, ``outer`` the header around it, if a tunnel carried it: ``VXLAN 192.168.1.2 -> 192.168.1.3``.  ``code`` is
    that of an ICMP error of type 3 (-1: another type, or no error), in IPv6 too.
    """

    when: int
    device: str
    link: str
    outgoing: bool
    kind: str
    number: int
    src: str
    dst: str
    ttl: int
    outer: str = ""
    code: int = -1

    def __str__(self) -> str:
        way = "leaves by" if self.outgoing else "comes in by"
        return f"{self.device}: {self.kind} {self.src} -> {self.dst} {way} {self.link}, TTL {self.ttl}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A packet of a probe, as its bytes say."""

    kind: str
    number: int
    src: str
    dst: str
    ttl: int
    outer: str = ""
    code: int = -1


def mark(number: int, sign: bytes = REQUEST) -> bytes:
    """The bytes of a UDP or ICMP probe.

    >>> mark(7)
    b'k8snet\\x00\\x00\\x00\\x07?'
    """
    return MAGIC + struct.pack("!I", number) + sign


def number_in(data: bytes) -> int:
    """The number of a probe with these bytes; -1 if it is none.

    >>> number_in(mark(7)), number_in(b"GET /")
    (7, -1)
    """
    if len(data) < len(mark(0)) or not data.startswith(MAGIC):
        return -1
    return int.from_bytes(data[len(MAGIC):len(MAGIC) + 4], "big")


def sign_of(data: bytes) -> bytes:
    """Whether a probe with these bytes asks or answers.

    >>> sign_of(mark(7) + b"..."), sign_of(mark(7, ANSWER))
    (b'?', b'!')
    """
    return data[len(mark(0)) - 1:len(mark(0))]


def read(data: bytes, tunnels: frozenset[int] = frozenset(), outer: str = "") -> Seen | None:
    """What a packet is to a probe; None if it is none of a probe's.  ``tunnels`` are the UDP ports of VXLAN."""
    header = _header(data)
    if header is None:
        return None
    src, dst, ttl, protocol, load = header
    kind, number, code = "", -1, -1
    if protocol == _IPIP and not outer:
        return read(load, frozenset(), f"IPIP {src} -> {dst}")
    if protocol == _UDP and len(load) >= 8:
        if int.from_bytes(load[2:4], "big") in tunnels:
            return read(load[8 + 8 + 14:], frozenset(), f"VXLAN {src} -> {dst}")
        number = number_in(load[8:])
        kind = "answer" if sign_of(load[8:]) == ANSWER else "request"
    elif protocol in _PINGS and len(load) >= 8:
        request, answer = _PINGS[protocol]
        if load[0] in (request, answer):
            kind, number = "answer" if load[0] == answer else "request", number_in(load[8:])
        else:
            quoted = read(load[8:].ljust(28 if protocol == _ICMP else 48, b"\0"))
            kind, number = "error", quoted.number if quoted is not None and quoted.kind == "request" else -1
            code = _code(protocol, load[0], load[1])
    elif protocol == _TCP and len(load) >= 8:
        sequence, acknowledged = struct.unpack("!II", load[4:12].ljust(8, b"\0"))
        flags = load[13] & 0x16 if len(load) > 13 else 0x02  # in an error's quotation there may be eight bytes only
        if flags == 0x02:
            kind, number = "request", sequence
        elif flags in (0x12, 0x14):
            kind, number = "answer", (acknowledged - 1) & 0xFFFFFFFF
    return Seen(kind, number, src, dst, ttl, outer, code) if number >= 0 and kind else None


def _header(data: bytes) -> tuple[str, str, int, int, bytes] | None:
    """Source, destination, TTL, protocol and load of an IP packet; None for anything else, and for later fragments."""
    if len(data) >= 28 and data[0] >> 4 == 4 and not int.from_bytes(data[6:8], "big") & 0x1FFF:
        return socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]), data[8], data[9], data[(data[0] & 15) * 4:]
    if len(data) >= 48 and data[0] >> 4 == 6:
        src, dst = (socket.inet_ntop(socket.AF_INET6, each) for each in (data[8:24], data[24:40]))
        if data[6] != _FRAGMENT:
            return src, dst, data[7], data[6], data[40:]
        if not int.from_bytes(data[42:44], "big") >> 3:
            return src, dst, data[7], data[40], data[48:]
    return None


def _code(protocol: int, kind: int, code: int) -> int:
    """The code of an ICMP error of type 3; IPv6's "port unreachable" (type 1, code 4) and "packet too big" (2) have IPv4's."""
    if protocol == _ICMPV6:
        if kind == 2:
            return 4
        return (3 if code == 4 else 0) if kind == 1 else -1
    return code if kind == 3 else -1


class Capture:
    """The capture at one device; it has to be made inside the device's namespace.

    ``ports`` are the interfaces that are ports of a bridge: they see frames for others, which elsewhere only have been flooded.
    ``addresses`` are the device's own, if it has no rules that could rewrite them.
    """

    def __init__(self, device: str, ports: frozenset[str], tunnels: frozenset[int],
                 addresses: frozenset[str] = frozenset()) -> None:
        self.device = device
        self.addresses = addresses
        self._ports = ports
        self._tunnels = tunnels
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def sightings(self) -> Iterator[Sighting]:
        """What has been seen since the last time."""
        while True:
            try:
                data, more, _, address = self.socket.recvmsg(_ENOUGH, 128)
            except BlockingIOError:
                return
            link, protocol, kind = address[0], address[1], address[2]
            if protocol not in _IP or (kind == _OTHERS and link not in self._ports):
                continue
            seen = read(data, self._tunnels)
            if seen is None:
                continue
            seconds, nano = next((struct.unpack("qq", each[2]) for each in more if each[1] == _SO_TIMESTAMPNS), (0, 0))
            yield Sighting(seconds * 1_000_000_000 + nano, self.device, link, kind == _OUTGOING, seen.kind, seen.number,
                           seen.src, seen.dst, seen.ttl, seen.outer, seen.code)

    def wait_for_clock(self, sender: socket.socket) -> None:
        """Wait until the kernel stamps packets as they pass; it begins a moment after the first socket has asked for that.

        Until then a packet gets the time at which it is read, which says nothing about the order.  ``sender`` is a datagram
        socket of the same device.
        """
        for _ in range(_TRIES):
            for _ in self.sightings():
                pass
            before = time_ns()
            sender.sendto(b".", ("127.0.0.1", 9))
            sleep(_READ_LATER)
            _, more, _, _ = self.socket.recvmsg(_ENOUGH, 128)
            seconds, nano = next((struct.unpack("qq", each[2]) for each in more if each[1] == _SO_TIMESTAMPNS), (0, 0))
            if seconds * 1_000_000_000 + nano - before < _READ_LATER * 1e9 / 2:
                return

    def close(self) -> None:
        """No more."""
        self.socket.close()


class Recorder:
    """All frames that pass one interface, with every byte; it has to be made inside the device's namespace.

    Raises OSError where there is no such interface.
    """

    def __init__(self, link: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        try:
            self._socket.bind((link, _ALL))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def frames(self) -> list[bytes]:
        """What has passed since the last time."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(_LARGEST))
            except BlockingIOError:
                return found

    def close(self) -> None:
        """No more."""
        self._socket.close()
