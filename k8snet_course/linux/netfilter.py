"""netfilter: the rules by which Linux drops packets and rewrites their addresses.

A device has tables (nat, filter) of chains of rules.  At fixed points of a packet's way (PREROUTING, INPUT, FORWARD,
OUTPUT, POSTROUTING) its chain is read from the top; the first rule whose every condition matches decides, by a verdict or by
jumping to another chain, which returns when it has nothing to say.

A chain's own rules come from the node's plugins; kube-proxy's many chains are a :class:`Source`, which makes a chain when it is
asked for.

This module reads rules and says which one decided.  It rewrites nothing: that is :mod:`k8snet_course.linux.conntrack`; and it
remembers nothing: that is :mod:`k8snet_course.linux.memory`.

Source: iptables(8), iptables-extensions(8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from k8snet_course.linux.chain import FEW, Chain
from k8snet_course.linux.ipset import SETS, SetRule
from k8snet_course.linux.lot import Lot
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.remembered import MOST, Choice, Parts, Question
from k8snet_course.linux.rule import VERDICTS, Row, Rule, Seen, draw, marked_by
from k8snet_course.linux.ruling import DECIDES, GOES_ON, MAP, PICKED, Drew, Reading, Ruling
from k8snet_course.linux.trace import Candidate

__all__ = ["FILTER", "FORWARD", "INPUT", "IPVS", "NAT", "NO_RULES", "OUTPUT", "POSTROUTING", "PREROUTING", "Chain", "Memory",
           "Reading", "Row", "Rule", "Rules", "Ruling", "Seen", "Source", "draw"]

NAT, FILTER = "nat", "filter"
IPVS = "IPVS"
"""The pseudo table of IPVS, and the one chain in it: the virtual servers."""
PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING = "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"
_DEEPEST = 16
_FAMILIES = ("IPv4", "IPv6")


class Source(Protocol):
    """Where chains come from that are too many to be handed over as a list.  ``family`` is whose packets they are for."""

    @property
    def family(self) -> str:
        """IPv4 or IPv6."""

    @property
    def edition(self) -> int:
        """A number that grows whenever a chain may have other rules than before."""

    @property
    def serves(self) -> bool:
        """Whether there may be virtual servers of IPVS."""

    def chain(self, table: str, name: str) -> Sequence[Chain]:
        """The parts of a chain, in order; none if there is no such chain.  A packet asks for dozens: it has to be fast."""

    def names(self, table: str) -> Iterable[str]:
        """The names of a table's chains."""


_NO_SOURCES: Mapping[str, tuple[Source, ...]] = dict.fromkeys(_FAMILIES, ())


