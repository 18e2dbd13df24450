"""The control panel of chapter 6: a packet between two pods, whatever carries it, and whatever is broken on its way.

The learner chooses the network plugin, the packet, and one thing that is wrong.  Which rows can be broken is read from the
tables of the two nodes, so a plugin that comes later needs nothing here.  Nothing is decided here about packets either: what
becomes of them is the walk's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.faults import (
    BlockedPort,
    Fault,
    ForwardingOff,
    MissingFdb,
    MissingNeighbour,
    MissingRoute,
    WrongFdb,
    WrongMtu,
    WrongNeighbour,
)
from k8snet_course.linux.packet import Frame, Packet
from k8snet_course.linux.trace import Action
from k8snet_course.show.grid import Grid
from k8snet_course.show.panel import Panel, Seen, choice

if TYPE_CHECKING:
    from k8snet_course.device import Device
    from k8snet_course.linux.link import Link
    from k8snet_course.linux.route import Route
    from k8snet_course.linux.trace import Trace

SOURCE, TARGET = "frontend", "backend"
NOTHING = "nothing is broken"
_NOBODY = "00:00:5e:00:53:01"
"""A MAC address that no device has: RFC 7042 keeps it for examples."""
_ANY = "00:00:00:00:00:00"
"""In a tunnel's FDB: every MAC address that has no row of its own."""
_TCP = 0
"""The choice that is no ping.  (A dropdown shows no label for the value None.)"""
_PACKETS = (("TCP to port 80", _TCP), *((f"ping with {size} bytes", size) for size in (56, 1372, 1422, 1423, 1452, 1472, 1473)))


def two_pods(cni: str) -> Cluster:
    """Three nodes, and the two pods of the course's example: frontend on node-2, backend on node-3.

    >>> print(*two_pods("flannel").pods, sep="\\n")
    pod frontend 10.244.1.2 on node-2
    pod database 10.244.2.2 on node-3
    pod backend 10.244.2.3 on node-3
    """
    cluster = Cluster(nodes=3, cni=cni)
    for name, node in ((SOURCE, "node-2"), ("database", "node-3"), (TARGET, "node-3")):
        cluster.add_pod(name, node=node)
    return cluster


@dataclass(frozen=True)
class Breakage:
    """One thing to break: what people call it, and the faults that it consists of."""

    label: str
    faults: tuple[Fault, ...] = ()


def breakages(cluster: Cluster) -> tuple[Breakage, ...]:
    """Everything that can be broken on the way between the two pods and back, from the tables as they are.

    >>> for breakage in breakages(two_pods("flannel-host-gw")):
    ...     print(breakage.label)
    nothing is broken
    node-2 has lost its route 10.244.2.0/24
    node-3 has lost its route 10.244.1.0/24
    node-2 does not forward
    node-3 does not forward
    frontend's cable has MTU 1400 at both ends
    node-2's eth0 has MTU 1400
    """
    source, target = cluster.pod(SOURCE), cluster.pod(TARGET)
    ends = [(_node_of(cluster, one), other, _node_of(cluster, other)) for one, other in ((source, target), (target, source))]
    found = [Breakage(NOTHING)]
    used = _used(deepcopy(cluster).send(SOURCE, TARGET))  # a copy, so that the cluster's own tables learn nothing
    for node, pod, _ in ends:
        row = _winner(node, pod.ip)
        if row is not None and row.destination != "default" and str(row) in used.get(node.name, ()):
            found.append(Breakage(f"{node.name} has lost its route {row.dst}", (MissingRoute(node.name, row.dst),)))
    for node, pod, far in ends:
        found += _tunnel_rows(cluster, node, pod, far)
    for _, _, far in ends:
        for port in sorted({link.tunnel.port for link in far.links if link.tunnel is not None and link.tunnel.port}):
            found.append(Breakage(f"a firewall on {far.name} drops UDP port {port}", (BlockedPort(far.name, "UDP", port),)))
    routers = [node.name for node, _, _ in ends if node.name in used]
    found += [Breakage(f"{name} does not forward", (ForwardingOff(name),)) for name in routers]
    found += _sizes(source, ends[0][0])
    return tuple(found)


