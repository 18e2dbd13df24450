"""Progress survives crashes, damage and several notebooks at once."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from k8snet_course.exercises import store as store_module
from k8snet_course.exercises.record import Event, Progress
from k8snet_course.exercises.result import Status
from k8snet_course.exercises.store import Store, home

ROOT = Path(__file__).parents[2]

HAMMER = """
import sys
from pathlib import Path
from k8snet_course.exercises.record import Event
from k8snet_course.exercises.store import Store
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
number = 0
while number != count:
    store = Store("ada", folder)
    store.record(Event(name, attempts=1), Event("both", attempts=1))
    assert not store.note, store.note
    number += 1
"""


def hammer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that records many events; it begins when it gets a line."""
    process = subprocess.Popen([sys.executable, "-c", HAMMER, str(folder), name, str(count)], text=True, cwd=ROOT,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    processes = [hammer(tmp_path, name, 150) for name in ("one", "two")]
    for process in processes:
        begin(process)
    assert [process.wait(120) for process in processes] == [0, 0]
    entries = Store("ada", tmp_path).read().entries
    assert {name: entry.attempts for name, entry in entries.items()} == {"one": 150, "two": 150, "both": 300}


def attempts_of(store: Store, name: str) -> int:
    entry = store.read().entries.get(name)
    return entry.attempts if entry else 0


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_a_killed_process_leaves_a_whole_file_and_no_lock(tmp_path: Path) -> None:
    store = Store("ada", tmp_path)
    store.record(Event("before", attempts=1))
    seen = 0
    for round_number in range(12):
        process = hammer(tmp_path, "killed", -1)
        begin(process)
        time.sleep(0.02 + 0.013 * round_number)
        end = time.monotonic() + 60
        while round_number == 11 and attempts_of(store, "killed") == 0 and time.monotonic() < end:
            time.sleep(0.01)  # on a busy machine none of them may have got so far
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        data = json.loads(store.path.read_text(encoding="utf-8"))
        attempts = data["exercises"].get("killed", {"attempts": 0})["attempts"]
        assert attempts >= seen
        assert data["exercises"]["before"]["attempts"] == 1
        seen = attempts
    assert seen > 0
    began = time.monotonic()
    store.record(Event("after", attempts=1))
    assert time.monotonic() - began < store_module._PATIENCE / 2, "nobody holds the lock"
    assert store.note == ""
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".lock"]


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"version": 99, "exercises": {}}',
                                    b'{"version": 1, "exercises": {"x": {"attempts": -1, "solved": false}}}',
                                    b'{"version": 1, "exercises": {"x": 3}}', b"[" * 100_000])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    store = Store("ada", tmp_path)
    store.path.write_bytes(damage)
    assert store.read().entries == {}
    assert "cannot be read" in store.note
    assert store.path.read_bytes() == damage, "reading changes nothing"
    store.record(Event("x", attempts=1, status=Status.CORRECT))
    aside = [path for path in tmp_path.iterdir() if "damaged" in path.name]
    assert [path.read_bytes() for path in aside] == [damage]
    assert aside[0].name in store.note
    assert Store("ada", tmp_path).read().entry("x").solved


def test_two_damaged_files_are_both_kept(tmp_path: Path) -> None:
    for number in (1, 2):
        store = Store("ada", tmp_path)
        store.path.write_text(f"damage {number}")
        store.record(Event("x", attempts=1))
    assert {path.read_text() for path in tmp_path.glob("*damaged*")} == {"damage 1", "damage 2"}


def test_a_crash_in_the_middle_of_a_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store("ada", tmp_path)
    store.record(Event("x", attempts=1))
    before = store.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.os, "fsync", full)
    store.record(Event("x", attempts=1))
    assert store.path.read_bytes() == before
    assert "no space left on device" in store.note
    assert store.read().entry("x").attempts == 2, "what could not be saved is kept in memory"
    monkeypatch.undo()
    store.record(Event("x", attempts=1))
    assert Store("ada", tmp_path).read().entry("x").attempts == 3, "and saved when that works again"
    assert store.note == ""
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".lock"]


def test_a_lock_that_is_held_is_waited_for_and_then_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PATIENCE", 0.05)
    store = Store("ada", tmp_path)
    store.record(Event("x", attempts=1))
    with store_module._locked(store.path.with_suffix(".lock")):
        store.record(Event("x", attempts=1))
    assert "another program holds the file" in store.note
    assert store.read().entry("x").attempts == 2


def test_file_names_stay_in_the_folder_and_apart(tmp_path: Path) -> None:
    ids = ["ada", "Ada", "../../etc/passwd", "a/b", "a b", "", "ß", "\ud800", "x" * 500, "CON"]
    paths = [Store(name, tmp_path).path for name in ids]
    assert len(set(paths)) == len(ids)
    assert all(path.parent == tmp_path and len(path.name) < 80 for path in paths)


def test_the_home_of_each_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8SNET_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("K8SNET_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, wanted in (("linux", tmp_path / "data"), ("win32", tmp_path / "local"),
                             ("darwin", tmp_path / "Library" / "Application Support")):
        monkeypatch.setattr(store_module.sys, "platform", platform)
        assert home() == wanted / "k8snet_course"


def test_nobody_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K8SNET_HOME")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    store = Store("ada")
    store.record(Event("x", attempts=1))
    assert store.read().entry("x").attempts == 1
    assert "cannot be saved" in store.note


def test_progress_written_and_read_is_the_same() -> None:
    progress = Progress("ada").after(Event("x", 1, 2, 3, Status.CORRECT), Event("y", attempts=1, status=Status.WRONG),
                                     Event("z", hints=1))
    assert Progress.from_json("ada", json.loads(json.dumps(progress.to_json()))) == progress
