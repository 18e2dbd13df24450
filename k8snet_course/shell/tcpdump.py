"""tcpdump: what passes an interface, packet by packet, in tcpdump's own words.

The command returns at once, with a :class:`Capture` that listens.  Packets that are sent afterwards fill it, by whatever they
were sent: a ping, a request, ``cluster.send``.  It ends after ``-c`` packets, by ``stop()``, or at the end of a ``with``.

Simpler than the real one: of a TCP connection there are the first packet and its answer; sequence numbers are relative, and the
options are left out; the second printed counts what has passed since the cluster was made, and packets are 20 microseconds
apart.

Source: tcpdump 4.99, print-icmp.c, print-tcp.c, print-udp.c, print-domain.c, print-arp.c, print-vxlan.c and print-otv.c;
compared with it on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from weakref import ref
from zlib import crc32

from k8snet_course.dns import Answer, Rcode
from k8snet_course.dns.outside import Server
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Trace
from k8snet_course.shell.filters import BadFilter, Wanted, compiled
from k8snet_course.shell.machine import DNS_PORT, Machine
from k8snet_course.shell.options import BadOption, parsed
from k8snet_course.shell.ran import Ran, failed
from k8snet_course.shell.wire import Passing, Question, passings

OTV, VXLAN, GENEVE = 8472, 4789, 6081
"""UDP ports by which tcpdump recognises tunnels; that of flannel's VXLAN belongs to another protocol, OTV.  On other ports it
does not look inside."""
_LARGEST_ERROR = 548
"""An ICMP error quotes as much of a packet as makes it 576 bytes at most."""
_SYN_OPTIONS = 20
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
        return _dns_reply(trace.packet, answer) if answer is not None else ""


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


def decoded(what: Packet | Question, said: str = "", number: int = 1) -> list[str]:
    """The lines of tcpdump for one packet: one, and another for each packet inside.

    ``said`` is what a DNS server's answer says, ``number`` the place of an echo in its row.

        >>> print(*decoded(Question("10.244.0.1", "10.244.0.2")), *decoded(Question("10.244.0.1", "", "0a:58:0a:f4:00:01")))
        ARP, Request who-has 10.244.0.1 tell 10.244.0.2, length 28 ARP, Reply 10.244.0.1 is-at 0a:58:0a:f4:00:01, length 28
        >>> print(*decoded(Packet("10.244.0.2", "10.244.0.3", "TCP", 40000, 80, kind="SYN")))
        IP 10.244.0.2.40000 > 10.244.0.3.80: Flags [S], seq 0, win 64240, length 0
    """
    if isinstance(what, Question):
        return [_question(what)]
    six = ":" in what.dst
    port = f".{what.src_port}", f".{what.dst_port}"
    ends = f"{what.src}{port[0] if what.src_port else ''} > {what.dst}{port[1] if what.dst_port else ''}"
    head = f"IP{'6' if six else ''} {ends}: "
    if what.protocol == "IPIP" and what.carried is not None:
        first, *rest = decoded(what.carried, said, number)
        return [f"{head}{first}", *rest]
    if what.carried is not None and what.dst_port in (OTV, VXLAN, GENEVE):
        return [f"{head}{_tunnel(what)}", *decoded(what.carried, said, number)]
    return [head + (_icmp(what, number) if what.is_icmp else _tcp(what) if what.protocol == "TCP" else _udp(what, said))]


def _question(asked: Question) -> str:
    if ":" in asked.address:
        what = "neighbor advertisement, tgt is" if asked.mac else "neighbor solicitation, who has"
        src, dst = (asked.address, asked.tell) if asked.mac else (asked.tell, asked.address)
        return f"IP6 {src} > {dst}: ICMP6, {what} {asked.address}, length 32"
    if asked.mac:
        return f"ARP, Reply {asked.address} is-at {asked.mac}, length 28"
    return f"ARP, Request who-has {asked.address} tell {asked.tell}, length 28"


def _tunnel(outer: Packet) -> str:
    """The header of a tunnel, as its UDP port makes tcpdump read it."""
    number = outer.kind.rpartition(" ")[2]
    if outer.dst_port == OTV:
        return f"OTV, flags [I] (0x08), overlay 0, instance {number}"
    if outer.dst_port == GENEVE:
        return f"Geneve, Flags [none], vni {int(number):#x}"
    return f"VXLAN, flags [I] (0x08), vni {number}"


def _tcp(packet: Packet) -> str:
    return {"SYN": "Flags [S], seq 0, win 64240, length 0", "SYN-ACK": "Flags [S.], seq 0, ack 1, win 65160, length 0",
            "RST": "Flags [R.], seq 0, ack 1, win 0, length 0"}.get(packet.kind, f"Flags [.], length {packet.payload}")


def _icmp(packet: Packet, number: int) -> str:
    six, kind, about = packet.protocol == "ICMPv6", packet.kind, packet.about
    name = "ICMP6," if six else "ICMP"
    if about is None:
        return f"{name} {kind}, id 1, seq {number}, length {packet.payload + 8}"
    size = about.size + (_SYN_OPTIONS if about.protocol == "TCP" else 0)
    length = packet.payload + 8 if six else min(size, _LARGEST_ERROR) + 8
    if six:
        words = {"time exceeded": "time exceeded in-transit",
                 "no route to destination": "destination unreachable, unreachable route",
                 "address unreachable": "destination unreachable, unreachable address",
                 "port unreachable": "destination unreachable, unreachable port"}
        said = f"packet too big, mtu {kind.rpartition(' ')[2]}" if kind.startswith("packet too big") else words.get(kind, kind)
        return f"{name} {said} {'' if 'big' in said or 'transit' in said else about.dst}".rstrip() + f", length {length}"
    if kind.startswith("time exceeded"):
        said = "time exceeded in-transit"
    elif kind.startswith("fragmentation needed"):
        said = f"{about.dst} unreachable - need to frag (mtu {kind.rpartition(' ')[2]})"
    elif kind == "port unreachable":
        what = f"{about.protocol.lower()} port {about.dst_port}" if not about.is_icmp else "protocol 1 port 0"
        said = f"{about.dst} {what} unreachable"
    else:
        said = {"net unreachable": f"net {about.dst} unreachable",
                "host unreachable": f"host {about.dst} unreachable"}.get(kind, f"{kind} {about.dst}")
    return f"{name} {said}, length {length}"


def _udp(packet: Packet, said: str) -> str:
    if packet.dst_port == DNS_PORT and "? " in packet.kind:
        kind, _, name = packet.kind.partition("? ")
        return f"{_number(packet.src, name, kind)}+ {kind}? {name.rstrip('.')}. ({packet.payload})"
    if packet.src_port == DNS_PORT and said:
        return said
    return f"UDP, length {packet.payload}"


def _number(src: str, name: str, kind: str) -> int:
    """The number of a query; a real one is drawn."""
    return crc32(f"{src} {name.rstrip('.')} {kind}".encode()) & 0xFFFF


def _dns_reply(query: Packet, answer: Answer) -> str:
    kind, _, name = query.kind.partition("? ")
    rcode = {Rcode.NXDOMAIN: " NXDomain", Rcode.SERVFAIL: " ServFail", Rcode.REFUSED: " Refused"}.get(answer.rcode, "")
    counts = f"{len(answer.records)}/{len(answer.authority)}/{len(answer.additional)}"
    shown = ", ".join(f"{each.type} {each.data}" for each in answer.records)
    size = query.payload + sum(12 + len(each.name) + (4 if each.type == "A" else 16 if each.type == "AAAA" else len(each.data))
                               for each in (*answer.records, *answer.authority, *answer.additional))
    return f"{_number(query.src, name, kind)}{rcode}*- {counts} {shown} ({size})".replace("  ", " ")

