"""Pods that no table tells apart, so that one packet can stand for a hundred million.

What becomes of a packet between two pods follows from the tables that it meets: those of the two pods, of their nodes, and the
policies at the pods' doors.  The plugin writes the same pattern on all nodes and for all pods, so only a few things can make a
difference, and these are a pair's *kind*:

- what listens on the port, whether there is a sidecar, which ports of the node the pod has, whether it uses the node's network;
- whether the two are the same, on the same node, or on different ones; which nodes these are only where a fault is near;
- whether an address, a network or an interface that a fault is about is a pod's;
- what the policies of the one say of the other, and those of the other of the one.

A pod with a fault of its own, or with an address that its node has borrowed, is like no other.  Where an address is held twice,
where a Service takes a pod's address for itself, or where a fault is none of those that this course knows, the reasoning does
not hold, and :func:`told_apart` says so.

This module sends nothing: that is :mod:`k8snet_course.class_walks`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import fields
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from k8snet_course import faults
from k8snet_course.addressing import Network
from k8snet_course.cni.calico import CalicoBgp
from k8snet_course.derivation import Derivation
from k8snet_course.faults import Fault
from k8snet_course.linux.namespace import Listener
from k8snet_course.objects.network_policy import EGRESS, INGRESS
from k8snet_course.objects.pod import LISTEN_ANNOTATION, Pod
from k8snet_course.policy import Party
from k8snet_course.policy.algebra import bits_of
from k8snet_course.policy.matrix import Matrix
from k8snet_course.policy.rules import Peer, PodPeer, Policy, rules_of
from k8snet_course.programs import host_ports, listeners_of
from k8snet_course.services.kube_proxy.ipvs_text import DEVICE as SERVICES_DEVICE
from k8snet_course.sidecar import has_sidecar, sockets

SELF, SAME_NODE, OTHER_NODE = "self", "same node", "other node"

Where = str | tuple[int, int, bool]
"""How two pods stand to each other; or, where a fault is near, their nodes' numbers and whether they are one device."""

Kind = tuple[int, int, Where, Hashable]
"""What a packet's fate follows from: the ends' tables, where they are, and what policies say."""


class PodClass(NamedTuple):
    """What can be told of a pod: the number of its ``tables``, and what policies see (``seen``).

    ``host``: it uses its node's network; ``alone``: it is like no other.
    """

    tables: int
    seen: Hashable
    host: bool
    alone: bool


class Sides(Matrix):
    """What policies say of two classes of pods, each side apart."""

    __slots__ = ()

    def says(self, source: int, destination: int) -> int:
        """2 if the source's policies allow the connection, 1 if the destination's do, 3 if both."""
        return 2 * self._leaves(source, destination) + self._enters(source, destination)

    def allowed_masks(self) -> tuple[list[int], list[int]]:
        """Of each class, as bits: to whom its own policies let it connect, and whose policies let it in."""
        known: dict[bytes, int] = {}
        for row in (*self._out, *self._in):
            if row not in known:
                digits = f"{int.from_bytes(row, 'little'):0{8 * len(row)}b}"[::-1]
                known[row] = int("0" + "".join(reversed([digits[spot] for spot in self._spot])), 2)
        entered = [0] * len(self._spot)
        by_row: dict[bytes, int] = {}
        for number, row in enumerate(self._in):
            by_row[row] = by_row.get(row, 0) | 1 << number
        for row, receivers in by_row.items():
            for source in bits_of(known[row]):
                entered[source] |= receivers
        return [known[row] for row in self._out], entered


