"""Model and real Linux, asked the same: do they agree?

A cluster is laid out, the same probes are sent in both, and every difference is a :class:`Disagreement`.  What is compared:
what the sender notices, and, where the model says that the packet arrives, the device, the source address seen there, the TTL
on arrival, the devices on the way and the headers of tunnels.  Chance decides in both which endpoint of a Service gets a
connection; there the model is asked again, until it has drawn the endpoint that Linux drew.

What is not compared, because the two are known to differ, is in :mod:`~k8snet_course.emulator.simplifications`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from time import sleep

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.lab import Lab, Wanted, emulate
from k8snet_course.emulator.sent import Outcome, Sent, modelled
from k8snet_course.linux.trace import Trace, Verdict

RATION = 4
"""So often a device tells an address of missing routes at once.  Linux rations that: five times, then once a second."""
_DRAWS = 60
"""How often the model is asked to draw; with six endpoints one of them is missed in one case of 50,000."""
_REFILL = 6
"""Seconds.  Then Linux tells a sender of missing routes five times again."""
_A_DAY = 86_400
_REPEATED, _FEW = 40, 3
"""So often a Service is asked again: one of three endpoints is missed in one case of ten million."""
_FIRST_LOOK, _LONG_LOOK = 0.7, 3.0
"""Seconds.  Most silences are real; the few probes that disagree are sent again, with patience."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One probe of which model and Linux say different things.

    >>> linux = Sent("a", "b", "TCP", 80, Outcome.NO_ANSWER)
    >>> model = Sent("a", "b", "TCP", 80, Outcome.DELIVERED, "b", "10.244.0.2", 64, ("a", "node-1", "b"))
    >>> print(Disagreement(("a", "b", 80, "TCP"), linux, model, "nginx in b takes the packet"))
    a -> b TCP 80
      Linux: no answer
      model: delivered; b saw 10.244.0.2 and TTL 64; by a, node-1, b (nginx in b takes the packet)
    """

    probe: Wanted
    linux: Sent
    model: Sent
    reason: str

    def __str__(self) -> str:
        what, _, linux = str(self.linux).partition(": ")
        return f"{what}\n  Linux: {linux}\n  model: {str(self.model).partition(': ')[2]} ({self.reason})"


def disagreements(cluster: Cluster, probes: Iterable[Wanted]) -> list[Disagreement]:
    """Lay the cluster out, send the probes in both, and return what differs.  Raises what ``emulate`` raises."""
    with emulate(cluster) as lab:
        return compare(cluster, lab, probes)


def compare(cluster: Cluster, lab: Lab, probes: Iterable[Wanted]) -> list[Disagreement]:
    """The same, in a lab that is there already.  The model's devices learn from the probes as the real ones do."""
    wanted = within_ration(cluster, probes)
    first = _differing(cluster, wanted, lab.send_all(wanted, _FIRST_LOOK))
    again = [each.probe for each in first]
    found = _differing(cluster, again, lab.send_all(again, _LONG_LOOK)) if again else []
    if found:
        sleep(_REFILL)
        again = [each.probe for each in found]
        found = _differing(cluster, again, lab.send_all(again, _LONG_LOOK))
    return found


def differing_backends(cluster: Cluster, lab: Lab, probe: Wanted) -> list[Disagreement]:
    """Where a Service is asked again and again: what differs about the devices that answer.

    Linux may reach only those that the model can reach, and of a few all of them; a Service with affinity keeps to one.
    """
    linux = lab.send_all([probe] * _REPEATED, _LONG_LOOK)
    reached = {_endpoint(one): one for one in linux}
    possible: dict[str, tuple[Trace, Sent]] = {}
    for _ in range(_REPEATED * 5):
        cluster.wait(_A_DAY)
        trace = asked(cluster, probe)
        model = modelled(trace, linux[0].source, linux[0].target, linux[0].protocol, linux[0].port)
        possible.setdefault(_endpoint(model), (trace, model))
    wrong = [Disagreement(probe, one, *_other(possible)) for name, one in reached.items() if name not in possible]
    if _sticks(cluster, probe):
        wrong += [Disagreement(probe, one, *_other(possible)) for one in list(reached.values())[1:]]
    elif len(possible) <= _FEW:
        wrong += [Disagreement(probe, linux[0], model, f"never reached in {_REPEATED} connections: {trace.reason}")
                  for name, (trace, model) in possible.items() if name not in reached]
    return wrong


