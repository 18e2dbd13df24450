"""``kubectl explain``: what a kind or a field of a manifest is for.

Source: k8s.io/kubectl, pkg/explain/v2 (the plain text form).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from textwrap import wrap

from k8snet_course.kubectl.complaint import Complaint, did_you_mean
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.explained import Part, schema
from k8snet_course.kubectl.flags import SWITCH, TEXT, Flag
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.resources import Resource, named
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.manifests import KINDS

_NOBODY_WRITES = {
    "Node": "A machine of the cluster. Nobody writes one: Cluster(nodes=...) makes them, and the kubelet reports their state.",
    "Endpoints": "The addresses behind a Service, as they were before there were EndpointSlices. A controller writes them.",
}
_MOST_CHOICES = 4


def explain(context: Context, command: Command) -> Reply:
    """Explain a type, or the field at a path of it.  Raises Complaint."""
    if not command.args:
        raise Complaint('error: You must specify the type of resource to explain. Use "kubectl api-resources" for a complete '
                        'list '
                        "of supported resources.")
    if len(command.args) > 1:
        raise Complaint("error: We accept only this format: explain RESOURCE", "Write a path with dots: pod.spec.containers.")
    if command["output"] not in ("plaintext", "plaintext-openapiv2"):
        raise Complaint(f"error: unknown output format {command['output']}")
    word, _, path = command.args[0].partition(".")
    resource, steps = _resource(command.args[0], word, path)
    try:
        return Reply(explained(resource, steps, recursive=command["recursive"]))
    except Complaint as wrong:  # by then the real one has printed whose field it was
        return replace(wrong.reply(), out="\n".join([*_head(resource), ""]))


def _resource(given: str, word: str, path: str) -> tuple[Resource, list[str]]:
    """The type that a word means, and the fields after it: ``pods.spec``, ``ingresses.networking.k8s.io``."""
    try:
        return named(given), []
    except Complaint:
        pass
    try:
        return named(word), [step for step in path.split(".") if step]
    except Complaint as wrong:
        raise Complaint(wrong.text.removeprefix("error: "), wrong.hint) from None


def explained(resource: Resource, steps: Iterable[str], *, recursive: bool = False) -> str:
    """The text about a type, or about the field that the steps lead to.  Raises Complaint.

    >>> print(explained(named("ns"), ["kind"]), end="")
    KIND:       Namespace
    VERSION:    v1
    <BLANKLINE>
    FIELD: kind <string>
    <BLANKLINE>
    <BLANKLINE>
    DESCRIPTION:
        What the object is.
    <BLANKLINE>
    <BLANKLINE>
    """
    lines = _head(resource)
    if resource.kind not in KINDS:
        return "\n".join([*lines, "DESCRIPTION:", *_described(_NOBODY_WRITES[resource.kind]), "", ""])
    here = schema(resource.kind)
    for step in steps:
        found = here.field(step)
        if found is None:
            near = get_close_matches(step, [each.name for each in here.fields], 2, 0.6)
            raise Complaint(f'error: field "{step}" does not exist', did_you_mean(near))
        here = found
    if here.name:
        lines += [f"FIELD: {here.name} <{here.type}>"]
        lines += ["ENUM:", *(f"    {choice}" for choice in here.choices)] if here.choices else [""]
        lines += [""]
    lines += ["DESCRIPTION:", *_described(here.text), "    "]
    if here.fields:
        lines += ["FIELDS:", *_listed(here, 1, recursive)]
        others = [each.name for each in here.fields if not each.modelled]
        if others and not recursive:
            lines += _without_effect(others)
    return "\n".join([*lines, "", ""])


def _head(resource: Resource) -> list[str]:
    """The lines that say whose fields these are."""
    group, _, version = resource.api_version.rpartition("/")
    return [*([f"GROUP:      {group}"] if group else []), f"KIND:       {resource.kind}", f"VERSION:    {version}", ""]


def _described(text: str) -> list[str]:
    return [f"    {line}" for paragraph in text.split("\n") for line in wrap(paragraph, 76, break_on_hyphens=False)]


def _listed(part: Part, level: int, recursive: bool) -> list[str]:
    """The fields of a type, each with its text, or (recursive) with the fields inside."""
    found: list[str] = []
    indent = "  " * level
    for each in part.fields:
        if not each.modelled:
            continue
        found.append(f"{indent}{each.name}\t<{each.type}>{' -required-' if each.required else ''}")
        if recursive:
            found += _listed(each, level + 1, recursive)
            continue
        if each.choices:
            more = ", ...." if len(each.choices) > _MOST_CHOICES else ""
            found.append(f"{indent}enum: {', '.join(each.choices[:_MOST_CHOICES])}{more}")
        own = each.text.partition("\n")[0]  # what follows is about its type
        found += [f"{indent}  {line}" for line in wrap(own, 78 - 2 * level, break_on_hyphens=False)]
        found.append("")
    return found


def _without_effect(names: Iterable[str]) -> list[str]:
    text = f"Fields that change nothing in this course, or are not in it: {', '.join(names)}."
    return [f"  {line}" for line in wrap(text, 78, break_on_hyphens=False)]


VERB = Verb(
    "explain",
    "Say what a type or a field of it is for.",
    "kubectl explain TYPE[.field...] [--recursive]",
    explain,
    (
        Flag("recursive", SWITCH, "All fields inside, without their texts."),
        Flag("api-version", TEXT, "The version of the API: each type has one here."),
        Flag("output", TEXT, "The form of the output.", "o", default="plaintext", values=("plaintext",)),
    ),
    ("explain networkpolicy", "explain pod.spec.containers", "explain svc.spec --recursive"),
)
