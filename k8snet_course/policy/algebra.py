"""Sets of parties as numbers: one bit a group of parties, so that a selector is answered for all of them at once.

Parties go into one group when no selector, address block or port name that is in use sees a difference between them: a label
whose key nobody asks for does not count, and of a key's values only those that somebody asks for.  A set of groups is then an
integer, "and" is ``&``, and a selector costs a few operations however many pods there are.

This module knows groups and selectors; which policies are read in which order is :mod:`k8snet_course.policy.matrix`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from k8snet_course.addressing import number_of
from k8snet_course.objects.selector import EXISTS, IN, NOT_IN, LabelSelector
from k8snet_course.policy.party import Party
from k8snet_course.policy.rules import BlockPeer, NamedPort, NamePeer, NodePeer, Peer, PodPeer, PolicyRule

_OTHER = "*"
"""Stands for all values of a key that no selector asks for; no label can have it."""


class LabelSets:
    """Which of numbered label maps a selector selects, as bits: bit 0 for the first map.

    >>> sets = LabelSets([{"app": "web"}, {"app": "db", "legacy": "yes"}, {}])
    >>> bin(sets.selected(LabelSelector({"app": "web"}))), bin(sets.selected(LabelSelector()))
    ('0b1', '0b111')
    """

    def __init__(self, maps: Sequence[Mapping[str, str]]) -> None:
        self.everything = (1 << len(maps)) - 1
        self._pairs: dict[tuple[str, str], int] = {}
        self._keys: dict[str, int] = {}
        self._known: dict[LabelSelector, int] = {}
        bits_of: dict[tuple[str, str], list[int]] = {}
        for number, labels in enumerate(maps):
            for pair in labels.items():
                bits_of.setdefault(pair, []).append(number)
        for pair, numbers in bits_of.items():
            self._pairs[pair] = mask_of(numbers)
            self._keys[pair[0]] = self._keys.get(pair[0], 0) | self._pairs[pair]

    def selected(self, selector: LabelSelector) -> int:
        """The maps that a selector selects."""
        found = self._known.get(selector)
        if found is None:
            found = self.everything
            for pair in selector.match_labels.items():
                found &= self._pairs.get(pair, 0)
            for each in selector.match_expressions:
                if each.operator in (IN, NOT_IN):
                    some = 0
                    for value in each.values:
                        some |= self._pairs.get((each.key, value), 0)
                    found &= some if each.operator == IN else ~some
                else:
                    some = self._keys.get(each.key, 0)
                    found &= some if each.operator == EXISTS else ~some
            self._known[selector] = found
        return found


class Interest:
    """What the rules in use look at; from it follows what tells two parties apart.

    ``pods`` are the selectors by which policies choose their pods, ``rules`` their rules.  What selectors see of a namespace
    follows from its name.
    """

    def __init__(self, pods: Iterable[LabelSelector], rules: Iterable[PolicyRule]) -> None:
        pods = list(pods)
        nodes: list[LabelSelector] = []
        blocks: list[BlockPeer] = []
        self.ports: dict[NamedPort, None] = {}
        self.patterns: dict[NamePeer, None] = {}
        for rule in rules:
            self.ports.update((each, None) for each in rule.ports if isinstance(each, NamedPort))
            for peer in rule.peers:
                if isinstance(peer, BlockPeer):
                    blocks.append(peer)
                elif isinstance(peer, NodePeer):
                    nodes.append(peer.nodes)
                elif isinstance(peer, PodPeer):
                    pods.append(peer.pods)
                else:
                    self.patterns[peer] = None
        self._pod_values, self._node_values = _asked(pods), _asked(nodes)
        self._edges: dict[int, list[int]] = {}
        for version in (4, 6):
            spans = chain.from_iterable(((each.first, each.last), *each.holes) for each in blocks if each.version == version)
            self._edges[version] = sorted({edge for first, last in spans for edge in (first, last + 1)})

    def of(self, party: Party, protocol: str, port: int) -> tuple[object, ...]:
        """All that rules can see of a party when this port is asked for; parties with the same go into one group."""
        pod = party.pod
        version, number = number_of(party.ip)
        edges = self._edges[version]
        place = (version, bisect_right(edges, number)) if edges else ()
        if pod is None or pod.host_network or party.namespace is None:
            names = tuple(peer.matches(party) for peer in self.patterns)
            return (party.is_node, pod is not None, place, names, _reduced(party.node_labels, self._node_values))
        named = tuple([each.matches(protocol, port, party) for each in self.ports]) if pod.containers and self.ports else ()
        return (pod.namespace, place, named, _reduced(pod.labels, self._pod_values))


class Groups:
    """Parties in groups, and which groups a selector, a peer or a port matches.  Group *n* is bit *n*.

    ``number`` is each party's group, ``first`` one party of each group.
    """

    def __init__(self, parties: Sequence[Party], interest: Interest, protocol: str, port: int) -> None:
        self.protocol, self.port = protocol, port
        known: dict[tuple[object, ...], int] = {}
        self.first: list[Party] = []
        self.number: list[int] = []
        for party in parties:
            seen = interest.of(party, protocol, port)
            group = known.get(seen)
            if group is None:
                group = known[seen] = len(self.first)
                self.first.append(party)
            self.number.append(group)
        self.everyone = (1 << len(self.first)) - 1
        self.pods = self.where(lambda party: party.governed)
        self._pod_labels = LabelSets([party.pod.labels if party.pod is not None else {} for party in self.first])
        self._space_labels = LabelSets([party.namespace.labels if party.namespace is not None else {} for party in self.first])
        self._node_labels = LabelSets([party.node_labels for party in self.first])
        members: dict[str, list[int]] = {}
        for number, party in enumerate(self.first):
            if party.pod is not None and party.governed:
                members.setdefault(party.pod.namespace, []).append(number)
        self._spaces = {name: mask_of(numbers) for name, numbers in members.items()}
        self._outside = self.where(lambda party: party.pod is None and not party.node)
        self._addresses: dict[int, tuple[list[int], list[int]]] = {}
        self._peers: dict[Peer, int] = {}
        self._ports: dict[NamedPort, int] = {}

    def where(self, holds: Callable[[Party], bool]) -> int:
        """The groups whose parties have a property that is the same for the whole group."""
        return mask_of([number for number, party in enumerate(self.first) if holds(party)])

    def pods_selected(self, namespace: str, selector: LabelSelector) -> int:
        """The pods of a namespace that a selector selects."""
        return self._pod_labels.selected(selector) & self._spaces.get(namespace, 0)

    def pods_of(self, peer: PodPeer) -> int:
        """The pods that a peer means."""
        if peer.namespaces is None:
            return self.pods_selected(peer.namespace, peer.pods)
        return self._pod_labels.selected(peer.pods) & self._space_labels.selected(peer.namespaces) & self.pods

    def peer(self, peer: Peer) -> int:
        """The groups that a peer matches."""
        found = self._peers.get(peer)
        if found is None:
            if isinstance(peer, PodPeer):
                found = self.pods_of(peer)
            elif isinstance(peer, NodePeer):
                found = self._node_labels.selected(peer.nodes) & self.where(lambda party: party.is_node)
            elif isinstance(peer, BlockPeer):
                found = self._between(peer.version, peer.first, peer.last) & (self._outside if peer.outside_only else -1)
                for first, last in peer.holes:
                    found &= ~self._between(peer.version, first, last)
            else:
                found = self.where(peer.matches)
            self._peers[peer] = found
        return found

    def _between(self, version: int, first: int, last: int) -> int:
        """The groups with an address in a span; the edge of a span never runs through a group.

        For the groups in the order of their addresses the sets of the first 0, 1, 2, ... are made once.
        """
        if version not in self._addresses:
            numbers, sets, so_far = [], [0], 0
            for number, group in sorted((number, group) for group, (of_version, number)
                                        in enumerate(number_of(party.ip) for party in self.first) if of_version == version):
                numbers.append(number)
                so_far |= 1 << group
                sets.append(so_far)
            self._addresses[version] = numbers, sets
        numbers, sets = self._addresses[version]
        return sets[bisect_right(numbers, last)] & ~sets[bisect_left(numbers, first)]

    def peers(self, rule: PolicyRule) -> int:
        """The groups that a rule means by ``from`` or ``to``."""
        if not rule.peers:
            return self.everyone
        found = 0
        for peer in rule.peers:
            found |= self.peer(peer)
        return found

    def destinations(self, rule: PolicyRule) -> int:
        """The groups whose port is one of the rule's; all or none, but for named ports."""
        if not rule.ports:
            return self.everyone
        found = 0
        for each in rule.ports:
            if isinstance(each, NamedPort):
                if each not in self._ports:
                    self._ports[each] = mask_of([number for number, party in enumerate(self.first)
                                                 if each.matches(self.protocol, self.port, party)])
                found |= self._ports[each]
            elif each.has(self.protocol, self.port):
                return self.everyone
        return found


