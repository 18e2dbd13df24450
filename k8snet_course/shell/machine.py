"""Where a command runs: a pod, a node or a machine outside, as the programs there see it.

This is the one place where the shell asks the cluster: for the tables of a device, for a packet to be sent, for names and for
HTTP requests.  Commands read and word what comes back; none of them has its own idea of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8snet_course.dns import Answer, Lookup, ResolvConf, Server
from k8snet_course.dns.names import reverse_name
from k8snet_course.errors import CourseError, NotFound
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.packet import DEFAULT_TTL, Packet
from k8snet_course.linux.trace import Trace
from k8snet_course.meaning import Meaning
from k8snet_course.names import nearest
from k8snet_course.objects import Pod
from k8snet_course.probe import EPHEMERAL_PORT, is_address
from k8snet_course.response import Response
from k8snet_course.shell.images import MACHINE, Image, image
from k8snet_course.shell.outcome import Noticed, Outcome, error_text, outcome
from k8snet_course.underlay import INTERNET, ROUTER

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster

HOP_TIME = 0.02
"""Milliseconds.  The model has no time on the wire; commands that print one count this for each device on the way there and
back, so that a longer way takes longer, and the same way takes the same in every run."""
DNS_PORT, DNS_OVERHEAD = 53, 18
"""Where DNS servers listen; and how many bytes a query has beside its name (RFC 1035, section 4.1)."""


@dataclass(frozen=True, slots=True)
class Wires:
    """What the shell may use of a cluster: its front door, what words mean in it, and how to send one packet of one's own.

    ``taps`` are told of every packet that is sent.
    """

    cluster: Cluster
    meaning: Meaning
    emit: Callable[[str, Packet], Trace]
    taps: list[Callable[[Trace], None]]


@dataclass(frozen=True, slots=True)
class Machine:
    """A device with what its programs have: ``name`` is what the cluster calls it, ``pod`` the pod (None: it is none),
    ``container`` the container's name there, and ``image`` what is in it.
    """

    wires: Wires
    name: str
    pod: Pod | None
    container: str
    image: Image

    # -- what is there -------------------------------------------------------------------------------------------------

    @property
    def ns(self) -> Namespace:
        """Its network namespace, as it is now: that of its node where a pod uses the node's network."""
        return self.wires.cluster.namespace(self.name)

    @property
    def hostname(self) -> str:
        """What it calls itself."""
        if self.pod is None:
            return self.name
        return self.pod.node if self.pod.host_network else self.pod.hostname or self.pod.name

    @property
    def finished(self) -> bool:
        """Whether its programs have ended: then nothing runs there any more."""
        return self.pod is not None and self.wires.meaning.api.services.state(self.pod.key).finished

    @property
    def resolv_conf(self) -> ResolvConf:
        """Its /etc/resolv.conf."""
        return self.wires.meaning.resolv_conf(self.name)

    @property
    def libc(self) -> str:
        """Whose rules its resolver follows: glibc's or musl's."""
        return "musl" if self.image.musl else "glibc"

    def error(self, noticed: Noticed) -> str:
        """The text of an error in the words of its C library."""
        return error_text(noticed, self.image.musl)

    # -- packets -------------------------------------------------------------------------------------------------------

    def send(self, packet: Packet) -> Trace:
        """Send this very packet."""
        return self.wires.emit(self.name, packet)

    def ping(self, address: str, size: int = 56, ttl: int = DEFAULT_TTL, dont_fragment: bool = True, source: str = "") -> Trace:
        """Send an echo request."""
        protocol = "ICMPv6" if ":" in address else "ICMP"
        return self.send(Packet(source, address, protocol, 0, 0, ttl, size, "echo request", dont_fragment))

    def connect(self, address: str, port: int, protocol: str = "TCP", ttl: int = DEFAULT_TTL, size: int = 0,
                source: str = "") -> Trace:
        """Open a TCP connection, or send a datagram."""
        tcp = protocol == "TCP"
        return self.send(Packet(source, address, protocol, EPHEMERAL_PORT, port, ttl, size, "SYN" if tcp else "", tcp))

    def request(self, url: str, address: str, port: int, method: str, headers: Mapping[str, str], insecure: bool) -> Response:
        """Make an HTTP request over a connection to this address."""
        at = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        return self.wires.cluster.request(self.name, url, method, headers, connect_to=at, insecure=insecure)

    def mtu_to(self, address: str) -> int:
        """How large a packet to this address may be when it leaves; 0 where there is no way."""
        if self.ns.local_link(address) is not None:
            return self.ns.links["lo"].mtu
        route = self.ns.routes.lookup(address).winner
        if route is None or not route.dev:
            return 0
        return route.mtu or self.ns.links[route.dev].mtu

    # -- names ---------------------------------------------------------------------------------------------------------

    def lookup(self, name: str, resolver: str = "") -> Lookup:
        """Look a name up as a program here does; the queries are packets where the DNS server is one of the cluster's pods.

        Raises InvalidName.
        """
        servers: dict[str, Server] = {each: _Asked(self, each) for each in self.resolv_conf.nameservers}
        return self.wires.meaning.lookup(self.name, name, resolver or self.libc, servers=servers)

    def ask(self, server: str, name: str, wanted: str) -> tuple[Answer | None, Outcome]:
        """Put one query to one server: its answer, or None and why there is none.  Raises InvalidName or InvalidArgument."""
        meaning = self.wires.meaning
        serving = meaning.server_at(server)
        if serving is not None and not (meaning.dns_in_pods and server in meaning.dns):
            return serving.query(name, wanted), Outcome(Noticed.OK, server)
        trace = self.send(Packet("", server, "UDP", EPHEMERAL_PORT, DNS_PORT, payload=DNS_OVERHEAD + len(name.rstrip(".")),
                                 kind=f"{wanted}? {name}", dont_fragment=False))
        seen = outcome(trace)
        if not seen.ok:
            return None, seen
        serving = meaning.server_on(trace.hops[-1].device)
        return (serving.query(name, wanted), seen) if serving is not None else (None, Outcome(Noticed.SILENCE))

    def authoritative(self, server: str, name: str, answer: Answer) -> bool:
        """Whether a server answers for itself: CoreDNS does for the cluster's names, and offers no recursion then; for all
        other names it asks servers outside.
        """
        meaning = self.wires.meaning
        if server in (meaning.underlay.address[ROUTER], meaning.underlay.address[INTERNET]):
            return False
        ends = [name, *(record.data for record in answer.records if record.type == "PTR")]
        return any(f".{each.rstrip('.').lower()}".endswith(f".{meaning.domain}") for each in ends)

    def resolve(self, host: str) -> tuple[str, Lookup | None]:
        """The address that a program connects to for a host: the host itself if it is one, else the first that is found.

        Empty where there is none; the lookup says why.
        """
        if is_address(host):
            return host, None
        try:
            found = self.lookup(host)
        except CourseError as problem:  # no DNS message can carry this name
            return "", Lookup(host, self.libc, (), error="EAI_NONAME", why=str(problem))
        return (found.result[0] if found.result else ""), found

    def canonical(self, found: Lookup) -> str:
        """The name that has the address, where the name that was looked up is an alias of it."""
        for query in found.queries:
            for record in query.answer.records if query.answer is not None and query.name == found.found else ():
                if record.type in ("A", "AAAA"):
                    return record.name.removesuffix(".")
        return found.found.removesuffix(".")

    def name_of(self, address: str) -> str:
        """What an address is called by whoever is asked for it; empty where it has no name."""
        for server in self.resolv_conf.nameservers[:1]:
            answer, _ = self.ask(server, reverse_name(address), "PTR")
            for record in answer.records if answer is not None else ():
                return record.data.removesuffix(".")
        return ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A DNS server as a machine reaches it."""

    machine: Machine
    address: str

    def query(self, name: str, type: str = "A") -> Answer | None:  # noqa: A002  # the field's word for it
        """Its answer, or None where none came."""
        return self.machine.ask(self.address, name, type)[0]


def machine_of(wires: Wires, device: str, container: str = "", its_image: str = "") -> Machine:
    """A device with what is in a container of it: in the first one, unless ``container`` names another one.

    ``its_image`` is that of a container that is put there for the purpose.  Raises NotFound or InvalidArgument.
    """
    pod = wires.meaning.control.pods.get(device)
    if pod is None:
        return Machine(wires, device, None, "", image(its_image) if its_image else MACHINE)
    if its_image:
        return Machine(wires, device, pod, "debugger", image(its_image))
    names = [each.name for each in pod.containers]
    if container and container not in names:
        raise NotFound(container, f"a container of the pod {pod.label}: {', '.join(names)}",
                       f"write container='{nearest(container, names)}'")
    chosen = next((each for each in pod.containers if each.name == container), pod.containers[0] if pod.containers else None)
    return Machine(wires, device, pod, chosen.name if chosen is not None else "",
                   image(chosen.image if chosen is not None else "debian"))


def travel_time(trace: Trace) -> float:
    """How many milliseconds a packet and its answer are said to be under way.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("a"), cluster.add_pod("b")
    >>> travel_time(cluster.send("a", "b"))
    0.1
    """
    back = trace.reply.hops if trace.reply is not None else ()
    cables = max(len(trace.hops) - 1, 0) + max(len(back) - 1, 0)
    return round(HOP_TIME * (cables + 1), 3)


GAI_GLIBC: Mapping[str, str] = {
    "EAI_NONAME": "Name or service not known", "EAI_NODATA": "No address associated with hostname",
    "EAI_AGAIN": "Temporary failure in name resolution",
}
"""The texts of gai_strerror(3) in glibc."""
GAI_MUSL: Mapping[str, str] = {
    "EAI_NONAME": "Name does not resolve", "EAI_NODATA": "Name has no usable address", "EAI_AGAIN": "Try again",
}
"""The same in musl."""


def gai_text(machine: Machine, found: Lookup | None) -> str:
    """Why a name has no address, in the words of the machine's C library."""
    texts = GAI_MUSL if machine.image.musl else GAI_GLIBC
    return texts.get(found.error if found is not None else "", texts["EAI_NONAME"])


