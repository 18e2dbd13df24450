"""The layers of the design: the model needs the standard library alone, and imports run downwards only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "k8snet_course"

LAYERS = [
    {"errors", "views", "filelock", "clock", "followers"},
    {"addressing", "linux", "names"},
    {"objects", "yaml_text"},
    {"programs", "controllers", "sidecar", "cni", "underlay", "probe", "ranges", "services", "policy", "dns"},
    {"bootstrap", "manifests", "device", "control_plane", "faults", "reachability"},
    {"replicas"},
    {"api_server"},
    {"derivation", "meaning"},
    {"entrances", "relays", "response", "http_walk", "pod_classes", "representatives", "class_walks"},
    {"shell"},
    {"cluster", "docker", "vms"},
]
"""The model, from the bottom: a module may import its own layer and those before it."""
MODEL = set().union(*LAYERS)
ABOVE = {"kubectl", "show", "emulator", "authoring", "exercises", "build", "cli", "launcher", "__main__", "__init__"}
"""The views, and what a person starts: they import the model, never the reverse."""
FRONT_DOOR = {"cluster": {"kubectl"}}
"""Views that a learner reaches by a method of the model; the method imports them when it is called."""


def room_of(path: Path) -> str:
    """The first part of a module's path inside the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """The modules of the course that a file imports, wherever in the file, except for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("k8snet_course.")}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_room_has_its_place() -> None:
    assert {room_of(path) for path in modules()} <= MODEL | ABOVE


@pytest.mark.parametrize("path", [path for path in modules() if room_of(path) in MODEL], ids=lambda path: path.stem)
def test_imports_run_downwards(path: Path) -> None:
    room = room_of(path)
    depth = next(number for number, layer in enumerate(LAYERS) if room in layer)
    allowed = set().union(*LAYERS[: depth + 1])
    assert imports_of(path) <= allowed | FRONT_DOOR.get(room, set()), f"{room} imports a layer above it"


def test_the_model_works_without_site_packages() -> None:
    code = (
        "import sys; from k8snet_course import Cluster; c = Cluster(); c.add_pod('a'); c.add_pod('b');"
        "assert str(c.send('a', 'b').verdict) == 'delivered';"
        "heavy = {'pandas', 'numpy', 'IPython', 'yaml', 'ipywidgets', 'matplotlib'};"
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": str(PACKAGE.parent)})
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, k8snet_course; print(len([m for m in sys.modules if m.startswith('k8snet_course')]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 1
