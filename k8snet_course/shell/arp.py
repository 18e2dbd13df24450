"""arp, route and ifconfig: the older commands for neighbours, routes and interfaces.

The counters that ifconfig prints for each interface are left out: the model counts nothing.

Source: net-tools 2.10; BusyBox 1.37, networking/arp.c, route.c and ifconfig.c; compared with both on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_interface, ip_network

from k8snet_course.linux.link import Link
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.route import Route
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.options import BadOption, parsed
from k8snet_course.shell.ran import Ran, failed, wrote

_FLAGS = {"UP": 0x1, "BROADCAST": 0x2, "LOOPBACK": 0x8, "RUNNING": 0x40, "NOARP": 0x80, "MULTICAST": 0x1000}
_ORDER = ("UP", "BROADCAST", "LOOPBACK", "RUNNING", "NOARP", "MULTICAST")


def arp(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`arp` of net-tools."""
    return _arp(machine, words, busybox=False)


def busybox_arp(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`arp` of BusyBox."""
    return _arp(machine, words, busybox=True)


def _arp(machine: Machine, words: list[str], busybox: bool) -> Ran:
    try:
        given = parsed(words, "anei:vH:d:s:D")
    except BadOption as problem:
        return failed(f"arp: {problem.text()}")
    if given.has("d", "s"):
        return failed("(the tables here follow from the cluster: `arp` changes nothing)")
    known = machine.ns.neighbours
    rows = [row for row in (*known, *known.unanswered) if ":" not in row.address and given.last("i") in ("", row.dev)
            and (not given.rest or row.address == given.rest[0])]
    if given.rest and not rows:
        return Ran(f"{given.rest[0]} ({given.rest[0]}) -- no entry\n", "", 1)
    if busybox or given.has("a"):
        gap = "  " if busybox else " "
        return wrote(f"? ({row.address}) at {_at(row)}{gap}on {row.dev}" for row in rows)
    if not rows:
        return Ran()
    lines = [f"{'Address':<24} {'HWtype':<7} {'HWaddress':<19} {'Flags Mask':<21} Iface"]
    lines += [f"{row.address:<24} {'ether':<7} {row.mac:<19} {'CM' if row.state == 'PERMANENT' else 'C':<21} {row.dev}"
              if row.mac else f"{row.address:<24} {'':<7} {'(incomplete)':<41} {row.dev}" for row in rows]
    return wrote(lines)


def _at(row: Neighbour) -> str:
    if not row.mac:
        return "<incomplete>"
    return f"{row.mac} [ether]{' PERM' if row.state == 'PERMANENT' else ''}"


def route(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`route`, of either kind."""
    try:
        given = parsed(words, "neFCvA:46")
    except BadOption as problem:
        return failed(f"route: {problem.text()}")
    if given.rest:
        return failed("(the routes here follow from the cluster: `route` changes nothing)")
    return wrote(route_table(machine, "route", numeric=given.has("n")))


def route_table(machine: Machine, form: str, numeric: bool) -> list[str]:
    """The IPv4 routes in the columns of `route` or of `netstat -r`."""
    middle = "Metric Ref    Use" if form == "route" else "  MSS Window  irtt"
    lines = ["Kernel IP routing table", f"{'Destination':<15} {'Gateway':<15} {'Genmask':<15} {'Flags':<5} {middle} Iface"]
    for row in machine.ns.routes:
        if ":" in row.dst:
            continue
        net = ip_network("0.0.0.0/0" if row.dst == "default" else row.dst)
        where = "default" if row.dst == "default" and not numeric else str(net.network_address)
        via = row.via or ("*" if not numeric and not row.kind else "-" if row.kind else "0.0.0.0")
        via = "0.0.0.0" if via == "*" else via
        numbers = f"{row.metric:<6} {0:<3} {0:>6}" if form == "route" else f"{0:>5} {0:<6} {0:>5}"
        lines.append(f"{where:<15} {via:<15} {net.netmask!s:<15} {_route_flags(row, net.prefixlen):<5} {numbers} "
                     f"{row.dev or '*'}")
    return lines


def _route_flags(row: Route, length: int) -> str:
    if row.kind:
        return "!H" if length == 32 else "!"
    return "U" + ("G" if row.via else "") + ("H" if length == 32 else "")


def ifconfig(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ifconfig` of net-tools."""
    return _ifconfig(machine, words, _net_tools)


def busybox_ifconfig(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ifconfig` of BusyBox."""
    return _ifconfig(machine, words, _busybox)


def _ifconfig(machine: Machine, words: list[str], form: Callable[[Machine, Link], list[str]]) -> Ran:
    names = [word for word in words if not word.startswith("-")]
    links = machine.ns.links
    if names and names[0] not in links:
        if machine.image.form_of("ifconfig") == "busybox":
            return failed(f"ifconfig: {names[0]}: error fetching interface information: Device not found")
        return failed(f"{names[0]}: error fetching interface information: Device not found")
    chosen = [links[names[0]]] if names else sorted(links.values(), key=lambda link: link.name)
    lines: list[str] = []
    for link in chosen:
        up = "UP" in link.flags.split(",")
        if up or names or "-a" in words:
            lines += [*form(machine, link), ""]
    return wrote(lines)


def _names(machine: Machine, link: Link) -> list[str]:
    """The flags that ifconfig prints: RUNNING is LOWER_UP."""
    given = link.flags.replace("LOWER_UP", "RUNNING").split(",")
    return [name for name in _ORDER if name in given]


def _net_tools(machine: Machine, link: Link) -> list[str]:
    names = _names(machine, link)
    lines = [f"{link.name}: flags={sum(_FLAGS[name] for name in names)}<{','.join(names)}>  mtu {link.mtu}"]
    for address in link.addresses:
        face = ip_interface(address)
        if face.version == 6:
            scope = "0x10<host>" if link.kind == "loopback" else "0x20<link>" if str(face.ip).startswith("fe80") else (
                "0x0<global>")
            lines.append(f"        inet6 {face.ip}  prefixlen {face.network.prefixlen}  scopeid {scope}")
        else:
            whole = face.network.broadcast_address if face.network.num_addresses > 2 else "0.0.0.0"
            cast = f"  broadcast {whole}" if "BROADCAST" in names else ""
            lines.append(f"        inet {face.ip}  netmask {face.netmask}{cast}")
    if link.kind == "loopback":
        return [*lines, "        loop  txqueuelen 1000  (Local Loopback)"]
    return [*lines, f"        ether {link.mac}  txqueuelen 1000  (Ethernet)"]


def _busybox(machine: Machine, link: Link) -> list[str]:
    loopback = link.kind == "loopback"
    names = _names(machine, link)
    head = "Local Loopback" if loopback else f"Ethernet  HWaddr {link.mac.upper()}"
    lines = [f"{link.name:<9} Link encap:{head}  "]
    for address in link.addresses:
        face = ip_interface(address)
        if face.version == 6:
            scope = "Host" if loopback else "Link" if str(face.ip).startswith("fe80") else "Global"
            lines.append(f"          inet6 addr: {face.ip}/{face.network.prefixlen} Scope:{scope}")
        else:
            cast = f"  Bcast:{face.network.broadcast_address}" if not loopback and face.network.num_addresses > 2 else (
                "  Bcast:0.0.0.0" if not loopback else "")
            lines.append(f"          inet addr:{face.ip}{cast}  Mask:{face.netmask}")
    return [*lines, f"          {' '.join(names)}  MTU:{link.mtu}  Metric:1"]
