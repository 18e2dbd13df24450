"""Documents one by one, and which field and which kind of mistake an error is about."""

from __future__ import annotations

import pytest

from k8snet_course import manifests
from k8snet_course.errors import InvalidManifest
from tests.manifests.test_mistakes import POLICY, SERVICE


def test_a_mistake_in_one_document_leaves_the_others() -> None:
    first, second, third = manifests.load_each(f"{SERVICE}---\n{SERVICE.replace('port: 80', 'port: 80000', 1)}---\n{POLICY}")
    assert (first.made.name, first.error, first.word("metadata", "name")) == ("web", None, "web")
    assert second.made is None and second.error is not None and "80000" in str(second.error)
    assert (second.word("kind"), second.word("metadata", "name")) == ("Service", "web")
    assert (third.made.key, third.word("metadata", "namespace"), third.word("spec")) == ("shop/db", "shop", "")


def test_no_yaml_at_all() -> None:
    with pytest.raises(InvalidManifest):
        manifests.load_each("kind: [")


CAUSES = {
    # what is wrong: (text replaced, by what, the field, what the API server calls it)
    "a number out of range": ("port: 80", "port: 80000", "spec.ports[0].port", "Invalid value"),
    "a field that is none": ("targetPort: http", "targetport: http", "spec.ports[0].targetport", "unknown field"),
    "a word that is no choice": ("protocol: UDP", "protocol: udp", "spec.ports[1].protocol", "Unsupported value"),
    "a field that must be there": ("  name: web\n", "  labels: {}\n", "metadata.name", "Required value"),
    "what only another type has": ("type: NodePort", "type: ClusterIP", "spec.ports[0].nodePort", "Invalid value"),
}


@pytest.mark.parametrize("what", CAUSES)
@pytest.mark.parametrize("as_text", [True, False])
def test_the_field_and_the_cause(what: str, as_text: bool) -> None:
    old, new, path, cause = CAUSES[what]
    assert old in SERVICE
    text = SERVICE.replace(old, new, 1)
    source, = manifests.load_each(text)
    again, = manifests.load_each(text if as_text else source.written)
    assert again.error is not None and (again.error.path, again.error.cause) == (path, cause)
