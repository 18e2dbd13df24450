"""Whether anything is plugged into a bridge, and what Linux makes of it when nothing is.

A bridge without ports has no carrier.  It keeps its addresses, and routes by it stay: they are marked ``linkdown`` and are
taken all the same, in IPv4 and IPv6 (the sysctls ``ignore_routes_with_linkdown`` are off, unless somebody sets them).  So what
is for an address behind it ends there, with a question for a neighbour that nobody hears.

Source: ip-link(8); ip-route(8); Linux 6.18, net/bridge and net/ipv4/fib_semantics.c; tried on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from k8snet_course.linux.link import Link
from k8snet_course.linux.route import Route


def with_carriers(links: Sequence[Link], routes: Sequence[Route]) -> tuple[list[Link], list[Route]]:
    """The interfaces and routes of a device, with what is to be said of bridges without ports.

    >>> from k8snet_course.linux.route import connected
    >>> links, routes = with_carriers([Link("cni0", "bridge", 3, "")], [connected("cni0", "10.244.0.1/24")])
    >>> print(links[0].state, *routes)
    DOWN 10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1 linkdown
    """
    down = {link.name for link in links if link.kind == "bridge"}
    if down:
        down -= {link.master for link in links}
    if not down:
        return list(links), list(routes)
    return ([replace(link, carrier=False) if link.name in down else link for link in links],
            [replace(row, linkdown=True) if row.dev in down else row for row in routes])
