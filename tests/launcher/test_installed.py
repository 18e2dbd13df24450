"""The course without a clone: what the wheel holds, and what `k8snet` does where it has been installed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("chapters", "exercises", "notebooks", "solutions")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel that `pip install .` makes, built from a copy of the clone without the network."""
    copy = tmp_path_factory.mktemp("wheel") / "clone"
    copy.mkdir()
    unwanted = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("k8snet_course", *FOLDERS):
        shutil.copytree(ROOT / name, copy / name, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text", ".gitignore"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture
def installed(wheel, tmp_path):
    """Run `k8snet` from an unpacked wheel, next to a `jupyterlab` that tells how it was started."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (site / "jupyterlab").mkdir()
    (site / "jupyterlab" / "__init__.py").touch()
    (site / "jupyterlab" / "__main__.py").write_text("import sys\nprint('TOLD', *sys.argv[1:])\n")
    home = tmp_path / "home"
    home.mkdir()

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        variables = {**os.environ, "HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(site)}
        command = [sys.executable, "-m", "k8snet_course", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_the_wheel_holds_the_package_and_the_course(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "k8snet_course").rglob("*")
        if path.suffix in (".py", ".js", ".css", ".json")
    }
    course = {
        f"k8snet_course/course/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).glob("*.*")
        if path.is_file() and not path.name.startswith(".")
    }
    assert package <= inside
    assert "k8snet_course/course/notebooks/00_welcome.ipynb" in inside
    assert course <= inside
    assert {name.rsplit("/", 1)[1] for name in inside if "/licenses/" in name} == {"LICENSE", "LICENSE-text"}
    (entry,) = (name for name in inside if name.endswith("entry_points.txt"))
    assert "k8snet = k8snet_course.cli:main" in zipfile.ZipFile(wheel).read(entry).decode()


def test_lab_opens_a_copy_in_the_learners_home_and_never_overwrites_it(installed, tmp_path):
    own = tmp_path / "home" / "k8snet-course"
    first = installed("lab", "--no-browser")
    assert first.returncode == 0, first.stderr
    assert f"--ServerApp.root_dir={own}" in first.stdout
    welcome = own / "notebooks" / "00_welcome.ipynb"
    assert welcome.read_bytes() == (ROOT / "notebooks" / "00_welcome.ipynb").read_bytes()
    assert list((own / "exercises").glob("*.ipynb"))
    welcome.write_text("my work")
    (removed,) = list((own / "exercises").glob("01_*.ipynb"))
    removed.unlink()
    assert installed("lab", "--no-browser").returncode == 0
    assert welcome.read_text() == "my work"
    assert removed.exists()
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("command", ["test", "build"])
def test_what_needs_a_clone_says_so(installed, command):
    result = installed(command)
    assert result.returncode == 2
    (sentence,) = result.stderr.splitlines()
    assert f"The command {command} works in a clone of the course" in sentence


def test_doctor_finds_the_packages_the_course_opens_with(installed):
    result = installed("doctor")
    assert result.returncode == 0, result.stdout
    assert "ok    jupyterlab: " in result.stdout
    assert "ok    kernel: " in result.stdout
