"""JSONPath, by the examples of its documentation; what a real kubectl prints for many templates is in lines.txt.

Source: Kubernetes documentation, "JSONPath Support": its example object, and its table of functions.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course.kubectl.jsonpath import path, rendered, template
from k8snet_course.kubectl.jsonpath_steps import PathError, as_text

EXAMPLE: dict[str, Any] = {
    "kind": "List",
    "items": [
        {"kind": "None", "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
         "status": {"capacity": {"cpu": "4"}, "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.1"}]}},
        {"kind": "None", "metadata": {"name": "127.0.0.2"},
         "status": {"capacity": {"cpu": "8"}, "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.2"},
                                                            {"type": "another", "address": "127.0.0.3"}]}},
    ],
    "users": [{"name": "myself", "user": {}},
              {"name": "e2e", "user": {"username": "admin", "password": "secret"}}],
}


@pytest.mark.parametrize(("text", "printed"), [
    ("kind is {.kind}", "kind is List"),
    ("{.kind}", "List"),
    ("{$.kind}", "List"),
    ("{@.kind}", "List"),
    ("{['kind']}", "List"),
    ("{..name}", "127.0.0.1 127.0.0.2 myself e2e"),
    ("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"),
    ("{.users[0].name}", "myself"),
    ("{.users[-1].name}", "e2e"),
    ("{.users[0:1].name}", "myself"),
    ("{.items[*]['metadata.name', 'status.capacity']}", '127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}'),
    ('{.users[?(@.name=="e2e")].user.password}', "secret"),
    ("{.users[?(@.user.password)].name}", "e2e"),
    ("{.items[?(@.status.capacity.cpu!='4')].metadata.name}", "127.0.0.2"),
    ('{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}',
     '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] '),
    (r'{range .items[*]}{.metadata.name}{"\t"}{end}', "127.0.0.1\t127.0.0.2\t"),
    (r"{.items[*].metadata.labels.kubernetes\.io/hostname}", "127.0.0.1"),
    ("{range .nothing[*]}x{end}y", "y"),
    ("{range .users[*]}{.name}", "myselfe2e"),
    ("{.items[*].status.addresses[*].address}", "127.0.0.1 127.0.0.2 127.0.0.3"),
    ("{.nothing.at.all}", ""),
    ("{1}{1.5}{true}", "11.5true"),
    ("", ""),
])
def test_examples_of_the_documentation(text: str, printed: str) -> None:
    assert rendered(template(text), EXAMPLE) == printed


@pytest.mark.parametrize(("text", "error"), [
    ("{.items[", "unterminated array"),
    ("{.items", "unclosed action"),
    ('{"abc}', "unterminated quoted string"),
    ("{.items[abc]}", "invalid array index abc"),
    ("{.a" + 2000 * "[?(@.a" + 2000 * ")]" + "}", "the template is nested too deep"),
    (2000 * "{range .a}", "the template is nested too deep"),
    ("{#}", "unrecognized character in action: U+0023 '#'"),
])
def test_templates_that_cannot_be_read(text: str, error: str) -> None:
    with pytest.raises(PathError) as raised:
        template(text)
    assert str(raised.value) == error


@pytest.mark.parametrize(("text", "error"), [
    ("{.items[7].kind}", "array index out of bounds: index 7, length 2"),
    ("{.items[0:7].kind}", "array index out of bounds: index 6, length 2"),
    ("{.items[1:0:2].kind}", "starting index 1 is greater than ending index 0"),
    ("{.kind[0]}", "string is not array or slice"),
    ("{.end}{end}", "not in range, nothing to end"),
    ("{.items[?(@.metadata.name>1)].kind}", "incompatible types for comparison"),
    ("{.items[?(@.status.addresses[*].type=='x')].kind}", "can only compare one element at a time"),
])
def test_templates_that_do_not_fit(text: str, error: str) -> None:
    with pytest.raises(PathError) as raised:
        rendered(template(text), EXAMPLE)
    assert str(raised.value) == error


@pytest.mark.parametrize("text", [".users[0].name", "users[0].name", "{.users[0].name}", "{users[0].name}"])
def test_the_relaxed_form_of_a_path(text: str) -> None:
    assert path(text).values(EXAMPLE) == ["myself"]


NAMES = st.text("abcdefgh_-", min_size=1, max_size=6)
PLAIN = st.recursive(st.integers() | st.booleans() | NAMES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
    NAMES, inner, max_size=4), max_leaves=12)


@settings(deadline=None)
@given(PLAIN)
def test_what_is_printed_of_a_value_is_json(value: Any) -> None:
    text = as_text(value)
    assert isinstance(value, str) or json.loads(text) == value


@settings(deadline=None)
@given(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=5))
def test_every_field_is_found_by_its_name(value: dict[str, Any]) -> None:
    for name, inner in value.items():
        assert path(f".{name}").values(value) == [inner]
        assert rendered(template(f"{{['{name}']}}"), value) == as_text(inner)


@settings(deadline=None)
@given(st.lists(st.integers(), max_size=8), st.integers(-9, 9))
def test_one_element_is_that_of_python_or_an_error(values: list[int], at: int) -> None:
    try:
        expected = [values[at]]
    except IndexError:
        with pytest.raises(PathError):
            path(f".a[{at}]").values({"a": values})
        return
    assert path(f".a[{at}]").values({"a": values}) == expected


@settings(deadline=None)
@given(st.text("{}[]()?@.$*\"'\\ abcend,:-1=<>!", max_size=24))
def test_any_text_is_a_template_or_an_error(text: str) -> None:
    with suppress(PathError):
        assert isinstance(rendered(template(text), EXAMPLE), str)
