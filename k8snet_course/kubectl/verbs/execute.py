"""``kubectl exec``: a command in a container of a pod.

Source: k8s.io/kubectl, pkg/cmd/exec.
"""

from __future__ import annotations

from k8snet_course.errors import CourseError
from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.complaint import Complaint, server_error
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import SWITCH, TEXT, Flag
from k8snet_course.kubectl.pods_behind import named, pod_of
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.objects.pod import Pod

_SHELLS = ("sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash")


def execute(context: Context, command: Command) -> Reply:
    """Run the command that stands after ``--``.  Raises Complaint."""
    if not command.args:
        raise Complaint("error: pod, type/name or --filename must be specified")
    if command.after is None and len(command.args) > 1:
        raise Complaint("error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"
                        "See 'kubectl exec -h' for help and examples",
                        f"Write kubectl exec {command.args[0]} -- {' '.join(command.args[1:])}")
    words = command.after or ()
    if not words:
        raise Complaint("error: you must specify at least one command for the container",
                        f"Write kubectl exec {command.args[0]} -- ip route, for example.")
    pod = pod_of(context, named(context, command, command.args[0]))
    box = container(pod, command["container"])
    note = defaulted(pod) if not command["container"] else ""
    stdin = (context.stdin or "") if command["stdin"] else ""
    done = ran(context, pod.key, words, container=box, stdin=stdin, note=note)
    if len(words) == 1 and words[0] in _SHELLS and not stdin and not done.code:
        raise Complaint("error: unable to use a TTY - input is not a terminal or the right kind of file",
                        f"There is no terminal in a notebook. Give the command itself: kubectl exec {command.args[0]} -- ip "
                        f"route, or a line for a shell: kubectl exec {command.args[0]} -- sh -c 'ip route | grep default'")
    return done


def ran(context: Context, device: str, words: tuple[str, ...], *, container: str = "", image: str = "", stdin: str = "",
        note: str = "") -> Reply:
    """What a command prints on a device, and the line about its exit code that kubectl adds.  Raises Complaint."""
    try:
        done = context.cluster.exec(device, list(words), container=container, image=image, stdin=stdin)
    except CourseError as error:
        raise Complaint(f"error: {error}") from None
    ended = f"command terminated with exit code {done.code}\n" if done.code else ""
    return Reply(done.out, note + done.err + ended, done.code, done)


def container(pod: Pod, name: str) -> str:
    """The name of a container of a pod: the first one where none is named.  Raises Complaint."""
    names = [box.name for box in pod.containers]
    if name and name not in names:
        raise server_error("BadRequest", f"container {name} is not valid for pod {pod.name}", f"It has {', '.join(names)}.")
    return name or (names[0] if names else "")


def defaulted(pod: Pod) -> str:
    """What kubectl says where a pod has several containers and none was named."""
    names = [box.name for box in pod.containers]
    return f'Defaulted container "{names[0]}" out of: {", ".join(names)}\n' if len(names) > 1 else ""


CONTAINER = Flag("container", TEXT, "The container; without it, the first one.", "c", values="containers")
VERB = Verb(
    "exec",
    "Run a command in a container.",
    "kubectl exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
    execute,
    (
        CONTAINER,
        Flag("stdin", SWITCH, "Give the command what is given as input.", "i"),
        Flag("tty", SWITCH, "Give the command a terminal: here there is none.", "t"),
        Flag("quiet", SWITCH, "Print only what the command prints.", "q"),
        f.FILENAME,
    ),
    ("exec web -- ip route", "exec deploy/web -- cat /etc/resolv.conf", "exec web -c sidecar -- nslookup db",
     "exec client -- sh -c 'ip route | grep default'"),
)
