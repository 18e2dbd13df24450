"""What a name under a Service stands for: hosts, each an address, a port, and the name that the port is at.

A Service with a ClusterIP is one host by that address, ready endpoints or not.  A headless one is its ready endpoints.  A name
with one label more is one endpoint; with a port and a protocol before it, it is the same hosts at that port only.

Pure functions of a Service and its ready endpoints.  Which Service a name means, and what an ExternalName leads to, is for
:mod:`k8snet_course.dns.zone` to say.

Source: CoreDNS 1.14, plugin kubernetes (findServices) and backend_lookup (SRV).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from k8snet_course.dns.names import endpoint_name, port_name, service_name
from k8snet_course.dns.records import Record
from k8snet_course.dns.watched import Backends
from k8snet_course.objects.endpoint_slice import EndpointPort
from k8snet_course.objects.service import Service, ServicePort

NO_PORT = -1
"""The port of a host where none is declared: it has an address, and no SRV record."""


@dataclass(frozen=True, slots=True)
class Host:
    """An address and port behind a name; ``target`` is the full name that an SRV record gives for it.

    >>> print(Host("10.96.0.20", 80, "web.default.svc.cluster.local."))
    10.96.0.20 80 web.default.svc.cluster.local.
    """

    address: str
    port: int
    target: str

    def __str__(self) -> str:
        return f"{self.address} {self.port} {self.target}"


def hosts_of(service: Service, backends: Backends, labels: list[str], domain: str) -> list[Host] | None:
    """The hosts of a name, given as its labels before the domain; None when it stands for nothing: there is no such name.

    >>> web = Service("web", ports=(ServicePort(80, name="http"),), cluster_ips=("10.96.0.20",))
    >>> for host in hosts_of(web, Backends(), ["_http", "_tcp", "web", "default", "svc"], "cluster.local"):
    ...     print(host)
    10.96.0.20 80 web.default.svc.cluster.local.
    >>> hosts_of(web, Backends(), ["_dns", "_udp", "web", "default", "svc"], "cluster.local") is None
    True
    """
    port = protocol = ""
    if len(labels) == 5:
        port, protocol = labels[0].removeprefix("_"), labels[1].removeprefix("_")
    target = f"{service_name(service.name, service.namespace, domain)}."
    if service.headless or len(labels) == 4:
        chosen = backends.by_label.get(labels[0], []) if len(labels) == 4 else backends.all
        return [Host(each.address, number, f"{each.label}.{target}")
                for each in chosen for number in _numbers(each.ports, port, protocol)] or None
    numbers = _numbers(service.ports, port, protocol)
    return [Host(ip, number, target) for number in numbers for ip in service.cluster_ips] if numbers else None


def address_records(hosts: Iterable[Host], owner: str, wanted: str, ttl: int) -> tuple[Record, ...]:
    """The A or AAAA records of hosts, each address once."""
    mark = ":" if wanted == "AAAA" else "."
    return tuple([Record(owner, wanted, ttl, ip) for ip in dict.fromkeys([host.address for host in hosts]) if mark in ip])


def srv_records(hosts: list[Host], owner: str, ttl: int) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """The SRV records of hosts, and the addresses of their targets.

    All have priority 0.  The weight is a hundred shared among the hosts, rounded down: 100, 50, 33, ..., 16 for six.
    """
    declared = [host for host in hosts if host.port != NO_PORT]
    weight = max(100 // max(len(hosts), 1), 1)
    places = dict.fromkeys([(host.port, host.target) for host in declared])
    targets = dict.fromkeys([(host.target, host.address) for host in declared])
    return (tuple([Record(owner, "SRV", ttl, f"0 {weight} {port} {target}") for port, target in places]),
            tuple([Record(target, "AAAA" if ":" in ip else "A", ttl, ip) for target, ip in targets]))


def names_under(service: Service, backends: Backends, domain: str) -> Iterator[tuple[str, str]]:
    """The names of a Service, of its named ports and of its endpoints, each with the type of its record.

    >>> for name, type in names_under(Service("web", ports=(ServicePort(80, name="http"),), cluster_ips=("10.96.0.20",)),
    ...                               Backends(), "cluster.local"):
    ...     print(type, name)
    A web.default.svc.cluster.local.
    SRV _http._tcp.web.default.svc.cluster.local.
    """
    place = (service.name, service.namespace, domain)
    ports: Iterable[ServicePort | EndpointPort] = service.ports
    own = service.cluster_ips
    if service.headless:
        own = tuple(each.address for each in backends.all)
        ports = [port for each in backends.all for port in each.ports]
    for wanted in dict.fromkeys("AAAA" if ":" in ip else "A" for ip in own):
        yield f"{service_name(*place)}.", wanted
    for port, protocol in dict.fromkeys((port.name, port.protocol) for port in ports if port.name and own):
        yield f"{port_name(port, protocol, *place)}.", "SRV"
    for label, wanted in dict.fromkeys((each.label, "AAAA" if ":" in each.address else "A") for each in backends.all):
        yield f"{endpoint_name(label, *place)}.", wanted


def _numbers(ports: Iterable[ServicePort | EndpointPort], name: str, protocol: str) -> list[int]:
    """The numbers of the ports of this name and protocol (empty: any).  Where none is declared there is still the host."""
    declared = [(port.port, port.name, port.protocol) for port in ports] or [(NO_PORT, "", "")]
    return [number for number, its_name, its_protocol in declared
            if name in ("", its_name.lower()) and protocol in ("", its_protocol.lower())]
