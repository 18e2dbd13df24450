"""One list of dependencies: environment.yml, Binder's files and the locks are held to pyproject.toml."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LAB = [Requirement(text) for text in PROJECT["dependencies"]]
TEST = LAB + [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]
LOCKS = {"requirements.txt": LAB, "requirements-test.txt": TEST}

PIN = re.compile(
    r"^(?P<pin>[A-Za-z0-9][^\n\\]*?) \\\n(?P<hashes>(?:    --hash=.*\n)+)(?P<via>(?:    #.*\n?)+)", re.MULTILINE
)


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


def pins(lock: str) -> list[tuple[Requirement, list[str], set[str]]]:
    """Each pin of a lock: the requirement, its hashes, and the names of what wants it."""
    found = []
    for match in PIN.finditer((ROOT / lock).read_text()):
        hashes = re.findall(r"--hash=(\S+)", match["hashes"])
        via = {word for line in match["via"].splitlines() for word in line.strip(" #").removeprefix("via").split()}
        found.append((Requirement(match["pin"]), hashes, via - {"(pyproject.toml)", "-c", "requirements.txt"}))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_the_dependencies_and_what_they_need_and_nothing_else(lock):
    locked = pins(lock)
    every = {canonicalize_name(pin.name) for pin, _, _ in locked}
    wanted = {canonicalize_name(pin.name) for pin, _, via in locked if "k8snet-course" in via}
    assert wanted == names(LOCKS[lock])
    for pin, _, via in locked:
        assert via, f"nothing wants {pin.name}"
        assert {canonicalize_name(name) for name in via - {"k8snet-course"}} <= every


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_pyproject_allows_with_hashes(lock):
    allowed = {canonicalize_name(requirement.name): requirement.specifier for requirement in LOCKS[lock]}
    for pin, hashes, _ in pins(lock):
        (version,) = pin.specifier
        assert version.operator == "=="
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes)
        if canonicalize_name(pin.name) in allowed:
            assert allowed[canonicalize_name(pin.name)].contains(version.version)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_machine(lock):
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"(^|\s)/\w", text)
    assert not re.search(r"^--?(?!hash)", text, re.MULTILINE)


def test_the_pattern_reads_every_line_of_the_locks():
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        assert len(pins(lock)) == len(re.findall(r"^[A-Za-z0-9]\S*==", text, re.MULTILINE)) > 0


def test_the_wider_lock_holds_all_of_the_narrower_one():
    lab, test = ({str(pin): hashes for pin, hashes, _ in pins(lock)} for lock in LOCKS)
    # The launcher relies on it: adding the test packages must leave the course's own packages alone.
    assert lab.items() <= test.items()


@pytest.mark.parametrize("python", ["3.11.2", "3.11.7", "3.12.0", "3.13.0", "3.14.0"])
@pytest.mark.parametrize(("platform", "system", "os_name"), [
    ("linux", "Linux", "posix"),
    ("darwin", "Darwin", "posix"),
    ("win32", "Windows", "nt"),
])  # fmt: skip
def test_each_python_and_system_gets_each_package_once(python, platform, system, os_name):
    machine = {
        **default_environment(),
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "sys_platform": platform,
        "platform_system": system,
        "os_name": os_name,
    }
    for lock in LOCKS:
        fitting = [pin for pin, _, _ in pins(lock) if not pin.marker or pin.marker.evaluate(machine)]
        chosen = [canonicalize_name(pin.name) for pin in fitting]
        assert len(chosen) == len(set(chosen))
        assert names(LOCKS[lock]) <= set(chosen)


def test_conda_installs_the_dependencies_and_nothing_else():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    listed = {requirement.name: requirement for requirement in map(Requirement, environment["dependencies"])}
    assert str(listed.pop("python").specifier) == PROJECT["requires-python"]
    assert {name: str(r.specifier) for name, r in listed.items()} == {r.name: str(r.specifier) for r in LAB}


def test_binder_installs_the_lock_on_a_python_that_the_course_supports():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    assert lines == ["-r ../requirements.txt"]
    version = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    assert tuple(map(int, version.split("."))) >= (3, 11)
    # An environment.yml in there would make Binder take the slower way through conda.
    assert sorted(path.name for path in (ROOT / "binder").iterdir()) == ["postBuild", "requirements.txt", "runtime.txt"]


@pytest.mark.parametrize("script", [".ci/run", "binder/postBuild"])
@pytest.mark.needs("bash")
def test_the_scripts_are_executable_and_free_of_syntax_errors(script):
    assert (ROOT / script).stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


def test_importing_the_package_imports_nothing_and_offers_its_names():
    code = (
        "import sys; before = set(sys.modules); import k8snet_course; "
        "print(sorted(set(sys.modules) - before)); print('Cluster' in dir(k8snet_course))"
    )
    run = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
                         capture_output=True, text=True, check=True)  # fmt: skip
    assert run.stdout.splitlines() == ["['k8snet_course']", "True"]


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    import k8snet_course

    with pytest.raises(AttributeError, match="has no attribute 'Clutser'"):
        _ = k8snet_course.Clutser


def test_the_licences_are_the_ones_that_pyproject_names():
    assert PROJECT["license"] == "BSD-3-Clause AND CC-BY-4.0"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License")
    assert "SPDX-License-Identifier: CC-BY-4.0" in (ROOT / "LICENSE-text").read_text()
