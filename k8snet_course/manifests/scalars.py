"""The types of single values in a manifest: text, number, flag, and what is accepted without being used, or refused.

Each reads the value at a Spot, or raises InvalidManifest, and writes the value back as YAML's plain value.

Source: Kubernetes API conventions, "Types"; the API server takes no number where a text belongs, nor the reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from k8snet_course.errors import CourseError
from k8snet_course.manifests.spot import Spot


class Type(Protocol):
    """What a field may hold: it reads a place of a manifest, and writes what it has read."""

    def read(self, spot: Spot) -> Any:
        """The value for the object.  Raises InvalidManifest."""

    def write(self, value: Any) -> Any:
        """The plain value that reads as this one."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text.  ``choices``: one of these words; ``check``: a function that raises for a text that cannot be.

    >>> from k8snet_course.yaml_text import documents
    >>> Text().read(Spot(documents("version: 1.10")[0]).field("version"))
    Traceback (most recent call last):
    k8snet_course.errors.InvalidManifest: line 1: invalid manifest '1.10': expected version to be a text; write it in \
quotes: "1.10".
    """

    check: Callable[[str], object] | None = None
    choices: tuple[str, ...] = ()

    def right(self, value: Any) -> bool:
        """Whether ``read`` would take the value as it is: asked first, because nearly all values are right."""
        if type(value) is not str or (self.choices and value not in self.choices):
            return False
        if self.check is not None:
            try:
                self.check(value)
            except CourseError:
                return False
        return True

    def read(self, spot: Spot) -> str:
        """The text.  Raises InvalidManifest."""
        value = spot.value
        if type(value) is not str:
            raise spot.wrong("a text", f'write it in quotes: "{spot.shown}"' if _is_scalar(value) else "write one text")
        if self.choices and value not in self.choices:
            raise spot.no_choice(self.choices)
        if self.check is not None:
            try:
                self.check(value)
            except CourseError as error:
                raise spot.relocated(error) from None
        return value

    def write(self, value: str) -> str:
        """The text itself."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from ``low`` to ``high``."""

    low: int = 0
    high: int = 2**31 - 1

    def right(self, value: Any) -> bool:
        """Whether ``read`` would take the value as it is."""
        return type(value) is int and self.low <= value <= self.high

    def read(self, spot: Spot) -> int:
        """The number.  Raises InvalidManifest."""
        value = spot.value
        if type(value) is not int:
            digits = isinstance(value, str) and value.isascii() and value.isdigit()
            raise spot.wrong("a whole number", f"write it without quotes: {spot.shown}" if digits else "write a whole number")
        if not self.low <= value <= self.high:
            raise spot.wrong(f"a whole number from {self.low} to {self.high}", "write one of these")
        return value

    def write(self, value: int) -> int:
        """The number itself."""
        return int(value)


@dataclass(frozen=True, slots=True)
class NumberOrText:
    """A whole number, or a name: Kubernetes' IntOrString."""

    number: Number
    text: Text

    def read(self, spot: Spot) -> int | str:
        """The number or the name.  Raises InvalidManifest."""
        value = spot.value
        if type(value) is str and value.isascii() and value.isdigit():
            raise spot.wrong("a whole number or a name", f"write it without quotes: {value}")
        if type(value) is str:
            return self.text.read(spot)
        if type(value) is not int:
            raise spot.wrong("a whole number or a name", "write one of these")
        return self.number.read(spot)

    def write(self, value: int | str) -> int | str:
        """The value itself."""
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, spot: Spot) -> bool:
        """The flag.  Raises InvalidManifest."""
        if type(spot.value) is not bool:
            raise spot.wrong("true or false", "write true or false, without quotes")
        return spot.value

    def write(self, value: bool) -> bool:
        """The flag itself."""
        return bool(value)


@dataclass(frozen=True, slots=True)
class Texts:
    """A map of texts: labels, annotations, a selector.  ``check`` raises for a map that cannot be."""

    check: Callable[[Mapping[str, str]], object] | None = None

    def read(self, spot: Spot) -> dict[str, str]:
        """The map.  Raises InvalidManifest."""
        if not isinstance(spot.value, dict):
            raise spot.wrong("a map of texts", "write 'key: value' lines")
        texts = {name: here.value if type(here.value) is str else "" if here.value is None else _ANY_TEXT.read(spot.field(name))
                 for name, here in spot.value.items()}
        if self.check is not None:
            try:
                self.check(texts)
            except CourseError as error:
                raise spot.relocated(error) from None
        return texts

    def write(self, value: Mapping[str, str]) -> dict[str, str]:
        """The map, its keys in alphabetical order as Kubernetes prints them."""
        return {key: value[key] for key in sorted(value)}


_ANY_TEXT = Text()


@dataclass(frozen=True, slots=True)
class Ignored:
    """A field that Kubernetes has and that changes nothing in this model, whatever stands in it."""

    def read(self, spot: Spot) -> None:
        """Nothing."""

    def write(self, value: Any) -> None:
        """Nothing: such a field is not kept."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that Kubernetes has, that would change the network, and that this version of the course does not model."""

    instead: str = "leave it out"

    def read(self, spot: Spot) -> None:
        """Nothing if it is false or empty, which is the same as leaving it out.  Raises InvalidManifest otherwise."""
        if spot.value not in (False, 0, "", [], {}):
            name = spot.path.rpartition(".")[2]
            raise spot.refusal(spot.path, f"fields that the course models (Kubernetes has {name}, this version does not)",
                               self.instead)

    def write(self, value: Any) -> None:
        """Nothing: there is never a value."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the cluster fills in and people read, such as ``status``: printed as it is, but not believed when it is applied."""

    def read(self, spot: Spot) -> None:
        """Nothing: what the cluster decides is not in a manifest's power."""

    def write(self, value: Any) -> Any:
        """The plain value itself."""
        return value


def _is_scalar(value: object) -> bool:
    return value is not None and not isinstance(value, (dict, list))
