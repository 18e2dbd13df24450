"""The types of what has parts: lists, maps of named fields that become an object, and groups of fields inside one.

A record is data: its fields, each with a name, a type and the attribute of the object that it fills.  Reading and writing both
follow these data, so what is printed can be read again.  A record checks each field alone, then makes the object, then asks its
rules, which know how fields depend on each other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from k8snet_course.errors import CourseError, InvalidManifest
from k8snet_course.manifests.scalars import Ignored, Number, Text, Type
from k8snet_course.manifests.spot import REQUIRED, UNKNOWN, Spot
from k8snet_course.names import nearest

Rule = Callable[[Any, Spot], None]
"""A check of the object that was made, and where its fields stand; it raises InvalidManifest."""

_UNSET: Any = object()


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items have one type; it becomes a tuple.  ``least`` and ``most``: how many."""

    item: Type
    least: int = 0
    most: int = 1_000_000

    def read(self, spot: Spot) -> tuple[Any, ...]:
        """The items.  Raises InvalidManifest."""
        if not isinstance(spot.value, list):
            raise spot.wrong("a list", "begin each item with '- '")
        if not self.least <= len(spot.value) <= self.most:
            few = len(spot.value) < self.least
            raise spot.refusal(f"{len(spot.value)} of {spot.path}" if spot.value else "an empty list",
                               f"{spot.path} to have {f'at least {self.least}' if few else f'at most {self.most}'}",
                               "add one, beginning with '- '" if few else "leave some out")
        found = []
        for inner in spot.items():
            if inner.value is None:
                raise inner.wrong("an item of the list", "write something after '- '")
            found.append(self.item.read(inner))
        return tuple(found)

    def write(self, value: Iterable[Any]) -> list[Any]:
        """The items, each as its type writes it."""
        return [self.item.write(one) for one in value]


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand under a name of their own in the manifest, but belong to the object around them: metadata, spec."""

    fields: tuple[Field, ...]
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    needed: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.name: one for one in self.fields})
        object.__setattr__(self, "needed", tuple(one.name for one in self.fields if one.required))


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in YAML, its type, and the attribute that it fills (``to``; empty: none).

    ``required``: without it the manifest is refused.  What is required, or marked ``always``, is printed though it has its
    default.
    """

    name: str
    type: Type | Group
    to: str = ""
    required: bool = False
    always: bool = False
    right: Callable[[Any], bool] | None = field(init=False, repr=False, compare=False)
    """Whether a value can be taken as it is, for the types of which nearly all values are such; no place is made for these."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "right", self.type.right if isinstance(self.type, (Text, Number)) else None)


def left_alone(*names: str) -> tuple[Field, ...]:
    """Fields that Kubernetes has and that change nothing in this model."""
    return tuple(Field(name, Ignored()) for name in names)


@dataclass(frozen=True, slots=True)
class Record:
    """A map of fields that becomes an object: ``make`` is called with the attributes that the manifest gives.

    ``take`` says the attributes of an object, where they are not simply its attributes.  What is left out keeps the default
    that ``make`` has for it, and an attribute that has its default is not printed.  Where ``make`` is a function, the defaults
    that it does not name are those of the class ``of``.
    """

    make: Callable[..., Any]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    take: Callable[[Any], Mapping[str, Any]] | None = None
    of: type | None = None
    defaults: Mapping[str, Any] = field(init=False, repr=False, compare=False)
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)
    needed: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.name: one for one in self.fields})
        object.__setattr__(self, "needed", tuple(one.name for one in self.fields if one.required))
        object.__setattr__(self, "defaults", (_defaults(self.of) if self.of else {}) | _defaults(self.make))

    def read(self, spot: Spot) -> Any:
        """The object.  Raises InvalidManifest."""
        values: dict[str, Any] = {}
        self._collect(self, spot, values)
        try:
            made = self.make(**values)
        except CourseError as error:
            raise spot.relocated(error) from None
        for rule in self.rules:
            rule(made, spot)
        return made

    def write(self, value: Any) -> dict[str, Any]:
        """The object's fields as a plain map, without those that have their default."""
        taken = self.take(value) if self.take is not None else None
        return self._written(self.fields, lambda name: getattr(value, name) if taken is None else taken[name])

    def places_of(self, name: str) -> Iterator[str]:
        """The paths at which a field of this name may stand, such as ``spec.containers[].image``."""
        return _places(self.fields, name, "")

    def _collect(self, of: Record | Group, spot: Spot, values: dict[str, Any]) -> None:
        present, known = spot.here.value, of.by_name
        if not isinstance(present, dict):
            raise spot.wrong("a map of fields", "write 'field: value' lines")
        for name, located in present.items():
            one = known.get(name)
            if one is None:
                raise self._unknown(name, known, spot)
            value = located.value
            if value is None:
                continue
            if one.right is None or not one.right(value):
                kind = one.type
                if isinstance(kind, Group):
                    self._collect(kind, spot.field(name), values)
                    continue
                value = kind.read(spot.field(name))
            if one.to and value is not None:
                values[one.to] = value
        for name in of.needed:
            if name not in present or present[name].value is None:
                missing = f"{spot.path}.{name}".lstrip(".")
                raise InvalidManifest(f"an object without {name}",
                                      f"the field {name}{f' of {spot.path}' if spot.path else ''}", f"add '{name}:' here",
                                      spot.at(name).line, path=missing, cause=REQUIRED)

    def _unknown(self, name: str, siblings: Mapping[str, Field], spot: Spot) -> Exception:
        inner = spot.field(name)
        elsewhere = list(spot.form.places_of(name)) if spot.form else []
        if elsewhere and not get_close_matches(name, siblings, 1, 0.8):
            mend = f"{name} belongs at {' or '.join(elsewhere[:2])}: look at the indentation"
        elif get_close_matches(name, siblings, 1, 0.6):
            mend = f"did you mean '{nearest(name, siblings)}'? Correct it or leave it out"
        else:
            used = [one.name for one in siblings.values() if one.to or isinstance(one.type, Group)]
            mend = f"leave it out, or write one of {', '.join(used)}"
        return InvalidManifest(inner.path, f"a field that {spot.path or 'this kind of object'} has", mend,
                               inner.here.key_line or inner.line, path=inner.path, cause=UNKNOWN)

    def _written(self, known: tuple[Field, ...], value_of: Callable[[str], Any]) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for one in known:
            if isinstance(one.type, Group):
                inner = self._written(one.type.fields, value_of)
                if inner or one.required:
                    plain[one.name] = inner
            elif one.to:
                value = value_of(one.to)
                shown = one.required or one.always or value != self.defaults.get(one.to, _UNSET)
                if value is not None and shown:
                    plain[one.name] = one.type.write(value)
        return plain


def _places(known: tuple[Field, ...], name: str, path: str) -> Iterator[str]:
    for one in known:
        here = f"{path}.{one.name}".lstrip(".")
        if one.name == name:
            yield here
        kind, marks = one.type, ""
        while isinstance(kind, ListOf):
            kind, marks = kind.item, marks + "[]"
        if isinstance(kind, (Group, Record)):
            yield from _places(kind.fields, name, here + marks)


def _defaults(make: Callable[..., Any]) -> dict[str, Any]:
    """What ``make`` takes for each argument that is left out."""
    if isinstance(make, type) and is_dataclass(make):
        found = {one.name: one.default for one in fields(make) if one.default is not MISSING}
        return found | {one.name: one.default_factory() for one in fields(make) if one.default_factory is not MISSING}
    return {name: one.default for name, one in inspect.signature(make).parameters.items() if one.default is not one.empty}
