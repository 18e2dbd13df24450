"""One netfilter rule, and whether it matches a packet.

A rule has conditions and a target.  This module says which condition fails and prints the rule as `iptables-save` does; it
does not know chains, and reads none: that is :mod:`k8snet_course.linux.netfilter`.

Source: iptables(8), iptables-extensions(8).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_network
from typing import ClassVar, NamedTuple, Protocol

from k8snet_course.linux.memory import Memory
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.route import Route

VERDICTS = frozenset(("ACCEPT", "DROP", "REJECT", "MASQUERADE", "DNAT", "SNAT", "REDIRECT"))
"""The targets that end the reading of a table's chains."""

_OPTION = {"MARK": "--set-xmark", "DNAT": "--to-destination", "SNAT": "--to-source", "REJECT": "--reject-with",
           "REDIRECT": "--to-ports"}
_PLAIN = re.compile(r"[-_0-9A-Za-z]+")


class Seen(NamedTuple):
    """What rules can look at: the packet, where it came in and goes out, its mark, and whether an address is the device's.

    ``state`` is what connection tracking says of the packet (NEW, ESTABLISHED, RELATED, INVALID; several with commas, such as
    ``ESTABLISHED,DNAT``), ``memory`` what the device remembers of earlier connections, and ``seed`` decides what is drawn at
    random: the same seed and the same connection give the same draw.  ``owner`` is the user id of the program that sent the
    packet, where it begins here.
    """

    packet: Packet
    in_link: str
    out_link: str
    mark: int
    is_local: Callable[[str], bool]
    state: str = "NEW"
    seed: int = 0
    memory: Memory | None = None
    owner: int = 0


def draw(packet: Packet, seed: int = 0) -> float:
    """What chance says to a connection: a number from 0 to below 1, uniform over connections, always the same for one.

    >>> web = Packet("10.244.0.2", "10.96.0.20", "TCP", 40000, 80)
    >>> draw(web) == draw(web._replace(ttl=1)), draw(web) == draw(web, seed=1), 0 <= draw(web) < 1
    (True, False, True)
    """
    flow = f"{seed} {packet.protocol} {packet.src} {packet.src_port} {packet.dst} {packet.dst_port}"
    return (int.from_bytes(blake2b(flow.encode(), digest_size=8).digest(), "big") >> 11) / (1 << 53)


