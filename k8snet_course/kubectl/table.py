"""Columns as kubectl prints them.

Source: kubectl's table printer, which is a tab writer with a least width of 6 and 3 blanks between columns.
"""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, left-aligned, each column as wide as its longest cell and three blanks, the last one not padded.

    >>> print(columns([("NAME", "IP"), ("a", "10.244.0.2")]))
    NAME   IP
    a      10.244.0.2
    """
    if not rows:
        return ""
    form = "".join(f"{{:<{max(6, max(map(len, column)) + 3)}}}" for column in list(zip(*rows, strict=True))[:-1]) + "{}"
    return "\n".join([form.format(*row) for row in rows])
