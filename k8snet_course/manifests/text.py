"""Texts of manifests to objects, and objects to the text of a manifest.

Source: Kubernetes API conventions; "kubectl get -o yaml".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from k8snet_course.errors import InvalidManifest
from k8snet_course.manifests.kinds import kind_of, kind_written
from k8snet_course.manifests.leftovers import pruned, without_leftovers
from k8snet_course.manifests.spot import Spot
from k8snet_course.objects.service import Service
from k8snet_course.yaml_text import MOST_CHARACTERS, Located, documents, located, text_of

Held = Callable[[str, str, str], Any]
"""What gives the object of a kind, namespace and name that is there, or None."""


def load(source: str | PathLike[str] | Mapping[str, object]) -> tuple[Any, ...]:
    """The objects that a manifest asks for, in its order: a YAML text, a path to a file, or a dict.

    A ``kind: List`` counts as its items.  What the cluster decides is empty: a pod's ``ip``, its ``node`` where the scheduler
    is to choose, a Service's cluster IP where none is asked for.  Raises InvalidManifest, whose ``line`` says where.

        >>> print(*load("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}"))
        namespace shop team=a
    """
    return tuple(made for made, _ in load_located(source))


def load_located(source: str | PathLike[str] | Mapping[str, object], held: Held | None = None) -> tuple[tuple[Any, Spot], ...]:
    """As ``load``, each object with the place where it was written, for whoever refuses it later.

    ``held`` gives the object that is there already, by kind, namespace (empty where none is written) and name, or None: from
    what changes it the API server takes out what the new type of a Service has no use for.

    >>> ((made, spot),) = load_located("apiVersion: v1\\nkind: Namespace\\nmetadata: {name: shop}")
    >>> spot.at("metadata", "name").line
    3
    """
    objects = tuple([(_object(one, held), Spot(one)) for one in _written(source)])
    if not objects:
        raise InvalidManifest("an empty text", "at least one object", "write apiVersion, kind, metadata and spec")
    return objects


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a manifest as it was written, and what it makes: ``made``, or the ``error`` that says why it makes none.

    ``spot`` is where it was written.
    """

    written: Any
    made: Any = None
    error: InvalidManifest | None = None
    spot: Spot | None = None

    def word(self, *path: str) -> str:
        """A text of the document, such as that at ``metadata``, ``name``; empty where there is none."""
        here = self.written
        for name in path:
            here = here.get(name) if isinstance(here, dict) else None
        return here if isinstance(here, str) else ""


def load_each(source: str | PathLike[str] | Mapping[str, object], held: Held | None = None) -> tuple[Document, ...]:
    """As ``load_located``, but a document with a mistake does not keep the others from being read.

    Raises InvalidManifest only for a text that is no YAML at all.

        >>> good, bad = load_each("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\\n---\\n{kind: Pood}")
        >>> print(good.made, bad.error.given)
        namespace shop Pood
    """
    return tuple(_document(one, held) for one in _written(source))


def as_dict(value: object) -> dict[str, Any]:
    """An object as the manifest that asks for it, in plain values.  Raises InvalidArgument for what is no such object.

    >>> from k8snet_course.objects.namespace import Namespace
    >>> as_dict(Namespace("shop"))["metadata"]
    {'name': 'shop', 'labels': {'kubernetes.io/metadata.name': 'shop'}}
    """
    kind = kind_of(value)
    return {"apiVersion": kind.api_version, "kind": kind.name, **kind.record.write(value)}


def dump(*values: object) -> str:
    """Objects as the YAML text that asks for them; fields that have their default are left out.

    What the cluster alone decides is printed under ``status``, where ``load`` passes it over.
    Raises InvalidArgument.

        >>> from k8snet_course.objects.service import Service, ServicePort
        >>> print(dump(Service("web", selector={"app": "web"}, ports=(ServicePort(80, 8080),))), end="")
        apiVersion: v1
        kind: Service
        metadata:
          name: web
        spec:
          selector:
            app: web
          ports:
          - port: 80
            targetPort: 8080
    """
    return text_of(as_dict(value) for value in values)


def _written(source: str | PathLike[str] | Mapping[str, object]) -> Iterator[Located]:
    found = [located(source)] if isinstance(source, Mapping) else documents(_text_of(source))
    return (one for document in found for one in _items(document))


def _document(document: Located, held: Held | None) -> Document:
    try:
        return Document(document.plain(), _object(document, held), spot=Spot(document))
    except InvalidManifest as error:
        return Document(document.plain(), error=error)


def _object(document: Located, held: Held | None) -> Any:
    kind = kind_written(Spot(document))
    if held is not None and kind.made is Service:
        document = _changing(document, held)
    return kind.record.read(Spot(document, kind.record))


def _changing(document: Located, held: Held) -> Located:
    """What is written of a Service that is there already, without what its new type has no use for."""
    head = Spot(document).at("metadata")
    namespace, name = (head.at(field).value if head.given(field) else "" for field in ("namespace", "name"))
    before = held("Service", namespace, name) if isinstance(name, str) and isinstance(namespace, str) else None
    if before is None:
        return document
    written = document.plain()
    wanted = without_leftovers(as_dict(before), written)
    return document if wanted == written else pruned(document, wanted)


def _items(document: Located) -> Iterator[Located]:
    """The objects of a document: itself, or the items of a List."""
    spot = Spot(document)
    if spot.at("kind").value != "List":
        yield document
        return
    items = spot.at("items")
    if not isinstance(items.value, list):
        raise spot.refusal("a List without items", "the field items, a list of objects", "add 'items:' here")
    yield from items.value


def _text_of(source: str | PathLike[str]) -> str:
    """The text itself, or what is in the file that a one-line text names."""
    if isinstance(source, str) and ("\n" in source or ":" in source.replace(":\\", "")):
        return source
    if not isinstance(source, (str, PathLike)):
        raise InvalidManifest(type(source).__name__, "a YAML text, a path or a dict", "pass one of these")
    try:
        path = Path(fspath(source))
        if path.is_file() and path.stat().st_size > 4 * MOST_CHARACTERS:
            raise InvalidManifest(f"a file of {path.stat().st_size} bytes", f"at most {MOST_CHARACTERS} characters", "split it")
        if path.exists() and not path.is_file():  # a directory, or a device that never ends
            raise OSError
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise InvalidManifest(str(source)[:80], "a YAML text, or the path of a file that can be read",
                              "check the path, or pass the text itself") from None
