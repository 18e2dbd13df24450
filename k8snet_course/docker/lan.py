"""A local network that holds machines which are no nodes of a cluster: Docker hosts, or the hypervisors of virtual machines.

The wire is the one that a cluster's nodes stand on (:mod:`k8snet_course.underlay`): a switch, a router, the laptop, and the
internet behind the router.  This module keeps the namespaces of all machines and what they have learnt, finds who has an
address, and sends packets.  What a machine's Linux holds is said by whoever builds on it (``_derive``).

It has the properties that pictures ask a cluster for (``nodes``, ``pods``, ``pods_on``, ``services``, ``hosts``, ``namespace``,
``holders``), so that a trace through such a network is drawn like any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address

from k8snet_course.addressing import network
from k8snet_course.device import Device
from k8snet_course.errors import AlreadyExists, InvalidArgument, InvalidCidr, NotFound
from k8snet_course.linux import forward
from k8snet_course.linux.link import Link, loopback
from k8snet_course.linux.namespace import Learned, Namespace
from k8snet_course.linux.route import RouteTable
from k8snet_course.linux.trace import Trace
from k8snet_course.names import nearest
from k8snet_course.objects import Node, Pod
from k8snet_course.objects.service import Service
from k8snet_course.probe import is_address, probe
from k8snet_course.underlay import HOSTS, SWITCH, Underlay

MOST_MACHINES = 9
_SMALLEST = 26
"""The prefix length of the smallest network in which the machines' places (.20 to .28, .30 to .38) exist."""


@dataclass(frozen=True, slots=True)
class Host(Node):
    """A machine on the local network that containers or virtual machines run on.

    It stands where a node of a cluster would stand, but nobody has given it a range for pods: ``pod_cidr`` is empty.

    >>> print(Host("docker-1", "192.168.1.20", ""))
    host docker-1 192.168.1.20
    """

    def __str__(self) -> str:
        return f"host {self.name} {self.ip}"


