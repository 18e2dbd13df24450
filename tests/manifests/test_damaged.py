"""A manifest that was damaged anywhere ends in objects or in one typed error that says where, never in anything else."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course import manifests
from k8snet_course.errors import InvalidManifest
from k8snet_course.yaml_text import text_of
from tests.manifests.made import anything

rubbish = st.one_of(st.none(), st.booleans(), st.integers(-1, 70000), st.floats(), st.text(max_size=4), st.builds(list),
                    st.builds(dict), st.builds(lambda: [{}]), st.builds(lambda: {"a": "b"}),
                    st.sampled_from(["web", "10.0.0.1", "TCP", "/", "Same", "None"]))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a plain value, as the keys and positions that lead there."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in inside:
        found += places(inner, (*path, step))
    return found


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    document = manifests.as_dict(draw(anything))
    for _ in range(draw(st.integers(1, 3))):
        left = [place for place in places(document) if place[0] not in ("apiVersion", "kind")]
        if not left:
            break
        path = draw(st.sampled_from(left))
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        how = draw(st.sampled_from(["put", "take", "rename"]))
        if how == "put":
            parent[path[-1]] = draw(rubbish)
        elif how == "take" or isinstance(parent, list):
            del parent[path[-1]]
        else:
            parent[f"{path[-1]}x"] = parent.pop(path[-1])
    return document


def refusal_of(source: Any) -> InvalidManifest | None:
    """How a manifest is refused; None if it is taken, and then what is printed of it must be taken too."""
    try:
        found = manifests.load(source)
    except InvalidManifest as error:
        return error
    assert manifests.load(manifests.dump(*found)) == found
    return None


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_objects_or_one_sentence(document: dict[str, Any]) -> None:
    refusal = refusal_of(document)
    message = str(refusal)
    assert refusal is None or ("\n" not in message and "expected" in message and message.endswith(".")), message


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_text_and_dict_are_judged_alike(document: dict[str, Any]) -> None:
    of_dict, of_text = refusal_of(document), refusal_of(text_of([document]))
    assert (of_dict is None) == (of_text is None), (of_dict, of_text)
    if of_dict is not None and of_text is not None:
        assert (of_dict.expected, of_dict.mend) == (of_text.expected, of_text.mend)
        assert of_dict.line == 0 < of_text.line
