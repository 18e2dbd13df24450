"""Which endpoints of a Service's port a node may send connections to.

Three things narrow the choice, in this order.  A traffic policy ``Local`` is a hard filter: only endpoints on the node itself.
``trafficDistribution`` is a preference: near endpoints if there are any that take connections.  And where no endpoint is ready,
those that are shutting down but still answer are used.

It makes no rules: that is :mod:`k8snet_course.services.kube_proxy`.

Source: Kubernetes documentation, "Virtual IPs and Service Proxies" (traffic policies, traffic distribution); KEP-1669
(terminating endpoints), KEP-4444 (traffic distribution).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.service import LOAD_BALANCER, LOCAL, NODE_PORT, Service, ServicePort

SAME_ZONE = ("PreferClose", "PreferSameZone")
"""Two names of one preference; the first is the older one."""

SAME_NODE = "PreferSameNode"


class Backend(NamedTuple):
    """One address and port that a Service's port may lead to.

    >>> print(Backend("10.244.0.2", 8080, "node-1")), print(Backend("fd00::2", 80).text)
    10.244.0.2:8080 on node-1
    [fd00::2]:80
    (None, None)
    """

    ip: str
    port: int
    node: str = ""
    zone: str = ""
    ready: bool = True
    serving: bool = True
    terminating: bool = False

    @property
    def text(self) -> str:
        """Address and port, as rules name them."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    def __str__(self) -> str:
        return f"{self.text} on {self.node}" if self.node else self.text


class Choice(NamedTuple):
    """What a node may use: ``everywhere`` for the policy Cluster, ``here`` for the policy Local.

    ``any`` is whether the Service's port has an endpoint at all that takes connections, on whatever node.
    """

    everywhere: tuple[Backend, ...]
    here: tuple[Backend, ...]
    any: bool


def backends(slices: Iterable[EndpointSlice], port: ServicePort, family: str = "IPv4") -> tuple[Backend, ...]:
    """The endpoints of one port of a Service in one IP family, each once, in kube-proxy's order (that of the texts).

    >>> from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort
    >>> written = EndpointSlice("web-1", "default", "web", endpoints=(Endpoint(("10.0.0.7",)),), ports=(EndpointPort(8080),))
    >>> [str(backend) for backend in backends([written], ServicePort(80))]
    ['10.0.0.7:8080']
    """
    found: dict[str, Backend] = {}
    for part in slices:
        if part.address_type != family:
            continue
        for number in [of.port for of in part.ports if of.name == port.name and of.protocol == port.protocol]:
            for end in part.endpoints:
                backend = Backend(end.addresses[0], number, end.node_name, end.zone, end.ready, end.serving, end.terminating)
                found[backend.text] = backend
    return tuple([found[text] for text in sorted(found)])


def choose(service: Service, all_backends: tuple[Backend, ...], node: str, zone: str = "") -> Choice:
    """Which of a port's endpoints a node may use.

    >>> two = (Backend("10.244.0.2", 80, "node-1"), Backend("10.244.1.2", 80, "node-2"))
    >>> choice = choose(Service("web", external_traffic_policy="Local", type="NodePort"), two, "node-2")
    >>> [str(backend) for backend in choice.everywhere], [str(backend) for backend in choice.here]
    (['10.244.0.2:80 on node-1', '10.244.1.2:80 on node-2'], ['10.244.1.2:80 on node-2'])
    """
    cluster, local = uses_cluster(service), uses_local(service)
    if not local and not service.traffic_distribution:
        everywhere = usable(all_backends)
        return Choice(everywhere, (), bool(everywhere))
    everywhere = usable(near(service, all_backends, node, zone)) or usable(all_backends) if cluster else ()
    here = usable(tuple(backend for backend in all_backends if backend.node == node)) if local else ()
    return Choice(everywhere, here, bool(everywhere or here) or any(backend.ready for backend in all_backends))


def usable(all_backends: tuple[Backend, ...]) -> tuple[Backend, ...]:
    """Those that take connections: the ready ones; if there is none, those that are shutting down and still serve.

    >>> stopping = Backend("10.244.0.2", 80, "node-1", ready=False, terminating=True)
    >>> broken = Backend("10.244.0.3", 80, "node-1", ready=False, serving=False)
    >>> [str(backend) for backend in usable((stopping, broken))]
    ['10.244.0.2:80 on node-1']
    """
    return (tuple([backend for backend in all_backends if backend.ready])
            or tuple([backend for backend in all_backends if backend.serving and backend.terminating]))


def near(service: Service, all_backends: tuple[Backend, ...], node: str, zone: str) -> tuple[Backend, ...]:
    """Those that trafficDistribution prefers: on the node, else in the zone, else all.

    A level counts only if every ready endpoint tells where it is and at least one is that near.
    """
    ready = tuple(backend for backend in all_backends if backend.ready)
    if service.traffic_distribution == SAME_NODE and all(backend.node for backend in ready):
        same_node = tuple(backend for backend in ready if backend.node == node)
        if same_node:
            return same_node
    if service.traffic_distribution in (*SAME_ZONE, SAME_NODE) and zone and all(backend.zone for backend in ready):
        same_zone = tuple(backend for backend in ready if backend.zone == zone)
        if same_zone:
            return same_zone
    return all_backends


def externally_accessible(service: Service) -> bool:
    """Whether anything but the cluster IP leads to the Service."""
    return service.type in (NODE_PORT, LOAD_BALANCER) or bool(service.external_ips)


def uses_local(service: Service) -> bool:
    """Whether some traffic of the Service is kept to the node's own endpoints."""
    return service.internal_traffic_policy == LOCAL or (
        externally_accessible(service) and service.external_traffic_policy == LOCAL)


def uses_cluster(service: Service) -> bool:
    """Whether some traffic of the Service may go to any node: pods and the node itself always may, by an outside address."""
    return service.internal_traffic_policy != LOCAL or externally_accessible(service)


def same_everywhere(service: Service) -> bool:
    """Whether all nodes choose among the same endpoints."""
    return not uses_local(service) and not service.traffic_distribution
