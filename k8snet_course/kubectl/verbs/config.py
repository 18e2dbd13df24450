"""``kubectl config``: the one context, and the namespace that it is set to.

Source: k8s.io/kubectl, pkg/cmd/config.
"""

from __future__ import annotations

from k8snet_course.errors import InvalidName
from k8snet_course.kubectl import output
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import SWITCH, TEXT, Flag
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.session import CONTEXT
from k8snet_course.kubectl.table import columns
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.names import dns_label

_NAMESPACE = "default"


def _none(context: Context, command: Command) -> Reply:
    raise Complaint("error: you must say what to do with the configuration\nSee 'kubectl config -h' for help and examples",
                    "Write kubectl config set-context --current --namespace=shop, or kubectl config current-context.")


def _current(context: Context, command: Command) -> Reply:
    return Reply(f"{CONTEXT}\n")


def _contexts(context: Context, command: Command) -> Reply:
    if command.args and command.args[0] != CONTEXT:
        raise Complaint(f"error: context {command.args[0]} not found")
    if command["output"] == "name":
        return Reply(f"{CONTEXT}\n")
    row = ("*", CONTEXT, CONTEXT, CONTEXT, "" if context.session.namespace == _NAMESPACE else context.session.namespace)
    return Reply(f"{columns([('CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'), row])}\n")


def _set(context: Context, command: Command) -> Reply:
    """Give the context another namespace.  As the real one does, it does not ask whether the namespace is there."""
    if command["current"] == bool(command.args):
        raise Complaint("error: you cannot specify both a context name and --current" if command.args else
                        "error: you must specify a non-empty context name or --current",
                        "Write kubectl config set-context --current --namespace=shop.")
    if command.args and command.args[0] != CONTEXT:
        raise Complaint(f"error: this kubectl has the one context {CONTEXT}, not {command.args[0]}")
    if "namespace" in command.given:
        try:
            context.session.namespace = dns_label(command["namespace"], "namespace") if command["namespace"] else _NAMESPACE
        except InvalidName as wrong:
            raise Complaint(f"error: {wrong}") from None
    return Reply(f'Context "{CONTEXT}" modified.\n')


def _use(context: Context, command: Command) -> Reply:
    if command.args != (CONTEXT,):
        raise Complaint(f'error: no context exists with the name: "{" ".join(command.args)}"', f"There is one: {CONTEXT}.")
    return Reply(f'Switched to context "{CONTEXT}".\n')


def _view(context: Context, command: Command) -> Reply:
    inside = {"cluster": CONTEXT, "namespace": context.session.namespace, "user": CONTEXT}
    if context.session.namespace == _NAMESPACE:
        del inside["namespace"]
    return Reply(output.yaml({
        "apiVersion": "v1", "clusters": [{"cluster": {}, "name": CONTEXT}],
        "contexts": [{"context": inside, "name": CONTEXT}], "current-context": CONTEXT, "kind": "Config",
        "users": [{"name": CONTEXT, "user": {}}]}))


_VERBS = {
    "current-context": Verb("config current-context", "Say which context is used.", "kubectl config current-context", _current),
    "get-contexts": Verb("config get-contexts", "List the contexts.", "kubectl config get-contexts", _contexts,
                         (Flag("output", TEXT, "The form of the output.", "o", values=("name",)),)),
    "set-context": Verb("config set-context", "Change a context: its namespace.",
                        "kubectl config set-context --current --namespace=NAME", _set,
                        (Flag("current", SWITCH, "The context that is used."),),
                        ("config set-context --current --namespace=shop",)),
    "use-context": Verb("config use-context", "Use a context.", "kubectl config use-context NAME", _use),
    "view": Verb("config view", "Show the configuration.", "kubectl config view", _view,
                 (Flag("minify", SWITCH, "Only what belongs to the context that is used."),)),
}

VERB = Verb("config", "Look at the context, and set its namespace.", "kubectl config SUBCOMMAND", _none, (),
            ("config set-context --current --namespace=shop", "config current-context"), _VERBS)
