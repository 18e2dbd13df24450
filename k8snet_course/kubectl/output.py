"""The forms of ``-o`` that are no table of kubectl's own: yaml, json, name, jsonpath and custom-columns; and ``--sort-by``.

Source: k8s.io/cli-runtime pkg/printers; k8s.io/kubectl pkg/cmd/get (custom columns, sorter).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

from k8snet_course.control_plane import collector_resting
from k8snet_course.kubectl import jsonpath
from k8snet_course.kubectl.choose import Chosen, Group
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.jsonpath_steps import PathError, in_go
from k8snet_course.kubectl.table import columns
from k8snet_course.kubectl.words import Command

_WIDTH = 80
"""kubectl folds longer lines of YAML."""
_GO_TEMPLATES = ("go-template", "go-template-file", "template", "templatefile")


def printed(context: Context, command: Command, found: Chosen) -> str:
    """The objects in the form that the command names.  Raises Complaint."""
    form, equals, template = command["output"].partition("=")
    if form in _GO_TEMPLATES:
        raise Complaint(f"error: -o {form} is a template in the language Go, which the course does not have",
                        "Write -o jsonpath='{.items[*].metadata.name}' or -o custom-columns=NAME:.metadata.name.")
    make = _FORMS.get(form)
    if make is None:
        allowed = ",".join(sorted((*_FORMS, *_GO_TEMPLATES, "wide")))
        raise Complaint(f'error: unable to match a printer suitable for the output format "{command["output"]}", allowed '
                        f"formats are: {allowed}")
    if form.endswith("-file"):
        template = _read(template, form)
    if found.single and not found.objects:
        return ""
    with collector_resting():
        return make(context, command, found, template if equals else None)


def _name(context: Context, command: Command, found: Chosen, template: str | None) -> str:
    return "".join(f"{resource.full}/{value.name}\n" for resource, value in found.objects)


def _yaml(context: Context, command: Command, found: Chosen, template: str | None) -> str:
    return yaml(document(context, found))


def _json(context: Context, command: Command, found: Chosen, template: str | None) -> str:
    return f"{as_json(document(context, found))}\n"


def _jsonpath(context: Context, command: Command, found: Chosen, template: str | None) -> str:
    return _by_path(context, found, template, lambda parts, value: jsonpath.rendered(parts, value))


def _jsonpath_as_json(context: Context, command: Command, found: Chosen, template: str | None) -> str:
    return _by_path(context, found, template, lambda parts, value: as_json(
        [one for values in jsonpath.results(parts, value) for one in values]) + "\n")


def _by_path(context: Context, found: Chosen, template: str | None,
             render: Callable[[tuple[jsonpath.Action | jsonpath.Loop, ...], Any], str]) -> str:
    if not template:
        raise Complaint("error: template format specified but no template given")
    try:
        parts = jsonpath.template(template)
    except PathError as error:
        raise Complaint(f"error: error parsing jsonpath {template}, {error}") from None
    try:
        return render(parts, document(context, found))
    except PathError as error:
        raise Complaint(f'error: error executing jsonpath "{template}": Error executing template: {error}. Printing more '
                        f"information for debugging the template:\n\ttemplate was:\n\t\t{template}") from None


def _custom_columns(context: Context, command: Command, found: Chosen, template: str | None) -> str:
    if not template:
        raise Complaint("error: custom-columns format specified but no custom columns given")
    pairs = [part.partition(":") for part in template.split(",")]
    for name, colon, text in pairs:
        if not colon or not name or not text:
            raise Complaint(f"error: unexpected custom-columns spec: {name}{colon}{text}, expected <header>:<json-path-expr>")
    try:
        paths = [jsonpath.path(text) for _, _, text in pairs]
        rows = [] if command["no-headers"] else [[name for name, _, _ in pairs]]
        for resource, value in found.objects:
            served = context.server.form(resource).served(value)
            rows.append([",".join(map(in_go, each.values(served))) or "<none>" for each in paths])
    except PathError as error:
        raise Complaint(f"error: {error}") from None
    return f"{columns(rows)}\n" if rows else ""


def _custom_columns_file(context: Context, command: Command, found: Chosen, template: str | None) -> str:
    """The first line of the file has the headers, the second the paths."""
    lines = [line.split() for line in (template or "").splitlines() if line.strip()]
    if len(lines) != 2 or len(lines[0]) != len(lines[1]):
        raise Complaint("error: number of headers and paths in the file of custom columns differ")
    return _custom_columns(context, command, found, ",".join(map(":".join, zip(*lines, strict=True))))


_FORMS: dict[str, Callable[[Context, Command, Chosen, str | None], str]] = {
    "custom-columns": _custom_columns, "custom-columns-file": _custom_columns_file, "json": _json, "jsonpath": _jsonpath,
    "jsonpath-as-json": _jsonpath_as_json, "jsonpath-file": _jsonpath, "name": _name, "yaml": _yaml,
}


def _read(name: str, form: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        what = form.removesuffix("-file")
        raise Complaint(f"error: error reading {what} {name}, the file cannot be read as a text") from None


def document(context: Context, found: Chosen) -> dict[str, Any]:
    """The object that was asked for, or a List of those that were."""
    items = [context.server.form(resource).served(value) for resource, value in found.objects]
    if found.single and items:
        return items[0]
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


def yaml(value: dict[str, Any]) -> str:
    r"""An object, or a List of objects, as YAML.

    >>> print(yaml({"apiVersion": "v1", "items": [{"kind": "Pod"}, {"kind": "Node"}], "kind": "List"}), end="")
    apiVersion: v1
    items:
    - kind: Pod
    - kind: Node
    kind: List
    """
    from k8snet_course.yaml_text import text_of

    if value.get("kind") != "List" or not value["items"]:
        return text_of([value], _WIDTH)
    # One object at a time: for ten thousand at once the writer of YAML takes much longer.
    items = [indent(text_of([item], _WIDTH - 2), "  ") for item in value["items"]]
    before, after = text_of([value | {"items": None}]).split("items: null\n")
    return f"{before}items:\n{''.join(f'- {item[2:]}' for item in items)}{after}"


def as_json(value: Any) -> str:
    """A plain value as JSON."""
    return json.dumps(value, indent=4, ensure_ascii=False)


def in_order(context: Context, group: Group, field: str) -> Group:
    """The objects of a group by the value of a field, those that do not have it first.  Raises Complaint.

    Texts are compared letter by letter, so pod-10 comes before pod-2.
    """
    try:
        path = jsonpath.path(field)
    except PathError as error:
        raise Complaint(f"error: {error}") from None
    form = context.server.form(group.resource)
    found = [(path.values(form.served(value))[:1], value) for value in group.values]
    if found and not any(key for key, _ in found):
        raise no_such_field(field)
    return Group(group.resource, tuple(value for _, value in sorted(found, key=lambda each: _rank(each[0]))))


def no_such_field(field: str) -> Complaint:
    """No object has the field to sort by.

    >>> print(no_such_field(".foo"))
    error: couldn't find any field with path "{.foo}" in the list of objects
    """
    return Complaint(f"error: couldn't find any field with path \"{{{field.strip('{}')}}}\" in the list of objects")


def _rank(key: list[Any]) -> tuple[bool, bool, Any]:
    """What is nothing comes first, then numbers, then texts (a targetPort is one or the other)."""
    if not key or not isinstance(key[0], (int, float, str)):
        return False, False, ""
    return True, isinstance(key[0], str), key[0]