def mask_of(numbers: Iterable[int]) -> int:
    """The integer that has these bits, made at once: bit by bit would cost the square.

    >>> mask_of([0, 3])
    9
    """
    held = bytearray()
    for number in numbers:
        if number >> 3 >= len(held):
            held.extend(bytes((number >> 3) + 1 - len(held)))
        held[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(held, "little")


def bits_of(mask: int) -> list[int]:
    """The bits that an integer has, in order.

    >>> bits_of(9)
    [0, 3]
    """
    digits = bin(mask)[:1:-1]
    found = []
    at = digits.find("1")
    while at >= 0:
        found.append(at)
        at = digits.find("1", at + 1)
    return found


def _asked(selectors: Iterable[LabelSelector]) -> dict[str, set[str]]:
    """Which values of which keys some selector asks for."""
    found: dict[str, set[str]] = {}
    for selector in selectors:
        for key, value in selector.match_labels.items():
            found.setdefault(key, set()).add(value)
        for each in selector.match_expressions:
            found.setdefault(each.key, set()).update(each.values)
    return found


def _reduced(labels: Mapping[str, str], asked: Mapping[str, set[str]]) -> frozenset[tuple[str, str]]:
    """The labels that count."""
    return frozenset([(key, value) if value in asked[key] else (key, _OTHER) for key, value in labels.items() if key in asked])
