"""What a controller makes of an HTTP request: the rule that won, the rules that lost and why, and the next connection.

A controller's pod ends the client's connection.  Either it answers by itself (404, 500, 503), or it makes a connection of its
own to a pod behind a Service and repeats the request there.  So the backend sees the controller's address as the sender.

Which rule wins is decided by :mod:`k8snet_course.services.ingress` and :mod:`k8snet_course.services.gateway`; how the packets
of either connection walk is the business of the linux layer.

Source: Kubernetes documentation, "Ingress"; kubernetes-sigs/gateway-api, HTTPRouteRule (backendRefs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from k8snet_course.errors import InvalidArgument
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.service import EXTERNAL_NAME, Service, ServicePort
from k8snet_course.services.backends import backends, usable
from k8snet_course.services.http import HttpRequest

ENDPOINTS, CLUSTER_IP = "endpoints", "clusterIP"
"""Where a controller connects to: a pod, as nearly all do, or the Service's address, and then kube-proxy chooses the pod."""


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """A port of a Service, by number or by name.

    >>> print(ServiceRef("shop", "web", 80), ServiceRef("default", "web", "http"))
    shop/web:80 web:http
    """

    namespace: str
    name: str
    port: int | str

    @property
    def key(self) -> str:
        """The Service's namespace and name."""
        return f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.key.removeprefix('default/')}:{self.port}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that was looked at: ``owner`` is the object it stands in, ``matched`` whether the request meets it.

    >>> print(Candidate("ingress shop", "Prefix / -> web:80", True, False, "a longer path matched"))
    - ingress shop: Prefix / -> web:80 (a longer path matched)
    """

    owner: str
    rule: str
    matched: bool
    won: bool
    why: str

    def __str__(self) -> str:
        return f"{'*' if self.won else '-'} {self.owner}: {self.rule} ({self.why})"


@dataclass(frozen=True, slots=True)
class Routing:
    """What becomes of a request.  Exactly one of these: it goes on to ``backend``; the controller answers ``status`` itself;
    or neither (``status`` 0), because client and controller have no connection for it.

    ``default`` says that the backend is one for what matches no rule.  ``certificate`` is the Secret (``namespace/name``) whose
    certificate an HTTPS client is shown; empty where there is none for its host.  ``listener`` is a Gateway's.

        >>> request = HttpRequest("shop.example.com", "/cart")
        >>> print(Routing(request, ServiceRef("default", "cart", 80), 0, "it has the longest path that matches"))
        GET http://shop.example.com/cart -> cart:80, because it has the longest path that matches
        >>> print(Routing(request, None, 404, "no rule matches"))
        GET http://shop.example.com/cart -> 404, because no rule matches
    """

    request: HttpRequest
    backend: ServiceRef | None
    status: int
    why: str
    candidates: tuple[Candidate, ...] = ()
    default: bool = False
    certificate: str = ""
    listener: str = ""

    @property
    def rule(self) -> Candidate | None:
        """The rule that won, or None where none did."""
        return next((each for each in self.candidates if each.won), None)

    @property
    def losers(self) -> tuple[Candidate, ...]:
        """The rules that did not win, each with its reason."""
        return tuple(each for each in self.candidates if not each.won)

    def __str__(self) -> str:
        if self.backend is not None:
            outcome = f"{self.backend}{' (default backend)' if self.default else ''}"
        else:
            outcome = str(self.status or "no connection")
        return f"{self.request} -> {outcome}, because {self.why}"


@dataclass(frozen=True, slots=True)
class NextConnection:
    """What the controller does next: connect to ``address`` and ``port``, or, where ``status`` is not 0, answer with that.

    ``node`` is where the pod with this address runs; empty for a Service's address.

        >>> print(NextConnection("10.244.1.3", 8080, "node-2"), "|", NextConnection(status=503, why="web has no endpoints"))
        connect to 10.244.1.3:8080 on node-2 | answer 503, because web has no endpoints
    """

    address: str = ""
    port: int = 0
    node: str = ""
    status: int = 0
    why: str = ""

    def __str__(self) -> str:
        if self.status or not self.address:
            return f"{f'answer {self.status}' if self.status else 'nothing'}, because {self.why}"
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"connect to {address}:{self.port}" + (f" on {self.node}" if self.node else "")


def next_connection(routing: Routing, services: Mapping[str, Service], slices: Iterable[EndpointSlice], draw: float = 0.0,
                    via: str = ENDPOINTS) -> NextConnection:
    """The connection that the controller's pod makes for a request, or the answer that it gives instead.

    ``services`` are by key, ``slices`` may be all of the cluster's.  ``draw`` (from 0 up to 1) chooses among the endpoints, all
    of which are alike.  With ``via="clusterIP"`` the controller leaves that to kube-proxy.  Raises InvalidArgument.

        >>> from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort
        >>> web = Service("web", ports=(ServicePort(80, 8080),), cluster_ips=("10.96.0.20",))
        >>> pods = EndpointSlice("web-1", "default", "web", endpoints=(Endpoint(("10.244.0.2",)),), ports=(EndpointPort(8080),))
        >>> routing = Routing(HttpRequest("example.com"), ServiceRef("default", "web", 80), 0, "it matches")
        >>> print(next_connection(routing, {web.key: web}, [pods]))
        connect to 10.244.0.2:8080
        >>> print(next_connection(routing, {web.key: web}, [pods], via="clusterIP"))
        connect to 10.96.0.20:80
    """
    check_draw(draw)
    if via not in (ENDPOINTS, CLUSTER_IP):
        raise InvalidArgument(via, f"{ENDPOINTS} or {CLUSTER_IP}", f"write via='{ENDPOINTS}'")
    ref = routing.backend
    if ref is None:
        return NextConnection(status=routing.status, why=routing.why)
    service = services.get(ref.key)
    if service is None:
        return NextConnection(status=503, why=f"there is no Service {ref.key}")
    port = service_port(service, ref.port)
    if port is None:
        return NextConnection(status=503, why=f"the Service {ref.key} has no TCP port {ref.port}")
    if service.type == EXTERNAL_NAME:
        return NextConnection(status=503, why=f"the Service {ref.key} is only a name for {service.external_name}, "
                                              "without endpoints")
    if via == CLUSTER_IP and service.proxied:
        return NextConnection(service.cluster_ip, port.port)
    own = [each for each in slices if each.namespace == service.namespace and each.service == service.name]
    for family in service.ip_families:
        ready = usable(backends(own, port, family))
        if ready:
            chosen = ready[int(draw * len(ready))]
            return NextConnection(chosen.ip, chosen.port, chosen.node)
    return NextConnection(status=503, why=f"the Service {ref.key} has no ready endpoints for its port {ref.port}")


def service_port(service: Service, port: int | str) -> ServicePort | None:
    """The TCP port of a Service with this number or name; None where there is none.

    >>> web = Service("web", ports=(ServicePort(80, name="http"), ServicePort(53, protocol="UDP", name="dns")))
    >>> print(service_port(web, "http"), service_port(web, 53))
    http 80/TCP -> 80 None
    """
    return next((each for each in service.ports if each.protocol == "TCP" and port in (each.port, each.name)), None)


def check_draw(draw: float) -> None:
    """Refuse what is no number from 0 up to, but without, 1.  Raises InvalidArgument.

    >>> check_draw(0.5)
    """
    if isinstance(draw, bool) or not isinstance(draw, (int, float)) or not 0 <= draw < 1:
        raise InvalidArgument(draw, "a draw from 0 up to, but without, 1", "write draw=0.5")
