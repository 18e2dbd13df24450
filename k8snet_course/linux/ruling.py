"""What a device's rules said of a packet: the rule that decided, and the rules that were read on the way to it.

Rules are read in :mod:`k8snet_course.linux.netfilter`; this module only says in words what came of it.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snet_course.linux.rule import Row, Rule
from k8snet_course.linux.trace import Candidate

__all__ = ["DECIDES", "GOES_ON", "MAP", "PICKED", "Drew", "Reading", "Row", "Rule", "Ruling"]

DECIDES, GOES_ON, PICKED = "decides", "goes on", "is picked"
_MATCHED = (DECIDES, GOES_ON, PICKED)
MAP = "@"
"""How the names of chains begin that are the maps and sets of nftables."""


class Reading(NamedTuple):
    """The rules that were read, with why each did or did not match, and how many more of long chains are not shown."""

    candidates: tuple[Candidate, ...]
    others: int


class Drew(NamedTuple):
    """A rule that chance was against: its ``share``, and which part of the line from 0 to 1 was left when it was read.

    >>> Drew(0.5, begin=0.25, width=0.75).told(0.7)
    'drew 0.6000, not below 0.5000'
    """

    share: float
    begin: float
    width: float

    def told(self, luck: float) -> str:
        """In words, where this number was drawn for the connection."""
        return f"drew {(luck - self.begin) / self.width:.4f}, not below {self.share:.4f}"


class Ruling(NamedTuple):
    """What a chain said: the rule that decided (None: the chain's end was reached) and the mark the packet has now.

    ``remember`` lists what the device has to note in its :class:`~k8snet_course.linux.memory.Memory` if the packet opens a
    connection.  ``looked_at`` are the rules that were read, each with what became of it, and ``others`` counts those of long
    chains that did not match; ``luck`` is the number that was drawn.  ``reading`` turns them into text, which takes longer than
    the reading.
    """

    rule: Row | None
    mark: int
    remember: tuple[tuple[str, str], ...] = ()
    looked_at: tuple[tuple[Row, str | Drew], ...] = ()
    others: int = 0
    luck: float = 0.0

    @property
    def about(self) -> str:
        """What the rules say of themselves: the last comment on the way of jumps to the rule that decided.

            >>> refusal = Rule("KUBE-SERVICES", "REJECT", comment="default/web has no endpoints")
            >>> Ruling(refusal, 0, looked_at=((refusal, "decides"),)).about
            'default/web has no endpoints'
        """
        wanted: str | None = None
        for row, why in reversed(self.looked_at):
            if why in _MATCHED and wanted in (None, row.target):
                if row.comment:
                    return row.comment
                wanted = row.chain
        return ""

    @property
    def decided(self) -> str:
        """What decided, in words: a rule, or the element of a map (or set) that a rule asked, or what that element leads to.

            >>> asked = Rule("check", "@cluster-ips")
            >>> element = Rule("@cluster-ips", "REJECT", dst="10.96.0.20/32")
            >>> Ruling(element, 0, looked_at=((asked, "matches"), (element, "decides"))).decided
            "element '-A @cluster-ips -d 10.96.0.20/32 -j REJECT' of cluster-ips"
        """
        rule = self.rule
        assert rule is not None
        if rule.chain.startswith(MAP):
            return f"element '{rule}' of {rule.chain[1:]}"
        wanted = rule.chain
        for row, why in reversed(self.looked_at):
            if why in _MATCHED and row.target == wanted:
                if row.chain.startswith(MAP):
                    return f"rule '{rule}' of {rule.chain}, to which element '{row}' of {row.chain[1:]} leads,"
                wanted = row.chain
        return f"rule '{rule}'"

    @property
    def reading(self) -> Reading:
        """The rules that were read, as a trace shows them."""
        return Reading(tuple(Candidate(str(row), why in _MATCHED, why == DECIDES, self._said(why))
                             for row, why in self.looked_at), self.others)

    def _said(self, why: str | Drew) -> str:
        return why if isinstance(why, str) else why.told(self.luck)
