"""Whatever an answer is, a check gives a sentence and never raises."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course.exercises import answers, registry
from k8snet_course.exercises.exercise import Exercise
from k8snet_course.exercises.judge import judge
from k8snet_course.exercises.result import Result, Status

EXERCISES = list(registry.exercises())
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.name)


class Hostile:
    """Raises whatever is asked of it."""

    def _no(self, *_: object) -> NoReturn:
        raise SystemExit("no")

    __eq__ = __ne__ = __repr__ = __str__ = __bool__ = __len__ = _no  # type: ignore[assignment]
    __iter__ = __getitem__ = __format__ = __call__ = _no  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        raise KeyError(name)


class Liar:
    """Says that it is a text."""

    __class__ = str  # type: ignore[assignment]


class Sly(str):
    """A text whose methods are not a text's."""

    def strip(self, *_: object) -> str:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class HostileDict(dict[str, object]):
    def items(self) -> Any:
        raise MemoryError

    def get(self, *_: object) -> Any:
        raise MemoryError


class Meta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise ValueError


class Nameless(metaclass=Meta):
    pass


def raises_exit(*_: object) -> object:
    raise SystemExit(3)


def raises_interrupt(*_: object) -> object:
    raise KeyboardInterrupt


def raises_hostile(*_: object) -> object:
    raise type("Error", (Exception,), {"__str__": Hostile._no})


def recursive(*arguments: object) -> object:
    return recursive(*arguments)


def gives_hostile(*_: object) -> object:
    return Hostile()


def breaks_the_cluster(cluster: Any, *_: object) -> object:
    cluster._pods.clear()
    return "10.0.0.1"


def _itself() -> list[object]:
    loop: list[object] = []
    loop.append(loop)
    return loop


def _deep() -> dict[str, object]:
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"metadata": deep}
    return deep


HOSTILE: list[object] = [
    Hostile(), Hostile, Liar(), Sly("10.244.0.2"), HostileDict(a=1), Nameless(), Nameless, raises_exit,
    raises_interrupt, raises_hostile, recursive, gives_hostile, breaks_the_cluster, lambda: None, lambda *_: None,
    print, len, "x" * 10_000_000,
    10**10_000, float("nan"), b"10.244.0.2", [Hostile()], {"false": Hostile(), "looked_up": Hostile()}, {Hostile: 1},
    {1: 2}, _itself(), {"kind": _itself()}, {"metadata": Hostile()}, {str(number): 1 for number in range(100_000)},
    "10.244.0.2/24", "10.244.0.256", "\ud800", "\0", "a: &a [*a, *a]", "a: [" * 5000, "{", "- x", "kind: Pod",
    "/etc/passwd", object(), NotImplemented, range(10**12), ip_address("::1"), (x for x in ()), Exception("x"),
    {"false": "ab", "looked_up": ""},
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))  # pytest itself would look at the answers
@each_exercise
def test_hostile_answers_get_a_sentence(exercise: Exercise, number: int) -> None:
    _is_a_sentence(exercise, HOSTILE[number])


def test_values_inside_values_without_end() -> None:
    manifest = registry.find("answer_on_port")
    assert manifest is not None
    deep = _deep()
    _is_a_sentence(manifest, deep)
    while deep:  # taken apart by hand: the interpreter would do it recursively
        deep = deep.pop("metadata")  # type: ignore[assignment]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=9)
    | st.ip_addresses(),
    lambda inner: (st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
                   | st.tuples(inner)),
    max_leaves=12,
)


@each_exercise
@given(answer=PLAIN)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_plain_value_gets_a_sentence(exercise: Exercise, answer: object) -> None:
    _is_a_sentence(exercise, answer)


@each_exercise
@given(given=PLAIN)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_function_may_return_any_plain_value(exercise: Exercise, given: object) -> None:
    _is_a_sentence(exercise, lambda *_: given)


def _is_a_sentence(exercise: Exercise, answer: object) -> Result:
    result, _ = judge(exercise, "ada", answer)
    assert result.status in (Status.WRONG, Status.NOT_ATTEMPTED)
    assert result.message
    assert len(str(result)) < 10_000
    assert result.message[-1] in ".?!"
    return result


def test_a_function_that_never_returns_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SECONDS", 0.2)

    def forever(*_: object) -> object:
        while True:
            with suppress(Exception):
                sum(range(100))

    exercise = registry.find("next_pod_ip")
    assert exercise is not None
    assert "did not return within" in judge(exercise, "ada", forever)[0].message


def test_an_answer_in_another_right_form_passes() -> None:
    address = registry.find("next_pod_address")
    assert address is not None
    right = str(address.right(address.variant("ada")))
    assert judge(address, "ada", ip_address(right))[0].solved
    assert judge(address, "ada", f"  {right} ")[0].solved
    manifest = registry.find("answer_on_port")
    assert manifest is not None
    numbers = manifest.variant("ada").numbers
    own_image = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": numbers["name"]},
                 "spec": {"containers": [{"name": "a", "image": "example.com/mine:1",
                                          "ports": [{"containerPort": numbers["port"]}]}]}}
    assert judge(manifest, "ada", own_image)[0].solved


def test_a_file_name_is_not_read(tmp_path: Any) -> None:
    manifest = registry.find("answer_on_port")
    assert manifest is not None
    path = tmp_path / "pod.yaml"
    path.write_text(str(manifest.right(manifest.variant("ada"))))
    assert not judge(manifest, "ada", str(path))[0].solved


def test_a_mistake_on_top_of_a_misconception_is_still_recognised() -> None:
    exercise = registry.find("next_pod_ip")
    assert exercise is not None
    lowest = next(belief for belief in exercise.misconceptions if belief.name == "the lowest free address")
    function: Any = lowest.answer(exercise.variant("ada"))

    def with_another(subnet: str, used: set[str], last: str | None) -> object:
        return "0.0.0.0" if last is None else function(subnet, used, last)

    attempt = judge(exercise, "ada", with_another)[1]
    assert attempt is not None
    assert attempt.belief == lowest.name


@pytest.mark.parametrize(("image", "ports", "belief"), [
    ("nginx:1.29", "[{containerPort: PORT}]", "containerPort opens a port"),
    ("httpd", "[{containerPort: PORT, name: http}]", "containerPort opens a port"),
    ("nginx", "[]", ""),
])
def test_a_belief_is_recognised_whatever_the_container_is_called(image: str, ports: str, belief: str) -> None:
    exercise = registry.find("answer_on_port")
    assert exercise is not None
    numbers = exercise.variant("ada").numbers
    manifest = (f"\n\n{{apiVersion: v1, kind: Pod, metadata: {{name: {numbers['name']}}}, spec: {{containers: "
                f"[{{name: my-own, image: '{image}', ports: {ports.replace('PORT', str(numbers['port']))}}}]}}}}")
    result, attempt = judge(exercise, "ada", manifest)
    assert attempt is not None
    assert attempt.belief == belief
    assert "port 80" in result.message or "0.0.0.0:80" in result.message


@pytest.mark.parametrize(("kind", "wanted"), [("Deployment", "a Deployment is a pod"), ("StatefulSet", ""), ("pod", "")])
def test_a_wrong_kind_is_recognised_on_any_line(kind: str, wanted: str) -> None:
    exercise = registry.find("answer_on_port")
    assert exercise is not None
    manifest = f"apiVersion: apps/v1\n\n\nkind: {kind}\nmetadata:\n  name: x\nspec:\n  replicas: 2\n"
    result, attempt = judge(exercise, "ada", manifest)
    assert attempt is not None
    assert attempt.belief == wanted
    assert "pod" in result.message.lower()
