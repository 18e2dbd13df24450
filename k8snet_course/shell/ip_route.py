"""`ip route` and `ip route get`: the routes of a device, and which of them a packet would take.

Source: iproute2 6.1, ip/iproute.c; BusyBox 1.37, networking/libiproute/iproute.c; compared with both on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_interface, ip_network

from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.route import Route
from k8snet_course.probe import is_address
from k8snet_course.shell.ip_words import Asked, Misspelt, Unsupported, prefix, without
from k8snet_course.shell.outcome import Noticed

_FILTERS = ("dev", "oif", "via", "proto", "scope", "src", "table", "type", "metric")
_TABLES = {"254": "main", "255": "local", "253": "default"}
_SELECTORS = ("root", "match", "exact")


def routes(asked: Asked) -> list[str]:
    """The rows of a routing table: the main one, unless another one is asked for."""
    words, filters, select, wanted = list(asked.words), dict[str, str](), "exact", ""
    while words:
        word = words.pop(0)
        if word == "to" and words:
            word = words.pop(0)
        if word in _SELECTORS and words:
            select, wanted = word, prefix(words.pop(0), asked.busybox)
        elif word in _FILTERS:
            if not words:
                raise Misspelt('Command line is not complete. Try option "help"', code=255)
            filters["dev" if word == "oif" else word] = words.pop(0)
        elif word == "cached" or word == "cache":
            return []
        elif not wanted:
            wanted = prefix(word, asked.busybox)
        else:
            raise asked.garbage(word, "to")
    if "dev" in filters and filters["dev"] not in asked.machine.ns.links:
        name = filters["dev"]
        raise Misspelt(f"ip: can't find device '{name}'" if asked.busybox else f'Cannot find device "{name}"')
    table = filters.pop("table", "main")
    table = _TABLES.get(table, table)
    ns, lines = asked.machine.ns, []
    six = asked.family == "inet6"
    if table in ("main", "all"):
        lines += [_row(asked, row, filters) for row in ns.routes if (":" in row.dst) == six and _kept(row, filters)
                  and (not wanted or _selected(row, select, wanted))]
    if table in ("local", "all") and not six:
        lines += [_local_row(asked, row, filters, table == "all") for row in local_table(ns)
                  if _kept(row, filters) and (not wanted or _selected(row, select, wanted))]
    if table not in ("main", "local", "default", "all"):
        return []
    return lines


def _kept(row: Route, filters: dict[str, str]) -> bool:
    """Whether a row is what the filters ask for."""
    given = {"dev": row.dev, "via": row.via, "proto": row.proto or "boot", "scope": row.scope or "global", "src": row.src,
             "type": row.kind or "unicast", "metric": str(row.metric)}
    return all(given[name] == value for name, value in filters.items())


def _selected(row: Route, select: str, wanted: str) -> bool:
    """Whether a row is this network (exact), lies in it (root), or holds it (match)."""
    mine = ip_network(_cidr(row.dst))
    theirs = ip_network(_cidr(wanted if wanted != "default" or ":" not in row.dst else "::/0"))
    if mine.version != theirs.version:
        return False
    if select == "exact":
        return mine == theirs
    lesser, greater = (mine, theirs) if select == "root" else (theirs, mine)
    return lesser.prefixlen >= greater.prefixlen and lesser.network_address in greater


def _cidr(dst: str) -> str:
    return "0.0.0.0/0" if dst == "default" else dst


def _row(asked: Asked, row: Route, filters: dict[str, str]) -> str:
    """A row of the main table; what was asked for is not repeated."""
    hidden = {name: value for name, value in filters.items() if name in ("dev", "via", "proto", "scope", "src")}
    if not asked.busybox:
        return without(str(row), hidden) + ("" if ":" in row.dst else " ")
    text = f"{row.kind} {row.destination}".lstrip() + " "
    text += f"via {row.via} " if row.via and "via" not in filters else ""
    text += f"dev {row.dev} " if row.dev and "dev" not in filters else ""
    text += f"scope {row.scope} " if row.scope and ":" not in row.dst else ""
    text += f" src {row.src} " if row.src else ""
    metric = row.metric or (1024 if ":" in row.dst else 0)
    text += f" metric {metric} " if metric else ""
    return text + ("onlink " if row.onlink else "")


def local_table(ns: Namespace) -> Iterator[Route]:
    """The rows by which a device knows its own IPv4 addresses, in the order in which Linux prints them.

    >>> from k8snet_course import Cluster
    >>> for row in local_table(Cluster().namespace("laptop")):
    ...     print(row.kind, row.dst, row.dev)
    local 127.0.0.0/8 lo
    local 127.0.0.1 lo
    broadcast 127.255.255.255 lo
    local 192.168.1.10 eth0
    broadcast 192.168.1.255 eth0
    """
    rows = []
    for link in ns.links.values():
        for address in link.addresses:
            if ":" in address:
                continue
            face = ip_interface(address)
            own = str(face.ip)
            if link.kind == "loopback":
                rows.append(Route(str(face.network), link.name, src=own, proto="kernel", scope="host", kind="local"))
            rows.append(Route(own, link.name, src=own, proto="kernel", scope="host", kind="local"))
            if face.network.num_addresses > 2:
                rows.append(Route(str(face.network.broadcast_address), link.name, src=own, proto="kernel", scope="link",
                                  kind="broadcast", linkdown=not link.carrier))
    return iter(sorted(rows, key=lambda row: int(ip_address(row.dst.partition("/")[0]))))


def _local_row(asked: Asked, row: Route, filters: dict[str, str], named: bool) -> str:
    words = [row.kind, row.dst, *(("dev", row.dev) if "dev" not in filters else ()), *(("table", "local") if named else ()),
             "proto", row.proto, "scope", row.scope, "src", row.src]
    if row.linkdown and not asked.busybox:
        words.append("linkdown")
    return " ".join(words) + " "


def got(asked: Asked) -> list[list[str]]:
    """The answer of `ip route get`: the way of a packet, for one of the device's own or (``from``, ``iif``) one that comes
    in."""
    words = list(asked.words)
    address, given = "", dict[str, str]()
    while words:
        word = words.pop(0)
        if word in ("from", "iif", "oif", "mark", "uid", "ipproto", "sport", "dport"):
            if not words:
                raise Misspelt('Command line is not complete. Try option "help"', code=255)
            given[word] = words.pop(0)
        elif word == "fibmatch":
            given[word] = "yes"
        elif not address:
            address = words.pop(0) if word == "to" and words else word
    if asked.busybox and not is_address(address):
        raise Misspelt("ip: need at least destination address")
    if not address:
        raise Misspelt("need at least a destination address", code=255)
    if not is_address(address):
        prefix(address, asked.busybox)
        raise Unsupported("networks for route get: write one address")
    ns = asked.machine.ns
    for name in ("iif", "oif"):
        if name in given and given[name] not in ns.links:
            raise Misspelt(f'Cannot find device "{given[name]}"')
    coming = "iif" in given
    if coming and not ns.forwarding and ns.local_link(address) is None:
        raise Misspelt(f"RTNETLINK answers: {asked.machine.error(Noticed.HOST)}", code=2)
    return [_way(asked, ns, address, given)]


def _way(asked: Asked, ns: Namespace, address: str, given: dict[str, str]) -> list[str]:
    end = "" if asked.busybox else "uid 0 "
    blank = " " if asked.busybox else ""
    if ":" in address:
        return [_way6(asked, ns, address, given)]
    if ns.local_link(address) is not None:
        if "iif" in given:
            return [f"local {address} from {given.get('from', 'any')} dev lo ", f"    cache <local> iif {given['iif']} "]
        text = f"local {address} dev lo {blank}src {address} {end}"
        return [text] if asked.busybox else [text, "    cache <local> "]
    row = ns.routes.lookup(address).winner
    if row is None or (row.kind and row.kind != "local"):
        why = Noticed.NET if row is None or row.kind != "blackhole" else Noticed.INVALID
        raise Misspelt(f"{'ip: ' if asked.busybox else ''}RTNETLINK answers: {asked.machine.error(why)}", code=2)
    if "fibmatch" in given:
        return [f"{row} "]
    source = given.get("from") or row.src or ns.links[row.dev].source_for(address) or ns.source_for(address)
    via = f" via {row.via}" if row.via else ""
    cache = "    cache " + (f"mtu {row.mtu} " if row.mtu else "") + (f"iif {given['iif']} " if "iif" in given else "")
    if "iif" in given:
        origin = f" from {given['from']}" if "from" in given else ""
        text = f"{address}{origin}{via} dev {row.dev} "
    elif "from" in given and not asked.busybox:
        text = f"{address} from {source}{via} dev {row.dev} {end}"
    else:
        text = f"{address}{via} dev {row.dev} {blank}src {source} {end}"
    return [text] if asked.busybox else [text, cache]


def _way6(asked: Asked, ns: Namespace, address: str, given: dict[str, str]) -> str:
    """The same for IPv6, where the whole row is printed."""
    end, blank, origin = "" if asked.busybox else "pref medium", " " if asked.busybox else "", given.get("from", "::")
    coming = f" iif {given['iif']}" if "iif" in given else ""
    if ns.local_link(address) is not None:
        made = "" if asked.busybox else " proto kernel"
        return f"local {address} from {origin} dev lo table local{made}{coming} {blank}src {address} {blank}metric 0 {end}"
    row = ns.routes.lookup(address).winner
    if row is None or row.kind:
        why = Noticed.NET if row is None or row.kind != "blackhole" else Noticed.INVALID
        raise Misspelt(f"{'ip: ' if asked.busybox else ''}RTNETLINK answers: {asked.machine.error(why)}", code=2)
    if "fibmatch" in given:
        return str(row)
    source = "" if coming else f"{blank}src {row.src or ns.links[row.dev].source_for(address) or ns.source_for(address)} "
    made = f" proto {row.proto}" if row.proto and not asked.busybox else ""
    via = f" via {row.via}" if row.via else ""
    return f"{address} from {origin}{via} dev {row.dev}{made}{coming} {source}{blank}metric {row.metric or 1024} {end}"
