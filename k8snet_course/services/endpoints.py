"""EndpointSlices made from a Service and its pods, as the EndpointSlice controller makes them.

A pod is an endpoint when it has an address and has not finished.  Endpoints whose ports resolve alike share slices of at most
a hundred; a named target port that means different numbers in different pods therefore gives several slices, and so do two IP
families.  In a real cluster a slice's name ends in five random characters; here they follow from what the slice is for.

The slices are those of a fresh start.  A real controller leaves old slices as they are where it can.

Source: Kubernetes documentation, "EndpointSlices"; KEP-752, KEP-4974, KEP-1672 (terminating endpoints).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address, ip_network

from k8snet_course.errors import InvalidAddress, InvalidArgument
from k8snet_course.objects.endpoint_slice import MAX_ENDPOINTS, Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import EXTERNAL_NAME, Service, ServicePort
from k8snet_course.services.selectors import selects

MOST_ENDPOINTS = 1000
"""The largest value that ``--max-endpoints-per-slice`` may have."""

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes makes the ends of names from: no vowels, so that no words appear."""

_FORBIDDEN = tuple((ip_network(net), what) for net, what in (
    ("127.0.0.0/8", "loopback"), ("::1/128", "loopback"), ("169.254.0.0/16", "link-local"), ("224.0.0.0/24", "link-local"),
    ("fe80::/64", "link-local"), ("ff02::/16", "link-local")))


@dataclass(frozen=True, slots=True)
class PodState:
    """How a pod is: its Ready condition, whether it has been told to stop, whether it has ended (Succeeded or Failed).

    >>> print(PodState(ready=True, terminating=True))
    ready, terminating
    """

    ready: bool = True
    terminating: bool = False
    finished: bool = False

    def __str__(self) -> str:
        words = ["ready" if self.ready else "not ready"]
        return ", ".join(words + ["terminating"] * self.terminating + ["finished"] * self.finished)


READY = PodState()
"""The state of a pod that nothing is said about."""


