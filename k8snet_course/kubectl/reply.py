"""What a command prints and how it ends: the value that every verb of kubectl gives back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

_WARNING = "Warning: "


@dataclass(frozen=True, slots=True)
class Reply:
    """The standard output of a command, its standard error, and its exit code.

    ``value`` is what the text was made from, where that is more than text: a Trace, or objects.

        >>> print(Reply("NAME\\nweb\\n"))
        NAME
        web
        >>> Reply("", "error: no\\n", 1)
        error: no
    """

    out: str = ""
    err: str = ""
    code: int = 0
    value: Any = field(default=None, compare=False)

    def __str__(self) -> str:
        """What the terminal shows, without the last line's end: warnings come first, errors last."""
        lines = self.err.splitlines(keepends=True)
        warnings = [line for line in lines if line.startswith(_WARNING)]
        errors = [line for line in lines if not line.startswith(_WARNING)]
        return "".join((*warnings, self.out, *errors)).removesuffix("\n")

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """In a notebook's cell: the same text."""
        return {"text/plain": str(self)}

    def with_hint(self, hint: str) -> Reply:
        """The same reply, with a sentence after its error; without a sentence, the reply itself.

        >>> print(Reply("", "error: unknown\\n", 1).with_hint("Did you mean this?"))
        error: unknown
        Did you mean this?
        """
        return replace(self, err=f"{self.err}{hint}\n") if hint else self


def joined(replies: Iterable[Reply]) -> Reply:
    """Several replies as one: texts one after the other, and the first exit code that is not 0.

    >>> joined([Reply("a\\n"), Reply("", "no\\n", 1)]).code
    1
    """
    several = list(replies)
    return Reply("".join(each.out for each in several), "".join(each.err for each in several),
                 next((each.code for each in several if each.code), 0))
