"""The manifests that ``-f`` names: files, folders, and what is given as input (``-``), each as the object that it asks for.

Source: kubectl's resource builder (k8s.io/cli-runtime, pkg/resource).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.refusals import refusal
from k8snet_course.kubectl.resources import Resource, of_kind
from k8snet_course.kubectl.words import Command
from k8snet_course.manifests import Document, load_each
from k8snet_course.manifests.spot import Spot

_STDIN = "STDIN"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that a manifest asks for: as it was written, as a value, the file it is from (empty: none), and where in it.

    ``value`` is None for a manifest with a mistake, which --dry-run=client prints all the same; ``written`` is empty for an
    object that kubectl has only changed.
    """

    written: Mapping[str, Any]
    value: Any
    source: str = ""
    spot: Spot | None = None
    changed: bool = False
    """Whether it is an object that is there, changed by kubectl."""

    @property
    def resource(self) -> Resource:
        """Its type."""
        return of_kind(type(self.value).__name__ if self.value is not None else self.written["kind"])

    @property
    def name(self) -> str:
        """How messages name it: ``deployment.apps/web``."""
        return f"{self.resource.full}/{self.value.name if self.value is not None else self.written['metadata']['name']}"


def in_files(context: Context, command: Command) -> Iterator[Wanted | Complaint]:
    """The objects that ``-f`` asks for, one by one; one that cannot be read is its complaint.  Raises Complaint."""
    for name in _names(command["filename"], bool(command.flags.get("recursive"))):
        source = _STDIN if name == "-" else name
        text = text_of(context, name)
        try:
            documents = load_each(text if "\n" in text else f"{text}\n", lambda kind, space, called: context.server.api.there(
                kind, space or context.namespace(command), called))
        except CourseError as error:
            yield Complaint(f"error: error parsing {source}: error converting YAML to JSON: {error}")
            continue
        for document in documents:
            if document.error is not None:
                yield refusal(document.error, document.written if isinstance(document.written, dict) else {}, source)
                continue
            try:
                yield placed(context, command, document, source)
            except Complaint as wrong:
                yield wrong


def _names(given: Sequence[str], recursive: bool) -> Iterator[str]:
    """The files that -f names: of a folder, those in it."""
    if not given:
        raise Complaint("error: must specify one of -f and -k", "Write -f FILE, or -f - for what is given as input.")
    for name in given:
        if name != "-" and Path(name).is_dir():
            found = Path(name).rglob("*") if recursive else Path(name).iterdir()
            yield from sorted(str(path) for path in found if path.suffix in (".yaml", ".yml", ".json"))
        else:
            yield name


def placed(context: Context, command: Command, document: Document, source: str) -> Wanted:
    """The object in the namespace that the command is about, unless the manifest names one.  Raises Complaint."""
    value, written = document.made, dict(document.written)
    if hasattr(value, "namespace"):
        own = document.word("metadata", "namespace")
        asked = command["namespace"]
        if own and asked and own != asked:
            raise Complaint(f'error: the namespace from the provided object "{own}" does not match the namespace "{asked}". '
                            'You '
                            f"must pass '--namespace={own}' to perform this operation.")
        if not own:
            value = replace(value, namespace=context.namespace(command))
    return Wanted(written, value, source, document.spot)


def text_of(context: Context, name: str) -> str:
    """The text of a file, or what is given as input.  Raises Complaint."""
    if name == "-":
        if context.stdin is None:
            raise Complaint("error: no objects passed to apply", "Nothing was given as input: pass stdin=, or a cell's body.")
        return context.stdin
    path = Path(name)
    if not path.exists():
        raise Complaint(f'error: the path "{name}" does not exist')
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise Complaint(f'error: the path "{name}" cannot be read as a text') from None
