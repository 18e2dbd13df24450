"""YAML text to plain values that remember the line they stood on, and plain values to YAML text.

This module knows YAML and nothing of Kubernetes.  It refuses what could hang or exhaust the reader: texts that are too long,
nested too deep, or that grow without end by aliases.

Source: YAML 1.1, as PyYAML understands it; where Kubernetes' own reader (go-yaml, through sigs.k8s.io/yaml) leaves a text a
text, so does this one: a date, a number with a base of 60 (12:30), and '='.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from k8snet_course.errors import InvalidManifest

MOST_CHARACTERS = 1_500_000
"""A longer text is refused: the API server's store takes objects of about 1.5 MiB."""
_MOST_VALUES = 100_000
_DEEPEST = 60
_LONGEST_NUMBER = 400
"""So many characters a number, a truth value or a date may have: more than any of them needs, and quick to read."""
_PLAIN = 1 << 63
"""A number below it is short."""
_IMPOSSIBLE = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What YAML lets no text hold: control characters, and halves of characters."""
_TEXT = "tag:yaml.org,2002:str"
_LEFT_ALONE = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OLD_FLAGS = ("y", "Y", "n", "N")
"""What some readers take for yes and no."""
_ALMOST = re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?0o[0-7_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
"""What some readers take for a number or a date: 1e3, 0o7, 2026-1-1."""
_FOLDED = frozenset("\r\x85\u2028\u2029")
_UNREADABLE = frozenset(map(chr, range(0xD800, 0xE000)))
"""Halves of characters (surrogates): Python's texts can hold them, UTF-8 and YAML cannot."""


class Located(NamedTuple):  # not a dataclass: a manifest has very many, and a tuple is made in a third of the time
    """A value (text, number, bool, None, a list or a dict of Located) and its line, counted from 1; 0 if unknown.

    ``source`` is how a scalar was written, which its value does not tell: 1.10 and 1.1 are the same number.  ``key_line`` is
    where the field's name stands, which can be before the value's line.
    """

    value: Any
    line: int
    source: str = ""
    key_line: int = 0

    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def documents(text: str) -> list[Located]:
    """The documents of a YAML text; empty ones are left out.  Raises InvalidManifest with the line.

    >>> [one.plain() for one in documents("a: 1\\n---\\nb: [x, y]\\n")]
    [{'a': 1}, {'b': ['x', 'y']}]
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidManifest(f"a text of {len(text)} characters", f"at most {MOST_CHARACTERS}", "split it")
    impossible = _IMPOSSIBLE.search(text)
    if impossible is not None:
        raise InvalidManifest(f"the character {ord(impossible[0]):#06x}", "characters that YAML lets a text hold", "remove it",
                              text.count("\n", 0, impossible.start()) + 1)
    import yaml

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    budget = [_MOST_VALUES]
    found = []
    try:
        # The C reader recurses on the machine's own stack, so the depth is bounded before it is let loose.
        _refuse_excess(text, yaml)
        loader = loader_class(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                found.append(_located(node, yaml.SafeLoader(""), budget, 0))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidManifest(error.problem or "this text", "YAML that can be read", "look at this line and the one before",
                              mark.line + 1 if mark else 0) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        first = str(error).splitlines()[0] if str(error) else "this text"
        raise InvalidManifest(first[:120], "YAML that can be read", "remove what no text may hold") from None
    return [one for one in found if one.value is not None]


def text_of(values: Iterable[object], width: int = 1000) -> str:
    """The plain values as the documents of one YAML text.  ``documents`` reads the same values from it.

    A line that is longer than ``width`` is folded at a blank.

    >>> print(text_of([{"a": 1}, {"b": ["x", "yes"]}]), end="")
    a: 1
    ---
    b:
    - x
    - "yes"
    """
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    styles: dict[str, str | None] = {}

    class Dumper(base):  # type: ignore[misc]  # which of the two it is, shows when it runs
        """Write a value out wherever it stands: the reader of a manifest shall not have to look up an anchor."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        """Double quotes, as kubectl writes them, where a text looks like something else; several lines as they are.

        The line ends that are none to a person are escaped: the emitter would fold a text at them and lose them.
        """
        if value not in styles:
            plain = dumper.resolve(yaml.ScalarNode, value, (True, False)) == _TEXT and not (
                value in _OLD_FLAGS or _ALMOST.fullmatch(value))
            styles[value] = '"' if not plain or not _FOLDED.isdisjoint(value) else "|" if "\n" in value else None
        return dumper.represent_scalar(_TEXT, value, style=styles[value])

    Dumper.add_representer(str, text)
    return "---\n".join(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=width) for value in values)


def located(value: object) -> Located:
    """A plain Python value (from a learner's dict) in the same form, without lines.  Raises InvalidManifest."""
    return _plain_located(value, [_MOST_VALUES], 0)


_new = tuple.__new__
"""How a named tuple is made at once, without a call that fills in defaults."""


def _plain_located(value: object, budget: list[int], depth: int) -> Located:
    budget[0] -= 1
    if budget[0] < 0 or depth > _DEEPEST:
        raise InvalidManifest("values inside values", f"at most {_MOST_VALUES} values and {_DEEPEST} levels",
                              "split or flatten it")
    if type(value) is dict or isinstance(value, Mapping):
        made = {}
        for key, item in value.items():
            name = key if type(key) is str and key.isascii() else _field(key)
            kind = type(item)
            if (kind is str and item.isascii()) or (kind is int and -_PLAIN < item < _PLAIN):  # nearly all: no call for these
                budget[0] -= 1
                made[name] = _new(Located, (item, 0, "", 0))
            else:
                made[name] = _plain_located(item, budget, depth + 1)
        return _new(Located, (made, 0, "", 0))
    if type(value) is list or (isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))):
        return Located([_plain_located(item, budget, depth + 1) for item in value], 0)
    if isinstance(value, str) and not _UNREADABLE.isdisjoint(value):
        raise InvalidManifest(ascii(value[:60]), "a text of characters that YAML can hold", "remove the half characters")
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        raise InvalidManifest(f"a number of {value.bit_length()} bits", "a number that a field can hold", "write a smaller one")
    if value is not None and not isinstance(value, (str, int, float, date)):
        raise InvalidManifest(f"a value of the type {type(value).__name__}", "texts, numbers, True, False, lists and dicts",
                              "write it as one of these")
    return Located(value, 0)


