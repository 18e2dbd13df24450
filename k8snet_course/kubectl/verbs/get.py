"""``kubectl get``: objects as a table, or in the form that ``-o`` names.

Source: kubectl's get command and its printers (k8s.io/kubectl pkg/cmd/get, k8s.io/cli-runtime pkg/printers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from k8snet_course.control_plane import listed
from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.choose import Chosen, Group, chosen
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import SWITCH, TEXT, WORDS, Flag
from k8snet_course.kubectl.kinds.form import labels_text
from k8snet_course.kubectl.output import in_order, no_such_field, printed
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.table import columns
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.watch import Watch
from k8snet_course.kubectl.words import Command

ENDPOINTS_WARNING = "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n"


def get(context: Context, command: Command) -> Reply:
    """What ``kubectl get`` prints; with --watch, what it would print now, at any time."""
    if command["watch"] or command["watch-only"]:
        types = {group.resource.plural for group in chosen(context, command).groups}
        if len(types) > 1:
            raise Complaint("error: you may only specify a single resource type")
        return Watch(context.cluster, partial(_present, context, command))
    return _once(context, command)


def _present(context: Context, command: Command) -> Reply:
    """The answer of this moment, where a mistake is one too: the namespace of a watch can be deleted."""
    context.server.settle()
    try:
        return _once(context, command)
    except Complaint as complaint:
        return complaint.reply()


def _once(context: Context, command: Command) -> Reply:
    if not command.args and not command["filename"]:
        raise Complaint('You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of '
                        "supported resources.\n\nerror: Required resource not specified.\nUse \"kubectl explain <resource>\" "
                        "for a detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for "
                        "help and examples")
    found = chosen(context, command)
    as_table = command["output"] in ("", "wide")
    if command["sort-by"]:
        found = _sorted(context, command["sort-by"], found, as_table)
    if as_table:
        out = tables(context, command, found)
        empty = not out and not found.errors and not command["ignore-not-found"]
        err = nothing(context, command, found) if empty else ""
    else:
        out, err = printed(context, command, found), ""
    warning = ENDPOINTS_WARNING if any(group.resource.plural == "endpoints" for group in found.groups) else ""
    errors = "".join(f"{line}\n" for line in found.errors)
    reply = Reply(out, warning + err + errors, 1 if found.errors else 0, [value for _, value in found.objects])
    return reply.with_hint(found.hint)


def _sorted(context: Context, field: str, found: Chosen, as_table: bool) -> Chosen:
    """The objects of each type in the order of a field.  Raises Complaint."""
    if found.kinds and as_table:  # the real one looks for the field in its tables
        raise no_such_field(field)
    try:
        return replace(found, groups=tuple(in_order(context, group, field) for group in found.groups))
    except Complaint as complaint:
        if not as_table:
            raise
        # The real one prints no table then, and says that it has found nothing.
        return replace(found, groups=tuple(Group(group.resource, ()) for group in found.groups),
                       hint=f"There are some, but {complaint.text.removeprefix('error: ')}.")


def tables(context: Context, command: Command, found: Chosen) -> str:
    """The objects as tables, one a type; empty where there are no objects."""
    texts, namespaces = [], False
    for group in found.groups:
        # Once there is a column with namespaces, it stays: kubectl goes on with the same settings.
        namespaces = namespaces or (command["all-namespaces"] and group.resource.namespaced)
        if group.values:
            texts.append(columns(rows(context, command, group, namespaces, found.kinds or command["show-kind"])))
    return ("\n" if command["no-headers"] else "\n\n").join(texts) + "\n" if texts else ""


def rows(context: Context, command: Command, group: Group, namespaces: bool = False,
         kinds: bool = False) -> list[tuple[str, ...]]:
    """The header and a row for each object.

    ``namespaces``: with a column of namespaces in front; ``kinds``: names have their type before them.
    """
    form = context.server.form(group.resource)
    wide = command["output"] == "wide"
    header: tuple[str, ...] = (*form.columns, *form.wide) if wide else form.columns
    found = [(*form.widened(value, form.cells(value)), *form.more(value)) for value in group.values] if wide else [
        form.cells(value) for value in group.values]
    if kinds:
        found = [(f"{group.resource.full}/{row[0]}", *row[1:]) for row in found]
    if namespaces:
        header = ("NAMESPACE", *header)
        found = [(value.namespace if group.resource.namespaced else "", *row)
                 for value, row in zip(group.values, found, strict=True)]
    for key in command["label-columns"]:
        header = (*header, key.rpartition("/")[2].upper())
        found = [(*row, form.labels(value).get(key, "")) for value, row in zip(group.values, found, strict=True)]
    if command["show-labels"]:
        header = (*header, "LABELS")
        found = [(*row, labels_text(form.labels(value))) for value, row in zip(group.values, found, strict=True)]
    return found if command["no-headers"] else [header, *found]


def nothing(context: Context, command: Command, found: Chosen) -> str:
    """The line about an empty answer."""
    groups: Sequence[Group] = found.groups
    if command["all-namespaces"] or any(not group.resource.namespaced for group in groups):
        return "No resources found\n"
    namespace, known = context.namespace(command), context.server.namespaces()
    hint = "" if namespace in known else f"There is no namespace {namespace}; there are {listed(known)}.\n"
    return f"No resources found in {namespace} namespace.\n{hint}"


VERB = Verb(
    "get",
    "Show objects, many in a table or some in full.",
    "kubectl get (TYPE [NAME | -l label] | TYPE/NAME ...) [-o yaml|json|name|wide|jsonpath=...|custom-columns=...] [options]",
    get,
    (
        f.OUTPUT, f.SELECTOR, f.FIELD_SELECTOR, f.ALL_NAMESPACES, f.FILENAME, f.RECURSIVE, f.CHUNK_SIZE,
        Flag("show-labels", SWITCH, "Add a column with all labels."),
        Flag("label-columns", WORDS, "Add a column for each of these labels.", "L"),
        Flag("no-headers", SWITCH, "Leave the headers out."),
        Flag("show-kind", SWITCH, "Write the type before each name."),
        Flag("sort-by", TEXT, "Sort by the field at this JSONPath, such as .status.podIP."),
        Flag("ignore-not-found", SWITCH, "Say nothing about objects that are not there."),
        Flag("watch", SWITCH, "Go on showing changes of the cluster.", "w"),
        Flag("watch-only", SWITCH, "The same here: there is one table, which changes."),
        Flag("show-managed-fields", SWITCH, "Show who set which field: nobody keeps that here."),
        Flag("server-print", SWITCH, "Let the API server make the table.", default=True),
        Flag("template", TEXT, "The template of -o go-template, which the course does not have."),
        Flag("allow-missing-template-keys", SWITCH, "Print nothing for a field that is missing.", default=True),
    ),
    ("get pods", "get pods -o wide -A", "get svc,endpointslices -n shop", "get pods -l app=web --show-labels",
     "get pod web -o yaml", "get pods -o jsonpath='{.items[*].status.podIP}'",
     "get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP"),
)
