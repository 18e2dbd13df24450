"""The same questions to a real kubectl and to the model's: the answers are the same, letter by letter.

What kubectl 1.33 said is kept in a file, so that this holds where there is none.  The course's own sentences after an error are
no part of the comparison.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from k8snet_course import Cluster
from k8snet_course.kubectl.reply import Reply
from tests.kubectl.loopback import LINES, real, recorded, serving
from tests.kubectl.world import world

OLDER = ("describe", "yaml", "--sort-by=.metadata.name -o name")
"""What versions before 1.32 say otherwise: much of describe, the metadata of a List, and what --sort-by does with names."""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return world()


@pytest.fixture(scope="module")
def told() -> dict[str, Reply]:
    return recorded()


def test_everything_is_recorded(told: dict[str, Reply]) -> None:
    assert list(told) == LINES


@pytest.mark.parametrize("line", LINES)
def test_what_kubectl_said(cluster: Cluster, told: dict[str, Reply], line: str) -> None:
    ours = cluster.kubectl(line)
    assert (ours.out, ours.code) == (told[line].out, told[line].code)
    assert ours.err.startswith(told[line].err)


@pytest.mark.needs("kubectl")
def test_what_kubectl_says_now(cluster: Cluster, tmp_path: Path) -> None:
    shown = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=True, timeout=60).stdout
    minor = re.search(r"v1\.(\d+)|Minor:\"(\d+)", shown)
    assert minor is not None
    old = int(minor[1] or minor[2]) < 32
    lines = [line for line in LINES if not old or not any(word in line for word in OLDER)]
    with serving(cluster) as (server, _):
        for line in lines:
            theirs, ours = real(line, server, tmp_path), cluster.kubectl(line)
            assert (line, ours.out, ours.code) == (line, theirs.out, theirs.code)
            assert ours.err.startswith(theirs.err)
