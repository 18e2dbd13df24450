"""The small commands that a pipe is made of: `echo`, `grep`, `head`, `tail`, `wc`, `sort`, and those that do nothing.

Source: POSIX, Utilities; GNU coreutils and grep.
"""

from __future__ import annotations

import re

from k8snet_course.shell.machine import Machine
from k8snet_course.shell.options import BadOption, parsed
from k8snet_course.shell.ran import Ran, failed, wrote


def echo(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`echo`, with -n."""
    if words[:1] == ["-n"]:
        return Ran(" ".join(words[1:]))
    return wrote([" ".join(word for number, word in enumerate(words) if number or word != "-e")])


def true(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`true`."""
    return Ran()


def false(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`false`."""
    return Ran(code=1)


def sleep(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`sleep`: the cluster's time goes on, in whole seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    total = 0.0
    for word in words:
        number, unit = (word[:-1], word[-1]) if word[-1:] in units else (word, "s")
        if not number.replace(".", "", 1).isdecimal():
            return failed(f"sleep: invalid time interval '{word}'" if machine.image.form_of("sleep") == "full" else
                          f"sleep: invalid number '{number}'")
        total += float(number) * units[unit]
    if not words:
        return failed("sleep: missing operand")
    machine.wires.cluster.wait(int(total))
    return Ran()


def grep(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`grep`, on its input: -i, -v, -c, -E, -F, -o, -w, -n, -q, -e, -A, -B and -C."""
    try:
        given = parsed(words, "ivcEFownqe:A:B:C:", {"color": "E", "colour": "E", "ignore-case": "i", "invert-match": "v"})
    except BadOption as problem:
        return failed(f"grep: {problem.text()}", code=2)
    patterns = given.all("e") or given.rest[:1]
    if not patterns:
        return failed("Usage: grep [OPTION]... PATTERNS [FILE]...", code=2)
    around = [int(each) if each.isdecimal() else 0 for each in (given.last("B") or given.last("C"), given.last("A") or
                                                               given.last("C"))]
    try:
        found = re.compile("|".join(_pattern(each, given.has("F"), given.has("E"), given.has("w")) for each in patterns),
                           re.IGNORECASE if given.has("i") else 0)
    except re.error as problem:
        return failed(f"grep: {problem}", code=2)
    lines = stdin.splitlines()
    hits = [number for number, line in enumerate(lines) if bool(found.search(line)) != given.has("v")]
    code = 0 if hits else 1
    if given.has("q"):
        return Ran(code=code)
    if given.has("c"):
        return wrote([str(len(hits))], code)
    if given.has("o") and not given.has("v"):
        return wrote((hit.group(0) for number in hits for hit in found.finditer(lines[number]) if hit.group(0)), code)
    last = len(lines) - 1
    shown = sorted({near for number in hits
                    for near in range(max(number - around[0], 0), min(number + around[1], last) + 1)})
    out: list[str] = []
    for number in shown:
        if out and any(around) and number - 1 not in shown:
            out.append("--")
        mark = ":" if number in hits else "-"
        out.append(f"{number + 1}{mark}{lines[number]}" if given.has("n") else lines[number])
    return wrote(out, code)


def _pattern(text: str, fixed: bool, extended: bool, word: bool) -> str:
    """A pattern of grep as Python writes it: in a basic one the signs | + ? ( ) { } mean themselves unless a backslash stands
    before them.
    """
    if fixed:
        made = re.escape(text)
    elif extended:
        made = text
    else:
        made = re.sub(r"\\([|+?(){}])|([|+?(){}])", lambda hit: hit[1] or "\\" + hit[2], text)
    return rf"(?:\b(?:{made})\b)" if word else f"(?:{made})"


def head(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`head`."""
    return _some(machine, words, stdin, "head")


def tail(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`tail`."""
    return _some(machine, words, stdin, "tail")


def _some(machine: Machine, words: list[str], stdin: str, name: str) -> Ran:
    if words and re.fullmatch(r"-\d+", words[0]):
        words = ["-n", words[0][1:], *words[1:]]
    try:
        given = parsed(words, "n:")
    except BadOption as problem:
        return failed(f"{name}: {problem.text()}")
    wanted, lines = given.last("n", "10"), stdin.splitlines()
    if not re.fullmatch(r"[-+]?\d+", wanted):
        return failed(f"{name}: invalid number of lines: '{wanted}'")
    number = int(wanted)
    if name == "head":
        return wrote(lines[:number])
    return wrote(lines[max(number - 1, 0):] if wanted.startswith("+") else lines[-abs(number):] if number else [])


def wc(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`wc`, on its input."""
    try:
        given = parsed(words, "lwc")
    except BadOption as problem:
        return failed(f"wc: {problem.text()}")
    counts = {"l": stdin.count("\n"), "w": len(stdin.split()), "c": len(stdin.encode())}
    chosen = [str(value) for letter, value in counts.items() if given.has(letter)]
    return wrote([chosen[0] if len(chosen) == 1 else " ".join(f"{each:>7}" for each in chosen or map(str, counts.values()))])


def sort(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`sort`, on its input, with -r and -u."""
    try:
        given = parsed(words, "run")
    except BadOption as problem:
        return failed(f"sort: {problem.text()}")
    lines = sorted(stdin.splitlines(), reverse=given.has("r"))
    return wrote(dict.fromkeys(lines) if given.has("u") else lines)


def whoami(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`whoami`: containers of this course run as root."""
    return wrote(["root"])


def id(machine: Machine, words: list[str], stdin: str) -> Ran:  # noqa: A001  # the command's name
    """`id`."""
    return wrote(["uid=0(root) gid=0(root) groups=0(root)"])


def uname(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`uname`; with -n the machine's name."""
    return wrote([machine.hostname if "-n" in words else "Linux"])
