"""Random clusters: plain values that can be built, asked, and printed as a test that can be pasted into test_found.py.

How they are drawn is said in draws.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.lab import Wanted
from k8snet_course.errors import CourseError
from k8snet_course.faults import (
    BlockedPort,
    BridgeNetfilterOff,
    Fault,
    ForwardingOff,
    MissingFdb,
    MissingNeighbour,
    MissingRoute,
    WrongFdb,
    WrongMtu,
    WrongNeighbour,
    WrongRoute,
)
from k8snet_course.linux.bridge import EVERYBODY
from k8snet_course.underlay import INTERNET_NETWORK, ROUTER

FOUR, DUAL, SIX = "IPv4", "dual stack", "IPv6"
RANGES = {DUAL: {"pod_cidr": "10.244.0.0/16,fd00:10:244::/56", "node_network": "192.168.1.0/24,fd00:192:168:1::/64"},
          SIX: {"pod_cidr": "fd00:10:244::/56", "node_network": "fd00:192:168:1::/64"}}
POOLS = {FOUR: "192.168.1.240/28", DUAL: "192.168.1.240/28", SIX: "fd00:192:168:1::f0/124"}
SECOND = " (second address)"
"""What is written behind a pod's or a node's name in a probe that goes to the other of its addresses."""
EXTERNAL_IP = "198.51.100.7"
FIREWALLED = (("UDP", 8472), ("UDP", 4789), ("UDP", 6784), ("TCP", 80), ("UDP", 53), ("TCP", 30080))
A_MAC = "0a:58:00:00:00:01"
Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    name: str
    node: int
    app: str
    listen: tuple[int | str, ...]
    namespace: str = "default"
    host_network: bool = False

    @property
    def label(self) -> str:
        return self.name if self.namespace == "default" else f"{self.namespace}/{self.name}"

    @property
    def named(self) -> dict[str, Any]:
        more: dict[str, Any] = {"namespace": self.namespace} if self.namespace != "default" else {}
        if self.host_network:
            more["host_network"] = True
        return {"name": self.name, "node": f"node-{self.node}", "labels": {"app": self.app}, "listen": self.listen, **more}


@dataclass(frozen=True)
class Broken:
    """A fault as it is drawn: its kind, and numbers by which device and row are chosen from those that there are."""

    kind: str
    device: int
    row: int
    other: int

    def fault(self, cluster: Cluster) -> Fault | None:
        """The fault in this cluster; None where there is nothing that could be broken so."""
        return FAULTS[self.kind](cluster, self)


@dataclass(frozen=True)
class World:
    """A cluster as it was drawn, and the probes.  ``once`` are nodes that had a pod before all others, which has gone again."""

    cni: str
    proxy: str
    nodes: int
    pods: tuple[Pod, ...]
    services: tuple[Manifest, ...]
    policies: tuple[Manifest, ...]
    broken: tuple[Broken, ...]
    probes: tuple[Wanted, ...]
    ranges: str = FOUR
    once: tuple[int, ...] = ()

    @property
    def named(self) -> dict[str, str]:
        return RANGES.get(self.ranges, {}) | {"proxy": self.proxy, "load_balancer": POOLS[self.ranges]}

    def build(self) -> Cluster:
        cluster = Cluster(self.nodes, self.cni, **self.named)  # type: ignore[arg-type]
        for number in self.once:
            cluster.add_pod(f"once-{number}", node=f"node-{number}")
            cluster.delete("pod", f"once-{number}")
        for pod in self.pods:
            cluster.add_pod(**pod.named)
        for one in (*self.services, *self.policies):
            cluster.apply(one)
        for each in self.broken:
            fault = each.fault(cluster)
            if fault is not None:
                try:
                    cluster.inject(fault)
                except CourseError:
                    continue  # there is no such row in this cluster
        return cluster

    def wanted(self, cluster: Cluster) -> list[Wanted]:
        """The probes that were drawn, and the ways in to each Service from here and there."""
        sources = [self.pods[0].label, self.pods[-1].label, "node-1", f"node-{self.nodes}", "laptop"]
        ways = [(source, *way) for way in ways_in(cluster) for source in sources]
        return list(dict.fromkeys([*self.addressed(cluster), *ways]))

    def addressed(self, cluster: Cluster) -> Iterator[Wanted]:
        """The probes that were drawn, with an address where one is to go to a second one."""
        second = {pod.label: pod.ips[-1] for pod in cluster.pods} | {node.name: node.ips[-1] for node in cluster.nodes}
        told_sizes = self.ranges != FOUR and any(isinstance(fault, WrongMtu) for fault in cluster.faults)
        for source, target, port, protocol, *size in self.probes:
            if size and protocol == "UDP" and told_sizes:
                continue  # IPv6 remembers for a moment what a router has told of a way's MTU, and then cuts datagrams
            yield (source, second[target.removesuffix(SECOND)] if target.endswith(SECOND) else target, port, protocol, *size)

    def __str__(self) -> str:
        cluster = self.build()
        return "\n".join(self.lines(cluster, list(self.addressed(cluster))))

    def lines(self, cluster: Cluster, probes: list[Wanted] | tuple[Wanted, ...]) -> Iterator[str]:
        """This world and these probes as a test."""
        yield "def test_found() -> None:"
        yield f"    cluster = Cluster({self.nodes}, {self.cni!r}, {_written(self.named)})"
        for number in self.once:
            yield f"    cluster.add_pod('once-{number}', node='node-{number}')"
            yield f"    cluster.delete('pod', 'once-{number}')"
        for pod in self.pods:
            yield f"    cluster.add_pod({_written(pod.named)})"
        texts = [yaml.safe_dump(dict(one), sort_keys=False) for one in (*self.services, *self.policies)]
        if texts:
            yield "    cluster.apply(\"\"\"\n" + "---\n".join(texts) + "\"\"\")"
        for fault in cluster.faults:
            yield f"    cluster.inject({fault!r})"
        yield f"    agreed(cluster, {list(probes)!r})"


def _written(words: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in words.items())


def ways_in(cluster: Cluster) -> Iterator[tuple[str, int, str]]:
    """Where a Service can be asked: address or name, port and protocol."""
    for service in cluster.services:
        for port in service.ports:
            for address in (*service.cluster_ips, *service.external_ips, *service.load_balancer_ips):
                yield address, port.port, port.protocol
            if port.node_port:
                yield from ((node.name, port.node_port, port.protocol) for node in cluster.nodes)
                yield from ((ip, port.node_port, port.protocol) for node in cluster.nodes for ip in node.ips[1:])


def _device(cluster: Cluster, number: int) -> str:
    pods = [pod.key for pod in cluster.pods if not pod.host_network]
    names = [node.name for node in cluster.nodes]
    every = [*names, *names, ROUTER, *pods]
    return every[number % len(every)]


def _node(cluster: Cluster, number: int) -> str:
    return cluster.nodes[number % len(cluster.nodes)].name


def _of_row(make: Callable[..., Fault], rows: Callable[[Cluster, str], list[tuple[Any, ...]]],
            device: Callable[[Cluster, int], str], *more: Callable[[Cluster, str, str, int], Any]) -> Callable[
                [Cluster, Broken], Fault | None]:
    """A fault of one row of a table: ``rows`` gives what identifies each, ``more`` what it is to say instead."""
    def fault(cluster: Cluster, drawn: Broken) -> Fault | None:
        where = device(cluster, drawn.device)
        there = rows(cluster, where)
        if not there:
            return None
        row = there[drawn.row % len(there)]
        return make(where, *row, *(each(cluster, where, row[0], drawn.other) for each in more))

    return fault


def _routes(cluster: Cluster, device: str) -> list[tuple[Any, ...]]:
    return [(row.dst,) for row in cluster.namespace(device).routes]


def _to_change(cluster: Cluster, device: str) -> list[tuple[Any, ...]]:
    """Not IPv6's of pods, which have no router on their wire: see the row "dead routers" of the known simplifications."""
    is_pod = device not in (ROUTER, *(node.name for node in cluster.nodes))
    return [(row,) for row, in _routes(cluster, device) if ":" not in row or not is_pod]


