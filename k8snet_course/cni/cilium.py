"""Cilium: eBPF programs in the place of bridges and rules.

A pod hangs on a cable of its own, as with Calico; its gateway is the node's ``cilium_host``.  The node's routes lead all pod
addresses to ``cilium_host``, where an eBPF program takes over.  It looks the address up in its maps: the endpoint map says on
which cable (and under which MAC address) a pod of this node is, the ipcache on which node any other is; that node gets the
packet through the tunnel ``cilium_vxlan``.  With native routing the tunnel is missing, and the routes to other nodes' pods lead
straight there.

What the maps hold is in the namespace's ``maps`` here, in the form of routes, since it answers the same question.  As in
Cilium's code, a packet's TTL falls where it is handed to a pod, and where Linux routes it, but not where it enters the tunnel.

Modelled simply: the real program sits at the pod's cable already and skips the host's routes; here a packet is routed to
``cilium_host`` first, with the same outcome.  Masquerading, which is done in eBPF too, is written as rules.  Addresses are
taken from the node's podCIDR (``ipam: kubernetes``; the default, cluster-pool, gives each node a part of 10.0.0.0/8), in the
order of host-local.  The MAC addresses of the endpoint map stand in the neighbour table.  ``lxc_health`` is left out.

Source: Cilium documentation (Routing, Masquerading, MTU), cilium/cilium bpf/bpf_lxc.c, bpf_overlay.c, lib/nat.h.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Ipam, Json, Tables
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

    def gateway(self, node: Node, ipam: Ipam) -> str:
        """cilium_host's address."""
        return ipam.ranges[0].gateway

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """cilium_host's."""
        return (ipam.ranges[0].gateway,)

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """cilium_host, a cable and an endpoint map entry for each pod, and the routes."""
        own = self.ipam(node).ranges[0].gateway
        tables = Tables(nat=self.masquerading(node, peers))
        tables.links = [
            Link(NET, "veth", 3, mac_from_text(f"{node.name} {NET}"), 1500, peer=End(node.name, HOST)),
            Link(HOST, "veth", 4, mac_from_text(f"{node.name} {HOST}"), 1500, (f"{own}/32",), peer=End(node.name, NET),
                 program=True),
        ]
        tables.routes = [Route(node.pod_cidr, via=own, dev=HOST, proto="kernel", src=own),
                         Route(own, dev=HOST, proto="kernel", scope="link")]
        for attachment in attachments:
            link = self.host_side(attachment)
            tables.links.append(link)
            tables.maps.append(Route(attachment.ip, dev=link.name))
            mac = attachment.result["interfaces"][1]["mac"]
            tables.neighbours.append(Neighbour(attachment.ip, link.name, mac, "PERMANENT"))
        self.reach(tables, node, own, peers)
        return tables

    def reach(self, tables: Tables, node: Node, own: str, peers: Peers) -> None:
        """Write how the other nodes' pods are reached: straight by that node."""
        tables.route_families = peers.routes(
            node, lambda other: Route(other.pod_cidr, via=other.ip, dev="eth0", proto="kernel"))

    def masquerading(self, node: Node, peers: Peers) -> list[Rule]:
        """What leaves the cluster takes the node's address; what goes to another node does not (not so in tunnel mode)."""
        pods = self.settings.pod_cidr
        return [
            Rule("POSTROUTING", _CHAIN),
            Rule(_CHAIN, "RETURN", dst=pods),
            *(Rule(_CHAIN, "RETURN", dst=f"{other.ip}/32", comment="exclude traffic to cluster nodes") for other in peers.others(node)),
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

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The same, and the tunnel, which is told for each packet where to carry it."""
        tables = super().node_tables(node, attachments, peers)
        tables.links.insert(2, Link(VXLAN, "vxlan", 5, mac_from_text(f"{node.name} {VXLAN}"), 1500,
                                    tunnel=Tunnel("VXLAN", node.ip, 0, PORT, external=True)))
        return tables

    def reach(self, tables: Tables, node: Node, own: str, peers: Peers) -> None:
        """Routes to cilium_host, and entries of the ipcache."""
        tables.route_families = peers.routes(
            node, lambda other: Route(other.pod_cidr, via=own, dev=HOST, proto="kernel", src=own, mtu=self.mtu))
        tables.map_families = peers.routes(
            node, lambda other: Route(other.pod_cidr, via=other.ip, dev=VXLAN, mtu=self.mtu))

    def masquerading(self, node: Node, peers: Peers) -> list[Rule]:
        """Traffic to other nodes is masqueraded too: it does not travel in the tunnel (bpf/lib/nat.h)."""
        return super().masquerading(node, Peers(()))
