"""Fabrics: the data centre's own network carries the pods, and its controller decides how.

VMware NSX, Cisco ACI and Big Cloud Fabric are products around their own switches and controllers; what happens inside is not
Linux's and not public in the same way.  **These three are sketches.**  They show where each product does the work (in a tunnel
between hypervisors, in a tunnel to the fabric, in the physical routers), with devices that the other plugins have as well:

- NSX and ACI are one flat segment on a bridge ``br-int`` with a tunnel port.  In truth ``br-int`` is an Open vSwitch with
  flow rules.  NSX gives each Kubernetes namespace a segment of its own, and its distributed routers join them; ACI's tunnel
  ends in the leaf switch, which forwards by its own table of endpoints; the gateway is one address on all nodes (here
  each has its own).
- Big Cloud Fabric gets packets as they are and routes them: the router of the nodes' network knows every node's podCIDR.
- A fabric is built with room for the tunnel (``underlay_mtu``), so that pods keep an MTU of 1500.

The products know IPv6 too; these sketches do not.

Policy, in all three, is the controller's: NSX's distributed firewall, ACI's contracts.  That Big Cloud Fabric enforced
NetworkPolicy could not be verified, so it does not here.  Its CNI configuration is not public; ``bcf`` is a name made up.
Big Cloud Fabric is Arista's Converged Cloud Fabric today; NSX is Broadcom's.

Source: noironetworks/aci-containers; VMware NSX documentation (NCP); RFC 8926 (Geneve); FACTS of the course, 5.6.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.cni.bridge import Bridge
from k8snet_course.cni.mesh import Mesh
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Json, Tables
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.route import Route
from k8snet_course.objects import Node

SWITCH = "br-int"


class Nsx(Mesh):
    """VMware NSX: Geneve between the nodes; what leaves the segment is translated (in truth at the Tier-0 gateway)."""

    version = "0.3.1"
    bridge = SWITCH
    network_policy = True
    encapsulation = "Geneve"
    underlay_mtu = 1600
    tunnel_device, vni, port = "genev_sys_6081", 1, 6081

    def conflist(self, node: Node) -> Json:
        """The configuration that NCP's bootstrap writes."""
        return {"cniVersion": self.version, "name": "nsx-cni", "plugins": [{"type": "nsx"}]}

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The mesh's tables, and the translation, written as masquerading on the node."""
        tables = super().node_tables(node, attachments, peers)
        pods = self.settings.pod_cidr
        tables.nat = [Rule("POSTROUTING", "MASQUERADE", src=pods, dst=f"!{pods}")]
        return tables


class Aci(Mesh):
    """Cisco ACI: VXLAN to the fabric, which knows every pod: pods are reached from outside under their own addresses."""

    version = "0.3.1"
    bridge = SWITCH
    network_policy = True
    encapsulation = "VXLAN"
    underlay_mtu = 1600
    tunnel_device, vni, port = "vxlan_sys_8472", 1, 8472

    def conflist(self, node: Node) -> Json:
        """01-aci-cni.conf, as a list."""
        return {"cniVersion": self.version, "name": "k8s-pod-network",
                "plugins": [{"type": "opflex-agent-cni", "wait-for-network": True, "ipam": {"type": "opflex-agent-cni-ipam"}}]}

    def fabric_routes(self, nodes: Sequence[Node]) -> list[Route]:
        """The fabric knows on which node each address is."""
        return [Route(network, via=node.ip, dev="eth0") for node in nodes for network in self.share_networks(node)]


class BigCloudFabric(Bridge):
    """Big Cloud Fabric: no encapsulation and no routes on the nodes; the fabric routes between the nodes' podCIDRs."""

    version = "0.3.1"
    ipv6 = False
    bridge = SWITCH

    def conflist(self, node: Node) -> Json:
        """A configuration of the model's own."""
        return {"cniVersion": self.version, "name": "bcf", "plugins": [{"type": "bcf"}]}

    def fabric_routes(self, nodes: Sequence[Node]) -> list[Route]:
        """A route to each node's podCIDR in the fabric's router."""
        return [Route(node.pod_cidr, via=node.ip, dev="eth0") for node in nodes]
