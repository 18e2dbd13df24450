"""What has to be said to real Linux so that it holds a cluster's tables: the commands, as text.

The commands follow from the namespaces that packets walk in the model (:class:`~k8snet_course.linux.namespace.Namespace`) and
from nothing else: interfaces, addresses, routes, permanent neighbours, FDB rows of tunnels, rules.  This module runs nothing.

Source: ip-link(8), ip-route(8), ip-neighbour(8), bridge(8), iptables-restore(8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_interface
from typing import NamedTuple

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import ebpf
from k8snet_course.emulator.kernel import IPIP, IPVS, NFT_IPV4, VXLAN, born_with, can_be_tried, kernel
from k8snet_course.emulator.needs import NotEmulated
from k8snet_course.emulator.rules import iptables_text, mode_of, nft_text, server_text, set_text
from k8snet_course.linux.link import LINK_LOCAL, Link
from k8snet_course.linux.namespace import Listener, Namespace
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.packet import IPV6_LEAST_MTU
from k8snet_course.linux.route import Route, connected
from k8snet_course.services.kube_proxy.ipvs_text import SYSCTLS
from k8snet_course.underlay import SWITCH

PLUGINS = ("none", "bridge", "flannel", "flannel-host-gw", "calico-bgp", "calico-vxlan", "cilium", "cilium-native", "weave")
"""The network plugins that can be laid out: those whose work is done by Linux's own tables."""
IPIP_PLUGIN = "calico"
"""This one can be where the kernel has IPIP tunnels, which not every kernel does."""
BRIDGE_NF = "bridge/bridge-nf-call-iptables"


class Made(NamedTuple):
    """What CNI plugins make in one device: interfaces, and the destinations of routes that they write."""

    links: frozenset[str] = frozenset()
    routes: tuple[str, ...] = ()


