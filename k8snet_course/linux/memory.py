"""What a device's rules remember of earlier connections: who came, when, and how often.

Two parts of Linux need such a memory besides connection tracking.  The rules of a Service with session affinity ask which
client was sent to which endpoint not long ago (iptables' ``recent``, nftables' sets with a timeout), and an IPVS scheduler
counts the connections of each real server.

Reading rules changes nothing: a :class:`~k8snet_course.linux.netfilter.Ruling` lists what there is to remember, and whoever
opens the connection notes it here.  Time is a number of seconds that only moves when it is told to.

Source: iptables-extensions(8), "recent"; Linux, net/netfilter/ipvs.
"""

from __future__ import annotations

from collections.abc import Iterable


class Memory:
    """One device's lists of members, each with the time of its last visit and the number of its open connections.

        >>> memory = Memory()
        >>> memory.note([("KUBE-SEP-A", "10.244.0.2")])
        >>> memory.wait(60)
        >>> memory.has("KUBE-SEP-A", "10.244.0.2", within=10800), memory.has("KUBE-SEP-A", "10.244.0.2", within=30)
        (True, False)
    """

    __slots__ = ("_counts", "_last", "_latest", "_lists", "_totals", "now")

    def __init__(self) -> None:
        self.now = 0
        self._last: dict[tuple[str, str], int] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._totals: dict[str, int] = {}
        self._latest: dict[str, str] = {}
        self._lists: dict[str, dict[str, None]] = {}

    def note(self, visits: Iterable[tuple[str, str]]) -> None:
        """Remember visits, each a list's name and a member."""
        for visit in visits:
            self._last[visit] = self.now
            self._lists.setdefault(visit[1], {})[visit[0]] = None
            self._counts[visit] = self._counts.get(visit, 0) + 1
            self._totals[visit[0]] = self._totals.get(visit[0], 0) + 1
            self._latest[visit[0]] = visit[1]

    def closed(self, name: str, member: str) -> None:
        """One connection of a member has ended.  Closing what is not open is no error."""
        if self._counts.get((name, member), 0):
            self._counts[name, member] -= 1

    def has(self, name: str, member: str, within: int) -> bool:
        """Whether the member came in the last ``within`` seconds."""
        last = self._last.get((name, member))
        return last is not None and self.now - last <= within

    def lists_of(self, member: str) -> Iterable[str]:
        """The lists on which a member ever was, in the order in which it came to them.

            >>> memory = Memory()
            >>> memory.note([("KUBE-SEP-A", "10.244.0.2"), ("KUBE-SEP-B", "10.244.0.3")])
            >>> list(memory.lists_of("10.244.0.2"))
            ['KUBE-SEP-A']
        """
        return self._lists.get(member, ())

    def open(self, name: str, member: str) -> int:
        """How many connections of the member are open."""
        return self._counts.get((name, member), 0)

    def total(self, name: str) -> int:
        """How many visits the list has ever had."""
        return self._totals.get(name, 0)

    def latest(self, name: str) -> str:
        """The member of a list that came last; empty if none ever came."""
        return self._latest.get(name, "")

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    def __repr__(self) -> str:
        return f"<Memory at {self.now} s: {len(self._last)} members in {len(self._totals)} lists>"
