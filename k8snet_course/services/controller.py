"""What the control plane decides about Services: their addresses, their node ports, and who stands behind them.

A change of a pod or a Service is only noted here.  What follows from it (EndpointSlices, kube-proxy's rules, names in DNS) is
worked out for the Services concerned when somebody next looks, by :meth:`ServiceController.settle`: between two packets of a
course there is time enough for every controller.

Source: Kubernetes documentation, "Service"; KEP-3070 and KEP-3668 (how addresses and node ports are drawn).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from k8snet_course.addressing import NodePortAllocator, ServiceIpAllocator
from k8snet_course.errors import AddressesExhausted
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import HEADLESS, Service
from k8snet_course.services.endpoints import READY, PodState, check_endpoints, endpoint_slices
from k8snet_course.services.load_balancer import LoadBalancerProvider
from k8snet_course.services.numbers import ServiceNumbers
from k8snet_course.services.selectors import SelectorIndex


class Behind:
    """Who stands behind a Service, worked out when it is called.

    ``number`` is how many endpoints there are in each IP family, if that is all there is to know about them before a packet
    comes: all are ready, each has its own address, and a port has the same number at each.  None: call it.
    """

    __slots__ = ("_service", "_services", "number")

    def __init__(self, services: ServiceController, service: Service, number: int | None) -> None:
        self._services = services
        self._service = service
        self.number = number

    def __call__(self) -> tuple[EndpointSlice, ...]:
        """The EndpointSlices."""
        return self._services.slices(self._service.key)


class ServiceController:
    """The Services of a cluster.  ``ranges`` has an allocator of cluster IPs for each IP family, the primary one first.

    ``reserved`` are cluster IPs that are kept for the Service of a key: that of the DNS server.  ``states`` are the pods'
    states by their keys, for those that are not simply ready; ``zones`` the nodes' zones; ``health_ports`` the node ports by
    Service at which every kube-proxy says whether its node has an endpoint.

        >>> from k8snet_course.objects.service import ServicePort
        >>> services = ServiceController({"IPv4": ServiceIpAllocator("10.96.0.0/12")})
        >>> services.add_pod(Pod("web-1", "node-1", "10.244.0.2", labels={"app": "web"}))
        >>> print(services.put(Service("web", selector={"app": "web"}, ports=(ServicePort(80),), cluster_ips=("10.96.0.20",))))
        service web ClusterIP 10.96.0.20 80/TCP
        >>> print(*services.slices("default/web"))
        endpointslice web-ns65t of web: IPv4 10.244.0.2 ports 80/TCP
    """

    def __init__(self, ranges: Mapping[str, ServiceIpAllocator], ports: NodePortAllocator | None = None,
                 provider: LoadBalancerProvider | None = None, zones: Mapping[str, str] | None = None,
                 reserved: Mapping[str, str] | None = None) -> None:
        self.numbers = ServiceNumbers(ranges, ports, reserved)
        self.provider = provider
        self.zones = dict(zones or {})
        self.services: dict[str, Service] = {}
        self.states: dict[str, PodState] = {}
        self.health_ports: dict[str, int] = {}
        self._index = SelectorIndex()
        self._peculiar: dict[str, None] = {}
        """The pods that share an address with others, or have none, or not one of each IP family."""
        self._written: dict[str, dict[str, EndpointSlice]] = {}
        self._slices: dict[str, tuple[EndpointSlice, ...]] = {}
        self._stale: dict[str, None] = {}
        self._pending: dict[str, None] = {}

    # -- what others did -----------------------------------------------------------------------------------------------

    def add_pod(self, pod: Pod) -> None:
        """A pod came, or was changed."""
        before = self._index.pod(pod.key)
        if before is not None:
            for service in self._index.services_of(before):
                self._stale[service.key] = None
        self._peculiar.pop(pod.key, None)
        if pod.labels:
            if pod.host_network or len(pod.ips) != len(self.numbers.ranges) or not pod.ip:
                self._peculiar[pod.key] = None
            self._index.add_pod(pod)
            for service in self._index.services_of(pod):
                self._stale[service.key] = None
        elif before is not None:
            self._index.remove_pod(pod.key)

    def remove_pod(self, key: str) -> None:
        """A pod went."""
        before = self._index.pod(key)
        if before is not None:
            for service in self._index.services_of(before):
                self._stale[service.key] = None
            self._index.remove_pod(key)
        self.states.pop(key, None)
        self._peculiar.pop(key, None)

    def set_state(self, pod: Pod, state: PodState) -> None:
        """A pod became ready, or stopped being it."""
        if state == READY:
            self.states.pop(pod.key, None)
        else:
            self.states[pod.key] = state
        for service in self._index.services_of(pod):
            self._stale[service.key] = None

    def state(self, key: str) -> PodState:
        """How the pod of this key is."""
        return self.states.get(key, READY)

    def set_zone(self, node: str, zone: str) -> None:
        """A node stands in another zone, or (empty) nobody knows in which."""
        self.zones = {name: of for name, of in self.zones.items() if name != node} | ({node: zone} if zone else {})
        self._stale |= dict.fromkeys(self.services)

    # -- Services ------------------------------------------------------------------------------------------------------

    def put(self, wanted: Service) -> Service:
        """Take in a Service, new or changed, with what it still needs: cluster IPs, node ports, a load balancer's address.

        Raises AddressUnavailable, AddressesExhausted or InvalidArgument; nothing has changed then.
        """
        key = wanted.key
        before = self.services.get(key)
        undo: list[Callable[[], None]] = []
        try:
            service = self.numbers.with_ports(self.numbers.with_ips(wanted, before, undo), before, undo)
        except Exception:
            for step in reversed(undo):
                step()
            raise
        service = self._provided(service)
        if before is not None:
            self.numbers.give_back(before, service)
        self.services[key] = service
        if service.health_check_node_port:
            self.health_ports[key] = service.health_check_node_port
        elif before is not None:
            self.health_ports.pop(key, None)
        self._index.add_service(service)
        self._stale[key] = None
        return service

    def remove(self, key: str) -> Service:
        """Take a Service out, and give back what it had."""
        service = self.services.pop(key)
        self.numbers.give_back(service, None)
        self._index.remove_service(key)
        self._stale[key] = None
        self._pending.pop(key, None)
        self.health_ports.pop(key, None)
        if self.provider is not None:
            self.provider.release(key)
        return service

    def _provided(self, service: Service) -> Service:
        """The Service with what the provider gives it.  Where the pool is used up it stays pending: that is no error."""
        if self.provider is None:
            return service
        self._pending.pop(service.key, None)
        try:
            return self.provider.provide(service)
        except AddressesExhausted:
            self._pending[service.key] = None
            return replace(service, load_balancer_ips=())

    def put_slice(self, written: EndpointSlice) -> None:
        """Take in an EndpointSlice that somebody wrote for a Service without a selector.  Raises InvalidAddress."""
        check_endpoints(written, (ip for service in self.services.values() for ip in service.cluster_ips if ip != HEADLESS))
        self._written.setdefault(f"{written.namespace}/{written.service}", {})[written.name] = written
        self._stale[f"{written.namespace}/{written.service}"] = None

    def remove_slice(self, written: EndpointSlice) -> None:
        """Take such a slice out."""
        key = f"{written.namespace}/{written.service}"
        self._written.get(key, {}).pop(written.name, None)
        self._stale[key] = None

    # -- who stands behind them ----------------------------------------------------------------------------------------

    def slices(self, key: str) -> tuple[EndpointSlice, ...]:
        """The EndpointSlices of a Service, as they are now."""
        if key in self._stale or key not in self._slices:
            self._slices[key] = self._worked_out(key)
        return self._slices[key]

    @property
    def unsettled(self) -> bool:
        """Whether anything has changed since ``settle`` was last asked."""
        return bool(self._stale)

    def settle(self) -> Iterator[tuple[str, Service | None]]:
        """What has changed since it was last asked: a Service's key, and the Service (None: it is gone).

        Its slices are worked out when somebody asks for them.
        """
        for key in list(self._pending) if self._stale else ():
            self.services[key] = self._provided(self.services[key])
            self._stale[key] = None
        while self._stale:
            for key in list(self._stale):
                del self._stale[key]
                self._slices.pop(key, None)
                yield key, self.services.get(key)

    def behind(self, service: Service) -> Behind:
        """Who stands behind a Service.

            >>> from k8snet_course.objects.service import ServicePort
            >>> services = ServiceController({"IPv4": ServiceIpAllocator("10.96.0.0/12")})
            >>> services.add_pod(Pod("web-1", "node-1", "10.244.0.2", labels={"app": "web"}))
            >>> services.behind(Service("web", selector={"app": "web"}, ports=(ServicePort(80),))).number
            1
            >>> services.behind(Service("web", selector={"app": "web"}, ports=(ServicePort(80, "http"),))).number is None
            True
        """
        return Behind(self, service, self._number(service))

    def _number(self, service: Service) -> int | None:
        """How many endpoints a Service has, if all are ready and alike; None otherwise."""
        for port in service.ports:
            if not isinstance(port.target_port, int):
                return None
        if self._written and self._written.get(service.key):
            return None
        keys = self._index.keys_of(service)
        for unlike in (self.states, self._peculiar):
            if unlike and not unlike.keys().isdisjoint(keys):
                return None
        return len(keys)

    def selecting(self, pod: Pod) -> list[str]:
        """The keys of the Services that select a pod."""
        return [service.key for service in self._index.services_of(pod)]

    def _worked_out(self, key: str) -> tuple[EndpointSlice, ...]:
        service = self.services.get(key)
        written = tuple(self._written.get(key, {}).values())
        if service is None:
            return written
        return (*endpoint_slices(service, self._index.pods_of(service), self.states, self.zones), *written)
