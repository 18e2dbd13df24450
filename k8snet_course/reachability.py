"""Who reaches whom: the walk of a packet from every pod to every other, and what became of each.

Nothing is remembered from asking: the devices' tables are afterwards as they were.  In a large cluster a packet is sent for
each kind of pair (:mod:`k8snet_course.class_walks`), and a pair is made when somebody asks for it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from k8snet_course.linux.trace import Action, Trace
from k8snet_course.policy.doors import DOOR

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class Pair:
    """One packet and its answer: ``result`` is ``ok`` when both arrived, else the verdict of the one that did not.

    ``reason`` says what decided; of a packet that arrived also which rules of policies let it in (``allowed_by``).
    """

    source: str
    target: str
    result: str
    reason: str

    @classmethod
    def of(cls, trace: Trace) -> Pair:
        """What a trace says, in a word and a sentence."""
        broken = trace.broken
        if broken is None:
            reason = ", and ".join([*allowed_by(trace), trace.connections[-1].reason])
            return cls(trace.source, trace.target, "ok", reason)
        if broken.delivered and broken.reply is not None:
            return cls(trace.source, trace.target, f"reply {broken.reply.verdict}", broken.reply.reason)
        return cls(trace.source, trace.target, str(broken.verdict), broken.reason)


def allowed_by(trace: Trace) -> list[str]:
    """What the policies at the pods' doors said on the way, a sentence a door."""
    return [step.why for walk in trace.connections for hop, step in walk.steps()
            if step.action is Action.FILTER and step.looked_up.startswith(DOOR)]


class ManyPairs(Sequence[Pair]):
    """Pairs that are too many to be held: each is made when it is asked for."""

    @property
    @abstractmethod
    def ok(self) -> bool:
        """Whether all of them are ok."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Who sends, in order; each of them receives too."""

    @abstractmethod
    def find(self, source: str, target: str) -> Pair:
        """The pair of these two.  Raises KeyError when one is not among them."""

    @abstractmethod
    def at(self, number: int) -> Pair:
        """The pair at this place, counted from 0, source by source."""

    @overload
    def __getitem__(self, number: int) -> Pair: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[Pair, ...]: ...
    def __getitem__(self, number: int | slice) -> Pair | tuple[Pair, ...]:
        places = range(len(self))[number]  # an IndexError for a place that is not there
        return self.at(places) if isinstance(places, int) else tuple(self.at(place) for place in places)


@dataclass(frozen=True, slots=True)
class Reachability:
    """All pairs, source by source.  It prints as a matrix; ``to_frame()`` gives it as a pandas table.

    Of a large cluster it prints what kinds of pairs there are; ``pairs`` then makes each pair when it is asked for.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster(nodes=2, cni="bridge")
    >>> _ = [cluster.add_pod(name) for name in ("a", "b", "c")]
    >>> print(cluster.reachability(port=80))
    from \\ to  a         b         c
    a          ok        no_route  ok
    b          no_route  ok        no_route
    c          ok        no_route  ok
    """

    pairs: Sequence[Pair]

    @property
    def ok(self) -> bool:
        """Whether everybody reaches everybody."""
        if isinstance(self.pairs, ManyPairs):
            return self.pairs.ok
        return all(pair.result == "ok" for pair in self.pairs)

    def between(self, source: str, target: str) -> Pair:
        """The pair of these two.  Raises KeyError when one is not among them."""
        if isinstance(self.pairs, ManyPairs):
            return self.pairs.find(source, target)
        for pair in self.pairs:
            if (pair.source, pair.target) == (source, target):
                return pair
        raise KeyError((source, target))

    def to_frame(self) -> pandas.DataFrame:
        """The matrix as a pandas table: a row a source, a column a target; needs pandas."""
        from k8snet_course import views

        frame: pandas.DataFrame = views.view("tables", "matrix_frame")(self)
        return frame

    def __str__(self) -> str:
        if isinstance(self.pairs, ManyPairs):
            return str(self.pairs)
        targets = _in_order(pair.target for pair in self.pairs)
        table = [["from \\ to", *targets]]
        table += [[source, *(pair.result for pair in self.pairs if pair.source == source)]
                  for source in _in_order(pair.source for pair in self.pairs)]
        widths = [max(len(row[number]) for row in table) for number in range(len(table[0]))]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
        return "\n".join(line.rstrip() for line in lines)


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
