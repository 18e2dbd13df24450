"""What every mode of kube-proxy can do, and how to ask its rules about one connection.

The packet's whole walk (routes, bridges, other rules) is :mod:`k8snet_course.linux.forward`; :func:`decide` looks at one node's
kube-proxy alone.

Source: Kubernetes documentation, "Virtual IPs and Service Proxies".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from k8snet_course.linux.memory import Memory
from k8snet_course.linux.netfilter import FILTER, FORWARD, INPUT, IPVS, NAT, OUTPUT, POSTROUTING, PREROUTING, Rules, Source
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.rule import Row, Seen, destination_of
from k8snet_course.linux.trace import Verdict
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import Service


@dataclass(frozen=True, slots=True)
class Settings:
    """How kube-proxy is configured.

    ``cluster_cidr`` tells pods' packets from others (``--cluster-cidr``; empty: nobody is known to be a pod), ``service_cidr``
    is where cluster IPs come from (of the two families with a comma, both); ``masquerade_all`` hides the source of everything
    sent to a cluster IP; ``scheduler`` is that of the mode ipvs.
    """

    cluster_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    masquerade_all: bool = False
    scheduler: str = "rr"

    def pods(self, family: str) -> str:
        """The range by which pods are known in an IP family; empty if nobody is.

            >>> Settings("10.244.0.0/16,fd00:10:244::/56").pods("IPv6")
            'fd00:10:244::/56'
        """
        return _of_family(self.cluster_cidr, family)

    def services(self, family: str) -> str:
        """The range of cluster IPs in an IP family; empty if there is none."""
        return _of_family(self.service_cidr, family)


class Proxy(Protocol):
    """One cluster's kube-proxies, all in one mode.

    Services come and go one by one; a node's rules are made when they are asked for.
    """

    @property
    def mode(self) -> str:
        """iptables, ipvs, nftables or kernelspace."""

    def update(self, service: Service, slices: Iterable[EndpointSlice]) -> None:
        """Take in a Service with its EndpointSlices, or put them in the place of those with the same key."""

    def remove(self, key: str) -> None:
        """Take a Service out.  One that is not there is no error."""

    def on(self, node: Node, zone: str = "") -> Iterable[Source]:
        """The rules of a node by IP family, which follow every later change: hand them to ``Rules(sources=...)``."""

    def text(self, node: Node, zone: str = "", memory: Memory | None = None, addresses: Iterable[str] = ()) -> str:
        """The node's tables as the command prints them that a person would use there."""


class Outcome(StrEnum):
    """What a node's kube-proxy does with a new connection."""

    PASSED = "passed"
    TRANSLATED = "translated"
    REJECTED = "rejected"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a new connection: the ``backend`` it is sent to and whether its source is hidden behind the node's.

    ``rule`` is the text of what decided, ``remember`` what the node has to note in its memory.  ``no_endpoints``: it ends here
    because nobody stands behind the Service.

        >>> print(Decision(Outcome.TRANSLATED, "10.244.0.2:8080", masquerade=True))
        translated to 10.244.0.2:8080, source masqueraded
    """

    outcome: Outcome
    backend: str = ""
    masquerade: bool = False
    rule: str = ""
    remember: tuple[tuple[str, str], ...] = ()
    no_endpoints: bool = False

    def __str__(self) -> str:
        to = f" to {self.backend}" if self.backend else ""
        return f"{self.outcome}{to}{', source masqueraded' if self.masquerade else ''}"


def decide(rules: Rules, packet: Packet, is_local: Callable[[str], bool], from_node: bool = False, in_link: str = "eth0",
           seed: int = 0, memory: Memory | None = None) -> Decision:
    """What a node's rules make of a connection's first packet, which comes in, or (``from_node``) which the node sends.

    >>> print(decide(Rules(), Packet("10.244.0.2", "10.96.0.20", "TCP", 40000, 80), lambda address: False))
    passed
    """
    seen = Seen(packet, "" if from_node else in_link, "", 0, is_local, "NEW", seed, memory)
    ruling = rules.ask(NAT, OUTPUT if from_node else PREROUTING, seen)
    backend, rule, state = "", "", "NEW"
    if ruling.rule is not None and ruling.rule.target in _END:
        return _ended(ruling.rule)
    if ruling.rule is not None and ruling.rule.target == "DNAT":
        backend, rule, state = ruling.rule.to, str(ruling.rule), "NEW,DNAT"
        address, port = destination_of(backend)
        packet = packet._replace(dst=address, dst_port=port or packet.dst_port)
    hook = OUTPUT if from_node else INPUT if is_local(packet.dst) else FORWARD
    served = rules.ask(IPVS, IPVS, seen)
    if served.rule is not None and not backend:
        entered = Seen(packet, seen.in_link, "", ruling.mark, is_local, state, seed, memory)
        guard = rules.ask(FILTER, INPUT, entered).rule if not from_node else None
        for row in (guard, served.rule):
            if row is not None and row.target in _END:
                return _ended(row)
        backend, rule, hook = served.rule.to, str(served.rule), OUTPUT
        address, port = destination_of(backend)
        packet = packet._replace(dst=address, dst_port=port)
    passed = rules.ask(FILTER, hook, Seen(packet, seen.in_link, "", ruling.mark, is_local, state, seed, memory))
    if passed.rule is not None and passed.rule.target in _END:
        return _ended(passed.rule)
    last = rules.ask(NAT, POSTROUTING, Seen(packet, "", "eth0", ruling.mark, is_local, state, seed, memory))
    masquerade = hook != INPUT and last.rule is not None and last.rule.target == "MASQUERADE"
    return Decision(Outcome.TRANSLATED if backend else Outcome.PASSED, backend, masquerade, rule,
                    ruling.remember + served.remember)


_END = {"REJECT": Outcome.REJECTED, "DROP": Outcome.DROPPED}


def _ended(row: Row) -> Decision:
    return Decision(_END[row.target], rule=str(row), no_endpoints=row.verdict == Verdict.NO_ENDPOINTS)


def _of_family(ranges: str, family: str) -> str:
    return next((cidr for cidr in ranges.split(",") if cidr and (":" in cidr) == (family == "IPv6")), "")
