"""A cluster in real Linux: one network namespace a device, made from the model's tables, and real packets in them.

Nodes, pods, the switch between the nodes, the laptop, the router and the internet's host are namespaces with veth cables
between them; no cable leads out to the machine's own network.  What is in them is said in :mod:`~k8snet_course.emulator.plan`,
what is simplified in :mod:`~k8snet_course.emulator.simplifications`.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.capture import Capture
from k8snet_course.emulator.needs import check_machine
from k8snet_course.emulator.plan import Plan, cables, plans
from k8snet_course.emulator.probes import Client, Probe, client, run
from k8snet_course.emulator.sent import Sent
from k8snet_course.emulator.servers import Servers, listening
from k8snet_course.emulator.spaces import Spaces, finish, ip_batch, start
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.probe import is_address
from k8snet_course.underlay import LAPTOP, SWITCH

PATIENCE = 1.5
"""How many seconds a probe waits for an answer: a lost TCP packet is sent again after one."""
_FIRST_NUMBER = 0x6B380001
_LONGEST_COMMAND = 10
"""Seconds."""
_PROTOCOLS = ("TCP", "UDP", "ICMP")


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
    planned = plans(cluster)
    lab = Lab(cluster, planned)
    try:
        lab.build(planned)
        yield lab
    finally:
        lab.close()


class Lab:
    """The real network of one cluster; :func:`emulate` makes it."""

    def __init__(self, cluster: Cluster, planned: dict[str, Plan]) -> None:
        self._cluster = cluster
        self._spaces = Spaces(planned)
        self._captures: list[Capture] = []
        self._servers: Servers | None = None
        self._number = _FIRST_NUMBER

    def build(self, planned: dict[str, Plan]) -> None:
        """Make the namespaces and fill them.  Raises EmulatorUnavailable."""
        spaces = self._spaces
        spaces.make()
        for device, one in planned.items():
            spaces.inside(device, _set, one.early)
        spaces.inside(SWITCH, ip_batch, cables(self._cluster, spaces.names.__getitem__))
        started = []
        for device, one in planned.items():
            started.append(spaces.inside(device, start, "ip -batch -", "\n".join(one.ip)))
            if one.rules:
                started.append(spaces.inside(device, start, "iptables-restore", one.rules))
        finish(started)
        finish([spaces.inside(device, start, "bridge -batch -", "\n".join(one.bridge))
                for device, one in planned.items() if one.bridge])
        tunnels = frozenset(link.tunnel.port for node in self._cluster.nodes
                            for link in self._cluster.namespace(node.name).tunnels if link.tunnel is not None)
        sockets: list[socket.socket] = []
        for device, one in planned.items():
            self._captures.append(spaces.inside(device, _furnish, one, tunnels, sockets))
        self._servers = Servers(sockets)
        with spaces.inside(LAPTOP, socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as sender:
            next(each for each in self._captures if each.device == LAPTOP).wait_for_clock(sender)

    def close(self) -> None:
        """Take everything away."""
        if self._servers is not None:
            self._servers.close()
        for capture in self._captures:
            capture.close()
        self._spaces.remove()

    @property
    def namespaces(self) -> dict[str, str]:
        """The name of each device's network namespace, as `ip netns` lists it."""
        return dict(self._spaces.names)

    def send(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP") -> Sent:
        """Send a real packet, and say what became of it.  Raises NotFound or InvalidArgument.

        ``src`` is a pod, a node, or a machine outside; ``dst`` may also be a Service or an IPv4 address.  Without a ``port``
        (or with protocol ICMP) it is a ping.
        """
        return self.send_all([(src, dst, port, protocol)])[0]

    def send_all(self, wanted: Sequence[tuple[str, str, int | None, str]], patience: float = PATIENCE) -> list[Sent]:
        """Send many at once, and wait ``patience`` seconds for all answers together."""
        probes = [self._probe(*each) for each in wanted]
        clients: list[Client] = []
        try:
            for probe in probes:
                self._number += 1
                clients.append(self._spaces.inside(probe.device, client, probe, self._number))
            return run(clients, self._captures, patience)
        finally:
            for each in clients:
                each.socket.close()

    def exec(self, device: str, command: str) -> str:
        """What a command prints that runs in the network of a device: ``lab.exec("frontend", "ip route")``.

        It sees the machine's files and processes; only its network is the device's.  Raises NotFound if there is no such device
        or command, InvalidArgument if it does not end within 10 seconds.
        """
        words = shlex.split(command)
        space = self._device(device)
        try:
            done = self._spaces.inside(space, subprocess.run, words, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=_LONGEST_COMMAND,
                                       check=False)
        except FileNotFoundError:
            raise NotFound(words[0], "a command of this machine", "install the package that has it") from None
        except subprocess.TimeoutExpired:
            raise InvalidArgument(command, f"a command that ends within {_LONGEST_COMMAND} seconds",
                                  "give it a count or a time limit, such as 'ping -c 1'") from None
        return str(done.stdout)

    def _probe(self, src: str, dst: str, port: int | None, protocol: str) -> Probe:
        if protocol not in _PROTOCOLS:
            raise InvalidArgument(protocol, "the protocol TCP, UDP or ICMP", "write protocol='TCP'")
        if port is None or protocol == "ICMP":
            port, protocol = 0, "ICMP"
        elif not 1 <= port <= 65535:
            raise InvalidArgument(port, "a port from 1 to 65535, or None for a ping", "write port=80")
        return Probe(self._device(src), self.address_of(dst), port, protocol, src, dst)

    def _device(self, word: str) -> str:
        """The device that a word means.  Raises NotFound."""
        for key in (f"default/{word}", word.removeprefix("pod/"), word):
            pod = next((pod for pod in self._cluster.pods if pod.key == key), None)
            if pod is not None:
                return pod.node if pod.host_network else pod.key
        if word in self._spaces.names:
            return word
        raise NotFound(word, f"a device of this lab: {', '.join(self._spaces.names)}", "use one of them")

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


def _set(settings: Sequence[tuple[str, str]]) -> None:
    """Write settings into /proc/sys/net, which shows those of the namespace of whoever looks."""
    for name, value in settings:
        path = Path("/proc/sys/net", name)
        if path.exists():
            path.write_text(value, encoding="ascii")


def _furnish(one: Plan, tunnels: frozenset[int], sockets: list[socket.socket]) -> Capture:
    """Settings of interfaces, programs and capture of one device; inside its namespace."""
    _set(one.settings)
    sockets += listening(one.listeners)
    return Capture(one.device, one.ports, tunnels, frozenset() if one.rules else one.addresses)
