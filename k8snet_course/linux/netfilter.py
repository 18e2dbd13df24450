"""netfilter: the rules by which Linux drops packets and rewrites their addresses.

A device has tables (nat, filter) of chains of rules.  At fixed points of a packet's way (PREROUTING, INPUT, FORWARD,
OUTPUT, POSTROUTING) its chain is read from the top; the first rule whose every condition matches decides, by a verdict or by
jumping to another chain, which returns when it has nothing to say.

This module reads rules and says which one decided.  It rewrites nothing: that is :mod:`k8snet_course.linux.conntrack`.

Source: iptables(8), iptables-extensions(8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.route import Route
from k8snet_course.linux.trace import Candidate

NAT, FILTER = "nat", "filter"
PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING = "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"
_VERDICTS = frozenset(("ACCEPT", "DROP", "REJECT", "MASQUERADE", "DNAT", "SNAT"))
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a chain.  Empty conditions match everything; ``!`` before one negates it.

    ``src`` and ``dst`` are networks, ``protocol`` tcp, udp or icmp, ``dport`` the destination port (0: any), ``in_link`` and
    ``out_link`` interfaces, ``mark`` a value/mask such as ``0x4000/0x4000``, ``dst_type`` is LOCAL for the device's own
    addresses.  ``target`` is ACCEPT, DROP, REJECT, RETURN, MASQUERADE, DNAT (with ``to``), MARK (with ``to``) or a chain.

        >>> print(Rule("POSTROUTING", "MASQUERADE", src="10.244.0.0/24", dst="!10.244.0.0/16"))
        -A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/16 -j MASQUERADE
    """

    chain: str
    target: str
    src: str = ""
    dst: str = ""
    protocol: str = ""
    dport: int = 0
    in_link: str = ""
    out_link: str = ""
    mark: str = ""
    dst_type: str = ""
    to: str = ""
    comment: str = ""

    def __str__(self) -> str:
        words = [f"-A {self.chain}"]
        for flag, value in (("-s", self.src), ("-d", self.dst), ("-i", self.in_link), ("-o", self.out_link),
                            ("-p", self.protocol)):
            if value:
                words.append(f"! {flag} {value[1:]}" if value.startswith("!") else f"{flag} {value}")
        if self.comment:
            words.append(f'-m comment --comment "{self.comment}"')
        if self.dport:
            words.append(f"-m {self.protocol} --dport {self.dport}")
        if self.dst_type:
            words.append(f"-m addrtype --dst-type {self.dst_type}")
        if self.mark:
            words.append(f"-m mark {'! ' if self.mark.startswith('!') else ''}--mark {self.mark.removeprefix('!')}")
        words.append(f"-j {self.target}")
        if self.to:
            words.append(f"--{'set-xmark' if self.target == 'MARK' else 'to-destination'} {self.to}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Seen:
    """What rules can look at: the packet, where it came in and goes out, its mark, and whether an address is the device's."""

    packet: Packet
    in_link: str
    out_link: str
    mark: int
    is_local: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a chain said: the rule that decided (None: the chain's end was reached) and the mark the packet has now."""

    rule: Rule | None
    mark: int


class Rules:
    """The rules of one device, by table and chain.

        >>> rules = Rules(nat=[Rule("POSTROUTING", "MASQUERADE", src="10.244.0.0/24", dst="!10.244.0.0/16")])
        >>> seen = Seen(Packet("10.244.0.2", "8.8.8.8"), "", "eth0", 0, lambda address: False)
        >>> print(rules.ask("nat", "POSTROUTING", seen).rule.target)
        MASQUERADE
        >>> rules.ask("nat", "POSTROUTING", replace(seen, packet=Packet("10.244.0.2", "10.244.1.2"))).rule is None
        True
    """

    __slots__ = ("_chains",)

    def __init__(self, nat: Iterable[Rule] = (), filters: Iterable[Rule] = ()) -> None:
        self._chains: dict[tuple[str, str], list[Rule]] = {}
        for table, rules in ((NAT, nat), (FILTER, filters)):
            for rule in rules:
                self._chains.setdefault((table, rule.chain), []).append(rule)

    def has(self, table: str, hook: str) -> bool:
        """Whether there is anything to read at this point."""
        return (table, hook) in self._chains

    def rows(self, table: str) -> Iterator[Rule]:
        """The rules of a table, chain by chain."""
        for (of_table, _), rules in self._chains.items():
            if of_table == table:
                yield from rules

    def ask(self, table: str, hook: str, seen: Seen) -> Ruling:
        """Read the chain of a hook from the top.  Raises RecursionError if chains jump in a circle, as iptables refuses."""
        rule, mark = self._read(table, hook, seen, None, 0)
        return Ruling(rule, mark)

    def explain(self, table: str, hook: str, seen: Seen) -> tuple[Candidate, ...]:
        """Every rule that ``ask`` read, in order, with why it did or did not match."""
        looked_at: list[Candidate] = []
        self._read(table, hook, seen, looked_at, 0)
        return tuple(looked_at)

    def _read(self, table: str, chain: str, seen: Seen, looked_at: list[Candidate] | None,
              depth: int) -> tuple[Rule | None, int]:
        if depth > _DEEPEST:
            raise RecursionError(f"chains of {table} jump in a circle at {chain}")
        for rule in self._chains.get((table, chain), ()):
            missed = _missed(rule, seen)
            decides = not missed and rule.target in _VERDICTS
            if looked_at is not None:
                looked_at.append(Candidate(str(rule), not missed, decides, missed or ("decides" if decides else "goes on")))
            if missed:
                continue
            if decides:
                return rule, seen.mark
            if rule.target == "RETURN":
                break
            mark = _marked_by(rule, seen.mark)
            if rule.target != "MARK":
                found, mark = self._read(table, rule.target, seen, looked_at, depth + 1)
                if found is not None:
                    return found, mark
            if mark != seen.mark:
                seen = replace(seen, mark=mark)
        return None, seen.mark


NO_RULES = Rules()
"""A device without netfilter rules."""


def _missed(rule: Rule, seen: Seen) -> str:
    """The first condition that does not hold, in words; empty when all hold."""
    packet = seen.packet
    if rule.src and not _holds(rule.src, _in, packet.src):
        return f"source {packet.src} does not match"
    if rule.dst and not _holds(rule.dst, _in, packet.dst):
        return f"destination {packet.dst} does not match"
    if rule.protocol and not _holds(rule.protocol, str.__eq__, packet.protocol.lower()):
        return f"protocol {packet.protocol} does not match"
    if rule.dport and rule.dport != packet.dst_port:
        return f"port {packet.dst_port} does not match"
    if rule.in_link and not _holds(rule.in_link, _link, seen.in_link):
        return f"came in by {seen.in_link or 'no interface'}, does not match"
    if rule.out_link and not _holds(rule.out_link, _link, seen.out_link):
        return f"goes out by {seen.out_link or 'no interface'}, does not match"
    if rule.mark and not _holds(rule.mark, _marked, seen.mark):
        return f"mark {seen.mark:#x} does not match"
    if rule.dst_type and not _holds(rule.dst_type, lambda want, local: (want == "LOCAL") == local, seen.is_local(packet.dst)):
        return f"destination {packet.dst} does not match"
    return ""


def _holds(wanted: str, test: Callable[[str, Any], bool], given: object) -> bool:
    """Whether a condition, which may be negated by a ``!``, holds for what is given."""
    return not test(wanted[1:], given) if wanted[0] == "!" else test(wanted, given)


def _marked_by(rule: Rule, mark: int) -> int:
    """The mark that a MARK rule leaves; any other rule leaves it as it is."""
    if rule.target != "MARK":
        return mark
    value, _, mask = rule.to.partition("/")
    return (mark & ~int(mask or "0xffffffff", 16)) ^ int(value, 16)


@lru_cache(maxsize=4096)
def _network(text: str) -> Route:
    return Route(text, dev="")


def _in(network: str, address: str) -> bool:
    return _network(network).matches(address)


def _link(wanted: str, given: str) -> bool:
    return given.startswith(wanted[:-1]) if wanted.endswith("+") else given == wanted


def _marked(wanted: str, given: int) -> bool:
    value, _, mask = wanted.partition("/")
    return given & int(mask or "0xffffffff", 16) == int(value, 16)
