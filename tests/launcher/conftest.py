"""A small clone whose locks name a few tiny packages, so that a set-up with the real installers takes seconds.

The packages are wheels made here: `tinylab` brings a module `jupyterlab` that only tells how it was started, `tinytest`
modules `ruff`, `mypy` and `pytest` that do the same. Everything else is real: the launcher's files are the clone's, and
pip and uv install into a real environment.
"""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TELL = """
import json, os, sys
import k8snet_course
code = int(os.environ.get("TELL_CODE_" + {name!r}, "0"))
print("TOLD " + json.dumps({{"name": {name!r}, "argv": sys.argv[1:], "prefix": sys.prefix, "cwd": os.getcwd(),
    "package": os.path.dirname(k8snet_course.__file__), "jupyter_path": os.environ.get("JUPYTER_PATH"),
    "home": os.environ.get("K8SNET_HOME"), "pythonpath": os.environ.get("PYTHONPATH")}}), flush=True)
sys.exit(code)
"""


def make_wheel(folder: Path, name: str, modules: tuple[str, ...], bulk: int = 0) -> str:
    """Make a wheel with modules that tell how they were started; the line of a lock that pins it."""
    files = {f"{module}/__main__.py": TELL.format(name=module).encode() for module in modules}
    files |= {f"{module}/__init__.py": b"" for module in modules}
    if bulk:
        files[f"{name}_bulk.bin"] = bytes(bulk)
    info = f"{name}-1.0.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@dataclass
class Run:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> list[dict[str, object]]:
        """What the tiny modules told, in order."""
        return [json.loads(line.removeprefix("TOLD ")) for line in self.out.splitlines() if line.startswith("TOLD ")]

    def one_sentence(self) -> str:
        """The sentence on stderr of a start that could not go on."""
        assert self.code == 2, (self.code, self.out, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.out + self.err
        return lines[0]


def _hear_ctrl_c() -> None:
    """A shell that runs the tests in the background makes its programs deaf to Ctrl-C; a person's terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Clone:
    """A small clone, and the commands a person gives in it."""

    root: Path
    wheels: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def stamp(self) -> dict[str, object] | None:
        path = self.venv / "k8snet-stamp.json"
        return json.loads(path.read_text()) if path.exists() else None

    def environment(self, **more: str) -> dict[str, str]:
        keep = ("HOME", "LANG", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "USERPROFILE")
        return {name: os.environ[name] for name in keep if name in os.environ} | self.variables | more

    def start(self, *words: str, python: str = sys.executable, **more: str) -> "subprocess.Popen[str]":
        """Start the command in a process group of its own, as a terminal does."""
        return subprocess.Popen(
            [python, "-m", "k8snet_course", *words],
            cwd=self.root,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=None if sys.platform == "win32" else _hear_ctrl_c,
        )

    def run(self, *words: str, python: str = sys.executable, **more: str) -> Run:
        return self.finish(self.start(*words, python=python, **more))

    @staticmethod
    def finish(process: "subprocess.Popen[str]") -> Run:
        """Wait for a command's end."""
        try:
            out, err = process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Run(process.returncode, out, err)


def make_clone(root: Path, wheels: Path, bulk: int = 0) -> Clone:
    """Copy the launcher to `root`, and give it tiny locks whose packages are in `wheels`."""
    wheels.mkdir(exist_ok=True)
    root.mkdir(exist_ok=True)
    package = ROOT / "k8snet_course"
    (root / "k8snet_course").mkdir()
    for name in ("__init__.py", "__main__.py", "cli.py", "filelock.py"):
        shutil.copy(package / name, root / "k8snet_course")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package / "launcher", root / "k8snet_course" / "launcher", ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", root)
    lab = make_wheel(wheels, "tinylab", ("jupyterlab",), bulk)
    (root / "requirements.txt").write_text(lab)
    (root / "requirements-test.txt").write_text(lab + make_wheel(wheels, "tinytest", ("ruff", "mypy", "pytest")))
    for folder in ("notebooks", "solutions"):
        (root / folder).mkdir()
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (root / folder / "00_welcome.ipynb").write_text(json.dumps(notebook))
    found = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "UV_OFFLINE": "1", "UV_FIND_LINKS": str(wheels)}
    alone = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(wheels / "cache")}
    return Clone(root, wheels, found | alone)


@pytest.fixture
def clone(tmp_path: Path, uv_path: str) -> Clone:
    """A small clone that finds uv and nothing else, because uv is quick."""
    clone = make_clone(tmp_path / "clone", tmp_path / "wheels")
    clone.variables["PATH"] = uv_path
    return clone


@pytest.fixture(scope="session")
def small_clone_maker() -> Callable[..., Clone]:
    """For tests that choose themselves where the small clone is."""
    return make_clone


@pytest.fixture(scope="session")
def uv_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which there is uv and nothing else."""
    import uv

    folder = tmp_path_factory.mktemp("uv")
    found = Path(uv.find_uv_bin())
    shutil.copy(found, folder / found.name)
    return str(folder)


@pytest.fixture(scope="session")
def pip_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which there is nothing, so that pip does the work."""
    return str(tmp_path_factory.mktemp("no-commands"))


@pytest.fixture(params=["pip", "uv"])
def installer_path(request: pytest.FixtureRequest) -> str:
    """The PATH with which pip, and then uv, does the work."""
    return request.getfixturevalue(f"{request.param}_path")


@pytest.fixture
def stuck_uv(tmp_path: Path) -> str:
    """A PATH with a uv that takes three seconds and then gives up, so that a set-up can be caught in the middle."""
    folder = tmp_path / "stuck"
    folder.mkdir()
    script = folder / "uv"
    body = "import sys, time\nif '--version' not in sys.argv: time.sleep(3); sys.exit(1)\n"
    script.write_text(f"#!{sys.executable}\n{body}")
    script.chmod(0o755)
    return str(folder)
