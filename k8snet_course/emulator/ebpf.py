"""What stands for eBPF programs in a lab: no such program runs there; routes and a few rules do what its maps say.

An entry of a map becomes a route.  One that names another machine becomes a route that tells the tunnel the machine itself (a
"lightweight tunnel"); frames in it need the MAC address of the far end.  A program hands a packet to the tunnel without
taking anything off its TTL, where Linux routes it; so a rule adds one beforehand.

A program at a pod's cable answers for the gateway; here the node does, by a row that says so ("proxy").

Source: ip-route(8) (encap ip), ip-neighbour(8) (proxy), ip-link(8) (vxlan external), nft(8).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from k8snet_course.cluster import Cluster
from k8snet_course.cni.plugin import whole
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.packet import IPV6_LEAST_MTU
from k8snet_course.linux.route import Route

_HIGHEST_TTL = 255
_LINK_LOCAL = int(ip_address("fe80::"))


def routes(ns: Namespace) -> Iterator[str]:
    """The lines for `ip -batch` that stand for a device's maps.

    >>> cluster = Cluster(nodes=2, cni="cilium")
    >>> print(*routes(cluster.namespace("node-1")), sep="\\n")
    route replace 10.244.1.0/24 encap ip id 0 dst 192.168.1.3 via 192.168.1.3 dev cilium_vxlan onlink src 10.244.0.1 mtu 1450
    """
    for entry, way in _entries(ns):
        # As by the route that leads to the program: its own source address, or that of the program's interface.
        src = way.src or ns.links[way.dev].source_for(entry.dst.partition("/")[0])
        source = f" src {src}" if src else ""
        if not entry.via:
            one = f"{whole(entry.dst)} dev {entry.dev}"
            yield f"route replace {one}{'' if ':' in entry.dst else ' scope link'}{source}"
            continue
        tunnel = ns.links[entry.dev].tunnel
        assert tunnel is not None, "the program's way to other machines"
        mtu = f" mtu {entry.mtu}" if entry.mtu else ""
        outer = f"ip6 id {tunnel.vni} dst {entry.via} csum" if ":" in entry.via else f"ip id {tunnel.vni} dst {entry.via}"
        router = _router(entry.via, ":" in entry.dst)
        yield f"route replace {entry.dst} encap {outer} via {router} dev {entry.dev} onlink{source}{mtu}"


def _router(machine: str, ipv6: bool) -> str:
    """What stands for the machine at the far end as a router: itself, or in IPv6 a link-local address made from its address.

    In IPv6 Linux wants no router on one interface to which it has a route by another.

    >>> _router("192.168.1.3", False), _router("192.168.1.3", True), _router("fd00:192:168:1::3", True)
    ('192.168.1.3', 'fe80::c0a8:103', 'fe80::3')
    """
    return str(ip_address(_LINK_LOCAL + int(ip_address(machine)) % 2**64)) if ipv6 else machine


def answered(ns: Namespace) -> Iterator[str]:
    """The lines by which pods are told in IPv6 where their gateway is, which is an address of another interface."""
    gateways = [address.partition("/")[0] for link in ns.links.values() if link.program for address in link.addresses]
    for link in ns.links.values():
        if link.proxy_arp and link.mtu >= IPV6_LEAST_MTU:
            yield from (f"neigh replace proxy {address} dev {link.name}" for address in gateways if ":" in address)


def far_ends(cluster: Cluster, device: str) -> Iterator[str]:
    """The lines that say under which MAC addresses the other nodes' ends of such a tunnel take frames."""
    for link in cluster.namespace(device).tunnels:
        for node in cluster.nodes if link.tunnel is not None and link.tunnel.external else ():
            far = cluster.namespace(node.name).links.get(link.name)
            if node.name != device and far is not None:
                machine = next(ip for ip in node.ips if (":" in ip) == (link.tunnel is not None and ":" in link.tunnel.local))
                for router in dict.fromkeys(_router(machine, ":" in pods) for pods in cluster.pod_cidr.split(",")):
                    yield f"neigh replace {router} dev {link.name} lladdr {far.mac} nud permanent"


def kept_ttl(ns: Namespace) -> str:
    """The text for `nft -f` that gives packets on their way into such a tunnel what routing takes off; empty without one."""
    text = ""
    for family, field in (("ip", "ttl"), ("ip6", "hoplimit")):
        far = [entry for entry, _ in _entries(ns) if entry.via and (":" in entry.dst) == (family == "ip6")]
        if far:
            wanted = f'iifname != "{far[0].dev}" {family} daddr {{ {", ".join(entry.dst for entry in far)} }} jump higher'
            rules = "\n".join(f"\t\t{family} {field} {ttl} {family} {field} set {ttl + 1} return"
                              for ttl in range(1, _HIGHEST_TTL))
            text += (f"table {family} k8snet-ebpf {{\n\tchain higher {{\n{rules}\n\t}}\n\tchain prerouting {{\n"
                     f"\t\ttype filter hook prerouting priority mangle; policy accept;\n\t\t{wanted}\n\t}}\n}}\n")
    return text


def _entries(ns: Namespace) -> Iterator[tuple[Route, Route]]:
    """The maps' entries that packets get to, each with the route by which they get to the program."""
    for entry in ns.maps:
        way = ns.routes.lookup(entry.dst.partition("/")[0]).winner
        if way is not None and way.dev and ns.links[way.dev].program:
            yield entry, way