class PodClasses:
    """The pods of a cluster in classes, for packets to one port (0: pings) of the IP version that pods have ``at`` this place.

    It keeps what it has read: a cluster that changes later does not change it.
    """

    def __init__(self, linux: Derivation, protocol: str, port: int, at: int) -> None:
        control, policies = linux.control, linux.api.policies
        self.protocol, self.port, self.at = protocol, port, at
        self.pods = tuple(control.pods.values())
        self.node_ips = [state.node.ips for state in control.nodes.values()]
        number_of = {name: state.number for name, state in control.nodes.items()}
        self.node = [number_of[pod.node] for pod in self.pods]
        self.enforcement = policies.enforcement
        self.policies: tuple[Policy, ...] = policies.policies if self.enforcement.enforces else ()
        self.spaces = {name: linux.api.namespace(name) for name in dict.fromkeys(pod.namespace for pod in self.pods)}
        faulty = {fault.device for fault in linux.faults}
        self.near_faults = frozenset(number_of[name] for name in faulty if name in number_of)
        """The nodes that are looked at one by one: those with a fault, or if the fault is between the nodes all of them."""
        if any(name not in number_of and name not in control.pods for name in faulty):
            self.near_faults = frozenset(number_of.values())
        self.sides = Sides((self.party(number) for number, pod in enumerate(self.pods) if not pod.host_network), self.policies,
                           protocol, port, self.enforcement) if self.policies else None
        self.of: list[int] = []
        """The class of each pod, as its place in ``classes``."""
        known: dict[PodClass, int] = {}
        reader = _Reader(linux, self, faulty | borrowed(linux))
        for pod in self.pods:
            one = reader.read(pod)
            self.of.append(known.setdefault(one, len(known)))
        self.classes = tuple(known)

    def party(self, number: int) -> Party:
        """A pod as policies see it."""
        pod = self.pods[number]
        return Party.of_pod(pod, self.spaces[pod.namespace], pod.ips[self.at])

    def kind(self, one: int, other: int) -> Kind:
        """What becomes of a packet from one pod to another follows from this; both by their places in ``pods``."""
        source, target = self.classes[self.of[one]], self.classes[self.of[other]]
        here, there = self.node[one], self.node[other]
        itself = one == other or (source.host and target.host and here == there)
        where: Where = SELF if itself else SAME_NODE if here == there else OTHER_NODE
        if source.alone or target.alone or here in self.near_faults or there in self.near_faults:
            where = (here, there, itself)
        return source.tables, target.tables, where, self.said(source, target)

    def said(self, source: PodClass, target: PodClass) -> Hashable:
        """What policies say of two classes: :meth:`Sides.says`, or where one is on a node's network how they see the two."""
        if self.sides is None or source.host or target.host:
            return source.seen, target.seen
        assert isinstance(source.seen, int) and isinstance(target.seen, int), "a class of pods with a network of their own"
        return self.sides.says(source.seen, target.seen)


class _Reader:
    """Puts pods into classes, and notes what many of them have in common."""

    def __init__(self, linux: Derivation, classes: PodClasses, alone: set[str]) -> None:
        self.linux = linux
        self.classes = classes
        self.alone = alone
        self._numbers: dict[Hashable, int] = {}
        self._tables: dict[Hashable, Hashable] = {}
        self._seen: dict[str, Hashable] = {}
        rules = (rule for policy in classes.policies for direction in (EGRESS, INGRESS)
                 for rule in rules_of(policy, direction, classes.enforcement))
        self._peers: list[Peer] = list(dict.fromkeys(
            peer for rule in rules for peer in rule.peers if not isinstance(peer, PodPeer)))
        self._marks = marks_of(linux.faults)
        self._node_ports = {number for service in linux.api.services.services.values()
                            for number in (service.health_check_node_port, *(port.node_port for port in service.ports))}

    def read(self, pod: Pod) -> PodClass:
        """The class of a pod."""
        seen: Hashable
        if pod.host_network:
            look: Hashable = pod.node
        else:
            finished = self.linux.api.services.state(pod.key).finished
            look = (pod.containers, pod.annotations.get(LISTEN_ANNOTATION), has_sidecar(pod), finished)
        if look not in self._tables:
            self._tables[look] = self._of_node(pod.node) if pod.host_network else self._of_pod(pod)
        tables = self._tables[look]
        alone = pod.key in self.alone or pod.ips[self.classes.at] in self.alone
        if alone or self._marks:
            about = tuple(mark.is_about(pod, self.linux, self.classes.at) for mark in self._marks)
            tables = (pod.key if alone else "", tables, about)
        if pod.host_network:
            seen = self._node_seen(pod.node)
        else:
            seen = self.classes.sides.class_of(pod.key).number if self.classes.sides is not None else 0
        return PodClass(self._numbers.setdefault(tables, len(self._numbers)), seen, pod.host_network, alone)

    def _of_pod(self, pod: Pod) -> Hashable:
        """What tells the tables of pods apart that have a network of their own."""
        return self._asked(pod), has_sidecar(pod), host_ports(pod)

    def _of_node(self, node: str) -> Hashable:
        """What tells nodes apart that packets go to; one that sends this very port elsewhere is like no other."""
        state, port = self.linux.control.nodes[node], self.classes.port
        taken = [each.port for key, each in state.host_ports if key not in state.at_home]
        diverted = port in self._node_ports or port in taken
        programs = tuple(self._asked(self.linux.control.pods[key]) for key in state.at_home)
        return programs, bool(state.cables), state.populated, node if diverted else "any node"

    def _asked(self, pod: Pod) -> tuple[Listener, ...]:
        """The programs of a pod that wait at the port in question."""
        if not self.classes.port or self.linux.api.services.state(pod.key).finished:
            return ()
        programs = (*(sockets() if has_sidecar(pod) else ()), *listeners_of(pod))
        return tuple(row for row in programs if (row.protocol, row.port) == (self.classes.protocol, self.classes.port))

    def _node_seen(self, node: str) -> Hashable:
        """How policies see a node, whichever of its addresses it takes.  Services' addresses (mode ipvs) all nodes have."""
        if node not in self._seen:
            labels = self.linux.control.nodes[node].labels
            addresses = [text.partition("/")[0] for link in self.linux.namespace(node).links.values()
                         if link.name != SERVICES_DEVICE for text in link.addresses] if self._peers else []
            parties = [party for address in addresses
                       for party in (Party.of_node(node, address, labels), Party.outside(address))]
            self._seen[node] = tuple(peer.matches(party) for party in parties for peer in self._peers)
        return self._seen[node]


