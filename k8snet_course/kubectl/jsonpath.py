r"""JSONPath templates as kubectl understands them: text, and in braces the paths whose values are printed.

``{.items[*].metadata.name}``, ``{range .items[*]}...{end}``, ``{"\n"}``, ``['a.b']``, ``.a\.b``, ``[0:2]``, ``[-1]``,
``[0,2]``, ``..name``, ``[?(@.type=="Ready")]``.  ``$`` and ``@`` are the value at hand.

Source: Kubernetes documentation, "JSONPath Support"; client-go util/jsonpath.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_course.kubectl.jsonpath_steps import (
    Node,
    PathError,
    Values,
    as_text,
    constant,
    every,
    field,
    holds,
    items_of,
    part,
    recursive,
)

_SLICE = re.compile(r"(-?\d*)(:(-?\d*))?(:(-?\d*))?")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(?![\w-])")
_COMPARED = re.compile(r"([^!<>=]+?)\s*(==|!=|<=|>=|<|>)\s*(.+)")
_DEEPEST = 60
"""So many loops may stand in each other."""
_TOO_DEEP = "the template is nested too deep"
_ENDS = set(" \t\r\n.,[]$@{}")


@dataclass(frozen=True, slots=True)
class Action:
    """What stands between two braces, or outside of them: it gives values to print."""

    steps: tuple[Node, ...]

    def values(self, current: Any) -> Values:
        """The values at the end of the path."""
        found = [current]
        for step in self.steps:
            found = step(found)
        return found


@dataclass(frozen=True, slots=True)
class Loop:
    """``{range PATH}BODY{end}``: the body once for each value at the end of the path."""

    over: Action
    body: tuple[Action | Loop, ...]


def template(text: str) -> tuple[Action | Loop, ...]:
    r"""A template, read.  Raises PathError.

    >>> pods = {"items": [{"name": "a", "ip": "10.244.0.2"}, {"name": "b", "ip": "10.244.0.3"}]}
    >>> rendered(template("{.items[*].name}"), pods)
    'a b'
    >>> rendered(template(r'{range .items[*]}{.name}={.ip}{"\n"}{end}'), pods)
    'a=10.244.0.2\nb=10.244.0.3\n'
    >>> rendered(template('{.items[?(@.name=="b")].ip}'), pods)
    '10.244.0.3'
    >>> template("{.items[")
    Traceback (most recent call last):
    k8snet_course.kubectl.jsonpath_steps.PathError: unterminated array
    """
    return _parts(list(_pieces(text)), 0, 0)[0]


def path(text: str) -> Action:
    """One path, in its relaxed form too: ``.status.podIP``, ``status.podIP``, ``{.status.podIP}``.  Raises PathError.

    >>> path("status.podIP").values({"status": {"podIP": "10.244.0.2"}})
    ['10.244.0.2']
    """
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    elif "{" in inner or "}" in inner:
        raise PathError("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or "
                        "'{.name1.name2}'")
    return _action(f".{inner.removeprefix('.')}" if not inner.startswith("[") else inner)


def rendered(parts: Sequence[Action | Loop], value: Any) -> str:
    """What a template prints for a value.  Raises PathError."""
    return "".join(" ".join(map(as_text, found)) for found in results(parts, value))


def results(parts: Sequence[Action | Loop], value: Any) -> Iterator[Values]:
    """The values that each part gives, in order.  Raises PathError."""
    for each in parts:
        if isinstance(each, Loop):
            for one in each.over.values(value):
                yield from results(each.body, one)
        else:
            yield each.values(value)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text outside of braces (False), and that inside (True)."""
    at = 0
    while at < len(text):
        start = text.find("{", at)
        if start != at:
            yield text[at:start if start >= 0 else len(text)], False
        if start < 0:
            return
        at = _closing(text, start + 1)
        yield text[start + 1:at], True
        at += 1


def _closing(text: str, at: int) -> int:
    """Where the brace is that ends an action: not one in quotes."""
    quote = ""
    while at < len(text):
        letter = text[at]
        if quote:
            at += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "}":
            return at
        at += 1
    raise PathError("unterminated quoted string" if quote else "unterminated array" if text.count("[") > text.count("]")
                    else "unclosed action")