def _used(trace: Trace) -> dict[str, set[str]]:
    """The rows that routing used for the pods' own packets on each device, on the way there and back."""
    used: dict[str, set[str]] = {}
    for way in (trace, trace.reply):
        for hop, step in way.steps() if way is not None else ():
            if step.action is Action.ROUTE and step.packet.inner is None:
                used.setdefault(hop.device, set()).add(step.matched)
    return used


def _tunnel_rows(cluster: Cluster, node: Device, pod: Device, far: Device) -> Iterator[Breakage]:
    """The rows that a tunnel needs besides the route: a neighbour, and an FDB row."""
    route = _winner(node, pod.ip)
    rows = [row for row in node.neighbours if row.state == "PERMANENT" and route is not None and row.address == route.via]
    for row in rows:
        yield Breakage(f"{node.name} has lost its neighbour {row.address}", (MissingNeighbour(node.name, row.address),))
        yield Breakage(f"{node.name} has a wrong MAC address for {row.address}",
                       (WrongNeighbour(node.name, row.address, _NOBODY),))
    other = next(one for one in cluster.nodes if one.name not in (node.name, far.name))
    for entry in [entry for entry in node.fdb if entry.dst == far.ip and not entry.bridge]:  # written, not learnt
        yield Breakage(f"{node.name} has lost its FDB row {entry.mac}", (MissingFdb(node.name, entry.mac),))
        if entry.mac != _ANY:
            yield Breakage(f"{node.name} looks for {entry.mac} on {other.name}",
                           (WrongFdb(node.name, entry.mac, other.ip),))


def _sizes(source: Device, node: Device) -> Iterator[Breakage]:
    """Interfaces that take more or less than the way behind them."""
    eth0 = _link(source, "eth0")
    mtu = 1500 if eth0.mtu < 1500 else 1400
    assert eth0.peer is not None, "a pod's eth0 is one end of a cable"
    yield Breakage(f"{SOURCE}'s cable has MTU {mtu} at both ends", (
        WrongMtu(SOURCE, "eth0", mtu), WrongMtu(eth0.peer.namespace, eth0.peer.link, mtu)))
    if not any(link.tunnel is not None for link in node.links):  # a tunnel's packets may be cut, so nothing would be lost
        yield Breakage(f"{node.name}'s eth0 has MTU 1400", (WrongMtu(node.name, "eth0", 1400),))


class PathPanel(Panel):
    """Switch the plugin, break one thing, choose the packet, and see where it goes and what every table holds.

    ``panel.plugin``, ``panel.broken`` and ``panel.packet`` are the controls.

        >>> panel = PathPanel()
        >>> panel.broken.value = "a firewall on node-3 drops UDP port 8472"
        >>> str(panel.seen.trace.verdict)
        'denied_ingress'
    """

    def __init__(self, cni: str = "flannel", challenge: bool = False) -> None:
        self.plugin = choice("Plugin", list(PLUGINS), cni)
        self.broken = choice("Break", [one.label for one in breakages(two_pods(cni))], NOTHING, "430px")
        self.packet = choice("Send", _PACKETS, _TCP)
        super().__init__([[self.plugin, self.packet], [self.broken]], self._look, challenge)

    def _look(self) -> Seen:
        cluster, lost = broken_by(self.plugin.value, self.broken)
        size = self.packet.value
        trace = cluster.send(SOURCE, TARGET) if size == _TCP else cluster.send(SOURCE, TARGET, protocol="ICMP", size=size)
        told = f"{lost}{trace.verdict}: {trace.reason}."
        if trace.reply is not None and not trace.reply.delivered:
            told += f" And on the way back, {trace.reply.verdict}: {trace.reply.reason}."
        return Seen(cluster, trace, _tables(cluster, trace), told)


