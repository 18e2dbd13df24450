"""ping: echo requests, and what came of each.

Every line follows from the walk of one packet: an answer with the TTL that it came home with, an ICMP error from whoever sent
it, an error of the sender's own system, or nothing.  Without ``-c`` the real program goes on until somebody stops it; here it
is stopped after three packets.  Times are :func:`~k8snet_course.shell.machine.travel_time`.

BusyBox reads echo replies only: errors that others send leave no line there.

Source: iputils 20221126, ping/ping.c and ping_common.c; BusyBox 1.37, networking/ping.c; compared with both on Linux 6.18.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from k8snet_course.dns import Lookup
from k8snet_course.linux.packet import DEFAULT_TTL
from k8snet_course.linux.trace import Trace
from k8snet_course.probe import MOST_BYTES, is_address
from k8snet_course.shell.machine import Machine, gai_text, travel_time
from k8snet_course.shell.options import BadOption, Options, parsed
from k8snet_course.shell.outcome import Noticed, Outcome, outcome
from k8snet_course.shell.ran import Ran, failed

_UNTIL_STOPPED = 3
_MOST_SENT = 1000
_ICMP_HEADER, _IPV4, _IPV6 = 8, 20, 40


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for."""

    host: str
    count: int
    size: int
    ttl: int
    dont_fragment: bool | None
    source: str
    through: str
    quiet: bool
    numeric: bool
    stopped: bool


