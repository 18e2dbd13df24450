"""Flannel: a bridge on each node, and on each node a route to every other node's pods.

With the VXLAN backend the route leads into a tunnel, ``flannel.1``: for each other node there is a route, a neighbour row
(which MAC address the tunnel's far end has) and an FDB row (on which machine that MAC address is).  With the host-gw backend
the route leads straight to the other node, which must be on the same wire.

Traffic that leaves the pod network is masqueraded: it takes the node's address, so that answers find the node.

IPv6 has a tunnel of its own, ``flannel-v6.1``, whose outer packets travel between the nodes' IPv6 addresses.  That costs 70
bytes, 20 more than between IPv4 addresses, and here all pods of such a cluster have the smaller MTU.

Source: flannel-io/flannel 0.28.9 (Documentation/backends.md, pkg/backend/vxlan, pkg/trafficmngr/iptables);
flannel-io/cni-plugin.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.cni.bridge import Bridge
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import OVERHEAD_IPV6, Attachment, Json, Settings, Tables, own_routes, whole
from k8snet_course.linux.link import Link, Tunnel, mac_from_text
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.route import Route
from k8snet_course.objects import Node

DEVICE, DEVICE_IPV6, VNI, PORT = "flannel.1", "flannel-v6.1", 1, 8472
"""The tunnels' interfaces, their VXLAN network identifier, and their UDP port (Linux's default; IANA's is 4789)."""
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

    def delegate(self, node: Node) -> Json:
        """The bridge plugin's configuration, completed: the node's range, the pod network and the MTU from subnet.env.

        The rules are flannel's own (``--ip-masq``), so bridge is to write none.
        """
        own = {key: value for key, value in self.bridge_config(node).items() if key != "bridge"}  # cni0 is bridge's own choice
        return {"cniVersion": self.version, "name": "cbr0", **own, "isGateway": True, "ipMasq": False, "mtu": self.mtu}

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The bridge's tables, a route to each other node's pods, and the masquerading rules."""
        tables = super().node_tables(node, attachments, peers)
        for pods, its, others in self.stacks(node, peers):
            tables.route_families += others.routes(its, lambda other: Route(other.pod_cidr, via=other.ip, dev="eth0"))
            tables.nat_for(pods).extend(masquerading(pods, its.pod_cidr))
        return tables


class FlannelVxlan(FlannelHostGw):
    """Flannel with the VXLAN backend."""

    encapsulation = "VXLAN"
    overhead = 50
    mtu = 1450
    bridge_index = 4
    first_pod_index = 5

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.ipv6:
            self.overhead, self.mtu = OVERHEAD_IPV6, self.underlay_mtu - OVERHEAD_IPV6
        tunnels = len(settings.pod_cidrs)
        self.bridge_index, self.first_pod_index = 3 + tunnels, 4 + tunnels

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The bridge's tables, the tunnel, and for each other node a neighbour row, an FDB row and a route."""
        tables = Bridge.node_tables(self, node, attachments, peers)
        for number, (pods, its, others) in enumerate(self.stacks(node, peers)):
            dev, address = device(its), whole(vtep_address(its))
            tables.links.insert(number, Link(dev, "vxlan", 3 + number, vtep_mac(its), self.mtu, (address,),
                                             tunnel=Tunnel("VXLAN", its.ip, VNI, PORT)))
            tables.routes += own_routes(dev, address)
            tables.neighbour_families.append(others.neighbours(its, dev, vtep_address, vtep_mac))
            tables.fdb_families.append(others.tunnels(its, dev, vtep_mac))
            tables.route_families += others.routes(
                its, lambda other: Route(other.pod_cidr, via=vtep_address(other), dev=device(other), onlink=True))
            tables.nat_for(pods).extend(masquerading(pods, its.pod_cidr))
        return tables


def device(node: Node) -> str:
    """The tunnel of the IP version that a node has first."""
    return DEVICE_IPV6 if ":" in node.ip else DEVICE


def vtep_address(node: Node) -> str:
    """The address of a node's end of the tunnel: the network address of its podCIDR.

    >>> vtep_address(Node("node-2", "192.168.1.3", "10.244.1.0/24"))
    '10.244.1.0'
    """
    return node.pod_cidr.partition("/")[0]


def vtep_mac(node: Node) -> str:
    """The MAC address of a node's end of the tunnel (flannel keeps it in an annotation of the Node)."""
    return mac_from_text(f"{node.name} {device(node)}")


def masquerading(pod_cidr: str, node_cidr: str) -> list[Rule]:
    """flannel's rules: what stays inside the pod network keeps its source address, what leaves it takes the node's.

    >>> print(masquerading("10.244.0.0/16", "10.244.0.0/24")[5])
    -A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE
    """
    groups = "ff00::/8" if ":" in pod_cidr else "224.0.0.0/4"
    note = "flanneld masq"
    return [
        Rule("POSTROUTING", _CHAIN, comment=note),
        Rule(_CHAIN, "RETURN", mark="0x4000/0x4000", comment=note),
        Rule(_CHAIN, "RETURN", src=node_cidr, dst=pod_cidr, comment=note),
        Rule(_CHAIN, "RETURN", src=pod_cidr, dst=node_cidr, comment=note),
        Rule(_CHAIN, "RETURN", src=f"!{pod_cidr}", dst=node_cidr, comment=note),
        Rule(_CHAIN, "MASQUERADE", src=pod_cidr, dst=f"!{groups}", comment=note),
        Rule(_CHAIN, "MASQUERADE", src=f"!{pod_cidr}", dst=pod_cidr, comment=note),
    ]
