"""`ip neigh`: the MAC addresses that a device knows.

An address that nobody has answered for is listed as FAILED, until it is known.

Source: iproute2 6.1, ip/ipneigh.c; BusyBox 1.37, networking/libiproute/ipneigh.c; compared with both on Linux 6.18.
"""

from __future__ import annotations

from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.shell.ip_words import Asked, Misspelt, without


def neighbours(asked: Asked) -> list[str]:
    """The rows, IPv4 first."""
    filters = asked.filters(("dev", "nud", "to"), ("proxy", "permanent", "reachable", "stale", "failed"), bare="to")
    name = filters.get("dev", "")
    if name and name not in asked.machine.ns.links:
        raise Misspelt(f"ip: can't find device '{name}'" if asked.busybox else f'Cannot find device "{name}"')
    lines = []
    state = filters.get("nud", next((each for each in ("permanent", "reachable", "stale", "failed") if each in filters), ""))
    known = asked.machine.ns.neighbours
    for row in sorted((*known, *known.unanswered), key=lambda row: ":" in row.address):
        if not asked.of_family(row.address) or ("dev" in filters and row.dev != filters["dev"]) or (
                "to" in filters and row.address != filters["to"].partition("/")[0]) or (
                state not in ("", "all", row.state.lower())) or "proxy" in filters:
            continue
        lines.append(_row(row, asked.busybox, {"dev": row.dev} if "dev" in filters else {}))
    return lines


def _row(row: Neighbour, busybox: bool, known: dict[str, str]) -> str:
    if not busybox:
        return without(str(row), known) + " "
    dev = "" if known else f" dev {row.dev}"
    if not row.mac:
        return f"{row.address}{dev}  used 0/0/0 probes 6 {row.state}"
    used = " used 0/0/0 probes 0" if row.state == "PERMANENT" else " ref 1 used 0/0/0 probes 4"
    return f"{row.address}{dev} lladdr {row.mac}{' router' if row.router else ''}{used} {row.state}"
