"""What the modes of kube-proxy have in common: Services in, each node's rules out, and only what changed is made anew.

A mode's dispatch rows are made when a Service comes; its own chains are made when a packet or a person first asks for them.
Where all nodes choose among the same endpoints they share both; a Service with a policy ``Local``, a source range or a traffic
distribution has rows for each node, which that node makes.

So a Service that comes or goes costs as much as its own ports and endpoints, however many others there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from k8snet_course.linux.chain import Chain
from k8snet_course.linux.netfilter import Rules
from k8snet_course.linux.rule import Row
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.backends import Backend, backends, choose
from k8snet_course.services.kube_proxy.mode import ANYWHERE, Mode, PortView

MANY_ENDPOINTS = 1000
"""With more endpoints in the cluster than this, the mode iptables leaves the comments out of its endpoint rules."""

@dataclass(slots=True)
class _Held:
    """One Service as the tables hold it."""

    service: Service
    endpoints: tuple[tuple[ServicePort, tuple[Backend, ...]], ...]
    differs: bool
    views: tuple[PortView, ...]
    touched: tuple[tuple[str, str], ...] = ()
    made: dict[tuple[str, str], Chain] = field(default_factory=dict)
    comments: bool = True


class Tables:
    """One IP family's tables of all nodes, in one mode.

    :class:`k8snet_course.services.kube_proxy.modes.KubeProxy` makes them.
    """

    def __init__(self, mode: Mode, family: str = "IPv4") -> None:
        self.mode = mode
        self.family = family
        self.held: dict[str, _Held] = {}
        self.dispatch: dict[tuple[str, str], Chain] = {}
        self.owners: dict[tuple[str, str], str] = {}
        self.made: dict[tuple[str, str], Chain] = {}
        self.differing: dict[str, None] = {}
        self.changes: dict[str, int] = {}
        self.revision = 0
        self.edition = 0
        """A number that is another one as soon as a chain may consist of other parts than before."""
        self.endpoints = 0
        self._nodes: dict[str, NodeTables] = {}

    @property
    def comments(self) -> bool:
        """Whether endpoint rules have comments."""
        return self.endpoints <= MANY_ENDPOINTS

    def update(self, service: Service, slices: Iterable[EndpointSlice]) -> None:
        """Take in a Service, in the place of the one with the same key."""
        self.remove(service.key)
        self.edition += 1
        slices = tuple(slices)
        if not service.proxied:
            return
        endpoints = tuple([(port, backends(slices, port, self.family)) for port in service.ports])
        held = _Held(service, endpoints, self.mode.differs(service), ())
        held.views = self.views(held, ANYWHERE, "")
        if not held.views:
            return
        self.held[service.key] = held
        self.endpoints += sum([len(ends) for _, ends in endpoints])
        for view in held.views:
            for chain in self.mode.owned(view):
                self.owners[chain] = service.key
        if held.differs:
            self.differing[service.key] = None
            self._changed(service.key)
        else:
            held.touched = put(self.dispatch, service.key, self.mode, held.views)

    def remove(self, key: str) -> None:
        """Take a Service out."""
        held = self.held.pop(key, None)
        if held is None:
            return
        self.edition += 1
        self.endpoints -= sum(len(ends) for _, ends in held.endpoints)
        for view in held.views:
            for chain in self.mode.owned(view):
                del self.owners[chain]
        for chain in held.made:
            del self.made[chain]
        for chain in held.touched:
            self.dispatch[chain].remove(key)
        if held.differs:
            del self.differing[key]
            self._changed(key)

    def on(self, node: Node, zone: str = "") -> NodeTables:
        """The rules of one node."""
        found = self._nodes.get(node.name)
        if found is None or (found.node, found.zone) != (node, zone):
            found = self._nodes[node.name] = NodeTables(self, node, zone)
        return found

    def forget_node(self, name: str) -> None:
        """A node is gone."""
        self._nodes.pop(name, None)

    def views(self, held: _Held, node: Node, zone: str) -> tuple[PortView, ...]:
        """A Service's ports as a node sees them."""
        found = [PortView(held.service, port, self.family, node, choose(held.service, ends, node.name, zone))
                 for port, ends in held.endpoints]
        return tuple([view for view in found if view.cluster_ip])

    def chains_of(self, held: _Held) -> dict[tuple[str, str], Chain]:
        """The Service's own chains."""
        made: dict[tuple[str, str], list[Row]] = {}
        for view in held.views:
            for table, row in self.mode.chains(view, self.comments):
                made.setdefault((table, row.chain), []).append(row)
        return {chain: Chain(rows) for chain, rows in made.items()}

    def _changed(self, key: str) -> None:
        self.revision += 1
        self.changes.pop(key, None)
        self.changes[key] = self.revision


