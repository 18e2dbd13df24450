"""Services: one name and one address for pods that come and go.

A Service as written in a manifest, with what the cluster decides about it (cluster IPs, node ports, the load balancer's
addresses) filled in.  It chooses no pod and rewrites no packet: its pods are found by :mod:`k8snet_course.services.endpoints`,
and its packets are rewritten by the rules of :mod:`k8snet_course.services.kube_proxy`.

Source: Kubernetes API reference, core/v1 (Service, ServicePort).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CLUSTER_IP, NODE_PORT, LOAD_BALANCER, EXTERNAL_NAME = "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"
"""The four types of a Service."""

HEADLESS = "None"
"""The cluster IP of a Service that wants none: DNS then gives the addresses of its pods."""

CLUSTER, LOCAL = "Cluster", "Local"
"""The traffic policies: any endpoint, or only those on the node where the packet is."""

CLIENT_IP = "ClientIP"
"""The session affinity by which one client's connections go to one endpoint."""

DEFAULT_AFFINITY_TIMEOUT = 10800
"""Seconds for which a client's endpoint is remembered: three hours."""


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service: packets to ``port`` of its address go to ``target_port`` of a pod.

    ``target_port`` is a number, or the name of a port that the pod's containers declare; left out, it is ``port``.
    ``node_port`` is the same port on every node (0: none).

        >>> print(ServicePort(80, 8080, name="http"))
        http 80/TCP -> 8080
        >>> ServicePort(53, protocol="UDP").target_port
        53
    """

    port: int
    target_port: int | str = None  # type: ignore[assignment]  # never None afterwards: __post_init__ fills it in
    protocol: str = "TCP"
    name: str = ""
    node_port: int = 0
    app_protocol: str = ""

    def __post_init__(self) -> None:
        if self.target_port is None or self.target_port == 0 or self.target_port == "":
            object.__setattr__(self, "target_port", self.port)

    @property
    def column(self) -> str:
        """The port as kubectl's PORT(S) column shows it.

        >>> ServicePort(80, node_port=30080).column
        '80:30080/TCP'
        """
        return f"{self.port}:{self.node_port}/{self.protocol}" if self.node_port else f"{self.port}/{self.protocol}"

    def __str__(self) -> str:
        return f"{self.name} {self.column} -> {self.target_port}".lstrip()


@dataclass(frozen=True, slots=True)
class Service:
    """A Service.  ``affinity_timeout`` is in seconds; ``load_balancer_ips`` is what a provider has reported (status).

    ``cluster_ips`` has one address of each IP family; it is ``("None",)`` for a headless Service and empty before the
    cluster has given one, and for ExternalName.  ``external_ips`` are addresses that some node gets packets for anyway: every
    node's rules rewrite them, but nobody announces them, and nobody outside learns the way to them from Kubernetes.

        >>> web = Service("web", selector={"app": "web"}, ports=(ServicePort(80, 8080),), cluster_ips=("10.96.0.20",))
        >>> print(web)
        service web ClusterIP 10.96.0.20 80/TCP
        >>> web.key, web.headless
        ('default/web', False)
    """

    name: str
    namespace: str = "default"
    type: str = CLUSTER_IP
    selector: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    external_name: str = ""
    session_affinity: str = "None"
    affinity_timeout: int = DEFAULT_AFFINITY_TIMEOUT
    internal_traffic_policy: str = CLUSTER
    external_traffic_policy: str = CLUSTER
    load_balancer_source_ranges: tuple[str, ...] = ()
    load_balancer_class: str = ""
    load_balancer_ips: tuple[str, ...] = ()
    ip_family_policy: str = "SingleStack"
    ip_families: tuple[str, ...] = ("IPv4",)
    publish_not_ready_addresses: bool = False
    traffic_distribution: str = ""
    health_check_node_port: int = 0
    allocate_load_balancer_node_ports: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def addressed(self, cluster_ips: tuple[str, ...], ip_families: tuple[str, ...]) -> Service:
        """The same Service with the cluster IPs that it got; ten thousand are made at once, and ``replace`` takes its time.

        >>> print(Service("web").addressed(("10.96.0.20",), ("IPv4",)))
        service web ClusterIP 10.96.0.20
        """
        return Service(self.name, self.namespace, self.type, self.selector, self.ports, cluster_ips, self.external_ips,
                       self.external_name, self.session_affinity, self.affinity_timeout, self.internal_traffic_policy,
                       self.external_traffic_policy, self.load_balancer_source_ranges, self.load_balancer_class,
                       self.load_balancer_ips, self.ip_family_policy, ip_families, self.publish_not_ready_addresses,
                       self.traffic_distribution, self.health_check_node_port, self.allocate_load_balancer_node_ports,
                       self.labels, self.annotations)

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    @property
    def cluster_ip(self) -> str:
        """The first cluster IP; empty where there is none, ``None`` (a text) where the Service is headless."""
        return self.cluster_ips[0] if self.cluster_ips else ""

    @property
    def headless(self) -> bool:
        """Whether the Service wants no cluster IP."""
        return self.cluster_ip == HEADLESS

    @property
    def proxied(self) -> bool:
        """Whether kube-proxy has anything to do for it: not for a headless Service, nor for a mere name."""
        return self.type != EXTERNAL_NAME and self.cluster_ip not in ("", HEADLESS)

    @property
    def external_ip_column(self) -> str:
        """What kubectl's EXTERNAL-IP column shows: ``<pending>`` while no provider has given a load balancer's address.

        >>> Service("web", type="LoadBalancer", cluster_ips=("10.96.0.20",)).external_ip_column
        '<pending>'
        >>> Service("shop", type="ExternalName", external_name="shop.example.com").external_ip_column
        'shop.example.com'
        """
        if self.type == EXTERNAL_NAME:
            return self.external_name
        given = (self.load_balancer_ips if self.type == LOAD_BALANCER else ()) + self.external_ips
        return ",".join(given) or ("<pending>" if self.type == LOAD_BALANCER else "<none>")

    def __str__(self) -> str:
        ports = ",".join(port.column for port in self.ports)
        where = self.external_name if self.type == EXTERNAL_NAME else self.cluster_ip
        words = [f"service {self.label} {self.type}", where, ports]
        return " ".join(word for word in words if word)
