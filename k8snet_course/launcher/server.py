"""Starting JupyterLab on the course: which address, which notebook, and no request to the outside."""

import errno
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from k8snet_course.launcher.errors import LaunchError
from k8snet_course.launcher.options import Options
from k8snet_course.launcher.process import hand_over

FIRST_NOTEBOOK = "notebooks/00_welcome.ipynb"

# JupyterLab by itself asks whether it may fetch news, looks for a newer version and lists extensions from a registry.
# The folder holds our defaults for its settings, so that it does not even ask; what learners set themselves wins.
_QUIET = (
    f"--LabApp.app_settings_dir={Path(__file__).parent / 'lab_settings'}",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def require_address(options: Options) -> None:
    """Raise a sentence if the server could not listen where it was told to.

    Without `--port` there is nothing to check: JupyterLab itself takes the next free port.
    """
    host = options.ip or "localhost"
    if options.port is None and options.ip is None:
        return
    try:
        addresses = socket.getaddrinfo(None if host == "*" else host, options.port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _no_address(options) from None
    for family, kind, protocol, _, address in addresses:
        _require_free(family, kind, protocol, address, options)


def _require_free(family: int, kind: int, protocol: int, address: object, options: Options) -> None:
    try:
        probe = socket.socket(family, kind, protocol)
    except OSError:
        return  # the machine has no such family (IPv6 switched off); the server will not use it either
    with probe:
        if sys.platform != "win32":
            # As the server does, so that connections that are only waiting to be forgotten are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)  # type: ignore[arg-type]  # what getaddrinfo gives is what bind takes
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LaunchError(
                    f"Port {options.port} is taken by another program; stop that one, or give another with --port,"
                    " or leave --port out to get a free one."
                ) from None
            if error.errno in (errno.EACCES, errno.EPERM):
                raise LaunchError(
                    f"Port {options.port} may not be used by this user; give one above 1023 with --port."
                ) from None
            if family == socket.AF_INET6 and options.ip is None:
                return  # IPv6 is there but has no loopback address; the server falls back as well
            raise _no_address(options) from None


def _no_address(options: Options) -> LaunchError:
    return LaunchError(f"--ip {options.ip} is no address of this machine; leave it out or give one, such as 0.0.0.0")


def command(python: str, root: Path, options: Options, *, as_root: bool, more: Sequence[str] = ()) -> list[str]:
    """The command line of JupyterLab for the course in `root`.

    >>> command("python", Path("course"), Options("lab", port=8890), as_root=False)[-2:]
    ['--ServerApp.port=8890', '--ServerApp.port_retries=0']
    """
    words = [python, "-m", "jupyterlab", f"--ServerApp.root_dir={root}"]
    words.append(f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}")
    words += [*_QUIET, *more]
    if as_root:
        words.append("--allow-root")  # in a container there is often no other user; elsewhere nobody starts it as root
    if not options.browser:
        words.append("--no-browser")
    if options.ip is not None:
        words.append(f"--ServerApp.ip={options.ip}")
    if options.port is not None:
        words += [f"--ServerApp.port={options.port}", "--ServerApp.port_retries=0"]
    return words


def start(python: Path | str, root: Path, options: Options, variables: Mapping[str, str], more: Sequence[str] = ()) -> NoReturn:
    """Open the course in JupyterLab, with more of its options if wanted; the process becomes the server."""
    first = root / FIRST_NOTEBOOK
    if not first.is_file():
        raise LaunchError(f"The first notebook, {first}, is missing; make the notebooks with the command: build")
    print(f"Starting JupyterLab with {FIRST_NOTEBOOK}; stop it here with Ctrl-C")
    hand_over(command(str(python), root, options, as_root=_is_root()), variables)


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
