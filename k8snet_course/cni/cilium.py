"""Cilium: eBPF programs in the place of bridges and rules.

A pod hangs on a cable of its own, as with Calico; its gateway is the node's ``cilium_host``.  The node's routes lead all pod
addresses to ``cilium_host``, where an eBPF program takes over.  It looks the address up in its maps: the endpoint map says on
which cable (and under which MAC address) a pod of this node is, the ipcache on which node any other is; that node gets the
packet through the tunnel ``cilium_vxlan``.  With native routing the tunnel is missing, and the routes to other nodes' pods lead
straight there.

What the maps hold is in the namespace's ``maps`` here, in the form of routes, since it answers the same question.  As in
Cilium's code, a packet's TTL falls where it is handed to a pod, and where Linux routes it, but not where it enters the tunnel.

IPv6 works in the same way.  ``cilium_vxlan`` carries both IP versions between the nodes' IPv4 addresses, or where nodes have
none between their IPv6 addresses.  The program on a pod's cable answers neighbour solicitations for the gateway; here its
interface does (``proxy_ndp``).

Modelled simply: the real program sits at the pod's cable already and skips the host's routes; here a packet is routed to
``cilium_host`` first, with the same outcome.  Masquerading, which is done in eBPF too, is written as rules.  Addresses are
taken from the node's podCIDR (``ipam: kubernetes``; the default, cluster-pool, gives each node a part of 10.0.0.0/8), in the
order of host-local.  The MAC addresses of the endpoint map stand in the neighbour table.  ``lxc_health`` is left out.

Source: Cilium documentation (Routing, Masquerading, MTU), cilium/cilium bpf/bpf_lxc.c, bpf_overlay.c, lib/nat.h.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from k8snet_course.addressing.range_set import parse
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import OVERHEAD_IPV6, Attachment, Ipam, Json, Settings, Tables, own_routes, whole
from k8snet_course.cni.routed import Routed
from k8snet_course.linux.link import End, Link, Tunnel, mac_from_text
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.route import Route
from k8snet_course.objects import Node

HOST, NET, VXLAN, PORT = "cilium_host", "cilium_net", "cilium_vxlan", 8472
"""The node's own interface and the other end of its cable; the tunnel, and its UDP port."""
_CHAIN = "CILIUM_POST_nat"


class CiliumNative(Routed):
    """Cilium with native routing and autoDirectNodeRoutes: all nodes are on one wire."""

    network_policy = True
    first_pod_index = 5

    def conflist(self, node: Node) -> Json:
        """05-cilium.conflist, as the agent writes it."""
        return {"cniVersion": self.version, "name": "cilium",
                "plugins": [{"type": "cilium-cni", "enable-debug": False, "log-file": "/var/run/cilium/cilium-cni.log"}]}

    def host_name(self, container: str) -> str:
        """``lxc`` and twelve hexadecimal digits."""
        return f"lxc{hashlib.sha1(container.encode()).hexdigest()[:12]}"

    def gateway(self, node: Node) -> str:
        """cilium_host's address."""
        return parse(node.pod_cidr).ranges[0].gateway

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """cilium_host's."""
        return tuple(self.gateway(each) for each in self.nodes(node))

    def host_side(self, attachment: Attachment) -> Link:
        """A pod's interface on the node."""
        link = super().host_side(attachment)
        return replace(link, proxy_arp=True) if self.settings.ipv6 else link

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """cilium_host, a cable and an endpoint map entry for each pod, and the routes."""
        tables = Tables()
        addresses = tuple(whole(self.gateway(each)) for each in self.nodes(node))
        tables.links = [
            Link(NET, "veth", 3, mac_from_text(f"{node.name} {NET}"), 1500, peer=End(node.name, HOST)),
            Link(HOST, "veth", 4, mac_from_text(f"{node.name} {HOST}"), 1500, addresses, peer=End(node.name, NET),
                 program=True),
        ]
        for attachment in attachments:
            link = self.host_side(attachment)
            tables.links.append(link)
            mac = attachment.result["interfaces"][1]["mac"]
            for ip in attachment.ips:
                tables.maps.append(Route(ip, dev=link.name))
                tables.neighbours.append(Neighbour(ip, link.name, mac, "PERMANENT"))
        for pods, its, others in self.stacks(node, peers):
            own = self.gateway(its)
            tables.routes += [Route(its.pod_cidr, via=own, dev=HOST, proto="kernel", src=own),
                              *(own_routes(HOST, whole(own)) or [Route(own, dev=HOST, proto="kernel", scope="link")])]
            self.reach(tables, its, own, others)
            tables.nat_for(pods).extend(self.masquerading(its, others))
        return tables

    def reach(self, tables: Tables, node: Node, own: str, peers: Peers) -> None:
        """Write how the other nodes' pods are reached: straight by that node."""
        tables.route_families += peers.routes(
            node, lambda other: Route(other.pod_cidr, via=other.ip, dev="eth0", proto="kernel"))

    def masquerading(self, node: Node, peers: Peers) -> list[Rule]:
        """What leaves the cluster takes the node's address; what goes to another node does not (not so in tunnel mode)."""
        pods = self.pods(node)
        return [
            Rule("POSTROUTING", _CHAIN),
            Rule(_CHAIN, "RETURN", dst=pods),
            *(Rule(_CHAIN, "RETURN", dst=whole(other.ip), comment="exclude traffic to cluster nodes")
              for other in peers.others(node)),
            Rule(_CHAIN, "MASQUERADE", src=node.pod_cidr, comment="cilium masquerade non-cluster"),
        ]


class Cilium(CiliumNative):
    """Cilium as it is installed: VXLAN between nodes.

    The devices keep their MTU of 1500; the *routes* say how large a packet may be.
    """

    encapsulation = "VXLAN"
    overhead = 50
    mtu = 1450
    link_mtu = 1500
    first_pod_index = 6

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if "." not in settings.node_network:
            self.overhead, self.mtu = OVERHEAD_IPV6, self.underlay_mtu - OVERHEAD_IPV6

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The same, and the tunnel, which is told for each packet where to carry it."""
        tables = super().node_tables(node, attachments, peers)
        tables.links.insert(2, Link(VXLAN, "vxlan", 5, mac_from_text(f"{node.name} {VXLAN}"), 1500,
                                    tunnel=Tunnel("VXLAN", underlay_ip(node), 0, PORT, external=True)))
        return tables

    def reach(self, tables: Tables, node: Node, own: str, peers: Peers) -> None:
        """Routes to cilium_host, and entries of the ipcache."""
        tables.route_families += peers.routes(
            node, lambda other: Route(other.pod_cidr, via=own, dev=HOST, proto="kernel", src=own, mtu=self.mtu))
        tables.map_families += peers.routes(
            node, lambda other: Route(other.pod_cidr, via=underlay_ip(other), dev=VXLAN, mtu=self.mtu))

    def masquerading(self, node: Node, peers: Peers) -> list[Rule]:
        """Traffic to other nodes is masqueraded too: it does not travel in the tunnel (bpf/lib/nat.h)."""
        return super().masquerading(node, Peers(()))


def underlay_ip(node: Node) -> str:
    """The address between which the tunnel's outer packets travel: the node's IPv4 address if it has one.

    >>> underlay_ip(Node("node-1", "fd00:192:168:1::2", "fd00:10:244::/64", "192.168.1.2", "10.244.0.0/24"))
    '192.168.1.2'
    """
    return next((ip for ip in node.ips if "." in ip), node.ip)
