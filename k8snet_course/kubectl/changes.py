"""Making objects and changing them, as the writing verbs do it: with ``--dry-run``, ``-o``, and the API server's refusals.

An object goes into the cluster through the API server's own ``apply``, so that everything follows from it that always does.

Source: kubectl's apply and create (k8s.io/kubectl, pkg/cmd/apply, pkg/cmd/create); "Declarative Management of Kubernetes
Objects Using Configuration Files", on what apply leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.kubectl import output
from k8snet_course.kubectl.choose import Chosen, chosen, text_of
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import TEXT, Flag
from k8snet_course.kubectl.kinds.form import in_order
from k8snet_course.kubectl.refusals import already_exists, no_namespace, refusal
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.resources import Resource, of_kind, several
from k8snet_course.kubectl.words import Command
from k8snet_course.manifests import Document, load_each
from k8snet_course.manifests.spot import Spot

NO, CLIENT, SERVER = "none", "client", "server"
OUTPUT = Flag("output", TEXT, "The form of the output.", "o", values=("yaml", "json", "name"))
AFTER = {NO: "", CLIENT: " (dry run)", SERVER: " (server dry run)"}
"""What stands after "created", by --dry-run."""
_STDIN = "STDIN"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that a manifest asks for: as it was written, as a value, the file it is from (empty: none), and where in it.

    ``value`` is None for a manifest with a mistake, which --dry-run=client prints all the same.
    """

    written: Mapping[str, Any]
    value: Any
    source: str = ""
    spot: Spot | None = None

    @property
    def resource(self) -> Resource:
        """Its type."""
        return of_kind(type(self.value).__name__ if self.value is not None else self.written["kind"])

    @property
    def name(self) -> str:
        """How messages name it: ``deployment.apps/web``."""
        return f"{self.resource.full}/{self.value.name if self.value is not None else self.written['metadata']['name']}"


