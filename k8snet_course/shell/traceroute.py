"""traceroute and tracepath: packets with a small TTL, and who complains that it has run out.

Each line is the walk of a few packets: whoever answers is the router that the packet could not pass, or its destination.

Source: traceroute 2.1 (Debian); BusyBox 1.37, networking/traceroute.c; iputils, tracepath.c; compared with them on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Trace
from k8snet_course.probe import EPHEMERAL_PORT
from k8snet_course.shell.machine import HOP_TIME, Machine, gai_text, travel_time
from k8snet_course.shell.netcat import cannot_connect
from k8snet_course.shell.options import BadOption, Options, parsed
from k8snet_course.shell.outcome import Noticed, Outcome, outcome
from k8snet_course.shell.ran import Ran, failed, wrote

FIRST_PORT = 33434
_MOST_HOPS, _MOST_TTL = 30, 255
_MOST_TTL_SENT = 65
"""One more than the TTL that answers begin with: the difference is the number of cables that one has passed."""
_LETTERS = "46dFTIUnf:m:q:p:w:z:s:i:t:N:rlvAe"
_LONGS = {"icmp": "I", "tcp": "T", "udp": "U", "max-hops": "m", "queries": "q", "wait": "w", "port": "p", "first": "f"}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for: ``tries`` packets for each TTL from ``first`` to ``last``, of ``size`` bytes."""

    host: str
    address: str
    protocol: str
    first: int
    last: int
    tries: int
    port: int
    numeric: bool
    size: int


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one packet met: whose answer (empty: none), how it is marked, how long it took, and whether it is the end."""

    by: str
    mark: str
    took: float
    end: bool


def traceroute(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`traceroute` of Debian."""
    try:
        given = parsed(words, _LETTERS, _LONGS)
    except BadOption as problem:
        if problem.missing:
            return failed(f"Option `-{problem.letter}' requires an argument", code=2)
        return failed(f"Bad option `-{problem.letter}' (argc 1)", code=2)
    if not given.rest:
        return failed("Specify \"host\" missing argument.", code=2)
    host = given.rest[0]
    address, found = machine.resolve(host)
    if not address:
        return failed(f"{host}: {gai_text(machine, found)}",
                      f"Cannot handle \"host\" cmdline arg `{host}' on position 1 (argc 1)", code=2)
    wanted = _wanted(given, host, address, 80 if ":" in address else 60)
    if isinstance(wanted, str):
        return failed(f"Cannot handle `-{wanted}' option with arg `{given.last(wanted)}' (argc 1)", code=2)
    head = f"traceroute to {host} ({address}), {wanted.last} hops max, {wanted.size} byte packets"
    lines, error = _lines(machine, wanted, busybox=False)
    if error is not None:
        return Ran(f"{head}\n", f"connect: {machine.error(error)}\n", 1)
    return wrote([head, *lines])


