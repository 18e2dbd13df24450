"""The words of the command, the same in a clone (`python3 -m k8snet_course`) and after pip (`k8snet`)."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from k8snet_course.launcher.errors import LaunchError

DESCRIPTION = "An interactive course on Kubernetes networking. Start it with: lab"

# command -> what it does; those in PASSED_ON hand every further word to the tool behind them
COMMANDS = {
    "lab": "set up what is missing and open the course in JupyterLab",
    "test": "set up what is missing and run all tests; further words go to pytest, and then only pytest runs",
    "build": "build the notebooks from chapters/; further words go to the builder",
    "doctor": "say what is set up, what is not and how to mend it",
}
PASSED_ON = ("test", "build")


@dataclass(frozen=True)
class Options:
    """One command and what it was given."""

    command: str
    rest: tuple[str, ...] = ()
    browser: bool = True
    port: int | None = None
    ip: str | None = None


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence instead of a usage text and a line."""

    def error(self, message: str) -> NoReturn:
        raise LaunchError(f"{message[:1].upper()}{message[1:]}; see: {self.prog} --help")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 1 to 65535")
    return int(text)


def parse(arguments: Sequence[str], program: str) -> Options:
    """Read the command line; `--help` prints and exits as usual.

    >>> parse(["lab", "--no-browser", "--port", "8890"], "k8snet")
    Options(command='lab', rest=(), browser=False, port=8890, ip=None)
    >>> parse(["test", "-x", "tests/launcher"], "k8snet").rest
    ('-x', 'tests/launcher')
    """
    parser = _Parser(prog=program, description=DESCRIPTION, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    parsers = {name: commands.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}
    lab = parsers["lab"]
    lab.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    lab.add_argument("--port", type=_port, metavar="N", help="listen there (default: the first free port from 8888 on)")
    lab.add_argument("--ip", metavar="ADDR", help="listen on this address (default: only this machine can connect)")
    if arguments and arguments[0] in PASSED_ON and tuple(arguments[1:]) not in {("-h",), ("--help",)}:
        return Options(arguments[0], rest=tuple(arguments[1:]))
    return Options(**vars(parser.parse_args(arguments)))


def program_in_clone() -> str:
    """How the command is called in a clone, as the help shows it."""
    return f"{'python' if sys.platform == 'win32' else 'python3'} -m k8snet_course"
