r"""Text with tabs to aligned columns, as ``kubectl describe`` prints them.

A column is a block of lines that follow each other and all have a tab at that place; each block has its own width.  What stands
after a line's last tab belongs to no column.

Source: Go's text/tabwriter, with a least width of 0 and 2 blanks between columns.
"""

from __future__ import annotations

PADDING = 2


def aligned(text: str) -> str:
    r"""The text with its tabs replaced by blanks.

    >>> print(aligned("Name:\tweb\nAnnotations:\t<none>\nPort:\t<unset>\t80/TCP\nSpec:\nA:\tb"))
    Name:         web
    Annotations:  <none>
    Port:         <unset>  80/TCP
    Spec:
    A:  b
    """
    lines = [line.split("\t") for line in text.split("\n")]
    widths: list[list[int]] = [[] for _ in lines]
    _measure(lines, widths, 0, len(lines), 0)
    return "\n".join("".join(cell.ljust(width) for cell, width in zip(cells, known, strict=False)) + cells[-1]
                     for cells, known in zip(lines, widths, strict=True))


def _measure(lines: list[list[str]], widths: list[list[int]], first: int, last: int, column: int) -> None:
    """Find the blocks of a column in these lines, and in each block those of the next column."""
    at = first
    while at < last:
        if len(lines[at]) <= column + 1:
            at += 1
            continue
        end = at
        while end < last and len(lines[end]) > column + 1:
            end += 1
        width = max(len(cells[column]) for cells in lines[at:end]) + PADDING
        for number in range(at, end):
            widths[number].append(width)
        _measure(lines, widths, at, end, column + 1)
        at = end
