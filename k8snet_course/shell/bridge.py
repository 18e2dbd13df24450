"""bridge(8): the ports of a device's bridges, and their forwarding databases.

Besides what bridges have learnt and what was written for tunnels, Linux lists each port's own MAC address and the multicast
addresses that an interface listens to; those follow from the interfaces and are listed here too.

Source: iproute2 6.1, bridge/link.c and fdb.c; compared with it on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_course.linux.bridge import FdbEntry
from k8snet_course.linux.namespace import Namespace
from k8snet_course.shell.ip_link import name_in_bridge
from k8snet_course.shell.ip_words import without
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.ran import Ran, failed, wrote

_MULTICAST = ("33:33:00:00:00:01", "01:00:5e:00:00:01")
"""All devices, in IPv6 and in IPv4 (RFC 2464, RFC 1112)."""
_SNOOPERS = ("01:00:5e:00:00:6a", "33:33:00:00:00:6a")
"""All who watch multicast groups, which bridges do (RFC 4286)."""
_OBJECTS = ("link", "fdb", "mdb", "fdb", "mst", "vlan", "vni", "monitor", "help")


def bridge(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`bridge link` and `bridge fdb`."""
    details = False
    left = list(words)
    while left and left[0].startswith("-"):
        word = left.pop(0)
        details = details or (len(word) > 1 and "-details".startswith(word))
    if not left:
        return failed("Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }",
                      "where  OBJECT := { link | fdb | mdb | vlan | monitor }", "(this course's bridge has link and fdb)")
    kind = next((each for each in _OBJECTS if each.startswith(left[0])), "")
    if not kind:
        return failed(f'Object "{left[0]}" is unknown, try "bridge help".', code=1)
    if kind not in ("link", "fdb"):
        return failed(f"(this course has no `bridge {kind}`: it has link and fdb)")
    rest = left[1:]
    if kind == "fdb" and rest[:1] == ["get"]:
        return _got(machine.ns, rest[1:])
    if rest and rest[0] in ("show", "list", "lst", "sh", "s", "l"):
        rest = rest[1:]
    elif rest and rest[0] not in ("dev", "br", "brport"):
        return failed(f"(the tables here follow from the cluster: `bridge {kind} {rest[0]}` changes nothing)", code=255)
    given: dict[str, str] = {}
    while rest:
        word = rest.pop(0)
        if word in ("dev", "br", "brport", "vlan", "state") and rest:
            given[word] = rest.pop(0)
        else:
            given["dev"] = word
    for name in ("dev", "br", "brport"):
        if name in given and given[name] not in machine.ns.links:
            return failed(f'Cannot find device "{given[name]}"', code=255)
    return wrote(_links(machine.ns, given, details) if kind == "link" else _fdb(machine.ns, given))


def _links(ns: Namespace, given: dict[str, str], details: bool) -> Iterator[str]:
    for link in ns.links.values():
        if not link.master or ("dev" in given and link.name != given["dev"]):
            continue
        yield (f"{link.index}: {name_in_bridge(ns, link)}: <{link.flags}> mtu {link.mtu} master {link.master} "
               "state forwarding priority 32 cost 2 ")
        if details:
            yield (f"    hairpin {'on' if link.hairpin else 'off'} guard off root_block off fastleave off learning on flood on "
                   "mcast_flood on bcast_flood on mcast_router 1 mcast_to_unicast off neigh_suppress off vlan_tunnel off "
                   "isolated off locked off ")


def _got(ns: Namespace, words: list[str]) -> Ran:
    """One row, by its MAC address, of a bridge (`br`) or an interface (`dev`)."""
    where = {words[place]: words[place + 1] for place in range(len(words) - 1) if words[place] in ("br", "dev")}
    rows = [row for row in ns.fdb_entries() if words[:1] == [row.mac] and (
        row.bridge == where.get("br", "") or row.dev == where.get("dev", ""))]
    return wrote([_row(rows[0])]) if rows else failed("RTNETLINK answers: No such file or directory", code=2)


def _fdb(ns: Namespace, given: dict[str, str]) -> Iterator[str]:
    """The rows, interface after interface."""
    wanted = given.get("dev") or given.get("brport", "")
    written: dict[str, list[FdbEntry]] = {}
    for row in ns.fdb_entries():
        written.setdefault(row.dev, []).append(row)
    for link in ns.links.values():
        if (wanted and link.name != wanted) or ("br" in given and given["br"] not in (link.name, link.master)):
            continue
        hidden = {"dev": link.name} if wanted else {}
        groups = _MULTICAST + _SNOOPERS * (link.kind == "bridge") if link.kind in ("ethernet", "veth", "bridge") else ()
        multicast = [f"{mac} dev {link.name} self permanent" for mac in groups]
        own = [f"{link.mac} dev {link.name} master {link.master or link.name} permanent"] if (
            link.kind == "bridge" or link.master) else []
        learnt = [_row(row) for row in written.get(link.name, ())]
        rows = [*multicast, *learnt, *own] if link.kind == "bridge" else [*learnt, *own, *multicast]
        yield from (without(row.rstrip(" "), hidden) + (" " if row.endswith(" ") else "") for row in rows)


def _row(row: FdbEntry) -> str:
    """A row; one that may grow old has nothing behind its flags, and a blank there."""
    text = str(row)
    return text if text.endswith("permanent") else f"{text} "
