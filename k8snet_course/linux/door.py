"""Doors: what a network plugin lets through between a pod's interface on the node and the rest.

A plugin that enforces policies looks at every connection where the pod's cable ends on the node: at what comes out of the pod
(egress) and at what goes in (ingress).  Products do that by rules, by eBPF programs or by flows of a switch; what they have in
common is the place, the direction, and a table of rows of which some match.

This module says what a door is.  Where on its way a packet meets one is said in :mod:`k8snet_course.linux.hooks`, and what
stands in its table comes from above (:mod:`k8snet_course.policy`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Told

EGRESS, INGRESS = "Egress", "Ingress"


class Judgement(NamedTuple):
    """What a door says of a connection's first packet; ``tell`` puts it into words when somebody reads them."""

    allowed: bool
    tell: Callable[[], Told]


class Door(Protocol):
    """The door of one pod."""

    @property
    def made_of_rules(self) -> bool:
        """Whether it is made of iptables' rules, which see a bridge's packets only with ``bridge-nf-call-iptables``."""
        ...

    def judge(self, direction: str, packet: Packet) -> Judgement | None:
        """Whether a connection may leave (Egress) or enter (Ingress) the pod; None where nothing there concerns the pod."""
        ...
