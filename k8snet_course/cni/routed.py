"""What Calico and Cilium have in common: no bridge.  Each pod hangs on a cable of its own, and the node is its router.

The pod's address is a /32 (in IPv6 a /128): nobody else is on its wire, so every packet goes to the gateway, and each of two
pods on one node is a router's hop away from the other.  The node has a route (or an eBPF map entry) for each of its pods.

Source: projectcalico/calico 3.32.1, cni-plugin/pkg/dataplane/linux; cilium/cilium, plugins/cilium-cni.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from k8snet_course.cni.plugin import Attachment, Base, Ipam, Json, Tables, everywhere, own_routes, sandbox, whole
from k8snet_course.linux.link import LINK_LOCAL, End, Link, mac_from_text
from k8snet_course.linux.route import Route
from k8snet_course.objects import Node


class Routed(Base, ABC):
    """Pods with an address that is a network of its own, and a cable to their node.  A subclass says what the cable is called
    and who the gateway is."""

    version = "0.3.1"
    link_mtu: ClassVar[int] = 0
    """The MTU of both ends of the cable; 0: what a pod can send."""

    @abstractmethod
    def host_name(self, container: str) -> str:
        """The name of a pod's interface on the node."""

    def host_mac(self, container: str) -> str:
        """Its MAC address."""
        return mac_from_text(f"{container} host side")

    @abstractmethod
    def gateway(self, node: Node) -> str:
        """The gateway of a node's pods, in the IP version that the node has first."""

    def add_result(self, node: Node, ipam: Ipam, container: str, address: str, second: str = "") -> Json:
        """Both ends of the cable, the addresses, and the default routes."""
        return self.result(
            [
                {"name": self.host_name(container), "mac": self.host_mac(container)},
                {"name": "eth0", "mac": mac_from_text(f"{container} eth0"), "sandbox": sandbox(container)},
            ],
            [{"address": whole(each), "interface": 1} for each in (address, second) if each],
            [{"dst": everywhere(each.ip), "gw": self.gateway(each)} for each in self.nodes(node)],
        )

    def host_side(self, attachment: Attachment) -> Link:
        """A pod's interface on the node."""
        port = attachment.result["interfaces"][0]
        return Link(port["name"], "veth", attachment.index, port["mac"], self.link_mtu or self.mtu,
                    peer=End(attachment.key, "eth0"), peer_index=2)

    def pod_tables(self, node: Node, attachment: Attachment) -> Tables:
        """``eth0``, a route to the gateway, which is on the cable although it is in no common subnet, and the default route.

        A link-local gateway needs no route.
        """
        port, eth0 = attachment.result["interfaces"]
        addresses = tuple(ip["address"] for ip in attachment.result["ips"])
        link = Link("eth0", "veth", 2, eth0["mac"], self.link_mtu or self.mtu, addresses,
                    peer=End(node.name, port["name"]), peer_index=attachment.index)
        limit = self.mtu if self.link_mtu else 0
        tables = Tables([link], [route for address in addresses for route in own_routes("eth0", address)])
        for row in attachment.result["routes"]:
            gateway, default = row["gw"], "::/0" if row["dst"] == "::/0" else "default"
            tables.routes.append(Route(default, via=gateway, dev="eth0", mtu=limit))
            if not gateway.startswith(LINK_LOCAL):
                tables.routes.append(Route(gateway, dev="eth0", scope="link"))
        return tables