class Lan(ABC):
    """The wire, the machines on it, and everything that runs on them.

    ``node_network`` is the network of the wire; ``machines`` are called ``prefix``-1, ``prefix``-2, ..., and their addresses
    begin at place number ``first`` of that network.  Raises InvalidArgument or InvalidCidr.
    """

    def __init__(self, machines: int, prefix: str, first: int, node_network: str) -> None:
        if not isinstance(machines, int) or isinstance(machines, bool) or not 1 <= machines <= MOST_MACHINES:
            raise InvalidArgument(machines, f"a number of hosts from 1 to {MOST_MACHINES}", "write hosts=1")
        wire = network(node_network, "node network")
        if not isinstance(wire, IPv4Network) or wire.prefixlen > _SMALLEST:
            raise InvalidCidr(node_network, f"an IPv4 network with room for the machines (/{_SMALLEST} or larger)",
                              "write node_network='192.168.1.0/24'")
        self.node_network = str(wire)
        self._wire = wire
        self._underlay = Underlay(wire)
        self._machines = {name: Host(name, str(wire[first + number]), "")
                          for number, name in enumerate(f"{prefix}-{count}" for count in range(1, machines + 1))}
        self._namespaces: dict[str, Namespace] = {}
        self._learned: dict[str, Learned] = {}
        self._found: dict[str, list[str]] | None = None
        self._sent = 0

    # -- what there is -------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> tuple[Host, ...]:
        """The machines that others run on, in order."""
        return tuple(self._machines.values())

    @property
    @abstractmethod
    def pods(self) -> tuple[Pod, ...]:
        """What runs on them, in the order in which it was made."""

    def pods_on(self, node: str) -> tuple[Pod, ...]:
        """What runs on one machine, those that use its own network first.  Raises NotFound."""
        at = self._machine(node).name
        return tuple(sorted((pod for pod in self.pods if pod.node == at), key=lambda pod: not pod.host_network))

    @property
    def services(self) -> tuple[Service, ...]:
        """None: Services are Kubernetes' own."""
        return ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The machines on or behind the wire that nothing runs on: laptop, router, internet."""
        return HOSTS

    def host(self, name: str) -> Device:
        """The tables of a machine: one of ``nodes``, the laptop, the router, or the switch ``underlay``.  Raises NotFound."""
        if name in self._machines:
            return Device(self, name, self._machines[name].ip)
        if name not in (*HOSTS, SWITCH):
            raise NotFound(name, f"a machine: {', '.join((*self._machines, *HOSTS, SWITCH))}", "use one of them")
        return Device(self, name, self._underlay.address.get(name, ""))

    # -- packets -------------------------------------------------------------------------------------------------------

    def send(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP", *, size: int = 0) -> Trace:
        """Send one packet and return its walk and that of the answer.

        ``src`` and ``dst`` are the name of something that runs here, of a machine, or (``dst`` only) an IP address.  Without a
        ``port`` (or with protocol ICMP) the packet is a ping; ``size`` is the number of bytes that it carries.  Names are for
        the person who asks: no DNS is involved.  Raises NotFound or InvalidArgument.
        """
        dst = "127.0.0.1" if dst == "localhost" else dst
        source = self._meant(src)
        target = "" if is_address(dst) else self._meant(dst)
        address = self._address_for(source, target) if target else str(ip_address(dst))
        if not address:
            raise InvalidArgument(dst, "something that has an address", "attach it to a network first")
        self._sent += 1
        return forward.send(self, self._device(source), probe(address, port, protocol, size), _said(target) or address,
                            self._device(target) if target else "", asked=_said(source), seed=self._sent)

    # -- what the linux layer asks (it is a Network) ---------------------------------------------------------------------

    def namespace(self, name: str) -> Namespace:
        """The network namespace of this name, made when somebody looks at it.  Raises NotFound."""
        if self._device(name) != name:
            return self.namespace(self._device(name))
        found = self._namespaces.get(name)
        if found is None:
            found = self._namespaces[name] = self._namespace_of(name)
        return found

    def holders(self, address: str) -> Sequence[str]:
        """The names of all namespaces that have this address."""
        if self._found is None:
            self._found = {}
            for held, name in self._held():
                self._found.setdefault(held, []).append(name)
        return self._found.get(address, ())

    # -- for those who build on it ---------------------------------------------------------------------------------------

    @abstractmethod
    def _derive(self, name: str, learned: Learned) -> Namespace:
        """The namespace of something that runs here, or of one of the machines.  Raises NotFound."""

    @abstractmethod
    def _held(self) -> Iterable[tuple[str, str]]:
        """Every address, with the namespace that has it."""

    def _device(self, name: str) -> str:
        """The namespace that a name stands for: some things use another one's network."""
        return name

    def _address_for(self, source: str, target: str) -> str:
        """The address by which ``source`` would call ``target``."""
        if target in self._machines:
            return self._machines[target].ip
        found = next((pod.ip for pod in self.pods if pod.key == target), "")
        return found or self._underlay.address.get(target, "")

    def _changed(self) -> None:
        """Something came or went: every table is made again when it is next looked at."""
        self._namespaces.clear()
        self._found = None

    def _memory(self, name: str) -> Learned:
        """What a namespace has learnt from packets."""
        return self._learned.setdefault(name, Learned())

    def _gone(self, name: str, address: str, host: str, cable: str) -> None:
        """Nobody remembers what was unplugged; ``cable`` is the name that its interface had on the host."""
        for learned in self._learned.values():
            learned.neighbours.forget(address)
        for fdb in self._memory(host).fdb.values():
            fdb.forget_port(cable)
        self._changed()

    def _machine(self, name: object) -> Host:
        """A machine of this name.  Raises NotFound."""
        if isinstance(name, str) and name in self._machines:
            return self._machines[name]
        raise NotFound(name, f"a host: {', '.join(self._machines)}", f"write '{nearest(name, self._machines)}'")

    def _must_be_new(self, name: str) -> None:
        """Raises AlreadyExists for a name that one can call something else by."""
        if name in (*self._machines, *HOSTS, SWITCH) or any(pod.label == name for pod in self.pods):
            raise AlreadyExists(name, "a name that nothing else here has", "choose another name")

    # -- its own -------------------------------------------------------------------------------------------------------

    def _meant(self, name: str) -> str:
        """The namespace or machine that a learner's word means."""
        known = [*(pod.label for pod in self.pods), *self._machines, *HOSTS]
        found = next((pod.key for pod in self.pods if isinstance(name, str) and name in (pod.label, pod.key)), "")
        if found:
            return found
        if isinstance(name, str) and name in known:
            return name
        raise NotFound(name, f"one of {', '.join(known)}, or an IP address as the destination",
                       f"write '{nearest(name, known)}'")

    def _namespace_of(self, name: str) -> Namespace:
        learned = self._memory(name)
        if name == SWITCH:
            return self._underlay.switch(self.nodes, learned)
        if name in HOSTS:
            return self._underlay.host(name, learned)
        return self._derive(name, learned)

    def __repr__(self) -> str:
        lines = []
        for machine in self.nodes:
            lines += [f"{machine}", *(f"  {pod}" for pod in self.pods if pod.node == machine.name)]
        return "\n".join(lines)


def stand_in(name: str, label: str, links: Iterable[Link], learned: Learned) -> Namespace:
    """A namespace that answers ARP requests on a wire in the name of somebody who is on it by a way the model has not.

    The linux layer knows one bridge as one wire.  Where a real wire runs through several, each of the others' machines has a
    stand-in on this one: an interface with its address and MAC address, plugged in where the real one would be heard.  It
    shares what the real one has ``learned``, and no packet ever visits it.

        >>> from k8snet_course.linux.link import End
        >>> far = stand_in("laptop on br0", "laptop", [Link("eth0", "veth", 2, "5e:00:00:00:00:01", peer=End("hv-1", "eth0"))],
        ...                Learned())
        >>> far.label, list(far.links)
        ('laptop', ['lo', 'eth0'])
    """
    made = Namespace(name, "laptop", [loopback(), *links], RouteTable(), learned=learned)
    made.label = label
    return made


def _said(name: str) -> str:
    """A name as people say it."""
    return name.removeprefix("default/")
