"""Probes: TCP connections, UDP datagrams and pings that are really sent, many at a time, and what their senders notice.

A TCP probe's first sequence number is set, so that its packets can be told apart wherever they are captured (TCP_REPAIR, which
Linux has for moving connections between machines).

Source: tcp(7), udp(7), icmp(7), raw(7); Linux, net/ipv4/tcp.c (TCP_REPAIR).
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from k8snet_course.emulator.capture import Capture, Sighting, mark, read
from k8snet_course.emulator.sent import Outcome, Sent, without_repetition
from k8snet_course.probe import MOST_BYTES

_REPAIR, _REPAIR_QUEUE, _QUEUE_SEQ, _SEND_QUEUE = 19, 20, 21, 2
_RECEIVE_ERRORS, _RECEIVE_ERRORS_IPV6 = 11, 25
"""IP_RECVERR (ip(7), ipv6(7)): a datagram socket is told of every ICMP error."""
_PING_BYTES = 56
_ICMPV6 = 58
_NO_HEADER = bytes([6 << 4, 0, 0, 0, 0, 0, _ICMPV6]) + bytes(33)
"""What stands for the IPv6 header that a raw socket does not hand over (raw(7), ipv6(7))."""
_PORT_UNREACHABLE, _FRAGMENTATION_NEEDED = 3, 4
_DISCOVER, _DISCOVER_IPV6, _MAY_BE_CUT, _MAY_NOT = 10, 23, 0, 2
"""IP_MTU_DISCOVER (ip(7), ipv6(7)): DONT for datagrams, as of programs that know no MTU, and DO for pings, as `ping -M do`."""
_EXTENDED = struct.Struct("=IBBBBII")
_ENOUGH = 512


class Probe(NamedTuple):
    """What is to be sent: from a device to an address, and how the one who asked called the two.

    ``protocol`` is TCP, UDP or ICMP; a ping has port 0.  ``size`` is the number of bytes it carries (0: as few as it can).

        >>> print(Probe("default/a", "10.244.0.3", 80, "TCP", "a", "b"))
        a -> b TCP 80
    """

    device: str
    address: str
    port: int
    protocol: str
    source: str
    target: str
    size: int = 0

    @property
    def ipv6(self) -> bool:
        """Whether it is an IPv6 packet."""
        return ":" in self.address

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} {self.protocol}" + (f" {self.port}" if self.port else "")


@dataclass(slots=True)
class Client:
    """A probe on its way: its socket, its number, and what it has noticed (None: nothing yet), with the MTU it was told."""

    probe: Probe
    number: int
    socket: socket.socket
    noticed: Outcome | None = None
    mtu: int = 0

    def begin(self) -> None:
        """Send it."""
        try:
            if self.probe.protocol == "TCP":
                code = self.socket.connect_ex((self.probe.address, self.probe.port))
                if code != errno.EINPROGRESS:
                    self.noticed = _meaning(code)
            elif self.probe.protocol == "UDP":
                self.socket.connect((self.probe.address, self.probe.port))
                self.socket.send(mark(self.number).ljust(self.probe.size, b"."))
            else:
                self._ping()
        except PermissionError:
            return  # a rule has dropped it; if it was refused, the ICMP error comes yet
        except OSError as problem:
            self.noticed = _meaning(problem.errno or 0)

    def _ping(self) -> None:
        request = _echo_request(self.number, self.probe.ipv6, self.probe.size or _PING_BYTES)
        try:
            self.socket.sendto(request, (self.probe.address, 0))
        except OSError as problem:
            if problem.errno != errno.EMSGSIZE:
                raise
            self.noticed = Outcome.TOO_BIG
            # Linux says how much would pass to those who ask, when it happens again.
            _ask(self.socket, self.probe, _RECEIVE_ERRORS, _RECEIVE_ERRORS_IPV6, 1)
            with suppress(OSError):
                self.socket.sendto(request, (self.probe.address, 0))
            self.mtu = self._told_mtu()

    def _told_mtu(self) -> int:
        """The MTU that the error says, which waits at the socket; 0 if none does."""
        try:
            _, more, _, _ = self.socket.recvmsg(_ENOUGH, _ENOUGH, socket.MSG_ERRQUEUE)
        except BlockingIOError:
            return 0
        return next((int(_EXTENDED.unpack_from(each[2])[5]) for each in more
                     if each[1] in (_RECEIVE_ERRORS, _RECEIVE_ERRORS_IPV6)), 0)

    def look(self) -> None:
        """Something has happened at the socket."""
        if self.probe.protocol == "TCP":
            self.noticed = _meaning(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            return
        try:
            data = self.socket.recv(MOST_BYTES)
        except BlockingIOError:
            return
        except OSError as problem:
            self.noticed = _meaning(problem.errno or 0)
            if problem.errno == errno.EMSGSIZE:  # in IPv6 no router cuts a datagram, and a connected socket is told
                self.noticed, self.mtu = Outcome.TOO_BIG, self._told_mtu()
            return
        if self.probe.protocol == "UDP":
            self.noticed = Outcome.DELIVERED
            return
        seen = read(_NO_HEADER + data if self.probe.ipv6 else data)
        if seen is not None and seen.number == self.number and seen.kind != "request":
            refused = seen.code == _PORT_UNREACHABLE
            self.noticed = Outcome.DELIVERED if seen.kind == "answer" else Outcome.REFUSED if refused else Outcome.UNREACHABLE
            if seen.code == _FRAGMENTATION_NEEDED:
                head = 0 if self.probe.ipv6 else (data[0] & 15) * 4
                self.noticed, self.mtu = Outcome.TOO_BIG, int.from_bytes(data[head + 4:head + 8], "big")


def client(probe: Probe, number: int) -> Client:
    """A probe with its socket; has to be made inside the sender's namespace.  A socket belongs to that namespace for good."""
    family = socket.AF_INET6 if probe.ipv6 else socket.AF_INET
    if probe.protocol == "TCP":
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for option, value in ((_REPAIR, 1), (_REPAIR_QUEUE, _SEND_QUEUE), (_QUEUE_SEQ, number), (_REPAIR, 0)):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    elif probe.protocol == "UDP":
        made = socket.socket(family, socket.SOCK_DGRAM)
        _ask(made, probe, _RECEIVE_ERRORS, _RECEIVE_ERRORS_IPV6, 1)
        _ask(made, probe, _DISCOVER, _DISCOVER_IPV6, _MAY_BE_CUT)
    else:
        made = socket.socket(family, socket.SOCK_RAW, _ICMPV6 if probe.ipv6 else socket.IPPROTO_ICMP)
        _ask(made, probe, _DISCOVER, _DISCOVER_IPV6, _MAY_NOT)
    made.setblocking(False)
    return Client(probe, number, made)


