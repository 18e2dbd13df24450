"""The command in a clone: see that `.venv` is there, then start the server, the tests or the builder in it.

Where the package has been installed there is no clone, and the same words are carried out by `k8snet_course.cli` in the
environment that is already there.
"""

from collections.abc import Sequence
from pathlib import Path

from k8snet_course.launcher import server, trust
from k8snet_course.launcher.environment import Environment
from k8snet_course.launcher.errors import LaunchError, in_one_sentence
from k8snet_course.launcher.options import Options, parse, program_in_clone
from k8snet_course.launcher.process import hand_over

# The locks from the narrowest to the widest; each holds all of the one before it.
LAB_LOCK = "requirements.txt"
TEST_LOCK = "requirements-test.txt"


def clone_root() -> Path | None:
    """The clone that this package is part of, or None if it has been installed."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; its exit code. What goes wrong before it runs is one sentence and code 2."""
    root = clone_root()
    if root is None:
        from k8snet_course.cli import main as installed

        return installed(arguments)
    return in_one_sentence(lambda: _carry_out(parse(arguments, program_in_clone()), root))


def _carry_out(options: Options, root: Path) -> int:
    environment = Environment(root)
    lab, test = (_lock(root, name) for name in (LAB_LOCK, TEST_LOCK))
    if options.command == "lab":
        server.require_address(options)  # before the set-up, so that nobody waits a minute to hear it
        environment.prepare([lab])
        trust.sign(environment.python, root, environment.directory, environment.variables())
        return server.start(environment.python, root, options, environment.variables(), trust.settings(environment.directory))
    if options.command == "doctor":
        from k8snet_course.launcher import doctor

        return doctor.run(doctor.of_clone(environment, [lab, test]))
    environment.prepare([lab, test])
    if options.command == "test":
        from k8snet_course.launcher import parts

        return parts.run(environment.python, root, environment.variables(), options.rest)
    command = [str(environment.python), "-m", "k8snet_course.cli", options.command, *options.rest]
    return hand_over(command, environment.variables())


def _lock(root: Path, name: str) -> Path:
    path = root / name
    if not path.is_file():
        raise LaunchError(f"The lock {path} is missing, so nothing can be set up; get it with: git checkout {name}")
    return path
