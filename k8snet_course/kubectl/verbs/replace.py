"""``kubectl replace``: objects that are there become what files ask for, and nothing of the old ones is kept.

Source: k8s.io/kubectl, pkg/cmd/replace.
"""

from __future__ import annotations

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import CLIENT, NO, OUTPUT, dry_run, each, hold, present, told
from k8snet_course.kubectl.complaint import Complaint, server_error
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import Wanted
from k8snet_course.kubectl.flags import SWITCH, Flag
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.verbs.delete import gone
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command


def replace(context: Context, command: Command) -> Reply:
    """Replace what the files name.  Raises Complaint."""
    if command.args and command["filename"]:
        raise Complaint(f"error: Unexpected args: [{' '.join(command.args)}]\nSee 'kubectl replace -h' for help and examples")
    how = dry_run(command)
    return each(context, command, lambda one: _replace(context, command, one, how))


def _replace(context: Context, command: Command, wanted: Wanted, how: str) -> Reply:
    before = present(context, wanted)
    if before is None and not command["force"] and how != CLIENT:
        raise server_error("NotFound", f'error when replacing "{wanted.source}": {wanted.resource.plural_full} '
                           f'"{wanted.value.name}" not found', "Write kubectl apply, which makes what is not there.")
    first = Reply()
    if command["force"] and before is not None and how == NO:
        context.server.api.delete(wanted.resource.kind, before)
        first = Reply(gone(wanted.resource, before))
    return joined([first, told(context, command, wanted, hold(context, wanted, how), "replaced", how)])


VERB = Verb(
    "replace",
    "Put the objects of a manifest in the place of those that are there.",
    "kubectl replace -f FILENAME",
    replace,
    (f.FILENAME, f.RECURSIVE, f.DRY_RUN, OUTPUT, Flag("force", SWITCH, "Delete them first, and make them anew.")),
    ("replace -f pod.yaml", "replace --force -f pod.yaml"),
)