def busybox_traceroute(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`traceroute` of BusyBox."""
    try:
        given = parsed(words, "46FIlnrdvi:s:t:w:p:q:m:f:z:g:x")
    except BadOption as problem:
        return failed(f"traceroute: {problem.text()}", *_USAGE)
    if not given.rest:
        return failed(*_USAGE)
    host = given.rest[0]
    address, _ = machine.resolve(host)
    if not address:
        return failed(f"traceroute: bad address '{host}'")
    wanted = _wanted(given, host, address, 72 if ":" in address else 46)
    if isinstance(wanted, str):
        return failed(f"traceroute: invalid number '{given.last(wanted)}'")
    head = f"traceroute to {host} ({address}), {wanted.last} hops max, {wanted.size} byte packets"
    lines, error = _lines(machine, wanted, busybox=True)
    if error is not None:
        return failed(f"traceroute: {cannot_connect(address, machine.error(error))}")
    return wrote([head, *lines])


_USAGE = ("Usage: traceroute [-46FIlnrv] [-f 1ST_TTL] [-m MAXTTL] [-q PROBES] [-p PORT]",
          "\t[-t TOS] [-w WAIT_SEC] [-s SRC_IP] [-i IFACE]", "\t[-z PAUSE_MSEC] HOST [BYTES]")


def _wanted(given: Options, host: str, address: str, size: int) -> _Wanted | str:
    """What was asked for; or the letter of the option whose number is none."""
    numbers = {"f": 1, "m": _MOST_HOPS, "q": 3, "p": 0}
    for letter in numbers:
        text = given.last(letter)
        if text and not (text.isdecimal() and len(text) <= 5 and (letter == "p" or 1 <= int(text) <= _MOST_TTL)):
            return letter
        numbers[letter] = int(text) if text else numbers[letter]
    protocol = "ICMP" if given.has("I") else "TCP" if given.has("T") else "UDP"
    port = numbers["p"] or (80 if protocol == "TCP" else FIRST_PORT)
    return _Wanted(host, address, protocol, numbers["f"], numbers["m"], min(numbers["q"], 10), port, given.has("n"), size)


def _lines(machine: Machine, wanted: _Wanted, busybox: bool) -> tuple[list[str], Noticed | None]:
    """A line for each TTL; or the error with which the first packet could not even be sent."""
    lines: list[str] = []
    names: dict[str, str] = {}
    number = 0
    for ttl in range(wanted.first, wanted.last + 1):
        words, last, end = [f"{ttl:2} "], "", False
        for _ in range(wanted.tries):
            trace = _send(machine, wanted, ttl, number)
            number += 1
            seen = outcome(trace)
            if seen.local and seen.noticed in (Noticed.NET, Noticed.INVALID):
                return lines, seen.noticed
            heard = _heard(trace, seen, wanted)
            if not heard.by:
                words.append("  *" if busybox else " *")
                continue
            if heard.by != last:
                words.append(f" {_name(machine, wanted, heard.by, names)}")
                last = heard.by
            words.append(f"  {heard.took:.3f} ms{heard.mark}")
            end = end or heard.end
        lines.append("".join(words))
        if end:
            break
    return lines, None


def _send(machine: Machine, wanted: _Wanted, ttl: int, number: int) -> Trace:
    """One packet; those of UDP go to another port each, so that their errors can be told apart."""
    six = ":" in wanted.address
    load = max(wanted.size - (40 if six else 20) - 8, 0)
    if wanted.protocol == "ICMP":
        return machine.ping(wanted.address, load, ttl, dont_fragment=False)
    if wanted.protocol == "TCP":
        return machine.connect(wanted.address, wanted.port, "TCP", ttl)
    port = wanted.port + number if wanted.port == FIRST_PORT else wanted.port
    return machine.send(Packet("", wanted.address, "UDP", EPHEMERAL_PORT, port, ttl, load, dont_fragment=False))


def _heard(trace: Trace, seen: Outcome, wanted: _Wanted) -> _Heard:
    took = travel_time(trace)
    if seen.ok:
        return _Heard(seen.by, "", took, True)
    if seen.local:
        return _Heard(trace.packet.src, " !H", took, True) if seen.noticed is Noticed.HOST else _Heard("", "", 0, False)
    if seen.packet is None:
        return _Heard("", "", 0, False)
    kind = seen.packet.kind
    if kind.startswith("time exceeded"):
        return _Heard(seen.by, "", took, False)
    if kind.startswith(("fragmentation", "packet too big")):
        return _Heard(seen.by, f" !F-{seen.mtu}", took, True)
    closed = "" if seen.by == wanted.address or wanted.protocol == "UDP" else " !p"
    mark = {"net unreachable": " !N", "host unreachable": " !H", "no route to destination": " !N", "address unreachable": " !H",
            "port unreachable": closed, "RST": ""}.get(kind, " !X")
    return _Heard(seen.by, mark, took, True)


def _name(machine: Machine, wanted: _Wanted, address: str, names: dict[str, str]) -> str:
    """A router's name and address; its address alone if names were not wanted."""
    if wanted.numeric:
        return address
    if address not in names:
        names[address] = machine.name_of(address) or address
    return f"{names[address]} ({address})"


def tracepath(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`tracepath`: the way, and the smallest MTU on it."""
    try:
        given = parsed(words, "46nbl:m:p:V")
    except BadOption as problem:
        return failed(f"tracepath: {problem.text()}")
    if not given.rest:
        return failed("tracepath: usage error: Destination required")
    host = given.rest[0]
    address, found = machine.resolve(host)
    if not address:
        return failed(f"tracepath: {host}: {gai_text(machine, found)}")
    size = machine.mtu_to(address)
    if not size:
        return failed(f"tracepath: send failed: {machine.error(Noticed.NET)}")
    wanted = _wanted(given, host, address, size)
    if isinstance(wanted, str):
        return failed(f"tracepath: invalid argument: '{given.last(wanted)}'")
    took = f"{HOP_TIME:8.3f}ms" if ":" in address else ""
    return wrote([f"{' 1?: [LOCALHOST]':<37}{took} pmtu {size}", *_path(machine, wanted)])


def _path(machine: Machine, wanted: _Wanted) -> Iterator[str]:
    """The lines of a path: the first router is asked twice, and one that takes smaller packets only is asked again."""
    size, header = wanted.size, 48 if ":" in wanted.address else 28
    ttls, names = [1, *range(1, wanted.last + 1)], dict[str, str]()
    number = 0
    while ttls:
        ttl = ttls.pop(0)
        number += 1
        trace = machine.send(Packet("", wanted.address, "UDP", EPHEMERAL_PORT, FIRST_PORT + number, ttl, size - header))
        seen = outcome(trace)
        if seen.noticed is Noticed.TOO_BIG and 0 < seen.mtu < size:
            size = seen.mtu
            yield f"{f'{ttl:2}:  {seen.by}':<55} {travel_time(trace):8.3f}ms pmtu {size}"
            ttls.insert(0, ttl)
            continue
        heard = _heard(trace, seen, wanted)
        if not heard.by:
            yield f"{ttl:2}:  no reply"
            continue
        reached = heard.end and not heard.mark
        name = _name(machine, wanted, heard.by, names).partition(" (")[0]
        yield f"{f'{ttl:2}:  {name}':<55} {heard.took:8.3f}ms {'reached' if reached else heard.mark.strip()}"
        if heard.end and ttls[:1] != [1]:
            back = _MOST_TTL_SENT - seen.packet.ttl if seen.packet is not None else ttl
            yield f"     Resume: pmtu {size}{f' hops {ttl} back {back}' if reached else ''} "
            return
    yield f"     Too many hops: pmtu {size}"
    yield f"     Resume: pmtu {size} "