class Row(Protocol):
    """What chains are made of: a rule of iptables, or one of nftables or IPVS that plays the same part.

    ``chooses`` is True for a row that does not decide itself but picks another row, by a map or a scheduler; only then is
    ``pick`` called, with what is left of the draw.
    """

    chooses: ClassVar[bool]

    @property
    def shares(self) -> int:
        """Into how many equal parts a row that chooses divides the line from 0 to 1; 0: it looks at other things too."""

    @property
    def chain(self) -> str:
        """The chain it stands in."""

    @property
    def target(self) -> str:
        """What happens if it matches, in iptables' words."""

    @property
    def to(self) -> str:
        """The target's option: the new destination, the mark."""

    @property
    def src(self) -> str:
        """The source it wants; empty: any."""

    @property
    def dst(self) -> str:
        """The destination it wants; empty: any."""

    @property
    def dport(self) -> int:
        """The destination port it wants; 0: any."""

    @property
    def probability(self) -> str:
        """The share of the connections it takes; empty: all."""

    @property
    def recent(self) -> str:
        """The list that a match is remembered in, or asked from."""

    @property
    def recent_seconds(self) -> int:
        """How long ago a client may have been remembered; 0: the row remembers instead of asking."""

    @property
    def comment(self) -> str:
        """What whoever wrote it says of it."""

    @property
    def verdict(self) -> str:
        """How a walk ends that the row ends, if that is known better than by its target."""

    @property
    def goto(self) -> bool:
        """Whether the called chain returns not here, but to where this chain was called from."""

    def missed(self, seen: Seen, mark: int) -> str:
        """The first condition that does not hold, in words; empty when all hold."""

    def pick(self, seen: Seen, luck: float) -> tuple[Row | None, tuple[tuple[str, str], ...]]:
        """The row picked, and what there is to remember."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a chain.  Empty conditions match everything; ``!`` before one negates it.

    ``src`` and ``dst`` are networks, ``protocol`` tcp, udp, sctp or icmp, ``dport`` the destination port (0: any), ``in_link``
    and ``out_link`` interfaces, ``mark`` a value/mask such as ``0x4000/0x4000``, ``src_type`` and ``dst_type`` LOCAL for the
    device's own addresses, ``ctstate`` states with commas, ``probability`` a share of the connections (as text: it is printed
    as it is); ``multiport`` changes how the port is written, not what it means.  ``recent`` is the name of a list of clients:
    with ``recent_seconds`` the rule matches clients that came in the last so many seconds, without it the rule puts the client
    on the list.  ``uid_owner`` is the user as whom the sending program runs (0: any), and means something in OUTPUT only.

    ``target`` is ACCEPT, DROP, REJECT, RETURN, MASQUERADE, DNAT (with ``to``), REDIRECT (to a port of the device itself), MARK
    (with ``to``), a chain, or empty: such a rule does nothing.  ``verdict`` is how a walk ends that the rule ends, where it
    says more than that it was denied.

        >>> print(Rule("POSTROUTING", "MASQUERADE", src="10.244.0.0/24", dst="!10.244.0.0/16"))
        -A POSTROUTING -s 10.244.0.0/24 ! -d 10.244.0.0/16 -j MASQUERADE
        >>> print(Rule("KUBE-SVC-X", "KUBE-SEP-Y", probability="0.50000000000", comment="default/web"))
        -A KUBE-SVC-X -m comment --comment "default/web" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-Y
    """

    chooses: ClassVar[bool] = False

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
    src_type: str = ""
    ctstate: str = ""
    probability: str = ""
    recent: str = ""
    recent_seconds: int = 0
    random_fully: bool = False
    goto: bool = False
    multiport: bool = False
    verdict: str = ""
    uid_owner: int = 0

    def __str__(self) -> str:
        words = [f"-A {self.chain}"]
        for flag, value in (("-s", self.src), ("-d", self.dst), ("-i", self.in_link), ("-o", self.out_link),
                            ("-p", self.protocol)):
            if value:
                words.append(_flag(flag, value))
        if self.comment:
            words.append(f"-m comment --comment {self.comment if _PLAIN.fullmatch(self.comment) else _quoted(self.comment)}")
        if self.recent:
            words.append(f"-m recent {_recent(self.recent_seconds)} --name {self.recent} --mask {self._mask} --rsource")
        for flag, value in (("--src-type", self.src_type), ("--dst-type", self.dst_type)):
            if value:
                words.append(f"-m addrtype {_flag(flag, value)}")
        if self.dport:
            module, option = ("multiport", "--dports") if self.multiport else (self.protocol, "--dport")
            words.append(f"-m {module} {option} {self.dport}")
        elif self.protocol and self.target == "DNAT":
            words.append(f"-m {self.protocol}")
        if self.uid_owner:
            words.append(f"-m owner --uid-owner {self.uid_owner}")
        if self.ctstate:
            words.append(f"-m conntrack {_flag('--ctstate', self.ctstate)}")
        if self.mark:
            words.append(f"-m mark {_flag('--mark', self.mark)}")
        if self.probability:
            words.append(f"-m statistic --mode random --probability {self.probability}")
        if self.target:
            words.append(f"{'-g' if self.goto else '-j'} {self.target}")
        if self.to:
            words.append(f"{_OPTION[self.target]} {self.to}")
        if self.random_fully:
            words.append("--random-fully")
        return " ".join(words)

    @property
    def by_chance_alone(self) -> bool:
        """Whether nothing but chance decides if it matches.

        >>> one = Rule("KUBE-SVC-X", "KUBE-SEP-Y", probability="0.50000000000")
        >>> one.by_chance_alone, Rule("KUBE-SVC-X", "KUBE-SEP-Z").by_chance_alone
        (True, False)
        """
        return bool(self.probability) and not (
            self.src or self.dst or self.protocol or self.dport or self.in_link or self.out_link or self.mark or self.src_type
            or self.dst_type or self.ctstate or self.recent or self.uid_owner)

    @property
    def _mask(self) -> str:
        ipv6 = ":" in self.src or "[" in self.to + self.comment
        return "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" if ipv6 else "255.255.255.255"

    @property
    def destination(self) -> tuple[str, int]:
        """Where a DNAT rule sends packets: address and port (0: the port stays).

        >>> Rule("KUBE-SEP-X", "DNAT", protocol="tcp", to="[fd00::2]:80").destination
        ('fd00::2', 80)
        """
        return destination_of(self.to)

    def missed(self, seen: Seen, mark: int) -> str:
        """The first condition that does not hold, in words; empty when all hold (chance is not asked here)."""
        packet = seen.packet
        if self.src and not _in(self.src, packet.src):
            return f"source {packet.src} does not match"
        if self.dst and not _in(self.dst, packet.dst):
            return f"destination {packet.dst} does not match"
        if self.protocol and not _spoken(self.protocol, packet.protocol):
            return f"protocol {packet.protocol} does not match"
        if self.dport and self.dport != packet.dst_port:
            return f"port {packet.dst_port} does not match"
        if self.in_link and not _link(self.in_link, seen.in_link):
            return f"came in by {seen.in_link or 'no interface'}, does not match"
        if self.out_link and not _link(self.out_link, seen.out_link):
            return f"goes out by {seen.out_link or 'no interface'}, does not match"
        if self.mark and not _marked(self.mark, mark):
            return f"mark {mark:#x} does not match"
        if self.src_type and not _type(self.src_type, seen.is_local(packet.src)):
            return f"source {packet.src} does not match"
        if self.dst_type and not _type(self.dst_type, seen.is_local(packet.dst)):
            return f"destination {packet.dst} does not match"
        if self.uid_owner and self.uid_owner != seen.owner:
            return f"sent by another user than {self.uid_owner}"
        if self.ctstate and not _state(self.ctstate, seen.state):
            return f"state {seen.state} does not match"
        if self.recent_seconds and not (seen.memory is not None
                                        and seen.memory.has(self.recent, packet.src, self.recent_seconds)):
            return f"{packet.src} is not on the list {self.recent}"
        return ""

    @property
    def shares(self) -> int:
        """A rule divides nothing."""
        return 0

    def pick(self, seen: Seen, luck: float) -> tuple[Row | None, tuple[tuple[str, str], ...]]:
        """The rule itself: it picks no other."""
        return self, ()