class Rules:
    """The rules of one device, by table and chain.

    Where a source and the lists have rules for the same chain, those of the source are read first.

    A ruling is remembered until a rule comes or goes, since reading takes long: packets that no rule can tell apart get the
    same one, and where chance had a say, those for which the same is drawn (see :mod:`k8snet_course.linux.remembered`).  Where
    the device's memory had a say, the rules are read anew for the next packet.

        >>> from k8snet_course.linux.packet import Packet
        >>> rules = Rules(nat=[Rule("POSTROUTING", "MASQUERADE", src="10.244.0.0/24", dst="!10.244.0.0/16")])
        >>> seen = Seen(Packet("10.244.0.2", "8.8.8.8"), "", "eth0", 0, lambda address: False)
        >>> print(rules.ask("nat", "POSTROUTING", seen).rule.target)
        MASQUERADE
        >>> inside = seen._replace(packet=Packet("10.244.0.2", "10.244.1.2"))
        >>> rules.ask("nat", "POSTROUTING", inside).rule is None
        True
    """

    __slots__ = ("_by_family", "_chains", "_edition", "_held", "_remembered", "_sources", "empty", "serves")

    def __init__(self, nat: Iterable[Row] = (), filters: Iterable[Row] = (), sources: Iterable[Source] = ()) -> None:
        grouped: dict[tuple[str, str], list[Row]] = {}
        for table, rules in ((NAT, nat), (FILTER, filters)):
            for rule in rules:
                grouped.setdefault((table, rule.chain), []).append(rule)
        self._chains = {name: Chain(rules) for name, rules in grouped.items()}
        self._sources = tuple(sources)
        self._by_family = {family: tuple(source for source in self._sources if source.family == family)
                           for family in _FAMILIES} if self._sources else _NO_SOURCES
        self.serves = any(source.serves for source in self._sources)
        """Whether there may be virtual servers of IPVS."""
        self.empty = not self._chains and not self._sources
        """Whether there is nothing to read, whatever the packet."""
        self._edition = 0
        self._remembered: dict[Question, Ruling | Parts | Choice] = {}
        self._held = 0

    def rows(self, table: str) -> Iterator[Row]:
        """The rules of a table, chain by chain.  From a large source this makes them all."""
        for family in _FAMILIES:
            for name in self.names(table, family, own=family == "IPv4"):
                for part in self.parts(table, name, family, own=family == "IPv4"):
                    yield from part

    def names(self, table: str, family: str = "IPv4", own: bool = True) -> tuple[str, ...]:
        """The names of a table's chains.  From a large source this makes them all."""
        found = dict.fromkeys(name for source in self._by_family[family] for name in source.names(table))
        return tuple(found | dict.fromkeys(name for of_table, name in self._chains if own and of_table == table))

    def parts(self, table: str, chain: str, family: str = "IPv4", own: bool = True) -> Sequence[Chain]:
        """The parts of a chain in the order of reading: those of the family's sources, then (``own``) those of the lists."""
        written = self._chains.get((table, chain)) if own else None
        found: tuple[Chain, ...] = () if written is None else (written,)
        for source in reversed(self._by_family[family]):
            found = (*source.chain(table, chain), *found)
        return found

    @property
    def written(self) -> Rules:
        """The rules of the lists alone, without those of sources."""
        only = Rules()
        only._chains = self._chains
        only.empty = not self._chains
        return only

    def ask(self, table: str, hook: str, seen: Seen) -> Ruling:
        """Read the chain of a hook from the top.  Raises RecursionError if chains jump in a circle, as iptables refuses."""
        return self.ruling(table, hook, *seen)

    def ruling(self, table: str, hook: str, packet: Packet, in_link: str, out_link: str, mark: int,
               is_local: Callable[[str], bool], state: str = "NEW", seed: int = 0, memory: Memory | None = None,
               owner: int = 0) -> Ruling:
        """The same, for what is in a :class:`~k8snet_course.linux.rule.Seen`: a walk asks at every turn, and makes none."""
        edition = 0
        for source in self._sources:
            edition += source.edition
        if edition != self._edition:
            self._edition = edition
            self._remembered.clear()
            self._held = 0
        question = (table, hook, packet.src, packet.dst, packet.protocol, packet.dst_port, in_link, out_link, mark, state,
                    owner, is_local)
        known = self._remembered.get(question)
        if known is not None:
            if isinstance(known, Ruling):
                return known
            luck = draw(packet, seed)
            if isinstance(known, Parts):
                found = known.at(luck)
            else:
                found = known.made(Seen(packet, in_link, out_link, mark, is_local, state, seed, memory, owner), luck)
            if found is not None:
                return found
        reader = _Reader(self, table, Seen(packet, in_link, out_link, mark, is_local, state, seed, memory, owner))
        rule = reader.read(hook, 0)
        luck = reader.drawn
        ruling = Ruling(rule, reader.mark, tuple(reader.remember), tuple(reader.looked_at), reader.others, max(luck, 0.0))
        if reader.repeatable:
            self._held += 1
            if self._held > MOST:
                self._remembered.clear()
                self._held = 1
            if reader.chooser is not None:
                self._remembered[question] = Choice(reader.chooser, ruling)
            elif luck < 0:
                self._remembered[question] = ruling
            elif isinstance(parts := self._remembered.setdefault(question, Parts()), Parts):
                parts.put(reader.begin, reader.width, ruling)
        return ruling

    def explain(self, table: str, hook: str, seen: Seen) -> tuple[Candidate, ...]:
        """Every rule that ``ask`` read, in order, with why it did or did not match; of a long chain those that matched.

            >>> from k8snet_course.linux.packet import Packet
            >>> rules = Rules(filters=[Rule("FORWARD", "DROP", dst=f"10.0.0.{n}/32") for n in range(1, 101)])
            >>> seen = Seen(Packet("10.1.0.1", "10.0.0.7"), "", "", 0, lambda address: False)
            >>> print(*rules.explain("filter", "FORWARD", seen), rules.ask("filter", "FORWARD", seen).others)
            * -A FORWARD -d 10.0.0.7/32 -j DROP   (decides) 99
        """
        return self.ask(table, hook, seen).reading.candidates


NO_RULES = Rules()
"""A device without netfilter rules."""