class Mark(NamedTuple):
    """Something that a fault of a ``device`` names: a network, or (None) the name or MAC address of an interface."""

    device: str
    text: str
    network: Network | None

    def is_about(self, pod: Pod, linux: Derivation, at: int) -> bool:
        """Whether it is about this pod: its address is in the network, or its cable to the device has this name or address."""
        if self.network is not None:
            return ip_address(pod.ips[at]) in self.network
        if self.device != pod.node or pod.host_network:
            return False
        return any(self.text in (one["name"], one["mac"]) for one in linux.control.attachment(pod).result["interfaces"])


def marks_of(broken: Iterable[Fault]) -> tuple[Mark, ...]:
    """Everything that faults name.

    >>> from k8snet_course.faults import MissingRoute
    >>> [mark.text for mark in marks_of([MissingRoute("node-1", "10.244.1.0/24")])]
    ['10.244.1.0/24']
    """
    found = {}
    for fault in broken:
        for each in fields(fault):  # type: ignore[arg-type] # the faults of this course are dataclasses
            text = getattr(fault, each.name)
            if each.name != "device" and isinstance(text, str):
                found[fault.device, text] = Mark(fault.device, text, _network(text))
    return tuple(found.values())


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def borrowed(linux: Derivation) -> set[str]:
    """The addresses of pods that are from another node's block (Calico): their way is not that of the rest."""
    pools = linux.plugin.pools if isinstance(linux.plugin, CalicoBgp) else ()
    return {address for pool in pools for address, _, _ in pool.borrowed()}


def told_apart(linux: Derivation, at: int) -> str:
    """Why pods of this cluster cannot be put into classes, so that each pair has to be asked; empty: they can.

    >>> from k8snet_course.cluster import Cluster
    >>> told_apart(Cluster(nodes=2, cni="flannel")._linux, 0)
    ''
    """
    for address, names in linux.control.holders.items():
        if len(names) > 1:
            return f"{' and '.join(names)} have the address {address}, and who gets a packet depends on who was asked before"
    for fault in linux.faults:
        if type(fault).__module__ != faults.__name__:
            return f"what {type(fault).__name__} does to {fault.device} is not known here"
    pods = {pod.ips[at]: pod for pod in linux.control.pods.values()}
    for service in linux.api.services.services.values():
        for address in (*service.external_ips, *service.load_balancer_ips):
            if address in pods:
                return f"Service {service.key} takes packets to {address}, the address of {pods[address].label}"
    return ""
