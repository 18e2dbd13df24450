"""Policies at the pods' doors: how the packet walk asks them.

A packet has addresses, and policies speak of pods, namespaces and nodes: a door finds out who has the addresses.  What it
answers is the answer of :class:`~k8snet_course.policy.compiled.PolicyIndex`; here it is only put into the form that
:mod:`k8snet_course.linux.door` asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k8snet_course.linux.door import EGRESS, Door, Judgement
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Told
from k8snet_course.policy.compiled import PolicyIndex
from k8snet_course.policy.enforcement import Enforcement
from k8snet_course.policy.evaluate import explain
from k8snet_course.policy.party import Party
from k8snet_course.policy.ruling import Selecting

DOOR = "policies for "
"""How that which is looked up at a door begins."""
WhoHas = Callable[[str], Party]
"""Who has an address: a pod, a node, or somebody outside."""


class PodDoor:
    """The door of one pod."""

    __slots__ = ("_index", "_key", "_party", "_who_has")

    def __init__(self, index: PolicyIndex, key: str, party: Callable[[str], Party], who_has: WhoHas) -> None:
        self._index = index
        self._key = key
        self._party = party
        self._who_has = who_has

    @property
    def made_of_rules(self) -> bool:
        """Whether the plugin enforces policies by iptables."""
        return self._index.enforcement.by_rules

    def judge(self, direction: str, packet: Packet) -> Judgement | None:
        """What the policies that select this pod say; None where none does."""
        pod = self._party(self._key)
        selecting = self._index.selecting(direction, pod)
        if not (selecting.isolating or selecting.admin or selecting.baseline):
            return None
        out = direction == EGRESS
        peer = self._who_has(packet.dst if out else packet.src)
        protocol = "ICMP" if packet.protocol.startswith("ICMP") else packet.protocol
        ask = self._index.egress if out else self._index.ingress
        ruling = ask(pod, peer, protocol, packet.dst_port)
        enforcement = self._index.enforcement
        return Judgement(ruling.allowed,
                         lambda: _told(direction, pod, peer, protocol, packet.dst_port, selecting, enforcement))


def _told(direction: str, pod: Party, peer: Party, protocol: str, port: int, selecting: Selecting,
          enforcement: Enforcement) -> Told:
    side = explain(direction, pod, peer, protocol, port, selecting, enforcement)
    matched = next((candidate.row for candidate in side.candidates if candidate.won), "")
    return Told(side.reason, f"{DOOR}{direction.lower()} of {pod}", side.candidates, 0, matched)


class Doors(Mapping[str, Door]):
    """The doors of the pods of one node, by their interfaces on it.  While there is no policy there is no door."""

    def __init__(self, index: PolicyIndex, pods: Mapping[str, str], party: Callable[[str], Party], who_has: WhoHas) -> None:
        self._index = index
        self._pods = pods
        self._party = party
        self._who_has = who_has

    def __bool__(self) -> bool:
        return len(self._index) > 0

    def __getitem__(self, link: str) -> Door:
        return PodDoor(self._index, self._pods[link], self._party, self._who_has)

    def get(self, link: str, default: object = None) -> Door | None:  # type: ignore[override] # a shorter way, without an error
        """The door at an interface, or None."""
        key = self._pods.get(link) if self._index else None
        return None if key is None else PodDoor(self._index, key, self._party, self._who_has)

    def __iter__(self) -> Iterator[str]:
        return iter(self._pods if self._index else ())

    def __len__(self) -> int:
        return len(self._pods) if self._index else 0
