"""What a learner types, and what they are told."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest

from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.exercises import check, hint, learner, progress, registry, session, solution, task
from k8snet_course.exercises.judge import run_code
from k8snet_course.exercises.result import NotSolved, Result, Status

NAME = "next_pod_address"


@pytest.fixture(autouse=True)
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh home, and a fresh session of the learner ada."""
    monkeypatch.setenv("K8SNET_HOME", str(tmp_path / "home"))
    before = list(session._sessions)
    learner("ada")
    yield
    session._sessions[:] = before


def right(name: str) -> object:
    exercise = registry.find(name)
    assert exercise is not None
    return exercise.right(exercise.variant("ada"))


def wrong() -> str:
    return str(task(NAME).numbers["freed_first"])


def test_the_three_things_a_check_says() -> None:
    assert str(check(NAME)).startswith("next_pod_address: not attempted. Write your answer into `address`")
    assert str(check(NAME, wrong())).startswith(f"next_pod_address: not yet. {wrong()} is free since")
    assert str(check(NAME, right(NAME))).startswith("next_pod_address: correct. The node goes on")


def test_long_messages_are_broken_between_words() -> None:
    text = str(check("stale_address", lambda _: "10.0.0.1"))
    message = text.partition("What happened")[0]
    assert max(map(len, message.splitlines())) <= 100


def test_a_wrong_answer_comes_with_the_walk_that_shows_it() -> None:
    result = check("stale_address", lambda _: task("stale_address").numbers["old"])
    assert result.trace is not None
    assert str(result.trace) in str(result)
    shown = result._repr_mimebundle_()
    assert shown["text/plain"] == str(result)
    assert "<title" in shown["text/html"]
    assert escape(result.message) in " ".join(shown["text/html"].split())
    assert escape(str(result.trace)) in shown["text/html"]


def test_a_message_is_text_in_html_too() -> None:
    trace = check("stale_address", lambda _: "192.168.1.2").trace
    assert "<b>" not in Result("x", Status.WRONG, "<b>", trace)._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("name", ["next_pod_addres", "NEXT_POD_ADDRESS", "x" * 10**6, 3, None, [NAME], object()])
def test_an_unknown_name_gets_the_nearest(name: object) -> None:
    result = check(name, "10.244.0.2")  # type: ignore[arg-type]
    assert result.status is Status.NOT_ATTEMPTED
    assert "Did you mean 'next_pod_" in result.message or "Did you mean '" in str(hint(name))  # type: ignore[arg-type]
    assert len(str(result)) < 300
    assert "There is no exercise" in str(solution(name))  # type: ignore[arg-type]


def test_task_gives_ones_own_numbers_and_a_cluster_to_play_with() -> None:
    mine = task(NAME)
    assert mine.cluster.add_pod("one-more").ip == right(NAME)
    assert check(NAME, right(NAME)).solved, "playing with the cluster changes nothing in the check"
    with pytest.raises(NotFound, match="next_pod_address"):
        task("next_pod_adress")


def test_hints_come_one_after_another_and_look_at_the_answer() -> None:
    assert str(hint(NAME)).startswith("Hint 1 of 2: The node remembers one more thing")
    assert str(hint(NAME)).startswith("Hint 2 of 2:")
    assert str(hint(NAME)).startswith("Hint 2 of 2:")
    learner("ada")
    check(NAME, wrong())
    assert str(hint(NAME)).startswith("Hint 1 of 2: You looked for a free address from the bottom")


def test_the_solution_is_in_the_learners_numbers_and_is_noted() -> None:
    told = str(solution(NAME))
    assert str(right(NAME)) in told
    assert "address = cluster.add_pod" in told
    assert "solution" in str(progress())


def test_the_solutions_code_can_be_pasted() -> None:
    for exercise in registry.exercises():
        assert check(exercise.name, run_code(exercise.reference, exercise, "ada")).solved


def test_progress_shows_state_and_attempts() -> None:
    check(NAME)
    check(NAME, wrong())
    hint(NAME)
    check(NAME, right(NAME))
    check(NAME, wrong())
    entry = progress().entry(NAME)
    assert (entry.attempts, entry.hints, entry.solved, entry.last) == (3, 1, True, Status.WRONG)
    row = next(line for line in str(progress()).splitlines() if NAME in line)
    assert row.split() == ["01_single_node", NAME, "correct", "3", "1", "hint"]
    assert str(progress()).startswith("ada: 1 of ")


def test_each_learner_has_their_own_progress() -> None:
    check(NAME, right(NAME))
    learner("grace")
    assert progress().entry(NAME).attempts == 0
    learner("ada")
    assert progress().entry(NAME).solved


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", 7])
def test_an_unusable_learner_id_is_refused(name: object) -> None:
    with pytest.raises(InvalidArgument):
        learner(name)  # type: ignore[arg-type]
    assert str(learner()) == "You are ada."


def test_the_environment_names_the_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    session._sessions.clear()
    monkeypatch.setenv("K8SNET_LEARNER", "\udcff grace")
    assert str(learner()) == "You are ? grace."
    session._sessions.clear()
    monkeypatch.setenv("K8SNET_LEARNER", "grace")
    assert str(learner()) == "You are grace."
    session._sessions.clear()
    monkeypatch.delenv("K8SNET_LEARNER")
    assert str(learner()) == "You are learner."


def test_a_home_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("k8snet_course.exercises.store.tempfile.mkstemp", refuse)
    _cannot_save(tmp_path / "home", monkeypatch)


def test_a_home_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    _cannot_save(tmp_path / "file" / "home", monkeypatch)


def _cannot_save(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8SNET_HOME", str(home))
    learner("ada")
    told = check(NAME, wrong())
    assert "lasts only until this notebook is closed" in told.note
    assert str(told).endswith(f"({told.note})")
    again = check(NAME, right(NAME))
    assert (again.solved, again.note) == (True, ""), "it is said once"
    assert progress().entry(NAME).attempts == 2
    assert "lasts only until" in str(progress())


def test_under_nbval_only_what_is_solved_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "exercises/01_single_node.ipynb::Cell 0 (setup)")
    solved = Result(NAME, Status.CORRECT, "Yes.", note="not saved")
    assert solved._repr_mimebundle_() == {"text/plain": "next_pod_address: correct. Yes."}
    with pytest.raises(NotSolved, match="not yet"):
        Result(NAME, Status.WRONG, "No.")._repr_mimebundle_()
    with pytest.raises(NotSolved):
        Result(NAME, Status.NOT_ATTEMPTED, "No.")._repr_mimebundle_()