def _field(key: object) -> str:
    """The name of a field."""
    if isinstance(key, str) and _UNREADABLE.isdisjoint(key):
        return key
    raise InvalidManifest(ascii(key)[:60] if isinstance(key, (str, int, float)) else f"a key of the type {type(key).__name__}",
                          "each field's name as a text", "write it in quotes")


def _refuse_excess(text: str, yaml: Any) -> None:
    """Read the text without keeping it, and refuse it where it becomes too deep or has too many values."""
    depth = 0
    for events, event in enumerate(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > _DEEPEST:
                raise InvalidManifest("values inside values", f"at most {_DEEPEST} levels", "flatten it",
                                      event.start_mark.line + 1)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if events > 2 * _MOST_VALUES:  # a list or map is two events, and a document four
            raise InvalidManifest(f"a text of more than {_MOST_VALUES} values", f"at most {_MOST_VALUES} values", "split it",
                                  event.start_mark.line + 1)


def _located(node: Any, constructor: Any, budget: list[int], depth: int) -> Located:
    line = node.start_mark.line + 1
    budget[0] -= 1
    if budget[0] < 0 or depth > _DEEPEST:
        raise InvalidManifest("values inside values", f"at most {_MOST_VALUES} values and {_DEEPEST} levels",
                              "write it without aliases that multiply", line)
    if node.id == "mapping":
        entries: dict[str, Located] = {}
        for key_node, value_node in node.value:
            key = key_node.value if key_node.id == "scalar" else ""
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise InvalidManifest("<<", "a field of Kubernetes (this reader merges no maps)", "write the fields out",
                                      key_node.start_mark.line + 1)
            if not key or key in entries:
                raise InvalidManifest(key or "a key that is no text", "each field once, with a text as its name",
                                      "keep one of them", key_node.start_mark.line + 1)
            inner = _located(value_node, constructor, budget, depth + 1)
            line_of_key = key_node.start_mark.line + 1
            entries[key] = Located(inner.value, line_of_key if value_node.id == "scalar" else inner.line, inner.source,
                                   line_of_key)
        return Located(entries, line)
    if node.id == "sequence":
        return Located([_located(item, constructor, budget, depth + 1) for item in node.value], line)
    return Located(_scalar(node, constructor, line), line, node.value)


def _scalar(node: Any, constructor: Any, line: int) -> Any:
    """What a scalar is: a text, or what YAML takes it for."""
    if node.tag in _LEFT_ALONE or (node.tag in _NUMBERS and ":" in node.value):
        return node.value
    if len(node.value) > _LONGEST_NUMBER and node.tag != "tag:yaml.org,2002:str":
        raise InvalidManifest(f"{node.value[:20]}... ({len(node.value)} characters)",
                              "a number of a size that a field can hold", "write it in quotes if it is a text", line)
    try:
        return constructor.construct_object(node)
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError):  # what PyYAML has for !!bool x
        raise InvalidManifest(node.value[:60], f"a value that is what it says it is ({node.tag.rpartition(':')[2]})",
                              "write it in quotes if it is a text", line) from None