@dataclass(slots=True)
class _Tally:
    """What has come of the packets so far."""

    sent: int = 0
    received: int = 0
    errors: int = 0
    times: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def ping(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ping` of iputils."""
    try:
        given = parsed(words, "46aAbBc:Cd:De:fF:hi:I:l:LmM:nN:Op:qQ:rRs:S:t:T:UvVw:W:")
    except BadOption as problem:
        return failed(f"ping: {problem.text()}", "", "Usage", "  ping [options] <destination>", code=2)
    if not given.rest:
        return failed("ping: usage error: Destination address required")
    wanted = _wanted(machine, given, busybox=False)
    if isinstance(wanted, Ran):
        return wanted
    version = "6" if given.has("6") else "4" if given.has("4") else ""
    address, found = _address(machine, wanted.host, version)
    if not address:
        return failed(f"ping: {wanted.host}: {gai_text(machine, found)}", code=2)
    # An address is not looked up, and for a name the one that has the address is shown.
    name = wanted.host if is_address(wanted.host) else (machine.canonical(found) if found is not None else wanted.host)
    whole = wanted.size + _ICMP_HEADER + (_IPV6 if ":" in address else _IPV4)
    origin = (f" from {wanted.source} {wanted.through}:" if wanted.source else "")
    head = f"PING {name}({address}){origin} {wanted.size} data bytes" if ":" in address else (
        f"PING {name} ({address}){origin} {wanted.size}({whole}) bytes of data.")
    tally, called = _Tally(), dict[str, str]()
    while tally.sent < wanted.count:
        trace = _send(machine, wanted, address)
        seen = outcome(trace)
        if seen.local and seen.noticed in (Noticed.NET, Noticed.INVALID):
            return failed(f"ping: connect: {machine.error(seen.noticed)}", code=2)
        tally.sent += 1
        _line(machine, wanted, tally, trace, seen, address, called)
    return Ran("\n".join([head, *tally.lines, *(["^C"] if wanted.stopped else []), "", *_end(tally, name)]) + "\n", "",
               0 if tally.received else 1)


def _line(machine: Machine, wanted: _Wanted, tally: _Tally, trace: Trace, seen: Outcome, address: str,
          called: dict[str, str]) -> None:
    """The line of iputils for one packet."""
    number = tally.sent
    by = seen.by
    if seen.ok and seen.packet is not None:
        took = travel_time(trace)
        tally.received += 1
        tally.times.append(took)
        line = (f"{wanted.size + _ICMP_HEADER} bytes from {_called(machine, wanted, by, called)}: icmp_seq={number} "
                f"ttl={seen.packet.ttl} time={_rounded(took)} ms")
    elif seen.noticed is Noticed.TOO_BIG and seen.local:
        tally.errors += 1
        line = f"ping: local error: message too long, mtu{': ' if ':' in address else '='}{machine.mtu_to(address)}"
    elif seen.noticed in (Noticed.HOST, Noticed.REFUSED) and seen.local:
        tally.errors += 1
        own = trace.packet.src
        what = "Destination Host Unreachable" if seen.noticed is Noticed.HOST else "Destination Port Unreachable"
        line = f"From {own} icmp_seq={number} {what}"
    elif seen.packet is not None:
        tally.errors += 1
        line = f"From {_called(machine, wanted, by, called)} icmp_seq={number} {_said(seen)}"
    else:
        return
    if not wanted.quiet:
        tally.lines.append(line)


def _said(seen: Outcome) -> str:
    """What an ICMP error says, in ping's words."""
    assert seen.packet is not None
    kind = seen.packet.kind
    if kind.startswith("time exceeded"):
        return "Time to live exceeded" if seen.packet.protocol == "ICMP" else "Time exceeded: Hop limit"
    if kind.startswith("fragmentation needed"):
        return f"Frag needed and DF set (mtu = {seen.mtu})"
    if kind.startswith("packet too big"):
        return f"Packet too big: mtu={seen.mtu}"
    return {"net unreachable": "Destination Net Unreachable", "host unreachable": "Destination Host Unreachable",
            "port unreachable": "Destination Port Unreachable",
            "no route to destination": "Destination unreachable: No route",
            "address unreachable": "Destination unreachable: Address unreachable"}.get(kind, "Packet filtered")


def _called(machine: Machine, wanted: _Wanted, address: str, called: dict[str, str]) -> str:
    """Who answered: where a name was given, with the name that belongs to the address."""
    if wanted.numeric or is_address(wanted.host):
        return address
    if address not in called:
        called[address] = f"{machine.name_of(address) or address} ({address})"
    return called[address]


def _end(tally: _Tally, name: str) -> list[str]:
    lost = round(100 * (tally.sent - tally.received) / tally.sent)
    errors = f", +{tally.errors} errors" if tally.errors else ""
    counts = f"{tally.sent} packets transmitted, {tally.received} received{errors}, {lost}% packet loss"
    lines = [f"--- {name} ping statistics ---", f"{counts}, time {(tally.sent - 1) * 1000}ms"]
    if not tally.times:
        return [*lines, ""]
    low, high, mean = min(tally.times), max(tally.times), sum(tally.times) / len(tally.times)
    spread = (sum(each * each for each in tally.times) / len(tally.times) - mean * mean)
    return [*lines, f"rtt min/avg/max/mdev = {low:.3f}/{mean:.3f}/{high:.3f}/{max(spread, 0) ** 0.5:.3f} ms"]


def _rounded(took: float) -> str:
    """Three digits below 100 ms, fewer above."""
    return f"{took:.3f}" if took < 1 else f"{took:.2f}" if took < 10 else f"{took:.1f}"


def busybox_ping(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ping` of BusyBox."""
    try:
        given = parsed(words, "46c:s:i:At:I:W:w:qp:")
    except BadOption as problem:
        return failed(f"ping: {problem.text()}", *_USAGE)
    if len(given.rest) != 1:
        return failed(*_USAGE)
    wanted = _wanted(machine, given, busybox=True)
    if isinstance(wanted, Ran):
        return wanted
    address, _ = _address(machine, wanted.host, "6" if given.has("6") else "4" if given.has("4") else "")
    if not address:
        return failed(f"ping: bad address '{wanted.host}'")
    origin = f" from {wanted.source}" if wanted.source else ""
    head = f"PING {wanted.host} ({address}){origin}: {wanted.size} data bytes"
    tally = _Tally()
    while tally.sent < wanted.count:
        trace = _send(machine, wanted, address)
        seen = outcome(trace)
        if seen.local and seen.noticed in (Noticed.NET, Noticed.INVALID, Noticed.FORBIDDEN, Noticed.TOO_BIG):
            return Ran("\n".join([head, *tally.lines]) + "\n", f"ping: sendto: {machine.error(seen.noticed)}\n", 1)
        if seen.ok and seen.packet is not None:
            took = travel_time(trace)
            tally.times.append(took)
            tally.received += 1
            if not wanted.quiet:
                tally.lines.append(f"{wanted.size + _ICMP_HEADER} bytes from {seen.by}: seq={tally.sent} ttl={seen.packet.ttl} "
                                   f"time={took:.3f} ms")
        tally.sent += 1
    lost = (tally.sent - tally.received) * 100 // tally.sent
    end = [f"--- {wanted.host} ping statistics ---",
           f"{tally.sent} packets transmitted, {tally.received} packets received, {lost}% packet loss"]
    if tally.times:
        mean = sum(tally.times) / len(tally.times)
        end.append(f"round-trip min/avg/max = {min(tally.times):.3f}/{mean:.3f}/{max(tally.times):.3f} ms")
    return Ran("\n".join([head, *tally.lines, *(["^C"] if wanted.stopped else []), "", *end]) + "\n", "",
               0 if tally.received else 1)


_USAGE = ("Usage: ping [OPTIONS] HOST", "", "Send ICMP ECHO_REQUESTs to HOST")


def _wanted(machine: Machine, given: Options, busybox: bool) -> _Wanted | Ran:
    """What was asked for, or the complaint about it."""
    numbers = {"c": _UNTIL_STOPPED, "s": 56, "t": DEFAULT_TTL}
    limits = {"c": (1, 2**63 - 1), "s": (0, MOST_BYTES), "t": (0 if not busybox else 1, 255), "W": (0, 2**31), "w": (0, 2**31)}
    for letter, (least, most) in limits.items():
        text = given.last(letter)
        if not text:
            continue
        if not text.isdecimal():
            if letter in "Ww" and text.replace(".", "", 1).isdecimal():
                continue
            return failed(f"ping: invalid number '{text}'" if busybox else f"ping: invalid argument: '{text}'")
        if not least <= int(text) <= most:
            return failed(f"ping: number {text} is not in {least}..{most} range" if busybox else
                          f"ping: invalid argument: '{text}': out of range: {least} <= value <= {most}")
        numbers[letter] = int(text)
    if numbers["c"] > _MOST_SENT:
        return failed(f"(this course's ping sends at most {_MOST_SENT} packets: give it a smaller -c)")
    discovery = given.last("M")
    if discovery and discovery not in ("do", "dont", "want", "probe"):
        return failed(f"ping: invalid -M argument: {discovery}", code=2)
    source, through = given.last("I"), ""
    if source and not is_address(source):
        through, link = source, machine.ns.links.get(source)
        if link is None:
            return failed(f"ping: can't bind to interface {source}: No such device" if busybox else
                          f"ping: SO_BINDTODEVICE {source}: No such device", code=1 if busybox else 2)
        source = link.source_for(given.rest[0] if is_address(given.rest[0]) else "0.0.0.0")
    elif source and machine.ns.local_link(source) is None:
        return failed("ping: bind: " + ("Address not available" if machine.image.musl else "Cannot assign requested address"),
                      code=1 if busybox else 2)
    fragment = {"do": True, "probe": True, "dont": False}.get(discovery)
    return _Wanted(given.rest[-1], numbers["c"], numbers["s"], numbers["t"], fragment, source, through, given.has("q"),
                   given.has("n"), not given.last("c"))


def _send(machine: Machine, wanted: _Wanted, address: str) -> Trace:
    """One echo request.  Unless it is told otherwise Linux forbids routers to cut it, and cuts what its own way out cannot
    take."""
    whole = wanted.size + _ICMP_HEADER + (_IPV6 if ":" in address else _IPV4)
    kept = wanted.dont_fragment if wanted.dont_fragment is not None else whole <= machine.mtu_to(address)
    return machine.ping(address, wanted.size, max(wanted.ttl, 1), kept, wanted.source)


def _address(machine: Machine, host: str, version: str) -> tuple[str, Lookup | None]:
    """The address that is pinged, of an IP version if one is asked for, and the lookup that gave it."""
    address, found = machine.resolve(host)
    if found is not None and version:
        address = next((each for each in found.result if (":" in each) == (version == "6")), "")
    return address, found