def dry_run(command: Command) -> str:
    """Which --dry-run: none, client or server.  Raises Complaint."""
    value: str = command["dry-run"]
    if value == "unchanged":
        return CLIENT
    if value not in (NO, CLIENT, SERVER):
        raise Complaint(f'error: Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return value


def named_objects(context: Context, command: Command, args: Sequence[str] | None = None) -> Chosen:
    """The objects that a change is about: a type alone does not mean all of them, unless --all says so.  Raises Complaint."""
    words = command.args if args is None else args
    selects = [flag for flag in ("selector", "field-selector") if command.flags.get(flag)]
    if command.flags.get("all") and selects:
        raise Complaint(f"error: cannot set --all and --{selects[0]} at the same time")
    wide = bool(selects or command.flags.get("all") or command.flags.get("filename"))
    if len(words) == 1 and "/" not in words[0] and not wide:
        several(words[0])  # a word that means nothing is the greater mistake
        raise Complaint("error: resource(s) were provided, but no name was specified", "Write a name, -l LABEL, or --all.")
    return chosen(context, command, args)


def drafted(context: Context, command: Command, written: Mapping[str, Any]) -> Wanted:
    """A manifest that kubectl has written itself, as an object of the command's namespace.  Raises Complaint."""
    document, = load_each(written)
    if document.error is not None:
        if dry_run(command) == CLIENT:
            return Wanted(written, None)
        raise refusal(document.error, written)
    return _placed(context, command, document, "")


def in_files(context: Context, command: Command) -> Iterator[Wanted | Complaint]:
    """The objects that ``-f`` asks for, one by one; one that cannot be read is its complaint.  Raises Complaint."""
    for name in _names(command["filename"], bool(command.flags.get("recursive"))):
        source = _STDIN if name == "-" else name
        text = text_of(context, name)
        try:
            documents = load_each(text if "\n" in text else f"{text}\n")
        except CourseError as error:
            yield Complaint(f"error: error parsing {source}: error converting YAML to JSON: {error}")
            continue
        for document in documents:
            if document.error is not None:
                yield refusal(document.error, document.written if isinstance(document.written, dict) else {}, source)
                continue
            try:
                yield _placed(context, command, document, source)
            except Complaint as wrong:
                yield wrong


def _names(given: Sequence[str], recursive: bool) -> Iterator[str]:
    """The files that -f names: of a folder, those in it."""
    if not given:
        raise Complaint("error: must specify one of -f and -k", "Write -f FILE, or -f - for what is given as input.")
    for name in given:
        if name != "-" and Path(name).is_dir():
            found = Path(name).rglob("*") if recursive else Path(name).iterdir()
            yield from sorted(str(path) for path in found if path.suffix in (".yaml", ".yml", ".json"))
        else:
            yield name


def _placed(context: Context, command: Command, document: Document, source: str) -> Wanted:
    """The object in the namespace that the command is about, unless the manifest names one.  Raises Complaint."""
    value, written = document.made, dict(document.written)
    if hasattr(value, "namespace"):
        own = document.word("metadata", "namespace")
        asked = command["namespace"]
        if own and asked and own != asked:
            raise Complaint(f'error: the namespace from the provided object "{own}" does not match the namespace "{asked}". '
                            'You '
                            f"must pass '--namespace={own}' to perform this operation.")
        if not own:
            value = replace(value, namespace=context.namespace(command))
    return Wanted(written, value, source, document.spot)


def present(context: Context, wanted: Wanted) -> Any:
    """The object of the same name that is there, or None."""
    return context.server.api.find(wanted.resource.kind, wanted.value.key)


def hold(context: Context, wanted: Wanted, how: str = NO) -> Any:
    """Have the cluster hold an object, and return it as it is held.  Raises Complaint."""
    if how == CLIENT:
        return wanted.value
    space = getattr(wanted.value, "namespace", "")
    if space and context.server.api.find("Namespace", space) is None:
        raise no_namespace(space, wanted.source)
    try:
        held, = context.server.api.apply((wanted.value,), (wanted.spot,) if wanted.spot else (), rehearsal=how == SERVER)
    except CourseError as error:
        raise refusal(error, wanted.written, wanted.source) from None
    return held


def create(context: Context, wanted: Wanted, how: str = NO) -> Any:
    """Make a new object.  Raises Complaint: also where there is one of the name."""
    if how != CLIENT and present(context, wanted) is not None:
        raise already_exists(wanted.resource, wanted.value.name, wanted.source)
    return hold(context, wanted, how)


def told(context: Context, command: Command, wanted: Wanted, held: Any, done: str, how: str = NO) -> Reply:
    """What kubectl says of an object that it has made or changed: ``pod/web created``, or the object itself with -o."""
    form = command.flags.get("output", "")
    if not form:
        return Reply(f"{wanted.name} {done}{AFTER[how]}\n", value=held)
    if form == "name":
        return Reply(f"{wanted.name}\n", value=held)
    if form not in ("yaml", "json"):
        raise Complaint(f'error: unable to match a printer suitable for the output format "{form}", allowed formats are: '
                        "json,name,yaml")
    plain = in_order(dict(wanted.written)) if how == CLIENT else context.server.form(wanted.resource).served(held)
    return Reply(output.yaml(plain) if form == "yaml" else f"{output.as_json(plain)}\n", value=held)


def each(context: Context, command: Command, do: Any) -> Reply:
    """Do something with every object that ``-f`` asks for; what fails does not keep the others from being done."""
    out, err, values = "", "", []
    for one in in_files(context, command):
        reply = one.reply() if isinstance(one, Complaint) else _tried(do, one)
        out, err = out + reply.out, err + reply.err
        values.append(reply.value)
    if not values:
        raise Complaint(f"error: no objects passed to {command.verb}")
    return Reply(out, err, 1 if err else 0, values)


def _tried(do: Any, one: Wanted) -> Reply:
    try:
        reply: Reply = do(one)
    except Complaint as wrong:
        return wrong.reply()
    return reply
