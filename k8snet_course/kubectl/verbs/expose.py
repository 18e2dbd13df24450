"""``kubectl expose``: a Service for pods that are there, by the selector of what makes them.

Source: k8s.io/kubectl, pkg/cmd/expose/expose.go; pkg/polymorphichelpers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import OUTPUT, create, drafted, dry_run, several, told
from k8snet_course.kubectl.choose import chosen
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.drafts.services import Exposed, exposing
from k8snet_course.kubectl.flags import TEXT, Flag
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.resources import Resource
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command

_SEE = "\nSee 'kubectl expose -h' for help and examples"


def expose(context: Context, command: Command) -> Reply:
    """Make a Service for each object that the command names.  Raises Complaint."""
    found = chosen(context, replace(command, flags={**command.flags, "selector": ""}))  # here it is the Service's
    how = dry_run(command)
    replies = [Reply("", f"{line}\n", 1) for line in found.errors]
    for resource, value in found.objects:
        written = exposing(
            _what(resource, value, bool(command["selector"])), name=command["name"], namespace=command["namespace"],
            port=command["port"], target_port=command["target-port"], protocol=command["protocol"], kind=command["type"],
            selector=command["selector"], labels=command["labels"], cluster_ip=command["cluster-ip"],
            external_ip=command["external-ip"], session_affinity=command["session-affinity"])
        wanted = drafted(context, command, written)
        replies.append(told(context, command, wanted, create(context, wanted, how), "exposed", how))
    return several(command, replies).with_hint(found.hint)


def _what(resource: Resource, value: Any, selected: bool) -> Exposed:
    """The selector, labels and ports that an object lends to its Service.  Raises Complaint."""
    if resource.kind == "Pod":
        return Exposed(value.name, _selector(value.labels, "the pod has no labels and cannot be exposed", selected),
                       value.labels, _container_ports(value))
    if resource.kind == "Service":
        return Exposed(value.name, _selector(value.selector, "the service has no pod selector set", selected), value.labels,
                       tuple((port.port, port.protocol) for port in value.ports))
    if resource.kind in ("Deployment", "ReplicaSet"):
        if value.selector.match_expressions and not selected:
            raise Complaint(f"error: couldn't retrieve selectors via --selector flag or introspection: couldn't convert "
                            f'expressions - "{value.selector}" to map-based selector format{_SEE}')
        return Exposed(value.name, value.selector.match_labels, value.labels, _container_ports(value.template))
    group = f".{resource.group}" if resource.group else ""
    raise Complaint(f"error: cannot expose a {resource.kind}{group}", "Name a pod, a Service, a Deployment or a ReplicaSet.")


def _selector(found: Mapping[str, str], without: str, selected: bool) -> Mapping[str, str]:
    if not found and not selected:
        raise Complaint(f"error: couldn't retrieve selectors via --selector flag or introspection: {without}{_SEE}",
                        "A Service finds its pods by labels: give it some with kubectl label, or write --selector=app=web.")
    return found


def _container_ports(pod: Any) -> tuple[tuple[int, str], ...]:
    return tuple(dict.fromkeys((port.container_port, port.protocol) for box in pod.containers for port in box.ports))


VERB = Verb(
    "expose",
    "Make a Service for a pod, a Deployment or another Service.",
    "kubectl expose (TYPE NAME | TYPE/NAME) [--port=port] [--target-port=number-or-name] [--name=name] [--type=type]",
    expose,
    (
        Flag("port", TEXT, "The port of the Service; without it, those that the containers declare."),
        Flag("target-port", TEXT, "The port of the pods, by number or name; without it, as --port."),
        Flag("protocol", TEXT, "The protocol; without it, TCP.", values=("TCP", "UDP", "SCTP")),
        Flag("name", TEXT, "The name of the Service; without it, that of the object."),
        Flag("type", TEXT, "The type of the Service.", values=("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")),
        Flag("selector", TEXT, "The labels that select the pods; without them, those of the object's own selector."),
        Flag("labels", TEXT, "The labels of the Service; without them, those of the object.", "l"),
        Flag("cluster-ip", TEXT, "The cluster IP, or None for a headless Service."),
        Flag("external-ip", TEXT, "An address outside the cluster that is to lead to the Service too."),
        Flag("session-affinity", TEXT, "Whether a client stays with one pod.", values=("None", "ClientIP")),
        f.FILENAME, f.RECURSIVE, OUTPUT, f.DRY_RUN,
    ),
    ("expose deployment web --port=80", "expose pod web --port=80 --target-port=8080 --name=front --type=NodePort"),
)
