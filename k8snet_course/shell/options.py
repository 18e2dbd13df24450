"""The options of a command line, as getopt(3) reads them: ``-c 3``, ``-c3``, ``-nv``, ``--max-time 3``, ``--max-time=3``.

What a command does with them, and how it words its complaints, is the command's own.

Source: getopt(3); POSIX, Utility Syntax Guidelines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class BadOption(Exception):
    """An option that the command does not have, or one without its value.

    ``letter`` is the option without its dashes, ``missing`` whether only its value is missing, and ``long`` whether it has
    two dashes.
    """

    def __init__(self, letter: str, missing: bool = False, long: bool = False) -> None:
        super().__init__(letter)
        self.letter = letter
        self.missing = missing
        self.long = long

    def text(self) -> str:
        """The complaint in the words of the C library.

        >>> BadOption("y").text(), BadOption("c", missing=True).text()
        ("invalid option -- 'y'", "option requires an argument -- 'c'")
        """
        if self.long:
            name = f"'--{self.letter}'"
            return f"option {name} requires an argument" if self.missing else f"unrecognized option {name}"
        return f"option requires an argument -- '{self.letter}'" if self.missing else f"invalid option -- '{self.letter}'"


@dataclass(slots=True)
class Options:
    """What was given: the options with their values, in order, and the other words (``rest``)."""

    given: list[tuple[str, str]] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Whether one of these options was given."""
        return any(name in names for name, _ in self.given)

    def last(self, name: str, otherwise: str = "") -> str:
        """The value that was given last for an option."""
        return next((value for each, value in reversed(self.given) if each == name), otherwise)

    def all(self, name: str) -> list[str]:
        """All values of an option, in order."""
        return [value for each, value in self.given if each == name]


def parsed(words: Sequence[str], letters: str, longs: Mapping[str, str] | None = None, permute: bool = True) -> Options:
    """Read the words behind a command's name.

    ``letters`` are the options of one letter, a colon behind those that take a value; ``longs`` gives for each long option the
    letter that it stands for.  Options may stand behind other words, unless ``permute`` is False.  Raises BadOption.

        >>> found = parsed(["-c", "2", "-nq", "web", "--size=8"], "c:nqs:", {"size": "s"})
        >>> found.given, found.rest
        ([('c', '2'), ('n', ''), ('q', ''), ('s', '8')], ['web'])
    """
    takes = {letter: letters[place + 1:place + 2] == ":" for place, letter in enumerate(letters) if letter != ":"}
    found = Options()
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            found.rest += left
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            letter = _long(name, longs or {})
            if not letter:
                raise BadOption(name, long=True)
            if takes.get(letter, False) and not equals:
                if not left:
                    raise BadOption(name, missing=True, long=True)
                value = left.pop(0)
            found.given.append((letter, value))
        elif word.startswith("-") and word != "-":
            cluster = word[1:]
            while cluster:
                letter, cluster = cluster[0], cluster[1:]
                if letter not in takes:
                    raise BadOption(letter)
                if not takes[letter]:
                    found.given.append((letter, ""))
                    continue
                if not cluster and not left:
                    raise BadOption(letter, missing=True)
                found.given.append((letter, cluster or left.pop(0)))
                break
        elif permute:
            found.rest.append(word)
        else:
            found.rest += [word, *left]
            break
    return found


def _long(name: str, longs: Mapping[str, str]) -> str:
    """The letter of a long option; it may be shortened as long as it is clear."""
    if name in longs:
        return longs[name]
    letters = {letter for long, letter in longs.items() if long.startswith(name)}
    return letters.pop() if len(letters) == 1 else ""
