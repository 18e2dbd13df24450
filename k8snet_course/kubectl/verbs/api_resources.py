"""``kubectl api-resources``: the types of objects, and the words by which they are named.

Source: k8s.io/kubectl, pkg/cmd/apiresources.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import SWITCH, TEXT, Flag
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.resources import RESOURCES, Resource
from k8snet_course.kubectl.table import columns
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.manifests import KINDS

_HEADER = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND")
_WIDE = ("VERBS", "CATEGORIES")
_ORDERS: dict[str, Callable[[Resource], tuple[str, ...]]] = {
    "": lambda one: (one.group, one.plural), "name": lambda one: (one.plural,), "kind": lambda one: (one.kind,),
}


def api_resources(context: Context, command: Command) -> Reply:
    """List the types.  Raises Complaint."""
    if command.args:
        raise Complaint(f"error: unexpected arguments: [{' '.join(command.args)}]\nSee 'kubectl api-resources -h' for help and "
                        "examples")
    if command["output"] not in ("", "wide", "name"):
        raise Complaint(f"error: --output {command['output']} is not available")
    if command["sort-by"] not in _ORDERS:
        raise Complaint("error: --sort-by accepts only name or kind")
    found = sorted((one for one in RESOURCES.values() if _asked(one, command)), key=_ORDERS[command["sort-by"]])
    if command["output"] == "name":
        return Reply("".join(f"{one.plural_full}\n" for one in found), value=found)
    wide = command["output"] == "wide"
    rows = [] if command["no-headers"] else [(*_HEADER, *_WIDE) if wide else _HEADER]
    rows += [(one.plural, ",".join(one.short), one.api_version, str(one.namespaced).lower(), one.kind,
              *((_verbs(one), _categories(one)) if wide else ())) for one in found]
    return Reply(f"{columns(rows)}\n" if rows else "", value=found)


def _asked(one: Resource, command: Command) -> bool:
    if "namespaced" in command.given and one.namespaced != command["namespaced"]:
        return False
    if "api-group" in command.given and one.group != command["api-group"]:
        return False
    return not command["categories"] or command["categories"] in _categories(one).split(",")


def _verbs(one: Resource) -> str:
    """What can be done with objects of a type, in this course."""
    if one.kind in KINDS:
        return "create,delete,get,list,patch,update,watch"
    return "get,list,patch,watch" if one.kind == "Node" else "get,list,watch"


def _categories(one: Resource) -> str:
    return "all" if one.in_all else "gateway-api" if one.group == "gateway.networking.k8s.io" else ""


VERB = Verb(
    "api-resources",
    "List the types of objects.",
    "kubectl api-resources [--namespaced=true|false] [--api-group=GROUP] [-o wide|name]",
    api_resources,
    (
        Flag("output", TEXT, "The form of the output.", "o", values=("wide", "name")),
        Flag("namespaced", SWITCH, "Only types whose objects lie in namespaces; with =false only the others.", default=True),
        Flag("api-group", TEXT, "Only types of this API group."),
        Flag("categories", TEXT, "Only types of this category, such as all."),
        Flag("no-headers", SWITCH, "Leave the headers out."),
        Flag("sort-by", TEXT, "Sort by name or kind.", values=("name", "kind")),
    ),
    ("api-resources", "api-resources --namespaced=false", "api-resources --api-group=networking.k8s.io -o name"),
)
