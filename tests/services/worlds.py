"""A small cluster for the tests of Services: three nodes, and pods that answer on port 8080."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from k8snet_course.objects.node import Node
from k8snet_course.objects.pod import Container, ContainerPort, Pod
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.endpoints import PodState, endpoint_slices
from k8snet_course.services.kube_proxy.modes import KubeProxy
from k8snet_course.services.kube_proxy.proxy import Settings

NODES = tuple(Node(f"node-{number + 1}", f"192.168.1.{number + 2}", f"10.244.{number}.0/24") for number in range(3))
CLIENT = "192.168.1.10"
WEB = (ServicePort(80, 8080, node_port=30080),)


def pod(number: int, node: int = 1, app: str = "web", **more: object) -> Pod:
    return Pod(f"{app}-{number}", f"node-{node}", f"10.244.{node - 1}.{number + 1}", labels={"app": app}, **more)  # type: ignore[arg-type]


def named(number: int, port: int) -> Pod:
    """A pod whose container calls one of its ports ``http``."""
    return pod(number, containers=(Container("app", "app:1", (ContainerPort(port, "TCP", "http"),)),))


PODS = (pod(1, 1), pod(1, 2, "web"), pod(2, 2, "web"))
"""10.244.0.2 on node-1; 10.244.1.2 and 10.244.1.3 on node-2; none on node-3."""


def web(**more: object) -> Service:
    given = {"selector": {"app": "web"}, "ports": WEB, "cluster_ips": ("10.96.0.20",)} | more
    return Service("web", **given)  # type: ignore[arg-type]


def proxied(mode: str, service: Service, pods: Iterable[Pod] = PODS, states: Mapping[str, PodState] | None = None,
            settings: Settings | None = None, zones: Mapping[str, str] | None = None) -> KubeProxy:
    proxy = KubeProxy(mode, settings)
    proxy.update(service, endpoint_slices(service, unique(pods), states, zones))
    return proxy


def unique(pods: Iterable[Pod]) -> list[Pod]:
    """Pods of different nodes may have got the same name above: their names tell the node."""
    return [Pod(f"{each.name}-{each.node}", each.node, each.ip, each.namespace, each.labels, each.annotations, each.containers)
            for each in pods]


def is_local(node: Node, *more: str):
    own = {node.ip, node.pod_cidr.replace(".0/24", ".1"), "127.0.0.1", *more}
    return own.__contains__