def endpoint_slices(service: Service, pods: Iterable[Pod], states: Mapping[str, PodState] | None = None,
                    zones: Mapping[str, str] | None = None, most: int = MAX_ENDPOINTS) -> tuple[EndpointSlice, ...]:
    """The EndpointSlices of a Service, from its pods (others are left out), in the order of the pods.

    ``states`` gives pods' states by their keys (a pod that is not in it is ready), ``zones`` the nodes' zones by their names.
    A Service without a selector and an ExternalName Service get none; one with a selector that no pod satisfies gets an empty
    slice.  Raises InvalidArgument.

        >>> web = Service("web", selector={"app": "web"}, ports=(ServicePort(80, 8080),))
        >>> pods = [Pod("web-1", "node-1", "10.244.0.2", labels={"app": "web"}), Pod("db", "node-1", "10.244.0.3")]
        >>> print(*endpoint_slices(web, pods))
        endpointslice web-4wjtr of web: IPv4 10.244.0.2 ports 8080/TCP
    """
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_ENDPOINTS:
        raise InvalidArgument(most, f"how many endpoints a slice takes, from 1 to {MOST_ENDPOINTS}", "write 100")
    if service.type == EXTERNAL_NAME or not service.selector:
        return ()
    states, zones, families = states or {}, zones or {}, service.ip_families
    groups: dict[tuple[str, tuple[EndpointPort, ...]], list[Endpoint]] = {}
    ports_of: dict[tuple[tuple[int, str, str], ...], tuple[EndpointPort, ...]] = {}
    for pod in pods:
        key = pod.key
        state = states.get(key, READY)
        if state.finished or not pod.ip or pod.namespace != service.namespace or not selects(service.selector, pod.labels):
            continue
        declared = tuple([(port.container_port, port.protocol, port.name) for box in pod.containers for port in box.ports])
        ports = ports_of.get(declared)
        if ports is None:
            ports = ports_of[declared] = _ports(service, declared)
        ready = service.publish_not_ready_addresses or (state.ready and not state.terminating)
        for address in pod.ips:
            family = "IPv6" if ":" in address else "IPv4"
            if family in families:
                where = (family, ports)
                if where not in groups:
                    groups[where] = []
                hostname = pod.hostname if pod.subdomain == service.name else ""
                groups[where].append(Endpoint((address,), ready, state.ready, state.terminating, pod.node,
                                              zones.get(pod.node, ""), hostname, key))
    for family in families:
        if all(of != family for of, _ in groups):
            groups[family, ()] = []
    return tuple(
        EndpointSlice(_name(service, family, ports, first // most), service.namespace, service.name, family,
                      tuple(endpoints[first:first + most]), ports)
        for (family, ports), endpoints in groups.items() for first in range(0, max(len(endpoints), 1), most))


def target_number(port: ServicePort, pod: Pod) -> int | None:
    """The number of the pod's port that a Service's port means; None if it is a name that no container of the pod declares.

    >>> target_number(ServicePort(80, "http"), Pod("web", "node-1", "10.244.0.2")) is None
    True
    """
    return _number(port, tuple((of.container_port, of.protocol, of.name) for box in pod.containers for of in box.ports))


def check_endpoints(written: EndpointSlice, cluster_ips: Iterable[str] = ()) -> None:
    """Refuse addresses that an EndpointSlice written by hand may not have; ``cluster_ips`` are those of all Services.

    Raises InvalidAddress: an endpoint is no loopback address, no link-local address, and no Service's address.

        >>> check_endpoints(EndpointSlice("db-1", "default", "db", endpoints=(Endpoint(("127.0.0.1",)),)))
        Traceback (most recent call last):
        k8snet_course.errors.InvalidAddress: invalid address '127.0.0.1': expected an endpoint's address that is not loopback \
(127.0.0.0/8); write the address under which other machines reach it.
    """
    taken = frozenset(cluster_ips)
    for address in (address for endpoint in written.endpoints for address in endpoint.addresses):
        if written.address_type == "FQDN":
            continue
        try:
            parsed = ip_address(address)
        except ValueError:
            raise InvalidAddress(address, f"an {written.address_type} address", "write one such as '10.0.0.7'") from None
        if f"IPv{parsed.version}" != written.address_type:
            raise InvalidAddress(address, f"an {written.address_type} address, as the slice's addressType says",
                                 "put addresses of the two families into two slices")
        for net, what in _FORBIDDEN:
            if parsed in net:
                raise InvalidAddress(address, f"an endpoint's address that is not {what} ({net})",
                                     "write the address under which other machines reach it")
        if address in taken:
            raise InvalidAddress(address, "an endpoint's address that is not the cluster IP of a Service",
                                 "write the address of the program itself")


def _ports(service: Service, declared: tuple[tuple[int, str, str], ...]) -> tuple[EndpointPort, ...]:
    """The ports of a pod that stand behind the Service's; a name that the pod does not know is left out."""
    found = ((port, _number(port, declared)) for port in service.ports)
    return tuple(EndpointPort(number, port.protocol, port.name) for port, number in found if number is not None)


def _number(port: ServicePort, declared: Iterable[tuple[int, str, str]]) -> int | None:
    if isinstance(port.target_port, int):
        return port.target_port
    return next((number for number, protocol, name in declared
                 if name == port.target_port and protocol == port.protocol), None)


def _name(service: Service, family: str, ports: tuple[EndpointPort, ...], number: int) -> str:
    """The Service's name and five letters that follow from what the slice is for."""
    digest = int.from_bytes(sha256(f"{service.key} {family} {_spelled(ports)} {number}".encode()).digest()[:8], "big")
    letters = ""
    for _ in range(5):
        digest, letter = divmod(digest, len(_LETTERS))
        letters += _LETTERS[letter]
    return f"{service.name[:57]}-{letters}"


@lru_cache(maxsize=256)  # many Services have the same ports
def _spelled(ports: tuple[EndpointPort, ...]) -> str:
    return str(ports)
