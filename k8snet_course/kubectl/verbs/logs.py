"""``kubectl logs``: what this course does not have, said plainly.

The programs in the pods are not run: it is known on which ports they listen, and no more.  So they write no log.
"""

from __future__ import annotations

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import NUMBER, SWITCH, TEXT, Flag
from k8snet_course.kubectl.pods_behind import named, pod_of
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.verbs.execute import CONTAINER, container
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command


def logs(context: Context, command: Command) -> Reply:
    """Say that there is no log.  Raises Complaint, also where there is no such pod or container."""
    if not command.args and not command["selector"]:
        raise Complaint("error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required "
                        "argument for the logs command\nSee 'kubectl logs -h' for help and examples")
    if not command.args:
        raise Complaint("error: this course's programs write no logs", "Look at what reaches them: kubectl exec POD -- "
                                                                       "tcpdump -ni "
                        "eth0, or the trace of cluster.send.")
    try:
        pod = pod_of(context, named(context, command, command.args[0]))
    except Complaint as wrong:  # its words are others than those of all other verbs
        text = wrong.text.replace("Error from server (NotFound)", "error: error from server (NotFound)")
        raise Complaint(text if text == wrong.text else f'{text} in namespace "{context.namespace(command)}"',
                        wrong.hint) from None
    if len(command.args) > 2:
        raise Complaint("error: only one of POD and TYPE/NAME, and one container, can be named")
    container(pod, command["container"] or (command.args[1] if len(command.args) == 2 else ""))
    raise Complaint(f"error: this course knows on which ports the programs in {pod.name} listen, but does not run them: they "
                    "write no logs", f"What reaches the pod, a trace shows: cluster.send('client', '{pod.name}', port=80), or "
                    f"kubectl exec {pod.name} -- tcpdump -ni eth0")


VERB = Verb(
    "logs",
    "Show what a container has written: nothing in this course, whose programs are not run.",
    "kubectl logs (POD | TYPE/NAME) [-c CONTAINER]",
    logs,
    (
        CONTAINER, f.SELECTOR,
        Flag("follow", SWITCH, "Go on showing.", "f"),
        Flag("previous", SWITCH, "Of the container before.", "p"),
        Flag("tail", NUMBER, "Only so many lines.", default=-1),
        Flag("since", TEXT, "Only what is newer."),
        Flag("timestamps", SWITCH, "With the time of each line."),
        Flag("all-containers", SWITCH, "Of all containers."),
        Flag("prefix", SWITCH, "With the name of the pod before each line."),
    ),
    ("logs web",),
)
