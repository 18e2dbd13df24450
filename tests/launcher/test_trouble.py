"""Each bad situation, really brought about: one sentence, exit code 2, no traceback, and nothing half-done in use."""

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from k8snet_course.launcher import environment
from k8snet_course.launcher.errors import LaunchError

ROOT = Path(__file__).parents[2]
UNREACHABLE = {
    "PIP_NO_INDEX": "",
    "PIP_FIND_LINKS": "",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_RETRIES": "1",
    "UV_OFFLINE": "false",
    "UV_FIND_LINKS": "",
    "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
    "UV_HTTP_RETRIES": "0",
}


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen within a minute"
        time.sleep(0.01)


def runs(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def old_pythons() -> list[str]:
    names = [f"python3.{minor}" for minor in range(6, 11)]
    installed = (Path.home() / ".pyenv" / "versions").glob("3.[6-9].*/bin/python3")
    found = [*filter(None, map(shutil.which, names)), *map(str, sorted(installed))]
    # A version manager's shim may be a name with nothing behind it.
    return [path for path in found if runs(path)]


# --- Python too old


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_an_old_python_can_read_what_tells_it_that_it_is_old(name):
    ast.parse((ROOT / "k8snet_course" / name).read_text(), feature_version=(3, 6))


def test_python_too_old(clone):
    fake = "import runpy, sys; sys.version_info = (3, 10, 13, 'final', 0); sys.argv = ['k8snet_course', 'lab']; "
    command = [sys.executable, "-c", fake + "runpy.run_module('k8snet_course', run_name='__main__')"]
    run = subprocess.run(command, cwd=clone.root, env=clone.environment(), capture_output=True, text=True, check=False)
    assert run.returncode == 2
    (sentence,) = run.stderr.splitlines()
    assert "needs Python 3.11 or newer, but this is Python 3.10.13" in sentence
    assert not clone.venv.exists()


@pytest.mark.skipif(not old_pythons(), reason="no Python older than 3.11 here; the test above stands in for it")
def test_real_pythons_that_are_too_old(clone):
    for python in old_pythons():
        sentence = clone.run("lab", python=python, PATH=os.environ["PATH"]).one_sentence()
        assert "needs Python 3.11 or newer" in sentence


# --- no venv, no ensurepip


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_a_python_without_ensurepip_or_venv(clone, tmp_path, pip_path, module):
    (tmp_path / f"{module}.py").write_text(f"raise ModuleNotFoundError('No module named {module}')\n")
    sentence = clone.run("lab", PYTHONPATH=str(tmp_path), PATH=pip_path).one_sentence()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"Python {version}" in sentence
    if Path("/etc/debian_version").exists():
        assert f"sudo apt install python{version}-venv" in sentence
    assert clone.stamp is None


def test_uv_needs_no_ensurepip(clone, tmp_path):
    (tmp_path / "ensurepip.py").write_text("raise ModuleNotFoundError('No module named ensurepip')\n")
    assert clone.run("lab", PYTHONPATH=str(tmp_path)).code == 0


# --- the registry


def test_a_registry_that_cannot_be_reached(clone, installer_path):
    sentence = clone.run("lab", PATH=installer_path, **UNREACHABLE).one_sentence()
    assert "registry cannot be reached" in sentence
    assert clone.stamp is None
    assert clone.run("lab", PATH=installer_path).code == 0


def test_the_course_still_opens_when_the_test_packages_could_not_be_fetched(clone, installer_path):
    clone.run("lab", PATH=installer_path)
    kept = clone.venv / "kept"
    kept.touch()
    assert "registry cannot be reached" in clone.run("test", PATH=installer_path, **UNREACHABLE).one_sentence()
    assert clone.run("lab", PATH=installer_path, **UNREACHABLE).code == 0
    assert clone.run("test", PATH=installer_path).code == 0
    assert kept.exists()


# --- the port


def test_a_port_that_is_taken(clone):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = clone.run("lab", "--port", str(port)).one_sentence()
    assert f"Port {port} is taken" in sentence
    assert not clone.venv.exists()  # said before the set-up, not after it


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["lab", "--port", "70000"], "'70000' is no port; give a number from 1 to 65535"),
        (["lab", "--port", "http"], "'http' is no port"),
        (["lab", "--ip", "203.0.113.7"], "--ip 203.0.113.7 is no address of this machine"),
        (["lab", "--ip", "no such name"], "--ip no such name is no address of this machine"),
        (["lab", "--prot", "8888"], "nrecognized arguments: --prot 8888"),
        (["lba"], "invalid choice: 'lba'"),
        ([], "required: command"),
    ],
)
def test_words_that_mean_nothing(clone, words, part):
    assert part in clone.run(*words).one_sentence()
    assert not clone.venv.exists()


