"""``kubectl version``: of which Kubernetes the words and forms are.

Source: k8s.io/kubectl, pkg/cmd/version.
"""

from __future__ import annotations

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import SWITCH, TEXT, Flag
from k8snet_course.kubectl.output import as_json, yaml
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.version import KUBERNETES
from k8snet_course.kubectl.words import Command


def version(context: Context, command: Command) -> Reply:
    """Print the version.  Raises Complaint."""
    form = command["output"]
    if form not in ("", "json", "yaml"):
        raise Complaint("error: --output must be 'yaml' or 'json'")
    if form:
        held = {"clientVersion": {"gitVersion": KUBERNETES}}
        held |= {} if command["client"] else {"serverVersion": {"gitVersion": KUBERNETES}}
        return Reply(yaml(held) if form == "yaml" else f"{as_json(held)}\n")
    return Reply(f"Client Version: {KUBERNETES}\n" + ("" if command["client"] else f"Server Version: {KUBERNETES}\n"))


VERB = Verb("version", "Say of which Kubernetes this is a model.", "kubectl version [--client]", version,
            (Flag("client", SWITCH, "Only kubectl's."), Flag("output", TEXT, "The form of the output.", "o",
                                                             values=("json", "yaml"))), ("version", "version --client"))
