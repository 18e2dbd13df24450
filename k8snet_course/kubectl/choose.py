"""Which objects a command is about: ``TYPE``, ``TYPE NAME...``, ``TYPE/NAME...``, ``TYPE,TYPE``, ``all``, ``-l``, ``-f``.

Source: kubectl's resource builder (k8s.io/cli-runtime, pkg/resource) and its error texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from k8snet_course.kubectl.complaint import Complaint, did_you_mean, server_error
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import in_files
from k8snet_course.kubectl.kinds import Form
from k8snet_course.kubectl.resources import Resource, named, several
from k8snet_course.kubectl.selectors import field_selector, label_selector
from k8snet_course.kubectl.words import Command


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one type that follow each other in the answer."""

    resource: Resource
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a command is about.  ``errors`` are lines about objects that are not there; ``hint`` what may have been meant.

    ``single``: one object was asked for by its name.  ``kinds``: more than one type was asked for.
    """

    groups: tuple[Group, ...]
    errors: tuple[str, ...] = ()
    single: bool = False
    kinds: bool = False
    hint: str = ""

    @property
    def objects(self) -> list[tuple[Resource, Any]]:
        """Every object with its type."""
        return [(group.resource, value) for group in self.groups for value in group.values]


def chosen(context: Context, command: Command, args: Sequence[str] | None = None) -> Chosen:
    """The objects that a command's words mean (``args``: other words than its own).  Raises Complaint."""
    words = command.args if args is None else tuple(args)
    files = command.flags.get("filename", ())
    if files:
        found = _of_files(context, command)
        if words:
            raise Complaint("error: when paths, URLs, or stdin is provided as input, you may not specify resource arguments "
                            "as well")
        return found
    if not words:
        raise Complaint("error: You must provide one or more resources by argument or filename.\n"
                        "Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n"
                        "   '<resource> <name>'\n   '<resource>'",
                        "Write a type, such as pods, or a type and a name: pod web.")
    if any("/" in word for word in words):
        return _by_type_and_name(context, command, words)
    types = several(words[0])
    if len(words) > 1:
        if _selects(command):
            raise Complaint("error: name cannot be provided when a selector is specified")
        return _by_names(context, command, [(one, name) for one in types for name in words[1:]])
    return Chosen(tuple(Group(one, tuple(listed(context, command, one))) for one in types), kinds=len(types) > 1)


def listed(context: Context, command: Command, resource: Resource) -> list[Any]:
    """The objects of a type that a command's namespace and selectors let through.  Raises Complaint."""
    server, form = context.server, context.server.form(resource)
    found = server.objects(resource, context.scope(command))
    labels, fields = command.flags.get("selector", ""), command.flags.get("field-selector", "")
    if not labels and not fields:
        return found
    try:
        return _selected(form, found, labels, fields)
    except Complaint as complaint:
        group, _, version = resource.api_version.rpartition("/")
        raise server_error("BadRequest", f'Unable to find "{group}/{version}, Resource={resource.plural}" that match label '
                           f'selector "{labels}", field selector "{fields}": {complaint.text.removeprefix("error: ")}',
                           complaint.hint) from None


def _selected(form: Form, found: list[Any], labels: str, fields: str) -> list[Any]:
    """The objects with these labels and fields.  Raises Complaint."""
    if labels:
        selector = label_selector(labels)
        found = [one for one in found if selector.matches(form.labels(one))]
    if fields:
        readers: dict[str, Callable[[Any], str]] = {"metadata.name": lambda one: str(one.name)}
        if form.resource.namespaced:
            readers["metadata.namespace"] = lambda one: str(one.namespace)
        readers |= {name: partial(read, form) for name, read in form.fields.items()}
        terms = field_selector(fields, readers)
        found = [one for one in found if all((readers[term.field](one) == term.value) == term.equal for term in terms)]
    return found


def _selects(command: Command) -> bool:
    return bool(command.flags.get("selector") or command.flags.get("field-selector") or command.flags.get("all"))


def _by_type_and_name(context: Context, command: Command, words: Sequence[str]) -> Chosen:
    pairs = []
    for word in words:
        kind, slash, name = word.partition("/")
        if not slash:
            raise Complaint("error: there is no need to specify a resource type as a separate argument when passing arguments "
                            "in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get "
                            "resource resource/<resource_name>'")
        if "/" in name:
            raise Complaint("error: arguments in resource/name form may not have more than one slash")
        if not kind or not name:
            raise Complaint("error: arguments in resource/name form must have a single resource and name")
        pairs.append((named(kind), name))
    if _selects(command):
        raise Complaint("error: selectors and the all flag cannot be used when passing resource/name arguments")
    return _by_names(context, command, pairs)


def _by_names(context: Context, command: Command, pairs: Sequence[tuple[Resource, str]]) -> Chosen:
    """Objects by their names, in the order asked for; those that follow each other and have one type are a group."""
    if command.flags.get("all-namespaces"):
        raise Complaint("error: a resource cannot be retrieved by name across all namespaces",
                        "Name the namespace with -n, or leave the name out.")
    groups: list[Group] = []
    errors: list[str] = []
    hint = ""
    namespace = context.namespace(command)
    for resource, name in pairs:
        value = context.server.find(resource, name, namespace)
        if value is None:
            if not command.flags.get("ignore-not-found"):
                errors.append(not_found(resource, name))
                hint = hint or _elsewhere(context, resource, name, namespace)
        elif groups and groups[-1].resource is resource:
            groups[-1] = Group(resource, (*groups[-1].values, value))
        else:
            groups.append(Group(resource, (value,)))
    return Chosen(tuple(groups), tuple(errors), len(pairs) == 1, len({group.resource.plural for group in groups}) > 1, hint)


def not_found(resource: Resource, name: str) -> str:
    """The API server's words for an object that is not there.

    >>> not_found(named("deploy"), "web")
    'Error from server (NotFound): deployments.apps "web" not found'
    """
    return f'Error from server (NotFound): {resource.plural_full} "{name}" not found'


def _elsewhere(context: Context, resource: Resource, name: str, namespace: str) -> str:
    """Where an object of this name is, or which one has nearly this name."""
    if resource.namespaced:
        others = [one.namespace for one in context.server.objects(resource) if one.name == name]
        if others:
            return f"There is one in the namespace {others[0]}: add -n {others[0]}."
    known = [one.name for one in context.server.objects(resource, namespace)]
    return did_you_mean(get_close_matches(name, known, 1, 0.6))


def _of_files(context: Context, command: Command) -> Chosen:
    """The objects of the cluster that manifests name."""
    groups: list[Group] = []
    errors: list[str] = []
    wanted = list(in_files(context, command))
    for one in wanted:
        if isinstance(one, Complaint):
            errors.append(one.text)
            continue
        resource, value = one.resource, one.value
        found = context.server.find(resource, value.name, getattr(value, "namespace", ""))
        if found is None:
            errors.append(not_found(resource, value.name))
        else:
            groups.append(Group(resource, (found,)))
    kinds = {one.resource.plural for one in wanted if not isinstance(one, Complaint)}
    return Chosen(tuple(groups), tuple(errors), len(wanted) == 1, len(kinds) > 1)
