"""Names, by the cases of FACTS section 8.6."""

from __future__ import annotations

import pytest

from k8snet_course.errors import InvalidName
from k8snet_course.names import check_labels, dns_label, dns_subdomain, nearest


@pytest.mark.parametrize("name", ["a", "1web", "web-1", "a" * 63])
def test_labels(name: str) -> None:
    assert dns_label(name) == name


@pytest.mark.parametrize(("name", "mend"), [
    ("Web", "write 'web'"), ("web-", "write 'web'"), ("-web", "write 'web'"), ("web_1", "write 'web-1'"),
    ("web.1", "write 'web-1'"), ("", "write a name such as 'frontend'"), ("ä", "write a name such as 'frontend'"),
    ("a" * 64, "write 'aaa"), (None, "write the name as a text"), (7, "write the name as a text"), ("web\n", "write 'web'"),
])
def test_what_is_no_label(name: object, mend: str) -> None:
    with pytest.raises(InvalidName) as caught:
        dns_label(name)
    assert mend in str(caught.value)


@pytest.mark.parametrize("name", ["a", "web.v1", "a" * 253, "a-1.b-2"])
def test_subdomains(name: str) -> None:
    assert dns_subdomain(name) == name


@pytest.mark.parametrize("name", ["web..v1", ".web", "web.", "a.-b", "Web.v1", "a" * 254])
def test_what_is_no_subdomain(name: str) -> None:
    with pytest.raises(InvalidName):
        dns_subdomain(name)


@pytest.mark.parametrize("labels", [{"app": ""}, {"app.kubernetes.io/name": "A_b.c"}, {}])
def test_labels_of_objects(labels: object) -> None:
    check_labels(labels)


@pytest.mark.parametrize("labels", [{"app": None}, {"": "x"}, {"a b": "x"}, {"app": "-x"}, {"app": "x" * 64}, ["app"],
                                    {"A/b": "x"}])
def test_what_are_no_labels(labels: object) -> None:
    with pytest.raises(InvalidName):
        check_labels(labels)


def test_nearest() -> None:
    assert nearest("fronted", ["backend", "frontend"]) == "frontend"
    assert nearest("x", []) == ""
