"""HTML that a notebook stores: what a view says where no kernel runs and no script may.

It carries a few lines of style that follow the page's own colours, so that it can be read in light and in dark; where a
page takes them away (as some do), the markup alone still says everything.  Markup is built with ``xml.etree``, which escapes
every text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring


def block() -> Element:
    """An empty block, with its style in it.

    >>> block().tag, block()[0].tag
    ('div', 'style')
    """
    made = Element("div", {"class": "k8-still"})
    SubElement(made, "style").text = _style()
    return made


def html(made: Element) -> str:
    """The markup of a block.

    >>> made = Element("p")
    >>> made.text = "<none>"
    >>> html(made)
    '<p>&lt;none&gt;</p>'
    """
    return tostring(made, encoding="unicode", method="html")


def say(parent: Element, text: str, kind: str = "") -> None:
    """Add a paragraph.  An empty text adds nothing."""
    if text:
        SubElement(parent, "p", {"class": kind} if kind else {}).text = text


def table(parent: Element, caption: str, columns: Sequence[str], rows: Iterable[Sequence[tuple[str, str]]]) -> None:
    """Add a table.  A cell is its text and its class (often empty); the first of a row is the row's header."""
    made = SubElement(parent, "table")
    SubElement(made, "caption").text = caption
    head = SubElement(SubElement(made, "thead"), "tr")
    for column in columns:
        SubElement(head, "th", {"scope": "col"}).text = column
    body = SubElement(made, "tbody")
    for row in rows:
        line = SubElement(body, "tr")
        for number, (text, kind) in enumerate(row):
            attributes = {"class": kind} if kind else {}
            SubElement(line, "td" if number else "th", attributes if number else {"scope": "row", **attributes}).text = text


@lru_cache(maxsize=1)
def _style() -> str:
    return Path(__file__).with_name("still.css").read_text(encoding="utf-8")
