"""Connections to the shop as tables: lines, and lines that are told as one where their results are the same.

It makes no connection: that is :mod:`k8snet_course.show.shop`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from k8snet_course.linux.rows import Rows

ALL = "all"
"""What stands in a folded line for everything that the table has."""
SENDER = "the sender"
"""What stands for the address of whoever connects, so that lines of several senders can be compared."""
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Backend:
    """A pod that took connections: its ``part`` of all by the rules, and the ``count`` of those that it really got.

    >>> print(Backend("backend-1", Fraction(1, 3), 19))
    backend-1 1/3 (19)
    """

    pod: str
    part: Fraction
    count: int | None = None

    def __str__(self) -> str:
        return f"{self.pod} {self.part}" + ("" if self.count is None else f" ({self.count})")


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the connections from one place (``source``) to one ``target``.

    ``seen`` are the sources that the pods saw, ``nat`` what was rewritten (old -> new), ``rule`` what decided, in words that
    hold for every mode of kube-proxy.  ``chance`` says how the mode chose among the pods and ``row`` by which rule the first of
    them.  In a folded line ``source``, ``cni`` and ``proxy`` may name several, or say "all"; counts, chance and row, in which
    they differ, are left out.
    """

    target: str
    source: str
    cni: str
    proxy: str
    verdict: str
    backends: tuple[Backend, ...]
    seen: tuple[str, ...]
    nat: tuple[str, ...]
    rule: str
    chance: str = ""
    row: str = ""

    @property
    def taken_by(self) -> str:
        """The pods with their parts, those with the same part together."""
        together: dict[Fraction, list[str]] = {}
        for backend in self.backends:
            together.setdefault(backend.part, []).append(backend.pod)
        return "; ".join(f"{', '.join(pods)}: {f'{part} each' if len(pods) > 1 else part}" for part, pods in together.items())

    @property
    def result(self) -> tuple[object, ...]:
        """All that must be the same in lines which are told as one."""
        parts = tuple((backend.pod, backend.part) for backend in self.backends)
        return self.target, self.verdict, parts, self.seen, self.nat, self.rule

    def __str__(self) -> str:
        return f"{self.target} from {self.source} ({self.cni}, {self.proxy}): {self.verdict}" + (
            f", {self.taken_by}" if self.backends else "")


class _Table(Rows[Line]):
    """Lines under headings; it prints as a table, and as a markdown table where markdown is shown."""

    __slots__ = ()

    columns: ClassVar[Mapping[str, Callable[[Line], str]]] = {}
    """What stands under each heading."""

    def cells(self) -> list[tuple[str, ...]]:
        """The lines as texts, the headings first."""
        return [tuple(self.columns), *(tuple(cell(line) or _NOTHING for cell in self.columns.values()) for line in self)]

    def markdown(self) -> str:
        """The table in markdown."""
        headings, *lines = self.cells()
        return "\n".join(f"| {' | '.join(line)} |" for line in (headings, ["---"] * len(headings), *lines))

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def __str__(self) -> str:
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


class Walks(_Table):
    """How connections ended, who took them, and what the packets looked like there."""

    __slots__ = ()

    columns: ClassVar[Mapping[str, Callable[[Line], str]]] = {
        "to": lambda line: line.target,
        "from": lambda line: line.source,
        "cni": lambda line: line.cni,
        "proxy": lambda line: line.proxy,
        "verdict": lambda line: line.verdict,
        "taken by": lambda line: line.taken_by,
        "source seen": lambda line: ", ".join(line.seen),
        "NAT": lambda line: "; ".join(line.nat),
        "deciding rule": lambda line: line.rule,
    }

    def folded(self) -> Walks:
        """Lines with the same result as one: over the modes of kube-proxy, then over the plugins, then over the senders.

        >>> one = Line("web", "a", "flannel", "iptables", "delivered", (), (), (), "DNAT on node-1")
        >>> other, third = replace(one, proxy="nftables"), replace(one, source="b", verdict="no_route")
        >>> print(*(line.proxy for line in Walks([one, other, third]).folded()), sep="; ")
        all; iptables
        """
        lines = _fold(self, lambda line: line.proxy, lambda line: (line.cni, line.source, line.result),
                      lambda line, names: replace(line, proxy=names))
        lines = _fold(lines, lambda line: line.cni, lambda line: (line.proxy, line.source, line.result),
                      lambda line, names: replace(line, cni=names))
        return Walks(_fold(lines, lambda line: line.source, lambda line: (line.proxy, line.cni, line.result),
                           lambda line, names: replace(line, source=names)))

    def choices(self) -> Choices:
        """How each mode of kube-proxy chose among the pods: the first line of each where there was something to choose."""
        first: dict[tuple[str, str], Line] = {}
        for line in self:
            if line.chance:
                first.setdefault((line.cni, line.proxy), line)
        return Choices(first.values())


class Choices(_Table):
    """How the pods were chosen: by what, with which part of all connections, and how many of them it was in the end."""

    __slots__ = ()

    columns: ClassVar[Mapping[str, Callable[[Line], str]]] = {
        "cni": lambda line: line.cni,
        "proxy": lambda line: line.proxy,
        "chosen by": lambda line: line.chance,
        "part of all by the rules (and number made)": lambda line: ", ".join(map(str, line.backends)),
        "rule that leads to the first": lambda line: line.row,
    }


def _fold(lines: Sequence[Line], of: Callable[[Line], str], same: Callable[[Line], object],
          named: Callable[[Line, str], Line]) -> list[Line]:
    """The lines, where those with the ``same`` are one; ``named`` gives it the names that they had, one by one or "all"."""
    groups: dict[object, list[Line]] = {}
    for line in lines:
        groups.setdefault(same(line), []).append(line)
    everybody = _names(map(of, lines))
    folded = []
    for first, *more in groups.values():
        names = _names([of(first), *map(of, more)])
        if more:
            first = replace(first, backends=tuple(replace(each, count=None) for each in first.backends), chance="", row="")
        folded.append(named(first, ALL if 1 < len(names) == len(everybody) else ", ".join(names)))
    return folded


def _names(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
