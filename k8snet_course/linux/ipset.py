"""Sets of addresses and ports (ipset), and the rules of iptables that ask whether a packet is in one.

A set stands in the pseudo table ``ipset`` of a device's rules as a chain of its name; each member is a row.  A rule that names
a set has one condition more: that some member of the set fits the packet.

This module says what a member fits and how sets and rules are printed.  Who asks a set is :mod:`k8snet_course.linux.netfilter`.

Source: ipset(8); iptables-extensions(8), "set".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from k8snet_course.linux.rule import Rule, Seen

SETS = "ipset"
"""The pseudo table of all sets: a set's name is the chain that its members stand in."""

ADDRESS, ADDRESS_PORT, ADDRESS_PORT_ADDRESS, ADDRESS_PORT_NET, PORT = (
    "hash:ip", "hash:ip,port", "hash:ip,port,ip", "hash:ip,port,net", "bitmap:port")
"""The types of sets that are known here."""


@dataclass(frozen=True, slots=True)
class SetRule(Rule):
    """A rule that asks a set; ``directions`` says for each part of a member where in the packet it is looked for.

    ``off_bridge`` also wants that the packet has not come in at a port of a bridge.  The model does not look at that.

        >>> print(SetRule("KUBE-SERVICES", "KUBE-MARK-MASQ", src="!10.244.0.0/16", set_name="KUBE-CLUSTER-IP",
        ...               directions="dst,dst"))
        -A KUBE-SERVICES ! -s 10.244.0.0/16 -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
    """

    set_name: str = ""
    directions: str = ""
    off_bridge: bool = False

    def looks_at(self, seen: Seen) -> Seen:
        """The packet with its address where members have theirs: for ``src,dst`` the source is looked for as a destination."""
        return seen._replace(packet=seen.packet._replace(dst=seen.packet.src)) if self.directions == "src,dst" else seen

    def __str__(self) -> str:
        asked = f"-m set --match-set {self.set_name} {self.directions}" + " -m physdev ! --physdev-is-in" * self.off_bridge
        text = Rule.__str__(self)
        mark = " -m addrtype " if self.src_type or self.dst_type else f" -j {self.target}"
        before, found, after = text.partition(mark)
        return f"{before} {asked}{found}{after}"


@dataclass(frozen=True, slots=True)
class SetMember(Rule):
    """A member of a set: what it names of address (``dst``), protocol, port, and a second address or network (``src``).

    >>> print(SetMember("KUBE-CLUSTER-IP", dst="10.96.0.20/32", protocol="tcp", dport=80))
    add KUBE-CLUSTER-IP 10.96.0.20,tcp:80
    """

    target: str = ""

    def __str__(self) -> str:
        return f"add {self.chain} {self.words}"

    @property
    def words(self) -> str:
        """The member as `ipset list` prints it."""
        address, source = (text.removesuffix("/32").removesuffix("/128") for text in (self.dst, self.src))
        door = f"{self.protocol}:{self.dport}" if self.protocol else str(self.dport) if self.dport else ""
        return ",".join(part for part in (address, door, source) if part)


def create_line(name: str, kind: str, family: str) -> str:
    """How `ipset save` prints a set without its members.

    >>> create_line("KUBE-CLUSTER-IP", ADDRESS_PORT, "IPv4")
    'create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536'
    """
    if kind == PORT:
        return f"create {name} {kind} range 0-65535"
    return f"create {name} {kind} family {'inet6' if family == 'IPv6' else 'inet'} hashsize 1024 maxelem 65536"


def listing(name: str, kind: str, family: str, members: Iterable[SetMember]) -> str:
    """A set as `ipset list` prints it, without what only a kernel knows: revision, size in memory, references.

    >>> print(listing("KUBE-NODE-PORT-TCP", PORT, "IPv4", [SetMember("KUBE-NODE-PORT-TCP", dport=30080)]))
    Name: KUBE-NODE-PORT-TCP
    Type: bitmap:port
    Header: range 0-65535
    Number of entries: 1
    Members:
    30080
    """
    held = [member.words for member in members]
    header = create_line(name, kind, family).split(" ", 3)[3]
    return "\n".join((f"Name: {name}", f"Type: {kind}", f"Header: {header}", f"Number of entries: {len(held)}", "Members:",
                      *held))