def marked_by(to: str, mark: int) -> int:
    """The mark that ``MARK --set-xmark`` leaves: the mask's bits are cleared, then the value's bits are turned over.

    >>> hex(marked_by("0x4000/0x4000", 0x3)), hex(marked_by("0x4000/0x0", 0x4003))
    ('0x4003', '0x3')
    """
    value, _, mask = to.partition("/")
    return (mark & ~int(mask or "0xffffffff", 16)) ^ int(value, 16)


@lru_cache(maxsize=65536)
def destination_of(text: str) -> tuple[str, int]:
    """An address and a port from their common text; port 0 where there is none.

    >>> [destination_of(text) for text in ("10.244.0.2:8080", "10.244.0.2", "[fd00::2]:80", "fd00::2")]
    [('10.244.0.2', 8080), ('10.244.0.2', 0), ('fd00::2', 80), ('fd00::2', 0)]
    """
    if text.startswith("["):
        address, _, port = text[1:].partition("]:")
        return address, int(port)
    if text.count(":") > 1:
        return text, 0
    address, _, port = text.partition(":")
    return address, int(port or 0)


@lru_cache(maxsize=65536)
def exact(dst: str) -> str:
    """The one address that a destination condition names; empty if it names none, or more than one.

    >>> exact("10.96.0.20/32"), exact("fd00::2"), exact("10.96.0.0/12"), exact("!10.96.0.20/32")
    ('10.96.0.20', 'fd00::2', '', '')
    """
    if not dst or dst[0] == "!" or dst == "default":
        return ""
    if dst.endswith("/32") and ":" not in dst:  # ten thousand Services have ten thousand of these, and parsing takes time
        return dst[:-3]
    net = ip_network(dst)
    return str(net.network_address) if net.num_addresses == 1 else ""


def _flag(flag: str, value: str) -> str:
    return f"! {flag} {value[1:]}" if value[0] == "!" else f"{flag} {value}"


def _recent(seconds: int) -> str:
    return f"--rcheck --seconds {seconds} --reap" if seconds else "--set"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")
    return f'"{escaped}"'


@lru_cache(maxsize=65536)
def _network(text: str) -> Route:
    return Route(text, dev="")


# A packet meets dozens of rules, most of them with conditions that many packets have asked before: the answers are remembered.


@lru_cache(maxsize=65536)
def _in(wanted: str, address: str) -> bool:
    """Whether an address is in the network that is wanted, or with ``!`` is not in it."""
    network = wanted.lstrip("!")
    return (network == address or _network(network).matches(address)) != (wanted[0] == "!")


@lru_cache(maxsize=256)
def _spoken(wanted: str, protocol: str) -> bool:
    return (protocol.lower() == wanted.lstrip("!")) != (wanted[0] == "!")


@lru_cache(maxsize=4096)
def _link(wanted: str, given: str) -> bool:
    name = wanted.lstrip("!")
    return (given.startswith(name[:-1]) if name.endswith("+") else given == name) != (wanted[0] == "!")


@lru_cache(maxsize=4096)
def _marked(wanted: str, given: int) -> bool:
    value, _, mask = wanted.lstrip("!").partition("/")
    return (given & int(mask or "0xffffffff", 16) == int(value, 16)) != (wanted[0] == "!")


def _type(wanted: str, is_local: bool) -> bool:
    return (wanted.endswith("LOCAL") == is_local) != (wanted[0] == "!")


@lru_cache(maxsize=256)
def _state(wanted: str, given: str) -> bool:
    """Whether one of the states that a packet is in is among those that are wanted."""
    states = wanted.lstrip("!").split(",")
    return any(state in states for state in given.split(",")) != (wanted[0] == "!")