class _Reader:
    """One reading of a hook's chain: what changes on the way is the mark, and what is left of the draw.

    One number is drawn for a connection.  What is left of it after a choice is stretched to 0..1 again (``luck``), so that each
    choice meets an independent number and the endpoints of a Service share the line from 0 to 1 evenly.  All numbers in the
    part of the line that begins at ``begin`` and has this ``width`` lead to the same rule.
    """

    __slots__ = ("begin", "chooser", "drawn", "family", "gone", "looked_at", "luck", "mark", "others", "remember", "repeatable",
                 "rules", "seen", "table", "width")

    def __init__(self, rules: Rules, table: str, seen: Seen) -> None:
        self.rules = rules
        self.table = table
        self.seen = seen
        self.looked_at: list[tuple[Row, str | Drew]] = []
        self.mark = seen.mark
        self.family = "IPv6" if ":" in seen.packet.dst else "IPv4"
        self.drawn = self.luck = -1.0
        self.begin, self.width = 0.0, 1.0
        self.gone = False
        self.others = 0
        self.remember: list[tuple[str, str]] = []
        self.repeatable = True
        """Whether an equal packet would be ruled upon in the same way."""
        self.chooser: Row | None = None
        """The row that picked what decided, where nothing else looked at more than the packet."""

    def read(self, chain: str, depth: int) -> Row | None:
        """The rule that decides; None when the chain has nothing to say."""
        if depth > _DEEPEST:
            raise RecursionError(f"chains of {self.table} jump in a circle at {chain}")
        seen, looked_at = self.seen, self.looked_at
        for part in self.rules.parts(self.table, chain, self.family):
            hidden = len(part)
            whole = hidden <= FEW
            for row, missed in self._judged(part, whole):
                target = row.target
                decides = not missed and target in VERDICTS
                if whole or not missed:
                    hidden -= 1
                    looked_at.append((row, missed or (DECIDES if decides else GOES_ON)))
                if missed:
                    continue
                if row.recent and not row.recent_seconds:
                    self.remember.append((row.recent, seen.packet.src))
                if decides:
                    self.others += 0 if whole else hidden
                    return row
                if row.chooses:
                    found, ends = self._picked(row, depth)
                elif target == "RETURN":
                    found, ends = None, True
                elif target == "MARK":
                    self.mark = marked_by(row.to, self.mark)
                    continue
                elif target:
                    found = self.read(target, depth + 1)
                    ends, self.gone = row.goto or self.gone, False
                    if row.goto and chain.startswith(MAP):
                        self.gone = True  # an element of a map speaks for the rule that asked the map
                else:
                    continue
                if found is not None or ends:
                    self.others += 0 if whole else hidden
                    return found
            self.others += 0 if whole else hidden
        return None

    def _judged(self, part: Chain, whole: bool) -> Iterator[tuple[Row, str | Drew]]:
        """The rules of a chain that may match, each with why it does not.

        A rule is judged when those before it have done what they do, since that may be a mark.
        """
        seen = self.seen
        if part.asks_memory:
            self.repeatable = False
        for row in part.near(seen.packet, seen.memory):
            if isinstance(row, Lot):
                place = -1
                while True:
                    place, begin, width = row.draw(self._number(), place)
                    self._narrowed(begin, width)
                    if place == len(row.rows):
                        break
                    yield row.rows[place], ""
                continue
            missed = row.missed(seen, self.mark)
            if not missed and row.probability:
                unlucky = self._unlucky(float(row.probability), whole)
                if unlucky:
                    yield row, unlucky
                    continue
            if not missed and type(row) is SetRule:
                missed = self._absent(row)
            yield row, missed

    def _picked(self, row: Row, depth: int) -> tuple[Row | None, bool]:
        """What a row that chooses leads to, and whether the reading of this chain ends with it."""
        shares = row.shares
        alone = self.drawn < 0 and not self.remember
        picked, remember = row.pick(self.seen, self._number())
        if shares:
            self._narrowed(min(int(self.luck * shares), shares - 1) / shares, 1 / shares)
        if picked is None:
            self.repeatable = self.repeatable and bool(shares)
            return None, False
        self.remember += remember
        target = picked.target
        decides = target in VERDICTS
        self.looked_at.append((picked, DECIDES if decides else PICKED))
        if not shares:  # a scheduler looks at more than chance: it is asked for each packet
            if decides and alone:
                self.chooser = row
            else:
                self.repeatable = False
        if decides:
            return picked, True
        return self.read(target, depth + 1), picked.goto

    def _absent(self, row: SetRule) -> str:
        """Whether no member of the rule's set fits the packet, in words."""
        seen = row.looks_at(self.seen)
        for part in self.rules.parts(SETS, row.set_name, self.family):
            for member in part.near(seen.packet):
                assert not isinstance(member, Lot), "nothing is drawn among members"
                if not member.missed(seen, self.mark):
                    return ""
        return f"not in the set {row.set_name}"

    def _unlucky(self, share: float, shown: bool) -> str | Drew:
        """Whether chance is against a rule, and if that will be shown, what was drawn."""
        if self._number() < share:
            self._narrowed(0.0, share)
            return ""
        said = Drew(share, self.begin, self.width) if shown else "drew another"
        self._narrowed(share, 1.0 - share)
        return said

    def _number(self) -> float:
        """What is left of the draw."""
        if self.luck < 0:
            self.drawn = self.luck = draw(self.seen.packet, self.seen.seed)
        return self.luck

    def _narrowed(self, begin: float, width: float) -> None:
        """A choice was made: the number lies in this part of what was left of the line, which is stretched to 0..1 again."""
        self.luck = (self.luck - begin) / width if width > 0 else 0.0
        self.begin += begin * self.width
        self.width *= width
