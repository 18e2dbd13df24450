"""What came of a command: what it wrote, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote on its output (``out``) and for its errors (``err``), and its exit code.

    It prints as a terminal shows it: the output and then the errors.

        >>> print(Ran("10.244.0.2\\n", "", 0))
        10.244.0.2
        >>> Ran("", "ping: bad address 'web'\\n", 1)
        ping: bad address 'web'
    """

    out: str = ""
    err: str = ""
    code: int = 0

    @property
    def ok(self) -> bool:
        """Whether it ended without an error."""
        return self.code == 0

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of its output."""
        return tuple(self.out.splitlines())

    def __str__(self) -> str:
        between = "\n" if self.out and self.err and not self.out.endswith("\n") else ""
        return (self.out + between + self.err).removesuffix("\n")

    def __repr__(self) -> str:
        return str(self)


def wrote(lines: Iterable[str], code: int = 0) -> Ran:
    """A command that wrote these lines on its output.

    >>> wrote(["a", "b"]).out
    'a\\nb\\n'
    """
    return Ran("".join(f"{line}\n" for line in lines), "", code)


def failed(*lines: str, code: int = 1) -> Ran:
    """A command that wrote these lines for its errors, and nothing else.

    >>> failed("ip: can't find device 'eth1'").code
    1
    """
    return Ran("", "".join(f"{line}\n" for line in lines), code)
