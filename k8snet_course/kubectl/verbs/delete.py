"""``kubectl delete``: objects by type and name, by label, all of a type, or those of a file.

Source: k8s.io/kubectl, pkg/cmd/delete (with the namespace in its line, since 1.34).
"""

from __future__ import annotations

from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import AFTER, CLIENT, NO, dry_run, named_objects
from k8snet_course.kubectl.choose import not_found
from k8snet_course.kubectl.complaint import Complaint, server_error
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import in_files
from k8snet_course.kubectl.flags import NUMBER, SWITCH, TEXT, Flag
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.resources import Resource
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command

_FORCED = ("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The "
           "resource may continue to run on the cluster indefinitely.\n")
_EVERYWHERE = "Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n"
_WRITTEN_AGAIN = {
    "EndpointSlice": "The EndpointSlice controller writes it again at once, from the Service's selector and the pods.",
    "Endpoints": "The Endpoints controller writes it again at once, from the Service's selector and the pods.",
    "ReplicaSet": "Its Deployment makes it again at once.",
}


def delete(context: Context, command: Command) -> Reply:
    """Delete what the command names.  Raises Complaint."""
    if command["all"] and (command["selector"] or command["field-selector"]):
        raise Complaint("error: setting 'all' parameter but found a non empty selector. ")
    how = dry_run(command)
    if command["filename"] and not command.args:
        return _of_files(context, command, how)
    found = named_objects(context, command)
    many = bool(command["all"] or command["selector"] or command["field-selector"])
    replies = [Reply("", _warnings(command, any(not group.resource.namespaced for group in found.groups)))]
    done = 0
    for resource, value in found.objects:
        reply = _delete(context, command, resource, value, how, many)
        done += bool(reply.out or reply.err)
        replies.append(reply)
    if not done and not found.errors:
        replies.append(Reply("No resources found\n"))
    replies += [Reply("", f"{line}\n", 1) for line in found.errors]
    return joined(replies).with_hint(found.hint)


def _of_files(context: Context, command: Command, how: str) -> Reply:
    """Delete what files name, one by one: what went with another one is missing then."""
    warnings = Reply("", _warnings(command, False))
    replies: list[Reply] = []
    for one in in_files(context, command):
        if isinstance(one, Complaint):
            replies.append(one.reply())
            continue
        resource, value = one.resource, one.value
        if how != CLIENT and context.server.find(resource, value.name, getattr(value, "namespace", "")) is None:
            if not command["ignore-not-found"]:
                replies.append(server_error("NotFound", f'error when deleting "{one.source}": {resource.plural_full} '
                                            f'"{value.name}" not found').reply())
            continue
        replies.append(_delete(context, command, resource, value, how, True))
    if not any(reply.out or reply.err for reply in replies):
        replies.append(Reply("No resources found\n"))
    return joined([warnings, *replies])


def _delete(context: Context, command: Command, resource: Resource, value: Any, how: str, many: bool) -> Reply:
    kind = resource.kind
    namespace = getattr(value, "namespace", "")
    if kind == "Node":
        return Complaint(f"error: this course's nodes stay for a cluster's lifetime (asked to delete {value.name})",
                         "Make another cluster, with Cluster(nodes=...).").reply()
    if how != CLIENT and context.server.find(resource, value.name, namespace) is None:  # it went with another one of the list
        return Reply() if many else Reply("", f"{not_found(resource, value.name)}\n", 1)
    text = f"{resource.full}/{value.name}\n" if command["output"] == "name" else gone(resource, value, how, command["force"])
    held = context.server.api.find(kind, f"{namespace}/{value.name}" if resource.namespaced else value.name)
    if held is None and how != CLIENT:
        if kind == "ReplicaSet" and how == NO:
            _cascade(context, value)
        return Reply(text, f"{_WRITTEN_AGAIN.get(kind, 'It is made again at once.')}\n")
    if how == NO:
        try:
            context.server.api.delete(kind, held)
        except CourseError as error:
            return server_error("Forbidden", f'{resource.plural_full} "{value.name}" is forbidden: this namespace may not be '
                                "deleted", str(error)).reply()
        context.server.forget(kind, held)
    return Reply(text)


def _cascade(context: Context, replica_set: Any) -> None:
    """The pods go with their ReplicaSet, and the Deployment makes others."""
    for pod in replica_set.pods():
        if context.server.api.find("Pod", pod.key) is not None:
            context.cluster.delete("pod", pod.name, pod.namespace)


def gone(resource: Resource, value: Any, how: str = NO, forced: bool = False) -> str:
    """The line about an object that is no more."""
    done = "force deleted" if forced else "deleted"
    where = f" from {value.namespace} namespace" if resource.namespaced else ""
    return f'{resource.full} "{value.name}" {done}{AFTER[how]}{where}\n'


def _warnings(command: Command, everywhere: bool) -> str:
    if command["now"] and "grace-period" in command.given:
        raise Complaint("error: --now and --grace-period cannot be specified together")
    if command["force"] and command["grace-period"] > 0:
        raise Complaint("error: --force and --grace-period greater than 0 cannot be specified together")
    if command["output"] not in ("", "name"):
        raise Complaint(f"error: unexpected -o output mode: {command['output']}. We only support '-o name'")
    return (_FORCED if command["force"] else "") + (_EVERYWHERE if everywhere and "namespace" in command.given else "")


VERB = Verb(
    "delete",
    "Delete objects.",
    "kubectl delete ([-f FILENAME] | TYPE [(NAME | -l label | --all)])",
    delete,
    (
        f.FILENAME, f.RECURSIVE, f.SELECTOR, f.FIELD_SELECTOR, f.ALL_NAMESPACES,
        Flag("all", SWITCH, "All objects of the type in the namespace."),
        Flag("ignore-not-found", SWITCH, "Say nothing about objects that are not there."),
        Flag("force", SWITCH, "Do not wait for the programs to end."),
        Flag("now", SWITCH, "Give the programs one second to end."),
        Flag("grace-period", NUMBER, "How many seconds the programs have to end.", default=-1),
        Flag("wait", SWITCH, "Wait until it is done: here it is done at once.", default=True),
        Flag("cascade", TEXT, "What happens to what the object has made: here it goes too.", default="background",
             bare="background", values=("background", "foreground")),
        Flag("timeout", TEXT, "How long to wait."),
        Flag("output", TEXT, "The form of the output.", "o", values=("name",)),
        f.DRY_RUN,
    ),
    ("delete pod web", "delete pods,services -l app=web", "delete pods --all", "delete -f shop.yaml", "delete namespace shop"),
)