def asked(cluster: Cluster, probe: Wanted) -> Trace:
    """What the model says to a probe.

    >>> asked(Cluster(), ("laptop", "router", None, "ICMP", 1000)).packet.payload
    1000
    """
    src, dst, port, protocol, *size = probe
    return cluster.send(src, dst, port, protocol, size=size[0] if size else 0)


def _endpoint(one: Sent) -> str:
    """Which device answered; nobody, where the sender cannot tell who refused."""
    return one.reached if one.verdict is Outcome.DELIVERED else ""


def _other(possible: dict[str, tuple[Trace, Sent]]) -> tuple[Sent, str]:
    trace, model = next(iter(possible.values()))
    return model, f"only {', '.join(possible) or 'nobody'} can be reached: {trace.reason}"


def _sticks(cluster: Cluster, probe: Wanted) -> bool:
    """Whether the Service that a probe asks keeps a client at one endpoint."""
    nodes = {name for node in cluster.nodes for name in (node.name, *node.ips)}
    for service in cluster.services:
        addresses = (service.label, *service.cluster_ips, *service.external_ips, *service.load_balancer_ips)
        for port in service.ports:
            if port.protocol == probe[3] and ((port.port == probe[2] and probe[1] in addresses)
                                              or (port.node_port == probe[2] and probe[1] in nodes)):
                return service.session_affinity == "ClientIP"
    return False


def within_ration(cluster: Cluster, probes: Iterable[Wanted]) -> list[Wanted]:
    """These probes without those for which Linux would have to tell an address of more missing routes than it does.

    Lost answers count too: the one who sent them is told.

    >>> cluster = Cluster()
    >>> len(within_ration(cluster, [("laptop", f"10.244.0.{number}", 80, "TCP") for number in range(2, 12)]))
    4
    """
    told: Counter[tuple[str, str]] = Counter()
    kept = []
    for probe in probes:
        trace = asked(cluster, probe)
        lost = [walk.hops[-1] for walk in (trace, trace.reply) if walk is not None and walk.verdict is Verdict.NO_ROUTE]
        told.update((hop.device, hop.packet.src) for hop in lost)
        if all(told[hop.device, hop.packet.src] <= RATION for hop in lost):
            kept.append(probe)
    return kept


def _differing(cluster: Cluster, probes: Sequence[Wanted], sent: Sequence[Sent]) -> list[Disagreement]:
    found = []
    for probe, linux in zip(probes, sent, strict=True):
        trace, model = asked_likewise(cluster, probe, linux)
        if not agree(linux, model, [node.name for node in cluster.nodes]):
            found.append(Disagreement(probe, linux, model, trace.reason))
    return found


def asked_likewise(cluster: Cluster, probe: Wanted, linux: Sent) -> tuple[Trace, Sent]:
    """What the model says; where it draws lots, with the endpoint that Linux drew, if it ever draws that one."""
    for _ in range(_DRAWS):
        cluster.wait(_A_DAY)  # a Service with affinity forgets its clients, so that there is a draw again
        trace = asked(cluster, probe)
        model = modelled(trace, linux.source, linux.target, linux.protocol, linux.port)
        if agree(linux, model, [node.name for node in cluster.nodes]) or not trace.nat:
            break
    return trace, model


def agree(linux: Sent, model: Sent, nodes: Collection[str] = ()) -> bool:
    """Whether the two say the same.  ``nodes`` are the devices with rules.

    What reaches a node and is not answered looks the same as what one of its rules has swallowed.

    A rule's refusal of a UDP packet to a node's own address looks as if the packet had arrived and nobody listened.

    >>> refused = Sent("a", "web", "TCP", 80, Outcome.REFUSED)
    >>> agree(refused, refused), agree(refused, Sent("a", "web", "TCP", 80, Outcome.DELIVERED, "b", "10.244.0.2", 64))
    (True, False)
    """
    if linux.verdict is not model.verdict:
        return False
    if model.arrived:
        unseen = not linux.arrived and linux.verdict is Outcome.NO_ANSWER and model.reached in nodes
        return unseen or linux == model
    return not linux.arrived or linux.protocol == "UDP"
