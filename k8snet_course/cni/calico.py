"""Calico: every node is a router, every pod a host with a cable of its own, and no bridge anywhere.

A pod's gateway is 169.254.1.1, an address that no device has: the node answers for it (proxy ARP) on every pod's cable, with
the MAC address ee:ee:ee:ee:ee:ee.  The node has a route to each of its pods, a blackhole for the rest of each block of
addresses that it has claimed, and a route to every other node's blocks, which the nodes tell each other by BGP (the daemon is
called BIRD).  In between, packets travel in IPIP (device ``tunl0``), in VXLAN (``vxlan.calico``) or as they are.

Traffic that leaves the pool takes the node's address (``natOutgoing``).  Calico keeps the pool's networks in an ipset; here
there is one pool, and it stands in the rule itself.

Modelled simply: Felix's filter rules, which carry policy, are not here; a node's first block follows from its name.

Source: projectcalico/calico 3.32.1 (cni-plugin, felix, confd templates for BIRD, manifests/calico.yaml).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from k8snet_course.addressing import CalicoBlocks, NodeBlocks, network
from k8snet_course.addressing.calico_blocks import GATEWAY
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Ipam, Json, Settings, Tables
from k8snet_course.cni.routed import Routed
from k8snet_course.linux.family import Family
from k8snet_course.linux.link import Link, Tunnel, mac_from_text
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.route import Route, leading_bits
from k8snet_course.objects import Node

HOST_MAC = "ee:ee:ee:ee:ee:ee"
TUNNEL, VXLAN, VNI, PORT = "tunl0", "vxlan.calico", 4096, 4789
"""The tunnels' interfaces; the VXLAN network identifier, and the UDP port (IANA's)."""


class CalicoBgp(Routed):
    """Calico without encapsulation: the nodes' own network carries the pods' packets, so all nodes must be on one wire.

    ``block_size`` and ``strict_affinity`` are those of the pool: see :class:`~k8snet_course.addressing.CalicoBlocks`.
    """

    network_policy = True
    proto = "bird"
    block_size = 26
    strict_affinity = False
    device = ""
    """The tunnel's interface, if there is one."""
    handle = ""
    """How the pool calls what holds the address of a node's end of the tunnel; the node's name follows."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        size = max(self.block_size, network(settings.pod_cidr, "pod_cidr").prefixlen)
        self.blocks = CalicoBlocks(settings.pod_cidr, size, strict_affinity=self.strict_affinity)

    @property
    def revision(self) -> int:
        """Every node has routes to every block, so every node hears of a new one."""
        return self.blocks.revision

    def conflist(self, node: Node) -> Json:
        """10-calico.conflist, as the manifest's install-cni container writes it."""
        return {
            "cniVersion": self.version,
            "name": "k8s-pod-network",
            "plugins": [
                {"type": "calico", "log_level": "info", "datastore_type": "kubernetes", "nodename": node.name, "mtu": self.mtu,
                 "ipam": {"type": "calico-ipam"}, "policy": {"type": "k8s"},
                 "kubernetes": {"kubeconfig": "/etc/cni/net.d/calico-kubeconfig"}},
                {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
                {"type": "bandwidth", "capabilities": {"bandwidth": True}},
            ],
        }

    def ipam(self, node: Node) -> NodeBlocks:
        """The node's view of the pool.  A tunnel's own end takes the first address."""
        view = self.blocks.node(node.name)
        if self.device:
            view.allocate(self.handle + node.name)
        return view

    def rewound(self, ipam: Ipam, before: Ipam) -> Ipam:
        """The same view; the pool that all nodes share is put back."""
        assert isinstance(ipam, NodeBlocks) and isinstance(before, NodeBlocks)
        ipam.restore(before)
        return ipam

    def host_name(self, container: str) -> str:
        """``cali`` and eleven hexadecimal digits (in Calico a hash of the pod's namespace and name)."""
        return f"cali{hashlib.sha1(container.encode()).hexdigest()[:11]}"

    def host_mac(self, container: str) -> str:
        """The same for every pod: on its cable there is nobody to mistake it for."""
        return HOST_MAC

    def gateway(self, node: Node, ipam: Ipam) -> str:
        """The address that no device has."""
        return GATEWAY

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """The tunnel's, if there is one."""
        return (self.tunnel_address(node),) if self.device else ()

    def tunnel_address(self, node: Node) -> str:
        """The address of a node's end of the tunnel."""
        return self.blocks.node(node.name).addresses_of(self.handle + node.name)[0]

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """A cable and a route for each pod, a blackhole for the own blocks, a route to each other block, and the NAT rule."""
        tables = Tables(nat=nat_outgoing(self.settings.pod_cidr, self.device))
        for attachment in attachments:
            link = self.host_side(attachment)
            tables.links.append(link)
            tables.routes.append(Route(attachment.ip, dev=link.name, scope="link"))
        tables.routes += [Route(block, dev="", proto=self.proto, kind="blackhole")
                          for block in self.blocks.blocks_of(node.name)]
        by_name = peers.index("name", lambda other: other.name)
        version, length, index = self.blocks.by_prefix
        own = [leading_bits(block)[2] for block in self.blocks.blocks_of(node.name)]
        tables.route_families = [(version, length, Family(
            index, lambda block: self.remote_route(self.blocks.cidr_of(block), by_name[block.node]), own))]
        tables.routes += [self.remote_route(address, by_name[holder]) for address, holder, _ in self.blocks.borrowed()
                          if holder != node.name]
        return tables

    def host_side(self, attachment: Attachment) -> Link:
        """A pod's interface on the node: without an address, but it answers for those that the node knows the way to."""
        link = super().host_side(attachment)
        return Link(link.name, link.kind, link.index, link.mac, link.mtu, peer=link.peer, peer_index=link.peer_index,
                    proxy_arp=True)

    def remote_route(self, dst: str, other: Node) -> Route:
        """The route to a block of another node, or to a single address that it borrowed."""
        return Route(dst, via=other.ip, dev="eth0", proto=self.proto)


class CalicoIpip(CalicoBgp):
    """Calico as its manifest installs it: packets between nodes travel in IPIP."""

    encapsulation = "IPIP"
    overhead = 20
    mtu = 1480
    device = TUNNEL
    handle = "ipip-tunnel-addr-"
    first_pod_index = 4

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """What Calico always writes, and the tunnel."""
        tables = super().node_tables(node, attachments, peers)
        tables.links.insert(0, Link(TUNNEL, "ipip", 3, "", self.mtu, (f"{self.tunnel_address(node)}/32",),
                                    tunnel=Tunnel("IPIP", node.ip)))
        return tables

    def remote_route(self, dst: str, other: Node) -> Route:
        """By the other node, whose address becomes that of the outer packet, into the tunnel."""
        return Route(dst, via=other.ip, dev=TUNNEL, proto=self.proto, onlink=True)


class CalicoVxlan(CalicoBgp):
    """Calico with VXLAN, which needs no BGP: Felix writes the routes itself (``proto 80``)."""

    encapsulation = "VXLAN"
    overhead = 50
    mtu = 1450
    proto = "80"
    device = VXLAN
    handle = "vxlan-tunnel-addr-"
    first_pod_index = 4

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """What Calico always writes, the tunnel, and for each other node a neighbour row and an FDB row."""
        tables = super().node_tables(node, attachments, peers)
        tables.links.insert(0, Link(VXLAN, "vxlan", 3, _vtep_mac(node), self.mtu, (f"{self.tunnel_address(node)}/32",),
                                    tunnel=Tunnel("VXLAN", node.ip, VNI, PORT)))
        tables.neighbour_families = [peers.neighbours(node, VXLAN, self.tunnel_address, _vtep_mac)]
        tables.fdb_families = [peers.tunnels(node, VXLAN, _vtep_mac)]
        return tables

    def remote_route(self, dst: str, other: Node) -> Route:
        """By the other end of the tunnel."""
        return Route(dst, via=self.tunnel_address(other), dev=VXLAN, proto=self.proto, onlink=True)


def nat_outgoing(pool: str, device: str) -> list[Rule]:
    """Calico's NAT rules: what leaves the pool takes the node's address.

    >>> print(*nat_outgoing("10.244.0.0/16", ""), sep="\\n")
    -A POSTROUTING -j cali-POSTROUTING
    -A cali-POSTROUTING -j cali-nat-outgoing
    -A cali-nat-outgoing -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE
    """
    return [
        Rule("POSTROUTING", "cali-POSTROUTING"),
        Rule("cali-POSTROUTING", "cali-nat-outgoing"),
        Rule("cali-nat-outgoing", "MASQUERADE", src=pool, dst=f"!{pool}"),
    ]


def _vtep_mac(node: Node) -> str:
    return mac_from_text(f"{node.name} {VXLAN}")
