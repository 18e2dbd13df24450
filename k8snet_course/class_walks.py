"""Who reaches whom among thousands of pods: a packet for each kind of pair, and the answer for every pair.

Which pairs are of one kind says :mod:`k8snet_course.pod_classes`.  For each kind that there is, two real pods are found and a
packet is really sent between them; what became of it holds for all pairs of the kind.  The walk itself is looked at too: if it
passed a device that is not among the two pods, their nodes and the wire between these, if a node sent it to another address, or
if it arrived against what the policies say, then the reasoning does not hold there, and each pair of that kind is asked for
itself.

It decides nothing about packets, and keeps nothing that a later change of the cluster could make wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from typing import NamedTuple

from k8snet_course.linux.door import EGRESS, INGRESS
from k8snet_course.linux.trace import Action, Trace, Verdict
from k8snet_course.pod_classes import OTHER_NODE, SAME_NODE, Kind, PodClass, PodClasses, Where
from k8snet_course.policy import PolicyIndex
from k8snet_course.policy.algebra import bits_of
from k8snet_course.reachability import ManyPairs, Pair
from k8snet_course.underlay import ROUTER, SWITCH

Walk = Callable[[int, int], Trace]
"""Sends a packet from one pod to another, both by their places among the pods."""

_OWN = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]+:[0-9a-f:]*:|\b(veth|cali|lxc)")
"""Words that belong to one device: an address, a MAC address, the name of a pod's cable."""


class Outcome(NamedTuple):
    """What became of a packet of one kind: ``source`` and ``target`` are the pods that it was sent between."""

    source: int
    target: int
    result: str
    reason: str


class AlikePairs(ManyPairs):
    """All pairs of a cluster's pods, by their kinds."""

    def __init__(self, classes: PodClasses, outcomes: dict[Kind, Outcome], single: dict[tuple[int, int], Outcome]) -> None:
        self._classes = classes
        self._outcomes = outcomes
        self._single = single
        self._number = {pod.label: number for number, pod in enumerate(classes.pods)}
        self._index: PolicyIndex | None = None

    @property
    def ok(self) -> bool:
        """Whether every packet that stands for pairs arrived, and its answer too."""
        return all(each.result == "ok" for each in (*self._outcomes.values(), *self._single.values()))

    def find(self, source: str, target: str) -> Pair:
        """The pair of these two.  Raises KeyError."""
        if source not in self._number or target not in self._number:
            raise KeyError((source, target))
        return self._pair(self._number[source], self._number[target])

    def at(self, number: int) -> Pair:
        """The pair at a place, source by source."""
        return self._pair(*divmod(number, len(self._classes.pods)))

    def __len__(self) -> int:
        return len(self._classes.pods) ** 2

    def __iter__(self) -> Iterator[Pair]:
        pods = range(len(self._classes.pods))
        return (self._pair(one, other) for one in pods for other in pods)

    def __str__(self) -> str:
        pods, classes = len(self._classes.pods), len(self._classes.classes)
        sent = len(self._outcomes) + len(self._single)
        lines = [f"{pods} pods in {classes} classes that no table tells apart, {len(self)} pairs, {sent} packets sent"]
        by_result: dict[str, list[Outcome]] = {}
        for each in (*self._outcomes.values(), *self._single.values()):
            by_result.setdefault(each.result, []).append(each)
        names = [pod.label for pod in self._classes.pods]
        width = max(map(len, by_result), default=0)
        for result, those in sorted(by_result.items(), key=lambda item: (item[0] != "ok", item[0])):
            first = those[0]
            lines.append(f"{result:<{width}}  {len(those)} of these packets, as {names[first.source]} -> {names[first.target]}: "
                         f"{first.reason}")
        return "\n".join(lines)

    def _pair(self, one: int, other: int) -> Pair:
        pods = self._classes.pods
        kind = self._classes.kind(one, other)
        found = self._outcomes.get(kind) or self._single[one, other]
        return Pair(pods[one].label, pods[other].label, found.result, self._reason(one, other, found, kind))

    def _reason(self, one: int, other: int, found: Outcome, kind: Kind) -> str:
        """Why, for this very pair: a policy's decision is worked out for it, any other sentence is about another pair."""
        if (found.source, found.target) == (one, other):
            return found.reason
        direction = _denied_by(found.result, kind[3])
        if direction and self._policy_says(direction, found.source, found.target) == found.reason:
            return self._policy_says(direction, one, other)
        told = retold(found.reason, self._names(found.source, found.target), self._names(one, other))
        return told or f"as from {self._names(found.source, found.target)[0]} to {self._classes.pods[found.target].label}: {found.reason}"

    def _policy_says(self, direction: str, one: int, other: int) -> str:
        if self._index is None:
            self._index = PolicyIndex(self._classes.policies, self._classes.enforcement)
        source, target = self._classes.party(one), self._classes.party(other)
        ends = (source, target) if direction == EGRESS else (target, source)
        protocol = "ICMP" if self._classes.protocol.startswith("ICMP") else self._classes.protocol
        return self._index.explain(direction, *ends, protocol, self._classes.port).reason

    def _names(self, *numbers: int) -> list[str]:
        """What a sentence about pods may name them and their nodes by."""
        return [name for number in numbers for pod in (self._classes.pods[number],)
                for name in (pod.label, pod.ips[self._classes.at], pod.node, *self._classes.node_ips[self._classes.node[number]])]


def alike_pairs(classes: PodClasses, walk: Walk) -> AlikePairs:
    """Send a packet for each kind of pair that there is."""
    outcomes: dict[Kind, Outcome] = {}
    single: dict[tuple[int, int], Outcome] = {}
    doubtful: dict[Kind, None] = {}
    for kind, (one, other) in Representatives(classes).found.items():
        trace = walk(one, other)
        if _stands_for_others(trace, classes, one, other, kind):
            outcomes[kind] = _outcome(trace, one, other)
        else:
            doubtful[kind] = None
    if doubtful:
        sources, targets = ({kind[end] for kind in doubtful} for end in (0, 1))
        for one, of in enumerate(classes.of):
            for other, its in enumerate(classes.of) if classes.classes[of].tables in sources else ():
                if classes.classes[its].tables in targets and classes.kind(one, other) in doubtful:
                    single[one, other] = _outcome(walk(one, other), one, other)
    return AlikePairs(classes, outcomes, single)


class Representatives:
    """For each kind of pair that there is, two pods (``found``).  Sets of classes and of nodes are integers, a bit each."""

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
