"""A Docker container, and the ports of its host that lead to it.

In Docker the unit with a network is the container: it has its own address, shares another container's
(``--network container:web``), uses its host's, or has none.  In Kubernetes that unit is the pod.

Source: Docker Engine 29 documentation, "Networking overview" and "Port publishing and mapping".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from k8snet_course.docker.network import BRIDGE, Endpoint
from k8snet_course.errors import InvalidArgument, InvalidName
from k8snet_course.objects import Pod

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
EVERYWHERE = "0.0.0.0"
"""The host address of a published port that is open at all the host's addresses."""

Publish = Mapping[int | str, int | str]
"""Published ports: the host's port (8080, or "127.0.0.1:8080") -> the container's (80, or "53/udp")."""


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A published port: what comes to the host's port goes to the container's.

    >>> print(PortBinding("TCP", EVERYWHERE, 8080, 80))
    0.0.0.0:8080->80/tcp
    """

    protocol: str
    host_ip: str
    host_port: int
    container_port: int

    def excludes(self, protocol: str, address: str, port: int) -> bool:
        """Whether this binding and a socket of the host cannot both be had."""
        both = {self.host_ip, address}
        return (self.protocol, self.host_port) == (protocol, port) and (len(both) == 1 or EVERYWHERE in both or "*" in both)

    def __str__(self) -> str:
        return f"{self.host_ip}:{self.host_port}->{self.container_port}/{self.protocol.lower()}"


@dataclass(frozen=True, slots=True)
class Container(Pod):
    """One container on a Docker host.

    ``node`` is its host and ``ip`` its first address (the host's, or that of the container whose network it uses; empty with
    the network none).  ``mode`` is what `docker run --network` said, ``shares`` the key of the container whose network it
    uses, ``endpoints`` its places in networks, in the order in which it was attached.

    >>> print(Container("web", "docker-1", "172.17.0.2"))
    container web 172.17.0.2 on docker-1
    >>> print(Container("idle", "docker-1", ""))
    container idle without an address on docker-1
    """

    id: str = ""
    mode: str = BRIDGE
    shares: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    published: tuple[PortBinding, ...] = ()

    @property
    def image(self) -> str:
        """The image that it runs."""
        return self.containers[0].image if self.containers else ""

    @property
    def short_id(self) -> str:
        """The first twelve digits of its id, as `docker ps` lists them."""
        return self.id[:12]

    @property
    def own_network(self) -> bool:
        """Whether it has a network namespace of its own."""
        return not self.host_network and not self.shares

    def endpoint(self, network: str) -> Endpoint | None:
        """Its place in a network, or None."""
        return next((each for each in self.endpoints if each.network == network), None)

    def __str__(self) -> str:
        return f"container {self.name} {self.ip or 'without an address'} on {self.node}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of `docker ps`.

    >>> print(Listed("f3a9c1d2e4b5", "nginx", "0.0.0.0:8080->80/tcp", "web"))
    f3a9c1d2e4b5   nginx            0.0.0.0:8080->80/tcp         web
    """

    container_id: str
    image: str
    ports: str
    name: str

    @classmethod
    def of(cls, container: Container) -> Listed:
        """The row for a container."""
        return cls(container.short_id, container.image, ", ".join(map(str, container.published)), container.name)

    def __str__(self) -> str:
        return f"{self.container_id}   {self.image:<14}   {self.ports:<26}   {self.name}"


def identifier(*words: object) -> str:
    """An id of 64 hexadecimal digits, made from words: the same in every run, where Docker draws one at random.

    >>> identifier("network", 1)[:12]
    'cf452cf32168'
    """
    return hashlib.sha256(" ".join(map(str, words)).encode()).hexdigest()


def docker_name(name: object, what: str) -> str:
    """The name, if Docker takes it for a container or a network.  Raises InvalidName.

    >>> docker_name("web_1", "container")
    'web_1'
    """
    if isinstance(name, str) and len(name) <= 128 and _NAME.fullmatch(name):
        return name
    raise InvalidName(name if not isinstance(name, str) else name[:60],
                      f"as the name of a {what} two or more of A-Z, a-z, 0-9, '_', '.' and '-', with a letter or digit first",
                      "write a name such as 'web-1'")


def bindings(publish: object) -> tuple[PortBinding, ...]:
    """The port bindings that ``publish`` asks for.  Raises InvalidArgument.

    >>> print(*bindings({8080: 80, "127.0.0.1:5353": "53/udp"}), sep="\\n")
    0.0.0.0:8080->80/tcp
    127.0.0.1:5353->53/udp
    """
    if publish is None:
        return ()
    if not isinstance(publish, Mapping):
        raise InvalidArgument(publish, "published ports as a dict from the host's port to the container's",
                              "write publish={8080: 80}")
    made: list[PortBinding] = []
    for outside, inside in publish.items():
        address, _, host_port = str(outside).rpartition(":")
        port, _, protocol = str(inside).partition("/")
        one = PortBinding((protocol or "tcp").upper(), _host_ip(address), _port(host_port, outside), _port(port, inside))
        if one.protocol not in ("TCP", "UDP"):
            raise InvalidArgument(inside, "a port with the protocol tcp or udp", "write '53/udp'")
        if any(other.excludes(one.protocol, one.host_ip, one.host_port) for other in made):
            raise InvalidArgument(outside, "a port of the host that is published once", "choose another port of the host")
        made.append(one)
    return tuple(made)


def _host_ip(address: str) -> str:
    try:
        return str(IPv4Address(address)) if address else EVERYWHERE
    except ValueError:
        raise InvalidArgument(address, "an IPv4 address of the host before the port", "write '127.0.0.1:8080'") from None


def _port(text: str, given: object) -> int:
    if isinstance(given, bool) or not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise InvalidArgument(given, "a port from 1 to 65535", "write publish={8080: 80}")
    return int(text)


def shared_with(network: str) -> str:
    """The container that the mode ``container:NAME`` names; empty for other modes.

    >>> shared_with("container:web"), shared_with("none")
    ('web', '')
    """
    return network.removeprefix("container:") if network.startswith("container:") else ""