NOTHING = Made()
_PROTOCOLS = (("kernel", 2), ("bird", 12))
"""Who has written a route (rtnetlink(7)), by number: after a number, `ip -batch` takes a name that it knows for that number."""
_CABLES = ("ethernet", "veth")
_MADE = ("loopback", "bridge", "vxlan", "ipip", "dummy", *_CABLES)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one device gets: ``ip`` and ``bridge`` are lines for `ip -batch` and `bridge -batch`, ``rules`` a text for
    `iptables-restore`, ``rules6`` one for `ip6tables-restore`, ``nft`` one for `nft -f`, ``sets`` one for `ipset restore`,
    ``servers`` one for `ipvsadm -R` (empty: none), ``settings`` values for files under /proc/sys/net, ``listeners`` the
    programs there.

    Where CNI plugins make interfaces, ``ip`` comes before they do and ``after`` (for `ip -batch` too) afterwards.

    ``early`` are settings that have to be there before the first interface; ``ports`` names the bridges' ports, ``addresses``
    are the device's own.
    """

    device: str
    ip: tuple[str, ...]
    after: tuple[str, ...]
    bridge: tuple[str, ...]
    rules: str
    rules6: str
    nft: str
    sets: str
    servers: str
    early: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    listeners: tuple[Listener, ...]
    ports: frozenset[str]
    addresses: frozenset[str]

    def __str__(self) -> str:
        return (f"{self.device}: {len(self.ip) + len(self.after)} lines for ip, {len(self.bridge)} for bridge, "
                f"{len(self.rules.splitlines())} for iptables-restore, {len(self.nft.splitlines())} for nft, "
                f"{len(self.listeners)} programs")


def devices_of(cluster: Cluster) -> tuple[str, ...]:
    """The devices that have a network namespace of their own: nodes, pods, the machines outside and the switch.

    >>> devices_of(Cluster())
    ('underlay', 'laptop', 'router', 'internet', 'node-1')
    """
    pods = (pod.key for pod in cluster.pods if not pod.host_network)
    return (SWITCH, *cluster.hosts, *(node.name for node in cluster.nodes), *pods)


def check_cluster(cluster: Cluster) -> None:
    """Raise NotEmulated for a cluster with something that this version, or this kernel, cannot lay out.

    >>> check_cluster(Cluster(cni="nsx"))
    Traceback (most recent call last):
    ...
    k8snet_course.emulator.needs.NotEmulated: not emulated: 'nsx': expected one of none, bridge, flannel, flannel-host-gw,
    calico-bgp, calico-vxlan, cilium, cilium-native, weave; make the cluster with one of these plugins, such as cni='flannel'.
    """
    if cluster.cni == IPIP_PLUGIN and _lacks(IPIP):
        raise NotEmulated(f"{cluster.cni} (IPIP)", "a kernel that has IPIP tunnels", kernel()[IPIP].get)
    if cluster.cni not in (*PLUGINS, IPIP_PLUGIN):
        raise NotEmulated(cluster.cni, f"one of {', '.join(PLUGINS)}",
                          "make the cluster with one of these plugins, such as cni='flannel'")
    node = cluster.nodes[0].name
    tunnels = {link.kind for link in cluster.namespace(node).tunnels}
    if "vxlan" in tunnels and _lacks(VXLAN):
        raise NotEmulated(f"{cluster.cni} (VXLAN)", "a kernel that has VXLAN tunnels", kernel()[VXLAN].get)
    if cluster.services and cluster.cni.startswith("cilium"):
        raise NotEmulated(f"Services with {cluster.cni}", "another plugin for Services", "make the cluster with cni='flannel'")
    mode = mode_of(cluster.proxy_text(node)) if cluster.services else ""
    if cluster.services and not mode:
        raise NotEmulated("this mode of kube-proxy", "the mode iptables, nftables or ipvs",
                          "make the cluster with proxy='iptables'")
    if mode == "ipvs" and _lacks(IPVS):
        raise NotEmulated("Services with proxy='ipvs'", "a kernel that has IPVS and sets of addresses, with ipvsadm and ipset",
                          kernel()[IPVS].get)
    if (mode == "nftables" or nft_text(cluster, node)) and _lacks(NFT_IPV4):
        raise NotEmulated("policies, and proxy='nftables',", f"a kernel that has {NFT_IPV4}", kernel()[NFT_IPV4].get)


def _lacks(ability: str) -> bool:
    """Whether the kernel has been tried, and lacks this."""
    return can_be_tried() and not kernel()[ability].there


def plans(cluster: Cluster, made: Mapping[str, Made] = {}) -> dict[str, Plan]:
    """What each device gets.  Raises NotEmulated.  ``made`` is what CNI plugins make, by device."""
    check_cluster(cluster)
    found = {}
    for device in devices_of(cluster):
        ns = cluster.namespace(device)
        one = plan(ns, nft_text(cluster, device) + ebpf.kept_ttl(ns), made.get(device, NOTHING))
        announced = (*_announced(cluster, device), *ebpf.far_ends(cluster, device))
        found[device] = (replace(one, after=one.after + announced) if device in made else
                         replace(one, ip=one.ip + announced))
    return found


def plan(ns: Namespace, nft: str = "", made: Made = NOTHING) -> Plan:
    """What one device gets.

    ``nft`` are rules that do not follow from its namespace alone; ``made`` is what CNI plugins make.

    >>> print(plan(Cluster().namespace("laptop")))
    laptop: 5 lines for ip, 0 for bridge, 0 for iptables-restore, 0 for nft, 0 programs
    """
    for link in ns.links.values():
        if link.kind not in _MADE:
            raise NotEmulated(f"{link.name} in {ns.label}", f"interfaces of the kinds {', '.join(_MADE)}",
                              "take what needs it out of the cluster")
    written = [row for row in ns.neighbours if isinstance(row, Neighbour) and row.state == "PERMANENT"]
    tunnels = [row for row in ns.fdb_entries() if row.dst and not row.bridge]
    rules, rules6, servers = iptables_text(ns), iptables_text(ns, "IPv6"), server_text(ns)
    if (rules or rules6) and ns.kind == "pod":
        raise NotEmulated(f"the rules in pod {ns.label}", "pods without a sidecar", "leave the sidecar out")
    links = tuple(_links(ns, made))
    rest = (*_corrected(ns, made), *_routes(ns, made),
            *(f"neigh replace {row.address} dev {row.dev} lladdr {row.mac} nud permanent" for row in written))
    return Plan(
        ns.name, links if made.links else links + rest, rest if made.links else (),
        tuple(f"fdb append {row.mac} dev {row.dev} dst {row.dst} self permanent" for row in tunnels),
        rules, rules6, nft, set_text(ns), servers,
        (*_ipv6(ns),
         ("ipv4/conf/all/rp_filter", "0"), ("ipv4/conf/default/rp_filter", "0"),
         ("ipv4/conf/all/send_redirects", "0"), ("ipv4/conf/default/send_redirects", "0"), ("ipv4/icmp_ratemask", "0"),
         ("ipv4/route/mtu_expires", "0"), ("ipv6/route/mtu_expires", "0"),
         ("ipv4/icmp_msgs_per_sec", "100000"), ("ipv4/icmp_msgs_burst", "10000"),
         (BRIDGE_NF, "1" if ns.bridge_nf else "0")),
        (("ipv4/ip_forward", "1" if ns.forwarding else "0"), ("ipv6/conf/all/forwarding", "1" if ns.forwarding else "0"),
         *(SYSCTLS if servers else ()), *_of_links(ns)),
        ns.listeners,
        frozenset(link.name for link in ns.links.values() if link.master), frozenset(ns.addresses))


def _ipv6(ns: Namespace) -> Iterator[tuple[str, str]]:
    """Whether a device has IPv6 at all; then nobody waits for duplicates of its addresses, and no router makes it others."""
    there = any(":" in address for link in ns.links.values() for address in link.addresses)
    for which in ("all", "default"):
        yield f"ipv6/conf/{which}/disable_ipv6", "0" if there else "1"
        if there:
            for name in ("accept_dad", "dad_transmits", "accept_ra", "router_solicitations"):
                yield f"ipv6/conf/{which}/{name}", "0"
    if there:
        yield "ipv6/icmp/ratelimit", "0"
        yield BRIDGE_NF.replace("iptables", "ip6tables"), "1" if ns.bridge_nf else "0"


def _announced(cluster: Cluster, device: str) -> Iterator[str]:
    """A load balancer's address is on no interface: the node that announces it answers for it, as if these rows were learnt."""
    for address in (ip for service in cluster.services for ip in service.load_balancer_ips):
        for holder in cluster.holders(address):
            for link in cluster.namespace(device).links.values() if holder != device else ():
                if any(ip_address(address) in ip_interface(own).network for own in link.addresses):
                    mac = next(each.mac for each in cluster.namespace(holder).links.values() if each.kind == "ethernet")
                    yield f"neigh replace {address} dev {link.name} lladdr {mac} nud permanent"


