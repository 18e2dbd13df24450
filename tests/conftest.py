"""What all tests share: tools of the system that a test needs, and a home folder that is not the learner's.

    @pytest.mark.needs("chromium", "ip")

Without the tool the test is skipped, and the reasons are listed at the end of the run. With CI=true it fails instead:
there everything has been installed, so a missing tool is a mistake in the machine and must not pass for a success.
"""

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from hypothesis import settings

from k8snet_course.launcher.doctor import CHROMIUM

# A tool that goes by several names; every other one is the command of that name.
NAMES = {"chromium": CHROMIUM}
LONGEST = ("tests/emulator/test_agreement.py", "tests/notebooks/test_exercises_under_nbval.py",
           "tests/emulator/test_other_kernel.py", "tests/launcher/test_setup.py", "tests/emulator/test_ipv6.py",
           "tests/browser/test_chapter_1.py", "tests/launcher/test_trouble.py", "tests/shell/test_real.py",
           "tests/notebooks/test_built_files.py", "tests/browser/test_kubectl.py", "tests/policy/test_against_reference.py")
"""Where several processes share the tests, these files come first, so that at the end no process waits for another."""
_TOLD = "told"

_HOME = pytest.StashKey[tempfile.TemporaryDirectory]()


def find_tool(name: str) -> str | None:
    """The path of a system tool, or None; "root" stands for the right to make network namespaces, "userns" for that to make
    user namespaces, in which everybody may."""
    if name == "root":
        return name if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    if name == "userns":
        return name if _has_user_namespaces() else None
    return next(filter(None, map(shutil.which, NAMES.get(name, (name,)))), None)


@cache
def _has_user_namespaces() -> bool:
    words = ("unshare", "--map-root-user", "--mount", "true")
    return shutil.which(words[0]) is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0


def in_ci() -> bool:
    """Whether a missing tool is a failure."""
    return os.environ.get("CI", "").lower() in ("1", "true")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium; for tests marked with needs("chromium")."""
    path = find_tool("chromium")
    assert path is not None, "a test that uses this fixture has to be marked with needs('chromium')"
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--agreement", type=int, default=0, metavar="N",
                     help="compare model and real Linux on N random clusters instead of a few that are always the same")


def pytest_configure(config: pytest.Config) -> None:
    # Set before anything is imported, and for doctests too, which know no fixtures of this folder.
    config.stash[_HOME] = tempfile.TemporaryDirectory(prefix="k8snet-test-")
    os.environ["K8SNET_HOME"] = config.stash[_HOME].name
    # With CI=true hypothesis does so by itself: what an example costs depends on what else the machine does.
    settings.register_profile("any machine", settings(), deadline=None)
    settings.load_profile("any machine")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _HOME in config.stash:
        config.stash[_HOME].cleanup()


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [tool for tool in _needed(item) if find_tool(tool) is None]
    if not missing:
        return
    reason = f"needs {', '.join(missing)} on this system, which is not there"
    if in_ci():
        pytest.fail(f"{reason}; with CI=true that is a failure", pytrace=False)
    pytest.skip(reason)


def _needed(item: pytest.Item) -> Iterator[str]:
    for marker in item.iter_markers("needs"):
        yield from marker.args


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: _turn(item.nodeid.partition("::")[0]))


def _turn(path: str) -> int:
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says a text at the end of the run, in whichever process the test runs."""
    return lambda text: record_property(_TOLD, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        for name, text in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
            if name == _TOLD:
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("skipped, and why")
        for reason, count in sorted(reasons.items()):
            terminalreporter.write_line(f"{count} x {reason}")
