"""Trust for the notebooks that come with the clone, so that their pictures show before anything has been run.

JupyterLab shows pictures and scripts of a notebook only if it was run here or somebody signed it.  Whoever starts the course
runs its code anyway, so its own notebooks are signed: in a folder of the environment, not in the user's settings, and anew
only when a chapter has changed.  What a learner saves JupyterLab signs by itself, in the same folder.
"""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

_FOLDERS = ("notebooks", "exercises", "solutions")


def settings(directory: Path) -> list[str]:
    """The options by which the server and the signing command find the signatures in an environment.

    >>> settings(Path("env"))[0].replace(chr(92), "/")
    '--NotebookNotary.db_file=env/share/jupyter/k8snet-signatures.db'
    """
    folder = directory / "share" / "jupyter"
    return [f"--NotebookNotary.db_file={folder / 'k8snet-signatures.db'}",
            f"--NotebookNotary.secret_file={folder / 'k8snet-signing-key'}"]


def sign(python: Path | str, root: Path, directory: Path, variables: Mapping[str, str]) -> bool:
    """Sign the notebooks that are built from `chapters`; whether there was anything to do.

    A signature that cannot be made is no reason not to start: the notebooks then show their texts until they are run.
    """
    books = [path for folder in _FOLDERS for path in sorted((root / folder).glob("*.ipynb")) if _is_built(root, path)]
    chapters = sorted((root / "chapters").glob("*.py"))
    state = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in chapters)).hexdigest()
    note = directory / "share" / "jupyter" / "k8snet-signed.txt"
    if not books or (note.is_file() and note.read_text(encoding="ascii", errors="replace") == state):
        return False
    command = [str(python), "-m", "nbformat.sign", *settings(directory), *map(str, books)]
    try:
        subprocess.run(command, env=dict(variables), capture_output=True, check=True)
        note.write_text(state, encoding="ascii")
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _is_built(root: Path, book: Path) -> bool:
    """Whether a notebook comes from one of the chapters, and not from somebody who put it there."""
    return any((root / "chapters" / f"{book.stem}{ending}.py").is_file() for ending in ("", "_exercises"))