@dataclass(frozen=True, slots=True)
class Cable:
    """A veth pair: for each end its device, and what `ip link add` wants to know of it.

    >>> print(Cable("a", "name eth0 index 2", "node-1", "name veth1 index 4").line({"a": "A", "node-1": "N"}))
    link add name eth0 index 2 netns A type veth peer name veth1 index 4 netns N
    """

    device: str
    end: str
    far_device: str
    far_end: str

    def line(self, names: Mapping[str, str]) -> str:
        """The line for `ip -batch`; ``names`` are the names of the devices' namespaces."""
        return (f"link add {self.end} netns {names[self.device]} "
                f"type veth peer {self.far_end} netns {names[self.far_device]}")


def cables(cluster: Cluster, made: Mapping[str, Made] = {}) -> Iterator[Cable]:
    """All cables between devices, without those that CNI plugins make."""
    done = set()
    for device in devices_of(cluster):
        for link in cluster.namespace(device).links.values():
            if link.peer is None or (device, link.name) in done or link.name in made.get(device, NOTHING).links:
                continue
            far = cluster.namespace(link.peer.namespace)
            end = far.links[link.peer.link]
            done.add((far.name, end.name))
            yield Cable(device, _end(link), far.name, _end(end))


def _end(link: Link) -> str:
    number = "" if born_with() else f" index {link.index}"  # it may be taken
    mac = f" address {link.mac}" if link.mac else ""
    return f"name {link.name}{number}{mac} mtu {link.mtu}"


