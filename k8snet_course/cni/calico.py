"""Calico: every node is a router, every pod a host with a cable of its own, and no bridge anywhere.

A pod's gateway is 169.254.1.1, an address that no device has: the node answers for it (proxy ARP) on every pod's cable, with
the MAC address ee:ee:ee:ee:ee:ee.  The node has a route to each of its pods, a blackhole for the rest of each block of
addresses that it has claimed, and a route to every other node's blocks, which the nodes tell each other by BGP (the daemon is
called BIRD).  In between, packets travel in IPIP (device ``tunl0``), in VXLAN (``vxlan.calico``) or as they are.

With IPv6 there is a second pool.  There the gateway is the link-local address of the node's end of the pod's cable, IPIP
carries IPv4 only (IPv6 packets travel as they are), VXLAN has a device of its own (``vxlan-v6.calico``), and the pool has no
``natOutgoing`` unless somebody asks for it.

Traffic that leaves the pool takes the node's address (``natOutgoing``).  Calico keeps the pool's networks in an ipset; here
there is one pool, and it stands in the rule itself.

Modelled simply: Felix's filter rules, which carry policy, are not here; a node's first block follows from its name.

Source: projectcalico/calico 3.32.1 (cni-plugin, felix, confd templates for BIRD, manifests/calico.yaml).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from k8snet_course.addressing import CalicoBlocks, NodeBlocks
from k8snet_course.addressing.calico_blocks import GATEWAY
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import OVERHEAD_IPV6, Attachment, Ipam, Json, Settings, Tables, own_routes, whole
from k8snet_course.cni.routed import Routed
from k8snet_course.linux.family import Family
from k8snet_course.linux.link import Link, Tunnel, link_local, mac_from_text
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.route import Route, leading_bits
from k8snet_course.objects import Node

HOST_MAC = "ee:ee:ee:ee:ee:ee"
GATEWAY_IPV6 = link_local(HOST_MAC)
TUNNEL, VXLAN, VXLAN_IPV6, VNI, PORT = "tunl0", "vxlan.calico", "vxlan-v6.calico", 4096, 4789
"""The tunnels' interfaces; the VXLAN network identifier, and the UDP port (IANA's)."""


class CalicoBgp(Routed):
    """Calico without encapsulation: the nodes' own network carries the pods' packets, so all nodes must be on one wire.

    The settings' ``block_size`` and ``strict_affinity`` are those of the pools: see
    :class:`~k8snet_course.addressing.CalicoBlocks`.
    """

    network_policy = True
    has_blocks = True
    proto = "bird"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.pools = tuple(
            CalicoBlocks(cidr, settings.block_size_ipv6 if ":" in cidr else settings.block_size,
                         strict_affinity=settings.strict_affinity) for cidr in settings.pod_cidrs)

    def pool(self, node: Node) -> CalicoBlocks:
        """The pool of the IP version that a node has first."""
        return self.pools[-1 if (":" in node.ip) != (self.pools[0].version == 6) else 0]

    def device(self, node: Node) -> str:
        """The tunnel's interface for that IP version; empty: none."""
        return ""

    def handle(self, node: Node) -> str:
        """How the pool calls what holds the address of a node's end of the tunnel."""
        return ""

    @property
    def revision(self) -> int:
        """Every node has routes to every block, so every node hears of a new one."""
        return sum(pool.revision for pool in self.pools)

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
        view = self.pool(node).node(node.name)
        if self.device(node):
            view.allocate(self.handle(node))
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

    def gateway(self, node: Node) -> str:
        """The address that no device has; in IPv6 one that every cable has."""
        return GATEWAY_IPV6 if ":" in node.ip else GATEWAY

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """The tunnels', if there are any."""
        return tuple(self.tunnel_address(each) for each in self.nodes(node) if self.device(each))

    def tunnel_address(self, node: Node) -> str:
        """The address of a node's end of the tunnel."""
        return self.pool(node).node(node.name).addresses_of(self.handle(node))[0]

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """A cable and a route for each pod, a blackhole for the own blocks, a route to each other block, and the NAT rule."""
        tables = Tables()
        for attachment in attachments:
            link = self.host_side(attachment)
            tables.links.append(link)
            tables.routes += [Route(ip, dev=link.name, scope="link") for ip in attachment.ips]
        for pods, its, others in self.stacks(node, peers):
            self._write_blocks(tables, its, others)
            if ":" not in pods:
                tables.nat += nat_outgoing(pods)
        return tables

    def _write_blocks(self, tables: Tables, node: Node, peers: Peers) -> None:
        """The routes that follow from one pool's blocks."""
        pool = self.pool(node)
        mine = pool.blocks_of(node.name)
        tables.routes += [Route(block, dev="", proto=self.proto, kind="blackhole") for block in mine]
        by_name = peers.index("name", lambda other: other.name)
        version, length, index = pool.by_prefix
        own = [leading_bits(block)[2] for block in mine]
        tables.route_families.append((version, length, Family(
            index, lambda block: self.remote_route(pool.cidr_of(block), by_name[block.node]), own)))
        tables.routes += [self.remote_route(address, by_name[holder]) for address, holder, _ in pool.borrowed()
                          if holder != node.name]

    def host_side(self, attachment: Attachment) -> Link:
        """A pod's interface on the node: without an IPv4 address, but it answers for those that the node knows the way to."""
        link = super().host_side(attachment)
        addresses = (f"{GATEWAY_IPV6}/64",) if self.settings.ipv6 else ()
        return Link(link.name, link.kind, link.index, link.mac, link.mtu, addresses, peer=link.peer,
                    peer_index=link.peer_index, proxy_arp=True)

    def remote_route(self, dst: str, other: Node) -> Route:
        """The route to a block of another node, or to a single address that it borrowed."""
        return Route(dst, via=other.ip, dev="eth0", proto=self.proto)


