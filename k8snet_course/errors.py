"""Every error that this course raises, in one place.

An error here is part of the lesson: it has a type that a program can catch, and one sentence that says what was given,
what was expected and how to mend it.  Whatever raises one has changed nothing.

    >>> error = InvalidName("Web_1", "a DNS label of a-z, 0-9 and '-'", "write 'web-1'")
    >>> print(error)
    invalid name 'Web_1': expected a DNS label of a-z, 0-9 and '-'; write 'web-1'.
    >>> error.given, error.mend
    ('Web_1', "write 'web-1'")
"""

from __future__ import annotations

from typing import ClassVar


class CourseError(Exception):
    """Something that was given to the course cannot be used.

    ``given`` is what was given, ``expected`` what would have been right and ``mend`` what to do about it; ``problem`` names
    the kind of error in two or three words; ``line`` is the line of the manifest that asked for it (0: there was none, or
    nobody knows).  In a notebook the sentence is shown without a traceback.
    """

    problem: ClassVar[str] = "cannot use"
    line: int = 0

    def __init__(self, given: object, expected: str, mend: str) -> None:
        self.given = given
        self.expected = expected
        self.mend = mend
        super().__init__(f"{self.problem} {given!r}: expected {expected}; {mend}.")

    def stands_at(self, line: int) -> None:
        """Say at which line of a manifest the mistake stands, if nobody has said it yet; 0 says nothing.

        >>> error = AddressUnavailable("10.96.0.1", "a free address", "leave it out")
        >>> error.stands_at(7)
        >>> print(error)
        line 7: not available: '10.96.0.1': expected a free address; leave it out.
        """
        if line and not self.line:
            self.line = line
            self.args = (f"line {line}: {self.args[0]}",)

    def _render_traceback_(self) -> list[str]:
        """Show one line instead of a traceback: IPython calls this when a cell ends in the error."""
        return [f"{type(self).__name__}: {self}"]


class InvalidName(CourseError):
    """A name that Kubernetes would refuse: not an RFC 1123 label or subdomain."""

    problem = "invalid name"


class InvalidCidr(CourseError):
    """A text that is no network in CIDR notation, or one with host bits set, or one of the wrong size."""

    problem = "invalid CIDR"


class InvalidAddress(CourseError):
    """A text that is no IP address, or one that does not belong where it was used."""

    problem = "invalid address"


class CidrOverlap(CourseError):
    """Two networks that must be disjoint (nodes, pods, Services) share addresses."""

    problem = "overlapping CIDR"


class InvalidArgument(CourseError):
    """An argument of the wrong type or out of its range."""

    problem = "invalid argument"


class InvalidManifest(CourseError):
    """A manifest that the API server would refuse.  ``line`` is counted from 1 (0: the whole text).

    ``path`` is the field, such as ``spec.ports[0].port`` (empty: the whole object), and ``cause`` what the API server would
    call the mistake.
    """

    problem = "invalid manifest"

    def __init__(self, given: object, expected: str, mend: str, line: int = 0, *, path: str = "",
                 cause: str = "Invalid value") -> None:
        self.path = path
        self.cause = cause
        super().__init__(given, expected, mend)
        self.stands_at(line)


class AlreadyExists(CourseError):
    """An object of this kind, namespace and name exists already."""

    problem = "already exists:"


class NotFound(CourseError):
    """No object of this name: a node, a pod, an endpoint of a packet, an exercise."""

    problem = "not found:"


class Unschedulable(CourseError):
    """No node, or not the one that was asked for, can take a pod."""

    problem = "cannot schedule"


class AddressesExhausted(CourseError):
    """No free address, port or network is left in a range."""

    problem = "nothing free in"


class AddressUnavailable(CourseError):
    """The very address, port or network that was asked for is taken or out of range."""

    problem = "not available:"
