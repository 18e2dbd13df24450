"""What the programs in a pod listen on.

Kubernetes does not know: ``containerPort`` is information for people, and opens or closes nothing.  The program decides.
So the course knows the ports of some widely used images; of any other image it believes what the manifest declares; and the
annotation ``k8snet-course/listen`` overrules both, for example ``8080``, ``53/UDP`` or ``127.0.0.1:9090``, or in a pod of
several containers ``web=8080, metrics=9090``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from k8snet_course.controllers import known
from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.namespace import ANY, ANY_IPV4, Listener
from k8snet_course.names import dns_label
from k8snet_course.objects import LISTEN_ANNOTATION, Container, ContainerPort, Pod

KNOWN_IMAGES: dict[str, tuple[tuple[str, int], ...]] = {
    "nginx": (("TCP", 80),),
    "httpd": (("TCP", 80),),
    "caddy": (("TCP", 80), ("TCP", 443)),
    "postgres": (("TCP", 5432),),
    "mysql": (("TCP", 3306),),
    "redis": (("TCP", 6379),),
    "coredns": (("UDP", 53), ("TCP", 53)),
    "busybox": (),
    "alpine": (),
    "pause": (),
}
"""Image name (without registry and tag) -> the protocols and ports that its program listens on as it comes."""


_BOUND = {"": "", ANY_IPV4: ANY_IPV4, "127.0.0.1": "127.0.0.1", "[::]": ANY, "[::1]": "::1"}
"""The local addresses that a text may name, and how a socket has them: one for [::] takes IPv4 too (net.ipv6.bindv6only is
0)."""
Listen = Iterable[int | str] | int | str
"""What a program listens on, as ``listen_text`` takes it."""


def listeners_of(pod: Pod, anywhere: str = ANY_IPV4) -> tuple[Listener, ...]:
    """The sockets that a pod's programs hold open.  Raises InvalidArgument when the annotation cannot be read.

    ``anywhere`` is what they are bound to where nobody says: ``*`` in a pod that has IPv6.

    >>> web = Pod("web", "node-1", "10.244.0.2", containers=(Container("nginx", "nginx:1.29"),))
    >>> print(*listeners_of(web))
    TCP 0.0.0.0:80 nginx
    """
    told = pod.annotations.get(LISTEN_ANNOTATION)
    if told is not None:
        return tuple(_told(word.strip(), pod, anywhere) for word in told.split(",") if word.strip())
    if len(pod.containers) == 1:
        return _of_container(pod.containers[0], anywhere)
    return tuple(row for container in pod.containers for row in _of_container(container, anywhere))


def _told(word: str, pod: Pod, anywhere: str) -> Listener:
    """One word of the annotation: a port, with ``CONTAINER=`` before it where that is not the first container."""
    container, _, text = word.rpartition("=")
    names = [each.name for each in pod.containers] or [pod.name]
    if container and container not in names:
        raise InvalidArgument(container, f"a container of the pod {pod.label}: {', '.join(names)}",
                              "name one of them before '='")
    return parse_listen(text, container or names[0], anywhere)


def containers_of(image: str, several: Mapping[str, str] | None = None,
                  host_ports: Mapping[int, int] | None = None) -> tuple[Container, ...]:
    """The containers of a pod: one that is called as its image, or ``several``, by name and image.

    ``host_ports`` are TCP ports of the node and the ports of the first container that they lead to.  Raises InvalidName or
    InvalidArgument.

        >>> containers_of("nginx:1.29")
        (Container(name='nginx', image='nginx:1.29', ports=()),)
    """
    if several is None and not host_ports and isinstance(image, str):
        return _one_container(image)
    if several is None:
        several = {image_name(image): image}
    if not isinstance(several, Mapping) or not several:
        raise InvalidArgument(several, "containers as a dict of names and images", "write containers={'web': 'nginx'}")
    if host_ports is not None and not isinstance(host_ports, Mapping):
        raise InvalidArgument(host_ports, "host_ports as a dict of the node's ports and the container's",
                              "write host_ports={8080: 80}")
    ports = []
    for outside, inside in (host_ports or {}).items():
        for port in (outside, inside):
            if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
                raise InvalidArgument(port, "a port from 1 to 65535", "write host_ports={8080: 80}")
        ports.append(ContainerPort(inside, host_port=outside))
    made = []
    for number, (name, its_image) in enumerate(several.items()):
        image_name(its_image)
        made.append(Container(dns_label(name, "container name"), its_image, tuple(ports) if number == 0 else ()))
    return tuple(made)


@lru_cache(maxsize=256)
def _one_container(image: str) -> tuple[Container, ...]:
    return (Container(image_name(image), image),)


@lru_cache(maxsize=4096)
def _of_container(container: Container, anywhere: str) -> tuple[Listener, ...]:
    image, controller = image_name(container.image), known(container.image)
    if controller is not None and not container.ports:
        return tuple(Listener("TCP", port, container.name, anywhere) for port in controller.ports)
    if controller is None and image in KNOWN_IMAGES:  # an image of a controller may end in nginx as well
        return tuple(Listener(protocol, port, container.name, anywhere) for protocol, port in KNOWN_IMAGES[image])
    return tuple(Listener(port.protocol, port.container_port, container.name, anywhere) for port in container.ports)


def wanted_pod(name: str, node: str | None = None, namespace: str = "default", labels: Mapping[str, str] | None = None,
               image: str = "nginx", containers: Mapping[str, str] | None = None,
               listen: Listen | Mapping[str, Listen] | None = None, host_ports: Mapping[int, int] | None = None,
               host_network: bool = False) -> Pod:
    """A pod as the arguments of ``Cluster.add_pod`` ask for it, still without an address.

    Raises InvalidName or InvalidArgument; what else is wrong with the names and labels, the control plane says.

        >>> wanted_pod("web", listen=8080).annotations
        {'k8snet-course/listen': '8080'}
    """
    if not isinstance(host_network, bool):
        raise InvalidArgument(host_network, "host_network to be True or False", "write host_network=True")
    return Pod(name, node or "", "", namespace, dict(labels) if isinstance(labels, Mapping) else labels or {},
               {} if listen is None else {LISTEN_ANNOTATION: listen_text(listen)}, containers_of(image, containers, host_ports),
               host_network=host_network)


def named(like: Pod, name: str) -> Pod:
    """Another pod of the same kind.

    >>> named(wanted_pod("a", image="busybox"), "b").containers[0].image
    'busybox'
    """
    return Pod(name, like.node, "", like.namespace, dict(like.labels), dict(like.annotations), like.containers,
               host_network=like.host_network)


class HostPort(NamedTuple):
    """A port of the node that a pod needs for itself.

    >>> print(HostPort("TCP", 8080, ""), HostPort("UDP", 53, "192.168.1.2"))
    TCP 8080 UDP 192.168.1.2:53
    """

    protocol: str
    port: int
    host_ip: str

    def excludes(self, other: HostPort) -> bool:
        """Whether both cannot be had on one node: the same protocol and port, at the same or at any address."""
        return (self.protocol, self.port) == (other.protocol, other.port) and (
            self.host_ip == other.host_ip or not {"", "0.0.0.0"}.isdisjoint((self.host_ip, other.host_ip)))

    def __str__(self) -> str:
        return f"{self.protocol} {self.host_ip}:{self.port}" if self.host_ip else f"{self.protocol} {self.port}"


def host_ports(pod: Pod) -> tuple[HostPort, ...]:
    """The ports of its node that a pod asks for: with hostNetwork all that it declares, else those with a hostPort.

    >>> web = Container("web", "nginx", (ContainerPort(80, host_port=8080), ContainerPort(9090)))
    >>> host_ports(Pod("web", "", "", containers=(web,)))
    (HostPort(protocol='TCP', port=8080, host_ip=''),)
    """
    return tuple(HostPort(port.protocol, port.host_port or port.container_port, port.host_ip)
                 for container in pod.containers for port in container.ports if port.host_port or pod.host_network)


def image_name(image: object) -> str:
    """The name of an image without its registry, tag and digest.  Raises InvalidArgument.

    >>> image_name("registry.k8s.io/pause:3.10")
    'pause'
    """
    name = image.rsplit("/", 1)[-1].partition("@")[0].partition(":")[0] if isinstance(image, str) else ""
    if not name:
        raise InvalidArgument(image, "the name of a container image", "write image='nginx'")
    return name


def listen_text(listen: object) -> str:
    """The annotation's text for one or several ports, or for those of each container.  Raises InvalidArgument.

    >>> listen_text([8080, "53/UDP"]), listen_text({"web": 8080, "dns": ["53/UDP", 53]})
    ('8080, 53/UDP', 'web=8080, dns=53/UDP, dns=53')
    """
    if isinstance(listen, Mapping):
        return ", ".join(f"{container}={word}" for container, ports in listen.items()
                         for word in listen_text(ports).split(", ") if word)
    if isinstance(listen, (int, str)):
        return str(listen)
    if isinstance(listen, Iterable):
        several = list(listen)
        if all(isinstance(one, (int, str)) for one in several):
            return ", ".join(str(one) for one in several)
    raise InvalidArgument(listen, "a port to listen on, or several", "write listen=8080 or listen=[80, '53/UDP']")


def parse_listen(text: str, program: str, anywhere: str = ANY_IPV4) -> Listener:
    """One listening socket from a text: ``PORT``, ``PORT/PROTOCOL`` or ``ADDRESS:PORT``.  Raises InvalidArgument.

    >>> print(parse_listen("127.0.0.1:9090", "metrics"))
    TCP 127.0.0.1:9090 metrics
    >>> print(parse_listen("53/UDP", "dns"))
    UDP 0.0.0.0:53 dns
    >>> print(parse_listen("[::1]:9090", "metrics"))
    TCP [::1]:9090 metrics
    """
    rest, _, protocol = text.partition("/")
    address, _, port = rest.rpartition(":")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535
            and protocol in ("", "TCP", "UDP") and address in _BOUND):
        raise InvalidArgument(text, "a port to listen on, such as 8080, 53/UDP or 127.0.0.1:9090 (port 1 to 65535, TCP or UDP)",
                              "write it in one of these forms")
    return Listener(protocol or "TCP", int(port), program, _BOUND[address] or anywhere)
