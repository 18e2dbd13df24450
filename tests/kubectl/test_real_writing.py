"""The writing verbs of a real kubectl where it only looks (``--dry-run=client``, mistakes), and those of the model.

The same small API server as for the reading verbs answers it.  What kubectl 1.32 said is kept in a file, so that this holds
where there is none; ``python -m tests.kubectl.test_real_writing`` asks anew.  Three things are read as newer versions have
them: ``creationTimestamp: null`` is no longer printed, a deletion names the namespace, and a failed command says ``error:``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from k8snet_course import Cluster
from k8snet_course.kubectl.reply import Reply
from tests.kubectl.loopback import serving
from tests.kubectl.world import world

HERE = Path(__file__).parent
LINES = (HERE / "writing_lines.txt").read_text(encoding="utf-8").splitlines()
TOLD = HERE / "told_of_writing.json"

_LOGGED = re.compile(r'^E\d+ [\d:.]+ +\d+ run\.go:\d+\] "command failed" err="(.*)"$', re.MULTILINE)


def said(line: str, server: str, home: Path) -> Reply:
    """What a real kubectl says, without the colour of its version."""
    settings = home / "config"
    settings.write_text("apiVersion: v1\nkind: Config\n", encoding="utf-8")
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "KUBECONFIG": str(settings)}
    done = subprocess.run(["kubectl", f"--server={server}", f"--cache-dir={home}", *shlex.split(line)], capture_output=True,
                          text=True, check=False, env=environment, timeout=60, cwd=home)
    out = re.sub(r'(,\n *"creationTimestamp": null|^ *creationTimestamp: null\n)', "", done.stdout, flags=re.MULTILINE)
    out = re.sub(r'"creationTimestamp": null,\n *', "", out)
    err = _LOGGED.sub(lambda found: "error: " + found[1].replace('\\"', '"'), done.stderr)
    return Reply(out, re.sub("^Error: unknown", "error: unknown", err), done.returncode)


def skip_if_old() -> None:
    """Leave a test out where the machine's kubectl is older than those that the course follows."""
    shown = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=True, timeout=60).stdout
    minor = re.search(r"v1\.(\d+)|Minor:\"(\d+)", shown)
    assert minor is not None, shown
    if int(minor[1] or minor[2]) < 32:
        pytest.skip("an older kubectl has other words for mistakes")


def without_namespaces(text: str) -> str:
    return re.sub(r"(deleted(?: \(dry run\))?) from \S+ namespace$", r"\1", text, flags=re.MULTILINE)


def same(ours: Reply, theirs: Reply) -> bool:
    """Whether both say the same; the course may add sentences of its own after an error."""
    return (without_namespaces(ours.out), ours.code) == (theirs.out, theirs.code) and ours.err.startswith(theirs.err)


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return world()


@pytest.fixture(scope="module")
def told() -> dict[str, Reply]:
    return {one["line"]: Reply("".join(one["out"]), "".join(one["err"]), one["code"])
            for one in json.loads(TOLD.read_text(encoding="utf-8"))}


def test_everything_is_recorded(told: dict[str, Reply]) -> None:
    assert list(told) == LINES


@pytest.mark.parametrize("line", LINES)
def test_what_kubectl_said(cluster: Cluster, told: dict[str, Reply], line: str) -> None:
    before = repr(cluster), cluster.services
    ours = cluster.kubectl(line)
    theirs = told[line]
    assert same(ours, theirs), f"{ours.out}{ours.err}[{ours.code}] is not {theirs.out}{theirs.err}[{theirs.code}]"
    assert (repr(cluster), cluster.services) == before, "nothing was done"


@pytest.mark.needs("kubectl")
def test_what_kubectl_says_now(cluster: Cluster, tmp_path: Path) -> None:
    skip_if_old()
    with serving(cluster) as (server, _):
        different = [line for line in LINES if not same(cluster.kubectl(line), said(line, server, tmp_path))]
    assert different == []


def main() -> None:
    """Ask the kubectl of this machine, and keep what it says."""
    kept = []
    with serving(world()) as (server, _), TemporaryDirectory() as home:
        for line in LINES:
            reply = said(line, server, Path(home))
            kept.append({"line": line, "out": reply.out.splitlines(True), "err": reply.err.splitlines(True),
                         "code": reply.code})
    TOLD.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
