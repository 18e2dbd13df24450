"""What every network plugin can do, and the values that it gives and takes.

A plugin is asked twice: when a pod is attached (CNI ADD: it takes an address and returns a result), and when somebody wants
to know what a node's or a pod's Linux holds.  Then it returns tables, made from the results alone.  It never sees a packet.

Source: CNI specification 1.1.0, sections 2 (protocol) and 5 (result types).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from k8snet_course.addressing import HostLocal, NodeBlocks
from k8snet_course.cni.peers import Peers
from k8snet_course.linux.bridge import FdbEntry
from k8snet_course.linux.link import Link
from k8snet_course.linux.namespace import FdbFamily
from k8snet_course.linux.neighbour import Neighbour, NeighbourFamily
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.route import Route, RouteFamily, connected
from k8snet_course.objects import Node

Json = dict[str, Any]
"""A JSON object, as CNI exchanges them."""

Ipam = HostLocal | NodeBlocks
"""An allocator of pod addresses, as one node sees it."""


OVERHEAD_IPV6 = 70
"""How many bytes VXLAN adds between IPv6 addresses."""


class Place(Protocol):
    """A node with its plugin, as an attachment needs it."""

    def add_result(self, container: str, address: str, second: str = "") -> Json:
        """What the plugin printed for a container of this node that got this address, and in dual stack a second one."""
        ...


class Attachment:
    """A pod's place in its node's network: the container id, its address, and the ifindex of the host-side interface.

    ``second_ip`` is its address of the other IP version, in a dual-stack cluster.

    ``result`` is what the plugin printed for CNI ADD.  It follows from the rest, and is written when somebody looks at it.
    """

    __slots__ = ("_place", "_result", "container_id", "index", "ip", "key", "second_ip")

    def __init__(self, key: str, container_id: str, ip: str, index: int, place: Place, second_ip: str = "") -> None:
        self.key = key
        self.container_id = container_id
        self.ip = ip
        self.second_ip = second_ip
        self.index = index
        self._place = place
        self._result: Json | None = None

    @property
    def result(self) -> Json:
        """The result of CNI ADD."""
        if self._result is None:
            self._result = self._place.add_result(self.container_id, self.ip, self.second_ip)
        return self._result

    @property
    def ips(self) -> tuple[str, ...]:
        """Its addresses: one, or one of each IP version."""
        return (self.ip, self.second_ip) if self.second_ip else (self.ip,)

    @property
    def gateway(self) -> str:
        """The gateway of the pod's address, from the result: that of the address, or else of the default route."""
        given = self.result["ips"][0].get("gateway")
        return str(given or next((row["gw"] for row in self.result["routes"] if row["dst"] == everywhere(self.ip)), ""))

    @property
    def host_link(self) -> str:
        """The name of the pod's interface on the node, from the result: the last one that is not in the pod."""
        return str([link["name"] for link in self.result["interfaces"] if "sandbox" not in link][-1])


@dataclass(frozen=True, slots=True)
class Settings:
    """What a plugin is told about the cluster: the range of all pods, the nodes' network, and how many nodes there are.

    A dual-stack cluster has two ranges and two networks, with a comma between them.  ``block_size``, ``block_size_ipv6`` (0:
    the usual) and ``strict_affinity`` are for Calico's pools (:class:`~k8snet_course.addressing.CalicoBlocks`).
    """

    pod_cidr: str
    node_network: str
    nodes: int = 1
    block_size: int = 0
    block_size_ipv6: int = 0
    strict_affinity: bool = False

    @property
    def pod_cidrs(self) -> tuple[str, ...]:
        """The range of all pods of each IP version, the primary one first."""
        return tuple(self.pod_cidr.split(","))

    @property
    def ipv6(self) -> bool:
        """Whether pods have IPv6 addresses."""
        return ":" in self.pod_cidr

    @property
    def ipv4(self) -> bool:
        """Whether pods have IPv4 addresses."""
        return "." in self.pod_cidr


class Stack(NamedTuple):
    """The cluster in one IP version, as a plugin looks at it: the range of all pods, and the nodes with that version first."""

    pods: str
    node: Node
    peers: Peers


