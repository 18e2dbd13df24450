"""From a command line to what comes of it: which program it is, whether the image has it, and pipes between several.

Source: runc (what it says where a program is missing); dash, BusyBox ash (the same in a shell).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from difflib import get_close_matches

from k8snet_course.errors import InvalidArgument
from k8snet_course.shell.commands import COMMANDS, NOT_MODELLED, known_as
from k8snet_course.shell.env import environment
from k8snet_course.shell.images import BUSYBOX, FULL, MACHINE, PACKAGES, teacher
from k8snet_course.shell.line import BadLine, Part, expanded, needs_shell, parts_of
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.ran import Ran
from k8snet_course.shell.tcpdump import Capture

NOT_FOUND = 127
_SHELLS = ("sh", "bash", "ash", "dash")


def run(machine: Machine, command: str | Sequence[str], stdin: str = "") -> Ran | Capture:
    """Run a command line (a text) or a command (its words) on a machine.  Raises InvalidArgument."""
    if not isinstance(stdin, str):
        raise InvalidArgument(stdin, "the command's input as a text", "write stdin='some words\\n'")
    if machine.finished:
        return Ran("", "error: cannot exec into a container in a completed pod; current phase is Succeeded\n", 1)
    words = words_of(command)
    if not isinstance(command, str) or not needs_shell(command):
        return _program(machine, words, stdin)
    return _line(machine, command, stdin) if machine.image.has_shell else _missing(machine, "sh", "sh", "")


def words_of(command: str | Sequence[str]) -> list[str]:
    """The words of a command that is given as a text or as its words.  Raises InvalidArgument.

    >>> words_of("ping -c 1 'my host'"), words_of(["ip", "route"])
    (['ping', '-c', '1', 'my host'], ['ip', 'route'])
    """
    if isinstance(command, str):
        try:
            words = list(shlex.split(command))
        except ValueError as problem:
            raise InvalidArgument(command, f"a command line that can be read ({problem})", "close the quotes") from None
        if not words:
            raise InvalidArgument(command, "a command, such as 'ip route'", "write one")
        return words
    if isinstance(command, Sequence) and command and all(isinstance(word, str) for word in command):
        return list(command)
    raise InvalidArgument(command, "a command as a text or as a list of words", "write 'ip route' or ['ip', 'route']")


def _line(machine: Machine, text: str, stdin: str, shell: str = "sh") -> Ran:
    """A line with several commands."""
    try:
        parts = parts_of(expanded(text, environment(machine)))
    except BadLine as problem:
        return Ran("", f"{shell}: {problem}\n", 2)
    out, err, code, piped, skip = "", "", 0, stdin, False
    for number, part in enumerate(parts):
        if part.joint and part.joint != "|":
            skip = (part.joint == "&&" and code != 0) or (part.joint == "||" and code == 0)
            piped = ""
        if skip:
            continue
        if part.words[0] == "exit":
            return Ran(out, err, int(part.words[1]) if part.words[1:] and part.words[1].isdecimal() else code)
        done = _quieted(_in_shell(machine, part, piped, shell), part)
        err, code = err + done.err, done.code
        if number + 1 < len(parts) and parts[number + 1].joint == "|":
            piped = done.out
        else:
            out += done.out
    return Ran(out, err, code)


def _quieted(done: Ran, part: Part) -> Ran:
    out, err = done.out, "" if part.no_err else done.err
    if part.merged:
        out, err = out + err, ""
    return Ran("" if part.no_out else out, err, done.code)


def _in_shell(machine: Machine, part: Part, stdin: str, shell: str) -> Ran:
    """One command that a shell starts."""
    if part.words[0] == ":":
        return Ran()
    done = _program(machine, list(part.words), stdin, shell)
    if isinstance(done, Ran):
        return done
    done.stop()
    return Ran("", "(tcpdump listens to what is sent after it has begun: run it alone, and send from elsewhere)\n", 1)


def _program(machine: Machine, words: list[str], stdin: str, shell: str = "") -> Ran | Capture:
    """One program; ``shell`` is what starts it (empty: the container runtime)."""
    name = words[0].rpartition("/")[2]
    if name == "busybox" and len(words) > 1 and machine.image.form_of("sh") == BUSYBOX:
        return _program(machine, words[1:], stdin, shell)
    form = machine.image.form_of(name)
    if name in _SHELLS and form:
        return _shell(machine, name, words[1:], stdin)
    found = COMMANDS.get((name, form)) or COMMANDS.get((name, FULL if form == BUSYBOX else "")) if form else None
    if found is not None:
        return found(machine, words[1:], stdin)
    return _missing(machine, words[0], name, shell)


def _shell(machine: Machine, name: str, words: list[str], stdin: str) -> Ran:
    """``sh -c LINE``; without it the shell would wait for a person to type, so it reads its input and ends."""
    while words and words[0].startswith("-") and words[0] != "-c" and "c" not in words[0]:
        words = words[1:]
    if not words:
        return _line(machine, "; ".join(line for line in stdin.splitlines() if line.strip()) or "true", "", name)
    if not words[0].startswith("-"):
        return Ran("", f"{name}: can't open '{words[0]}': No such file or directory\n", 2)
    if len(words) == 1:
        return Ran("", f"{name}: option requires an argument -- 'c'\n", 2)
    return _line(machine, words[1], stdin, name)


def _missing(machine: Machine, given: str, name: str, shell: str) -> Ran:
    """A program that is not there: in the words of who looked for it, and then one sentence that helps."""
    if name in NOT_MODELLED:
        return Ran("", f"({NOT_MODELLED[name]})\n", NOT_FOUND)
    said = (f"{shell}: {given}: not found" if shell == "sh" else f"{shell}: {given}: command not found") if shell else (
        f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{given}": '
        "executable file not found in $PATH: unknown")
    if machine.pod is None and not shell:
        said = f"bash: {given}: command not found"
    return Ran("", f"{said}\n{_help(machine, name)}\n", NOT_FOUND)


def _help(machine: Machine, name: str) -> str:
    """One sentence for whoever typed a command that is not there."""
    if not known_as(name):
        alike = get_close_matches(name, machine.image.commands or MACHINE.commands, 1, 0.5)
        return f"(this course has no command {name}{f'; did you mean {alike[0]}?' if alike else ''})"
    better = teacher(name)
    if name in _SHELLS and not machine.image.has_shell:
        return (f"(the image {machine.image.name} has no shell and no tools; put a container with tools beside it: "
                "exec(..., image='busybox'), as `kubectl debug` does)")
    package = next((package for package, commands in PACKAGES.items() if name in commands), "")
    if not better:
        return f"(the image {machine.image.name} does not ship {name}, which is in the package {package})"
    return (f"(the image {machine.image.name} does not ship {name}; {better} does: make the pod from it, or put a container "
            f"beside it with exec(..., image='{better}'), as `kubectl debug` does)")
