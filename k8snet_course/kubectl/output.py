"""The forms of ``-o`` that are no table of kubectl's own: yaml, json, name.

Source: k8s.io/cli-runtime pkg/printers.
"""

from __future__ import annotations

import json
from typing import Any

from k8snet_course.kubectl.choose import Chosen
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import OUTPUT_FORMATS
from k8snet_course.kubectl.words import Command


def printed(context: Context, command: Command, found: Chosen) -> str:
    """The objects in the form that the command names.  Raises Complaint."""
    form = command["output"]
    if form == "name":
        return "".join(f"{resource.full}/{value.name}\n" for resource, value in found.objects)
    if form not in ("yaml", "json"):
        raise Complaint(f'error: unable to match a printer suitable for the output format "{command["output"]}", allowed '
                        f"formats are: {','.join(sorted(OUTPUT_FORMATS))}")
    if found.single and not found.objects:
        return ""
    return yaml(document(context, found)) if form == "yaml" else f"{as_json(document(context, found))}\n"


def document(context: Context, found: Chosen) -> dict[str, Any]:
    """The object that was asked for, or a List of those that were."""
    items = [context.server.form(resource).served(value) for resource, value in found.objects]
    if found.single and items:
        return items[0]
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


def yaml(value: dict[str, Any]) -> str:
    """A plain value as YAML."""
    from k8snet_course.yaml_text import text_of

    return text_of([value])


def as_json(value: Any) -> str:
    """A plain value as JSON."""
    return json.dumps(value, indent=4, ensure_ascii=False)