def run(clients: Sequence[Client], captures: Sequence[Capture], patience: float) -> list[Sent]:
    """Send all probes at once, wait for answers, for ``patience`` seconds at most, and say what became of each."""
    own = {each.device: each.addresses for each in captures}
    sightings: dict[int, list[Sighting]] = {each.number: [] for each in clients}
    with selectors.DefaultSelector() as selector:
        for capture in captures:
            for _ in capture.sightings():
                pass  # what was there before
            selector.register(capture.socket, selectors.EVENT_READ, capture)
        waiting = 0
        for each in clients:
            each.begin()
            if each.noticed is None:
                event = selectors.EVENT_WRITE if each.probe.protocol == "TCP" else selectors.EVENT_READ
                selector.register(each.socket, event, each)
                waiting += 1
        end = monotonic() + patience
        while waiting and (left := end - monotonic()) > 0:
            for key, _ in selector.select(left):
                if isinstance(key.data, Capture):
                    _sort(sightings, key.data)
                    continue
                key.data.look()
                if key.data.noticed is not None:
                    selector.unregister(key.fileobj)
                    waiting -= 1
        for capture in captures:
            _sort(sightings, capture)
    for each in clients:
        each.socket.close()
    return [_became(each, sorted(sightings[each.number], key=lambda one: one.when), own) for each in clients]


def _sort(sightings: dict[int, list[Sighting]], capture: Capture) -> None:
    for one in capture.sightings():
        if one.number in sightings:
            sightings[one.number].append(one)


def _became(one: Client, seen: Sequence[Sighting], own: Mapping[str, frozenset[str]]) -> Sent:
    """What became of a probe, from what its sender noticed and where it and its answer were seen.

    ``own`` are the addresses of each device that has no rules: a packet to one of them has arrived, even if nobody answers.
    """
    probe, verdict = one.probe, Outcome.NO_ANSWER if one.noticed is None else one.noticed
    plain = Sent(probe.source, probe.target, probe.protocol, probe.port, verdict, mtu=one.mtu)
    answer = next((each for each in seen if each.kind == "answer" or (each.kind == "error" and each.code == _PORT_UNREACHABLE)),
                  None)
    requests = [each for each in seen if each.kind == "request" and (answer is None or each.when <= answer.when)]
    bare = [each for each in requests if not each.outer]
    if answer is not None:
        there = [each for each in bare if each.device == answer.device]
        if answer.kind == "error" and there and (probe.protocol != "UDP" or answer.src not in (there[-1].dst, probe.address)):
            return plain  # a rule's refusal: a closed port answers TCP with a reset, and UDP from the address that was asked
    else:
        there = [each for each in bare if not each.outgoing and each.dst in own[each.device]][:1]
    if not there:
        return plain
    arrival = there[-1]
    return Sent(probe.source, probe.target, probe.protocol, probe.port, verdict, label(arrival.device), arrival.src,
                arrival.ttl, without_repetition(label(each.device) for each in requests if each.when <= arrival.when),
                tuple(dict.fromkeys(each.outer for each in requests if each.outer)), one.mtu)


def label(device: str) -> str:
    """A device's name as people say it.

    >>> label("default/a"), label("shop/db"), label("node-1")
    ('a', 'shop/db', 'node-1')
    """
    return device.removeprefix("default/")


def _meaning(code: int) -> Outcome:
    """What an error number of a socket tells the sender."""
    if not code:
        return Outcome.DELIVERED
    if code == errno.ECONNREFUSED:
        return Outcome.REFUSED
    # ENOBUFS: the cable's other end has dropped it at once, which Linux tells only those who ask to be told of errors.
    return Outcome.NO_ANSWER if code in (errno.ETIMEDOUT, errno.EPERM, errno.ENOBUFS) else Outcome.UNREACHABLE


def _ask(made: socket.socket, probe: Probe, option: int, option6: int, value: int) -> None:
    """Set an option that has one number in IPv4 and another one in IPv6."""
    made.setsockopt(*((socket.IPPROTO_IPV6, option6) if probe.ipv6 else (socket.IPPROTO_IP, option)), value)


def _echo_request(number: int, ipv6: bool, size: int) -> bytes:
    """A ping's bytes; in IPv6 the kernel writes the checksum."""
    load = mark(number).ljust(size, b".")
    if ipv6:
        return struct.pack("!BBHHH", 128, 0, 0, number & 0xFFFF, 1) + load
    head = struct.pack("!BBHHH", 8, 0, 0, number & 0xFFFF, 1)
    even = head + load + bytes(len(load) % 2)
    total = sum(struct.unpack(f"!{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, number & 0xFFFF, 1) + load
