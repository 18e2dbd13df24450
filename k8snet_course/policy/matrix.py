"""Who may talk to whom, for all pairs at once.

Pods that no rule in use can tell apart are one class: ten thousand pods are a few dozen.  What is allowed is worked out for
classes, with sets of parties as integers (:mod:`k8snet_course.policy.algebra`), so that neither time nor memory grows with the
number of pairs.

It gives the same answers as :func:`k8snet_course.policy.evaluate.decide`, without the reasons; for those, ask about the pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.names import nearest
from k8snet_course.objects.cluster_network_policy import ACCEPT, PASS, ClusterNetworkPolicy
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.network_policy import EGRESS, INGRESS, NetworkPolicy
from k8snet_course.policy.algebra import Groups, Interest, bits_of
from k8snet_course.policy.enforcement import STANDARD, Enforcement
from k8snet_course.policy.evaluate import check_traffic
from k8snet_course.policy.party import Party
from k8snet_course.policy.rules import Policy, PolicyRule, rules_of, subject_of
from k8snet_course.policy.ruling import Selecting, exemption


@dataclass(frozen=True, slots=True)
class PartyClass:
    """Parties that no rule tells apart, by their keys.  ``number`` counts the classes from 0, in the order of the parties.

    >>> print(PartyClass(0, ("shop/web-1", "shop/web-2", "shop/web-3", "shop/web-4")))
    class 0: shop/web-1, shop/web-2, shop/web-3 and 1 more
    """

    number: int
    members: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.members) - 3} more" if len(self.members) > 3 else ""
        return f"class {self.number}: {', '.join(self.members[:3])}{more}"


class Matrix:
    """Whether each party may open a connection to a port of each other one.

    A class stands for what policies say.  Beyond them a pod always reaches itself and its own node, and its node reaches it:
    ``allowed`` knows that, and ``between`` speaks of the classes alone.  Raises InvalidArgument.

        >>> from k8snet_course.objects.pod import Pod
        >>> from k8snet_course.objects.selector import LabelSelector
        >>> pods = [Pod(name, "node-1", f"10.244.0.{number}", labels={"app": name.partition("-")[0]})
        ...         for number, name in enumerate(("web-1", "web-2", "db"), start=2)]
        >>> deny = NetworkPolicy("deny", pod_selector=LabelSelector({"app": "db"}))
        >>> matrix = Matrix([Party.of_pod(pod) for pod in pods], [deny], "TCP", 5432)
        >>> print(matrix)
        TCP 5432: 3 parties in 2 classes
        >>> matrix.allowed("default/web-1", "default/db"), matrix.allowed("default/db", "default/web-1")
        (False, True)
        >>> for source, target, allowed in matrix.pairs():
        ...     print(source.number, "->", target.number, "allowed" if allowed else "denied")
        0 -> 0 allowed
        0 -> 1 denied
        1 -> 0 allowed
        1 -> 1 denied
    """

    __slots__ = ("_class", "_enforcement", "_in", "_out", "_parties", "_spot", "classes", "port", "protocol")

    def __init__(self, parties: Iterable[Party], policies: Iterable[Policy], protocol: str = "TCP", port: int = 80,
                 enforcement: Enforcement = STANDARD) -> None:
        check_traffic(protocol, port)
        held = list(parties)
        self.protocol, self.port = protocol, port
        self._enforcement = enforcement
        self._parties = {party.key: party for party in held}
        if len(self._parties) < len(held):
            keys = [party.key for party in held]
            raise InvalidArgument(next(key for key in keys if keys.count(key) > 1), "every party once", "leave the other out")
        spaces: dict[str, Namespace] = {}
        for space in (party.namespace for party in held if party.namespace is not None):
            if spaces.setdefault(space.name, space) is not space and spaces[space.name].labels != space.labels:
                raise InvalidArgument(f"namespace {space.name} with other labels", "the same Namespace for all of its pods",
                                      "give each Party.of_pod the same one")
        work = _Work(held, [policy for policy in policies if enforcement.enforces and (
            enforcement.cluster_policies or isinstance(policy, NetworkPolicy))], protocol, port, enforcement)
        number_of_group, self._spot = work.classes()
        members: list[list[str]] = [[] for _ in self._spot]
        self._class: dict[str, int] = {}
        for party, group in zip(held, work.groups.number, strict=True):
            self._class[party.key] = number_of_group[group]
            members[number_of_group[group]].append(party.key)
        self.classes = tuple(PartyClass(number, tuple(keys)) for number, keys in enumerate(members))
        self._out = work.rows(EGRESS, self._spot)
        self._in = work.rows(INGRESS, self._spot)

    def allowed(self, source: str, destination: str) -> bool:
        """Whether this party may connect to that one, each by its key.  Raises NotFound."""
        try:
            one, two = self._parties[source], self._parties[destination]
            from_, to = self._class[source], self._class[destination]
        except KeyError as error:
            given = error.args[0]
            raise NotFound(given, "a party of this matrix", f"did you mean '{nearest(given, self._parties)}'?") from None
        return ((self._leaves(from_, to) or exemption(one, two, self._enforcement) is not None)
                and (self._enters(from_, to) or exemption(two, one, self._enforcement) is not None))

    def between(self, source: PartyClass, destination: PartyClass) -> bool:
        """What policies say of connections from one class to another, or between two parties of the same."""
        return self._leaves(source.number, destination.number) and self._enters(source.number, destination.number)

    def class_of(self, key: str) -> PartyClass:
        """The class of a party.  Raises NotFound."""
        if key not in self._class:
            raise NotFound(key, "a party of this matrix", f"did you mean '{nearest(key, self._class)}'?")
        return self.classes[self._class[key]]

    def pairs(self) -> Iterator[tuple[PartyClass, PartyClass, bool]]:
        """Every pair of classes and whether policies allow it, source by source."""
        for source in self.classes:
            for destination in self.classes:
                yield source, destination, self.between(source, destination)

    def _leaves(self, source: int, destination: int) -> bool:
        spot = self._spot[destination]
        return bool(self._out[source][spot >> 3] >> (spot & 7) & 1)

    def _enters(self, source: int, destination: int) -> bool:
        spot = self._spot[source]
        return bool(self._in[destination][spot >> 3] >> (spot & 7) & 1)

    def __repr__(self) -> str:
        return f"{self.protocol} {self.port}: {len(self._parties)} parties in {len(self.classes)} classes"


class _Work:
    """The policies as sets of groups, while a matrix is made."""

    def __init__(self, parties: Sequence[Party], policies: Sequence[Policy], protocol: str, port: int,
                 enforcement: Enforcement) -> None:
        self.policies = policies
        self.rules: dict[tuple[int, str], tuple[PolicyRule, ...]] = {}
        for policy in policies:
            for direction in (EGRESS, INGRESS):
                self.rules[id(policy), direction] = tuple(rule for rule in rules_of(policy, direction, enforcement)
                                                          if rule.can_match(protocol, port))
        subjects = [subject_of(policy) for policy in policies if isinstance(policy, ClusterNetworkPolicy)]
        self.groups = Groups(parties, Interest(
            [*(policy.pod_selector for policy in policies if isinstance(policy, NetworkPolicy)),
             *(each.pods for each in subjects)], (rule for rules in self.rules.values() for rule in rules)), protocol, port)
        self.sets = {id(rule): (self.groups.peers(rule), self.groups.destinations(rule))
                     for rules in self.rules.values() for rule in rules}
        """Of each rule the groups that it means at the other end, and the destinations whose port it means."""
        self.selected = {direction: [(policy, self._selected(policy, direction)) for policy in policies]
                         for direction in (EGRESS, INGRESS)}

    def _selected(self, policy: Policy, direction: str) -> int:
        """The groups that a policy selects for a direction."""
        if isinstance(policy, ClusterNetworkPolicy):
            return self.groups.pods_of(subject_of(policy)) if policy.rules(direction) else 0
        if direction not in policy.policy_types:
            return 0
        return self.groups.pods_selected(policy.namespace, policy.pod_selector)

    def classes(self) -> tuple[list[int], list[int]]:
        """The class of each group, and of each class one group: groups that lie in the same sets are one class."""
        groups = self.groups
        sets = dict.fromkeys(chosen for rows in self.selected.values() for _, chosen in rows)
        for pair in self.sets.values():
            sets.update(dict.fromkeys(pair))
        sets[groups.pods] = None
        width = len(groups.first)
        columns = [f"{each:0{width}b}" for each in sets] if width else []
        numbers: list[int] = []
        spots: list[int] = []
        known: dict[str, int] = {}
        # Read from the right: bit 0 is the last digit.
        for group, lies_in in enumerate(map("".join, zip(*(column[::-1] for column in columns), strict=True))):
            if lies_in not in known:
                known[lies_in] = len(spots)
                spots.append(group)
            numbers.append(known[lies_in])
        return numbers, spots

    def rows(self, direction: str, spots: Sequence[int]) -> list[bytes]:
        """For one group of each class: the groups with which its own side allows a connection, a bit each."""
        groups = self.groups
        place = {group: number for number, group in enumerate(spots)}
        wanted = sum(1 << group for group in spots)
        selecting: list[list[Policy]] = [[] for _ in spots]
        for policy, chosen in self.selected[direction]:
            for group in bits_of(chosen & wanted):
                selecting[place[group]].append(policy)
        size = (len(groups.first) + 7) // 8
        # Where a port has a name, it also matters which pods give it: the rule is another one for each.
        named = {id(policy): [ports for _, ports in (self.sets[id(rule)] for rule in self.rules[id(policy), direction])
                              if direction == INGRESS and ports not in (0, groups.everyone)] for policy in self.policies}
        known: dict[tuple[int, ...], bytes] = {}
        rows: list[bytes] = []
        for group, policies in zip(spots, selecting, strict=True):
            ids = tuple(map(id, policies))
            state = (*ids, -1, *(mask >> group & 1 for each in ids for mask in named[each]))
            if state not in known:
                known[state] = self._row(direction, group, policies).to_bytes(size, "little")
            rows.append(known[state])
        return rows

    def _row(self, direction: str, group: int, policies: Sequence[Policy]) -> int:
        """The same for one group, read in the order of :mod:`k8snet_course.policy.ruling`."""
        groups = self.groups
        selecting = Selecting.of(policies, lambda policy: self.rules[id(policy), direction])

        def hits(rule: PolicyRule) -> int:
            peers, destinations = self.sets[id(rule)]
            if direction == EGRESS:
                return peers & destinations
            return peers if destinations >> group & 1 else 0

        def tier(rules: Iterable[PolicyRule], undecided: int) -> tuple[int, int]:
            accepted, passed = 0, 0
            for rule in rules:
                hit = hits(rule) & undecided
                undecided &= ~hit
                if rule.action == ACCEPT:
                    accepted |= hit
                elif rule.action == PASS:
                    passed |= hit
            return accepted, undecided | passed

        allowed, undecided = tier(selecting.admin, groups.everyone)
        if selecting.isolating:
            union = 0
            for rule in selecting.allows:
                union |= hits(rule)
            return allowed | undecided & union
        accepted, undecided = tier(selecting.baseline, undecided)
        return allowed | accepted | undecided
