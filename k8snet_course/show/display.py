"""How values show themselves in a notebook cell.

``register`` tells IPython, by the names of types, which formatter draws a value; nothing is imported before the first
value of that type is shown.  The plain text is always the value's own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PACKAGE = "k8snet_course"
_SVG = (("cluster", "Cluster", "picture", "cluster_svg"), ("linux.trace", "Trace", "strip", "trace_svg"))
"""Module and name of a type, and module and name of the function in ``show`` that draws it."""
_HTML = (
    ("dns.asking", "Lookup", "query_words", "lookup_html"),
    ("dns.records", "Answer", "query_words", "answer_html"),
    ("reachability", "Reachability", "matrix", "reachability_html"),
)
"""The same, of types that are shown as a table."""
_TEXT = (("linux.trace", "Trace"), *(shown[:2] for shown in _HTML))
"""Types whose text in a cell is that of ``print``."""


def register(ipython: Any) -> None:
    """Let values draw themselves as the result of a cell.  Raises nothing; to call it twice does no harm.

    >>> from IPython.core.interactiveshell import InteractiveShell
    >>> from k8snet_course import Cluster
    >>> shell = InteractiveShell.instance()
    >>> register(shell)
    >>> data, _ = shell.display_formatter.format(Cluster())
    >>> sorted(data)
    ['image/svg+xml', 'text/plain']
    """
    formatters = ipython.display_formatter.formatters
    for form, types in (("image/svg+xml", _SVG), ("text/html", _HTML)):
        for module, name, owner, function in types:
            formatters[form].for_type_by_name(f"{_PACKAGE}.{module}", name, _later(owner, function))
    for module, name in _TEXT:
        formatters["text/plain"].for_type_by_name(f"{_PACKAGE}.{module}", name, _print)


def _later(owner: str, function: str) -> Any:
    def draw(value: object) -> Any:
        return getattr(import_module(f"{_PACKAGE}.show.{owner}"), function)(value)

    return draw


def _print(value: object, printer: Any, cycle: bool) -> None:
    printer.text(str(value))
