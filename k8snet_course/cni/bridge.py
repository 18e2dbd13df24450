"""The bridge plugin: one virtual switch a node, one virtual cable a pod, and no way to other nodes.

For each pod it makes a veth pair, moves one end into the pod as ``eth0``, plugs the other into the bridge ``cni0``, asks the
host-local plugin for an address, and gives the bridge the gateway's address.  The tables of node and pod are written from
the ADD result alone: what the result does not say, the network does not have.  DEL takes the cable away, and the address; the
bridge stays, and with it the gateway's address and its route.

Source: containernetworking/plugins, bridge 1.9.1 (options isGateway, isDefaultGateway, hairpinMode); CNI specification 1.1.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.addressing import HostLocal, Range
from k8snet_course.addressing.range_set import parse
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Base, Ipam, Json, Tables, everywhere, sandbox
from k8snet_course.linux.link import End, Link, mac_from_address, mac_from_text
from k8snet_course.linux.route import Route, connected
from k8snet_course.objects import Node

BRIDGE = "cni0"


class Bridge(Base):
    """The reference bridge plugin with host-local addresses: one of each range set, which is one of each IP version.

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
        ipam: Json = {"type": "host-local", "ranges": [[{"subnet": self.subnet(each)}] for each in self.nodes(node)]}
        if self.pod_network_route:
            ipam["routes"] = [{"dst": self.pods(each)} for each in self.nodes(node)]
        return {"type": "bridge", "bridge": self.bridge, "isDefaultGateway": True, "hairpinMode": True, "ipam": ipam}

    def ipam(self, node: Node) -> HostLocal:
        """host-local over the node's range."""
        return HostLocal(self.subnet(node))

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """The gateway's, as soon as there is a bridge."""
        if not populated:
            return ()
        own = ipam.ranges[0].gateway
        return (own, self.range_of(node.swapped).gateway) if node.second_pod_cidr else (own,)

    def range_of(self, node: Node) -> Range:
        """The same with its gateway."""
        return parse(self.subnet(node)).ranges[0]

    def host_name(self, container: str) -> str:
        """The name of a pod's interface on the node."""
        return host_veth(container)

    def add_result(self, node: Node, ipam: Ipam, container: str, address: str, second: str = "") -> Json:
        """Bridge, cable and pod's end of it, the addresses and their gateways, and the routes."""
        assert isinstance(ipam, HostLocal)
        given = [(address, ipam.range_set.range_of(address))]
        if second:
            given.append((second, self.range_of(node.swapped)))
        named, its = min(given, key=lambda each: each[1].version)  # MAC addresses are made from IPv4 addresses
        routes = [{"dst": self.pods(each)} for each in self.nodes(node)] if self.pod_network_route else []
        return self.result(
            [
                {"name": self.bridge, "mac": mac_from_address(its.gateway)},
                {"name": self.host_name(container), "mac": mac_from_text(f"{container} host side")},
                {"name": "eth0", "mac": mac_from_address(named), "sandbox": sandbox(container)},
            ],
            [{"address": f"{one}/{of.prefix_length}", "gateway": of.gateway, "interface": 2} for one, of in given],
            [*routes, *({"dst": everywhere(one), "gw": of.gateway} for one, of in given)],
        )

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """The bridge, with the gateway's address, and a port for each pod.  There is no bridge before the first pod."""
        tables = Tables()
        if attachments:
            bridge, ips = attachments[0].result["interfaces"][0], attachments[0].result["ips"]
            addresses = tuple(f"{ip['gateway']}/{ip['address'].partition('/')[2]}" for ip in ips)
            tables.links.append(Link(self.bridge, "bridge", self.bridge_index, bridge["mac"], self.mtu, addresses))
            tables.routes += [connected(self.bridge, address) for address in addresses]
        for attachment in attachments:
            port = attachment.result["interfaces"][1]
            tables.links.append(Link(port["name"], "veth", attachment.index, port["mac"], self.mtu, master=self.bridge,
                                     peer=End(attachment.key, "eth0"), peer_index=2, hairpin=True, txqueuelen=0))
        return tables

    def left_over(self, node: Node) -> Tables:
        """The bridge with the gateway's address: the first ADD made it, and no DEL takes it away.

        Its MAC address was set and stays.  Its MTU was not: it followed its ports', and Linux gives a bridge without ports 1500
        bytes, whatever the pods had (tried with the reference plugin on Linux 6.18).

        >>> from k8snet_course.cni.plugin import Settings
        >>> plugin = Bridge(Settings("10.244.0.0/16", "192.168.1.0/24"))
        >>> print(*plugin.left_over(Node("node-1", "192.168.1.2", "10.244.0.0/24")).routes)
        10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1
        """
        ranges = [self.range_of(each) for each in self.nodes(node)]
        addresses = tuple(f"{its.gateway}/{its.prefix_length}" for its in ranges)
        mac = mac_from_address(min(ranges, key=lambda its: its.version).gateway)
        return Tables([Link(self.bridge, "bridge", self.bridge_index, mac, addresses=addresses)],
                      [connected(self.bridge, address) for address in addresses])

    def pod_tables(self, node: Node, attachment: Attachment) -> Tables:
        """``eth0``, the other end of the cable; the kernel's route to the pod's own subnet, and the result's routes."""
        _, port, eth0 = attachment.result["interfaces"]
        ips = attachment.result["ips"]
        addresses = tuple(ip["address"] for ip in ips)
        link = Link("eth0", "veth", 2, eth0["mac"], self.mtu, addresses, peer=End(node.name, port["name"]),
                    peer_index=attachment.index, txqueuelen=0)
        routes = [connected("eth0", address) for address in addresses]
        gateways = {everywhere(ip["gateway"]): ip["gateway"] for ip in ips}
        for row in attachment.result["routes"]:
            dst = "default" if row["dst"] == "0.0.0.0/0" else row["dst"]
            routes.append(Route(dst, via=row.get("gw", gateways[everywhere(dst)]), dev="eth0"))
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
        return self.pods(node)


def host_veth(container: str) -> str:
    """The name of a pod's interface on the node: ``veth`` and eight hexadecimal digits (Linux's plugin draws them).

    >>> host_veth("6f7a1e7c33")
    'veth6f7a1e7c'
    """
    return f"veth{container[:8]}"
