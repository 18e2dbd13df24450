"""What a pod's programs listen on: the image, the declared ports, or the annotation."""

from __future__ import annotations

import pytest

from k8snet_course.errors import InvalidArgument
from k8snet_course.objects import LISTEN_ANNOTATION, Container, ContainerPort, Pod
from k8snet_course.programs import image_name, listen_text, listeners_of, parse_listen


def pod(image: str, *ports: ContainerPort, listen: str | None = None) -> Pod:
    annotations = {} if listen is None else {LISTEN_ANNOTATION: listen}
    return Pod("p", "node-1", "10.244.0.2", annotations=annotations, containers=(Container("app", image, ports),))


@pytest.mark.parametrize(("made", "listening"), [
    (pod("nginx"), ["TCP 0.0.0.0:80 app"]),
    (pod("docker.io/library/postgres:18@sha256:0"), ["TCP 0.0.0.0:5432 app"]),
    (pod("busybox", ContainerPort(80)), []),
    (pod("nginx", ContainerPort(8080)), ["TCP 0.0.0.0:80 app"]),
    (pod("example.com:5000/own/app", ContainerPort(8080), ContainerPort(53, "UDP")),
     ["TCP 0.0.0.0:8080 app", "UDP 0.0.0.0:53 app"]),
    (pod("nginx", listen="8080, 127.0.0.1:9090, 53/UDP"),
     ["TCP 0.0.0.0:8080 app", "TCP 127.0.0.1:9090 app", "UDP 0.0.0.0:53 app"]),
    (pod("nginx", listen=""), []),
    # a controller's image listens where it is told to, even one whose name ends in nginx
    (pod("ghcr.io/nginx/nginx-gateway-fabric/nginx:2.1", ContainerPort(8080)), ["TCP 0.0.0.0:8080 app"]),
    (pod("ghcr.io/nginx/nginx-gateway-fabric/nginx:2.1"), []),
    (pod("registry.k8s.io/ingress-nginx/controller:v1.15.1"), ["TCP 0.0.0.0:80 app", "TCP 0.0.0.0:443 app"]),
])
def test_listeners(made: Pod, listening: list[str]) -> None:
    assert [str(row) for row in listeners_of(made)] == listening


@pytest.mark.parametrize("text", ["", "http", "0", "65536", "80/SCTP", "10.0.0.1:80", "999999", "-1", "²"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_listen(text, "app")


def test_what_is_no_image() -> None:
    for image in ("", None, 3, ":8080"):
        with pytest.raises(InvalidArgument):
            image_name(image)


def test_what_is_no_port_list() -> None:
    for listen in (None, 3.5, [None]):
        with pytest.raises(InvalidArgument):
            listen_text(listen)
