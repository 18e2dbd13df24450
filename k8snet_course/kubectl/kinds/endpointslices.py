"""EndpointSlices as kubectl sees them: those that the cluster made, and those that somebody wrote.

Source: kubernetes pkg/printers (printEndpointSlice); kubectl describe (describeEndpointSliceV1); discovery.k8s.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import Form
from k8snet_course.manifests.endpoint_slices import SERVICE_NAME
from k8snet_course.objects.endpoint_slice import EndpointSlice

_UNSET = "<unset>"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"


class EndpointSliceForm(Form):
    """How EndpointSlices are listed and written."""

    columns = ("NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE")

    def all(self) -> Iterator[EndpointSlice]:
        """The slices of every Service, and those of Services that are not there."""
        services, seen = self.server.api.services, set()
        for key in list(services.services):
            for one in services.slices(key):
                seen.add(one.key)
                yield one
        yield from (one for one in self.server.api.all("EndpointSlice") if one.key not in seen)

    def find(self, name: str, namespace: str) -> EndpointSlice | None:
        """The slice of this name, or None."""
        return next((one for one in self.all() if one.name == name and one.namespace == namespace), None)

    def written(self, one: EndpointSlice) -> bool:
        """Whether somebody wrote it, and not the cluster."""
        return self.server.api.find("EndpointSlice", one.key) is not None

    def labels(self, one: EndpointSlice) -> Mapping[str, str]:
        """The label that names its Service; and who made it, if that was the cluster."""
        found = {SERVICE_NAME: one.service} if one.service else {}
        return found if self.written(one) else {_MANAGED_BY: "endpointslice-controller.k8s.io", **found}

    def annotations(self, one: EndpointSlice) -> Mapping[str, str]:
        """None are kept."""
        return {}

    def born(self, one: EndpointSlice) -> int:
        """When it was written; one that the cluster made is as old as its Service."""
        clock = self.server.clock
        return clock.born("EndpointSlice", one.key) if self.written(one) else clock.born(
            "Service", f"{one.namespace}/{one.service}")

    def cells(self, one: EndpointSlice) -> tuple[str, ...]:
        """NAME, ADDRESSTYPE, PORTS, ENDPOINTS, AGE."""
        ports = [str(port.port) for port in one.ports]
        addresses = [address for endpoint in one.endpoints for address in endpoint.addresses]
        return (one.name, one.address_type, tell.some(ports, _UNSET), tell.some(addresses, _UNSET), self.age(one))

    def fill(self, one: EndpointSlice, served: dict[str, Any]) -> None:
        """What the controller writes beside the addresses."""
        for endpoint, plain in zip(one.endpoints, served["endpoints"], strict=True):
            plain["conditions"] = {"ready": endpoint.ready, "serving": endpoint.serving, "terminating": endpoint.terminating}
        served["ports"] = [{"name": port.name, "port": port.port, "protocol": port.protocol} for port in one.ports]

    def describe(self, one: EndpointSlice) -> str:
        """The slice, its ports, and each endpoint with its state."""
        text = f"Name:\t{one.name}\nNamespace:\t{one.namespace}\n"
        text += tell.labels(self.labels(one)) + tell.notes({}) + f"AddressType:\t{one.address_type}\n"
        if one.ports:
            text += "Ports:\n  Name\tPort\tProtocol\n  ----\t----\t--------\n"
            text += "".join(f"  {port.name or _UNSET}\t{port.port}\t{port.protocol}\n" for port in one.ports)
        else:
            text += f"Ports: {_UNSET}\n"
        text += "Endpoints:\n" if one.endpoints else "Endpoints: <none>\n"
        for endpoint in one.endpoints:
            text += f"  - Addresses:\t{','.join(endpoint.addresses)}\n    Conditions:\n      Ready:\t{_flag(endpoint.ready)}\n"
            text += f"    Hostname:\t{endpoint.hostname or _UNSET}\n"
            if endpoint.target:
                text += f"    TargetRef:\tPod/{endpoint.target.partition('/')[2]}\n"
            text += f"    NodeName:\t{endpoint.node_name or _UNSET}\n    Zone:\t{endpoint.zone or _UNSET}\n"
        return text + tell.NO_EVENTS


def _flag(value: bool) -> str:
    return "true" if value else "false"


FORMS = {"endpointslices": EndpointSliceForm}
