"""The numbers of Services: cluster IPs and node ports, which no two Services have at a time.

Source: Kubernetes documentation, "Service"; KEP-3070 and KEP-3668 (how addresses and node ports are drawn).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from operator import is_

from k8snet_course.addressing import NodePortAllocator, ServiceIpAllocator
from k8snet_course.errors import InvalidArgument
from k8snet_course.objects.service import CLUSTER_IP, EXTERNAL_NAME, HEADLESS, LOAD_BALANCER, LOCAL, NODE_PORT, Service

_DEFAULT_FAMILIES = Service("").ip_families


class ServiceNumbers:
    """Gives Services their cluster IPs and node ports.

    ``ranges`` has an allocator of cluster IPs for each IP family, the primary one first; ``reserved`` are cluster IPs that are
    kept for the Service of a key: that of the DNS server.

        >>> from k8snet_course.objects.service import ServicePort
        >>> numbers = ServiceNumbers({"IPv4": ServiceIpAllocator("10.96.0.0/12")})
        >>> web = Service("web", type="NodePort", ports=(ServicePort(80, node_port=30080),), cluster_ips=("10.96.0.20",))
        >>> print(numbers.with_ports(numbers.with_ips(web, None, []), None, []))
        service web NodePort 10.96.0.20 80:30080/TCP
        >>> numbers.ports.allocated
        (30080,)
    """

    def __init__(self, ranges: Mapping[str, ServiceIpAllocator], ports: NodePortAllocator | None = None,
                 reserved: Mapping[str, str] | None = None) -> None:
        self.ranges = dict(ranges)
        self.reserved = dict(reserved or {})
        for ip in self.reserved:
            self.ranges[_family(ip)].allocate(ip)
        self.ports = ports or NodePortAllocator()

    def rewinder(self) -> Callable[[], None]:
        """What makes the next addresses and ports be drawn as they would be drawn now."""
        allocators: list[ServiceIpAllocator | NodePortAllocator] = [*self.ranges.values(), self.ports]
        drawn = [(each, each.luck()) for each in allocators]

        def rewind() -> None:
            for each, luck in drawn:
                each.rewind(luck)

        return rewind

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

    def with_ips(self, wanted: Service, before: Service | None, undo: list[Callable[[], None]]) -> Service:
        """The Service with its cluster IPs: those that it asks for or has, else such as are drawn.

        What gives back what was taken is put into ``undo``.  Raises AddressUnavailable, AddressesExhausted or InvalidArgument.
        """
        if wanted.type == EXTERNAL_NAME:
            return replace(wanted, cluster_ips=())
        families = self._families(wanted)
        if wanted.headless:
            return replace(wanted, ip_families=families)
        had = before.cluster_ips if before is not None else ()
        asked = {_family(ip): ip for ip in wanted.cluster_ips} if wanted.cluster_ips else {}
        ips = []
        for family in families:
            ip = asked.get(family)
            if ip is not None and ip in self.reserved and self.reserved[ip] == wanted.key:
                ips.append(ip)
                continue
            if ip is None or ip not in had:
                ip = self.ranges[family].allocate(ip)
                undo.append(_releasing(self.ranges[family].release, ip))
            ips.append(ip)
        return wanted.addressed(tuple(ips), families)

    def with_ports(self, wanted: Service, before: Service | None, undo: list[Callable[[], None]]) -> Service:
        """The Service with its node ports, if its type has any.  Raises what ``with_ips`` raises."""
        ports_asked = any(port.node_port for port in wanted.ports) or wanted.health_check_node_port
        if wanted.type == CLUSTER_IP and not ports_asked:
            return wanted
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

    def give_back(self, before: Service, after: Service | None) -> None:
        """Free the addresses and ports that a Service had and the one in its place (None: nobody) has not."""
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
