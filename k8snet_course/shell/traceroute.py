"""traceroute and tracepath: packets with a small TTL, and who complains that it has run out.

Each line is the walk of a few packets: whoever answers is the router that the packet could not pass, or its destination.

Source: traceroute 2.1 (Debian); BusyBox 1.37, networking/traceroute.c; iputils, tracepath.c; compared with them on Linux 6.18.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Trace
from k8snet_course.probe import EPHEMERAL_PORT, is_address
from k8snet_course.shell.machine import Machine, gai_text, travel_time
from k8snet_course.shell.options import BadOption, Options, parsed
from k8snet_course.shell.outcome import Noticed, Outcome, outcome
from k8snet_course.shell.ran import Ran, failed, wrote

FIRST_PORT = 33434
_MOST_HOPS, _MOST_TTL = 30, 255
_LETTERS = "46dFTIUn:f:m:q:p:w:z:s:i:t:N:rlvAe".replace("n:", "n")
_LONGS = {"icmp": "I", "tcp": "T", "udp": "U", "max-hops": "m", "queries": "q", "wait": "w", "port": "p", "first": "f"}


class Way(StrEnum):
    """What the packets are."""

    UDP = "UDP"
    TCP = "TCP"
    ICMP = "ICMP"


@dataclass(frozen=True, slots=True)
class _Wanted:
    host: str
    address: str
    way: Way
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
    wanted = _wanted(given, host, address, 60)
    if isinstance(wanted, str):
        return failed(f"Cannot handle `-{wanted}' option with arg `{given.last(wanted)}' (argc 1)", code=2)
    head = f"traceroute to {host} ({address}), {wanted.last} hops max, {wanted.size} byte packets"
    lines, error = _lines(machine, wanted, "* ")
    if error is not None:
        return Ran(f"{head}\n", f"connect: {machine.error(error)}\n", 1)
    return wrote([head, *(line.rstrip(" ") for line in lines)])


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
    wanted = _wanted(given, host, address, 46)
    if isinstance(wanted, str):
        return failed(f"traceroute: invalid number '{given.last(wanted)}'")
    head = f"traceroute to {host} ({address}), {wanted.last} hops max, {wanted.size} byte packets"
    lines, error = _lines(machine, wanted, " *")
    if error is not None:
        return failed(f"traceroute: can't connect to remote host ({address}): {machine.error(error)}")
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
    way = Way.ICMP if given.has("I") else Way.TCP if given.has("T") else Way.UDP
    port = numbers["p"] or (80 if way is Way.TCP else FIRST_PORT)
    return _Wanted(host, address, way, numbers["f"], numbers["m"], min(numbers["q"], 10), port, given.has("n"), size)


def _lines(machine: Machine, wanted: _Wanted, silence: str) -> tuple[list[str], Noticed | None]:
    """A line for each TTL; or the error with which the first packet could not even be sent."""
    lines: list[str] = []
    names: dict[str, str] = {}
    number = 0
    for ttl in range(wanted.first, wanted.last + 1):
        line, last, end = f"{ttl:2} ", "", False
        for _ in range(wanted.tries):
            trace = _send(machine, wanted, ttl, number)
            number += 1
            seen = outcome(trace)
            if seen.local and seen.noticed in (Noticed.NET, Noticed.INVALID):
                return lines, seen.noticed
            heard = _heard(trace, seen, wanted)
            if not heard.by:
                line += f" {silence}" if silence.startswith(" ") else silence if line.endswith("* ") else f" {silence}"
                continue
            line = line.removesuffix(" ") if line.endswith("* ") else line
            if heard.by != last:
                line += f" {_name(machine, wanted, heard.by, names)}"
                last = heard.by
            line += f"  {heard.took:.3f} ms{heard.mark}"
            end = end or heard.end
        lines.append(line)
        if end:
            break
    return lines, None


def _send(machine: Machine, wanted: _Wanted, ttl: int, number: int) -> Trace:
    """One packet; those of UDP go to another port each, so that their errors can be told apart."""
    six = ":" in wanted.address
    load = max(wanted.size - (40 if six else 20) - 8, 0)
    if wanted.way is Way.ICMP:
        return machine.ping(wanted.address, load, ttl, dont_fragment=False)
    if wanted.way is Way.TCP:
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
    mark = {"net unreachable": " !N", "host unreachable": " !H", "no route to destination": " !N", "address unreachable": " !H",
            "port unreachable": "" if seen.by == wanted.address or wanted.way is Way.UDP else " !p", "RST": ""}.get(kind, " !X")
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
        return failed(f"tracepath: {problem.text()}", code=1)
    if not given.rest:
        return failed("tracepath: usage error: Destination required", code=1)
    host = given.rest[0]
    address, found = machine.resolve(host)
    if not address:
        return failed(f"tracepath: {host}: {gai_text(machine, found)}")
    last = int(given.last("m")) if given.last("m").isdecimal() else _MOST_HOPS
    size = machine.mtu_to(address)
    if not size:
        return failed("tracepath: send failed: Network is unreachable" if is_address(address) else "")
    lines = [f"{' 1?: [LOCALHOST]':<37} pmtu {size}"]
    header = 48 if ":" in address else 28
    ttl, tries, first = 1, 0, False
    wanted = _Wanted(host, address, Way.UDP, 1, last, 1, FIRST_PORT, True, size)
    while ttl <= last and tries < last + 10:
        tries += 1
        trace = machine.send(Packet("", address, "UDP", EPHEMERAL_PORT, FIRST_PORT + tries, ttl, size - header))
        seen = outcome(trace)
        if seen.noticed is Noticed.TOO_BIG and seen.mtu:
            lines.append(f"{f'{ttl:2}:  {seen.by}':<56} {travel_time(trace):6.3f}ms pmtu {seen.mtu}")
            size = seen.mtu
            continue
        heard = _heard(trace, seen, wanted)
        if not heard.by:
            lines.append(f"{ttl:2}:  no reply")
        else:
            reached = heard.end and not heard.mark
            mark = "reached" if reached else heard.mark.strip()
            name = _name(machine, wanted if given.has("n") else _Wanted(host, address, Way.UDP, 1, last, 1, 0, False, size),
                         heard.by, {})
            name = name if given.has("n") else name.rpartition(" (")[0]
            lines.append(f"{f'{ttl:2}:  {name}':<55} {heard.took:8.3f}ms {mark}")
            if not first and ttl == 1:
                first = True  # the first one is asked twice
                continue
            if heard.end:
                back = len({hop.device for hop in (trace.reply.hops if trace.reply is not None else ())})
                tail = f" hops {ttl} back {_back(seen)} " if reached and back else ""
                return wrote([*lines, f"     Resume: pmtu {size}{tail}"])
        ttl += 1
    return wrote([*lines, "     Too many hops: pmtu " + str(size), f"     Resume: pmtu {size} "])


def _back(seen: Outcome) -> int:
    """How many hops the answer has come, judged by its TTL."""
    return 65 - seen.packet.ttl if seen.packet is not None else 0
