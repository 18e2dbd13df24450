"""YAML text to values that remember their lines, and back; what could hang or exhaust the reader is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course.errors import InvalidManifest
from k8snet_course.yaml_text import MOST_CHARACTERS, documents, located, text_of

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), inner, max_size=3), max_leaves=12)


def test_every_value_knows_its_line_and_how_it_was_written() -> None:
    found, = documents("# head\nspec:\n  version: 1.10\n  ports:\n  - 0x50\n  - name: http\n")
    spec = found.value["spec"]
    version, ports = spec.value["version"], spec.value["ports"]
    assert (spec.key_line, spec.line, version.value, version.line, version.source) == (2, 3, 1.1, 3, "1.10")
    assert [(item.line, item.source) for item in ports.value] == [(5, "0x50"), (6, "")]
    assert (ports.key_line, ports.line) == (4, 5)
    assert found.plain() == {"spec": {"version": 1.1, "ports": [80, {"name": "http"}]}}


def test_an_anchor_is_the_value_that_it_stands_for() -> None:
    found, = documents("a: &x {b: 1}\nc: *x\n")
    assert found.plain() == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize("text", ["2026-11-29", "2001-99-99", "2026-11-29T10:00:00Z", "12:30", "1:20:30.5", "="])
def test_what_kubernetes_reader_leaves_a_text_is_one(text: str) -> None:
    """go-yaml gives a time as a text where no type is asked for, and knows no numbers with a base of 60."""
    found, = documents(f"a: {text}\n")
    assert found.plain() == {"a": text}


@settings(max_examples=200, deadline=None)
@given(st.lists(plain.filter(lambda value: value is not None), max_size=3))
def test_what_is_written_reads_the_same(values: list[Any]) -> None:
    text = text_of(values)
    assert [found.plain() for found in documents(text)] == values, text


def test_a_value_that_stands_twice_is_written_out_twice() -> None:
    labels = {"app": "web"}
    assert text_of([{"a": labels, "b": labels}]) == "a:\n  app: web\nb:\n  app: web\n"


REFUSED = {
    # what: (the text, the line, a word of the message)
    "a merge key": ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "write the fields out"),
    "a field twice": ("a: 1\nb: 2\na: 3\n", 3, "each field once"),
    "a key that is a list": ("a: 1\n? [b]\n: c\n", 2, "a text as its name"),
    "an unclosed list": ("a: 1\nb: [1, 2\n", 3, "YAML that can be read"),
    "a tab": ("a:\n\tb: 1\n", 2, "YAML that can be read"),
    "levels without end": ("a: 1\nb: " + "[" * 100 + "]" * 100, 2, "at most 60 levels"),
    "an alias of nothing": ("a: *b\n", 1, "YAML that can be read"),
    "too long a text": ("a" * (MOST_CHARACTERS + 1), 0, "split it"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    text, line, word = REFUSED[what]
    with pytest.raises(InvalidManifest) as caught:
        documents(text)
    assert (word in str(caught.value), caught.value.line) == (True, line), caught.value


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(InvalidManifest, match="half characters"):
        located({"a": ["\ud800"]})


@pytest.mark.parametrize("value", ["y", "n", "N", "no", "on", "yes", "~", "", "0x1f", "1e3", "1_000", "10:20", "2001-01-01",
                                   "1.10", "0o7", "2026-1-1"])
def test_texts_that_look_like_something_else_stand_in_double_quotes(value: str) -> None:
    """As kubectl 1.20 and 1.33 print such labels (`kubectl run x --image=a --labels=... --dry-run=client -o yaml`)."""
    assert text_of([{"a": value}]) == f'a: "{value}"\n'
    assert [one.plain() for one in documents(f'a: "{value}"\n')] == [{"a": value}]
