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
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from k8snet_course.cni.mesh import Mesh
from k8snet_course.derivation import Derivation
from k8snet_course.linux.door import EGRESS, INGRESS
from k8snet_course.linux.trace import Action, Trace, Verdict
from k8snet_course.pod_classes import OTHER_NODE, SAME_NODE, Kind, PodClass, PodClasses, Where, told_apart
from k8snet_course.policy import PolicyIndex
from k8snet_course.policy.algebra import bits_of
from k8snet_course.probe import probe
from k8snet_course.reachability import ManyPairs, Pair
from k8snet_course.underlay import ROUTER, SWITCH

Walk = Callable[[int, int], Trace]
"""Sends a packet from one pod to another, both by their places among the pods."""

_OWN = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]+:[0-9a-f:]*:|\b(veth|cali|lxc)")
"""Words that belong to one device: an address, a MAC address, the name of a pod's cable."""


FEW_PODS = 40
"""Up to this many pods a packet is sent for each pair."""


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
        self._by_policy: dict[Kind, str] = {}

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
            example = f"{names[first.source]} -> {names[first.target]}: {first.reason}"
            lines.append(f"{result:<{width}}  {len(those)} of these packets, as {example}")
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
        if kind not in self._by_policy:
            direction = _denied_by(found.result, kind[3])
            its = direction and self._policy_says(direction, found.source, found.target) == found.reason
            self._by_policy[kind] = direction if its else ""
        if self._by_policy[kind]:
            return self._policy_says(self._by_policy[kind], one, other)
        told = retold(found.reason, self._names(found.source, found.target), self._names(one, other))
        pods = self._classes.pods
        return told or f"as from {pods[found.source].label} to {pods[found.target].label}: {found.reason}"

    def _policy_says(self, direction: str, one: int, other: int) -> str:
        if self._index is None:
            self._index = PolicyIndex(self._classes.policies, self._classes.enforcement)
        source, target = self._classes.party(one), self._classes.party(other)
        ends = (source, target) if direction == EGRESS else (target, source)
        protocol = "ICMP" if self._classes.protocol.startswith("ICMP") else self._classes.protocol
        return self._index.explain(direction, *ends, protocol, self._classes.port).reason

    def _names(self, *numbers: int) -> list[str]:
        """What a sentence about pods may name them and their nodes by."""
        names: list[str] = []
        for number in numbers:
            pod, node = self._classes.pods[number], self._classes.node[number]
            names += [pod.label, pod.ips[self._classes.at], pod.node, *self._classes.node_ips[node]]
        return names


def pairs_of(linux: Derivation, at: int, port: int | None, protocol: str, walk: Walk, few: int = FEW_PODS) -> Sequence[Pair]:
    """The pairs of a cluster's pods, and what becomes of a packet to the address that the target has ``at`` this place.

    Up to ``few`` pods each pair is asked for itself, and where pods cannot be told to be alike.  Raises InvalidArgument.

    Asked one after another, pairs can profit from what devices have learnt from those before: where one wire spans all nodes
    and is broken in one direction, the other direction teaches the way.  Kinds are asked as if each pair were the first.
    """
    pods = list(linux.control.pods.values())
    if len(pods) <= few or told_apart(linux, at):
        return tuple(Pair.of(walk(one, other)) for one in range(len(pods)) for other in range(len(pods)))
    packet = probe(pods[0].ips[at], port, protocol, 0)
    classes = PodClasses(linux, "ICMP" if packet.is_icmp else packet.protocol, packet.dst_port, at)
    if not (linux.faults and isinstance(linux.plugin, Mesh)):
        return alike_pairs(classes, walk)

    def first(one: int, other: int) -> Trace:
        with linux.unchanged():
            return walk(one, other)

    return alike_pairs(classes, first)


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


def retold(reason: str, before: list[str], after: list[str]) -> str:
    """A sentence about some devices as it is about others, or nothing if it names what nobody could be sure to replace.

    >>> retold("nginx in web-1 listens on TCP port 80 and takes the packet", ["web-1", "10.244.0.2"], ["web-2", "10.244.1.7"])
    'nginx in web-2 listens on TCP port 80 and takes the packet'
    >>> retold("a packet for a is lost", ["a"], ["b"])
    ''
    """
    names = dict(zip(before, after, strict=True))
    words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w./-])(?:{words})(?![\w-]|[./]\w)")
    if not all(_unmistakable(word) for word in pattern.findall(reason)) or _OWN.search(pattern.sub("", reason)):
        return ""
    return pattern.sub(lambda found: names[found[0]], reason)


def _unmistakable(word: str) -> bool:
    """Whether this can only be a name: it has a digit, and something between its parts."""
    return any(letter.isdigit() for letter in word) and any(letter in "-./:" for letter in word)


def _outcome(trace: Trace, one: int, other: int) -> Outcome:
    pair = Pair.of(trace)
    return Outcome(one, other, pair.result, pair.reason)


def _denied_by(result: str, said: Hashable) -> str:
    """Whose policies denied a packet, if it was they: Egress for the source's, Ingress for the destination's."""
    if not isinstance(said, int):
        return ""
    if result == Verdict.DENIED_EGRESS and not said & 2:
        return EGRESS
    return INGRESS if result == Verdict.DENIED_INGRESS and said == 2 else ""


def _stands_for_others(trace: Trace, classes: PodClasses, one: int, other: int, kind: Kind) -> bool:
    """Whether the walk was one that other pods of the same kinds have too."""
    ends = classes.pods[one], classes.pods[other]
    near = {SWITCH, ROUTER, *(pod.node for pod in ends), *(pod.key for pod in ends)}
    for walk in trace.connections:
        if walk.verdict is Verdict.ADDRESS_CONFLICT:
            return False
        if not all(hop.device in near for each in (walk, walk.reply) if each is not None for hop in each.hops):
            return False
        for hop, step in walk.steps():
            if hop.kind == "node" and step.action is Action.TRANSLATE:
                fields = {change.field.partition(" ")[0] for change in step.changed}
                if "destination" in fields or not ends[1].host_network:
                    return False
    arrived_anyhow = one != other and isinstance(kind[3], int) and classes.sides is not None and kind[3] != 3
    return not (arrived_anyhow and trace.broken is None)
