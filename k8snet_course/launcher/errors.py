"""What can go wrong before the course runs, and how it is told: one sentence on stderr, exit code 2, no traceback."""

import errno
import sys
from collections.abc import Callable

EXIT_CODE = 2


class LaunchError(Exception):
    """A start that cannot go on. The message is the one sentence to read: what happened and how to mend it."""


class Unreachable(LaunchError):
    """The package registry did not answer. Installers download before they install, so nothing has been changed."""


def from_os_error(error: OSError, place: object) -> LaunchError:
    """Put an operating system's error about files below `place` into a sentence.

    >>> print(from_os_error(OSError(errno.ENOSPC, "No space left on device"), ".venv"))
    The disk is full: setting up .venv needs about 1 GB, so free some space and start again.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(place)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return LaunchError(
            f"This user may not write to {error.filename or place}; close whatever uses it, or put the course in a"
            " folder of your own, and start again."
        )
    return LaunchError(f"The set-up of {place} stopped with «{error}»; mend that and start again.")


def disk_full(place: object) -> LaunchError:
    """The sentence for a full disk, whoever found it out: this process or an installer."""
    return LaunchError(f"The disk is full: setting up {place} needs about 1 GB, so free some space and start again.")


def in_one_sentence(action: Callable[[], int]) -> int:
    """Run a command; turn a `LaunchError` or Ctrl-C into one sentence on stderr and exit code 2."""
    try:
        return action()
    except LaunchError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C before it was done; start it again whenever you like.", file=sys.stderr)
    return EXIT_CODE
