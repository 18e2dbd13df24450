"""A cluster in real Linux: one network namespace a device, made from the model's tables, and real packets in them.

Nodes, pods, the switch between the nodes, the laptop, the router and the internet's host are namespaces with veth cables
between them; no cable leads out to the machine's own network.  What is in them is said in :mod:`~k8snet_course.emulator.plan`,
what is simplified in :mod:`~k8snet_course.emulator.simplifications`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from k8snet_course.cluster import Cluster
from k8snet_course.cni.plugin import Json
from k8snet_course.emulator.attaching import PLUGINS as ATTACHED
from k8snet_course.emulator.attaching import node_runs, turns
from k8snet_course.emulator.dissect import frame_of
from k8snet_course.emulator.ending import ending_in_order
from k8snet_course.emulator.ground import Blueprint
from k8snet_course.emulator.needs import check_machine
from k8snet_course.emulator.plan import cables, check_cluster, plans
from k8snet_course.emulator.probes import Probe
from k8snet_course.emulator.remote import AnyGround, ground_of
from k8snet_course.emulator.sent import Sent
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.linux.packet import Frame
from k8snet_course.probe import MOST_BYTES, is_address
from k8snet_course.underlay import LAPTOP

PATIENCE = 1.5
"""How many seconds a probe waits for an answer: a lost TCP packet is sent again after one."""
_PROTOCOLS = ("TCP", "UDP", "ICMP")
Wanted = tuple[str, str, "int | None", str] | tuple[str, str, "int | None", str, int]
"""A probe: source, destination, port (None: a ping), protocol, and perhaps how many bytes it carries."""


@contextmanager
def emulate(cluster: Cluster) -> Iterator[Lab]:
    """Lay a cluster out in real network namespaces, and take everything away at the end.

    The lab shows the cluster as it is now; later changes of the cluster do not reach it.  Raises EmulatorUnavailable where the
    machine cannot do it, and NotEmulated for a cluster with something that this version cannot lay out.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster(nodes=2, cni="flannel")
        >>> _ = cluster.add_pod("a", node="node-1"), cluster.add_pod("c", node="node-2")
        >>> with emulate(cluster) as lab:  # doctest: +SKIP
        ...     print(lab.send("a", "c"))
        a -> c TCP 80: delivered; c saw 10.244.0.2 and TTL 62; by a, node-1, underlay, node-2, c;
        in VXLAN 192.168.1.2 -> 192.168.1.3
    """
    check_machine()
    with ending_in_order():
        ground = ground_of(blueprint(cluster))
        try:
            ground.build()
            yield Lab(cluster, ground)
        finally:
            ground.close()


def blueprint(cluster: Cluster) -> Blueprint:
    """What the lab of a cluster is made from.  Raises NotEmulated.

    >>> print(blueprint(Cluster(nodes=2)))
    6 devices, 5 cables
    """
    check_cluster(cluster)
    runs = node_runs(cluster)
    made = {device: links for run in runs for device, links in run.made.items()}
    return Blueprint(plans(cluster, made), tuple(cables(cluster, made)), tunnel_ports(cluster), LAPTOP, runs)


def tunnel_ports(cluster: Cluster) -> frozenset[int]:
    """The UDP ports of the nodes' tunnels.

    >>> tunnel_ports(Cluster(cni="flannel"))
    frozenset({8472})
    """
    return frozenset(link.tunnel.port for node in cluster.nodes for link in cluster.namespace(node.name).tunnels
                     if link.tunnel is not None)


class Lab:
    """The real network of one cluster; :func:`emulate` makes it."""

    def __init__(self, cluster: Cluster, ground: AnyGround) -> None:
        self._cluster = cluster
        self._ground = ground

    @property
    def namespaces(self) -> dict[str, str]:
        """The name of each device's network namespace, as `ip netns` lists it."""
        return self._ground.names

    def send(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP", *, size: int = 0) -> Sent:
        """Send a real packet, and say what became of it.  Raises NotFound or InvalidArgument.

        ``src`` is a pod, a node, or a machine outside; ``dst`` may also be a Service or an IPv4 address.  Without a ``port``
        (or with protocol ICMP) it is a ping.  ``size`` is the number of bytes that a ping or a datagram carries; no router may
        cut the ping (`ping -M do`), and any may cut the datagram.
        """
        return self._ground.send([self._probe(src, dst, port, protocol, size)], PATIENCE)[0]

    def send_all(self, wanted: Sequence[Wanted], patience: float = PATIENCE) -> list[Sent]:
        """Send many at once, and wait ``patience`` seconds for all answers together.

        Each is source, destination, port, protocol and, if it is to have one, its size.
        """
        return self._ground.send([self._probe(*each) for each in wanted], patience)

    def frames(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP", *, device: str,
               link: str) -> tuple[Frame, ...]:
        """Send a real packet as ``send`` does, and return the frames that pass an interface of a device meanwhile.

        They are the values that the model has for frames, read from the bytes on the wire (:mod:`.dissect`); what is no IPv4,
        such as ARP, is left out.  Raises NotFound or InvalidArgument.
        """
        where, tunnels = self._device(device), tunnel_ports(self._cluster)
        recorded = self._ground.record(where, link, [self._probe(src, dst, port, protocol)], PATIENCE)
        return tuple(frame for data in recorded if (frame := frame_of(data, tunnels)) is not None)

    def exec(self, device: str, command: str) -> str:
        """What a command prints that runs in the network of a device: ``lab.exec("frontend", "ip route")``.

        It sees the machine's files and processes; only its network is the device's.  Raises NotFound if there is no such device
        or command, InvalidArgument if it does not end within 10 seconds.
        """
        return self._ground.exec(self._device(device), shlex.split(command))

    def cni(self, pod: str, command: str = "ADD") -> list[Json]:
        """What the reference CNI plugins have answered, or (CHECK, DEL) answer now: one answer a plugin, {} for none.

        The lab's pods have been added; the result of the last plugin is given.  Raises NotFound for a pod that is not attached
        by them, and InvalidArgument for another command.
        """
        device = self._device(pod)
        found = next((each for each in self._cluster.pods if each.key == device), None)
        if found is None or self._cluster.cni not in ATTACHED:
            raise NotFound(pod, "a pod that the reference CNI plugins have attached",
                           f"use a cluster with {', '.join(ATTACHED)}")
        return self._ground.cni(found.node, device, () if command == "ADD" else turns(self._cluster, device, command))

    def _probe(self, src: str, dst: str, port: int | None, protocol: str, size: int = 0) -> Probe:
        if protocol not in _PROTOCOLS:
            raise InvalidArgument(protocol, "the protocol TCP, UDP or ICMP", "write protocol='TCP'")
        if port is None or protocol == "ICMP":
            port, protocol = 0, "ICMP"
        elif not 1 <= port <= 65535:
            raise InvalidArgument(port, "a port from 1 to 65535, or None for a ping", "write port=80")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MOST_BYTES:
            raise InvalidArgument(size, f"a number of bytes from 0 to {MOST_BYTES}", "write size=0")
        if size and protocol == "TCP":
            raise InvalidArgument(size, "no size with TCP, whose first packet carries nothing", "ask with protocol='ICMP'")
        return Probe(self._device(src), self.address_of(dst), port, protocol, src, dst, size)

    def _device(self, word: str) -> str:
        """The device that a word means.  Raises NotFound."""
        for key in (f"default/{word}", word.removeprefix("pod/"), word):
            pod = next((pod for pod in self._cluster.pods if pod.key == key), None)
            if pod is not None:
                return pod.node if pod.host_network else pod.key
        if word in self._ground.names:
            return word
        raise NotFound(word, f"a device of this lab: {', '.join(self._ground.names)}", "use one of them")

    def address_of(self, word: str) -> str:
        """The address that a word means: an address, a pod, a node, a machine outside or a Service.  Raises NotFound."""
        if is_address(word):
            return word
        for service in self._cluster.services:
            if word in (service.key, service.key.removeprefix("default/")) and service.cluster_ip:
                return service.cluster_ip
        for pod in self._cluster.pods:
            if word in (pod.key, pod.label):
                return pod.ip
        device = self._device(word)
        names = {node.name: node.ip for node in self._cluster.nodes}
        return names[device] if device in names else self._cluster.host(device).ip

