"""Two pods for every kind of pair that there is in a cluster.

Ten thousand pods have a hundred million pairs, and nobody can look at each to see what kinds there are
(:mod:`k8snet_course.pod_classes`).  Here sets of classes and of nodes are integers, a bit each: a kind costs a few operations,
however many pairs are of it.

It sends nothing: that is :mod:`k8snet_course.class_walks`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property

from k8snet_course.pod_classes import OTHER_NODE, SAME_NODE, Kind, PodClass, PodClasses, Where
from k8snet_course.policy.algebra import bits_of


class Representatives:
    """For each kind of pair that there is two pods, by their places (``found``).

        >>> from k8snet_course.cluster import Cluster
        >>> cluster = Cluster(nodes=2, cni="flannel")
        >>> _ = [cluster.add_pod(name) for name in "abcd"]
        >>> [where for _, _, where, _ in Representatives(PodClasses(cluster._linux, "TCP", 80, 0)).found]
        ['self', 'same node', 'other node']
    """

    def __init__(self, classes: PodClasses) -> None:
        self.classes = classes
        self.found: dict[Kind, tuple[int, int]] = {}
        self._first: dict[tuple[int, int], int] = {}
        self._second: dict[tuple[int, int], int] = {}
        """The first and second pod of a class on a node."""
        self._on: dict[int, int] = {}
        self._nodes = [0] * len(classes.classes)
        for pod, (of, node) in enumerate(zip(classes.of, classes.node, strict=True)):
            if (of, node) not in self._first:
                self._first[of, node] = pod
                self._on[node] = self._on.get(node, 0) | 1 << of
                self._nodes[of] |= 1 << node
            else:
                self._second.setdefault((of, node), pod)
        self._everyone = (1 << len(classes.classes)) - 1
        self._alone = self._where(lambda one: one.alone)
        self._hosts = self._where(lambda one: one.host)
        self._tables = {number: self._where(lambda one, number=number: one.tables == number)  # type: ignore[misc]
                        for number in dict.fromkeys(one.tables for one in classes.classes)}
        self._near = sum(1 << node for node in classes.near_faults)
        self._said: dict[tuple[Hashable, bool], list[tuple[Hashable, int]]] = {}
        self._by_seen: dict[tuple[Hashable, bool], int] = {}
        for number, one in enumerate(classes.classes):
            self._by_seen[one.seen, one.host] = self._by_seen.get((one.seen, one.host), 0) | 1 << number
        self._allowed = classes.sides.allowed_masks() if classes.sides is not None else ([], [])
        for pod, of in enumerate(classes.of):
            self._note(pod, pod) if self._first[of, classes.node[pod]] == pod else None
        self._far_from_faults()
        self._near_faults()

    @cached_property
    def _sole(self) -> dict[int, int]:
        """By node the classes that have pods on this node alone, of those that no fault is near."""
        found: dict[int, int] = {}
        for number, nodes in enumerate(self._nodes):
            nodes &= ~self._near
            if nodes and not nodes & (nodes - 1):
                found[nodes.bit_length() - 1] = found.get(nodes.bit_length() - 1, 0) | 1 << number
        return found

    def _where(self, holds: Callable[[PodClass], bool]) -> int:
        return sum(1 << number for number, one in enumerate(self.classes.classes) if holds(one))

    def _far_from_faults(self) -> None:
        """Pairs on one node and on two, wherever: all nodes without a fault are alike."""
        live = sum(1 << number for number, nodes in enumerate(self._nodes) if nodes & ~self._near) & ~self._alone
        for number, one in enumerate(self.classes.classes):
            nodes = self._nodes[number] & ~self._near
            if one.alone or not nodes:
                continue
            beside, on_two = 0, False
            for node in bits_of(nodes):
                beside |= self._on[node]
                on_two = on_two or (number, node) in self._second
            beside &= ~self._alone & ~(self._hosts if one.host else 0 if on_two else 1 << number)
            self._fill(number, SAME_NODE, beside, self._on_one_node)
            only = nodes.bit_length() - 1 if not nodes & (nodes - 1) else -1
            self._fill(number, OTHER_NODE, live & ~self._sole.get(only, 0), self._on_two_nodes)

    def _near_faults(self) -> None:
        """Pairs of pods on a node with a fault, or with a pod that is like no other: node by node."""
        for near in self.classes.near_faults:
            for node in self._on if near in self._on else ():
                self._scan(near, node, self._everyone, self._everyone)
                if node not in self.classes.near_faults:
                    self._scan(node, near, self._everyone, self._everyone)
        for number in bits_of(self._alone):
            home = self._nodes[number].bit_length() - 1
            for node in self._on:
                self._scan(home, node, 1 << number, self._everyone)
                self._scan(node, home, self._everyone, 1 << number)

    def _scan(self, here: int, there: int, sources: int, targets: int) -> None:
        """Pairs from one node to another, or to other pods of the same."""
        for source in bits_of(self._on[here] & sources):
            among = self._on[there] & targets
            if here == there:
                twins = (source, here) in self._second
                among &= ~(self._hosts if self.classes.classes[source].host else 0 if twins else 1 << source)
            self._fill(source, (here, there, False), among, lambda one, other: (
                self._first[one, here], (self._second if here == there and one == other else self._first)[other, there]))

    def _fill(self, source: int, where: Where, among: int, pick: Callable[[int, int], tuple[int, int]]) -> None:
        """The kinds that there are from one class to ``among`` others; ``pick`` finds two pods."""
        one = self.classes.classes[source]
        for said, those in self._says(one) if among else ():
            for tables, alike in self._tables.items():
                hit = those & alike & among
                if hit and (one.tables, tables, where, said) not in self.found:
                    self._note(*pick(source, (hit & -hit).bit_length() - 1))

    def _note(self, one: int, other: int) -> None:
        self.found.setdefault(self.classes.kind(one, other), (one, other))

    def _says(self, one: PodClass) -> list[tuple[Hashable, int]]:
        """Everything that policies say of this class and another one, and of which others."""
        key = (one.seen, one.host)
        if key not in self._said:
            if self.classes.sides is None or one.host:
                self._said[key] = [((one.seen, seen), those) for (seen, _), those in self._by_seen.items()]
            else:
                assert isinstance(one.seen, int), "a class of pods with a network of their own"
                ordinary = self._everyone & ~self._hosts
                out, into = (self._of_seen(allowed[one.seen]) for allowed in self._allowed)
                self._said[key] = [(3, out & into), (2, out & ~into), (1, into & ~out), (0, ordinary & ~out & ~into)]
                self._said[key] += [((one.seen, seen), those) for (seen, host), those in self._by_seen.items() if host]
        return self._said[key]

    def _of_seen(self, seen: int) -> int:
        """The classes that policies see as one of these."""
        found = 0
        for number in bits_of(seen):
            found |= self._by_seen.get((number, False), 0)
        return found

    def _on_one_node(self, one: int, other: int) -> tuple[int, int]:
        nodes = bits_of(self._nodes[one] & self._nodes[other] & ~self._near)
        if one != other:
            return self._first[one, nodes[0]], self._first[other, nodes[0]]
        node = next(node for node in nodes if (one, node) in self._second)
        return self._first[one, node], self._second[one, node]

    def _on_two_nodes(self, one: int, other: int) -> tuple[int, int]:
        here, there = self._nodes[one] & ~self._near, self._nodes[other] & ~self._near
        first = here & -here
        if there == first:
            here &= ~first
        else:
            there &= ~first
            here = first
        return self._first[one, (here & -here).bit_length() - 1], self._first[other, (there & -there).bit_length() - 1]
