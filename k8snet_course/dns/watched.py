"""What the DNS server knows of the cluster: the objects it watches, found by name and by address in constant time.

A DNS server in a cluster holds no zone file.  It watches namespaces, Services, EndpointSlices and (in one mode) pods, and makes
each answer from them.  This module keeps the books and answers nothing: that is :mod:`k8snet_course.dns.zone`.

Only endpoints that are ready are named.  What a Service's names are, and who has an address, is worked out when the first
question about it comes: of ten thousand Services most are never asked for.

Source: CoreDNS 1.14, plugin kubernetes (its indexes of Services and endpoints by name and by address).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from k8snet_course.dns.names import check_address, dashed
from k8snet_course.objects.endpoint_slice import EndpointPort, EndpointSlice
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import HEADLESS, Service

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Backend:
    """A ready endpoint as DNS sees it: its address, the label it is named by, and its ports.

    >>> print(Backend("10.244.0.2", "db-0"))
    db-0 10.244.0.2
    """

    address: str
    label: str
    ports: tuple[EndpointPort, ...] = ()

    def __str__(self) -> str:
        return f"{self.label} {self.address}"


@dataclass(frozen=True, slots=True)
class Backends:
    """The ready endpoints of one Service, in the order of its slices, and the same by label."""

    all: tuple[Backend, ...] = ()
    by_label: dict[str, list[Backend]] = field(default_factory=dict)


NO_BACKENDS = Backends()
"""For a Service of which no slice is known."""


class Watched:
    """The objects, and the indexes over them.  ``changes`` counts the events that have been seen."""

    __slots__ = ("_backends", "_named_at", "_serving_at", "_slices", "_unnamed", "changes", "namespaces", "pods", "services")

    def __init__(self) -> None:
        self.namespaces: dict[str, None] = {}
        self.services: dict[str, Service] = {}
        self._slices: dict[str, Callable[[], Iterable[EndpointSlice]]] = {}
        self._backends: dict[str, Backends] = {}
        self.pods: dict[str, dict[str, Pod]] = {}
        self._serving_at: dict[str, dict[str, None]] = {}
        self._named_at: dict[str, dict[str, None]] = {}
        self._unnamed: dict[str, None] = {}
        """The Services whose endpoints are not in ``_named_at`` yet."""
        self.changes = 0

    def add_namespace(self, name: str) -> None:
        """A namespace is there."""
        self.namespaces[name] = None
        self.changes += 1

    def remove_namespace(self, name: str) -> None:
        """A namespace is gone: none of its names is answered any more, whatever is still in it."""
        self.namespaces.pop(name, None)
        self.changes += 1

    def add_service(self, service: Service) -> None:
        """A Service is there, or has changed."""
        addresses = addresses_of(service)
        self.remove_service(service.namespace, service.name)
        self.services[service.key] = service
        for ip in addresses:
            self._serving_at.setdefault(ip, {})[service.key] = None

    def remove_service(self, namespace: str, name: str) -> None:
        """A Service is gone; to remove one that is not there is no error."""
        gone = self.services.pop(f"{namespace}/{name}", None)
        if gone is not None:
            for ip in addresses_of(gone):
                _forget(self._serving_at, ip, gone.key)
        self.changes += 1

    def set_slices(self, namespace: str, service: str, slices: Iterable[EndpointSlice]) -> None:
        """All EndpointSlices of a Service, in order; those known of it before are forgotten.  Raises InvalidAddress."""
        given = tuple(slices)
        for each in given:
            for endpoint in each.endpoints if each.address_type != "FQDN" else ():
                for ip in endpoint.addresses:
                    check_address(ip)
        self.expect_slices(namespace, service, (lambda: given) if given else None)

    def expect_slices(self, namespace: str, service: str, slices: Callable[[], Iterable[EndpointSlice]] | None) -> None:
        """As ``set_slices``, with what gives the slices when they are asked for; None: there are none."""
        key = f"{namespace}/{service}"
        known = self._backends.pop(key, None)
        if known is not None and key not in self._unnamed:
            for backend in known.all:
                _forget(self._named_at, backend.address, key)
        self._slices.pop(key, None)
        self._unnamed.pop(key, None)
        if slices is not None:
            self._slices[key] = slices
            self._unnamed[key] = None
        self.changes += 1

    def backends_of(self, key: str) -> Backends:
        """The ready endpoints of a Service."""
        found = self._backends.get(key)
        if found is None:
            every = tuple(Backend(ip, endpoint.hostname or dashed(ip), each.ports)
                          for each in self._slices.get(key, tuple)() if each.address_type != "FQDN"
                          for endpoint in each.endpoints if endpoint.ready
                          for ip in endpoint.addresses)
            if not every:
                return NO_BACKENDS
            by_label: dict[str, list[Backend]] = {}
            for backend in every:
                by_label.setdefault(backend.label.lower(), []).append(backend)
            found = self._backends[key] = Backends(every, by_label)
        return found

    def _named(self) -> dict[str, dict[str, None]]:
        """By address the Services of which it is an endpoint."""
        for key in self._unnamed:
            for backend in self.backends_of(key).all:
                self._named_at.setdefault(backend.address, {})[key] = None
        self._unnamed.clear()
        return self._named_at

    def add_pod(self, pod: Pod) -> None:
        """A pod is there."""
        for ip in pod.ips:
            self.pods.setdefault(ip, {})[pod.key] = pod
        self.changes += 1

    def remove_pod(self, pod: Pod) -> None:
        """A pod is gone; to remove one that is not there is no error."""
        for ip in pod.ips:
            _forget(self.pods, ip, pod.key)
        self.changes += 1

    def has_pod(self, ip: str, namespace: str) -> bool:
        """Whether a pod of this namespace has this address."""
        return any(pod.namespace == namespace for pod in self.pods.get(ip, {}).values())

    def service_at(self, ip: str) -> Service | None:
        """The Service that has this address (the one that was there first, where several share an external one)."""
        return next((self.services[key] for key in self._serving_at.get(ip, ())), None)

    def backends_at(self, ip: str) -> list[tuple[str, str, Backend]]:
        """The endpoints that have this address, each after its namespace and Service: one pod can be in several."""
        return [(namespace, service, backend)
                for namespace, _, service in (key.partition("/") for key in self._named().get(ip, ()))
                for backend in self.backends_of(f"{namespace}/{service}").all if backend.address == ip]

    def addresses(self) -> list[str]:
        """All addresses that a Service or an endpoint has, Services first."""
        return list(dict.fromkeys((*self._serving_at, *self._named())))

    def copy(self) -> Watched:
        """The same knowledge, to be changed apart."""
        twin = Watched()
        twin.namespaces, twin.services = dict(self.namespaces), dict(self.services)
        twin._slices, twin._backends, twin._unnamed = dict(self._slices), dict(self._backends), dict(self._unnamed)
        twin.pods = {ip: dict(pods) for ip, pods in self.pods.items()}
        twin._serving_at = {ip: dict(keys) for ip, keys in self._serving_at.items()}
        twin._named_at = {ip: dict(keys) for ip, keys in self._named_at.items()}
        twin.changes = self.changes
        return twin


def addresses_of(service: Service) -> list[str]:
    """The addresses at which a Service is served: its cluster IPs, external IPs and load balancer's.

    Raises InvalidAddress.

        >>> addresses_of(Service("web", cluster_ips=("10.96.0.20",), external_ips=("192.0.2.1",)))
        ['10.96.0.20', '192.0.2.1']
    """
    given = [ip for ip in (*service.cluster_ips, *service.external_ips, *service.load_balancer_ips) if ip != HEADLESS]
    for ip in given:
        check_address(ip)
    return given


def _forget(index: dict[str, dict[str, _Kept]], ip: str, key: str) -> None:
    """Take a key out of an index of dictionaries, and the dictionary when it is empty."""
    keys = index.get(ip)
    if keys is not None:
        keys.pop(key, None)
        if not keys:
            del index[ip]
