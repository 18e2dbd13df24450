"""``kubectl apply``: what files ask for, made or changed, and what others have set left alone.

Modelled simply: of the fields that others than the manifest have set, apply leaves labels, annotations and the number of
replicas alone, as the real one does; everything else is what the manifest says.

Source: k8s.io/kubectl, pkg/cmd/apply; "Declarative Management of Kubernetes Objects Using Configuration Files".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import CLIENT, NO, OUTPUT, dry_run, each, hold, present, told
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import Wanted
from k8snet_course.kubectl.flags import SWITCH, TEXT, Flag
from k8snet_course.kubectl.refusals import refusal
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.manifests import updated

_OTHERS_SET = ("labels", "annotations")


def apply(context: Context, command: Command) -> Reply:
    """Have the cluster hold what the files ask for.  Raises Complaint."""
    if command["kustomize"]:
        raise Complaint("error: this kubectl has no kustomize", "Write -f with the files themselves.")
    if command["server-side"]:
        raise Complaint("error: this kubectl applies on the client's side only", "Leave --server-side out.")
    if command.args:
        raise Complaint(f"error: Unexpected args: [{' '.join(command.args)}]\nSee 'kubectl apply -h' for help and examples",
                        "Write -f before the file's name.")
    how = dry_run(command)
    return each(context, command, lambda one: _apply(context, command, one, how))


def _apply(context: Context, command: Command, wanted: Wanted, how: str) -> Reply:
    before = present(context, wanted)
    place = (wanted.resource.kind, wanted.value.key)
    last = context.server.applied.get(place, {}) if before is not None else {}
    merged = wanted if before is None else replace(wanted, value=_merged(wanted, before, last))
    if before is not None:
        try:
            same = updated(before, merged.value) == before
        except CourseError as error:
            if wanted.spot is not None:
                error.stands_at(wanted.spot.meant_by(error).line)
            raise refusal(error, wanted.written, wanted.source) from None
    held = before if before is not None and same and how != CLIENT else hold(context, merged, how)
    if how == NO:
        context.server.applied[place] = wanted.written
    return told(context, command, merged, held, "created" if before is None else "unchanged" if same else "configured", how)


def _merged(wanted: Wanted, before: Any, last: Mapping[str, Any]) -> Any:
    """The wanted object, with what others have set: what the last manifest that was applied did not ask for."""
    value = wanted.value
    for name in _OTHERS_SET:
        if hasattr(value, name):
            ours = _map(_map(last, "metadata"), name)
            kept = {key: text for key, text in getattr(before, name).items() if key not in ours}
            value = replace(value, **{name: {**kept, **getattr(value, name)}})
    asked = "replicas" in _map(wanted.written, "spec") or "replicas" in _map(last, "spec")
    if hasattr(value, "replicas") and not asked:
        value = replace(value, replicas=before.replicas)
    return value


def _map(written: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """A map inside a manifest; empty where there is none."""
    found = written.get(field)
    return found if isinstance(found, Mapping) else {}


VERB = Verb(
    "apply",
    "Make or change what a manifest asks for.",
    "kubectl apply -f FILENAME",
    apply,
    (
        f.FILENAME, f.RECURSIVE, f.DRY_RUN, OUTPUT,
        Flag("kustomize", TEXT, "A folder for kustomize: not in this course.", "k"),
        Flag("server-side", SWITCH, "Let the API server merge: not in this course."),
        Flag("validate", TEXT, "How strictly fields are checked: here always.", default="strict", bare="strict"),
        Flag("wait", SWITCH, "Wait until it is done: here it is done at once."),
    ),
    ("apply -f pod.yaml", "apply -f -", "apply -f shop.yaml --dry-run=server"),
)
