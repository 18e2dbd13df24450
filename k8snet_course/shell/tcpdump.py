"""tcpdump: what passes an interface, packet by packet, in tcpdump's own words.

The command returns at once, with a :class:`Capture` that listens.  Packets that are sent afterwards fill it, by whatever they
were sent: a ping, a request, ``cluster.send``.  It ends after ``-c`` packets, by ``stop()``, or at the end of a ``with``.

Simpler than the real one: of a TCP connection there are the first packet and its answer; sequence numbers are relative, and the
options are left out; the time printed is the cluster's own, and packets are 20 microseconds apart.

Source: tcpdump(8); compared with the real one on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from weakref import ref

from k8snet_course.dns.outside import Server
from k8snet_course.linux.trace import Trace
from k8snet_course.shell.decode import decoded, dns_reply
from k8snet_course.shell.filters import BadFilter, Wanted, compiled
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.options import BadOption, parsed
from k8snet_course.shell.ran import Ran, failed
from k8snet_course.shell.wire import Passing, Question, passings

_APART = 20
"""Microseconds between two packets."""
_ANY = "any"


class Capture:
    """A tcpdump that listens: ``out`` grows with every packet that passes its interface.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("a"), cluster.add_pod("b"), cluster.send("a", "b")
    >>> with cluster.exec("node-1", "tcpdump -tni cni0 icmp") as capture:
    ...     _ = cluster.send("a", "b", port=None)
    >>> print(capture.out.rstrip())
    IP 10.244.0.2 > 10.244.0.3: ICMP echo request, id 1, seq 1, length 64
    IP 10.244.0.3 > 10.244.0.2: ICMP echo reply, id 1, seq 1, length 64
    """

    def __init__(self, machine: Machine, link: str, wanted: Wanted, count: int, stamps: bool) -> None:
        self._machine = machine
        self._device = machine.ns.name
        self._link = link
        self._wanted = wanted
        self._count = count
        self._stamps = stamps
        self._lines: list[str] = []
        self._passed = 0
        self._echoes: dict[tuple[str, str], int] = {}
        self._listening = True
        self._tap = _tap_of(self, machine.wires.taps)

    @property
    def out(self) -> str:
        """The packets so far, a line each (those in a tunnel two)."""
        return "".join(f"{line}\n" for line in self._lines)

    @property
    def err(self) -> str:
        """What tcpdump says when it begins and ends."""
        kind = "LINUX_SLL2 (Linux cooked v2)" if self._link == _ANY else "EN10MB (Ethernet)"
        text = ("tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n"
                f"listening on {self._link}, link-type {kind}, snapshot length 262144 bytes\n")
        if self._listening:
            return text
        count = self._passed
        plural = "" if count == 1 else "s"
        return text + (f"{count} packet{plural} captured\n{count} packet{plural} received by filter\n"
                       "0 packets dropped by kernel\n")

    @property
    def code(self) -> int:
        """0: it can listen."""
        return 0

    @property
    def ok(self) -> bool:
        """True: it can listen."""
        return True

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of its output."""
        return tuple(self._lines)

    def stop(self) -> Capture:
        """Listen no longer, as Ctrl-C does; returns itself."""
        if self._listening:
            self._machine.wires.taps.remove(self._tap)
            self._listening = False
        return self

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def __str__(self) -> str:
        begin, _, end = self.err.partition("262144 bytes\n")
        return f"{begin}262144 bytes\n{self.out}{end}".rstrip("\n")

    def __repr__(self) -> str:
        return str(self)

    def heard(self, trace: Trace) -> None:
        """A packet has been sent somewhere."""
        packet = trace.packet
        if packet.kind == "echo request":
            pair = (packet.src, packet.dst)
            self._echoes[pair] = self._echoes.get(pair, 0) + 1
        said = self._said(trace)
        for passing in passings(trace, self._machine.wires.cluster.namespace):
            here = passing.device == self._device and self._link in (_ANY, passing.link)
            if not here or (passing.overheard and self._link == _ANY) or not self._wanted(passing.what):
                continue
            self._add(passing, said, self._echoes.get((packet.src, packet.dst), 1))
            if self._count and self._passed >= self._count:
                self.stop()
                return

    def _add(self, passing: Passing, said: str, number: int) -> None:
        stamp = ""
        if self._stamps:
            now = self._machine.wires.cluster.now
            micro = self._passed * _APART
            stamp = f"{now // 3600 % 24:02}:{now // 60 % 60:02}:{now % 60 + micro // 1_000_000:02}.{micro % 1_000_000:06} "
        self._passed += 1
        where = f"{passing.link:<5} {self._way(passing):<3} " if self._link == _ANY else ""
        first, *rest = decoded(passing.what, said, number)
        self._lines += [f"{stamp}{where}{first}", *rest]

    def _way(self, passing: Passing) -> str:
        """How `-i any` calls it: out, in, a broadcast, or for another MAC address than the interface's own."""
        if passing.outgoing:
            return "Out"
        if isinstance(passing.what, Question) and not passing.what.mac:
            return "B"
        links = self._machine.ns.links
        return "P" if passing.link in links and links[passing.link].master else "In"

    def _said(self, trace: Trace) -> str:
        """What the reply to a DNS query says: type, and answer."""
        kind, _, name = trace.packet.kind.partition("? ")
        server: Server | None = self._machine.wires.meaning.server_on(trace.hops[-1].device) if name else None
        answer = server.query(name, kind) if server is not None else None
        return dns_reply(trace.packet, answer) if answer is not None else ""


def _tap_of(capture: Capture, taps: list[Callable[[Trace], None]]) -> Callable[[Trace], None]:
    """What tells a capture of packets, until nobody has the capture any more."""
    known = ref(capture)

    def tap(trace: Trace) -> None:
        there = known()
        if there is None:
            taps.remove(tap)
        else:
            there.heard(trace)

    taps.append(tap)
    return tap


def tcpdump(machine: Machine, words: list[str], stdin: str) -> Ran | Capture:
    """`tcpdump`."""
    try:
        given = parsed(words, "i:c:ntveqlUAXxSw:r:s:DQ:pNKB:C:G:", permute=False)
    except BadOption as problem:
        return failed(f"tcpdump: {problem.text()}",
                      "Usage: tcpdump [-AbdDefhHIJKlLnNOpqStuUvxX#] [ -i interface ] [ -c count ] [ expression ]")
    if given.has("D"):
        names = [*machine.ns.links, _ANY]
        return Ran("".join(f"{number}.{name} [Up, Running]\n" for number, name in enumerate(names, 1)))
    if given.has("w", "r"):
        return failed("(this course's tcpdump writes no files: look at its lines)")
    if given.has("e", "A", "X", "x"):
        return failed("(traces keep no MAC addresses and no bytes: this course's tcpdump has no -e, -A and -X)")
    links = machine.ns.links
    link = given.last("i") or next((name for name, each in links.items() if each.kind != "loopback"), "lo")
    if link != _ANY and link not in links:
        return failed(f"tcpdump: {link}: No such device exists", "(No such device exists)")
    count = given.last("c")
    if count and not (count.isdecimal() and int(count) > 0):
        return failed(f"tcpdump: invalid packet count {count}")
    try:
        wanted = compiled(given.rest, lambda name: machine.resolve(name)[0])
    except BadFilter as problem:
        return failed(f"tcpdump: can't parse filter expression: {problem}")
    return Capture(machine, link, wanted, int(count or 0), not given.has("t"))
