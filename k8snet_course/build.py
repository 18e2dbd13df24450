"""The command that builds the notebooks: `python3 -m k8snet_course build [--check] [--force] [chapter ...]`.

Each source in chapters/ is expanded, run and judged; a notebook is written only when it is sound and differs from what
is there, in one step.  Building again changes no byte.

`--check` builds nothing.  It compares the cells of each built file with what its source would give now (their digest is
kept in the notebook), and the check cells' outputs of exercises/ with those of solutions/.  It does not run the cells:
whether the outputs still are what the package computes is what `pytest --nbval` finds out, and does in the tests
anyway.

A file in exercises/ that somebody has worked in is never overwritten without `--force`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat

from k8snet_course.authoring.execute import execute, take_passing_outputs
from k8snet_course.authoring.expand import BuildError, Product, digest, expand, products
from k8snet_course.authoring.quality import faults

ROOT = Path(__file__).resolve().parent.parent
_AT_ONCE = 2
_nbformat: Any = nbformat


def main(argv: Sequence[str], root: Path = ROOT) -> int:
    """Build, or check, and say what was done.  Exit codes: 0 all is well, 1 something is stale or wrong, 2 misused."""
    parser = argparse.ArgumentParser(prog="python3 -m k8snet_course build",
                                     description="Build the notebooks from chapters/.")
    parser.add_argument("chapters", nargs="*", metavar="chapter", help="such as 01_single_node; all if left out")
    parser.add_argument("--check", action="store_true", help="build nothing; say which built files are stale")
    parser.add_argument("--force", action="store_true", help="overwrite exercises that somebody has worked in")
    try:
        options = parser.parse_args(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        sources = find_sources(root, options.chapters)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        stale = [line for source in sources for line in stale_products(source, root)]
        print("\n".join(stale) if stale else f"{len(sources)} sources: nothing is stale")
        return 1 if stale else 0
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        reports = list(workers.map(lambda source: _report(source, root, options.force), sources))
    for lines, _ in reports:
        print("\n".join(lines))
    return 0 if all(good for _, good in reports) else 1


def find_sources(root: Path, wanted: Sequence[str] = ()) -> list[Path]:
    """The sources in chapters/, all or those that are named (by stem, file name or path).  Raises BuildError."""
    all_of_them = sorted((root / "chapters").glob("[0-9A-Z]*_*.py"))
    if not wanted:
        return all_of_them
    stems = [Path(name).stem for name in wanted]
    unknown = [stem for stem in stems if stem not in {source.stem for source in all_of_them}]
    if unknown:
        raise BuildError(f"no source chapters/{unknown[0]}.py; there are: {', '.join(one.stem for one in all_of_them)}")
    return [source for source in all_of_them if source.stem in stems]


def build_source(source: Path, root: Path, force: bool = False) -> list[tuple[Product, bool]]:
    """Build the notebooks of one source; each with whether its file changed.  Raises BuildError, and wrote nothing."""
    built: list[tuple[Product, Any]] = []
    for product in products(source):
        if not force and _worked_in(root / product.path, product):
            raise BuildError(f"{product.path.as_posix()}: somebody has worked in it; keep a copy elsewhere, then build "
                             "with --force")
        notebook = expand(product)
        execute(notebook, root, product.room)
        if product.room == "exercises":
            take_passing_outputs(notebook, built[0][1])
        wrong = faults(notebook, product, root)
        if product.room == "solutions":
            wrong += [f"{product.path.as_posix()}: cell {cell.id}: the reference answer is not correct: {_shown(cell)}"
                      for cell in notebook.cells if cell.id.endswith("-check") and ": correct." not in _shown(cell)]
        if wrong:
            raise BuildError("\n".join(wrong))
        built.append((product, notebook))
    return [(product, write(root / product.path, notebook)) for product, notebook in built]


def write(path: Path, notebook: Any) -> bool:
    """Write a notebook in one step, if that changes anything; whether it did."""
    text = _nbformat.writes(notebook, version=4) + "\n"
    with suppress(FileNotFoundError):
        if path.read_bytes() == text.encode():
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", dir=path.parent, suffix=".new",
                                     delete=False) as new:
        new.write(text)
    Path(new.name).chmod(0o644)
    Path(new.name).replace(path)
    return True


def stale_products(source: Path, root: Path) -> list[str]:
    """A sentence for each built file of a source that is missing, edited, or not what the source gives now."""
    found = []
    passing: dict[str, str] = {}
    for product in products(source):
        name, path = product.path.as_posix(), root / product.path
        try:
            there = _nbformat.read(path, as_version=4)
            wanted = expand(product)
        except FileNotFoundError:
            found.append(f"{name}: missing")
            continue
        except BuildError as error:
            found.append(str(error))
            continue
        checks = {cell.id: _shown(cell) for cell in there.cells if cell.id.endswith("-check")}
        if digest(there) != digest(wanted) or there.metadata.get("k8snet_course") != wanted.metadata["k8snet_course"]:
            found.append(f"{name}: stale; run `python3 -m k8snet_course build {source.stem}`")
        elif product.room == "exercises" and checks != passing:
            found.append(f"{name}: its check cells do not have the outputs of solutions/; build {source.stem} again")
        passing = checks
    return found


def _report(source: Path, root: Path, force: bool) -> tuple[list[str], bool]:
    try:
        return [f"{product.path.as_posix()}: {'written' if changed else 'unchanged'}"
                for product, changed in build_source(source, root, force)], True
    except BuildError as error:
        return [str(error)], False


def _worked_in(path: Path, product: Product) -> bool:
    """Whether an exercise file's cells are no longer those that a build wrote."""
    if product.room != "exercises" or not path.exists():
        return False
    try:
        there = _nbformat.read(path, as_version=4)
        return bool(digest(there) != there.metadata.get("k8snet_course", {}).get("source_sha256"))
    except (ValueError, AttributeError, nbformat.ValidationError):
        return True


def _shown(cell: Any) -> str:
    """The text of a cell's first output."""
    output = cell.outputs[0] if cell.outputs else {}
    return str(output.get("data", {}).get("text/plain", output.get("text", "")))
