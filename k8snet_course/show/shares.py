"""Which part of all connections each backend of a Service gets, as an exact fraction, read off a node's rules.

A node's rules draw a number for each new connection.  They are asked about the same packet with one draw after the other.  On
the way to the rule that decides, each rule that chance let in or kept out multiplies the part by its probability, or by what is
left of it, and each even choice divides it.  The backends are complete when their parts add up to one.

It counts nothing: a fraction is what the rules say.  Clients that are remembered (session affinity) are taken for new ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from ipaddress import ip_address
from typing import NamedTuple

from k8snet_course.cluster import Cluster
from k8snet_course.linux.netfilter import NAT, Rules, Ruling
from k8snet_course.linux.nftables import NftChoice
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.rule import Row, Seen, destination_of
from k8snet_course.linux.trace import Action, Hop, Step, Trace
from k8snet_course.services.http_routing import Routing, next_connection
from k8snet_course.services.kube_proxy.kernelspace import LoadBalancerPolicy
from k8snet_course.services.kube_proxy.virtual_server import VirtualServer

_MOST_DRAWS = 10_000
_MOST_BACKENDS = 1_000
"""Probabilities are written with eleven digits; the fraction that is meant has a denominator up to this."""


class Shares(NamedTuple):
    """``parts``: each backend's part, by its address and port, in their order.  ``chance``: what draws, in short."""

    parts: Mapping[tuple[str, int], Fraction]
    chance: str


class _Chance(NamedTuple):
    """A row where chance had a say: its probability, and whether the packet was let in."""

    row: Row
    probability: Fraction
    let_in: bool


def shares(cluster: Cluster, trace: Trace) -> Shares | None:
    """The parts of the backends that this trace's packet could have been sent to; None if no rule rewrote its destination.

    >>> cluster = Cluster()
    >>> _ = [cluster.add_pod(name, labels={"app": "web"}) for name in ("web-1", "web-2", "web-3")]
    >>> _ = cluster.add_pod("client")
    >>> _ = cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
    ...                    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})
    >>> found = shares(cluster, cluster.send("client", "web"))
    >>> print(*(f"{address} {part}" for (address, _), part in found.parts.items()))
    10.244.0.2 1/3 10.244.0.3 1/3 10.244.0.4 1/3
    >>> found.chance
    'probability 1/3, then 1/2, then the rest'
    """
    found = rewriting(trace)
    if found is None:
        return None
    parts: dict[tuple[str, int], Fraction] = {}
    longest: list[_Chance] = []
    for end, part, chances in _draws(cluster, *found):
        parts[end] = part
        longest = max(longest, chances, key=len)
        if sum(parts.values()) == 1:
            break
    return Shares(dict(sorted(parts.items(), key=lambda item: _order(item[0]))), _told(longest))


def first_part(cluster: Cluster, hop: Hop, step: Step, packet: Packet) -> Fraction | None:
    """The part of the backend that a first draw leads to, where a step of a hop rewrote this packet; None if no rule does now.

    kube-proxy gives all the same, so this one is every one's: to know it costs a single reading of the rules.
    """
    return next((part for _, part, _ in _draws(cluster, hop, step, packet)), None)


def _draws(cluster: Cluster, hop: Hop, step: Step,
           packet: Packet) -> Iterator[tuple[tuple[str, int], Fraction, list[_Chance]]]:
    """What comes of one draw after the other: the backend, its part, and where chance had a say."""
    ns = cluster.namespace(hop.device)
    rules = ns.rules6 if packet.version == 6 else ns.rules
    table, _, hook = step.looked_up.partition(" ")
    for seed in range(_MOST_DRAWS):
        seen = Seen(packet, hop.ingress, "", 0, ns.has_address, seed=seed)
        ruling = rules.ask(table, hook, seen)
        if ruling.rule is None or ruling.rule.target != "DNAT":
            continue
        chances = _chances(rules, ruling, seen)
        part = Fraction(1)
        for chance in chances:
            part *= chance.probability if chance.let_in else 1 - chance.probability
        address, port = destination_of(ruling.rule.to)
        yield (address, port or packet.dst_port), part, chances


def routed(cluster: Cluster, routing: Routing) -> Mapping[tuple[str, int], Fraction]:
    """The parts of the backends among which an HTTP controller chooses once a rule has won; none if it answers by itself.

    It is asked with evenly spread draws, one for each backend that draws lead to.
    """
    if routing.backend is None:
        return {}
    services = {service.key: service for service in cluster.services}
    slices = cluster.endpoint_slices(routing.backend.name, routing.backend.namespace)

    def drawn(number: int) -> list[tuple[str, int]]:
        cells = ((cell + 0.5) / number for cell in range(number))
        found = [next_connection(routing, services, slices, each) for each in cells]
        return [(each.address, each.port) for each in found if each.address]

    met = drawn(len(dict.fromkeys(drawn(_MOST_BACKENDS))))
    counts = Counter(met)
    return {end: Fraction(counts[end], len(met)) for end in sorted(counts, key=_order)}


def rewriting(trace: Trace) -> tuple[Hop, Step, Packet] | None:
    """The first step in which a rule gave the packet another destination, its hop, and the packet as it was before."""
    before = trace.packet
    for hop, step in trace.steps():
        if step.action is Action.TRANSLATE and step.matched and step.packet.dst != before.dst:
            return hop, step, before
        before = step.packet
    return None


def _chances(rules: Rules, ruling: Ruling, seen: Seen) -> list[_Chance]:
    """Where chance had a say on the way to the rule that decided, in order.

    Of a long chain a ruling does not list the rules that kept the packet out, so the chain itself is read up to the rule where
    the reading left it.
    """
    read = zip(ruling.looked_at, ruling.reading.candidates, strict=True)
    matched = [row for (row, _), candidate in read if candidate.matched]
    family = "IPv6" if seen.packet.version == 6 else "IPv4"
    found = []
    for chain, last in {row.chain: row for row in matched}.items():
        rows = [row for part in rules.parts(NAT, chain, family) for row in part if row is last or row.probability]
        if last not in rows:
            continue
        found += [_Chance(row, _fraction(row), False) for row in rows[:rows.index(last)] if not row.missed(seen, ruling.mark)]
        if last.probability:
            found.append(_Chance(last, _fraction(last), True))
    return found + [_Chance(row, Fraction(1, len(_among(row))), True) for row in matched if row.chooses]


def _fraction(row: Row) -> Fraction:
    return Fraction(row.probability).limit_denominator(_MOST_BACKENDS)


def _among(row: Row) -> tuple[str, ...]:
    """The backends that a row chooses among, each as often as the others."""
    if isinstance(row, VirtualServer):
        return row.servers
    if isinstance(row, NftChoice):
        return row.among
    assert isinstance(row, LoadBalancerPolicy), "the rows that choose are those of the modes of kube-proxy"
    return row.endpoints


def _told(chances: list[_Chance]) -> str:
    if not chances:
        return ""
    row = chances[0].row
    if isinstance(row, VirtualServer):
        return f"IPVS scheduler {row.scheduler} over {len(row.servers)}"
    if isinstance(row, NftChoice):
        return f"numgen random mod {len(row.among)}"
    if isinstance(row, LoadBalancerPolicy):
        return f"hash of the connection over {len(row.endpoints)}"
    return "probability " + ", then ".join([*(str(chance.probability) for chance in chances), "the rest"])


def _order(end: tuple[str, int]) -> tuple[int, int, int]:
    address = ip_address(end[0])
    return address.version, int(address), end[1]