def _parts(pieces: list[tuple[str, bool]], at: int, inside: int) -> tuple[tuple[Action | Loop, ...], int]:
    """The parts from here to the end, or inside of ranges to the ``end`` of the last one; and where that is (0: nowhere)."""
    found: list[Action | Loop] = []
    while at < len(pieces):
        text, action = pieces[at]
        at += 1
        word = text.strip() if action else ""
        if word == "end" and inside:
            return tuple(found), at
        if word == "range" or word.startswith("range "):
            if inside == _DEEPEST:
                raise PathError(_TOO_DEEP)
            body, after = _parts(pieces, at, inside + 1)
            found.append(Loop(_action(word[5:].strip()), body))
            at = after or len(pieces)
        elif action:
            found.append(_action(text))
        elif text:
            found.append(Action((constant(text),)))
    return tuple(found), 0


def _action(text: str) -> Action:
    try:
        return Action(tuple(_steps(text)))
    except RecursionError:
        raise PathError(_TOO_DEEP) from None


def _steps(text: str) -> Iterator[Node]:
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in " @$":
            at += 1
        elif letter in "\"'":
            end = _end_of_quote(text, at)
            yield constant(_unquoted(text[at:end]))
            at = end
        elif text.startswith("..", at):
            end = _end_of_word(text, at + 2)
            yield recursive
            name = text[at + 2:end]
            if name:
                yield every if name == "*" else field(_plain(name))
            at = end
        elif letter == ".":
            end = _end_of_word(text, at + 1)
            name = text[at + 1:end]
            if name:
                yield every if name == "*" else field(_plain(name))
            at = end
        elif letter == "[":
            end = _end_of_array(text, at)
            yield _bracket(text[at + 1:end - 1])
            at = end
        elif letter.isalnum() or letter in "+-_":
            number = _NUMBER.match(text, at)
            end = number.end() if number else _end_of_word(text, at)
            yield _literal(text[at:end])
            at = end
        else:
            raise PathError(f"unrecognized character in action: U+{ord(letter):04X} '{letter}'")


def _end_of_word(text: str, at: int) -> int:
    while at < len(text) and text[at] not in _ENDS:
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


def _end_of_quote(text: str, at: int) -> int:
    quote, at = text[at], at + 1
    while at < len(text):
        if text[at] == quote:
            return at + 1
        at += 2 if text[at] == "\\" else 1
    raise PathError("unterminated quoted string")


def _end_of_array(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        if text[at] in "\"'":
            at = _end_of_quote(text, at)
            continue
        depth += (text[at] == "[") - (text[at] == "]")
        at += 1
        if depth == 0:
            return at
    raise PathError("unterminated array")


def _plain(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _unquoted(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        raise PathError("invalid syntax") from None


def _literal(word: str) -> Node:
    if word in ("true", "false"):
        return constant(word == "true")
    for kind in (int, float):
        try:
            return constant(kind(word))
        except ValueError:
            continue

    def unknown(values: Values) -> Values:
        raise PathError("not in range, nothing to end" if word == "end" else f"unrecognized identifier {word}")

    return unknown


def _bracket(inside: str) -> Node:
    text = inside.strip()
    if text.startswith("?(") and text.endswith(")"):
        return _filter(text[2:-1])
    if text == "*":
        return every
    choices = list(_choices(text))
    if len(choices) > 1:
        steps = [_bracket(each) for each in choices]
        return lambda values: [found for step in steps for found in step(values)]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        inner = _action(f".{text[1:-1]}")  # a dot between the quotation marks is one of a path, unless \\ is before it
        return lambda values: [found for value in values for found in inner.values(value)]
    found = _SLICE.fullmatch(text)
    if found is None or not text:
        raise PathError(f"invalid array index {text}")
    return part(*(found[number] for number in (1, 3, 5)))


def _choices(text: str) -> Iterator[str]:
    quote, start = "", 0
    for at, letter in enumerate(text):
        if letter in "\"'":
            quote = "" if quote == letter else quote or letter
        elif letter == "," and not quote:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _filter(condition: str) -> Node:
    compared = _COMPARED.fullmatch(condition.strip())
    if compared is None:
        there = _action(condition)
        return lambda values: [inner for value in values for inner in items_of(value) if there.values(inner)]
    left, sign, right = _action(compared[1]), compared[2], _action(compared[3])

    def true_of(value: Any) -> bool:
        one, other = left.values(value), right.values(value)
        if len(one) > 1 or len(other) > 1:
            raise PathError("can only compare one element at a time")
        return bool(one and other) and holds(one[0], sign, other[0])

    return lambda values: [inner for value in values for inner in items_of(value) if true_of(inner)]
