"""The steps of a JSONPath: from some values to those that a field, an index, a slice or a condition leads to.

It reads no text: that is :mod:`k8snet_course.kubectl.jsonpath`.

Source: client-go util/jsonpath (its evaluation, and how it prints values).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Values = list[Any]
Node = Callable[[Values], Values]
"""One step of a path."""


class PathError(Exception):
    """A template that cannot be read, or that does not fit the value; the text says why, in kubectl's words."""


def constant(value: Any) -> Node:
    """This value, whatever there was."""
    return lambda values: [value]


def field(name: str) -> Node:
    """The field of this name, of each map that has it."""
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def _inner(value: Any) -> Values:
    return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []


def every(values: Values) -> Values:
    """Every item of each list, and every field of each map."""
    return [inner for value in values for inner in _inner(value)]


def recursive(values: Values) -> Values:
    """Each value and everything in it, however deep."""
    found: Values = []
    for value in values:
        found += [value, *recursive(_inner(value))]
    return found


def part(first: str | None, last: str | None, step: str | None) -> Node:
    """A part of each list, from its first to before its last item; without ``last`` the one item ``first``."""
    def items(value: Any) -> Values:
        if not isinstance(value, list):
            kind = "map[string]interface {}" if isinstance(value, dict) else type(value).__name__.replace("str", "string")
            raise PathError(f"{kind} is not array or slice")
        size = len(value)
        start = int(first) if first else 0
        start += size if start < 0 else 0
        alone = last is None
        end = start + 1 if alone else int(last) if last else size
        end += size if end < 0 else 0
        if start == end:
            return []
        if not 0 <= start < size:
            raise PathError(f"array index out of bounds: index {start}, length {size}")
        if not 0 <= end <= size:
            raise PathError(f"array index out of bounds: index {end - 1}, length {size}")
        if start > end:
            raise PathError(f"starting index {start} is greater than ending index {end}")
        if step and int(step) <= 0:
            raise PathError("step must be > 0")
        return value[start:end:int(step) if step else 1]

    return lambda values: [inner for value in values for inner in items(value)]


def items_of(value: Any) -> Values:
    """The items of a list.  Raises PathError for anything else."""
    if not isinstance(value, list):
        raise PathError(f"{as_text(value)} is not array or slice and cannot be filtered")
    return value


def holds(one: Any, sign: str, other: Any) -> bool:
    """Whether a comparison is true.  Raises PathError for values that cannot be compared.

    >>> holds("a", "<", "b"), holds(80, ">=", 443)
    (True, False)
    """
    if isinstance(one, str) != isinstance(other, str) or isinstance(one, bool) != isinstance(other, bool):
        raise PathError("incompatible types for comparison")
    if sign in ("==", "!="):
        return bool((one == other) == (sign == "=="))
    if isinstance(one, (dict, list)) or isinstance(other, (dict, list)):
        raise PathError("invalid type for comparison")
    less, equal = one < other, one == other
    return bool({"<": less, "<=": less or equal, ">": not less and not equal, ">=": not less}[sign])


def in_go(value: Any) -> str:
    """A value as the language Go prints it, which custom columns do.

    >>> in_go({"app": "web", "ports": [80, 443]}), in_go(None)
    ('map[app:web ports:[80 443]]', '<nil>')
    """
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{in_go(value[key])}' for key in sorted(value))}]"
    return f"[{' '.join(map(in_go, value))}]" if isinstance(value, list) else as_text(value)


def as_text(value: Any) -> str:
    """A value as it is printed: texts plain, lists and maps as JSON.

    >>> as_text({"a": [1, True]}), as_text(True), as_text(80)
    ('{"a":[1,true]}', 'true', '80')
    """
    if isinstance(value, (dict, list)):
        plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "<nil>" if value is None else str(value)
