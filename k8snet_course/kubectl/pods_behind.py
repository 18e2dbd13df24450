"""Which pod a command is about that needs one and names a Service or a workload: ``exec deploy/web``, ``port-forward svc/web``.

Source: k8s.io/kubectl, pkg/polymorphichelpers (attachablepodforobject.go), pkg/util/podutils (ActivePods).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snet_course.kubectl.choose import chosen
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.words import Command
from k8snet_course.objects.pod import Pod


def named(context: Context, command: Command, word: str) -> Any:
    """The one object that a word means: a pod's name, or TYPE/NAME.  Raises Complaint."""
    found = chosen(context, command, [word] if "/" in word else ["pods", word])
    if found.errors:
        raise Complaint(found.errors[0], found.hint)
    return found.objects[0][1]


def pod_of(context: Context, value: Any) -> Pod:
    """The pod itself, or the first of those that a Service or workload selects: one that is ready, of these the oldest.

    Raises Complaint.
    """
    if isinstance(value, Pod):
        return value
    kind = type(value).__name__
    selector = getattr(value, "selector", None)
    if selector is None:
        raise Complaint(f"error: cannot attach to {kind}: not implemented", "Name a pod, a Service, a Deployment or a "
                                                                            "ReplicaSet.")
    around = [pod for pod in context.cluster.pods if pod.namespace == value.namespace]
    if isinstance(selector, Mapping):
        if not selector:
            raise Complaint(f"error: invalid service '{value.name}': Service is defined without a selector")
        found = [pod for pod in around if selector.items() <= pod.labels.items()]
    else:
        found = [pod for pod in around if selector.matches(pod.labels)]
    if not found:
        raise Complaint("error: timed out waiting for the condition", f"No pod has the labels that {kind.lower()} {value.name} "
                        "selects.")
    api, clock = context.server.api, context.server.clock
    return min(found, key=lambda pod: (not api.services.state(pod.key).ready, clock.born("Pod", pod.key), pod.name))
