"""``kubectl help`` and ``kubectl options``: see :mod:`k8snet_course.kubectl.help`, which writes the texts."""

from __future__ import annotations

from k8snet_course.kubectl import help as texts
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.verbs import find, names, verb
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command


def help_for(context: Context, command: Command) -> Reply:
    """The overview, or the help of the verb that is named.  Raises Complaint."""
    if not command.args:
        return Reply(texts.overview(found for name in names() if (found := verb(name)) is not None))
    found = find(command.args[0])
    for word in command.args[1:]:
        if word not in found.verbs:
            raise Complaint(f'Unknown help topic "{" ".join(command.args)}"')
        found = found.verbs[word]
    return Reply(texts.of_verb(found))


def options(context: Context, command: Command) -> Reply:
    """The flags of every command."""
    return Reply(texts.options())


VERB = Verb("help", "Help about any command.", "kubectl help [command]", help_for, (), ("help get", "help create deployment"))
OPTIONS = Verb("options", "List the flags that every command has.", "kubectl options", options)
