"""``kubectl set image``: another image for containers; of a Deployment that means other pods.

Source: k8s.io/kubectl, pkg/cmd/set/set_image.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import OUTPUT, dry_run, hold, named_objects, told
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.drafts.pods import checked_image
from k8snet_course.kubectl.files import Wanted
from k8snet_course.kubectl.flags import SWITCH, Flag
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.objects.pod import Pod


def set_image(context: Context, command: Command) -> Reply:
    """Change images of the objects that the command names.  Raises Complaint."""
    things = [word for word in command.args if "=" not in word]
    images = {key: checked_image(image) for key, _, image in (word.partition("=") for word in command.args if "=" in word)}
    found = named_objects(context, command, things)
    if not images and not found.errors:
        raise Complaint("error: at least one image update is required", "Write CONTAINER=IMAGE, such as nginx=nginx:1.29.")
    how = dry_run(command)
    replies = []
    for resource, value in found.objects:
        changed = _changed(resource.plural, value, images)
        if changed == value:
            continue
        one = Wanted({}, changed, changed=True)
        replies.append(told(context, command, one, hold(context, one, how), "image updated", how))
    replies += [Reply("", f"{line}\n", 1) for line in found.errors]
    return joined(replies).with_hint(found.hint)


def _changed(plural: str, value: Any, images: Mapping[str, str]) -> Any:
    """The object with other images.  Raises Complaint for a container that it does not have."""
    pod = value if isinstance(value, Pod) else getattr(value, "template", None)
    if pod is None:
        raise Complaint(f"error: {plural} have no containers", "Name a pod, a Deployment or a ReplicaSet.")
    names = [box.name for box in pod.containers]
    unknown = next((name for name in images if name not in (*names, "*")), None)
    if unknown is not None:
        raise Complaint(f'error: unable to find container named "{unknown}"', f"It has {', '.join(names)}.")
    boxes = tuple(replace(box, image=images.get(box.name, images.get("*", box.image))) for box in pod.containers)
    changed = replace(pod, containers=boxes)
    return changed if isinstance(value, Pod) else replace(value, template=changed)


def _none(context: Context, command: Command) -> Reply:
    raise Complaint("error: you must say what to set\nSee 'kubectl set -h' for help and examples",
                    "This kubectl sets images: kubectl set image deployment/web nginx=nginx:1.29")


_IMAGE = Verb(
    "set image", "Change images of containers.", "kubectl set image TYPE/NAME CONTAINER=IMAGE ...", set_image,
    (Flag("all", SWITCH, "All objects of the type in the namespace."), f.SELECTOR, f.FILENAME, f.RECURSIVE, OUTPUT, f.DRY_RUN),
    ("set image deployment/web nginx=nginx:1.29",))

VERB = Verb("set", "Change parts of objects.", "kubectl set image", _none, (),
            ("set image deployment/web nginx=nginx:1.29",), {"image": _IMAGE})
