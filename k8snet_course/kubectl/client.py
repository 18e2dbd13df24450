"""One user's kubectl: it finds the verb in a line, reads its flags, and has it done."""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.kubectl import help as texts
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.completion import complete
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import GLOBAL
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.server import Server
from k8snet_course.kubectl.session import CONTEXT, Session
from k8snet_course.kubectl.verbs import Verb, find, names, verb
from k8snet_course.kubectl.words import Command, parse, split


class Kubectl:
    """kubectl for one cluster.  ``session`` is what it remembers: the namespace of the context.

    A user's mistake raises nothing: it is told in the reply, as the real one tells it.

        >>> from k8snet_course import Cluster
        >>> Cluster().kubectl("gte pods").err.splitlines()
        ['error: unknown command "gte" for "kubectl"', '', 'Did you mean this?', '\\tget']
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = Session()

    def __call__(self, line: str | Sequence[str], stdin: str | None = None) -> Reply:
        """Do what a line says.  ``stdin`` is what ``-f -`` reads."""
        try:
            words = split(line)
            found, name, rest = _verb_in(words)
            if found is None:
                return Reply(texts.overview(found for each in names() if (found := verb(each)) is not None))
            command = parse(name, rest, found.flags)
            if not name.startswith("config"):  # which may write of others
                _known(command)
            if command["help"]:
                return Reply(texts.of_verb(found))
            return found.run(Context(self.server, self.session, stdin), command)
        except Complaint as complaint:
            return complaint.reply()

    def complete(self, line: str) -> tuple[str, list[str]]:
        """The last fragment of a line that is being typed, and the words that it may become.

            >>> from k8snet_course import Cluster
            >>> Cluster().kubectl_complete("get pods --all")
            ('--all', ['--all-namespaces', '--allow-missing-template-keys'])
        """
        return complete(Context(self.server, self.session), line)


def _known(command: Command) -> None:
    """Refuse a context, cluster or user that is not there.  Raises Complaint."""
    context, cluster, user = command["context"], command["cluster"], command["user"]
    for word, text in ((context, f"Error in configuration: context was not found for specified context: {context}"),
                       (cluster, f'error: no server found for cluster "{cluster}"'),
                       (user, f'error: auth info "{user}" does not exist')):
        if word not in ("", CONTEXT):
            raise Complaint(text, f"Here there is one: {CONTEXT}.")


def _verb_in(words: list[str]) -> tuple[Verb | None, str, list[str]]:
    """The verb of a line (None: it has none), its full name, and the other words.  Raises Complaint."""
    at = _first_word(words, 0)
    if at is None:
        parse("", words, ())  # a flag that is none is a mistake here too
        return None, "", words
    found = find(words[at])
    name, rest = words[at], words[:at] + words[at + 1:]
    while found.verbs:
        at = _first_word(rest, at)
        if at is None or rest[at] not in found.verbs:
            break
        found, name, rest = found.verbs[rest[at]], f"{name} {rest[at]}", rest[:at] + rest[at + 1:]
    return found, name, rest


def _first_word(words: list[str], start: int) -> int | None:
    """Where the first word stands that is neither a global flag nor the value of one."""
    skip = False
    for at in range(start, len(words)):
        word = words[at]
        if skip:
            skip = False
        elif word == "--":
            return None
        elif word.startswith("-") and len(word) > 1:
            name = word.lstrip("-")
            skip = any(flag.alone is None and name in (flag.name, flag.short) for flag in GLOBAL)
        else:
            return at
    return None
