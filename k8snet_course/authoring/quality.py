"""What a built notebook must be.  Each rule gives sentences that name the cell; no sentence means that all is well.

A learner meets these notebooks on GitHub without a kernel, with a screen reader, and years from now under `pytest
--nbval`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from k8snet_course.authoring.execute import WIDGET_VIEW
from k8snet_course.authoring.expand import Product

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_PATH = re.compile(r"(?:/home/|/root/|/Users/|/tmp/|/var/folders/|/usr/lib/|site-packages|[A-Za-z]:\\Users\\)")
_RANDOM = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b")
_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\([^)]*\)")
_IMG_TAG = re.compile(r"<img\b(?P<attributes>[^>]*)>", re.IGNORECASE)
_SVG = re.compile(r"<svg\b.*?</svg>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title\b[^>]*>\s*[^<\s]", re.IGNORECASE)


def faults(notebook: Any, product: Product, root: Path) -> list[str]:
    """Everything that is wrong with a built notebook, a sentence each."""
    where = product.path.as_posix()
    found = [*_structure(notebook, root)]
    for number, cell in enumerate(notebook.cells, start=1):
        found += [f"cell {number} ({cell.id}): {fault}" for fault in _cell_faults(cell, root)]
    return [f"{where}: {fault}" for fault in found]


def _structure(notebook: Any, root: Path) -> Iterator[str]:
    ids = [cell.id for cell in notebook.cells]
    twice = sorted({ident for ident in ids if ids.count(ident) > 1})
    yield from (f"has two cells with the id {ident}" for ident in twice)
    if not twice:  # nbformat would mend these silently
        try:
            nbformat.validate(notebook)
        except nbformat.ValidationError as error:
            yield f"is not a valid notebook: {str(error).splitlines()[0]}"
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield "is not in the notebook format 4.5"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    if "widgets" in notebook.metadata:
        yield "holds the state of widgets, whose ids are random"
    titles = [line for cell in notebook.cells if cell.cell_type == "markdown" for line in _headings(cell.source)
              if line.startswith("# ")]
    if len(titles) != 1:
        yield f"has {len(titles)} first-level headings instead of one"
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        yield "was not run once from top to bottom"


def _headings(source: str) -> Iterator[str]:
    """The heading lines of a markdown text, without what stands in code fences."""
    fenced = False
    for line in source.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif line.startswith("#") and not fenced:
            yield line


def _cell_faults(cell: Any, root: Path) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield from _pictures(cell.source)
    yield from _machine(cell.source, root, "its text")
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            if "raises-exception" not in cell.metadata.get("tags", []):
                yield f"raises {output.ename}: {output.evalue}"
            else:
                yield from _machine("\n".join(output.traceback), root, "its error")
        elif output.output_type == "stream":
            if output.name == "stderr" and "raises-exception" not in cell.metadata.get("tags", []):
                yield f"writes to stderr: {output.text.strip().splitlines()[0][:120]}"
            yield from _machine(output.text, root, "its output")
        else:
            yield from _data_faults(output, root)


def _data_faults(output: Any, root: Path) -> Iterator[str]:
    data = output.data
    if WIDGET_VIEW in data:
        yield "refers to a widget model, whose id is random"
    plain = _text(data.get("text/plain", ""))
    if not plain.strip():
        yield "has an output without text (text/plain)"
    for kind, value in data.items():
        if isinstance(value, (str, list)) and not kind.startswith(("image/png", "image/jpeg")):
            yield from _machine(_text(value), root, f"its {kind}")
    if "image/svg+xml" in data:
        yield from _pictures(_text(data["image/svg+xml"]))
    if "text/html" in data:
        yield from _pictures(_text(data["text/html"]))
    for kind in ("image/png", "image/jpeg"):
        if kind in data and not str(output.metadata.get(kind, {}).get("alt", "")).strip():
            yield f"shows a picture ({kind}) without an alternative text: give its metadata an 'alt'"


def _pictures(text: str) -> Iterator[str]:
    """Pictures without words for those who do not see them."""
    for image in _IMAGE.finditer(text):
        if not image["alt"].strip():
            yield f"has a picture without an alternative text: {image[0][:60]}"
    for tag in _IMG_TAG.finditer(text):
        if not re.search(r"\balt\s*=\s*[\"'][^\"']*[^\"'\s]", tag["attributes"]):
            yield f"has a picture without an alternative text: {tag[0][:60]}"
    for svg in _SVG.finditer(text):
        if not _TITLE.search(svg[0]) and 'aria-hidden="true"' not in svg[0][:svg[0].index(">") + 1]:
            yield "has an SVG picture without a title"


def _machine(text: str, root: Path, what: str) -> Iterator[str]:
    """What belongs to one machine or one run."""
    for pattern, name in ((_ADDRESS, "a memory address"), (_PATH, "a path of this machine"), (_RANDOM, "a random id")):
        found = pattern.search(text)
        if found:
            yield f"{what} has {name}: {text[max(0, found.start() - 20):found.end() + 30].strip()!r}"
    if str(root) in text:
        yield f"{what} has the path of this clone"


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)
