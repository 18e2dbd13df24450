"""``kubectl create``: objects from files, or one that a few flags describe.

Source: k8s.io/kubectl, pkg/cmd/create.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import OUTPUT, create, drafted, dry_run, each, told
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.drafts import ingresses, pods, services
from k8snet_course.kubectl.flags import NUMBER, TEXT, TEXTS, WORDS, Flag
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.resources import NOT_MODELLED, of_kind
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.objects.service import CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT

_ALSO = {"token": "Everybody may do everything in this course.", "quota": "There are no quotas in this course."}
_INVALID = re.compile(r'^The (\w+) "')
_NAMED = (f.DRY_RUN, OUTPUT, Flag("save-config", f.SWITCH, "Note the manifest for a later apply: here that is always done."),
          Flag("validate", TEXT, "How strictly fields are checked: here always.", default="strict", bare="strict"))


def from_files(context: Context, command: Command) -> Reply:
    """Make the objects that files ask for.  Raises Complaint."""
    if command.args:
        word = command.args[0]
        if word in NOT_MODELLED or f"{word}s" in NOT_MODELLED or word in _ALSO:
            raise Complaint(f"error: this course's kubectl has no \"create {word}\"", _ALSO.get(word, "") or
                            f"A real cluster has {word}s; this course's network does without them.")
        raise Complaint(f"error: Unexpected args: [{' '.join(command.args)}]\nSee 'kubectl create -h' for help and examples",
                        "Write kubectl run NAME --image=nginx." if word in ("pod", "pods", "po") else
                        "Write one of namespace, deployment, service and ingress, or -f FILE.")
    how = dry_run(command)
    return each(context, command, lambda one: told(context, command, one, create(context, one, how), "created", how))


def _create(what: str, draft: Callable[[Command, str], Mapping[str, Any]], context: Context, command: Command) -> Reply:
    """Make the one object that the flags describe; ``what`` is how kubectl's error names it (empty: it does not).

    Raises Complaint.
    """
    if len(command.args) != 1:
        raise Complaint(f"error: exactly one NAME is required, got {len(command.args)}\n"
                        f"See 'kubectl {command.verb} -h' for help and examples")
    how = dry_run(command)
    written = draft(command, command.args[0])
    try:
        wanted = drafted(context, command, written)
        held = create(context, wanted, how)
    except Complaint as wrong:
        raise _wrapped(wrong, what) if what else wrong from None
    return told(context, command, wanted, held, "created", how)


def _wrapped(wrong: Complaint, what: str) -> Complaint:
    """The API server's words inside those of ``create``."""
    _, mark, words = wrong.text.partition("): ")
    if not mark or not wrong.text.startswith("Error from server ("):
        words = _INVALID.sub(lambda found: f'{_kind(found[1])} "', wrong.text.removeprefix("error: "))
    return Complaint(f"error: failed to create {what}: {words}", wrong.hint)


def _kind(kind: str) -> str:
    """A kind with its group: Deployment.apps."""
    group = of_kind(kind).group
    return f"{kind}.{group}" if group else kind


def _required(command: Command, flag: str) -> None:
    if flag not in command.given:
        raise Complaint(f'error: required flag(s) "{flag}" not set')


def _namespace(command: Command, name: str) -> Mapping[str, Any]:
    return pods.namespace(name)


def _deployment(command: Command, name: str) -> Mapping[str, Any]:
    _required(command, "image")
    return pods.deployment(name, command["image"], namespace=command["namespace"], replicas=command["replicas"],
                           port=command["port"], command=command.after or ())


def _service(kind: str, command: Command, name: str) -> Mapping[str, Any]:
    if kind == EXTERNAL_NAME:
        _required(command, "external-name")
    return services.service(name, kind, namespace=command["namespace"], tcp=command["tcp"],
                            node_port=command.flags.get("node-port", 0), cluster_ip=command.flags.get("clusterip", ""),
                            external_name=command.flags.get("external-name", ""))


