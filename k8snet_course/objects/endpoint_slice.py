"""EndpointSlices: which addresses stand behind a Service, in slices of at most a hundred.

All endpoints of a slice share one list of ports and one IP family.  A slice is made by the cluster from a selector
(:mod:`k8snet_course.services.endpoints`), or written by a person for a Service without one.

Source: Kubernetes API reference, discovery.k8s.io/v1 (EndpointSlice); "EndpointSlices" in the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MAX_ENDPOINTS = 100
"""How many endpoints a slice takes before the next one is begun (``--max-endpoints-per-slice``)."""


class Endpoint(NamedTuple):
    """One backend: its addresses (of one family, in practice one) and its state.

    ``ready``: it takes new connections.  ``serving``: it would, were it not for its end.  ``terminating``: it has been told to
    stop.  ``target`` is the key of the pod behind it, empty where there is none.

        >>> print(Endpoint(("10.244.0.2",), node_name="node-1"))
        10.244.0.2 on node-1 ready
        >>> print(Endpoint(("10.244.0.2",), ready=False, terminating=True))
        10.244.0.2 not ready, serving, terminating
    """

    addresses: tuple[str, ...]
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    node_name: str = ""
    zone: str = ""
    hostname: str = ""
    target: str = ""

    def __str__(self) -> str:
        where = f" on {self.node_name}" if self.node_name else ""
        if self.ready:
            state = "ready"
        else:
            state = "not ready" + (", serving" if self.serving else "")
        return f"{','.join(self.addresses)}{where} {state}{', terminating' if self.terminating else ''}"


class EndpointPort(NamedTuple):
    """A port that all endpoints of a slice share.  ``name`` is the name of the Service's port, ``port`` the pods' number.

    >>> print(EndpointPort(8080, name="http"))
    http 8080/TCP
    """

    port: int
    protocol: str = "TCP"
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.port}/{self.protocol}".lstrip()


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """Endpoints of one Service.  ``service`` is the Service's name, as the label ``kubernetes.io/service-name`` says it.

    >>> print(EndpointSlice("web-1", "default", "web", endpoints=(Endpoint(("10.244.0.2",)),), ports=(EndpointPort(80),)))
    endpointslice web-1 of web: IPv4 10.244.0.2 ports 80/TCP
    """

    name: str
    namespace: str
    service: str
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        addresses = [address for endpoint in self.endpoints for address in endpoint.addresses]
        shown = ",".join(addresses[:3]) + (f" and {len(addresses) - 3} more" if len(addresses) > 3 else "") or "no endpoints"
        ports = ",".join(str(port) for port in self.ports) or "none"
        return f"endpointslice {self.key.removeprefix('default/')} of {self.service}: {self.address_type} {shown} ports {ports}"
