"""The verbs of kubectl: a module a verb, each with one :class:`Verb` named ``VERB``, imported when it is first used.

A verb is data (its usage, its flags, which ``--help`` and completion read too) and one function from a
:class:`~k8snet_course.kubectl.context.Context` and a :class:`~k8snet_course.kubectl.words.Command` to a
:class:`~k8snet_course.kubectl.reply.Reply`.  A new verb is a module and a word in :data:`MODULES`.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from k8snet_course.kubectl.complaint import Complaint, did_you_mean
from k8snet_course.kubectl.verbs.verb import Verb

MODULES: dict[str, str] = {
    "annotate": "annotate",
    "api-resources": "api_resources",
    "apply": "apply",
    "cluster-info": "cluster_info",
    "config": "config",
    "create": "create",
    "debug": "debug",
    "delete": "delete",
    "describe": "describe",
    "exec": "execute",
    "explain": "explain",
    "expose": "expose",
    "get": "get",
    "help": "help",
    "label": "label",
    "logs": "logs",
    "options": "options",
    "patch": "patch",
    "port-forward": "port_forward",
    "replace": "replace",
    "run": "run",
    "scale": "scale",
    "set": "set_image",
    "version": "version",
}
"""Each verb, and the module of this package that has it."""

ELSEWHERE = {
    "alpha": "It has nothing that this course is about.",
    "api-versions": "Write kubectl api-resources, which names the versions too.",
    "attach": "The programs in the pods are not run; write kubectl exec POD -- COMMAND.",
    "auth": "Everybody may do everything in this course.",
    "autoscale": "Write kubectl scale deployment NAME --replicas=3.",
    "certificate": "There are no certificates of the cluster in this course.",
    "completion": "In a notebook the Tab key completes %kubectl lines, without any setting up.",
    "cordon": "The nodes of this course take pods as long as they have addresses.",
    "cp": "The containers of this course have no files but those about the network.",
    "diff": "Write kubectl apply -f FILE --dry-run=server, which says what would change.",
    "drain": "Delete the pods of the node: kubectl delete pods --field-selector=spec.nodeName=node-1.",
    "edit": "Write kubectl patch, or change the manifest and apply it.",
    "events": "This course keeps no events; kubectl describe says how an object is.",
    "kustomize": "Write kubectl apply -f with the files themselves.",
    "plugin": "This kubectl has no plugins.",
    "proxy": "The API server is no HTTP server here; write kubectl get, or use the Cluster's own methods.",
    "rollout": "A Deployment's pods are there at once, and there is no history: change it with kubectl apply or set image.",
    "taint": "The nodes of this course take every pod; choose one with spec.nodeName.",
    "top": "The programs in the pods are not run, so they use nothing.",
    "uncordon": "The nodes of this course take pods as long as they have addresses.",
    "wait": "Everything is done at once in this course, so there is nothing to wait for.",
}
"""Verbs that the real kubectl has and this one does not, and what to do instead."""

__all__ = ["ELSEWHERE", "MODULES", "Verb", "find", "names", "verb"]


def names() -> tuple[str, ...]:
    """The verbs, in alphabetical order.

    >>> "get" in names()
    True
    """
    return tuple(sorted(MODULES))


def verb(name: str) -> Verb | None:
    """A verb by its name; None: there is none.

    >>> verb("get").name
    'get'
    """
    if name not in MODULES:
        return None
    found: Verb = import_module(f"{__name__}.{MODULES[name]}").VERB
    return found


def find(name: str) -> Verb:
    """A verb by its name.  Raises Complaint, with what to do instead.

    >>> find("top")
    Traceback (most recent call last):
    k8snet_course.kubectl.complaint.Complaint: error: this course's kubectl has no "top"
    """
    found = verb(name)
    if found is not None:
        return found
    if name in ELSEWHERE:
        raise Complaint(f'error: this course\'s kubectl has no "{name}"', ELSEWHERE[name])
    raise Complaint(f'error: unknown command "{name}" for "kubectl"', did_you_mean(get_close_matches(name, names(), 2, 0.6)))
