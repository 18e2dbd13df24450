"""Weave Net: one flat network, 10.32.0.0/12, over all nodes.

On each node there is a bridge ``weave``, and pods of all nodes are on one wire: a pod asks for a pod of another node by ARP as
if it were next door.  Frames between nodes travel in VXLAN to UDP port 6784 (the "fast datapath").  The MTU of 1376 leaves room
for more than VXLAN's 50 bytes, for Weave may encrypt.

Modelled simply: the fast datapath is an Open vSwitch datapath between the bridge and ``vxlan-6784``, joined by the cable
``vethwe-bridge``; here the tunnel is a port of the bridge itself.  The peers' routers, which learn where a MAC address is, are
the tunnel's learning and its list of copies.  The ring in which peers share the address range and give each other parts of it
is here fixed: equal shares, in the order of the nodes, and within a share the host-local rule.  VXLAN's network identifier,
which carries the two peers' numbers, is 0.  Weave Net has no IPv6.

Weave Net is no longer maintained (archived in June 2024): it is here to be understood, not to be installed.

Source: weaveworks/weave 2.8.1 (site/, plugin/, net/); rajch/weave 2.9.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.cni.mesh import Mesh
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Json, Tables
from k8snet_course.linux.netfilter import Rule
from k8snet_course.objects import Node

RANGE = "10.32.0.0/12"
"""IPALLOC_RANGE: where all pods' addresses are from."""


class Weave(Mesh):
    """Weave Net with its fast datapath and without encryption.

    >>> from k8snet_course.cni.plugin import Settings
    >>> plugin = Weave(Settings(RANGE, "192.168.1.0/24", nodes=2))
    >>> [plugin.ipam(Node(f"node-{n}", f"192.168.1.{n + 1}", "")).peek() for n in (1, 2)]
    ['10.32.0.2', '10.40.0.1']
    """

    version = "0.3.0"
    bridge = "weave"
    pod_network = RANGE
    network_policy = True
    encapsulation = "VXLAN"
    mtu = 1376
    tunnel_device, port = "vxlan-6784", 6784

    def conflist(self, node: Node) -> Json:
        """10-weave.conflist."""
        return {
            "cniVersion": self.version,
            "name": "weave",
            "plugins": [
                {"name": "weave", "type": "weave-net", "hairpinMode": True},
                {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
            ],
        }

    def host_name(self, container: str) -> str:
        """``vethwepl`` and seven hexadecimal digits."""
        return f"vethwepl{container[:7]}"

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The mesh's tables, and the NAT rules: what leaves the flat network takes the node's address."""
        tables = super().node_tables(node, attachments, peers)
        pods = self.settings.pod_cidr
        tables.nat = [
            Rule("POSTROUTING", "WEAVE"),
            Rule("WEAVE", "RETURN", src=pods, dst="224.0.0.0/4"),
            Rule("WEAVE", "MASQUERADE", src=f"!{pods}", dst=pods),
            Rule("WEAVE", "MASQUERADE", src=pods, dst=f"!{pods}"),
        ]
        return tables
