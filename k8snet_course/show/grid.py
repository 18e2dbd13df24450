"""A small table as HTML: with a caption, and with headers that a screen reader can connect to their cells.

It needs neither pandas nor a browser.  Markup is built with ``xml.etree``, which escapes every text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring


@dataclass(frozen=True)
class Grid:
    """A table: its caption, the names of its columns, and its rows as texts.  The first column names the row.

    >>> print(Grid("Pods", ("pod", "address"), (("frontend", "10.244.0.2"),)))
    Pods
      pod       address
      frontend  10.244.0.2
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Grid:
        """A table of any values; each is shown as its text."""
        return cls(caption, tuple(columns), tuple(tuple(str(value) for value in row) for row in rows))

    @property
    def html(self) -> str:
        """The table as HTML.

        >>> Grid("A", ("b",), (("<c>",),)).html
        '<table class="k8-grid"><caption>A</caption><thead><tr><th scope="col">b</th></tr></thead>\
<tbody><tr><th scope="row">&lt;c&gt;</th></tr></tbody></table>'
        """
        table = Element("table", {"class": "k8-grid"})
        SubElement(table, "caption").text = self.caption
        head = SubElement(SubElement(table, "thead"), "tr")
        for column in self.columns:
            SubElement(head, "th", {"scope": "col"}).text = column
        body = SubElement(table, "tbody")
        for row in self.rows:
            line = SubElement(body, "tr")
            for number, value in enumerate(row):
                cell = SubElement(line, "td") if number else SubElement(line, "th", {"scope": "row"})
                cell.text = value
        if not self.rows:
            SubElement(SubElement(body, "tr"), "td", {"colspan": str(len(self.columns))}).text = "(no rows)"
        return tostring(table, encoding="unicode", method="html")

    def __str__(self) -> str:
        widths = [max(len(row[number]) for row in (self.columns, *self.rows)) for number in range(len(self.columns))]
        lines = [
            "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.columns, *self.rows)
        ]
        return "\n".join([self.caption, *(f"  {line}" for line in lines), *([] if self.rows else ["  (no rows)"])])
