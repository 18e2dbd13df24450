"""What `test` runs: all parts even if one fails, and pytest alone where it was given words."""

from pathlib import Path

import pytest

from k8snet_course.launcher import parts


def closing_lines(run) -> list[str]:
    return [line.split(" in ")[0] for line in run.out.splitlines()[-4:]]


def test_all_parts_run_in_the_environment_and_away_from_the_learners_progress(clone, tmp_path):
    run = clone.run("test", K8SNET_HOME=str(tmp_path / "learner"))
    assert run.code == 0, run.err
    assert [(told["name"], told["argv"]) for told in run.told] == [
        ("ruff", ["check", "."]),
        ("mypy", ["--strict", "k8snet_course"]),
        ("pytest", [*parts.side_by_side(parts._processors())]),
        ("pytest", ["--nbval", "notebooks/00_welcome.ipynb", "solutions/00_welcome.ipynb"]),
    ]
    for told in run.told:
        assert Path(told["prefix"]) == clone.venv
        assert Path(told["cwd"]) == clone.root
        assert told["home"] not in (None, str(tmp_path / "learner"))
        assert not Path(told["home"]).exists()
    assert closing_lines(run) == ["ruff     passed", "mypy     passed", "pytest   passed", "nbval    passed"]


@pytest.mark.parametrize(("processors", "processes"), [(1, None), (2, "2"), (8, "2")])
def test_two_processes_run_the_tests_where_there_are_two_processors(processors, processes, monkeypatch):
    monkeypatch.setattr(parts, "_processors", lambda: processors)
    (part,) = (part for part in parts.all_parts("python", Path()) if part.name == "pytest")
    words = dict(zip(part.command, part.command[1:], strict=False))
    assert (words.get("-n"), words.get("--dist")) == ((processes, "loadfile") if processes else (None, None))


def test_a_part_that_fails_does_not_stop_the_others(clone):
    run = clone.run("test", TELL_CODE_ruff="1", TELL_CODE_pytest="3")
    assert run.code == 1
    assert closing_lines(run) == [
        "ruff     FAILED (exit code 1)",
        "mypy     passed",
        "pytest   FAILED (exit code 3)",
        "nbval    FAILED (exit code 3)",
    ]


def test_no_notebooks_is_a_failure(clone):
    (clone.root / "solutions" / "00_welcome.ipynb").unlink()
    run = clone.run("test")
    assert run.code == 1
    assert "nbval: no notebooks in solutions/; make them with the command: build" in run.err
    assert [told["name"] for told in run.told] == ["ruff", "mypy", "pytest"]
    assert closing_lines(run)[-1] == "nbval    FAILED (exit code 1)"


def test_words_go_to_pytest_and_then_pytest_alone_runs_and_gives_the_exit_code(clone):
    run = clone.run("test", "-k", "name", "tests/launcher", TELL_CODE_pytest="5")
    assert run.code == 5
    assert [(told["name"], told["argv"]) for told in run.told] == [("pytest", ["-k", "name", "tests/launcher"])]
