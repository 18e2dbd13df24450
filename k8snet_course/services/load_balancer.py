"""What stands behind a Service of type LoadBalancer: somebody who gives it an address and brings packets for it to a node.

Kubernetes itself does neither.  Without a provider the address stays ``<pending>`` for ever, while the cluster IP and the node
port work.  The provider here does what one on bare metal does: it hands out addresses of a pool, and one node answers for
each address on the nodes' own wire.

It sends no packets: the node that answers rewrites them by kube-proxy's rules.

Source: Kubernetes documentation, "Service" (type LoadBalancer, loadBalancerClass, health check node port); MetalLB
documentation, "MetalLB in layer 2 mode".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_address
from itertools import chain

from k8snet_course.addressing import network
from k8snet_course.errors import AddressesExhausted
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import LOAD_BALANCER, LOCAL, Service


class LoadBalancerProvider:
    """Gives the addresses of a pool to Services of type LoadBalancer, the lowest free one first.

    With a ``load_balancer_class`` it serves only Services of that class, without one only Services that name none.  Raises
    InvalidCidr.

        >>> provider = LoadBalancerProvider("192.168.1.240/30")
        >>> web = provider.provide(Service("web", type="LoadBalancer", cluster_ips=("10.96.0.20",)))
        >>> web.external_ip_column
        '192.168.1.240'
    """

    __slots__ = ("_given", "_pool", "load_balancer_class")

    def __init__(self, pool: str, load_balancer_class: str = "") -> None:
        self._pool = network(pool, "pool")
        self.load_balancer_class = load_balancer_class
        self._given: dict[str, str] = {}

    def serves(self, service: Service) -> bool:
        """Whether the Service is this provider's business."""
        return service.type == LOAD_BALANCER and service.load_balancer_class == self.load_balancer_class

    def provide(self, service: Service) -> Service:
        """The Service with its address, or without one if it is none of this provider's: one that it had is free again.

        Asking again changes nothing.  Raises AddressesExhausted.
        """
        if not self.serves(service):
            self.release(service.key)
            return replace(service, load_balancer_ips=())
        address = self._given.get(service.key)
        if address is None:
            taken = frozenset(self._given.values())
            had = (ip for ip in service.load_balancer_ips if ip_address(ip) in self._pool)
            address = next((text for text in chain(had, map(str, self._pool)) if text not in taken), None)
            if address is None:
                raise AddressesExhausted(str(self._pool), "a free address for a load balancer",
                                         "delete a Service, or give the provider a larger pool")
            self._given[service.key] = address
        return replace(service, load_balancer_ips=(address,))

    def release(self, key: str) -> None:
        """The Service is gone, or wants no load balancer any more.  One without an address is no error."""
        self._given.pop(key, None)

    def __repr__(self) -> str:
        return f"<LoadBalancerProvider {self._pool}: {len(self._given)} addresses given>"


def speaker(service: Service, nodes: Iterable[Node], slices: Iterable[EndpointSlice]) -> str:
    """The name of the node that answers for the Service's load balancer address; empty if no node does.

    It follows from the names and the address.  With the external policy ``Local`` only nodes with an endpoint of their own come
    into question, with ``Cluster`` all, as long as there is an endpoint anywhere.

        >>> web = Service("web", type="LoadBalancer", load_balancer_ips=("192.168.1.240",))
        >>> speaker(web, [Node("node-1", "192.168.1.2", "10.244.0.0/24")], [])
        ''
    """
    where = [end.node_name for part in slices for end in part.endpoints if end.ready]
    if not service.load_balancer_ips or not where:
        return ""
    able = [node.name for node in nodes if service.external_traffic_policy != LOCAL or node.name in where]
    address = service.load_balancer_ips[0]
    return min(able, key=lambda name: sha256(f"{name}#{address}".encode()).digest(), default="")


def health(service: Service, node: str, slices: Iterable[EndpointSlice]) -> int:
    """What a node says at the health check node port: 200 with an endpoint of its own, else 503; 0 if nobody listens there.

    >>> health(Service("web", type="LoadBalancer", external_traffic_policy="Local", health_check_node_port=32000), "node-1", [])
    503
    """
    if not service.health_check_node_port:
        return 0
    return 200 if local_endpoints(node, slices) else 503


def local_endpoints(node: str, slices: Iterable[EndpointSlice]) -> int:
    """How many ready endpoints of a Service are on a node.

    >>> local_endpoints("node-1", [])
    0
    """
    return len({end.addresses for part in slices for end in part.endpoints if end.ready and end.node_name == node})
