"""The bridge plugin: one virtual switch a node, one virtual cable a pod, and no way to other nodes.

For each pod it makes a veth pair, moves one end into the pod as ``eth0``, plugs the other into the bridge ``cni0``, asks the
host-local plugin for an address, and gives the bridge the gateway's address.  The tables of node and pod are written from
the ADD result alone: what the result does not say, the network does not have.

Source: containernetworking/plugins, bridge 1.9.1 (options isGateway, isDefaultGateway, hairpinMode); CNI specification 1.1.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.addressing import HostLocal
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Base, Ipam, Json, Tables, sandbox
from k8snet_course.linux.link import End, Link, mac_from_address, mac_from_text
from k8snet_course.linux.route import Route, connected
from k8snet_course.objects import Node

BRIDGE = "cni0"


class Bridge(Base):
    """The reference bridge plugin with host-local addresses.

    >>> from k8snet_course.cni.plugin import Settings
    >>> node = Node("node-1", "192.168.1.2", "10.244.0.0/24")
    >>> plugin = Bridge(Settings("10.244.0.0/16", "192.168.1.0/24"))
    >>> result = plugin.add(node, plugin.ipam(node), "6f7a1e7c")
    >>> result["ips"]
    [{'address': '10.244.0.2/24', 'gateway': '10.244.0.1', 'interface': 2}]
    """

    bridge = BRIDGE
    bridge_index = 3
    first_pod_index = 4
    pod_network_route = False
    """Whether pods get a route to the whole pod network besides their default route, as flannel's configuration asks."""

    def subnet(self, node: Node) -> str:
        """The range that the pods of this node get their addresses from: its podCIDR."""
        return node.pod_cidr

    def conflist(self, node: Node) -> Json:
        """The configuration that the container runtime hands to the plugin."""
        return {"cniVersion": self.version, "name": "podnet", "plugins": [
            self.bridge_config(node), {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}]}

    def bridge_config(self, node: Node) -> Json:
        """The bridge plugin's own part of it."""
        ipam: Json = {"type": "host-local", "ranges": [[{"subnet": self.subnet(node)}]]}
        if self.pod_network_route:
            ipam["routes"] = [{"dst": self.settings.pod_cidr}]
        return {"type": "bridge", "bridge": self.bridge, "isDefaultGateway": True, "hairpinMode": True, "ipam": ipam}

    def ipam(self, node: Node) -> HostLocal:
        """host-local over the node's range."""
        return HostLocal(self.subnet(node))

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """The gateway's, as long as there is a bridge."""
        return (ipam.ranges[0].gateway,) if populated else ()

    def host_name(self, container: str) -> str:
        """The name of a pod's interface on the node."""
        return host_veth(container)

    def add_result(self, node: Node, ipam: Ipam, container: str, address: str) -> Json:
        """Bridge, cable and pod's end of it, the address and its gateway, and the routes."""
        assert isinstance(ipam, HostLocal)
        its = ipam.range_set.range_of(address)
        gateway = its.gateway
        routes = [{"dst": self.settings.pod_cidr}] if self.pod_network_route else []
        return self.result(
            [
                {"name": self.bridge, "mac": mac_from_address(gateway)},
                {"name": self.host_name(container), "mac": mac_from_text(f"{container} host side")},
                {"name": "eth0", "mac": mac_from_address(address), "sandbox": sandbox(container)},
            ],
            {"address": f"{address}/{its.prefix_length}", "gateway": gateway, "interface": 2},
            [*routes, {"dst": "0.0.0.0/0", "gw": gateway}],
        )

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The bridge, with the gateway's address, and a port for each pod.  There is no bridge before the first pod."""
        tables = Tables()
        if attachments:
            bridge, ip = attachments[0].result["interfaces"][0], attachments[0].result["ips"][0]
            address = f"{ip['gateway']}/{ip['address'].partition('/')[2]}"
            tables.links.append(Link(self.bridge, "bridge", self.bridge_index, bridge["mac"], self.mtu, (address,)))
            tables.routes.append(connected(self.bridge, address))
        for attachment in attachments:
            port = attachment.result["interfaces"][1]
            tables.links.append(Link(port["name"], "veth", attachment.index, port["mac"], self.mtu, master=self.bridge,
                                     peer=End(attachment.key, "eth0"), peer_index=2, hairpin=True))
        return tables

    def pod_tables(self, node: Node, attachment: Attachment) -> Tables:
        """``eth0``, the other end of the cable; the kernel's route to the pod's own subnet, and the result's routes."""
        _, port, eth0 = attachment.result["interfaces"]
        ip = attachment.result["ips"][0]
        link = Link("eth0", "veth", 2, eth0["mac"], self.mtu, (ip["address"],), peer=End(node.name, port["name"]),
                    peer_index=attachment.index)
        routes = [connected("eth0", ip["address"])]
        for row in attachment.result["routes"]:
            dst = "default" if row["dst"] == "0.0.0.0/0" else row["dst"]
            routes.append(Route(dst, via=row.get("gw", ip["gateway"]), dev="eth0"))
        return Tables([link], routes)


class Alone(Bridge):
    """``cni="none"``: nobody has planned the addresses.  Every node has a bridge of its own over the whole pod network.

    The course's opening problem: each node takes itself for the only one, and two nodes give out the same addresses.

        >>> from k8snet_course.cni.plugin import Settings
    >>> plugin = Alone(Settings("10.244.0.0/16", "192.168.1.0/24"))
        >>> plugin.subnet(Node("node-2", "192.168.1.3", "10.244.1.0/24"))
        '10.244.0.0/16'
    """

    def subnet(self, node: Node) -> str:
        """The whole pod network, on every node."""
        return self.settings.pod_cidr


def host_veth(container: str) -> str:
    """The name of a pod's interface on the node: ``veth`` and eight hexadecimal digits (Linux's plugin draws them).

    >>> host_veth("6f7a1e7c33")
    'veth6f7a1e7c'
    """
    return f"veth{container[:8]}"
