"""``kubectl run``: a pod of one image; with ``-i`` and a command also what the command prints.

Source: k8s.io/kubectl, pkg/cmd/run/run.go.
"""

from __future__ import annotations

from k8snet_course.kubectl import flags as f
from k8snet_course.kubectl.changes import NO, OUTPUT, create, drafted, dry_run, several, told
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.drafts.pods import RESTART_POLICIES, pod
from k8snet_course.kubectl.drafts.services import Exposed, exposing
from k8snet_course.kubectl.files import Wanted
from k8snet_course.kubectl.flags import SWITCH, TEXT, TEXTS, Flag
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command

_SEE = "\nSee 'kubectl run -h' for help and examples"


def run(context: Context, command: Command) -> Reply:
    """Make the pod.  Raises Complaint."""
    attached = command["attach"] or command["stdin"]
    how = dry_run(command)
    _check(command, attached, how)
    name, words = command.args[0], (*command.args[1:], *(command.after or ()))
    made = drafted(context, command, pod(
        name, command["image"], labels=command["labels"], namespace=command["namespace"], port=command["port"],
        env=command["env"], annotations=command["annotations"], restart=command["restart"], command=command["command"],
        args=words, stdin=command["stdin"], tty=command["tty"], pull_policy=command["image-pull-policy"]))
    if attached and not words:
        raise Complaint("error: unable to use a TTY - input is not a terminal or the right kind of file",
                        f"There is no terminal in a notebook. Say what is to be run: kubectl run {name} --rm -i "
                        f"--image={command['image']} --restart=Never -- nslookup web")
    service = _service(context, command, made) if command["expose"] else None
    done = told(context, command, made, create(context, made, how), "created", how)
    if service is not None:
        first = told(context, command, service, create(context, service, how), "created", how)
        done = several(command, [first, done], "---\n---\n")
    return _attached(context, command, made, words, service) if attached else done


def _check(command: Command, attached: bool, how: str) -> None:
    """Refuse flags that do not go together.  Raises Complaint."""
    if "image" not in command.given:
        raise Complaint('error: required flag(s) "image" not set', "Write --image=nginx, or another image.")
    if not command.args:
        raise Complaint(f"error: NAME is required for run{_SEE}", "Write kubectl run NAME --image=nginx.")
    if not command["image"]:
        raise Complaint("error: --image is required")
    if command["tty"] and not command["stdin"]:
        raise Complaint(f"error: -i/--stdin is required for containers with -t/--tty=true{_SEE}")
    if command["expose"] and not command["port"]:
        raise Complaint(f"error: --port must be set when exposing a service{_SEE}")
    if command["rm"] and not attached:
        raise Complaint(f"error: --rm should only be used for attached containers{_SEE}")
    if attached and how != NO:
        raise Complaint("error: --dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, "
                        f"or --tty){_SEE}")


def _service(context: Context, command: Command, made: Wanted) -> Wanted:
    """The Service that --expose makes beside the pod."""
    labels = made.value.labels
    return drafted(context, command, exposing(Exposed(made.value.name, labels, {}), port=command["port"],
                                              namespace=command["namespace"]))


def _attached(context: Context, command: Command, made: Wanted, words: tuple[str, ...], service: Wanted | None) -> Reply:
    """Run the words in the pod, show what they print, and with --rm take away what was made."""
    one = made.value
    ran = context.cluster.exec(one.key, list(words))
    reply = Reply(ran.out, ran.err, ran.code)
    if ran.code and command["restart"] == "Never":
        reply = reply.with_hint(f"pod {one.key} terminated (Error)")
    if not command["rm"]:
        return reply
    gone = []
    for each in (made, service):
        if each is not None:
            context.cluster.delete(each.resource.singular, one.name, one.namespace)
            gone.append(Reply(f'{each.resource.full} "{one.name}" deleted from {one.namespace} namespace\n'))
    return joined([reply, *([] if command["quiet"] else gone)])


VERB = Verb(
    "run",
    "Run an image in a pod.",
    "kubectl run NAME --image=image [--port=port] [--labels=a=b] [--env=KEY=value] [--dry-run=client|server] "
    "[-- COMMAND [args...]]",
    run,
    (
        Flag("image", TEXT, "The image of the container."),
        Flag("labels", TEXT, "Labels of the pod, as a=b,c=d; without them, run=NAME.", "l"),
        Flag("port", TEXT, "The port that the container declares."),
        Flag("env", TEXTS, "A variable of the container, as NAME=value."),
        Flag("annotations", TEXTS, "An annotation of the pod, as key=value."),
        Flag("restart", TEXT, "When the container is started again.", default="Always", values=RESTART_POLICIES),
        Flag("command", SWITCH, "Take the words after -- as the command, not as its arguments."),
        Flag("stdin", SWITCH, "Run the command and show what it prints.", "i"),
        Flag("tty", SWITCH, "Give the container a terminal.", "t"),
        Flag("attach", SWITCH, "Run the command and show what it prints."),
        Flag("rm", SWITCH, "Delete the pod when the command has ended."),
        Flag("expose", SWITCH, "Make a Service for the pod too; needs --port."),
        Flag("image-pull-policy", TEXT, "When the image is fetched: here it is always there."),
        Flag("quiet", SWITCH, "Do not say that the pod was deleted.", "q"),
        OUTPUT, f.DRY_RUN,
    ),
    ("run web --image=nginx", "run web --image=nginx --port=80 --expose", "run web --image=nginx --dry-run=client -o yaml",
     "run tmp --rm -i --image=busybox --restart=Never -- nslookup web"),
)