def broken_by(cni: str, control: Any) -> tuple[Cluster, str]:
    """The two pods with a plugin, and broken what a dropdown says, whose options become those that there are.

    The text says that the plugin has nothing like what was chosen; then nothing is broken.

        >>> cluster, lost = broken_by("flannel-host-gw", choice("Break", [fault := "node-2 does not forward"], fault))
        >>> [fault.device for fault in cluster.faults], lost
        (['node-2'], '')
    """
    cluster = two_pods(cni)
    possible = {one.label: one for one in breakages(cluster)}
    lost = "" if control.value in possible else f"With {cni} there is nothing like this to break. "
    chosen = possible.get(control.value, possible[NOTHING])
    if tuple(control.options) != tuple(possible):
        control.options = list(possible)
        control.value = chosen.label
    for fault in chosen.faults:
        cluster.inject(fault)
    return cluster, lost


def _tables(cluster: Cluster, trace: Trace) -> list[Grid]:
    nodes = [_node_of(cluster, cluster.pod(name)) for name in (SOURCE, TARGET)]
    tables = [stack(trace)]
    tables += [Grid.of(f"Routes of {node.name}", ("ip route",), [(row,) for row in node.routes]) for node in nodes]
    for node in nodes:
        tunnels = {link.name for link in node.links if link.tunnel is not None}
        neighbours = [row for row in node.neighbours if row.dev in tunnels]
        entries = [row for row in node.fdb if row.dev in tunnels]
        if neighbours or entries:
            tables.append(Grid.of(f"Tunnel rows of {node.name}", ("ip neigh; bridge fdb",),
                                  [(row,) for row in (*neighbours, *entries)]))
    devices = [(device.name.removeprefix("default/"), link.name, link.kind, link.mtu)
               for device in (cluster.pod(SOURCE), nodes[0]) for link in device.links if link.kind != "loopback"]
    tables.append(Grid.of("Interfaces on the sender's side", ("device", "interface", "kind", "MTU"), devices))
    return tables


def stack(trace: Trace) -> Grid:
    """The headers of a packet as it leaves each device, the outermost first, with its size in bytes.

    >>> print(stack(two_pods("flannel").send("frontend", "backend")))
    The packet as it leaves each device
      device    bytes  headers, from the outside
      frontend  40     IP 10.244.1.2 > 10.244.2.3 TTL 64 | TCP
      node-2    90     IP 192.168.1.3 > 192.168.1.4 TTL 64 | UDP | VXLAN 1 | Ethernet | IP 10.244.1.2 > 10.244.2.3 TTL 63 | TCP
      underlay  90     IP 192.168.1.3 > 192.168.1.4 TTL 64 | UDP | VXLAN 1 | Ethernet | IP 10.244.1.2 > 10.244.2.3 TTL 63 | TCP
      node-3    40     IP 10.244.1.2 > 10.244.2.3 TTL 62 | TCP
      backend   40     IP 10.244.1.2 > 10.244.2.3 TTL 62 | TCP
    """
    rows = [(hop.label, hop.packet.size, " | ".join(headers(hop.packet))) for hop in trace.hops]
    return Grid.of("The packet as it leaves each device", ("device", "bytes", "headers, from the outside"), rows)


def headers(packet: Packet) -> Sequence[str]:
    """The headers of an IP packet from the outside to the inside.

    >>> headers(Packet("10.0.0.1", "10.0.0.2", "UDP"))
    ['IP 10.0.0.1 > 10.0.0.2 TTL 64', 'UDP']
    """
    mine = [f"{'IPv6' if packet.version == 6 else 'IP'} {packet.src} > {packet.dst} {packet.ttl_name} {packet.ttl}"]
    if packet.inner is None:
        return [*mine, packet.protocol]
    if isinstance(packet.inner, Frame):
        return [*mine, packet.protocol, packet.kind, "Ethernet", *headers(packet.inner.packet)]
    return [*mine, *headers(packet.inner)]


def _node_of(cluster: Cluster, pod: Device) -> Device:
    return cluster.node(next(one.node for one in cluster.pods if one.key == pod.name))


def _winner(node: Device, address: str) -> Route | None:
    matching = [row for row in node.routes if row.matches(address)]
    return max(matching, key=lambda row: row.prefix_length, default=None)


def _link(device: Device, name: str) -> Link:
    return next(link for link in device.links if link.name == name)
