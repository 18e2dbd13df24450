"""``kubectl label`` and ``kubectl annotate``: words on objects, set, changed and taken away.

Selectors follow at once: Services get other endpoints, policies select other pods, a Deployment makes a pod for one that it has
lost.

Source: k8s.io/kubectl, pkg/cmd/label, pkg/cmd/annotate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import CLIENT, OUTPUT, SERVER, dry_run, hold, named_objects, told
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.files import Wanted
from k8snet_course.kubectl.flags import SWITCH, Flag
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.resources import Resource
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.names import check_labels

_VALUE = ("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
          "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
          "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
_OF_THE_KUBELET = ("kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch")


@dataclass(frozen=True, slots=True)
class Words:
    """What is written on objects: labels or annotations, and how kubectl speaks of them."""

    verb: str
    field: str
    noun: str
    done: str
    undone: str

    def unchanged(self) -> str:
        """What is said where nothing has changed."""
        return f"not {self.done}"


LABELS = Words("label", "labels", "label", "labeled", "unlabeled")
ANNOTATIONS = Words("annotate", "annotations", "annotation", "annotated", "annotated")


def write(words: Words, context: Context, command: Command) -> Reply:
    """Set and remove labels or annotations of the objects that the command names.  Raises Complaint."""
    things, pairs = _apart(words, command.args)
    new, removed = _read(words, pairs)
    if not things and not command["filename"]:
        raise Complaint("error: one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if not new and not removed and not command["list"]:
        raise Complaint(f"error: at least one {words.noun} update is required", f"Write {words.noun}s as KEY=VALUE, or KEY- to "
                        "take one away.")
    found = named_objects(context, command, things)
    replies = []
    for resource, value in found.objects:
        try:
            replies.append(_on(words, context, command, resource, value, new, removed))
        except Complaint as wrong:
            replies.append(wrong.reply())
    replies += [Reply("", f"{line}\n", 1) for line in found.errors]
    return joined(replies).with_hint(found.hint)


def _on(words: Words, context: Context, command: Command, resource: Resource, value: Any, new: Mapping[str, str],
        removed: Sequence[str]) -> Reply:
    form = context.server.form(resource)
    present = dict(form.labels(value) if words is LABELS else form.annotations(value))
    if command["list"]:
        return Reply("".join(f"{key}={present[key]}\n" for key in sorted(present)))
    if not command["overwrite"]:
        taken = [f"'{key}' already has a value ({present[key]})" for key in new if key in present]
        if taken and words is LABELS:
            several = [f"{each}, and --overwrite is false" for each in taken]
            text = several[0] if len(several) == 1 else f"[{', '.join(several)}]"
            raise Complaint(f"error: {text}", "Add --overwrite to change it.")
        if taken:
            raise Complaint("error: --overwrite is false but found the following declared annotation(s): "
                            + "; ".join(taken), "Add --overwrite to change it.")
    missing = "".join(f'{words.noun} "{key}" not found.\n' for key in removed if key not in present)
    after = {key: text for key, text in {**present, **new}.items() if key not in removed}
    how = dry_run(command)
    if how == CLIENT:
        missing = ""
    done = (words.unchanged() if after == present else
            words.undone if not command["overwrite"] and len(after) < len(present) else words.done)
    wanted, held = _held(words, context, resource, value, after, how)
    return joined([Reply(missing), told(context, command, wanted, held, done, how)])


def _held(words: Words, context: Context, resource: Resource, value: Any, after: dict[str, str],
          how: str) -> tuple[Wanted, Any]:
    """The object with other labels or annotations, and as it is then held.  Raises Complaint."""
    if resource.kind == "Node" and words is LABELS:
        return _node(context, resource, value, after, how)
    if context.server.api.find(resource.kind, value.key) is None or not hasattr(value, words.field):
        raise Complaint(f"error: this course keeps no {words.field} of {resource.plural} (asked for {value.name})",
                        f"{resource.kind}s are written by a controller, or without {words.field}.")
    changed = replace(value, **{words.field: after})
    wanted = Wanted({}, changed, changed=True)
    return wanted, hold(context, wanted, how)


def _node(context: Context, resource: Resource, node: Any, after: dict[str, str], how: str) -> tuple[Wanted, Any]:
    own = {key: text for key, text in context.server.form(resource).labels(node).items() if key in _OF_THE_KUBELET}
    if any(after.get(key) != text for key, text in own.items()):
        raise Complaint(f"error: the kubelet gives every node the labels {', '.join(own)}", "Change another label.")
    if how not in (CLIENT, SERVER):
        try:
            context.cluster.label_node(node.name, {key: text for key, text in after.items() if key not in own})
        except CourseError as error:
            raise Complaint(f'The Node "{node.name}" is invalid: metadata.labels: Invalid value: {error}') from None
    return Wanted({}, node, changed=True), node


def _apart(words: Words, args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words for objects, and the pairs after them.  Raises Complaint."""
    things: list[str] = []
    pairs: list[str] = []
    for word in args:
        if ("=" in word and not word.startswith("=")) or (word.endswith("-") and word != "-"):
            pairs.append(word)
        elif pairs:
            raise Complaint(f"error: all resources must be specified before {words.noun} changes: {word}")
        else:
            things.append(word)
    return things, pairs


def _read(words: Words, pairs: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What is to be set, and what is to go.  Raises Complaint."""
    new: dict[str, str] = {}
    removed: list[str] = []
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            removed.append(pair[:-1])
            continue
        if words is LABELS:
            if "=" in text:
                raise Complaint(f"error: invalid label spec: {pair}")
            try:
                check_labels({key: text})
            except CourseError as error:
                detail = _VALUE if "value of the label" in str(error) else str(error)
                raise Complaint(f'error: invalid label value: "{pair}": {detail}') from None
        new[key] = text
    both = next((key for key in removed if key in new), None)
    if both is not None and words is ANNOTATIONS:
        raise Complaint(f"error: can not both modify and remove the following annotation(s) in the same command: {both}")
    if both is not None:
        raise Complaint("error: can not both modify and remove a label in the same command")
    return new, removed


def _verb(words: Words, examples: tuple[str, ...]) -> Verb:
    return Verb(
        words.verb,
        f"Set, change and remove {words.field} of objects.",
        f"kubectl {words.verb} [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N",
        partial(write, words),
        (
            Flag("overwrite", SWITCH, f"Change {words.field} that have a value."),
            Flag("list", SWITCH, f"Show the {words.field}."),
            Flag("all", SWITCH, "All objects of the type in the namespace."),
            f.SELECTOR, f.FIELD_SELECTOR, f.ALL_NAMESPACES, f.FILENAME, f.RECURSIVE, OUTPUT, f.DRY_RUN,
        ),
        examples,
    )


VERB = _verb(LABELS, ("label pod web app=web", "label pod web app=db --overwrite", "label pod web app-",
                      "label node node-1 topology.kubernetes.io/zone=zone-a", "label namespace shop team=a"))
ANNOTATE = _verb(ANNOTATIONS, ("annotate pod web k8snet-course/listen=8080", "annotate pod web k8snet-course/listen-"))

