"""Which pods route HTTP for others: an Ingress controller's, a Gateway's.

Kubernetes does not know.  A controller is a program like any other, and an IngressClass or GatewayClass only says what it is
called.  So the course knows some images, and believes the annotations ``k8snet-course/ingress-controller`` and
``k8snet-course/gateway-controller``, whose value is that name (``none``: it is none, whatever its image).  A pod with the label
``gateway.networking.k8s.io/gateway-name``, which implementations put on the pods that they start for a Gateway, serves that
Gateway of its own namespace alone; other pods serve all Gateways of their controller's classes.

It says who decides and on which ports, not how: that is :mod:`k8snet_course.services.ingress` and
:mod:`k8snet_course.services.gateway`.

Source: Gateway API, GEP-1762 (labels of what a Gateway starts); the images' own documentation (ports, names of controllers).
"""

from __future__ import annotations

from typing import NamedTuple

from k8snet_course.objects import Pod
from k8snet_course.services.http import HTTP, HTTPS

INGRESS_ANNOTATION = "k8snet-course/ingress-controller"
"""The annotation that says that a pod is an Ingress controller's: its value is ``spec.controller`` of the IngressClass."""

GATEWAY_ANNOTATION = "k8snet-course/gateway-controller"
"""The annotation that says that a pod is a Gateway's: its value is ``spec.controllerName`` of the GatewayClass."""

GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name"
"""The label of a pod that was started for one Gateway."""

_NO = "none"


class Known(NamedTuple):
    """What the course knows of an image: the names of its controllers (empty: it is none), and its ports as it comes."""

    image: str
    ingress: str
    gateway: str
    ports: tuple[int, ...]


KNOWN = (
    Known("ingress-nginx/controller", "k8s.io/ingress-nginx", "", (80, 443)),
    Known("nginx/nginx-ingress", "nginx.org/ingress-controller", "", (80, 443)),
    Known("nginx-gateway-fabric/nginx", "", "gateway.nginx.org/nginx-gateway-controller", ()),
    Known("traefik", "traefik.io/ingress-controller", "traefik.io/gateway-controller", (80,)),
)
"""Images of controllers, by the end of their names.  Their ports are a matter of settings, so declared ones come first."""

_HTTP_NAMES, _HTTPS_NAMES = ("http", "web"), ("https", "websecure")


def known(image: str) -> Known | None:
    """What the course knows of an image of a controller; None for any other image.

    >>> known("registry.k8s.io/ingress-nginx/controller:v1.15.1").ingress
    'k8s.io/ingress-nginx'
    >>> known("quay.io/metallb/controller:v0.15") is None
    True
    """
    path, _, last = image.partition("@")[0].rpartition("/")
    name = f"/{path}/{last.partition(':')[0]}"
    return next((each for each in KNOWN if name.endswith(f"/{each.image}")), None)


def ingress_controller(pod: Pod) -> str:
    """The name of the Ingress controller that runs in a pod; empty where none does.

    >>> ingress_controller(Pod("edge", "", "", annotations={INGRESS_ANNOTATION: "example.com/controller"}))
    'example.com/controller'
    """
    told = pod.annotations.get(INGRESS_ANNOTATION)
    if told is None:
        told = next((one.ingress for each in pod.containers if (one := known(each.image)) is not None and one.ingress), "")
    return "" if told == _NO else told


def gateway_controller(pod: Pod) -> str:
    """The name of the controller whose Gateways a pod serves; empty where it is not known.

    >>> from k8snet_course.objects import Container
    >>> gateway_controller(Pod("edge", "", "", containers=(Container("traefik", "traefik:v3.5"),)))
    'traefik.io/gateway-controller'
    """
    told = pod.annotations.get(GATEWAY_ANNOTATION)
    if told is None:
        told = next((one.gateway for each in pod.containers if (one := known(each.image)) is not None and one.gateway), "")
    return "" if told == _NO else told


def gateway_served(pod: Pod) -> str:
    """The one Gateway (``namespace/name``) for which a pod was started; empty for a pod that was started for none alone.

    >>> gateway_served(Pod("edge-7d4", "", "", "infra", labels={"gateway.networking.k8s.io/gateway-name": "edge"}))
    'infra/edge'
    """
    name = pod.labels.get(GATEWAY_NAME_LABEL, "")
    return f"{pod.namespace}/{name}" if name else ""


def is_controller(pod: Pod) -> bool:
    """Whether a pod routes HTTP for others.

    >>> is_controller(Pod("web", "", ""))
    False
    """
    return bool(ingress_controller(pod) or gateway_controller(pod) or gateway_served(pod))


def scheme_at(pod: Pod, port: int) -> str:
    """What a controller's pod speaks at a port: http, https, or nothing that it would route (metrics, webhooks).

    A declared port says it by its name.  Without a name it is https where the number ends in 443, else http.

        >>> from k8snet_course.objects import Container, ContainerPort
        >>> ports = [ContainerPort(port, name=name) for port, name in ((8000, "web"), (8443, "websecure"), (9100, "metrics"))]
        >>> traefik = Pod("traefik", "", "", containers=(Container("traefik", "traefik", tuple(ports)),))
        >>> [scheme_at(traefik, number) for number in (8000, 8443, 9100, 443)]
        ['http', 'https', '', 'https']
    """
    declared = (each for box in pod.containers for each in box.ports)
    name = next((each.name for each in declared if (each.container_port, each.protocol) == (port, "TCP")), "")
    if name:
        return HTTPS if name.startswith(_HTTPS_NAMES) else HTTP if name.startswith(_HTTP_NAMES) else ""
    return HTTPS if str(port).endswith("443") else HTTP
