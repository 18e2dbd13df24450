"""Random clusters for hypothesis, with Services and faults, and what is asked of each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.agreement import Wanted
from k8snet_course.emulator.plan import PLUGINS
from k8snet_course.errors import CourseError
from k8snet_course.faults import Fault, ForwardingOff, MissingRoute

MOST_PODS = 6
OUTSIDE = ("laptop", "internet", "router")
NOBODY = ("10.99.1.1", "10.244.0.200", "192.168.1.77")
PORTS: tuple[tuple[int | None, str], ...] = ((80, "TCP"), (81, "TCP"), (53, "UDP"), (80, "UDP"), (None, "ICMP"))
LISTENS = ((80,), (80, "53/UDP"), ("53/UDP",), (81,))


@dataclass(frozen=True)
class Pod:
    name: str
    node: int
    app: str
    listen: tuple[int | str, ...]
    host_network: bool = False


@dataclass(frozen=True)
class Service:
    name: str
    app: str
    type: str
    port: int
    protocol: str
    external: str
    internal: str

    @property
    def manifest(self) -> dict[str, object]:
        spec: dict[str, object] = {"type": self.type, "selector": {"app": self.app}, "internalTrafficPolicy": self.internal,
                                   "ports": [{"port": 80, "targetPort": self.port, "protocol": self.protocol}]}
        if self.type == "NodePort":
            spec["externalTrafficPolicy"] = self.external
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": self.name}, "spec": spec}


@dataclass(frozen=True)
class World:
    """A cluster as it was drawn, and the probes."""

    cni: str
    nodes: int
    pods: tuple[Pod, ...]
    services: tuple[Service, ...]
    faults: tuple[Fault, ...]
    probes: tuple[Wanted, ...]

    def build(self) -> Cluster:
        cluster = Cluster(self.nodes, self.cni)
        for pod in self.pods:
            cluster.add_pod(pod.name, f"node-{pod.node}", labels={"app": pod.app}, listen=pod.listen,
                            host_network=pod.host_network)
        for service in self.services:
            cluster.apply(service.manifest)
        for fault in self.faults:
            try:
                cluster.inject(fault)
            except CourseError:
                continue  # there is no such row in this cluster
        return cluster

    def wanted(self, cluster: Cluster) -> list[Wanted]:
        """The probes that were drawn, and every way in to each Service."""
        more = []
        for service in cluster.services:
            for port in service.ports:
                for source in (*(pod.name for pod in self.pods), "node-1", "laptop"):
                    more.append((source, service.name, port.port, port.protocol))
                    if port.node_port:
                        more += [(source, node.name, port.node_port, port.protocol) for node in cluster.nodes]
        return [*self.probes, *more]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    cni, nodes = draw(st.sampled_from(PLUGINS)), draw(st.integers(1, 3))
    pods = tuple(Pod(f"p{number}", draw(st.integers(1, nodes)), draw(st.sampled_from("xyz")), draw(st.sampled_from(LISTENS)),
                     draw(st.integers(0, 9)) == 9) for number in range(draw(st.integers(1, MOST_PODS))))
    services: tuple[Service, ...] = ()
    if not cni.startswith("cilium"):
        policies = st.sampled_from(("Cluster", "Local"))
        services = tuple(Service(f"s{number}", draw(st.sampled_from("xyzn")), draw(st.sampled_from(("ClusterIP", "NodePort"))),
                                 draw(st.sampled_from((80, 81))), draw(st.sampled_from(("TCP", "TCP", "UDP"))), draw(policies),
                                 draw(policies)) for number in range(draw(st.integers(0, 2))))
    nodes_named = [f"node-{number}" for number in range(1, nodes + 1)]
    node = st.sampled_from(nodes_named)
    # Where there are Services, the default route stays: see the row "route before rules" of the known simplifications.
    route = st.sampled_from(("10.244.1.0/24",) if services else ("10.244.1.0/24", "default"))
    fault = st.one_of(st.builds(ForwardingOff, node), st.builds(MissingRoute, node, route))
    faults = draw(st.lists(fault, max_size=1).map(tuple)) if draw(st.integers(0, 2)) == 2 else ()
    names = [*(pod.name for pod in pods), *nodes_named]
    every = list(product((*names, *OUTSIDE), (*names, *OUTSIDE, *NOBODY), PORTS))
    chosen = draw(st.lists(st.sampled_from(every), min_size=20, max_size=60, unique=True))
    return World(cni, nodes, pods, services, faults, tuple((src, dst, port, protocol) for src, dst, (port, protocol) in chosen))
