"""One Service as kube-proxy's tables hold it, and where its dispatch rows stand.

Source: kubernetes, pkg/proxy (a ServicePortMap has the same place there).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from k8snet_course.linux.chain import Chain
from k8snet_course.linux.rule import Row
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.backends import Backend
from k8snet_course.services.kube_proxy.mode import Mode, PortView

Where = tuple[str, str]
"""A table and a chain in it."""

Slices = Callable[[], Iterable[EndpointSlice]]
"""What works a Service's EndpointSlices out when they are needed."""


@dataclass(slots=True)
class Held:
    """One Service as the tables hold it; with ``slices`` nobody has looked at its endpoints yet."""

    service: Service
    endpoints: tuple[tuple[ServicePort, tuple[Backend, ...]], ...]
    differs: bool
    views: tuple[PortView, ...]
    touched: tuple[Where, ...] = ()
    made: dict[Where, Chain] = field(default_factory=dict)
    comments: bool = True
    slices: Slices | None = None
    counted: int = 0
    """As how many endpoints it counts."""


class Outline(NamedTuple):
    """Which chains a Service's dispatch rows stand in, and how many in each, with what writes them.

    Those ``at_address`` name its cluster IP; those ``at_endpoints`` name its endpoints.
    """

    touched: tuple[Where, ...]
    at_address: list[tuple[Chain, int, Callable[[Hashable], list[Row]]]]
    at_endpoints: list[tuple[Chain, int, Callable[[Hashable], list[Row]]]]


def put(dispatch: dict[Where, Chain], key: str, mode: Mode, views: tuple[PortView, ...]) -> tuple[Where, ...]:
    """Put a Service's dispatch rows into the chains; returns which chains it touched."""
    rows: dict[Where, list[Row]] = {}
    for view in views:
        for table, row in mode.dispatch(view):
            rows.setdefault((table, row.chain), []).append(row)
    for chain, new in rows.items():
        if chain not in dispatch:
            dispatch[chain] = Chain()
        dispatch[chain].add(key, new)
    return tuple(rows)
