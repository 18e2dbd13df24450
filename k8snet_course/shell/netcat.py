"""nc: whether a port can be reached, in OpenBSD's form and in BusyBox's.

Source: netcat-openbsd 1.219 (Debian); BusyBox 1.37, networking/nc_bloaty.c; services(5); the first one compared on Linux 6.18.
"""

from __future__ import annotations

from k8snet_course.linux.packet import with_port
from k8snet_course.probe import is_address
from k8snet_course.shell.machine import Machine, gai_text
from k8snet_course.shell.options import BadOption, Options, parsed
from k8snet_course.shell.outcome import Noticed, outcome
from k8snet_course.shell.ran import Ran, failed

_MOST_PORTS = 1000
_USAGE = ("usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]",
          "\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]",
          "\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]",
          "\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]", "\t  [destination] [port]")
SERVICES = {"TCP": {22: "ssh", 25: "smtp", 53: "domain", 80: "http", 443: "https", 2379: "etcd-client", 2380: "etcd-server",
                    3306: "mysql", 5432: "postgresql", 6379: "redis", 8080: "http-alt"},
            "UDP": {53: "domain", 123: "ntp", 443: "https"}}
"""The names of some ports."""


def netcat(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`nc` of OpenBSD."""
    try:
        given = parsed(words, "46CDdFhklNnrStUuvZzI:i:M:m:O:P:p:q:s:T:V:W:w:X:x:b")
    except BadOption as problem:
        return failed(f"nc: {problem.text()}", *_USAGE)
    if given.has("l"):
        return failed(_NO_LISTENING)
    if len(given.rest) != 2:
        return failed(*_USAGE)
    host, text = given.rest
    ports = _ports(text)
    if isinstance(ports, str):
        return failed(f"nc: {ports}")
    address, found = machine.resolve(host)
    if not address or (given.has("n") and not is_address(host)):
        why = gai_text(machine, found) if not address else "Name or service not known"
        return failed(f'nc: getaddrinfo for host "{host}" port {text}: {why}')
    protocol = "UDP" if given.has("u") else "TCP"
    addresses = found.result if found is not None else (address,)
    err, code = "", 1
    for port in ports:
        for each in addresses:
            line, up = _tried(machine, given, host, each, port, protocol)
            err += f"{line}\n" if line and given.has("v") else ""
            if up:
                code = 0
                break
    return Ran("", err, code)


def _tried(machine: Machine, given: Options, host: str, address: str, port: int, protocol: str) -> tuple[str, bool]:
    """What is said of a port, and whether it can be reached."""
    seen = outcome(machine.connect(address, port, protocol, size=int(protocol == "UDP")))
    noticed = seen.noticed if protocol == "UDP" else seen.connect_error()
    small, whom = protocol.lower(), host if is_address(host) else f"{host} ({address})"
    # A datagram without an answer looks like one that has arrived, and only a closed port is told to whoever sent it.
    if noticed is Noticed.OK or (protocol == "UDP" and noticed is not Noticed.REFUSED and not seen.local):
        return f"Connection to {whom} {port} port [{small}/{SERVICES[protocol].get(port, '*')}] succeeded!", True
    start = f"nc: connect to {whom} port {port} ({small})"
    if noticed is Noticed.SILENCE and given.last("w"):
        return f"{start} timed out: Operation now in progress", False
    told = protocol == "TCP" or (seen.local and noticed is not Noticed.FORBIDDEN)
    return f"{start} failed: {machine.error(noticed)}" if told else "", False


_NO_LISTENING = ("(programs that wait belong to the pod: make it with add_pod(..., listen=8080), and look from another one "
                 "with `nc -zv`)")


def _ports(text: str) -> list[int] | str:
    """A port or a range of ports; or the complaint about it."""
    first, dash, last = text.partition("-")
    ends = [first, last] if dash else [first]
    named = {name: port for port, name in SERVICES["TCP"].items()}
    numbers = [named.get(each, int(each) if each.isdecimal() and len(each) <= 5 else -1) for each in ends]
    if any(number == -1 for number in numbers):
        return f"port number invalid: {text}"
    if any(not 1 <= number <= 65535 for number in numbers):
        return f"port number {'too large' if max(numbers) > 65535 else 'too small'}: {text}"
    ports = list(range(min(numbers), max(numbers) + 1))
    return ports if len(ports) <= _MOST_PORTS else f"(this course's nc tries at most {_MOST_PORTS} ports at once)"


def cannot_connect(address: str, why: str) -> str:
    """What BusyBox says of a connection that did not come about: it names IPv4 addresses only.

    >>> cannot_connect("10.244.0.3", "Connection refused"), cannot_connect("fd00::3", "Connection refused")
    ("can't connect to remote host (10.244.0.3): Connection refused", "can't connect to remote host: Connection refused")
    """
    return f"can't connect to remote host{f' ({address})' if ':' not in address else ''}: {why}"


def busybox_nc(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`nc` of BusyBox."""
    whole = machine.image.musl  # Alpine builds BusyBox with the larger nc
    try:
        given = parsed(words, "lnuvzw:p:s:i:o:e:46k" if whole else "lw:p:i:f:e:")
    except BadOption as problem:
        return failed(f"nc: {problem.text()}", *(_BUSYBOX_USAGE if whole else _SMALL_USAGE))
    if given.has("l"):
        return failed(_NO_LISTENING)
    if len(given.rest) != 2:
        return failed(*(_BUSYBOX_USAGE if whole else _SMALL_USAGE))
    return _busybox(machine, given)


_BUSYBOX_USAGE = ("Usage: nc [OPTIONS] HOST PORT  - connect", "nc [OPTIONS] -l -p PORT [HOST] [PORT]  - listen")

_SMALL_USAGE = ("", "Usage: nc [-iN] [-wN] [-l] [-p PORT] [-f FILE|IPADDR PORT] [-e PROG]", "",
                "Open a pipe to IP:PORT or FILE")


def _busybox(machine: Machine, given: Options) -> Ran:
    host, text = given.rest
    ports = _ports(text)
    if isinstance(ports, str):
        return failed(f"nc: bad port '{text}'" if not ports.startswith("(") else ports)
    address, _ = machine.resolve(host)
    if not address:
        return failed(f"nc: bad address '{host}'")
    protocol = "UDP" if given.has("u") else "TCP"
    seen = outcome(machine.connect(address, ports[0], protocol))
    noticed = seen.noticed if protocol == "UDP" else seen.connect_error()
    at = with_port(address, ports[0])
    if noticed is Noticed.OK or (protocol == "UDP" and noticed is not Noticed.REFUSED and not seen.local):
        return Ran("", f"{host} ({at}) open\n" if given.has("v") else "", 0)
    if not machine.image.musl:
        timed = noticed is Noticed.SILENCE and given.last("w")
        return failed(f"nc: {'timed out' if timed else cannot_connect(address, machine.error(noticed))}")
    if noticed is Noticed.SILENCE and given.last("w"):
        return failed(f"nc: {host} ({at}): {machine.error(noticed)}" if given.has("v") else "nc: timed out")
    return Ran("", f"nc: {host} ({at}): {machine.error(noticed)}\n", 1)
