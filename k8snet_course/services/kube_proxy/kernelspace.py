"""The mode kernelspace: what kube-proxy has Windows do, as a table of load-balancing policies.

Windows has no netfilter.  kube-proxy gives the host networking service (HNS) one policy for each way into a Service, and the
virtual switch (VFP) sends each new connection to an endpoint by a hash of it.  A policy needs endpoints: without any there is
none, so a packet to such a Service is not refused, it goes on and is lost.

Modelled simply: the table stands where Linux has its NAT rules; answers come back to the node that chose, as without direct
server return; ``loadBalancerSourceRanges`` have no effect in this mode.  Session affinity is what HNS calls the distribution
SourceIP, a hash of the two addresses: it knows no time-out, and clients move when endpoints come or go.

Source: kubernetes, pkg/proxy/winkernel/proxier.go and hns.go; Windows documentation, "Host Compute Network".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from k8snet_course.linux.netfilter import NAT, OUTPUT, POSTROUTING, PREROUTING, Rules
from k8snet_course.linux.rule import Rule, Seen, draw
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import Service
from k8snet_course.services.backends import Backend, same_everywhere
from k8snet_course.services.kube_proxy.mode import Mode, Placed, PortView

POLICIES = "HNS"
"""The chain of the model in which the policies stand."""

_MARK = "0x4000/0x4000"


@dataclass(frozen=True, slots=True)
class LoadBalancerPolicy(Rule):
    """One policy: connections to ``dst`` (empty: the node's own addresses) at ``dport`` go to one of ``endpoints``.

    >>> print(LoadBalancerPolicy("HNS", "", dst="10.96.0.20/32", protocol="tcp", dport=80, endpoints=("10.244.0.2:8080",)))
    10.96.0.20       TCP   80     10.244.0.2:8080
    """

    chooses: ClassVar[bool] = True

    endpoints: tuple[str, ...] = ()
    affinity: bool = False

    def __str__(self) -> str:
        address = self.dst.partition("/")[0] or "(node)"
        return f"{address:<16} {self.protocol.upper():<5} {self.dport:<6} {','.join(self.endpoints)}" + (
            "  same client, same endpoint" if self.affinity else "")

    @property
    def shares(self) -> int:
        """One for each endpoint, unless it is the client's address that decides."""
        return 0 if self.affinity else len(self.endpoints)

    def pick(self, seen: Seen, luck: float) -> tuple[Rule | None, tuple[tuple[str, str], ...]]:
        """The endpoint that the hash of the connection gives; with affinity, that of its two addresses alone, at any time."""
        if self.affinity:
            luck = draw(seen.packet._replace(protocol="", src_port=0, dst_port=0))
        number = min(int(luck * len(self.endpoints)), len(self.endpoints) - 1)
        return Rule(self.chain, "DNAT", protocol=self.protocol, to=self.endpoints[number]), ()


class KernelspaceMode(Mode):
    """What kube-proxy has a Windows node do."""

    name = "kernelspace"

    def differs(self, service: Service) -> bool:
        """Whether the Service's policies are not the same on all nodes."""
        return not same_everywhere(service)

    def fixed(self, node: Node, family: str) -> Iterator[Placed]:
        """The places where the switch looks into the table, and the hiding of sources."""
        for chain in (PREROUTING, OUTPUT):
            yield NAT, Rule(chain, "HNS-SNAT")
            yield NAT, Rule(chain, POLICIES)
        yield NAT, Rule(POSTROUTING, "MASQUERADE", mark=_MARK)

    def owned(self, view: PortView) -> Iterable[tuple[str, str]]:
        """No chain is a Service's own."""
        return ()

    def dispatch(self, view: PortView) -> Iterator[Placed]:
        """A policy for each way in that has endpoints."""
        yield from self._policy(view, view.internal, _one(view.cluster_ip), view.port.port, hidden=False)
        if view.node_port:
            yield from self._policy(view, view.outside, "", view.node_port, not view.external_local)
        for ip in (*view.external_ips, *view.load_balancer_ips):
            yield from self._policy(view, view.outside, _one(ip), view.port.port, not view.external_local)

    def chains(self, view: PortView, comments: bool) -> Iterator[Placed]:
        """None."""
        return iter(())

    def _policy(self, view: PortView, ends: tuple[Backend, ...], dst: str, port: int, hidden: bool) -> Iterator[Placed]:
        if ends:
            dst_type = "" if dst else "LOCAL"
            yield NAT, LoadBalancerPolicy(POLICIES, "", dst=dst, dst_type=dst_type, protocol=view.protocol, dport=port,
                                          endpoints=tuple(end.text for end in ends), affinity=bool(view.affinity))
            if hidden:
                yield NAT, Rule("HNS-SNAT", "MARK", dst=dst, dst_type=dst_type, protocol=view.protocol, dport=port, to=_MARK)


def policy_table(rules: Rules, family: str = "IPv4") -> str:
    """The node's policies, one a line."""
    rows = [str(row) for part in rules.parts(NAT, POLICIES, family, own=False) for row in part]
    return "\n".join([f"{'VIP':<16} {'PROTO':<5} {'PORT':<6} ENDPOINTS", *rows])


def _one(ip: str) -> str:
    return f"{ip}/128" if ":" in ip else f"{ip}/32"
