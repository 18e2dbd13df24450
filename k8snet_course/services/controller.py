"""What the control plane decides about Services: their addresses, their node ports, and who stands behind them.

A change of a pod or a Service is only noted here.  What follows from it (EndpointSlices, kube-proxy's rules, names in DNS) is
worked out for the Services concerned when somebody next looks, by :meth:`ServiceController.settle`: between two packets of a
course there is time enough for every controller.

Source: Kubernetes documentation, "Service"; KEP-3070 and KEP-3668 (how addresses and node ports are drawn).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from operator import is_

from k8snet_course.addressing import NodePortAllocator, ServiceIpAllocator
from k8snet_course.errors import AddressesExhausted, InvalidArgument
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import EXTERNAL_NAME, HEADLESS, LOAD_BALANCER, LOCAL, NODE_PORT, Service
from k8snet_course.services.endpoints import READY, PodState, check_endpoints, endpoint_slices
from k8snet_course.services.load_balancer import LoadBalancerProvider
from k8snet_course.services.selectors import SelectorIndex

_DEFAULT_FAMILIES = Service("").ip_families


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
        self.ranges = dict(ranges)
        self.reserved = dict(reserved or {})
        for ip in self.reserved:
            self.ranges[_family(ip)].allocate(ip)
        self.ports = ports or NodePortAllocator()
        self.provider = provider
        self.zones = dict(zones or {})
        self.services: dict[str, Service] = {}
        self.states: dict[str, PodState] = {}
        self.health_ports: dict[str, int] = {}
        self._index = SelectorIndex()
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
        if pod.labels:
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
        before = self.services.get(wanted.key)
        undo: list[Callable[[], None]] = []
        try:
            service = self._with_ports(self._with_ips(wanted, before, undo), before, undo)
        except Exception:
            for step in reversed(undo):
                step()
            raise
        service = self._provided(service)
        if before is not None:
            self._give_back(before, service)
        self.services[service.key] = service
        if service.health_check_node_port:
            self.health_ports[service.key] = service.health_check_node_port
        else:
            self.health_ports.pop(service.key, None)
        self._index.add_service(service)
        self._stale[service.key] = None
        return service

    def rewinder(self) -> Callable[[], None]:
        """What makes the next addresses and ports be drawn as they would be drawn now."""
        allocators: list[ServiceIpAllocator | NodePortAllocator] = [*self.ranges.values(), self.ports]
        drawn = [(each, each.luck()) for each in allocators]

        def rewind() -> None:
            for each, luck in drawn:
                each.rewind(luck)

        return rewind

    def remove(self, key: str) -> Service:
        """Take a Service out, and give back what it had."""
        service = self.services.pop(key)
        self._give_back(service, None)
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

    def settle(self) -> Iterator[tuple[str, Service | None, tuple[EndpointSlice, ...]]]:
        """What has changed since it was last asked: a Service's key, the Service (None: it is gone) and its slices."""
        for key in list(self._pending) if self._stale else ():
            self.services[key] = self._provided(self.services[key])
            self._stale[key] = None
        while self._stale:
            key = next(iter(self._stale))
            slices = self.slices(key)
            del self._stale[key]
            if key not in self.services:
                self._slices.pop(key, None)
            yield key, self.services.get(key), slices

    def _worked_out(self, key: str) -> tuple[EndpointSlice, ...]:
        service = self.services.get(key)
        written = tuple(self._written.get(key, {}).values())
        if service is None:
            return written
        return (*endpoint_slices(service, self._index.pods_of(service), self.states, self.zones), *written)

    # -- addresses -----------------------------------------------------------------------------------------------------

    def _families(self, wanted: Service) -> tuple[str, ...]:
        """The IP families of a Service: those that it asks for, as far as the cluster has them."""
        have = tuple(self.ranges)
        usual = have == _DEFAULT_FAMILIES == wanted.ip_families and wanted.ip_family_policy == "SingleStack"
        if usual and not wanted.cluster_ips:
            return have
        if wanted.ip_family_policy == "RequireDualStack" and len(have) < 2:
            raise InvalidArgument(wanted.ip_family_policy, f"what this cluster can give: {have[0]} alone",
                                  "write ipFamilyPolicy: PreferDualStack, or make the cluster dual-stack")
        given = tuple(dict.fromkeys(map(_family, () if wanted.headless else wanted.cluster_ips)))
        if not given and wanted.ip_families != _DEFAULT_FAMILIES:
            given = wanted.ip_families
        missing = [family for family in given if family not in have]
        if missing and wanted.ip_family_policy == "SingleStack":
            raise InvalidArgument(missing[0], f"an IP family that this cluster's Services have: {', '.join(have)}",
                                  "leave clusterIP and ipFamilies out, or give the cluster a service_cidr of that family")
        asked = tuple(family for family in wanted.ip_families if family in have) or have[:1]
        if wanted.ip_family_policy == "SingleStack":
            return asked[:1]
        return (*asked, *(family for family in have if family not in asked))

    def _with_ips(self, wanted: Service, before: Service | None, undo: list[Callable[[], None]]) -> Service:
        if wanted.type == EXTERNAL_NAME:
            return replace(wanted, cluster_ips=())
        families = self._families(wanted)
        if wanted.headless:
            return replace(wanted, ip_families=families)
        had = before.cluster_ips if before is not None else ()
        asked = {_family(ip): ip for ip in wanted.cluster_ips}
        ips = []
        for family in families:
            ip = asked.get(family)
            if ip is not None and self.reserved.get(ip) == wanted.key:
                ips.append(ip)
                continue
            if ip is None or ip not in had:
                ip = self.ranges[family].allocate(ip)
                undo.append(_releasing(self.ranges[family].release, ip))
            ips.append(ip)
        return wanted.addressed(tuple(ips), families)

    def _with_ports(self, wanted: Service, before: Service | None, undo: list[Callable[[], None]]) -> Service:
        needed = wanted.type == NODE_PORT or (wanted.type == LOAD_BALANCER and wanted.allocate_load_balancer_node_ports)
        mine = {port.node_port for port in before.ports if port.node_port} if before is not None else set[int]()
        ports, asked = [], {port.port: port.node_port for port in wanted.ports if port.node_port}
        for port in wanted.ports:
            number = port.node_port if wanted.type in (NODE_PORT, LOAD_BALANCER) else 0
            if needed and not number and before is None:  # a new Service's ports with one number share the node port's too
                number = asked.get(port.port, 0)
            if (number or needed) and number not in mine:
                number = self.ports.allocate(number or None)
                undo.append(_releasing(self.ports.release, number))
                mine.add(number)
            asked.setdefault(port.port, number)
            ports.append(port if number == port.node_port else replace(port, node_port=number))
        check = wanted.health_check_node_port
        if wanted.type == LOAD_BALANCER and wanted.external_traffic_policy == LOCAL:
            if before is None or not check or before.health_check_node_port != check:
                check = self.ports.allocate(check or None)
                undo.append(_releasing(self.ports.release, check))
        else:
            check = 0
        if check == wanted.health_check_node_port and all(map(is_, ports, wanted.ports)):
            return wanted
        return replace(wanted, ports=tuple(ports), health_check_node_port=check)

    def _give_back(self, before: Service, after: Service | None) -> None:
        kept = after.cluster_ips if after is not None else ()
        for ip in before.cluster_ips:
            if ip not in kept and ip != HEADLESS and ip not in self.reserved:
                self.ranges[_family(ip)].release(ip)
        still = {port.node_port for port in after.ports} if after is not None else set()
        for number in {port.node_port for port in before.ports} - still - {0}:
            self.ports.release(number)
        if before.health_check_node_port and (after is None or after.health_check_node_port != before.health_check_node_port):
            self.ports.release(before.health_check_node_port)


def _family(ip: str) -> str:
    return "IPv6" if ":" in ip else "IPv4"


def _releasing(release: Callable[..., None], *value: Iterable[str] | int | str) -> Callable[[], None]:
    return lambda: release(*value)