def _neighbours(cluster: Cluster, device: str) -> list[tuple[Any, ...]]:
    return [(row.address,) for row in cluster.namespace(device).neighbours if row.state == "PERMANENT"]


def _fdb(cluster: Cluster, device: str) -> list[tuple[Any, ...]]:
    """Not those that say where copies go: see the row "overheard questions" of the known simplifications."""
    return [(row.mac,) for row in cluster.namespace(device).fdb_entries()
            if row.dst and not row.bridge and row.mac != EVERYBODY]


def _one(cluster: Cluster, device: str) -> list[tuple[Any, ...]]:
    return [()]


def _firewalled(cluster: Cluster, device: str) -> list[tuple[Any, ...]]:
    return list(FIREWALLED)


def _machine(cluster: Cluster, device: str, row: str, number: int) -> str:
    """Another machine: Linux has no route to a router that it is itself, nor one of another IP version.

    In IPv4 one that is not there, too; in IPv6 see the row "dead routers" of the known simplifications.
    """
    six = ":" in next((each.dst for each in cluster.namespace(device).fdb_entries() if each.mac == row), row)
    addresses = [*(ip for node in cluster.nodes for ip in node.ips), *cluster.namespace(ROUTER).addresses, "192.168.1.77"]
    own = cluster.namespace(device).addresses
    others = [address for address in addresses if address not in own and (":" in address) == six and not _is_lonely(address)]
    return others[number % len(others)]


