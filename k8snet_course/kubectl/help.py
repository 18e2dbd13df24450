"""``kubectl help`` and ``--help``, made from the verbs' own data: no flag is missing, and none is told of that is not there.

Source: the help texts' form in k8s.io/kubectl, pkg/util/templates.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snet_course.kubectl.flags import GLOBAL, NUMBER, SWITCH, TEXT, Flag
from k8snet_course.kubectl.verbs import Verb

OPTIONS = 'Use "kubectl options" for a list of global command-line options (applies to all commands).\n'


def overview(verbs: Iterable[Verb]) -> str:
    """What ``kubectl`` alone prints: the verbs, each in a line."""
    return ("kubectl controls the Kubernetes cluster manager.\n\nAvailable Commands:\n" + _table(verbs) +
            '\nUsage:\n  kubectl [flags] [options]\n\nUse "kubectl COMMAND --help" for more information about a given '
            'command.\n'
            + OPTIONS)


def of_verb(verb: Verb) -> str:
    """The help of one verb.

    >>> from k8snet_course.kubectl.verbs import verb
    >>> print(of_verb(verb("cluster-info")), end="")
    Say where the control plane and the cluster's own Services are.
    <BLANKLINE>
    Examples:
      kubectl cluster-info
    <BLANKLINE>
    Usage:
      kubectl cluster-info
    <BLANKLINE>
    Use "kubectl options" for a list of global command-line options (applies to all commands).
    """
    parts = [verb.summary]
    if verb.examples:
        parts.append("Examples:\n" + "\n".join(f"  kubectl {line}" for line in verb.examples))
    if verb.verbs:
        parts.append("Available Commands:\n" + _table(verb.verbs.values()).removesuffix("\n"))
    if verb.flags:
        parts.append("Options:\n" + listed(verb.flags))
    parts.append(f"Usage:\n  {verb.usage}{' [options]' if verb.flags and 'options' not in verb.usage else ''}")
    return "\n\n".join([*parts, OPTIONS])


def options() -> str:
    """What ``kubectl options`` prints: the flags of every command."""
    return f"The following options can be passed to any command:\n\n{listed(GLOBAL)}\n"


def listed(flags: Iterable[Flag]) -> str:
    """Flags with their values where nobody gives them, by name."""
    found = []
    for flag in sorted(flags, key=lambda one: one.name):
        start = f"    -{flag.short}, --{flag.name}" if flag.short else f"    --{flag.name}"
        found.append(f"{start}={_value(flag)}:\n        {flag.help}")
    return "\n\n".join(found)


def _value(flag: Flag) -> str:
    if flag.type == SWITCH:
        return str(bool(flag.empty)).lower()
    if flag.type == NUMBER:
        return str(flag.empty)
    return f"'{flag.empty}'" if flag.type == TEXT else "[]"


def _table(verbs: Iterable[Verb]) -> str:
    """Verbs and what they do, each once."""
    found = sorted({verb.name: verb for verb in verbs}.values(), key=lambda one: one.name)
    words = [verb.name.rpartition(" ")[2] for verb in found]
    width = max(map(len, words))
    return "".join(f"  {word.ljust(width)}   {verb.summary}\n" for word, verb in zip(words, found, strict=True))
