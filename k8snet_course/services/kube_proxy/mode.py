"""One port of a Service as a node's kube-proxy sees it, and what a mode of kube-proxy has to say about it.

A mode turns a port into rows: those that it puts into the chains which all Services share (the *dispatch*), and those of chains
of its own.  A mode holds no Services: that is :mod:`k8snet_course.services.kube_proxy.tables`.

Source: kubernetes, pkg/proxy/serviceport.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from k8snet_course.linux.rule import Row
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import CLIENT_IP, CLUSTER_IP, LOAD_BALANCER, LOCAL, Service, ServicePort
from k8snet_course.services.backends import Backend, Choice, externally_accessible, same_everywhere
from k8snet_course.services.kube_proxy.proxy import Settings

ANYWHERE = Node("", "", "")
"""The node that rules are made for which are the same on all."""

def node_address(node: Node, family: str) -> str:
    """A node's address of an IP family; empty if it has none.

    >>> node_address(Node("node-1", "192.168.1.2", "10.244.0.0/24"), "IPv4"), node_address(ANYWHERE, "IPv6")
    ('192.168.1.2', '')
    """
    return next((ip for ip in node.ips if ip and (":" in ip) == (family == "IPv6")), "")


_SMALL = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
"""How rules spell protocols: one text for the hundred thousands of rules of a large cluster."""

Placed = tuple[str, Row]
"""A row, and the table that it stands in."""


class PortView(NamedTuple):
    """One port of a Service as one node's kube-proxy sees it, in one IP family."""

    service: Service
    port: ServicePort
    family: str
    node: Node
    choice: Choice

    @property
    def name(self) -> str:
        """Namespace, Service and port, as rules' comments say it: ``default/web:http``."""
        return f"{self.service.key}:{self.port.name}" if self.port.name else self.service.key

    @property
    def protocol(self) -> str:
        """tcp, udp or sctp."""
        return _SMALL.get(self.port.protocol) or self.port.protocol.lower()

    @property
    def cluster_ip(self) -> str:
        """The Service's address of this family; empty if it has none."""
        found = self._of_family(self.service.cluster_ips)
        return found[0] if found else ""

    @property
    def external_ips(self) -> tuple[str, ...]:
        """The addresses that somebody brings to the nodes by other means."""
        return self._of_family(self.service.external_ips)

    @property
    def load_balancer_ips(self) -> tuple[str, ...]:
        """The addresses that a provider has given."""
        return self._of_family(self.service.load_balancer_ips) if self.service.type == LOAD_BALANCER else ()

    @property
    def source_ranges(self) -> tuple[str, ...]:
        """Who may use the load balancer's addresses; empty: everybody."""
        return self._of_family(self.service.load_balancer_source_ranges) if self.service.type == LOAD_BALANCER else ()

    @property
    def node_ip(self) -> str:
        """The node's own address of this family; empty if it has none."""
        return node_address(self.node, self.family)

    @property
    def node_port(self) -> int:
        """The port on every node; 0: none."""
        return self.port.node_port if self.service.type != CLUSTER_IP else 0

    @property
    def external(self) -> bool:
        """Whether anything but the cluster IP leads here."""
        return externally_accessible(self.service)

    @property
    def affinity(self) -> int:
        """For how many seconds a client stays with its endpoint; 0: not at all."""
        return self.service.affinity_timeout if self.service.session_affinity == CLIENT_IP else 0

    @property
    def internal(self) -> tuple[Backend, ...]:
        """The endpoints for packets to the cluster IP."""
        return self.choice.here if self.service.internal_traffic_policy == LOCAL else self.choice.everywhere

    @property
    def external_local(self) -> bool:
        """Whether packets from outside are kept to the node's own endpoints."""
        return self.external and self.service.external_traffic_policy == LOCAL

    @property
    def outside(self) -> tuple[Backend, ...]:
        """The endpoints for packets from outside to another address than the cluster IP."""
        return self.choice.here if self.external_local else self.choice.everywhere

    def _of_family(self, texts: Iterable[str]) -> tuple[str, ...]:
        ipv6 = self.family == "IPv6"
        return tuple([text for text in texts if (":" in text) == ipv6])


class Mode:
    """What one mode writes.  A subclass is stateless: it turns a port into rows."""

    name = ""
    serves = False
    """Whether it has virtual servers of IPVS."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def differs(self, service: Service) -> bool:
        """Whether the Service's rows are not the same on all nodes."""
        return not same_everywhere(service) or bool(service.load_balancer_source_ranges)

    def fixed(self, node: Node, family: str) -> Iterable[Placed]:
        """The rows that do not depend on Services."""
        raise NotImplementedError

    def empty(self, family: str) -> Iterable[tuple[str, str]]:
        """Chains that exist even without a row: table and name."""
        return ()

    def dispatch(self, view: PortView) -> Iterable[Placed]:
        """The rows that a port puts into chains which all Services share."""
        raise NotImplementedError

    def owned(self, view: PortView) -> Iterable[tuple[str, str]]:
        """The chains by which the dispatch rows lead to this port: table and name."""
        raise NotImplementedError

    def chains(self, view: PortView, comments: bool) -> Iterable[Placed]:
        """The rows of the port's own chains."""
        raise NotImplementedError
