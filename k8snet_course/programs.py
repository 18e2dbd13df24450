"""What the programs in a pod listen on.

Kubernetes does not know: ``containerPort`` is information for people, and opens or closes nothing.  The program decides.
So the course knows the ports of some widely used images; of any other image it believes what the manifest declares; and the
annotation ``k8snet-course/listen`` overrules both, for example ``8080``, ``53/UDP`` or ``127.0.0.1:9090``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.namespace import Listener
from k8snet_course.objects import LISTEN_ANNOTATION, Container, Pod

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


def listeners_of(pod: Pod) -> tuple[Listener, ...]:
    """The sockets that a pod's programs hold open.  Raises InvalidArgument when the annotation cannot be read.

    >>> web = Pod("web", "node-1", "10.244.0.2", containers=(Container("nginx", "nginx:1.29"),))
    >>> print(*listeners_of(web))
    TCP 0.0.0.0:80 nginx
    """
    told = pod.annotations.get(LISTEN_ANNOTATION)
    if told is not None:
        program = pod.containers[0].name if pod.containers else pod.name
        return tuple(parse_listen(word.strip(), program) for word in told.split(",") if word.strip())
    if len(pod.containers) == 1:
        return _of_container(pod.containers[0])
    return tuple(row for container in pod.containers for row in _of_container(container))


@lru_cache(maxsize=4096)
def _of_container(container: Container) -> tuple[Listener, ...]:
    image = image_name(container.image)
    if image in KNOWN_IMAGES:
        return tuple(Listener(protocol, port, container.name) for protocol, port in KNOWN_IMAGES[image])
    return tuple(Listener(port.protocol, port.container_port, container.name) for port in container.ports)


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
    """The annotation's text for one or several ports.  Raises InvalidArgument.

    >>> listen_text([8080, "53/UDP"])
    '8080, 53/UDP'
    """
    if isinstance(listen, (int, str)):
        return str(listen)
    if isinstance(listen, Iterable):
        several = list(listen)
        if all(isinstance(one, (int, str)) for one in several):
            return ", ".join(str(one) for one in several)
    raise InvalidArgument(listen, "a port to listen on, or several", "write listen=8080 or listen=[80, '53/UDP']")


def parse_listen(text: str, program: str) -> Listener:
    """One listening socket from a text: ``PORT``, ``PORT/PROTOCOL`` or ``ADDRESS:PORT``.  Raises InvalidArgument.

    >>> print(parse_listen("127.0.0.1:9090", "metrics"))
    TCP 127.0.0.1:9090 metrics
    >>> print(parse_listen("53/UDP", "dns"))
    UDP 0.0.0.0:53 dns
    """
    rest, _, protocol = text.partition("/")
    address, _, port = rest.rpartition(":")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535
            and protocol in ("", "TCP", "UDP") and address in ("", "0.0.0.0", "127.0.0.1")):
        raise InvalidArgument(text, "a port to listen on, such as 8080, 53/UDP or 127.0.0.1:9090 (port 1 to 65535, TCP or UDP)",
                              "write it in one of these forms")
    return Listener(protocol or "TCP", int(port), program, address or "0.0.0.0")
