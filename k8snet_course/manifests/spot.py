"""One place in a manifest: the value that stands there, its line, and its path from the top of the document.

Everything that reads a manifest is handed a Spot, and every refusal is made by one: so each of them says where.  It does not
know which fields there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from k8snet_course.errors import CourseError, InvalidManifest
from k8snet_course.names import nearest
from k8snet_course.yaml_text import Located

INVALID, UNSUPPORTED, REQUIRED, UNKNOWN = "Invalid value", "Unsupported value", "Required value", "unknown field"
"""What the API server calls the mistakes."""


class Form(Protocol):
    """What a whole document must look like."""

    def places_of(self, name: str) -> Iterator[str]:
        """The paths at which a field of this name may stand."""


class Spot(NamedTuple):
    """A place in a document; ``form`` is that of the document, for a word about a field that stands at the wrong place.

    ``step`` leads here from the place ``above``: a field's name, or the position in a list.  The path is put together from
    these when somebody asks for it, which is in errors alone; a manifest has very many places.

    >>> from k8snet_course.yaml_text import documents
    >>> spot = Spot(documents("spec:\\n  ports:\\n  - port: 80")[0])
    >>> port = spot.at("spec", "ports", 0, "port")
    >>> port.path, port.line, port.value
    ('spec.ports[0].port', 3, 80)
    """

    here: Located
    form: Form | None = None
    above: Spot | None = None
    step: str | int = ""

    @property
    def path(self) -> str:
        """How to get here from the top of the document; empty for the document itself."""
        if self.above is None:
            return ""
        before = self.above.path
        if isinstance(self.step, int):
            return f"{before}[{self.step}]"
        return f"{before}.{_printable(self.step)}" if before else _printable(self.step)

    @property
    def value(self) -> Any:
        """What stands here: a text, a number, True, False, None, or a dict or list of Located."""
        return self.here.value

    @property
    def line(self) -> int:
        """The line, counted from 1; 0 where the manifest was no text."""
        return self.here.line

    @property
    def shown(self) -> object:
        """What stands here, as it was written and short enough for a sentence."""
        return _short(self.here)

    def field(self, name: str) -> Spot:
        """The place of a field that is there."""
        return Spot(self.here.value[name], self.form, self, name)

    def given(self, name: str) -> Spot | None:
        """The place of a field, or None where it is not written."""
        inside = self.here.value
        return Spot(inside[name], self.form, self, name) if isinstance(inside, dict) and name in inside else None

    def items(self) -> Iterator[Spot]:
        """The places of a list's items."""
        for number, item in enumerate(self.here.value):
            yield Spot(item, self.form, self, number)

    def at(self, *steps: str | int) -> Spot:
        """The place further down, by field names and positions; where nothing is written, the last place before it."""
        spot = self
        for step in steps:
            inside = spot.here.value
            there = step in inside if isinstance(inside, dict) else (
                isinstance(inside, list) and isinstance(step, int) and step < len(inside))
            if not there:
                return spot
            spot = Spot(inside[step], self.form, spot, step)
        return spot

    def refusal(self, given: object, expected: str, mend: str, cause: str = INVALID) -> InvalidManifest:
        """The error that says what is wrong here."""
        return InvalidManifest(given, expected, mend, self.line, path=self.path, cause=cause)

    def wrong(self, expected: str, mend: str, cause: str = INVALID) -> InvalidManifest:
        """The error for the value that stands here: ``expected`` continues the words ``<path> to be``."""
        return self.refusal(self.shown, f"{self.path or 'a document'} to be {expected}", mend, cause)

    def no_choice(self, choices: tuple[str, ...]) -> InvalidManifest:
        """The error for a word that is none of the choices."""
        last = f"{', '.join(choices[:-1])} or {choices[-1]}" if len(choices) > 1 else choices[0]
        return self.wrong(last, f"write {nearest(self.shown, choices)}", UNSUPPORTED)

    def relocated(self, error: CourseError) -> InvalidManifest:
        """An error of an object or a check, as one of this manifest: with the line of the value that it is about."""
        if isinstance(error, InvalidManifest) and (error.line or error.path):
            return error
        spot = self.meant_by(error)
        return InvalidManifest(error.given, f"in {spot.path} {error.expected}" if spot.path else error.expected, error.mend,
                               spot.line, path=spot.path)

    def meant_by(self, error: CourseError) -> Spot:
        """The place of the value that an error is about; this place if the value stands nowhere.

        The value is looked for, because objects know no lines.  Of several places one as near as can be is taken, and the last
        of these: of two names that are the same, the second is the mistake.
        """
        places = list(self._holding(error.given))
        return min(reversed(places), key=lambda place: place[0])[1] if places else self

    def _holding(self, given: object, depth: int = 0) -> Iterator[tuple[int, Spot]]:
        """The places at or under this one that hold a value, each with how far down it is."""
        if isinstance(self.value, dict):
            for name in self.value:
                yield from self.field(name)._holding(given, depth + 1)
        elif isinstance(self.value, list):
            for item in self.items():
                yield from item._holding(given, depth + 1)
        elif type(self.value) is type(given) and self.value == given:
            yield depth, self


def _short(located: Located) -> object:
    if isinstance(located.value, (dict, list)):
        return f"a {'map' if isinstance(located.value, dict) else 'list'}"
    if located.value is None:
        return "null"
    text = located.source or str(located.value)
    if located.source == "" and isinstance(located.value, bool):
        text = text.lower()
    return text if len(text) <= 60 else text[:57] + "..."


def _printable(name: str) -> str:
    """A field's name for a sentence of one line."""
    return name if name.isprintable() else repr(name)