class CalicoIpip(CalicoBgp):
    """Calico as its manifest installs it: IPv4 packets between nodes travel in IPIP, IPv6 packets as they are."""

    encapsulation = "IPIP"
    overhead = 20
    mtu = 1480
    first_pod_index = 4

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if not settings.ipv4:
            self.encapsulation, self.overhead = CalicoBgp.encapsulation, CalicoBgp.overhead
            self.mtu, self.first_pod_index = CalicoBgp.mtu, CalicoBgp.first_pod_index

    def device(self, node: Node) -> str:
        """``tunl0`` for IPv4."""
        return "" if ":" in node.ip else TUNNEL

    def handle(self, node: Node) -> str:
        """``ipip-tunnel-addr-`` and the node's name."""
        return f"ipip-tunnel-addr-{node.name}"

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """What Calico always writes, and the tunnel."""
        tables = super().node_tables(node, attachments, peers)
        tables.links[:0] = [Link(TUNNEL, "ipip", 3, "", self.mtu, (whole(self.tunnel_address(its)),),
                                 tunnel=Tunnel("IPIP", its.ip)) for its in self.nodes(node) if self.device(its)]
        return tables

    def remote_route(self, dst: str, other: Node) -> Route:
        """By the other node, whose address becomes that of the outer packet, into the tunnel; IPv6 straight to that node."""
        if ":" in dst:
            return super().remote_route(dst, other)
        return Route(dst, via=other.ip, dev=TUNNEL, proto=self.proto, onlink=True)


class CalicoVxlan(CalicoBgp):
    """Calico with VXLAN, which needs no BGP: Felix writes the routes itself (``proto 80``)."""

    encapsulation = "VXLAN"
    overhead = 50
    mtu = 1450
    proto = "80"
    first_pod_index = 4

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.ipv6:
            self.overhead, self.mtu = OVERHEAD_IPV6, self.underlay_mtu - OVERHEAD_IPV6
        self.first_pod_index = 3 + len(settings.pod_cidrs)

    def device(self, node: Node) -> str:
        """A tunnel for each IP version."""
        return _vxlan(node)

    def handle(self, node: Node) -> str:
        """``vxlan-tunnel-addr-`` or ``vxlan-v6-tunnel-addr-`` and the node's name."""
        return f"vxlan-{'v6-' if ':' in node.ip else ''}tunnel-addr-{node.name}"

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """What Calico always writes, the tunnel, and for each other node a neighbour row and an FDB row."""
        tables = super().node_tables(node, attachments, peers)
        for number, (_, its, others) in enumerate(self.stacks(node, peers)):
            dev, address = _vxlan(its), whole(self.tunnel_address(its))
            tables.links.insert(number, Link(dev, "vxlan", 3 + number, _vtep_mac(its), self.mtu, (address,),
                                             tunnel=Tunnel("VXLAN", its.ip, VNI, PORT)))
            tables.routes += own_routes(dev, address)
            tables.neighbour_families.append(others.neighbours(its, dev, self.tunnel_address, _vtep_mac))
            tables.fdb_families.append(others.tunnels(its, dev, _vtep_mac))
        return tables

    def remote_route(self, dst: str, other: Node) -> Route:
        """By the other end of the tunnel."""
        return Route(dst, via=self.tunnel_address(other), dev=_vxlan(other), proto=self.proto, onlink=True)


def nat_outgoing(pool: str) -> list[Rule]:
    """Calico's NAT rules: what leaves the pool takes the node's address.

    >>> print(*nat_outgoing("10.244.0.0/16"), sep="\\n")
    -A POSTROUTING -j cali-POSTROUTING
    -A cali-POSTROUTING -j cali-nat-outgoing
    -A cali-nat-outgoing -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE
    """
    return [
        Rule("POSTROUTING", "cali-POSTROUTING"),
        Rule("cali-POSTROUTING", "cali-nat-outgoing"),
        Rule("cali-nat-outgoing", "MASQUERADE", src=pool, dst=f"!{pool}"),
    ]


def _vxlan(node: Node) -> str:
    """The VXLAN device of the IP version that a node has first."""
    return VXLAN_IPV6 if ":" in node.ip else VXLAN


def _vtep_mac(node: Node) -> str:
    return mac_from_text(f"{node.name} {_vxlan(node)}")
