"""Label selectors: what they select, what is refused, and how they read."""

from __future__ import annotations

import pytest

from k8snet_course.errors import InvalidArgument, InvalidName
from k8snet_course.objects.selector import LabelSelector, LabelSelectorRequirement

WEB = {"app": "web", "tier": "front", "empty": ""}


@pytest.mark.parametrize(("operator", "key", "values", "selected"), [
    ("In", "app", ("web",), True), ("In", "app", ("db", "web"), True), ("In", "app", ("db",), False),
    ("In", "nokey", ("web",), False), ("In", "empty", ("",), True), ("In", "nokey", ("",), False),
    ("NotIn", "app", ("web",), False), ("NotIn", "app", ("db",), True), ("NotIn", "nokey", ("web",), True),
    ("Exists", "empty", (), True), ("Exists", "nokey", (), False),
    ("DoesNotExist", "nokey", (), True), ("DoesNotExist", "empty", (), False),
])
def test_requirements(operator: str, key: str, values: tuple[str, ...], selected: bool) -> None:
    requirement = LabelSelectorRequirement(key, operator, values)
    assert requirement.matches(WEB) is selected
    assert LabelSelector({}, (requirement,)).matches(WEB) is selected
    assert LabelSelector({}, (requirement,)).failing(WEB) == ("" if selected else str(requirement))


def test_all_conditions_must_hold() -> None:
    both = LabelSelector({"app": "web"}, (LabelSelectorRequirement("tier", "In", ("front",)),))
    assert both.matches(WEB) and not both.matches({"app": "web"}) and not both.matches({"tier": "front"})
    assert [both.failing(labels) for labels in ({"app": "web"}, {"tier": "front"}, WEB)] == ["tier in (front)", "app=web", ""]


def test_the_empty_selector_selects_everything() -> None:
    assert LabelSelector().empty and LabelSelector().matches({}) and LabelSelector().matches(WEB)
    assert not LabelSelector({"a": ""}).empty and not LabelSelector({"a": ""}).matches({})


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: LabelSelectorRequirement("a", "in", ("x",)), InvalidArgument, "write In"),
    (lambda: LabelSelectorRequirement("a", "In"), InvalidArgument, "add at least one, or write Exists"),
    (lambda: LabelSelectorRequirement("a", "NotIn"), InvalidArgument, "leave the condition out"),
    (lambda: LabelSelectorRequirement("a", "Exists", ("x",)), InvalidArgument, "or write In"),
    (lambda: LabelSelectorRequirement("a", "DoesNotExist", ("x",)), InvalidArgument, "or write NotIn"),
    (lambda: LabelSelectorRequirement("a", "In", "x"), InvalidArgument, r"write \[x\]"),
    (lambda: LabelSelectorRequirement("a b", "Exists"), InvalidName, "label's key"),
    (lambda: LabelSelectorRequirement("a", "In", ("x y",)), InvalidName, "value of the label a"),
    (lambda: LabelSelector({"a": 1}), InvalidName, "value of the label a"),
    (lambda: LabelSelector({"-": "x"}), InvalidName, "label's key"),
])
def test_what_the_api_server_refuses(make: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()  # type: ignore[operator]


def test_selectors_are_values() -> None:
    given = {"app": "web"}
    one, two = LabelSelector(given), LabelSelector({"app": "web"})
    given["app"] = "db"
    assert one == two and hash(one) == hash(two) and {one: 1}[two] == 1
    two_keys = LabelSelector({"a": "1", "b": "2"})
    assert hash(two_keys) == hash(LabelSelector({"b": "2", "a": "1"})) and two_keys == LabelSelector({"b": "2", "a": "1"})


def test_text() -> None:
    selector = LabelSelector({"app": "web"}, tuple(LabelSelectorRequirement("k", operator, values) for operator, values in (
        ("In", ("a", "b")), ("NotIn", ("c",)), ("Exists", ()), ("DoesNotExist", ()))))
    assert str(selector) == "app=web,k in (a,b),k notin (c),k,!k"