def _ingress(command: Command, name: str) -> Mapping[str, Any]:
    return ingresses.ingress(name, namespace=command["namespace"], ingress_class=command["class"], rules=command["rule"],
                             default_backend=command["default-backend"], annotations=command["annotation"])


def _no_type(context: Context, command: Command) -> Reply:
    raise Complaint("error: you must specify a type of Service\nSee 'kubectl create service -h' for help and examples",
                    "Write kubectl create service clusterip, nodeport, loadbalancer or externalname.")


_TCP = Flag("tcp", WORDS, "A port and where it leads, as 80:8080.")
_OF_TYPES: dict[str, tuple[str, str, tuple[Flag, ...]]] = {
    "clusterip": (CLUSTER_IP, "NAME [--tcp=<port>:<targetPort>]",
                  (Flag("clusterip", TEXT, "The cluster IP, or None for a headless Service."),)),
    "nodeport": (NODE_PORT, "NAME [--tcp=port:targetPort]",
                 (Flag("node-port", NUMBER, "The port at every node."),)),
    "loadbalancer": (LOAD_BALANCER, "NAME [--tcp=port:targetPort]", ()),
    "externalname": (EXTERNAL_NAME, "NAME --external-name external.name",
                     (Flag("external-name", TEXT, "The name that DNS answers with."),)),
}
_SERVICES = {word: Verb(f"create service {word}", f"Make a Service of type {kind}.", f"kubectl create service {word} {usage}",
                        partial(_create, f"{kind} service", partial(_service, kind)), (_TCP, *more, *_NAMED))
             for word, (kind, usage, more) in _OF_TYPES.items()}
_SERVICE = Verb("create service", "Make a Service.", "kubectl create service TYPE NAME", _no_type, (), (
    "create service clusterip web --tcp=80:8080", "create service nodeport web --tcp=80:8080 --node-port=30080",
    "create service externalname db --external-name=db.example.com"), _SERVICES)
_DEPLOYMENT = Verb(
    "create deployment", "Make a Deployment.", "kubectl create deployment NAME --image=image [--replicas=3] [-- COMMAND]",
    partial(_create, "deployment", _deployment),
    (Flag("image", WORDS, "The image; of several, each makes a container."),
     Flag("replicas", NUMBER, "How many pods.", "r", default=1), Flag("port", NUMBER, "The port that the container declares."),
     *_NAMED), ("create deployment web --image=nginx --replicas=3",))
_NAMESPACE = Verb("create namespace", "Make a namespace.", "kubectl create namespace NAME", partial(_create, "", _namespace),
                  _NAMED, ("create namespace shop",))
_INGRESS = Verb(
    "create ingress", "Make an Ingress.", "kubectl create ingress NAME --rule=host/path=service:port[,tls[=secret]]",
    partial(_create, "ingress", _ingress),
    (Flag("rule", TEXTS, "A host and path, and the Service: host/path=service:port[,tls=secret]; /path* is a prefix."),
     Flag("class", TEXT, "The class of the Ingress."),
     Flag("default-backend", TEXT, "Where other requests go: service:port."),
     Flag("annotation", TEXTS, "An annotation, as key=value."), *_NAMED),
    ('create ingress shop --class=nginx --rule="shop.example.com/*=web:80"',))

VERB = Verb(
    "create",
    "Make an object from a file, or one that flags describe.",
    "kubectl create -f FILENAME | namespace | deployment | service | ingress",
    from_files,
    (f.FILENAME, f.RECURSIVE, *_NAMED),
    ("create -f pod.yaml", "create namespace shop", "create deployment web --image=nginx --replicas=3",
     "create service clusterip web --tcp=80:8080"),
    {"namespace": _NAMESPACE, "ns": _NAMESPACE, "deployment": _DEPLOYMENT, "deploy": _DEPLOYMENT, "service": _SERVICE,
     "svc": _SERVICE, "ingress": _INGRESS, "ing": _INGRESS},
)
