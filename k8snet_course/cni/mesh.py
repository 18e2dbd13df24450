"""One wire for all pods of the cluster: every node's bridge has a tunnel for a port, and all pods share one subnet.

A pod asks for the MAC address of *any* other pod by ARP.  The question leaves the bridge by the tunnel port, which carries a
copy to each other node (FDB rows for the MAC address 00:00:00:00:00:00); bridges and tunnels learn from what comes back.  No
node routes between pods, so the TTL of a packet between two nodes does not fall.

Each node hands out addresses from its own share of the subnet; the first of the share is its bridge's.

This is what Weave Net and two fabrics have in common here: :mod:`k8snet_course.cni.weave`, :mod:`k8snet_course.cni.fabric`.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_network, summarize_address_range

from k8snet_course.addressing import HostLocal
from k8snet_course.cni.bridge import Bridge
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Ipam, Settings, Tables
from k8snet_course.errors import AddressesExhausted
from k8snet_course.linux.link import End, Link, Tunnel, mac_from_address, mac_from_text
from k8snet_course.linux.route import connected
from k8snet_course.objects import Node


class Mesh(Bridge):
    """A bridge on each node, joined by tunnels.  A subclass says what they are called."""

    ipv6 = False
    first_pod_index = 5
    overhead = 50
    tunnel_device = ""
    vni = 0
    port = 0
    tunnel_mtu = 65535

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._shares: dict[str, tuple[IPv4Address, IPv4Address]] = {}

    def share(self, node: Node) -> tuple[IPv4Address, IPv4Address]:
        """The first and the last address of a node's share: as many equal shares as there are nodes, in order."""
        if node.name not in self._shares:
            subnet = ip_network(self.settings.pod_cidr)
            assert subnet.version == 4, "the underlay is IPv4"
            number, nodes, size = len(self._shares), self.settings.nodes, subnet.num_addresses
            first, last = max(size * number // nodes, 1), min(size * (number + 1) // nodes - 1, size - 2)
            if number >= nodes or last <= first:
                raise AddressesExhausted(self.settings.pod_cidr, f"a share of the subnet for {node.name}",
                                         "use a larger pod_cidr")
            self._shares[node.name] = subnet[first], subnet[last]
        return self._shares[node.name]

    def ipam(self, node: Node) -> HostLocal:
        """host-local over the node's share; the bridge has its first address."""
        first, last = self.share(node)
        return HostLocal({"subnet": self.settings.pod_cidr, "rangeStart": str(first), "rangeEnd": str(last),
                          "gateway": str(first)})

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """The bridge's: it is there before the first pod."""
        return (str(self.share(node)[0]),)

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The bridge, the tunnel as a port of it, a port for each pod, and whom the tunnel sends copies."""
        address = str(self.share(node)[0])
        interface = f"{address}/{ip_network(self.settings.pod_cidr).prefixlen}"
        tables = Tables(routes=[connected(self.bridge, interface)])
        tables.links = [
            Link(self.bridge, "bridge", 3, mac_from_address(address), self.mtu, (interface,)),
            Link(self.tunnel_device, self.encapsulation.lower(), 4, mac_from_text(f"{node.name} {self.tunnel_device}"),
                 self.tunnel_mtu, master=self.bridge, tunnel=Tunnel(self.encapsulation, node.ip, self.vni, self.port)),
        ]
        for attachment in attachments:
            port = attachment.result["interfaces"][1]
            tables.links.append(Link(port["name"], "veth", attachment.index, port["mac"], self.mtu, master=self.bridge,
                                     peer=End(attachment.key, "eth0"), peer_index=2, hairpin=True))
        tables.copies = [peers.copies(node, self.tunnel_device)]
        return tables

    def left_over(self, node: Node) -> Tables:
        """Nothing: the bridge is there with and without pods."""
        return Tables()

    def share_networks(self, node: Node) -> list[str]:
        """A node's share as networks, for a routing table."""
        return [str(network) for network in summarize_address_range(*self.share(node))]
