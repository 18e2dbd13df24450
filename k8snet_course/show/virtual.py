"""The virtual addresses of Services that a packet was sent to: where they were rewritten, and which pods could have got it.

All of it is read from the walk, the Services and their EndpointSlices: a step that rewrites a packet's destination, where the
old destination is an address and port of a Service.  The names of rules play no part, so it is the same whatever kube-proxy
or plugin did the rewriting.  A walk that ends because a Service has no backends counts too.  Which part of all connections each
backend gets is read off the rules (:mod:`~k8snet_course.show.shares`), and said only where it is the same for all of them.

Source: Kubernetes documentation, "Virtual IPs and Service Proxies".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from k8snet_course.control_plane import ZONE_LABEL
from k8snet_course.linux.packet import Packet, with_port
from k8snet_course.linux.trace import Action, Hop, Step, Trace, Verdict
from k8snet_course.services.backends import backends, choose
from k8snet_course.show.connections import connections
from k8snet_course.show.scene import Place, Scene
from k8snet_course.show.shares import first_part

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.linux.namespace import Namespace
    from k8snet_course.objects.endpoint_slice import EndpointSlice
    from k8snet_course.objects.service import Service, ServicePort

CLUSTER_IP, NODE_PORT, LOAD_BALANCER, EXTERNAL_IP = "ClusterIP", "NodePort", "LoadBalancer", "external IP"
_MOST_NAMED = 6
"""So many backends are named in a text; of the rest only the number."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One backend: its address and port, and the pod that has it, by its key, and its node (empty: no pod, or none known).

    >>> print(Candidate("10.244.0.3:80", "default/web-1"), Candidate("192.168.7.7:80"))
    web-1 10.244.0.3:80 192.168.7.7:80
    """

    address: str
    pod: str = ""
    chosen: bool = False
    node: str = ""

    def __str__(self) -> str:
        return f"{self.pod.removeprefix('default/')} {self.address}".lstrip()


@dataclass(frozen=True, slots=True)
class Virtual:
    """An address of a Service where a node rewrites it.

    ``kind`` is ClusterIP, NodePort, LoadBalancer or external IP; ``holder`` is the interface that has the address after all
    (a node port's node, or what the mode ipvs needs), empty if none has.  ``share`` is the part of all new connections that
    each backend gets; None where it is not known.
    """

    node: str
    service: str
    kind: str
    address: str
    holder: str
    backends: tuple[Candidate, ...]
    share: Fraction | None = None

    @property
    def link(self) -> str:
        """By what name its box is known among those of the node."""
        return virtual_link(self.address)

    @property
    def chosen(self) -> str:
        """Who gets the packet; empty: nobody."""
        return next((str(one) for one in self.backends if one.chosen), "")

    @property
    def nature(self) -> str:
        """What kind of address it is, in words.

        >>> print(Virtual("node-1", "web", "ClusterIP", "10.96.0.20:80", "", ()).nature)
        virtual: no device has this address
        """
        if self.kind == NODE_PORT:
            return "a port of every node, on which no program listens"
        return f"virtual, but {self.holder} has this address" if self.holder else "virtual: no device has this address"

    def __str__(self) -> str:
        """In one line.

        >>> backends = (Candidate("10.0.0.3:80", "default/a", True), Candidate("10.0.0.4:80", "default/b"))
        >>> print(Virtual("node-1", "web", "ClusterIP", "10.96.0.7:80", "", backends, Fraction(1, 2)))  # doctest: +ELLIPSIS
        service web ClusterIP 10.96.0.7:80 (...), backends a 10.0.0.3:80 (chosen), b 10.0.0.4:80: 1/2 of new connections each
        """
        few = len(self.backends) <= _MOST_NAMED
        order = self.backends if few else sorted(self.backends, key=lambda one: not one.chosen)
        named = [f"{one} (chosen)" if one.chosen else f"{one}" for one in order[:_MOST_NAMED]]
        more = len(self.backends) - len(named)
        listed = ", ".join([*named, *([f"and {more} more"] if more else [])])
        share = f": {self.share} of new connections each" if self.each else ""
        return f"service {self.service} {self.kind} {self.address} ({self.nature}), " + (
            f"backends {listed}{share}" if named else "no backends")

    @property
    def each(self) -> str:
        """In short, what each backend gets; empty where there is nothing to share, or it is not known.

        >>> Virtual("node-1", "web", "ClusterIP", "10.96.0.7:80", "", (Candidate("10.0.0.3:80"),) * 3, Fraction(1, 3)).each
        '1/3 each'
        """
        return f"{self.share} each" if self.share is not None and len(self.backends) > 1 else ""


def virtual_link(address: str) -> str:
    """The name of the box of a virtual address."""
    return f"service {address}"


def address_of(packet: Packet, side: str) -> str:
    """The destination (``side`` dst) or source (src) of a packet with its port, and the protocol if it is not TCP.

    >>> address_of(Packet("10.244.0.2", "10.96.0.10", "UDP", 40000, 53), "dst")
    '10.96.0.10:53/UDP'
    """
    address, port = (packet.dst, packet.dst_port) if side == "dst" else (packet.src, packet.src_port)
    return with_port(address, port) + ("" if packet.protocol == "TCP" else f"/{packet.protocol}")


def rewritings(trace: Trace) -> Iterator[tuple[int, Hop, Packet, Packet]]:
    """Each step that rewrites (its number from 0 and its hop), with the packet before and after it."""
    before: Packet | None = None
    for number, (hop, step) in enumerate(trace.steps()):
        if step.action is Action.TRANSLATE and before is not None:
            yield number, hop, before, step.packet
        before = step.packet


def marked(scene: Scene, trace: Trace) -> dict[int, Place]:
    """Which steps concern a virtual address that the scene shows: the step's number -> the box of the address.

    Those that rewrite the address to a backend's, those that write it back into an answer, and the end for want of backends.
    """
    boxes = {box.link: Place(box.device, box.link) for box in scene.boxes if box.kind == "virtual"}
    if not boxes:
        return {}
    found: dict[int, Place] = {}
    for number, hop, before, after in rewritings(trace):
        for link in (virtual_link(address_of(before, "dst")), virtual_link(address_of(after, "src"))):
            here = Place(hop.device, link)
            place = here if scene.box(*here) is not None else boxes.get(link)
            if place is not None:
                found.setdefault(number, place)
    refused = _refused(trace)
    place = boxes.get(virtual_link(address_of(refused[1], "dst"))) if refused is not None else None
    if place is not None:
        found[sum(len(hop.steps) for hop in trace.hops) - 1] = place
    return found


def virtuals(cluster: Cluster, trace: Trace | None) -> tuple[Virtual, ...]:
    """The virtual addresses on the way of a trace and of the connections that follow it, each once.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> virtuals(cluster, cluster.send("node-1", "laptop", port=None))
    ()
    """
    found: dict[tuple[str, str], Virtual] = {}
    for one in connections(trace):
        for virtual in _virtuals(cluster, one):
            key = (virtual.node, virtual.address)
            found[key] = _both(found[key], virtual) if key in found else virtual
    return tuple(found.values())


def _both(one: Virtual, other: Virtual) -> Virtual:
    """The same address twice: what either of the connections chose is chosen."""
    chosen = {backend.address for each in (one, other) for backend in each.backends if backend.chosen}
    return replace(one, backends=tuple(replace(backend, chosen=backend.address in chosen) for backend in one.backends))


def _virtuals(cluster: Cluster, trace: Trace) -> Iterator[Virtual]:
    services: Iterable[Service] = cluster.services
    if not services:
        return
    steps = [step for _, step in trace.steps()]
    asked: list[tuple[Hop, Packet, Step | None]] = [
        (hop, before, steps[number]) for number, hop, before, after in rewritings(trace)
        if (before.dst, before.dst_port) != (after.dst, after.dst_port)
    ]
    refused = _refused(trace)
    if refused is not None:
        asked.append((*refused, None))
    for hop, before, step in asked:
        device = cluster.namespace(hop.device)
        for service in services:
            kind, port = _kind(service, before, device)
            if port is not None:
                found = _virtual(cluster, device, service, port, kind, before, step.packet if step is not None else None)
                if found is not None:
                    yield found if step is None else _with_share(cluster, found, hop, step, before)
                break


def _refused(trace: Trace) -> tuple[Hop, Packet] | None:
    """Where a walk ended for want of backends, and the packet as it was there."""
    if trace.verdict is not Verdict.NO_ENDPOINTS or not trace.hops:
        return None
    return trace.hops[-1], trace.hops[-1].packet


def _kind(service: Service, packet: Packet, device: Namespace) -> tuple[str, ServicePort | None]:
    """As what a packet's destination belongs to a Service, and to which of its ports; None: to none."""
    if device.local_link(packet.dst) is not None and device.kind == "node":
        for port in service.ports:
            if port.node_port and (port.node_port, port.protocol) == (packet.dst_port, packet.protocol):
                return NODE_PORT, port
    several = ((CLUSTER_IP, service.cluster_ips), (EXTERNAL_IP, service.external_ips),
               (LOAD_BALANCER, service.load_balancer_ips))
    for kind, addresses in several:
        if packet.dst in addresses:
            for port in service.ports:
                if (port.port, port.protocol) == (packet.dst_port, packet.protocol):
                    return kind, port
    return "", None


def _virtual(cluster: Cluster, device: Namespace, service: Service, port: ServicePort, kind: str, before: Packet,
             after: Packet | None) -> Virtual | None:
    """The address; None if what it was rewritten to is no backend (a sidecar's rule sends it to the sidecar first)."""
    node = device if device.kind != "pod" else _node_of(cluster, device)
    local = node.local_link(before.dst)
    holder = f"{local} of {node.name}" if local is not None else ""
    slices = cluster.endpoint_slices(service.name, service.namespace)
    chosen = address_of(after, "dst") if after is not None else ""
    candidates = tuple(_candidates(cluster, slices, service, port, kind, node.name, before, chosen))
    if chosen and not any(one.chosen for one in candidates):
        return None
    return Virtual(node.name, service.label, kind, address_of(before, "dst"), holder, candidates)


def _with_share(cluster: Cluster, found: Virtual, hop: Hop, step: Step, before: Packet) -> Virtual:
    """The same, with what each backend gets, if the rules give all of them the same."""
    count = len(found.backends)
    share = first_part(cluster, hop, step, before) if count > 1 else None
    return replace(found, share=share) if share == Fraction(1, count or 1) else found


def _candidates(cluster: Cluster, slices: Iterable[EndpointSlice], service: Service, port: ServicePort, kind: str, node: str,
                before: Packet, chosen: str) -> Iterator[Candidate]:
    """The backends that the node could have chosen, and the one that it chose."""
    family = "IPv6" if before.version == 6 else "IPv4"
    several = list(slices)
    ends = {address: end for part in several for end in part.endpoints for address in end.addresses}
    every = backends(several, port, family)
    choice = choose(service, every, node, cluster.node_labels(node).get(ZONE_LABEL, ""))
    local = (service.internal_traffic_policy if kind == CLUSTER_IP else service.external_traffic_policy) == "Local"
    suffix = "" if before.protocol == "TCP" else f"/{before.protocol}"
    rows = {backend.text + suffix: backend.ip for backend in (choice.here if local else choice.everywhere)}
    for wider in (choice.everywhere, every):  # a pod's way to an external address takes no notice of the policy Local
        if chosen and chosen not in rows:
            rows = {backend.text + suffix: backend.ip for backend in wider}
    for text, ip in rows.items():
        end = ends.get(ip)
        pod = (end.target if end is not None else "") or next((name for name in cluster.holders(ip) if "/" in name), "")
        yield Candidate(text, pod, text == chosen, end.node_name if end is not None else "")


def _node_of(cluster: Cluster, pod: Namespace) -> Namespace:
    """The node at the other end of a pod's cable."""
    for link in pod.links.values():
        if link.peer is not None:
            return cluster.namespace(link.peer.namespace)
    return pod
