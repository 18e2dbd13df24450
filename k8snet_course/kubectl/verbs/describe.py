"""``kubectl describe``: everything about some objects, in words.

Source: kubectl's describe command (k8s.io/kubectl pkg/cmd/describe, pkg/describe).
"""

from __future__ import annotations

from typing import Any

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.choose import Chosen, Group, chosen
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import SWITCH, Flag
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.resources import several
from k8snet_course.kubectl.tabs import aligned
from k8snet_course.kubectl.verbs.get import ENDPOINTS_WARNING, nothing
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command


def describe(context: Context, command: Command) -> Reply:
    """What ``kubectl describe`` prints."""
    if not command.args and not command["filename"]:
        raise Complaint('error: You must specify the type of resource to describe. Use "kubectl api-resources" for a complete '
                        "list of supported resources.")
    found, between = chosen(context, command), "\n\n"
    alike = _by_prefix(context, command) if found.errors and not found.groups else None
    if alike is not None:
        found, between = alike, "\n"
    texts = [aligned(context.server.form(resource).describe(value)) for resource, value in found.objects]
    errors = "".join(f"{line}\n" for line in found.errors)
    if not texts and not errors:
        errors = nothing(context, command, found)
    warning = ENDPOINTS_WARNING if any(group.resource.plural == "endpoints" for group in found.groups) else ""
    values = [value for _, value in found.objects]
    out = between.join(texts) + (between if alike is not None else "")
    return Reply(out, warning + errors, 1 if found.errors else 0, values).with_hint(found.hint)


def _by_prefix(context: Context, command: Command) -> Chosen | None:
    """The objects whose name begins with the one that was given, if there is no object of that name."""
    if len(command.args) != 2 or "/" in command.args[0]:
        return None
    namespace, prefix = context.namespace(command), command.args[1]
    groups: list[Group] = []
    for resource in several(command.args[0]):
        values: list[Any] = [one for one in context.server.objects(resource, namespace) if one.name.startswith(prefix)]
        if values:
            groups.append(Group(resource, tuple(values)))
    return Chosen(tuple(groups)) if groups else None


VERB = Verb(
    "describe",
    "Tell everything about some objects, in words.",
    "kubectl describe (TYPE [NAME_PREFIX | -l label] | TYPE/NAME | -f FILENAME) [options]",
    describe,
    (
        f.SELECTOR, f.ALL_NAMESPACES, f.FILENAME, f.RECURSIVE, f.CHUNK_SIZE,
        Flag("show-events", SWITCH, "Show what has happened to the objects: nobody keeps that here.", default=True),
    ),
    ("describe pod web", "describe svc -n shop", "describe pods -l app=web", "describe node node-1",
     "describe netpol/deny-all"),
)
