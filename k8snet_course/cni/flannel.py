"""Flannel: a bridge on each node, and on each node a route to every other node's pods.

With the VXLAN backend the route leads into a tunnel, ``flannel.1``: for each other node there is a route, a neighbour row
(which MAC address the tunnel's far end has) and an FDB row (on which machine that MAC address is).  With the host-gw backend
the route leads straight to the other node, which must be on the same wire.

Traffic that leaves the pod network is masqueraded: it takes the node's address, so that answers find the node.

Source: flannel-io/flannel 0.28.9 (Documentation/backends.md, pkg/backend/vxlan, pkg/trafficmngr/iptables);
flannel-io/cni-plugin.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.cni.bridge import Bridge
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Json, Tables
from k8snet_course.linux.link import Link, Tunnel, mac_from_text
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.route import Route
from k8snet_course.objects import Node

DEVICE, VNI, PORT = "flannel.1", 1, 8472
"""The tunnel's interface, its VXLAN network identifier, and its UDP port (Linux's default; IANA's is 4789)."""
_CHAIN = "FLANNEL-POSTRTG"


class FlannelHostGw(Bridge):
    """Flannel with the host-gw backend: plain routes, no encapsulation."""

    version = "0.3.1"
    pod_network_route = True

    def conflist(self, node: Node) -> Json:
        """flannel's configuration: its own plugin completes it from /run/flannel/subnet.env and calls bridge."""
        return {
            "cniVersion": self.version,
            "name": "cbr0",
            "plugins": [
                {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        }

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The bridge's tables, a route to each other node's pods, and the masquerading rules."""
        tables = super().node_tables(node, attachments, peers)
        tables.route_families = peers.routes(node, lambda other: Route(other.pod_cidr, via=other.ip, dev="eth0"))
        tables.nat += masquerading(self.settings.pod_cidr, node.pod_cidr)
        return tables


class FlannelVxlan(FlannelHostGw):
    """Flannel with the VXLAN backend."""

    encapsulation = "VXLAN"
    overhead = 50
    mtu = 1450
    bridge_index = 4
    first_pod_index = 5

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The bridge's tables, the tunnel, and for each other node a neighbour row, an FDB row and a route."""
        tables = Bridge.node_tables(self, node, attachments, peers)
        tables.links.insert(0, Link(DEVICE, "vxlan", 3, vtep_mac(node), self.mtu, (f"{vtep_address(node)}/32",),
                                    tunnel=Tunnel("VXLAN", node.ip, VNI, PORT)))
        tables.neighbour_families = [peers.neighbours(node, DEVICE, vtep_address, vtep_mac)]
        tables.fdb_families = [peers.tunnels(node, DEVICE, vtep_mac)]
        tables.route_families = peers.routes(
            node, lambda other: Route(other.pod_cidr, via=vtep_address(other), dev=DEVICE, onlink=True))
        tables.nat += masquerading(self.settings.pod_cidr, node.pod_cidr)
        return tables


def vtep_address(node: Node) -> str:
    """The address of a node's end of the tunnel: the network address of its podCIDR.

    >>> vtep_address(Node("node-2", "192.168.1.3", "10.244.1.0/24"))
    '10.244.1.0'
    """
    return node.pod_cidr.partition("/")[0]


def vtep_mac(node: Node) -> str:
    """The MAC address of a node's end of the tunnel (flannel keeps it in an annotation of the Node)."""
    return mac_from_text(f"{node.name} {DEVICE}")


def masquerading(pod_cidr: str, node_cidr: str) -> list[Rule]:
    """flannel's rules: what stays inside the pod network keeps its source address, what leaves it takes the node's.

    >>> print(masquerading("10.244.0.0/16", "10.244.0.0/24")[5])
    -A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE
    """
    note = "flanneld masq"
    return [
        Rule("POSTROUTING", _CHAIN, comment=note),
        Rule(_CHAIN, "RETURN", mark="0x4000/0x4000", comment=note),
        Rule(_CHAIN, "RETURN", src=node_cidr, dst=pod_cidr, comment=note),
        Rule(_CHAIN, "RETURN", src=pod_cidr, dst=node_cidr, comment=note),
        Rule(_CHAIN, "RETURN", src=f"!{pod_cidr}", dst=node_cidr, comment=note),
        Rule(_CHAIN, "MASQUERADE", src=pod_cidr, dst="!224.0.0.0/4", comment=note),
        Rule(_CHAIN, "MASQUERADE", src=f"!{pod_cidr}", dst=pod_cidr, comment=note),
    ]
