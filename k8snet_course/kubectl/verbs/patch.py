"""``kubectl patch``: a piece of a manifest, laid over an object that is there.

Source: k8s.io/kubectl, pkg/cmd/patch; RFC 7386 (merge patches), RFC 6902 and 6901 (JSON patches and pointers); Kubernetes
documentation, "Strategic merge patch": lists of containers, ports and the like are merged by the keys of their items.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import OUTPUT, dry_run, hold, named_objects, told
from k8snet_course.kubectl.complaint import Complaint, server_error
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import Wanted, text_of
from k8snet_course.kubectl.flags import TEXT, Flag
from k8snet_course.kubectl.refusals import refusal
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.manifests import as_dict, load_each
from k8snet_course.yaml_text import documents

STRATEGIC, MERGE, JSON = "strategic", "merge", "json"
_KEYS = {"containers": ("name",), "ports": ("containerPort", "port"), "tls": (), "rules": ()}
"""By which field of its items a list is merged, in a strategic patch."""


def patch(context: Context, command: Command) -> Reply:
    """Lay a patch over the objects that the command names.  Raises Complaint."""
    kind = command["type"]
    if kind not in (STRATEGIC, MERGE, JSON):
        raise Complaint(f'error: --type must be one of [json merge strategic], not "{kind}"')
    wanted = _read(context, command)
    found = named_objects(context, command)
    how = dry_run(command)
    replies = []
    for resource, value in found.objects:
        if context.server.api.find(resource.kind, getattr(value, "key", value.name)) is None:
            raise Complaint(f"error: {resource.plural} of this course cannot be patched")
        after = _patched(as_dict(value), wanted, kind)
        document, = load_each(after, context.server.api.there)
        if document.error is not None:
            raise refusal(document.error, after)
        one = Wanted(after, document.made, changed=True)
        held = hold(context, one, how)
        replies.append(told(context, command, one, held, "patched (no change)" if held == value else "patched", how))
    replies += [Reply("", f"{line}\n", 1) for line in found.errors]
    return joined(replies).with_hint(found.hint)


def _read(context: Context, command: Command) -> Any:
    text = text_of(context, command["patch-file"]) if command["patch-file"] else command["patch"]
    if not text:
        raise Complaint("error: must specify --patch or --patch-file containing the contents of the patch",
                        """Write -p '{"spec": {"type": "NodePort"}}', for example.""")
    try:
        found = [one.plain() for one in documents(text)]
    except CourseError as error:
        raise Complaint(f'error: unable to parse "{text}": {error}') from None
    if len(found) != 1 or isinstance(found[0], list) != (command["type"] == JSON):
        raise Complaint(f'error: unable to parse "{text}": a patch of type {command["type"]} is '
                        f"{'a list of operations' if command['type'] == JSON else 'a map of fields'}")
    return found[0]


def _patched(before: dict[str, Any], change: Any, kind: str) -> dict[str, Any]:
    after = copy.deepcopy(before)
    if kind == JSON:
        for number, operation in enumerate(change):
            operate(after, operation, number)
        return after
    merged: dict[str, Any] = merge(after, change, strategic=kind == STRATEGIC)
    return merged


def merge(value: Any, change: Any, *, strategic: bool = False, field: str = "") -> Any:
    """A value with a patch laid over it: maps are merged, null takes a field away, everything else is replaced.

        >>> merge({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
        {'b': {'c': 2, 'd': 3}}
        >>> ports = [{"port": 80, "name": "http"}]
        >>> merge({"ports": ports}, {"ports": [{"port": 80, "nodePort": 30080}]}, strategic=True)
        {'ports': [{'port': 80, 'name': 'http', 'nodePort': 30080}]}
    """
    if isinstance(change, Mapping):
        found = dict(value) if isinstance(value, Mapping) else {}
        for name, inside in change.items():
            if name.startswith("$"):  # a remark about the order of a list, or which fields are to stay: nothing follows here
                continue
            if inside is None:
                found.pop(name, None)
            else:
                found[name] = merge(found.get(name), inside, strategic=strategic, field=name)
        return found
    if strategic and isinstance(change, list) and isinstance(value, list) and _KEYS.get(field):
        return _items(value, change, _KEYS[field])
    return change


def _items(value: list[Any], change: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """A list with a strategic patch laid over it, item by item."""
    found = list(value)
    for item in change:
        key = next((each for each in keys if isinstance(item, Mapping) and each in item), None)
        at = next((number for number, one in enumerate(found) if key and isinstance(one, Mapping)
                   and one.get(key) == item[key]), None)
        if isinstance(item, Mapping) and item.get("$patch") == "delete":
            found = [one for number, one in enumerate(found) if number != at]
        elif at is None:
            found.append(item)
        else:
            found[at] = merge(found[at], item, strategic=True)
    return found


def operate(value: Any, operation: Any, number: int) -> None:
    """One operation of a JSON patch.  Raises Complaint."""
    if not isinstance(operation, Mapping) or operation.get("op") not in ("add", "replace", "remove"):
        raise Complaint(f"error: operation {number} of the patch is none of add, replace and remove",
                        'Write [{"op": "replace", "path": "/spec/replicas", "value": 3}], for example.')
    path = str(operation.get("path", ""))
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in path.removeprefix("/").split("/")]
    try:
        here = value
        for step in steps:
            here = here[int(step)] if isinstance(here, list) else here[step]
        if isinstance(here, list):
            at = len(here) if last == "-" else int(last)
            if operation["op"] == "add":
                here.insert(at, operation["value"])
            elif operation["op"] == "replace":
                here[at] = operation["value"]
            else:
                del here[at]
        elif operation["op"] == "remove" or (operation["op"] == "replace" and last not in here):
            del here[last]
        else:
            here[last] = operation["value"]
    except (KeyError, IndexError, ValueError, TypeError):
        raise server_error("BadRequest", "the server rejected our request due to an error in our request",
                           f"There is nothing at {path}, or no value was given.") from None


VERB = Verb(
    "patch",
    "Lay a piece of a manifest over an object.",
    "kubectl patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
    patch,
    (
        Flag("patch", TEXT, "The piece, as JSON or YAML.", "p"),
        Flag("patch-file", TEXT, "A file with the piece."),
        Flag("type", TEXT, "How lists are treated.", default=STRATEGIC, values=(STRATEGIC, MERGE, JSON)),
        f.FILENAME, f.RECURSIVE, OUTPUT, f.DRY_RUN,
    ),
    ("""patch service web -p '{"spec": {"type": "NodePort"}}'""",
     """patch deployment web --type=json -p '[{"op": "replace", "path": "/spec/replicas", "value": 3}]'"""),
)
