"""Handing the terminal over to another program."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn


def hand_over(command: Sequence[str], variables: Mapping[str, str]) -> NoReturn:
    """Become `command`: its signals, its output and its exit code are then its own.

    Windows has no such thing (its `exec` returns to the shell at once), so there the program is a child that is waited
    for, and Ctrl-C is left to it.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform != "win32":
        os.execve(command[0], list(command), dict(variables))
    process = subprocess.Popen(command, env=dict(variables))
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue
