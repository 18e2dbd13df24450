"""What this machine's kernel lacks, asked in another one: IPVS and IPIP.  The questions are in the folder guest.

Two kernels run at once, one for each file of questions.  What they print stands in the failure.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

import k8snet_course
from tests.emulator.other_kernel import NEEDED, GuestFailed, in_other_kernel

ROOT = Path(k8snet_course.__file__).parents[1]
LONGEST = 600
"""Seconds."""
pytestmark = pytest.mark.needs(*NEEDED)
QUESTIONS = ("ask_services.py", "ask_many.py")
Answers = dict[str, Future[tuple[int, str]]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with ThreadPoolExecutor(len(QUESTIONS)) as both:
        yield {name: both.submit(
            in_other_kernel, (sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider",
                              "-o", "python_files=ask_*.py", f"tests/emulator/guest/{name}"),
            tmp_path_factory.mktemp("guest"), ROOT, LONGEST, PYTHONPATH=str(ROOT)) for name in QUESTIONS}


@pytest.mark.parametrize("name", QUESTIONS)
def test_model_and_the_other_kernel_agree(name: str, answers: Answers, tell: Callable[[str], None]) -> None:
    code, said = answers[name].result()
    if code == 0 and "clusters," in said:
        tell(said[said.find("clusters,") - 4:].strip())
    assert code == 0 and " passed in " in said, said


def test_it_writes_to_no_other_folder(tmp_path: Path) -> None:
    """And it has a kernel of its own, and its end is told."""
    here = tmp_path / "here"
    here.mkdir()
    code, said = in_other_kernel(
        ("sh", "-c", f"uname -r; touch {tmp_path}/file; echo done > /run/result/file; exit 7"), here, ROOT, 60)
    assert code == 7 and said.splitlines()[0] != Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
    assert "Read-only file system" in said and (here / "file").read_text(encoding="ascii") == "done\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]


def test_it_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    for seconds in (5, 20, 60):  # on a busy machine it takes long to begin
        (here := tmp_path / str(seconds)).mkdir()
        with pytest.raises(GuestFailed, match=f"no end within {seconds} s"):
            in_other_kernel(("sh", "-c", "echo begun; sleep 100"), here, ROOT, seconds)
        if _bytes(here / "said"):
            break
    assert _bytes(here / "said") == b"begun\n"
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _bytes(path)]
    assert left == []


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
