"""The set-up: what it makes, that it is done once, and that it is done again exactly when it has to be."""

import subprocess
import sys
import time
from pathlib import Path

import pytest


def creations(run) -> int:
    return run.out.count("Creating .venv")


def test_a_fresh_clone_is_set_up_and_opens_the_first_notebook(clone, installer_path, pip_path):
    run = clone.run("lab", "--no-browser", PATH=installer_path, PYTHONPATH="/elsewhere")
    assert run.code == 0, run.err
    (told,) = run.told
    assert Path(told["prefix"]) == clone.venv
    assert Path(told["package"]) == clone.root / "k8snet_course"
    assert "--LabApp.default_url=/lab/tree/notebooks/00_welcome.ipynb" in told["argv"]
    assert f"--ServerApp.root_dir={clone.root}" in told["argv"]
    assert "--no-browser" in told["argv"]
    assert told["pythonpath"] is None
    assert creations(run) == 1
    installer = "pip" if installer_path == pip_path else "uv"
    assert f"installing 1 packages with {installer}" in run.out


def test_the_options_reach_the_server(clone):
    clone.run("lab")
    (told,) = clone.run("lab", "--ip", "127.0.0.1").told
    assert "--ServerApp.ip=127.0.0.1" in told["argv"]
    assert "--no-browser" not in told["argv"]


def test_the_kernels_of_the_environment_come_before_all_others(clone):
    (told,) = clone.run("lab", JUPYTER_PATH="/other/jupyter").told
    assert told["jupyter_path"].split(":" if sys.platform != "win32" else ";") == [
        str(clone.venv / "share" / "jupyter"),
        "/other/jupyter",
    ]


def test_a_second_start_changes_nothing_and_costs_less_than_three_seconds(clone):
    clone.run("lab")
    before = clone.stamp
    changed = clone.venv.stat().st_mtime_ns

    def seconds(command: list[str]) -> float:
        start = time.perf_counter()
        subprocess.run(command, cwd=clone.root, env=clone.environment(), check=True, capture_output=True)
        return time.perf_counter() - start

    def cost() -> float:
        server = seconds([str(clone.venv / "bin" / "python"), "-m", "jupyterlab"])
        return seconds([sys.executable, "-m", "k8snet_course", "lab"]) - server

    assert any(cost() < 3 for _ in range(3)), "not even once, on a machine that may be busy"
    run = clone.run("lab")
    assert creations(run) == 0
    assert (clone.stamp, clone.venv.stat().st_mtime_ns) == (before, changed)


@pytest.mark.parametrize("change", ["lock", "place", "interpreter", "stamp"])
def test_what_no_longer_fits_is_built_again(clone, change):
    clone.run("lab")
    half = clone.venv / "half-done"
    half.touch()
    if change == "lock":
        with (clone.root / "requirements.txt").open("a") as lock:
            lock.write("# changed\n")
    elif change == "place":
        clone.root = clone.root.rename(clone.root.with_name("moved"))
        half = clone.venv / "half-done"
    elif change == "interpreter":
        (clone.venv / "bin" / "python").unlink()
    else:
        (clone.venv / "k8snet-stamp.json").write_text('{"ready": ["')
    run = clone.run("lab")
    assert run.code == 0, run.err
    assert "Removing the .venv" in run.out
    assert creations(run) == 1
    assert not half.exists()
    assert Path(run.told[0]["package"]) == clone.root / "k8snet_course"
    assert creations(clone.run("lab")) == 0


def test_the_test_packages_are_added_to_what_is_there(clone, installer_path):
    clone.run("lab", PATH=installer_path)
    kept = clone.venv / "kept"
    kept.touch()
    run = clone.run("test", "-k", "name", PATH=installer_path)
    assert run.code == 0, run.err
    assert [(told["name"], told["argv"]) for told in run.told] == [("pytest", ["-k", "name"])]
    assert kept.exists()
    assert len(clone.stamp["ready"]) == 2
    assert creations(clone.run("lab")) == 0


def test_pip_finishes_what_uv_began(clone, pip_path):
    clone.run("lab")
    run = clone.run("test", "-x", PATH=pip_path)
    assert run.code == 0, run.err
    assert "packages with pip" in run.out
    assert creations(run) == 0


def test_a_uv_that_does_not_run_is_passed_over(clone, tmp_path):
    shim = tmp_path / "uv"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    run = clone.run("lab", PATH=str(tmp_path))
    assert "packages with pip" in run.out
    assert run.code == 0


def test_a_package_with_another_hash_is_refused(clone, installer_path):
    lock = clone.root / "requirements.txt"
    name, digest = lock.read_text().strip().rsplit(":", 1)
    lock.write_text(f"{name}:{digest[::-1]}\n")
    sentence = clone.run("lab", PATH=installer_path).one_sentence()
    assert "hash differs" in sentence
    assert clone.stamp is None


def test_of_two_starts_at_once_one_sets_up_and_the_other_waits(clone, pip_path):
    first, second = clone.start("lab", PATH=pip_path), clone.start("lab", PATH=pip_path)
    runs = [clone.finish(first), clone.finish(second)]
    assert [run.code for run in runs] == [0, 0], [run.err for run in runs]
    assert sum(map(creations, runs)) == 1
    assert sum("waiting until it is done" in run.out for run in runs) == 1
    assert all(len(run.told) == 1 for run in runs)

