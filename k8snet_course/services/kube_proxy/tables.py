"""What the modes of kube-proxy have in common: Services in, each node's rules out, and only what changed is made anew.

A Service's own chains are made when a packet or a person first asks for them.  So are the dispatch rows of most: where only its
cluster IP leads to a Service, and every endpoint is ready, it is enough to know how many rows there will be.

Where all nodes choose among the same endpoints they share both; a Service with a policy ``Local``, a source range or a traffic
distribution has rows for each node, which that node makes.

So a Service that comes or goes costs as much as its own ports and endpoints, however many others there are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import partial

from k8snet_course.linux.chain import Chain, Seek
from k8snet_course.linux.netfilter import Rules
from k8snet_course.linux.rule import Row, exact
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import Service
from k8snet_course.services.backends import backends, choose, externally_accessible
from k8snet_course.services.kube_proxy.held import Held, Outline, Slices, Where, put
from k8snet_course.services.kube_proxy.mode import ANYWHERE, Mode, PortView
from k8snet_course.services.kube_proxy.node_tables import NodeTables

MANY_ENDPOINTS = 1000
"""With more endpoints in the cluster than this, the mode iptables leaves the comments out of its endpoint rules."""


class Tables:
    """One IP family's tables of all nodes, in one mode.

    :class:`k8snet_course.services.kube_proxy.modes.KubeProxy` makes them.
    """

    def __init__(self, mode: Mode, family: str = "IPv4") -> None:
        self.mode = mode
        self.family = family
        self.held: dict[str, Held] = {}
        self.dispatch: dict[Where, Chain] = {}
        self.owners: dict[Where, str] = {}
        self.made: dict[Where, Chain] = {}
        self.differing: dict[str, None] = {}
        self.changes: dict[str, int] = {}
        self.revision = 0
        self.edition = 0
        """A number that is another one as soon as a chain may consist of other parts than before."""
        self.endpoints = 0
        self.seek: Seek | None = None
        """Which Services have an endpoint with an address, for those at whose endpoints nobody has looked yet."""
        self.opened = 0
        """How often somebody has looked at a Service's endpoints after it came."""
        self._nodes: dict[str, NodeTables] = {}
        self._outlines: dict[tuple[int, int, str], Outline | None] = {}
        self._writers: dict[Where, Callable[[Hashable], list[Row]]] = {}

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
        held = Held(service, endpoints, self.mode.differs(service), ())
        held.views = self.views(held, ANYWHERE, "")
        if not held.views:
            return
        self.held[service.key] = held
        held.counted = sum([len(ends) for _, ends in endpoints])
        self.endpoints += held.counted
        self._own(held)
        if held.differs:
            self.differing[service.key] = None
            self._changed(service.key)
        else:
            held.touched = put(self.dispatch, service.key, self.mode, held.views)

    def expect(self, service: Service, number: int, slices: Slices) -> None:
        """As ``update``, for a Service with so many endpoints, all of them ready and each with an address of its own.

        If nothing but its cluster IP leads to it, its endpoints are looked at when a packet or a person first does.
        """
        key = service.key
        shape = (len(service.ports), number, service.session_affinity)
        simple = not externally_accessible(service) and not self.mode.differs(service)
        outline = self._outlines.get(shape) if simple else None
        if outline is None:
            self.update(service, slices())
            if simple and shape not in self._outlines and key in self.held:
                self._outlines[shape] = self._outline(self.held[key])
            return
        self.remove(key)
        self.edition += 1
        mine = self._of_family(service.cluster_ips)
        if not service.proxied or not mine:
            return
        counted = number * len(service.ports)
        self.held[key] = Held(service, (), False, (), outline.touched, slices=slices, counted=counted)
        self.endpoints += counted
        for chain, rows, write in outline.at_address:
            chain.expect(key, rows, mine, write)
        for chain, rows, write in outline.at_endpoints:
            assert self.seek is not None
            chain.expect(key, rows, self.seek, write)

    def _of_family(self, addresses: Iterable[str]) -> tuple[str, ...]:
        ipv6 = self.family == "IPv6"
        return tuple([address for address in addresses if (":" in address) == ipv6])

    def _outline(self, held: Held) -> Outline | None:
        """What the rows of a Service have in common with those of all that have as many ports and endpoints.

        None: a packet to another address may meet one of them.
        """
        cluster_ips = frozenset(view.cluster_ip for view in held.views)
        ends = frozenset(end.ip for _, backends in held.endpoints for end in backends) if self.seek is not None else frozenset()
        found = Outline(held.touched, [], [])
        for where in held.touched:
            rows = self._written(where, held.service.key)
            named = {exact(row.dst) for row in rows}
            if not (named <= cluster_ips or named <= ends) or self.dispatch[where].asks_memory:
                return None
            if where not in self._writers:
                self._writers[where] = partial(self._written, where)
            (found.at_address if named <= cluster_ips else found.at_endpoints).append(
                (self.dispatch[where], len(rows), self._writers[where]))
        return found

    def _written(self, where: Where, key: Hashable) -> list[Row]:
        """The dispatch rows of a Service in a chain."""
        assert isinstance(key, str)
        held = self.held[key]
        self.open(held)
        return [row for view in held.views for table, row in self.mode.dispatch(view) if (table, row.chain) == where]

    def open(self, held: Held) -> None:
        """Look at the endpoints of a Service, if nobody has yet."""
        if held.slices is None:
            return
        slices, held.slices = tuple(held.slices()), None
        held.endpoints = tuple([(port, backends(slices, port, self.family)) for port in held.service.ports])
        held.views = self.views(held, ANYWHERE, "")
        self.opened += 1
        self._own(held)

    def _own(self, held: Held) -> None:
        for view in held.views:
            for chain in self.mode.owned(view):
                self.owners[chain] = held.service.key

    def remove(self, key: str) -> None:
        """Take a Service out."""
        held = self.held.pop(key, None)
        if held is None:
            return
        self.edition += 1
        self.endpoints -= held.counted
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

    def views(self, held: Held, node: Node, zone: str) -> tuple[PortView, ...]:
        """A Service's ports as a node sees them."""
        found = [PortView(held.service, port, self.family, node, choose(held.service, ends, node.name, zone))
                 for port, ends in held.endpoints]
        return tuple([view for view in found if view.cluster_ip])

    def chains_of(self, held: Held) -> dict[Where, Chain]:
        """The Service's own chains."""
        self.open(held)
        made: dict[Where, list[Row]] = {}
        for view in held.views:
            for table, row in self.mode.chains(view, self.comments):
                made.setdefault((table, row.chain), []).append(row)
        return {chain: Chain(rows) for chain, rows in made.items()}

    def _changed(self, key: str) -> None:
        self.revision += 1
        self.changes.pop(key, None)
        self.changes[key] = self.revision


def node_rules(tables: Iterable[Tables], node: Node, zone: str = "") -> Rules:
    """The rules of a node on which nothing but kube-proxy has written any."""
    return Rules(sources=[each.on(node, zone) for each in tables])
