"""One node's part of kube-proxy's tables: what all nodes share, and the rows that are the node's own.

Source: kubernetes, pkg/proxy (every node's kube-proxy writes its own tables).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from k8snet_course.linux.chain import Chain
from k8snet_course.linux.rule import Row
from k8snet_course.objects.node import Node
from k8snet_course.services.kube_proxy.held import Held, Where, put

if TYPE_CHECKING:
    from k8snet_course.services.kube_proxy.tables import Tables


class NodeTables:
    """The rules of one node: a :class:`~k8snet_course.linux.netfilter.Source`."""

    def __init__(self, tables: Tables, node: Node, zone: str) -> None:
        self.node = node
        self.zone = zone
        self._tables = tables
        rows: dict[Where, list[Row]] = {chain: [] for chain in tables.mode.empty(tables.family)}
        for table, row in tables.mode.fixed(node, tables.family):
            rows.setdefault((table, row.chain), []).append(row)
        self._fixed = {chain: Chain(of) for chain, of in rows.items()}
        self._dispatch: dict[Where, Chain] = {}
        self._chains: dict[Where, Chain] = {}
        self._held: dict[str, Held] = {}
        self._revision = -1
        self._parts: dict[Where, tuple[Chain, ...]] = {}
        self._missing: dict[Where, int] = {}
        self._edition = -1

    @property
    def family(self) -> str:
        """IPv4 or IPv6."""
        return self._tables.family

    @property
    def serves(self) -> bool:
        """Whether there may be virtual servers of IPVS."""
        return self._tables.mode.serves

    @property
    def edition(self) -> int:
        """A number that is another one as soon as a chain may have other rules than before."""
        return self._tables.edition

    def chain(self, table: str, name: str) -> tuple[Chain, ...]:
        """The parts of a chain: what all nodes share, what is this node's own, and what does not depend on Services.

        An endpoint's chain is there once that of its Service has been asked for.  Parts without a rule are left out.
        """
        if self._edition != self._tables.edition:
            self._parts, self._missing = {}, {}
            self._edition = self._tables.edition
        where = (table, name)
        found = self._parts.get(where)
        if found is None:
            if self._missing.get(where) == self._tables.opened:
                return ()
            found = self._found(where)
            if found:
                self._parts[where] = found
            else:  # a Service's own chains are there once somebody has looked at its endpoints
                self._missing[where] = self._tables.opened
        return found

    def _found(self, where: Where) -> tuple[Chain, ...]:
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
            self._parts.pop(chain, None)
            self._missing.pop(chain, None)  # somebody may have asked for an endpoint's chain before it was there

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
                mine = self._held[key] = Held(new.service, new.endpoints, True, views)
                mine.touched = put(self._dispatch, key, tables.mode, views)
        self._revision = tables.revision