def _is_lonely(address: str) -> bool:
    """Whether an address means something only on one wire, or on one machine."""
    return address.startswith(("127.", "::1", "fe80:"))


def _links(cluster: Cluster, device: str) -> list[tuple[Any, ...]]:
    """Those at cables' ends: what tunnels and bridges do with packets that are too big for them is asked in test_mtu.py."""
    return [(link.name,) for link in cluster.namespace(device).links.values() if link.kind in ("veth", "ethernet")]


def _mtu(cluster: Cluster, device: str, row: str, number: int) -> int:
    return (1000, 1300, 1400, 1600)[number % 4]


def _loop(cluster: Cluster, drawn: Broken) -> Fault:
    """The router hands what is for the internet to a node, which hands it to the router."""
    return WrongRoute(ROUTER, INTERNET_NETWORK, cluster.nodes[drawn.other % len(cluster.nodes)].ip, "eth0")


LOOP = "Loop"
FAULTS: dict[str, Callable[[Cluster, Broken], Fault | None]] = {
    "ForwardingOff": _of_row(ForwardingOff, _one, lambda cluster, number: (
        [node.name for node in cluster.nodes] + [ROUTER])[number % (len(cluster.nodes) + 1)]),
    "MissingRoute": _of_row(MissingRoute, _routes, _device),
    "WrongRoute": _of_row(WrongRoute, _to_change, _device, _machine),
    LOOP: _loop,
    "MissingNeighbour": _of_row(MissingNeighbour, _neighbours, _node),
    "WrongNeighbour": _of_row(WrongNeighbour, _neighbours, _node, lambda *_: A_MAC),
    "MissingFdb": _of_row(MissingFdb, _fdb, _node),
    "WrongFdb": _of_row(WrongFdb, _fdb, _node, _machine),
    "BlockedPort": _of_row(BlockedPort, _firewalled, _node),
    "WrongMtu": _of_row(WrongMtu, _links, _device, _mtu),
    "BridgeNetfilterOff": _of_row(BridgeNetfilterOff, _one, _node),
}
