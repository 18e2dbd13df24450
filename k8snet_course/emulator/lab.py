"""A cluster in real Linux: one network namespace a device, made from the model's tables, and real packets in them.

Nodes, pods, the switch between the nodes, the laptop, the router and the internet's host are namespaces with veth cables
between them; no cable leads out to the machine's own network.  What is in them is said in :mod:`~k8snet_course.emulator.plan`,
what is simplified in :mod:`~k8snet_course.emulator.simplifications`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf

from k8snet_course.cluster import Cluster
from k8snet_course.cni.plugin import Json
from k8snet_course.emulator.attaching import PLUGINS as ATTACHED
from k8snet_course.emulator.attaching import node_runs, turns
from k8snet_course.emulator.dissect import frame_of
from k8snet_course.emulator.ending import ending_in_order
from k8snet_course.emulator.ground import Blueprint
from k8snet_course.emulator.needs import EmulatorUnavailable, check_machine
from k8snet_course.emulator.plan import cables, check_cluster, plans
from k8snet_course.emulator.probes import Probe
from k8snet_course.emulator.remote import AnyGround, ground_of
from k8snet_course.emulator.sent import Sent
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.linux.packet import Frame
from k8snet_course.probe import probe
from k8snet_course.shell.line import needs_shell
from k8snet_course.shell.runner import words_of
from k8snet_course.underlay import LAPTOP, SWITCH

PATIENCE = 1.5
"""How many seconds a probe waits for an answer: a lost TCP packet is sent again after one."""
_PROTOCOLS = ("TCP", "UDP", "ICMP")
Wanted = tuple[str, str, "int | None", str] | tuple[str, str, "int | None", str, int]
"""A probe: source, destination, port (None: a ping), protocol, and perhaps how many bytes it carries."""


@contextmanager
def emulate(cluster: Cluster) -> Iterator[Lab]:
    """Lay a cluster out in real network namespaces, and take everything away at the end.

    The lab shows the cluster as it is now; later changes of the cluster do not reach it.  Raises EmulatorUnavailable where the
    machine cannot do it, NotEmulated for a cluster with something that this version cannot lay out, and InvalidArgument for
    what is no cluster.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster(nodes=2, cni="flannel")
        >>> _ = cluster.add_pod("a", node="node-1"), cluster.add_pod("c", node="node-2")
        >>> with emulate(cluster) as lab:  # doctest: +SKIP
        ...     print(lab.send("a", "c"))
        a -> c TCP 80: delivered; c saw 10.244.0.2 and TTL 62; by a, node-1, underlay, node-2, c;
        in VXLAN 192.168.1.2 -> 192.168.1.3
    """
    if not isinstance(cluster, Cluster):
        raise InvalidArgument(cluster, "a cluster", "write emulate(Cluster(nodes=2, cni='flannel')), for example")
    check_machine()
    with ending_in_order():
        ground = ground_of(blueprint(cluster))
        lab = Lab(cluster, ground)
        try:
            ground.build()
            yield lab
        finally:
            lab.gone = True
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
        self._devices = frozenset(ground.names)
        self._text = (f"lab of {_counted(len(cluster.nodes), 'node')}, {_counted(len(cluster.pods), 'pod')}, "
                      f"{', '.join(cluster.hosts[:-1])} and {cluster.hosts[-1]} ({cluster.cni})")
        self.gone = False
        """Whether everything has been taken away."""

    def __repr__(self) -> str:
        return self._text

    @property
    def namespaces(self) -> dict[str, str]:
        """The name of each device's network namespace, as `ip netns` lists it."""
        return self._ground.names

    def send(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP", *, size: int = 0) -> Sent:
        """Send a real packet, and say what became of it.  Raises NotFound or InvalidArgument.

        ``src`` and ``dst`` are what they are for :meth:`Cluster.send <k8snet_course.cluster.Cluster.send>`: a pod, a node or a
        machine outside; ``dst`` may also be a Service, an address, or a name.  There is no resolver in the lab: names are
        looked up as the model does, and NotFound is raised for one that nobody has.  Without a ``port`` (or with protocol ICMP)
        it is a ping.  ``size`` is the number of bytes that a ping or a datagram carries; no router may cut the ping
        (`ping -M do`), and any may cut the datagram.
        """
        return self._here().send([self._probe(src, dst, port, protocol, size)], PATIENCE)[0]

    def send_all(self, wanted: Sequence[Wanted], patience: float = PATIENCE) -> list[Sent]:
        """Send many at once, and wait ``patience`` seconds for all answers together.

        Each is source, destination, port, protocol and, if it is to have one, its size.  Raises NotFound or InvalidArgument.
        """
        if not isinstance(patience, int | float) or isinstance(patience, bool) or not 0 <= patience < inf:
            raise InvalidArgument(patience, "a number of seconds, 0 or more", "write patience=1.5")
        if not isinstance(wanted, Sequence):
            raise InvalidArgument(wanted, "a list of probes", "write [('a', 'b', 80, 'TCP')]")
        for each in wanted:
            if not isinstance(each, Sequence) or isinstance(each, str) or len(each) not in (4, 5):
                raise InvalidArgument(each, "a probe: source, destination, port, protocol and perhaps a size",
                                      "write ('a', 'b', 80, 'TCP')")
        return self._here().send([self._probe(*each) for each in wanted], patience)

    def frames(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP", *, device: str,
               link: str) -> tuple[Frame, ...]:
        """Send a real packet as ``send`` does, and return the frames that pass an interface of a device meanwhile.

        They are the values that the model has for frames, read from the bytes on the wire (:mod:`.dissect`); ARP and
        IPv6's questions for neighbours are left out.  Raises NotFound or InvalidArgument.
        """
        where, tunnels = self._device(device), tunnel_ports(self._cluster)
        if not isinstance(link, str):
            raise NotFound(link, f"an interface of {device}", "look at the output of 'ip link' there")
        recorded = self._here().record(where, link, [self._probe(src, dst, port, protocol)], PATIENCE)
        return tuple(frame for data in recorded if (frame := frame_of(data, tunnels)) is not None)

    def exec(self, device: str, command: str | Sequence[str]) -> str:
        """What a command prints that runs in the network of a device: ``lab.exec("frontend", "ip route")``.

        It is a text, which may be a line for a shell ("ip route | head -1"), or a list of words.  It sees the machine's files
        and processes; only its network is the device's.  What it leaves running behind it ends with the lab at the latest.
        Raises NotFound if there is no such device or command, InvalidArgument if it cannot be read or does not end within
        10 seconds.
        """
        where, words = self._device(device), words_of(command)
        if isinstance(command, str) and needs_shell(command):
            words = ["sh", "-c", command]
        return self._here().exec(where, words)

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
        return self._here().cni(found.node, device, () if command == "ADD" else turns(self._cluster, device, command))

    def _probe(self, src: str, dst: str, port: int | None, protocol: str, size: int = 0) -> Probe:
        if protocol not in _PROTOCOLS:
            raise InvalidArgument(protocol, "the protocol TCP, UDP or ICMP", "write protocol='TCP'")
        source, target = self._cluster.meant(src, dst)
        if not target.address:
            raise NotFound(dst, f"a name that the resolver of {src} finds ({target.why.rstrip('.')})",
                           "write a name or an address that is there")
        packet = probe(target.address, port, protocol, size)
        if size and packet.protocol == "TCP":
            raise InvalidArgument(size, "no size with TCP, whose first packet carries nothing", "ask with protocol='ICMP'")
        return Probe(self._there(src, source), target.address, packet.dst_port, "ICMP" if packet.is_icmp else protocol,
                     src, dst, size)

    def _device(self, word: str) -> str:
        """The device that a word means.  Raises NotFound."""
        return SWITCH if word == SWITCH else self._there(word, self._cluster.meant(word, "localhost")[0])

    def _there(self, word: str, device: str) -> str:
        """The device, which has to be one of those that were there when the lab was made.  Raises NotFound."""
        if device not in self._devices:
            raise NotFound(word, f"a device of this lab: {', '.join(sorted(self._devices))}",
                           "make the lab anew, which shows the cluster as it was then")
        return device

    def _here(self) -> AnyGround:
        """The ground, if it is there.  Raises EmulatorUnavailable."""
        if self.gone:
            raise EmulatorUnavailable("a lab that has been taken away", "one that is asked inside its 'with emulate(cluster)'",
                                      "make the lab again")
        return self._ground


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