@dataclass(slots=True)
class Tables:
    """What a plugin writes into one device: interfaces, routes, permanent neighbours and FDB rows, NAT rules, eBPF maps.

    ``nat`` are the rules that it writes with iptables, ``nat6`` those with ip6tables.

    The families are the rows for all the other nodes.
    """

    links: list[Link] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    neighbours: list[Neighbour] = field(default_factory=list)
    fdb: list[FdbEntry] = field(default_factory=list)
    nat: list[Rule] = field(default_factory=list)
    nat6: list[Rule] = field(default_factory=list)
    maps: list[Route] = field(default_factory=list)
    route_families: list[RouteFamily] = field(default_factory=list)
    neighbour_families: list[NeighbourFamily] = field(default_factory=list)
    fdb_families: list[FdbFamily] = field(default_factory=list)
    copies: list[FdbFamily] = field(default_factory=list)
    map_families: list[RouteFamily] = field(default_factory=list)

    def nat_for(self, network: str) -> list[Rule]:
        """The NAT rules of a network's IP version."""
        return self.nat6 if ":" in network else self.nat

    def write_out(self) -> None:
        """Turn the families into written rows, so that single ones can be changed."""
        self.routes += [row for _, _, family in self.route_families for row in family]
        self.neighbours += [row for _, family in self.neighbour_families for row in family]
        self.fdb += [row for _, family in (*self.fdb_families, *self.copies) for row in family]
        self.maps += [row for _, _, family in self.map_families for row in family]
        self.route_families, self.neighbour_families, self.fdb_families, self.copies, self.map_families = [], [], [], [], []


class Plugin(Protocol):
    """A network plugin, as the cluster uses it.

    ``first_pod_index`` is the ifindex of the first pod's cable on a node: after lo, eth0 and the plugin's own interfaces.
    ``network_policy`` says whether it makes NetworkPolicy objects work (without that they are accepted and do nothing),
    ``encapsulation`` how packets travel between nodes ("VXLAN", "Geneve", "IPIP", or "" for as they are) and ``overhead`` how
    many bytes that adds (the most, if there are several ways); ``mtu`` is the largest packet that a pod can send.
    ``underlay_mtu`` is what the plugin needs the nodes' own network to carry, and ``pod_network`` the range of all pods unless
    somebody gives another one.  ``ipv6`` says whether it can give pods IPv6 addresses, and ``has_blocks`` whether it takes
    addresses from blocks of a size that can be set.
    """

    first_pod_index: int
    network_policy: bool
    encapsulation: str
    overhead: int
    mtu: int
    underlay_mtu: int
    pod_network: str
    ipv6: bool
    has_blocks: bool
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        ...

    def conflist(self, node: Node) -> Json:
        """The network configuration that stands in /etc/cni/net.d on this node."""
        ...

    def delegate(self, node: Node) -> Json | None:
        """What its program hands on to another plugin that does the work; None where it does the work itself."""
        ...

    @property
    def revision(self) -> int:
        """A number that is another one as soon as something has changed that stands in *every* node's tables."""
        ...

    def ipam(self, node: Node) -> Ipam:
        """A fresh allocator of pod addresses for this node."""
        ...

    def second_ipam(self, node: Node) -> Ipam | None:
        """A fresh allocator of the pods' second addresses; None where pods have one address."""
        ...

    def rewound(self, ipam: Ipam, before: Ipam) -> Ipam:
        """The allocator as it was when ``before`` was copied from it: what happened since has been undone."""
        ...

    def allocate(self, ipam: Ipam, container: str) -> str:
        """The first half of CNI ADD: take an address.  Raises AddressesExhausted, and then nothing has changed."""
        ...

    def add_result(self, node: Node, ipam: Ipam, container: str, address: str, second: str = "") -> Json:
        """The second half of CNI ADD: what the plugin prints for a container that got this address.  It changes nothing.

        ``second`` is the address of the other IP version, in a dual-stack cluster.
        """
        ...

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """The addresses that the plugin gives to the node itself; ``populated``: a pod is or has been attached there."""
        ...

    def fabric_routes(self, nodes: Sequence[Node]) -> list[Route]:
        """What the plugin writes into the router of the nodes' own network; nothing, for most."""
        ...

    def node_tables(self, node: Node, attachments: Sequence[Attachment], peers: Peers) -> Tables:
        """What the plugin writes on a node, given the pods attached there and all nodes."""
        ...

    def left_over(self, node: Node) -> Tables:
        """What CNI DEL has left on a node whose last pod has gone: what the first ADD made there, and nobody takes away."""
        ...

    def pod_tables(self, node: Node, attachment: Attachment) -> Tables:
        """What the plugin writes in a pod, besides its loopback."""
        ...


