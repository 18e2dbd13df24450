"""``kubectl scale``: another number of pods, by the controller that makes them.

Source: k8s.io/kubectl, pkg/cmd/scale.
"""

from __future__ import annotations

from dataclasses import replace

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import OUTPUT, dry_run, hold, named_objects, told
from k8snet_course.kubectl.complaint import Complaint, server_error
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import Wanted
from k8snet_course.kubectl.flags import NUMBER, SWITCH, Flag
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command

_MOST = 5000


def scale(context: Context, command: Command) -> Reply:
    """Give the workloads that the command names another number of pods.  Raises Complaint."""
    if "replicas" not in command.given:
        raise Complaint('error: required flag(s) "replicas" not set', "Write --replicas=3, for example.")
    wanted = command["replicas"]
    if wanted < 0:
        raise Complaint("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    if wanted > _MOST:
        raise Complaint(f"error: this course's workloads have at most {_MOST} pods")
    found = named_objects(context, command)
    how = dry_run(command)
    replies = []
    for resource, value in found.objects:
        if not hasattr(value, "replicas"):
            raise server_error("NotFound", "the server could not find the requested resource",
                               f"A {resource.kind} has no number of replicas: scale a Deployment or a ReplicaSet.")
        if command["current-replicas"] not in (-1, value.replicas):
            raise Complaint(f"error: Expected replicas to be {command['current-replicas']}, was {value.replicas}")
        if context.server.api.find(resource.kind, value.key) is None:
            raise Complaint(f"error: the ReplicaSet {value.name} belongs to a Deployment, which would scale it back at once",
                            "Scale the Deployment.")
        changed = replace(value, replicas=wanted)
        one = Wanted({}, changed, changed=True)
        replies.append(told(context, command, one, hold(context, one, how), "scaled", how))
    replies += [Reply("", f"{line}\n", 1) for line in found.errors]
    if not replies:
        raise Complaint("error: no objects passed to scale")
    return joined(replies).with_hint(found.hint)


VERB = Verb(
    "scale",
    "Set the number of pods of a Deployment or ReplicaSet.",
    "kubectl scale [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
    scale,
    (
        Flag("replicas", NUMBER, "How many pods there are to be."),
        Flag("current-replicas", NUMBER, "Only if there are so many now.", default=-1),
        Flag("all", SWITCH, "All of the type in the namespace."),
        f.SELECTOR, f.FILENAME, f.RECURSIVE, OUTPUT, f.DRY_RUN,
    ),
    ("scale deployment web --replicas=3", "scale --replicas=0 deployment/web"),
)
