"""The tables of the devices on a packet's way, as text, under the commands that print them on Linux.

The rows are the model's own (``str`` of each): nothing is computed here.  A long table is cut, and says by how much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from k8snet_course.linux.netfilter import FILTER, IPVS, NAT
from k8snet_course.services.kube_proxy.ipvs_text import ipset_restore, ipvsadm, node_port_addresses
from k8snet_course.show.connections import ways

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.namespace import Namespace
    from k8snet_course.linux.trace import Trace

MOST_ROWS = 40
"""So many rows of a table are sent to the browser."""


def tables_of(namespace: Namespace) -> list[tuple[str, str]]:
    """A device's tables that have rows: the command and its output.

    >>> from k8snet_course import Cluster
    >>> for command, text in tables_of(Cluster().namespace("node-1"))[:1]:
    ...     print(f"$ {command}\\n{text}")
    $ ip route
    default via 192.168.1.1 dev eth0
    192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.2
    """
    both = (("IPv4", namespace.rules), ("IPv6", namespace.rules6))
    several: list[tuple[str, Iterable[object]]] = [
        ("ip route", (row for row in namespace.routes if ":" not in row.dst)),
        ("ip -6 route", (row for row in namespace.routes if ":" in row.dst)),
        ("ip neigh", namespace.neighbours),
        ("bridge fdb", namespace.fdb_entries()),
        ("iptables -t nat -S", namespace.rules.rows(NAT)),
        ("iptables -S", namespace.rules.rows(FILTER)),
        ("ip6tables -t nat -S", namespace.rules6.rows(NAT)),
        ("ip6tables -S", namespace.rules6.rows(FILTER)),
        ("ipvsadm -Ln", _servers(namespace)),
        ("ipset save", (line for family, rules in both for line in ipset_restore(rules, family).splitlines())),
        ("bpftool map dump", namespace.maps),
        ("ss -ln", namespace.listeners),
        ("ip addr", namespace.links.values()),
    ]
    return [(command, text) for command, rows in several if (text := _text(rows))]


def devices_on_the_way(trace: Trace) -> list[str]:
    """The names of the devices that a packet and its answer visit, and the connections that follow, each once, in order.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> devices_on_the_way(cluster.send("frontend", "backend"))
    ['default/frontend', 'node-1', 'default/backend']
    """
    return list(dict.fromkeys(hop.device for way in ways(trace) for hop in way.trace.hops))


def mtu(cluster: Cluster, device: str, link: str) -> int:
    """The MTU of an interface; 0 where there is no such interface."""
    found = cluster.namespace(device).links.get(link) if link else None
    return found.mtu if found is not None else 0


def _servers(namespace: Namespace) -> list[str]:
    """The virtual servers, if there are any."""
    both = (namespace.rules, namespace.rules6)
    there = any(True for rules in both for _ in rules.rows(IPVS))
    return ipvsadm(both, node_port_addresses(namespace), namespace.learned.memory).splitlines() if there else []


def _text(rows: Iterable[object]) -> str:
    several = list(rows)
    more = [f"... and {len(several) - MOST_ROWS} more rows"] if len(several) > MOST_ROWS else []
    return "\n".join([*map(str, several[:MOST_ROWS]), *more])
