"""nftables' rules, as far as kube-proxy writes them: the conditions of iptables in other words, maps, and numbered choices.

A map leads from a packet's destination straight to a verdict.  Here a map is a chain of its own whose name begins with ``@``
and whose rules are the elements: the index of :class:`~k8snet_course.linux.chain.Chain` finds an element at once, and the
reader is the same as for iptables.

It knows no kube-proxy: that is :mod:`k8snet_course.services.kube_proxy.nftables`.

Source: nft(8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from k8snet_course.linux.rule import Rule, Seen

_VERDICT = {"DROP": "drop", "REJECT": "reject", "RETURN": "return", "ACCEPT": "accept"}


@dataclass(frozen=True, slots=True)
class NftRule(Rule):
    """A rule of nftables.  ``set_name`` is the set that stands in the text for the destination ``dst``.

    With ``recent`` the rule asks a set of clients (``recent_seconds``) or puts the client into it.

        >>> print(NftRule("service-X", "mark-for-masquerade", src="!10.244.0.0/16", dst="10.96.0.20/32"))
        ip daddr 10.96.0.20 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
        >>> print(NftRule("services", "@service-ips"))
        ip daddr . meta l4proto . th dport vmap @service-ips
    """

    set_name: str = ""

    def __str__(self) -> str:
        ip = "ip6" if ":" in self.src + self.dst or self.to.startswith("[") else "ip"
        words = []
        if self.set_name:
            words.append(f"{ip} daddr @{self.set_name}")
        elif self.dst:
            words.append(f"{ip} daddr {_network(self.dst)}")
        if self.dport:
            words.append(f"{self.protocol} dport {self.dport}")
        elif self.protocol:
            words.append(f"meta l4proto {self.protocol}")
        if self.src:
            words.append(f"{ip} saddr {_network(self.src)}")
        if self.src_type:
            words.append(f"fib saddr type {self.src_type.lower()}")
        if self.ctstate:
            words.append(f"ct state {self.ctstate.lower()}")
        if self.mark:
            mask = int(self.mark.strip("!").split("/")[1], 16)
            words.append(f"meta mark & {mask:#010x} {'==' if self.mark[0] == '!' else '!='} 0x00000000")
        if self.recent:
            words.append(f"{ip} saddr @{self.recent}" if self.recent_seconds else f"update @{self.recent} {{ {ip} saddr }}")
        words.append(self._verdict(ip))
        if self.comment:
            words.append(f'comment "{self.comment}"')
        return " ".join(word for word in words if word)

    def _verdict(self, ip: str) -> str:
        if self.target.startswith("@"):
            address = "" if self.set_name else f"{ip} daddr . "
            return f"{address}meta l4proto . th dport vmap {self.target}"
        if self.target == "MARK":
            value, mask = (int(number, 16) for number in self.to.split("/"))
            return f"meta mark set meta mark {'|' if value == mask else '^'} {value:#010x}"
        if self.target == "MASQUERADE":
            return "masquerade fully-random" if self.random_fully else "masquerade"
        if self.target == "DNAT":
            return f"dnat to {self.to}"
        return _VERDICT.get(self.target) or (f"{'goto' if self.goto else 'jump'} {self.target}" if self.target else "")


@dataclass(frozen=True, slots=True)
class NftElement(Rule):
    """An element of a map: what a packet's destination leads to.  ``chain`` is the map's name with an ``@``.

    >>> print(NftElement("@service-ips", "service-X", dst="10.96.0.20/32", protocol="tcp", dport=80, goto=True))
    10.96.0.20 . tcp . 80 : goto service-X
    >>> print(NftElement("@cluster-ips", "REJECT", dst="10.96.0.20/32"))
    10.96.0.20
    """

    def __str__(self) -> str:
        address = [_network(self.dst)] if self.dst else []
        if not self.protocol:
            return address[0]
        note = f' comment "{self.comment}"' if self.comment else ""
        verdict = _VERDICT.get(self.target) or f"goto {self.target}"
        return f"{' . '.join([*address, self.protocol, str(self.dport)])}{note} : {verdict}"


@dataclass(frozen=True, slots=True)
class NftChoice(Rule):
    """A choice by a number that is drawn: each of ``among``, chains, takes an equal share of the connections.

    >>> print(NftChoice("service-X", "", among=("endpoint-A", "endpoint-B")))
    numgen random mod 2 vmap { 0 : goto endpoint-A, 1 : goto endpoint-B }
    """

    chooses: ClassVar[bool] = True

    among: tuple[str, ...] = ()

    def __str__(self) -> str:
        listed = ", ".join(f"{number} : goto {chain}" for number, chain in enumerate(self.among))
        return f"numgen random mod {len(self.among)} vmap {{ {listed} }}"

    @property
    def shares(self) -> int:
        """One for each chain."""
        return len(self.among)

    def pick(self, seen: Seen, luck: float) -> tuple[Rule, tuple[tuple[str, str], ...]]:
        """The chain whose number is drawn."""
        number = min(int(luck * len(self.among)), len(self.among) - 1)
        return NftPick(self.chain, self.among[number], number=number, goto=True), ()


@dataclass(frozen=True, slots=True)
class NftPick(Rule):
    """The entry of a choice that was drawn.

    >>> print(NftPick("service-X", "endpoint-B", number=1))
    1 : goto endpoint-B
    """

    number: int = 0

    def __str__(self) -> str:
        return f"{self.number} : goto {self.target}"


def _network(text: str) -> str:
    """A network as nft writes it: a single address without its length, a negation as ``!=``."""
    plain = text.lstrip("!")
    address, _, length = plain.partition("/")
    plain = address if length == ("128" if ":" in address else "32") else plain
    return f"!= {plain}" if text[0] == "!" else plain
