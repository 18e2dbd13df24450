"""Namespaces: the automatic label, and names that are refused."""

from __future__ import annotations

import pytest

from k8snet_course.errors import InvalidName
from k8snet_course.objects.namespace import NAME_LABEL, Namespace


def test_the_automatic_label_cannot_be_another() -> None:
    given = {NAME_LABEL: "mon", "team": "a"}
    assert Namespace("shop", given).labels == {NAME_LABEL: "shop", "team": "a"}
    assert given[NAME_LABEL] == "mon", "what was given is not changed"
    assert Namespace("shop").labels == {"kubernetes.io/metadata.name": "shop"}


@pytest.mark.parametrize(("name", "labels"), [("Shop", {}), ("a.b", {}), ("", {}), ("shop", {"a": "-"})])
def test_names_and_labels_that_are_refused(name: str, labels: dict[str, str]) -> None:
    with pytest.raises(InvalidName):
        Namespace(name, labels)