class Base:
    """What plugins have in common, and the values of one that does nothing special."""

    first_pod_index = 3
    network_policy = False
    encapsulation = ""
    overhead = 0
    mtu = 1500
    underlay_mtu = 1500
    pod_network = "10.244.0.0/16"
    ipv6 = True
    has_blocks = False
    version = "1.0.0"
    """The version of the CNI specification that the plugin's configuration names."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def pods(self, node: Node) -> str:
        """The range of all pods of the IP version that a node has first."""
        ranges = self.settings.pod_cidrs
        return ranges[0] if len(ranges) == 1 or (":" in ranges[0]) == (":" in node.ip) else ranges[1]

    def nodes(self, node: Node) -> tuple[Node, ...]:
        """The node once for each IP version that pods have, with that version first."""
        return (node, node.swapped) if node.second_pod_cidr else (node,)

    def stacks(self, node: Node, peers: Peers) -> list[Stack]:
        """The cluster once for each IP version that pods have."""
        return [Stack(self.pods(each), each, peers.swapped if number else peers)
                for number, each in enumerate(self.nodes(node))]

    def delegate(self, node: Node) -> Json | None:
        """Nothing."""
        return None

    @property
    def revision(self) -> int:
        """No table depends on what happens on other nodes."""
        return 0

    def ipam(self, node: Node) -> Ipam:
        """host-local over the node's podCIDR."""
        return HostLocal(node.pod_cidr)

    def second_ipam(self, node: Node) -> Ipam | None:
        """The same for the second IP version."""
        return self.ipam(node.swapped) if node.second_pod_cidr else None

    def rewound(self, ipam: Ipam, before: Ipam) -> Ipam:
        """The copy: an allocator of this node alone is simply replaced."""
        return before

    def node_addresses(self, node: Node, ipam: Ipam, populated: bool) -> tuple[str, ...]:
        """None."""
        return ()

    def left_over(self, node: Node) -> Tables:
        """Nothing."""
        return Tables()

    def fabric_routes(self, nodes: Sequence[Node]) -> list[Route]:
        """None: the nodes' own network knows nothing of pods."""
        return []

    def allocate(self, ipam: Ipam, container: str) -> str:
        """The next address of the allocator."""
        return ipam.allocate(container)

    def add_result(self, node: Node, ipam: Ipam, container: str, address: str, second: str = "") -> Json:
        """What a subclass prints."""
        raise NotImplementedError

    def add(self, node: Node, ipam: Ipam, container: str) -> Json:
        """CNI ADD, both halves.  Raises AddressesExhausted."""
        return self.add_result(node, ipam, container, self.allocate(ipam, container))

    def result(self, interfaces: list[Json], addresses: list[Json], routes: list[Json]) -> Json:
        """An ADD result in the form of this plugin's version: before 1.0.0 an address says of which IP version it is."""
        old = tuple(map(int, self.version.split("."))) < (1, 0, 0)
        ips = [{"version": "6" if ":" in each["address"] else "4", **each} if old else each for each in addresses]
        return {"cniVersion": self.version, "interfaces": interfaces, "ips": ips, "routes": routes, "dns": {}}


def everywhere(address: str) -> str:
    """All addresses of an address's IP version, as CNI writes the destination of a default route.

    >>> everywhere("10.244.0.2"), everywhere("fd00:10:244::2")
    ('0.0.0.0/0', '::/0')
    """
    return "::/0" if ":" in address else "0.0.0.0/0"


def whole(address: str) -> str:
    """An address with the prefix length that makes it a network of its own.

    >>> whole("10.244.0.2"), whole("fd00:10:244::2")
    ('10.244.0.2/32', 'fd00:10:244::2/128')
    """
    return f"{address}/{128 if ':' in address else 32}"


def own_routes(dev: str, address: str) -> list[Route]:
    """What the kernel writes for an address that is a network of its own: a route in IPv6, nothing in IPv4.

    >>> print(*own_routes("flannel-v6.1", "fd00:10:244::/128"), own_routes("flannel.1", "10.244.0.0/32"))
    fd00:10:244:: dev flannel-v6.1 proto kernel metric 256 pref medium []
    """
    return [connected(dev, address)] if ":" in address else []


def sandbox(container: str) -> str:
    """The path of a pod's network namespace on its node, as the container runtime makes it.

    >>> sandbox("6f7a1e7c33")
    '/var/run/netns/cni-6f7a1e7c'
    """
    return f"/var/run/netns/cni-{container[:8]}"


def container_id(serial: int, key: str) -> str:
    """The id of a pod's sandbox: 64 hexadecimal digits, as containerd writes them, the same in every run.

    ``serial`` counts the sandboxes that the cluster has made, so that a recreated pod gets another id.

        >>> container_id(1, "default/frontend")[:8]
        '197e376c'
    """
    return hashlib.sha256(f"{serial} {key}".encode()).hexdigest()
