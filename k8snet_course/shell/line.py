"""A command line: words, pipes, ``&&``, ``||`` and ``;``, as a small part of what sh(1) reads.

Variables are those of the environment.  There are no loops, and no files to write but /dev/null.

Source: POSIX, Shell Command Language, section 2.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

JOINTS = ("|", "&&", "||", ";")


class BadLine(Exception):
    """A command line that cannot be read: ``args[0]`` says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One command of a line: its ``words``, what joins it to the one before (``joint``, empty at the beginning), and whether
    its output (``no_out``) or its errors (``no_err``) are thrown away, or the errors written where the output goes
    (``merged``).
    """

    words: tuple[str, ...]
    joint: str = ""
    no_out: bool = False
    no_err: bool = False
    merged: bool = False


def parts_of(text: str) -> list[Part]:
    """The commands of a line.  Raises BadLine.

    >>> [(part.joint, part.words) for part in parts_of("ip route | grep 'de fault'; true")]
    [('', ('ip', 'route')), ('|', ('grep', 'de fault')), (';', ('true',))]
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError as problem:
        raise BadLine(f"syntax error: {str(problem).lower()}") from None
    found: list[Part] = []
    words: list[str] = []
    joint, flags = "", {"no_out": False, "no_err": False, "merged": False}
    place = 0
    while place < len(tokens):
        token = tokens[place]
        place += 1
        if token in JOINTS:
            if not words:
                raise BadLine(f'syntax error: unexpected "{token}"')
            found.append(Part(tuple(words), joint, **flags))
            words, joint, flags = [], token, dict.fromkeys(flags, False)
        elif token in (">", ">>", ">&"):
            errors = bool(words) and words[-1] == "2" and text.find(f"2{token}") >= 0
            if errors:
                words.pop()
            if place == len(tokens):
                raise BadLine("syntax error: unexpected end of file")
            target = tokens[place]
            place += 1
            if token == ">&" and target == "1" and errors:
                flags["merged"] = True
            elif target == "/dev/null":
                flags["no_err" if errors else "no_out"] = True
            else:
                raise BadLine(f"can't create {target}: this shell has no files to write to but /dev/null")
        elif set(token) <= set("|&;<>"):
            raise BadLine(f'syntax error: this shell has no "{token}"')
        else:
            words.append(token)
    if words:
        found.append(Part(tuple(words), joint, **flags))
    elif joint not in ("", ";"):
        raise BadLine("syntax error: unexpected end of file")
    return found


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """A line with the values of variables in it; one that there is not is empty.  Between single quotes nothing is replaced.

    >>> expanded("wget $HOST:${PORT}/ '$HOST' $X", {"HOST": "10.96.0.20", "PORT": "80"})
    "wget 10.96.0.20:80/ '$HOST' "
    """
    found = ""
    for part in _PIECES.findall(text):
        name = _VARIABLE.fullmatch(part)
        found += variables.get(name[1] or name[2], "") if name is not None else part
    return found


_PIECES = re.compile(r"'[^']*'|\\.|\$\{\w+\}|\$[A-Za-z_]\w*|.", re.DOTALL)
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$([A-Za-z_]\w*)")


def needs_shell(text: str) -> bool:
    """Whether a text is more than a command and its words.

    >>> needs_shell("ip route | head -1"), needs_shell("grep 'a|b'"), needs_shell("echo $HOSTNAME")
    (True, False, True)
    """
    if any(_VARIABLE.fullmatch(part) for part in _PIECES.findall(text)):
        return True
    try:
        return any(set(token) <= set("|&;<>") for token in _raw(text))
    except ValueError:
        return False


def _raw(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=False, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)
