"""The course's own notebooks are trusted at the first start, and nobody else's."""

import json
import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from k8snet_course.launcher import trust

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for folder in ("notebooks", "exercises", "solutions", "chapters", "env/share/jupyter"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "chapters" / "00_welcome.py", tmp_path / "chapters")
    shutil.copy(ROOT / "notebooks" / "00_welcome.ipynb", tmp_path / "notebooks")
    shutil.copy(ROOT / "notebooks" / "00_welcome.ipynb", tmp_path / "notebooks" / "from-somebody-else.ipynb")
    book = json.loads((tmp_path / "notebooks" / "from-somebody-else.ipynb").read_text())
    book["cells"][0]["source"] = "another text"
    (tmp_path / "notebooks" / "from-somebody-else.ipynb").write_text(json.dumps(book))
    return tmp_path


def is_trusted(clone: Path, name: str) -> bool:
    places = dict(word.removeprefix("--NotebookNotary.").split("=", 1) for word in trust.settings(clone / "env"))
    with NotebookNotary(**places) as notary:
        return bool(notary.check_signature(nbformat.read(clone / "notebooks" / name, as_version=4)))


def sign(clone: Path) -> bool:
    return trust.sign(sys.executable, clone, clone / "env", os.environ)


def test_own_notebooks_and_only_those(clone: Path) -> None:
    assert sign(clone)
    assert is_trusted(clone, "00_welcome.ipynb") and not is_trusted(clone, "from-somebody-else.ipynb")


def test_only_when_a_chapter_has_changed(clone: Path) -> None:
    assert sign(clone) and not sign(clone)
    book = clone / "notebooks" / "00_welcome.ipynb"
    book.write_text(book.read_text() + "\n")
    assert not sign(clone), "what a learner saves is JupyterLab's to sign, and must not slow the next start"
    chapter = clone / "chapters" / "00_welcome.py"
    chapter.write_text(chapter.read_text() + "\n")
    assert sign(clone)


def test_no_environment_to_sign_with_is_no_reason_to_stop(clone: Path) -> None:
    assert not trust.sign(ROOT / "no-such-python", clone, clone / "env", os.environ)
