"""The marker `needs`: a missing tool is a skip with a reason that is listed, and with CI=true a failure.

Both also where several processes share the tests; and what a test tells stands at the end.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
import os
import pytest

@pytest.mark.needs("no-such-tool")
def test_needs_what_is_missing():
    raise AssertionError("it ran")

@pytest.mark.needs("a-tool")
def test_needs_what_is_there(tell):
    assert os.environ["K8SNET_HOME"] != "the learner's"
    tell("17 clusters were asked")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_needing.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = needs\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "a-tool").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "a-tool").chmod(0o755)
    return tmp_path


def run(folder: Path, ci: str, *words: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    variables = {"PATH": str(folder / "bin"), "PYTHONPATH": path, "CI": ci, "K8SNET_HOME": "the learner's"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, str(folder)]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


def test_a_missing_tool_is_a_skip_whose_reason_is_listed(folder):
    result = run(folder, ci="")
    assert result.returncode == 0, result.stdout
    assert "1 passed, 1 skipped" in result.stdout
    assert "1 x needs no-such-tool on this system, which is not there" in result.stdout
    assert "\n17 clusters were asked\n" in result.stdout


def test_with_ci_a_missing_tool_is_a_failure(folder):
    result = run(folder, ci="true")
    assert result.returncode == 1
    assert "1 passed, 1 error" in result.stdout
    assert "with CI=true that is a failure" in result.stdout
    assert "it ran" not in result.stdout


@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="pytest-xdist, which is in the lock, is not installed")
@pytest.mark.parametrize(("ci", "code", "counts"), [("", 0, "1 passed, 1 skipped"), ("true", 1, "1 passed, 1 error")])
def test_two_processes_say_the_same_as_one(folder, ci, code, counts):
    result = run(folder, ci, "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    assert (result.returncode, counts in result.stdout) == (code, True), result.stdout
    assert "\n17 clusters were asked\n" in result.stdout
    assert ("1 x needs no-such-tool" in result.stdout) == (not ci)
