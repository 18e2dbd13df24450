"""The command inside an environment that is already there: `k8snet` after pip, and what the launcher starts in `.venv`.

The same words as in a clone, but nothing is set up. `lab` opens the clone's own notebooks where the package is used
from a clone, and otherwise the learner's copy of those that came with the package (`launcher.materials`).
"""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from k8snet_course.launcher import server
from k8snet_course.launcher.command import clone_root
from k8snet_course.launcher.environment import with_own_kernels
from k8snet_course.launcher.errors import LaunchError, in_one_sentence
from k8snet_course.launcher.options import Options, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    return in_one_sentence(lambda: _carry_out(parse(words, "k8snet")))


def _carry_out(options: Options) -> int:
    root = clone_root()
    if options.command == "lab":
        server.require_address(options)
        variables = with_own_kernels(dict(os.environ), Path(sys.prefix))
        return server.start(sys.executable, root or _own_copy(), options, variables)
    if options.command == "doctor":
        from k8snet_course.launcher import doctor

        return doctor.run(doctor.of_running_environment())
    if root is None:
        raise LaunchError(
            f"The command {options.command} works in a clone of the course, and this is an installed package;"
            f" get a clone with git and start there: python3 -m k8snet_course {options.command}"
        )
    if options.command == "test":
        from k8snet_course.launcher import parts

        return parts.run(sys.executable, root, parts.running_environment(), options.rest)
    build = importlib.import_module("k8snet_course.build")
    return int(build.main(list(options.rest)))


def _own_copy() -> Path:
    from k8snet_course.launcher.materials import own_copy

    folder = own_copy()
    print(f"The notebooks are in {folder}")
    return folder


if __name__ == "__main__":
    sys.exit(main())