def _links(ns: Namespace, made: Made) -> Iterator[str]:
    links = [link for link in ns.links.values() if link.name not in made.links]
    for link in links:
        if link.kind == "bridge":
            yield f"link add {_end(link)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        elif link.kind == "ipip":
            there = link.name in born_with()  # then each namespace has one of this name, and no second is allowed
            yield f"link set {link.name} mtu {link.mtu}" if there else f"link add {_end(link)} type ipip"
        elif link.kind == "dummy":
            yield f"link add {_end(link)} type dummy"
        elif link.tunnel is not None:
            tunnel = link.tunnel
            learning = "learning" if link.master else "nolearning"
            which = "external" if tunnel.external else f"id {tunnel.vni} local {tunnel.local} {learning}"
            yield f"link add {_end(link)} type vxlan {which} dstport {tunnel.port}"
    for link in links:
        if link.master:
            yield f"link set {link.name} master {link.master}"
            if link.hairpin:
                yield f"link set {link.name} type bridge_slave hairpin on"
        if link.kind != "loopback":
            yield from (f"addr add {address} dev {link.name} {'nodad' if ':' in address else 'brd +'}"
                        for address in link.addresses if not address.startswith(LINK_LOCAL))
        # An eBPF program asks nobody for a MAC address; what it has no entry for is swallowed in silence.
        silent = link.program or (link.tunnel is not None and link.tunnel.external)
        if link.kind != "dummy":
            yield f"link set {link.name} up{' arp off' if silent else ''}"
    # A bridge's MTU follows its ports' until somebody sets it.
    yield from (f"link set {link.name} mtu {link.mtu}" for link in links if link.kind == "bridge")


def _corrected(ns: Namespace, made: Made) -> Iterator[str]:
    """What the plugins cannot be told: the MTU that somebody has changed, and the bridge's MAC address.

    Bridges come last, because a bridge's MTU follows its ports' until it is set to another one.
    """
    for link in sorted(ns.links.values(), key=lambda link: link.kind == "bridge"):
        if link.name in made.links:
            yield f"link set {link.name} mtu {link.mtu}" + (f" address {link.mac}" if link.kind == "bridge" else "")


def _routes(ns: Namespace, made: Made) -> Iterator[str]:
    """The table exactly as it is: what Linux writes by itself for an address, and the table lacks, is taken out again.

    So is what a plugin has written, and the table lacks.
    """
    there = {row.dst for row in ns.routes}
    gone = [dst for dst in made.routes if ":" in dst and ns.links["eth0"].mtu < IPV6_LEAST_MTU]  # Linux has taken them away
    yield from (f"route del {dst} dev eth0" for dst in made.routes if dst not in there and dst not in gone)
    for row in sorted(ns.routes, key=lambda row: (bool(row.via), -row.prefix_length)):  # a router has to be reachable first
        local = ":" in row.via and ns.links[row.dev].program  # to a program; Linux takes no own address for a router in IPv6
        text = str(replace(row, via="" if local else row.via, linkdown=False))  # nobody can write that; it follows
        for name, number in _PROTOCOLS:
            text = text.replace(f" proto {name}", f" proto {number}")
        far = row.via and not local and not row.onlink and not _on_wire(row, ns)
        yield f"route replace {text}{' onlink' if far else ''}"
    for link in ns.links.values():  # Linux keeps what leads to a router that is not reachable any more
        for address in link.addresses if link.kind not in ("loopback", "dummy") else ():
            if address.endswith("/32") or address.startswith(LINK_LOCAL):
                continue
            if connected(link.name, address).dst not in there:
                yield f"route del {connected(link.name, address).dst} dev {link.name}"
    yield from ebpf.routes(ns)
    yield from ebpf.answered(ns)


def _on_wire(row: Route, ns: Namespace) -> bool:
    """Whether a row's router is on the wire, by an address of the interface or another row; Linux asks that of a new row."""
    instead = {other.dst for other in ns.routes if other.via}
    networks = [ip_interface(address).network for address in ns.links[row.dev].addresses
                if connected(row.dev, address).dst not in instead]
    return (row.via.startswith(LINK_LOCAL) or any(ip_address(row.via) in network for network in networks)
            or any(not other.via and other.dev == row.dev and other.prefix_length and other.matches(row.via)
                   for other in ns.routes))


def _of_links(ns: Namespace) -> Iterator[tuple[str, str]]:
    """An unanswered question for a neighbour is given up after 0.3 s instead of 3, and proxies answer at once."""
    for link in ns.links.values():
        yield f"ipv4/neigh/{link.name}/retrans_time_ms", "100"
        yield f"ipv4/neigh/{link.name}/proxy_delay", "0"
        yield f"ipv6/neigh/{link.name}/retrans_time_ms", "100"
        if link.proxy_arp:
            yield f"ipv4/conf/{link.name}/proxy_arp", "1"
            yield f"ipv6/conf/{link.name}/proxy_ndp", "1"
            yield f"ipv6/neigh/{link.name}/proxy_delay", "0"
