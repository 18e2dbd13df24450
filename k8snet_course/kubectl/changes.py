"""Making objects and changing them, as the writing verbs do it: with ``--dry-run``, ``-o``, and the API server's refusals.

An object goes into the cluster through the API server's own ``apply``, so that everything follows from it that always does.

Source: kubectl's apply and create (k8s.io/kubectl, pkg/cmd/apply, pkg/cmd/create); "Declarative Management of Kubernetes
Objects Using Configuration Files", on what apply leaves alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl import output
from k8snet_course.kubectl.choose import Chosen, chosen
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import Wanted, in_files, placed
from k8snet_course.kubectl.flags import TEXT, Flag
from k8snet_course.kubectl.kinds.form import in_order
from k8snet_course.kubectl.refusals import already_exists, no_namespace, refusal
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.resources import several as types
from k8snet_course.kubectl.words import Command
from k8snet_course.manifests import as_dict, load_each

NO, CLIENT, SERVER = "none", "client", "server"
OUTPUT = Flag("output", TEXT, "The form of the output.", "o", values=("yaml", "json", "name"))
AFTER = {NO: "", CLIENT: " (dry run)", SERVER: " (server dry run)"}
"""What stands after "created", by --dry-run."""
_STRUCTS = {name: place for place, name in enumerate((
    "kind", "apiVersion", "metadata", "name", "namespace", "labels", "annotations", "spec", "image", "command", "args",
    "replicas", "ingressClassName", "defaultBackend", "tls", "hosts", "secretName", "rules", "host", "http", "paths", "path",
    "pathType", "backend", "service", "protocol", "port", "number", "targetPort", "nodePort", "containerPort", "containers",
    "ports", "env", "value", "resources", "imagePullPolicy", "stdin", "stdinOnce", "tty", "restartPolicy", "dnsPolicy",
    "selector", "matchLabels", "template", "strategy", "clusterIP", "type", "externalIPs", "sessionAffinity", "externalName",
    "status"))}
"""The fields of what kubectl writes itself, in the order of the API's types."""


def dry_run(command: Command) -> str:
    """Which --dry-run: none, client or server.  Raises Complaint."""
    value: str = command["dry-run"]
    if value == "unchanged":
        return CLIENT
    if value not in (NO, CLIENT, SERVER):
        raise Complaint(f'error: Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return value


def named_objects(context: Context, command: Command, args: Sequence[str] | None = None) -> Chosen:
    """The objects that a change is about: a type alone does not mean all of them, unless --all says so.  Raises Complaint."""
    words = command.args if args is None else args
    selects = [flag for flag in ("selector", "field-selector") if command.flags.get(flag)]
    if command.flags.get("all") and selects:
        raise Complaint(f"error: cannot set --all and --{selects[0]} at the same time")
    wide = bool(selects or command.flags.get("all") or command.flags.get("filename"))
    if len(words) == 1 and "/" not in words[0] and not wide:
        types(words[0])  # a word that means nothing is the greater mistake
        raise Complaint("error: resource(s) were provided, but no name was specified", "Write a name, -l LABEL, or --all.")
    return chosen(context, command, args)


def drafted(context: Context, command: Command, written: Mapping[str, Any]) -> Wanted:
    """A manifest that kubectl has written itself, as an object of the command's namespace.  Raises Complaint."""
    document, = load_each(written)
    if document.error is not None:
        if dry_run(command) == CLIENT:
            return Wanted(written, None)
        raise refusal(document.error, written)
    return placed(context, command, document, "")


def present(context: Context, wanted: Wanted) -> Any:
    """The object of the same name that is there, or None."""
    return context.server.api.present(wanted.resource.kind, wanted.value.key)


def hold(context: Context, wanted: Wanted, how: str = NO) -> Any:
    """Have the cluster hold an object, and return it as it is held.  Raises Complaint."""
    if how == CLIENT:
        return wanted.value
    space = getattr(wanted.value, "namespace", "")
    if space and context.server.api.find("Namespace", space) is None:
        raise no_namespace(space, wanted.source)
    try:
        held, = context.server.api.apply((wanted.value,), (wanted.spot,) if wanted.spot else (), rehearsal=how == SERVER)
    except CourseError as error:
        raise refusal(error, wanted.written or as_dict(wanted.value), wanted.source) from None
    return held


def create(context: Context, wanted: Wanted, how: str = NO) -> Any:
    """Make a new object.  Raises Complaint: also where there is one of the name."""
    if how != CLIENT and present(context, wanted) is not None:
        raise already_exists(wanted.resource, wanted.value.name, wanted.source)
    return hold(context, wanted, how)


def told(context: Context, command: Command, wanted: Wanted, held: Any, done: str, how: str = NO) -> Reply:
    """What kubectl says of an object that it has made or changed: ``pod/web created``, or the object itself with -o."""
    form = command.flags.get("output", "")
    if not form:
        return Reply(f"{wanted.name} {done}{AFTER[how]}\n", value=held)
    if form == "name":
        return Reply(f"{wanted.name}\n", value=held)
    if form not in ("yaml", "json"):
        raise Complaint(f'error: unable to match a printer suitable for the output format "{form}", allowed formats are: '
                        "json,name,yaml")
    drafted_only = how == CLIENT and not wanted.changed
    if drafted_only and form == "json":
        return Reply(f"{output.as_json(in_struct_order(dict(wanted.written)))}\n", value=held)
    plain = in_order(dict(wanted.written)) if drafted_only else context.server.form(wanted.resource).served(held)
    return Reply(output.yaml(plain) if form == "yaml" else f"{output.as_json(plain)}\n", value=held)


def several(command: Command, replies: Iterable[Reply], between: str = "---\n") -> Reply:
    """Replies about several objects as one; as YAML they are documents."""
    if command.flags.get("output") != "yaml":
        return joined(replies)
    found: list[Reply] = []
    for reply in replies:
        later = reply.out and any(each.out for each in found)
        found.append(replace(reply, out=between + reply.out) if later else reply)
    return joined(found)


def in_struct_order(value: Any) -> Any:
    """A manifest that kubectl wrote itself, with the fields in the order of the API's own types, which its JSON has.

    >>> list(in_struct_order({"spec": {}, "apiVersion": "v1", "metadata": {}, "kind": "Pod"}))
    ['kind', 'apiVersion', 'metadata', 'spec']
    """
    if isinstance(value, dict):
        keys = sorted(value, key=lambda one: (_STRUCTS.get(one, len(_STRUCTS)), one))
        return {key: in_struct_order(value[key]) for key in keys}
    return [in_struct_order(one) for one in value] if isinstance(value, list) else value


def each(context: Context, command: Command, do: Callable[[Wanted], Reply]) -> Reply:
    """Do something with every object that ``-f`` asks for; what fails does not keep the others from being done."""
    replies = [one.reply() if isinstance(one, Complaint) else _tried(do, one) for one in in_files(context, command)]
    if not replies:
        raise Complaint(f"error: no objects passed to {command.verb}")
    return replace(several(command, replies), value=[each.value for each in replies])


def _tried(do: Callable[[Wanted], Reply], one: Wanted) -> Reply:
    try:
        return do(one)
    except Complaint as wrong:
        return wrong.reply()
