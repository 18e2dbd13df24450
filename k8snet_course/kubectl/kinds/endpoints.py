"""Endpoints as kubectl sees them: the older list of who stands behind a Service, one object a Service.

The cluster makes them beside the EndpointSlices, for Services with a selector.

Source: kubernetes pkg/printers (printEndpoints); kubectl describe (EndpointsDescriber); core/v1 (Endpoints).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import NONE, Form
from k8snet_course.linux.packet import with_port
from k8snet_course.objects.endpoint_slice import EndpointPort
from k8snet_course.objects.service import EXTERNAL_NAME, Service


@dataclass(frozen=True, slots=True)
class Subset:
    """Addresses that share ports: those that are ready, and those that are not."""

    ready: tuple[tuple[str, str, str], ...]
    """Each with its address, its node and its pod's key."""
    other: tuple[tuple[str, str, str], ...]
    ports: tuple[EndpointPort, ...]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Who stands behind a Service, of its first IP family."""

    name: str
    namespace: str
    subsets: tuple[Subset, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Namespace and name: those of the Service."""
        return f"{self.namespace}/{self.name}"


class EndpointsForm(Form):
    """How Endpoints are listed and written."""

    columns = ("NAME", "ENDPOINTS", "AGE")

    def all(self) -> Iterator[Endpoints]:
        """Those of every Service with a selector."""
        services = self.server.api.services.services.values()
        return (self._of(service) for service in services if service.selector and service.type != EXTERNAL_NAME)

    def find(self, name: str, namespace: str) -> Endpoints | None:
        """Those of the Service of this name, or None."""
        return next((one for one in self.all() if one.name == name and one.namespace == namespace), None)

    def _of(self, service: Service) -> Endpoints:
        found: dict[tuple[EndpointPort, ...], tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]] = {}
        for part in self.server.api.services.slices(service.key):
            if part.address_type != service.ip_families[0]:
                continue
            for end in part.endpoints:
                ready, other = found.setdefault(part.ports, ([], []))
                (ready if end.ready else other).append((end.addresses[0], end.node_name, end.target))
        subsets = tuple(Subset(tuple(sorted(ready)), tuple(sorted(other)), ports) for ports, (ready, other) in found.items())
        return Endpoints(service.name, service.namespace, subsets, service.labels)

    def labels(self, one: Endpoints) -> Mapping[str, str]:
        """The Service's labels, and who made it."""
        return {"endpoints.kubernetes.io/managed-by": "endpoint-controller", **one.labels}

    def born(self, one: Endpoints) -> int:
        """They are as old as their Service."""
        return self.server.clock.born("Service", one.key)

    def cells(self, one: Endpoints) -> tuple[str, ...]:
        """NAME, ENDPOINTS, AGE."""
        pairs = [with_port(address, port.port)
                 for subset in one.subsets for port in subset.ports for address, _, _ in subset.ready]
        pairs += [address for subset in one.subsets if not subset.ports for address, _, _ in subset.ready]
        return (one.name, tell.some(pairs), self.age(one))

    def manifest(self, one: Endpoints) -> dict[str, Any]:
        """The object as the API has it."""
        served: dict[str, Any] = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": one.name}}
        subsets = []
        for subset in one.subsets:
            plain: dict[str, Any] = {}
            for name, ends in (("addresses", subset.ready), ("notReadyAddresses", subset.other)):
                if ends:
                    plain[name] = [_address(*end) for end in ends]
            if subset.ports:
                plain["ports"] = [{"port": port.port, "protocol": port.protocol} | ({"name": port.name} if port.name else {})
                                  for port in subset.ports]
            subsets.append(plain)
        return served | ({"subsets": subsets} if subsets else {})

    def describe(self, one: Endpoints) -> str:
        """The addresses and ports of each subset."""
        text = f"Name:\t{one.name}\nNamespace:\t{one.namespace}\n"
        text += tell.labels(self.labels(one)) + tell.notes({}) + "Subsets:\n"
        for subset in one.subsets:
            text += f"  Addresses:\t{','.join(end[0] for end in subset.ready) or NONE}\n"
            text += f"  NotReadyAddresses:\t{','.join(end[0] for end in subset.other) or NONE}\n"
            if subset.ports:
                text += "  Ports:\n    Name\tPort\tProtocol\n    ----\t----\t--------\n"
                text += "".join(f"    {port.name or '<unset>'}\t{port.port}\t{port.protocol}\n" for port in subset.ports)
            text += "\n"
        return text + tell.NO_EVENTS


def _address(address: str, node: str, pod: str) -> dict[str, Any]:
    plain: dict[str, Any] = {"ip": address}
    if node:
        plain["nodeName"] = node
    if pod:
        namespace, _, name = pod.partition("/")
        plain["targetRef"] = {"kind": "Pod", "name": name, "namespace": namespace}
    return plain


FORMS = {"endpoints": EndpointsForm}