def test_a_clone_without_its_lock_or_its_first_notebook(clone):
    (clone.root / "notebooks" / "00_welcome.ipynb").unlink()
    assert "make the notebooks with the command: build" in clone.run("lab").one_sentence()
    (clone.root / "requirements.txt").unlink()
    assert "git checkout requirements.txt" in clone.run("lab").one_sentence()


# --- the disk


def full_disk(folder: Path) -> bool:
    """Mount eight megabytes at `folder`, if this system and this user can."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "k8snet-test", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_full_disk(tmp_path, uv_path, pip_path, small_clone_maker):
    place = tmp_path / "place"
    place.mkdir()
    if not full_disk(place):
        pytest.skip("mounting a small disk takes root on Linux; the test below stands in for it")
    try:
        clone = small_clone_maker(place / "clone", tmp_path / "wheels", bulk=12_000_000)
        for path in (pip_path, uv_path):
            assert "The disk is full" in clone.run("lab", PATH=path).one_sentence()
            assert clone.stamp is None
            assert not (clone.venv / "lib").exists()  # the room is given back
        subprocess.run(["mount", "-o", "remount,size=100m", str(place)], check=True)
        assert clone.run("lab", PATH=uv_path).code == 0
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_in_the_middle(clone, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(environment, "install", full)
    with pytest.raises(LaunchError, match="The disk is full"):
        environment.Environment(clone.root).prepare([clone.root / "requirements.txt"])
    assert not (clone.venv / "pyvenv.cfg").exists()


# --- interrupted


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to kill")
def test_a_killed_set_up_is_repaired_by_the_next_start(clone, pip_path):
    process = clone.start("lab", PATH=pip_path)
    wait_for((clone.venv / "k8snet-setup.log").exists)
    os.killpg(process.pid, signal.SIGKILL)
    clone.finish(process)
    assert (clone.venv / "pyvenv.cfg").exists()  # half of it is there
    assert clone.stamp is None
    half = clone.venv / "half-done"
    half.touch()
    run = clone.run("lab")
    assert run.code == 0, run.err
    assert "left unfinished" in run.out
    assert len(run.told) == 1
    assert not half.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="file locks do not travel to children on Windows")
def test_an_installer_that_outlives_its_launcher_is_waited_for(clone, stuck_uv):
    process = clone.start("lab", PATH=stuck_uv)
    wait_for((clone.venv / "k8snet-setup.log").exists)
    process.kill()
    run = clone.run("lab")
    clone.finish(process)
    assert "waiting until it is done" in run.out
    assert "left unfinished" in run.out
    assert run.code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent to a console there, not to a process group")
def test_ctrl_c_in_the_middle(clone, pip_path):
    process = clone.start("lab", PATH=pip_path)
    wait_for((clone.venv / "k8snet-setup.log").exists)
    os.killpg(process.pid, signal.SIGINT)
    assert "Stopped by Ctrl-C" in clone.finish(process).one_sentence()
    assert clone.stamp is None
    assert clone.run("lab").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to kill")
def test_tests_added_by_halves_leave_the_course_usable_and_are_done_anew(clone, stuck_uv):
    clone.run("lab")
    process = clone.start("test", PATH=stuck_uv)
    wait_for(lambda: clone.stamp["adding"] is not None)
    os.killpg(process.pid, signal.SIGKILL)
    clone.finish(process)
    assert clone.run("lab").code == 0
    run = clone.run("test")
    assert run.code == 0, run.err
    assert "left unfinished" in run.out
    assert clone.stamp["adding"] is None


def test_a_folder_that_may_not_be_written_to(clone, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(clone.venv / "bin"))

    monkeypatch.setattr(environment, "install", refuse)
    with pytest.raises(LaunchError, match="may not write to"):
        environment.Environment(clone.root).prepare([clone.root / "requirements.txt"])
