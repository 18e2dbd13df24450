"""ss and netstat: the programs that wait for packets.

The model keeps no open connections, so there are listening sockets only; and it has no process numbers.

Source: iproute2 6.1, misc/ss.c (columns); net-tools 2.10, netstat.c; BusyBox 1.37, networking/netstat.c; compared on Linux
6.18.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.linux.namespace import ANY, Listener
from k8snet_course.shell.arp import route_table
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.options import BadOption, parsed
from k8snet_course.shell.ran import Ran, failed, wrote

BACKLOG = 4096
"""How many connections may wait to be taken (net.core.somaxconn), which most programs ask for."""
_HEADS = ("Netid", "State", "Recv-Q", "Send-Q", "Local Address:", "Port", "Peer Address:", "Port", "Process")
_RIGHT = (4, 6)
_TOGETHER = (5, 7, 8)
"""Columns that stand right behind the one before."""


def ss(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ss`."""
    try:
        given = parsed(words, "46tulnapeoimsHhVrxwOK:", {
            "tcp": "t", "udp": "u", "listening": "l", "numeric": "n", "all": "a", "processes": "p", "no-header": "H",
            "ipv4": "4", "ipv6": "6", "unix": "x"})
    except BadOption as problem:
        return failed(f"ss: {problem.text()}", "Usage: ss [ OPTIONS ]", code=255)
    wanted = [each for each, letter in (("UDP", "u"), ("TCP", "t")) if given.has(letter)] or (
        [] if given.has("x", "w") else ["UDP", "TCP"])
    rows = _listening(machine, wanted, given.has("4"), given.has("6")) if given.has("l", "a") else []
    single = len([letter for letter in "tux" if given.has(letter)]) == 1 and len(wanted) == 1
    table = []
    for row in rows:
        address, far = (ANY, ANY) if row.address == ANY else (row.address, "0.0.0.0")
        if ":" in address:
            address, far = f"[{address}]", "[::]"
        process = f'users:(("{row.program}"))' if given.has("p") else ""
        state = ("LISTEN", "0", str(BACKLOG)) if row.protocol == "TCP" else ("UNCONN", "0", "0")
        table.append((row.protocol.lower(), *state, f"{address}:", str(row.port), f"{far}:", "*", process))
    return wrote(_table(table, 1 if single else 0, not given.has("H")))


def _table(rows: Sequence[tuple[str, ...]], first: int, head: bool) -> list[str]:
    heads = [name if head or place < 4 else "" for place, name in enumerate(_HEADS)]
    widths = [max(len(text) for text in (heads[place], *(row[place] for row in rows))) for place in range(len(_HEADS))]
    lines = []
    for row in (*([_HEADS] if head else []), *rows):
        text = ""
        for place in range(first, len(_HEADS)):
            if place > first and place not in _TOGETHER:
                text += " "
            text += row[place].rjust(widths[place]) if place in _RIGHT else row[place].ljust(widths[place])
        lines.append(text if head else text.rstrip())
    return [lines[0].rstrip(), *lines[1:]] if head else lines


def _listening(machine: Machine, protocols: list[str], four: bool, six: bool) -> list[Listener]:
    """The listening sockets of these protocols, in order of protocol, port and address."""
    rows = [row for row in machine.ns.listeners if row.protocol in protocols]
    if four != six:
        rows = [row for row in rows if (row.address == ANY or ":" in row.address) == six]
    return sorted(rows, key=lambda row: (protocols.index(row.protocol), row.port, row.address))


def netstat(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`netstat` of net-tools."""
    return _netstat(machine, words, 11, six="6")


def busybox_netstat(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`netstat` of BusyBox, whose last column is a little wider, and which does not mark IPv6."""
    return _netstat(machine, words, 12, six="")


def _netstat(machine: Machine, words: list[str], last: int, six: str) -> Ran:
    try:
        given = parsed(words, "vWeenNcCFaorlptuUSwx46i", {"tcp": "t", "udp": "u", "listening": "l", "numeric": "n", "all": "a",
                                                          "programs": "p", "route": "r"})
    except BadOption as problem:
        return failed(f"netstat: {problem.text()}", "usage: netstat [-vWeenNcCF] [<Af>] -r",
                      "       netstat [-vWnNcaeol] [<Socket> ...]")
    if given.has("r"):
        return wrote(route_table(machine, "netstat", numeric=given.has("n")))
    if given.has("i"):
        return failed("(the model counts no packets: `ip link` lists the interfaces)")
    wanted = [each for each, letter in (("TCP", "t"), ("UDP", "u")) if given.has(letter)] or (
        [] if given.has("x", "w") else ["TCP", "UDP"])
    which = "only servers" if given.has("l") else "servers and established" if given.has("a") else "w/o servers"
    programs = given.has("p")
    lines = [f"Active Internet connections ({which})",
             f"Proto Recv-Q Send-Q {'Local Address':<23} {'Foreign Address':<23} {'State':<{last}}"
             + ("PID/Program name" + " " * 4 if programs else "")]
    for row in _listening(machine, wanted, given.has("4"), given.has("6")) if given.has("l", "a") else []:
        both = row.address == ANY or ":" in row.address
        address = "::" if row.address == ANY else row.address
        here, far = f"{address}:{row.port}", ":::*" if both else "0.0.0.0:*"
        name = f"{row.protocol.lower()}{six if both else ''}"
        state = "LISTEN" if row.protocol == "TCP" else ""
        lines.append(f"{name:<5} {0:>6} {0:>6} {here:<23} {far:<23} {state:<{last}}"
                     + (f"{f'-/{row.program}':<20}" if programs else ""))
    return wrote(lines)
