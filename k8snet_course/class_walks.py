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
from typing import NamedTuple

from k8snet_course.cni.mesh import Mesh
from k8snet_course.derivation import Derivation
from k8snet_course.linux.door import EGRESS, INGRESS
from k8snet_course.linux.trace import Action, Trace, Verdict
from k8snet_course.pod_classes import Kind, PodClasses, told_apart
from k8snet_course.policy import PolicyIndex
from k8snet_course.policy.evaluate import why
from k8snet_course.probe import probe
from k8snet_course.reachability import ManyPairs, Pair, allowed_by
from k8snet_course.representatives import Representatives
from k8snet_course.underlay import ROUTER, SWITCH

Walk = Callable[[int, int], Trace]
"""Sends a packet from one pod to another, both by their places among the pods."""

_OWN = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]+:[0-9a-f:]*:|\b(veth|cali|lxc)")
"""Words that belong to one device: an address, a MAC address, the name of a pod's cable."""


FEW_PODS = 40
"""Up to this many pods a packet is sent for each pair."""


class Outcome(NamedTuple):
    """What became of a packet of one kind: ``source`` and ``target`` are the pods that it was sent between.

    ``doors`` are the sentences of policies that let it pass, with which the reason of a packet that arrived begins.
    """

    source: int
    target: int
    result: str
    reason: str
    doors: tuple[str, ...] = ()


class AlikePairs(ManyPairs):
    """All pairs of a cluster's pods, by their kinds."""

    def __init__(self, classes: PodClasses, outcomes: dict[Kind, Outcome], single: dict[tuple[int, int], Outcome]) -> None:
        self._classes = classes
        self._outcomes = outcomes
        self._single = single
        self._number = {pod.label: number for number, pod in enumerate(classes.pods)}
        self._index: PolicyIndex | None = None
        self._by_policy: dict[Kind, str] = {}
        self._passed_doors: dict[Kind, bool] = {}

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

    @property
    def names(self) -> tuple[str, ...]:
        """The pods, in order."""
        return tuple(self._number)

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
        if found.result == "ok" and self._classes.policies and one != other:
            told = self._arrived(one, other, found, kind)
        pods = self._classes.pods
        return told or f"as from {pods[found.source].label} to {pods[found.target].label}: {found.reason}"

    def _arrived(self, one: int, other: int, found: Outcome, kind: Kind) -> str:
        """Why a packet arrived: what this very pair's policies say, and who took it; nothing if that is not sure."""
        if kind not in self._passed_doors:
            self._passed_doors[kind] = found.doors == self._policies_say(found.source, found.target)
        if not self._passed_doors[kind]:
            return ""
        taken = found.reason.removeprefix("".join(f"{each}, and " for each in found.doors))
        told = retold(taken, self._names(found.source, found.target), self._names(one, other))
        return ", and ".join([*self._policies_say(one, other), told]) if told else ""

    def _policies_say(self, one: int, other: int) -> tuple[str, ...]:
        """What stands at both doors of a pair; nothing at the door of a pod that no policy selects."""
        return tuple(filter(None, (self._policy_says(direction, one, other, "") for direction in (EGRESS, INGRESS))))

    def _policy_says(self, direction: str, one: int, other: int, unselected: str | None = None) -> str:
        """What policies say at one end; of a pod that none selects ``unselected``, if that is given."""
        if self._index is None:
            self._index = PolicyIndex(self._classes.policies, self._classes.enforcement)
        source, target = self._classes.party(one), self._classes.party(other)
        pod, peer = (source, target) if direction == EGRESS else (target, source)
        selecting = self._index.selecting(direction, pod)
        if unselected is not None and not (selecting.isolating or selecting.admin or selecting.baseline):
            return unselected
        protocol = "ICMP" if self._classes.protocol.startswith("ICMP") else self._classes.protocol
        return why(direction, pod, peer, protocol, self._classes.port, selecting, self._index.enforcement)

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
    return Outcome(one, other, pair.result, pair.reason, tuple(allowed_by(trace)) if pair.result == "ok" else ())


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
