"""`ip link` and `ip addr`: the interfaces of a device.

The plain text of an interface is its own (:class:`~k8snet_course.linux.link.Link`); here is what depends on its surroundings:
which end of a cable is in another namespace, whether anything is plugged into a bridge, and what the options add or leave out.

``-d`` adds the kind of an interface and what makes it one, and not the limits of queues and segments that the real program
prints behind that.

Source: iproute2 6.1, ip/ipaddress.c, ip/iplink_vxlan.c; BusyBox 1.37, networking/libiproute/ipaddress.c (where musl is used it
prints the state, where glibc is used it does not); compared with both on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_course.linux.link import Link, address_line
from k8snet_course.linux.namespace import Namespace
from k8snet_course.shell.ip_words import Asked, Misspelt

_ADDRESS_FILTERS = ("dev", "label", "scope", "to", "type", "master")
_FOREVER = "       valid_lft forever preferred_lft forever"


def links(asked: Asked) -> list[list[str]]:
    """The lines of each interface for `ip link`."""
    filters = asked.filters(("dev", "type", "master", "vrf", "group"), ("up",))
    chosen = _chosen(asked, filters)
    if asked.brief:
        ns = asked.machine.ns
        return [[f"{_at(asked, ns, link):<16} {link.state:<14} {_hardware_address(link)} <{link.flags}> "]
                for link in chosen]
    return [_head(asked, link, "mode DEFAULT ") for link in chosen]


def addresses(asked: Asked) -> list[list[str]]:
    """The lines of each interface for `ip addr`."""
    filters = asked.filters(_ADDRESS_FILTERS, ("up", "primary", "permanent"))
    entries = []
    for link in _chosen(asked, filters):
        own = [each for each in sorted(link.addresses, key=lambda each: ":" in each) if asked.of_family(each)
               and ("to" not in filters or each.partition("/")[0] == filters["to"].partition("/")[0])]
        if (asked.family or "to" in filters) and not own:
            continue
        if asked.brief:
            ns = asked.machine.ns
            listed = " ".join(own)
            entries.append([f"{_at(asked, ns, link):<16} {link.state:<14} {listed}{' ' if own else ''}"])
        elif asked.oneline:
            entries += [[f"{link.index}: {link.name}    {_address(link, each)}", _FOREVER] for each in own]
        else:
            head = _head(asked, link, "")
            if asked.family == "inet6":
                head = [_head_of_ipv6(asked, link)]
            elif asked.family or "to" in filters:
                head = [head[0].rstrip(" ") + _other_namespace(asked, link) if not asked.busybox else head[0]]
            entries.append(head + [line for each in own for line in (f"    {_address(link, each)}", _FOREVER)])
    return entries


def _address(link: Link, address: str) -> str:
    """One address; behind one of IPv6 there is a blank for flags."""
    return f"{address_line(link, address)}{' ' if ':' in address else ''}"


def _head_of_ipv6(asked: Asked, link: Link) -> str:
    """The line before an interface's IPv6 addresses: the kernel's IPv6 part knows less of it."""
    ns = asked.machine.ns
    state = "" if asked.busybox and not asked.machine.image.musl else f"state {link.state} "
    far = ",M-DOWN" if asked.busybox and _far(link) and not _by_index(ns, link.peer_index) else ""
    return f"{link.index}: {name_in_bridge(ns, link)}: <{link.flags}{far}> mtu {link.mtu} {state}{_queue_length(link)}"


def _queue_length(link: Link) -> str:
    """How long the queue may be; nothing is said of none."""
    return f"qlen {link.txqueuelen}" if link.txqueuelen else ""


def _chosen(asked: Asked, filters: dict[str, str]) -> Iterator[Link]:
    """The interfaces that the filters leave.  Raises Misspelt for one that is not there."""
    if "dev" in filters:
        asked.check_device(filters["dev"])
    if filters.get("master", "") not in ("", *asked.machine.ns.links):
        raise Misspelt(f'Error: argument "{filters["master"]}" is wrong: Device does not exist', "", code=255)
    ns = asked.machine.ns
    for link in ns.links.values():
        wanted = filters.get("type", "")
        if ("dev" not in filters or link.name == filters["dev"]) and (
                "master" not in filters or link.master == filters["master"]) and (
                not wanted or wanted == link.kind or (wanted == "bridge_slave" and link.master)) and (
                "up" not in filters or "UP" in link.flags.split(",")):
            yield link


def _head(asked: Asked, link: Link, mode: str) -> list[str]:
    """The two first lines of an interface."""
    ns = asked.machine.ns
    master = f"master {link.master} " if link.master else ""
    state = f"state {link.state} "
    flags = link.flags
    if asked.busybox:
        flags += ",M-DOWN" if _far(link) and not _by_index(ns, link.peer_index) else ""
        state = state if asked.machine.image.musl else ""
        head = f"{link.index}: {_at(asked, ns, link)}: <{flags}> mtu {link.mtu} qdisc {link.queue} {master}{state}"
        return [f"{head}{_queue_length(link)}", f"    {link.hardware}"]
    head = f"{link.index}: {_at(asked, ns, link)}: <{flags}> mtu {link.mtu} qdisc {link.queue} {master}{state}{mode}"
    lines = [f"{head}group default {_queue_length(link)}", f"    {link.hardware}{_other_namespace(asked, link)}"]
    if asked.details:
        lines[1] += f" promiscuity {1 if link.master else 0} "
        lines += _details(link)
    if asked.statistics:
        lines.append("    (the model counts no bytes)")
    return lines


def _details(link: Link) -> list[str]:
    """What makes an interface what it is."""
    found = []
    if link.tunnel is not None and link.kind in ("vxlan", "geneve"):
        tunnel = link.tunnel
        ends = "external " if tunnel.external else f"id {tunnel.vni} local {tunnel.local} srcport 0 0 "
        learning = "" if link.master else "nolearning "
        found.append(f"    {link.kind} {ends}dstport {tunnel.port} {learning}ttl auto ageing 300 ")
    elif link.kind == "ipip":
        found.append(f"    ipip any remote any local {link.tunnel.local if link.tunnel is not None else 'any'} ttl inherit ")
    elif link.kind in ("bridge", "veth", "dummy"):
        found.append(f"    {link.kind} ")
    if link.master:
        found.append(f"    bridge_slave state forwarding priority 32 cost 2 hairpin {'on' if link.hairpin else 'off'} ")
    return found


def _far(link: Link) -> bool:
    """Whether its other end is in another namespace."""
    return link.kind == "veth" and link.peer_index > 0


def _by_index(ns: Namespace, index: int) -> str:
    return next((link.name for link in ns.links.values() if link.index == index), "")


def _at(asked: Asked, ns: Namespace, link: Link) -> str:
    """The name with the other end.  BusyBox looks its number up in its own namespace, where it may be another interface's."""
    name = _by_index(ns, link.peer_index) if asked.busybox and _far(link) else ""
    return f"{link.name}@{name}" if name else link.at


def name_in_bridge(ns: Namespace, link: Link) -> str:
    """The name as `bridge link` prints it, which does the same as BusyBox.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("a")
    >>> ns = cluster.namespace("node-1")
    >>> name_in_bridge(ns, list(ns.links.values())[-1]).partition("@")[2]
    'eth0'
    """
    name = _by_index(ns, link.peer_index) if _far(link) else ""
    return f"{link.name}@{name}" if name else link.at


def _other_namespace(asked: Asked, link: Link) -> str:
    """The number by which a namespace knows the one where the other end is: in a pod its node's, on a node the pods'."""
    if not _far(link):
        return ""
    far = [each.name for each in asked.machine.ns.links.values() if _far(each)]
    return f" link-netnsid {far.index(link.name)}"


def _hardware_address(link: Link) -> str:
    return "0.0.0.0" if link.kind == "ipip" else link.mac
