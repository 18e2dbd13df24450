"""A command line to a :class:`Command`: its words, its flags with their values, and the namespace that it is about.

Source: the rules of the flag library that kubectl uses; see :mod:`k8snet_course.kubectl.flags`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_course.errors import InvalidArgument
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.flags import GLOBAL, Flag
from k8snet_course.names import nearest


@dataclass(frozen=True, slots=True)
class Command:
    """One command: the verb (``get``, ``create deployment``), the words after it, its flags, and what stands after ``--``.

    ``command["output"]`` is a flag's value, given or not; ``given`` are the flags that stand in the line.
    """

    verb: str
    args: tuple[str, ...]
    flags: Mapping[str, Any]
    given: frozenset[str] = frozenset()
    after: tuple[str, ...] | None = None
    """The words after ``--``; None: there is no ``--``.  They are not among ``args``."""

    def __getitem__(self, flag: str) -> Any:
        return self.flags[flag]


def split(line: str | Sequence[str]) -> list[str]:
    """The words of a line, as a shell finds them; the word ``kubectl`` in front is left out.

    Raises Complaint, or InvalidArgument for what is no line.

    >>> split("kubectl get pods -l 'app in (web, db)'")
    ['get', 'pods', '-l', 'app in (web, db)']
    """
    if not isinstance(line, (str, Sequence)):
        raise InvalidArgument(line, "a command as a text, or as a list of words", "write kubectl('get pods')")
    try:
        found = shlex.split(line, comments=False) if isinstance(line, str) else [str(word) for word in line]
    except ValueError as error:
        raise Complaint(f"error: the line cannot be split into words: {str(error).lower()}",
                        "Close the quotation mark, or write \\ before it.") from None
    return found[1:] if found[:1] == ["kubectl"] else found


def parse(verb: str, words: Iterable[str], flags: Iterable[Flag]) -> Command:
    """The command that these words make, for a verb with these flags beside the global ones.  Raises Complaint.

    >>> from k8snet_course.kubectl.flags import OUTPUT, ALL_NAMESPACES
    >>> command = parse("get", ["pods", "-Ao", "wide", "--namespace=shop", "--", "x"], (OUTPUT, ALL_NAMESPACES))
    >>> command.args, command["output"], command["all-namespaces"], command["namespace"], command.after
    (('pods',), 'wide', True, 'shop', ('x',))
    """
    known = (*flags, *GLOBAL)
    values = {flag.name: flag.empty for flag in known}
    given: set[str] = set()
    args: list[str] = []
    after: tuple[str, ...] | None = None
    rest = iter(words)
    for word in rest:
        if word == "--":
            after = tuple(rest)
        elif word.startswith("--"):
            flag, value = _long(word, rest, known, verb)
            values[flag.name] = _read(flag, value, values, given, verb)
        elif word.startswith("-") and len(word) > 1:
            for flag, value in _short(word, rest, known, verb):
                values[flag.name] = _read(flag, value, values, given, verb)
        else:
            args.append(word)
    return Command(verb, tuple(args), values, frozenset(given), after)


def _read(flag: Flag, value: str, values: Mapping[str, Any], given: set[str], verb: str) -> Any:
    before = values[flag.name] if flag.name in given else ()
    given.add(flag.name)
    try:
        return flag.read(value, before)
    except Complaint as wrong:
        raise usage(wrong.text, verb) from None


def _long(word: str, rest: Iterator[str], known: Sequence[Flag], verb: str) -> tuple[Flag, str]:
    name, equals, value = word[2:].partition("=")
    flag = next((each for each in known if each.name == name), None)
    if flag is None:
        names = [each.name for each in known]
        hint = f"Did you mean --{nearest(name, names)}?" if nearest(name, ["", *names]) else ""
        raise usage(f"error: unknown flag: --{name}", verb, hint)
    if equals:
        return flag, value
    following = flag.alone if flag.alone is not None else next(rest, None)
    if following is None:
        raise usage(f"error: flag needs an argument: --{name}", verb)
    return flag, following


def _short(word: str, rest: Iterator[str], known: Sequence[Flag], verb: str) -> Iterator[tuple[Flag, str]]:
    """The flags of one word, such as -A, -Aw, -owide or -o=wide."""
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = next((each for each in known if each.short == letter), None)
        if flag is None:
            raise usage(f"error: unknown shorthand flag: '{letter}' in -{letter}{letters}", verb)
        if letters.startswith("="):
            yield flag, letters[1:]
            return
        if flag.alone is not None:
            yield flag, flag.alone
            continue
        value = letters or next(rest, None)
        if value is None:
            raise usage(f"error: flag needs an argument: '{letter}' in -{letter}", verb)
        yield flag, value
        return


def usage(text: str, verb: str, hint: str = "") -> Complaint:
    """A wrong flag, with the line that says where to read about the right ones.

    >>> print(usage("error: unknown flag: --foo", "get"))
    error: unknown flag: --foo
    See 'kubectl get --help' for usage.
    """
    return Complaint(f"{text}\nSee '{f'kubectl {verb}'.rstrip()} --help' for usage.", hint)