class NodeTables:
    """The rules of one node: a :class:`~k8snet_course.linux.netfilter.Source`."""

    def __init__(self, tables: Tables, node: Node, zone: str) -> None:
        self.node = node
        self.zone = zone
        self._tables = tables
        rows: dict[tuple[str, str], list[Row]] = {chain: [] for chain in tables.mode.empty(tables.family)}
        for table, row in tables.mode.fixed(node, tables.family):
            rows.setdefault((table, row.chain), []).append(row)
        self._fixed = {chain: Chain(of) for chain, of in rows.items()}
        self._dispatch: dict[tuple[str, str], Chain] = {}
        self._chains: dict[tuple[str, str], Chain] = {}
        self._held: dict[str, _Held] = {}
        self._revision = -1
        self._parts: dict[tuple[str, str], tuple[Chain, ...]] = {}
        self._edition = -1

    @property
    def family(self) -> str:
        """IPv4 or IPv6."""
        return self._tables.family

    @property
    def edition(self) -> int:
        """A number that is another one as soon as a chain may have other rules than before."""
        return self._tables.edition

    def chain(self, table: str, name: str) -> tuple[Chain, ...]:
        """The parts of a chain: what all nodes share, what is this node's own, and what does not depend on Services.

        An endpoint's chain is there once that of its Service has been asked for.  Parts without a rule are left out.
        """
        if self._edition != self._tables.edition:
            self._parts = {}
            self._edition = self._tables.edition
        where = (table, name)
        found = self._parts.get(where)
        if found is None:
            found = self._parts[where] = self._found(where)
        return found

    def _found(self, where: tuple[str, str]) -> tuple[Chain, ...]:
        if self._revision != self._tables.revision:
            self._catch_up()
        owner = self._tables.owners.get(where)
        if owner is not None:
            self._make(owner)
        shared = self._tables
        parts = (shared.dispatch, self._dispatch, shared.made, self._chains, self._fixed)
        return tuple(part for each in parts if (part := each.get(where)))

    def names(self, table: str) -> Iterator[str]:
        """The names of a table's chains; this makes them all."""
        self._catch_up()
        for key in self._tables.held:
            self._make(key)
        for part in (self._fixed, self._tables.dispatch, self._dispatch, self._tables.made, self._chains):
            yield from (name for of_table, name in part if of_table == table)

    def _make(self, key: str) -> None:
        """Make a Service's own chains, if nobody has yet."""
        held, made = self._tables.held[key], self._tables.made
        if held.differs:
            held, made = self._held[key], self._chains
        if not held.made or held.comments != self._tables.comments:
            if held.made:
                self._tables.edition += 1  # somebody may have the chains that are now made anew
            held.made = self._tables.chains_of(held)
            held.comments = self._tables.comments
            made.update(held.made)
        for chain in held.made:
            self._parts.pop(chain, None)  # somebody may have asked for an endpoint's chain before it was there

    def _catch_up(self) -> None:
        """Make anew what has changed of this node's own rows since it was last asked."""
        tables = self._tables
        if self._revision < 0:
            changed = list(tables.differing)
        else:
            changed = []
            for key in reversed(tables.changes):
                if tables.changes[key] <= self._revision:
                    break
                changed.append(key)
            changed.reverse()
        for key in changed:
            old, new = self._held.pop(key, None), tables.held.get(key)
            if old is not None:
                for chain in old.touched:
                    self._dispatch[chain].remove(key)
                for chain in old.made:
                    del self._chains[chain]
            if new is not None and new.differs:
                views = tables.views(new, self.node, self.zone)
                mine = self._held[key] = _Held(new.service, new.endpoints, True, views)
                mine.touched = put(self._dispatch, key, tables.mode, views)
        self._revision = tables.revision


def put(dispatch: dict[tuple[str, str], Chain], key: str, mode: Mode,
        views: tuple[PortView, ...]) -> tuple[tuple[str, str], ...]:
    """Put a Service's dispatch rows into the chains; returns which chains it touched."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for view in views:
        for table, row in mode.dispatch(view):
            rows.setdefault((table, row.chain), []).append(row)
    for chain, new in rows.items():
        if chain not in dispatch:
            dispatch[chain] = Chain()
        dispatch[chain].add(key, new)
    return tuple(rows)


def node_rules(tables: Iterable[Tables], node: Node, zone: str = "") -> Rules:
    """The rules of a node on which nothing but kube-proxy has written any."""
    return Rules(sources=[each.on(node, zone) for each in tables])
