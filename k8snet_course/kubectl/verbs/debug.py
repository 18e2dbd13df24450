"""``kubectl debug``: a command in a container of another image beside those of a pod, or on a node.

Modelled simply: the container is there for the one command.

Source: k8s.io/kubectl, pkg/cmd/debug; Kubernetes documentation, "Debug Running Pods".
"""

from __future__ import annotations

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.drafts.pods import checked_image
from k8snet_course.kubectl.flags import SWITCH, TEXT, Flag
from k8snet_course.kubectl.pods_behind import named
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.verbs.execute import ran
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.objects.node import Node
from k8snet_course.objects.pod import Pod


def debug(context: Context, command: Command) -> Reply:
    """Run a command with the tools of another image.  Raises Complaint."""
    if not command.args:
        raise Complaint("error: NAME or TYPE/NAME is required for debug")
    if not command["image"]:
        raise Complaint("error: you must specify --image or --image-pull-policy or --set-image", "Write --image=busybox.")
    words = command.after or ()
    if not words:
        raise Complaint("error: unable to use a TTY - input is not a terminal or the right kind of file",
                        f"There is no terminal in a notebook. Say what is to be run: kubectl debug {command.args[0]} "
                        f"--image={command['image']} -- ip route")
    value = named(context, command, command.args[0])
    if not isinstance(value, (Pod, Node)):
        raise Complaint(f"error: {type(value).__name__} not supported by debug", "Name a pod, or a node as node/node-1.")
    device = value.key if isinstance(value, Pod) else value.name
    return ran(context, device, words, image=checked_image(command["image"]))


VERB = Verb(
    "debug",
    "Run a command with the tools of another image, in a pod's network or on a node.",
    "kubectl debug (POD | TYPE/NAME) --image=IMAGE [-it] -- COMMAND [args...]",
    debug,
    (
        Flag("image", TEXT, "The image of the container that is added."),
        Flag("container", TEXT, "A name for the container that is added.", "c"),
        Flag("target", TEXT, "The container whose processes are seen too: here there are none to see.", values="containers"),
        Flag("stdin", SWITCH, "Give the command what is given as input.", "i"),
        Flag("tty", SWITCH, "Give the command a terminal: here there is none.", "t"),
        Flag("profile", TEXT, "Which rights the container has: here all.", default="general",
             values=("general", "baseline", "restricted", "netadmin", "sysadmin")),
    ),
    ("debug web --image=nicolaka/netshoot -- ip route", "debug node/node-1 --image=busybox -- ip route"),
)
