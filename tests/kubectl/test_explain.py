"""``kubectl explain``: its form is that of the real one, its fields are those of the manifests' tables, its words the course's.

Source of the form: the template in k8s.io/kubectl, pkg/explain/v2.
"""

from __future__ import annotations

import re

import pytest

from k8snet_course import Cluster
from k8snet_course.kubectl.explained import core, policies, routing, schema
from k8snet_course.kubectl.explained.schema import HEAD, TEXTS
from k8snet_course.manifests import KINDS


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster()


def out(cluster: Cluster, line: str) -> str:
    reply = cluster.kubectl(line)
    assert (reply.err, reply.code) == ("", 0), reply
    return reply.out


def test_a_field_with_choices(cluster: Cluster) -> None:
    assert out(cluster, "explain service.spec.type").startswith("""\
KIND:       Service
VERSION:    v1

FIELD: type <string>
ENUM:
    ClusterIP
    ExternalName
    LoadBalancer
    NodePort

DESCRIPTION:
    ClusterIP: from inside. NodePort: also at a port of every node.
""".rstrip()[:-len(" of every node.")])


def test_a_type_with_its_fields(cluster: Cluster) -> None:
    text = out(cluster, "explain netpol.spec.ingress.from")
    assert text.startswith("GROUP:      networking.k8s.io\nKIND:       NetworkPolicy\nVERSION:    v1\n\n"
                           "FIELD: from <[]NetworkPolicyPeer>\n\n\nDESCRIPTION:\n    From whom: one of the list is enough.")
    assert "\n    \nFIELDS:\n  ipBlock\t<IPBlock>\n    A network of addresses" in text
    assert "\n\n  namespaceSelector\t<LabelSelector>\n" in text


def test_what_is_required_and_the_fields_without_effect(cluster: Cluster) -> None:
    text = out(cluster, "explain pods.spec")
    assert "  containers\t<[]Container> -required-\n" in text
    assert "  dnsPolicy\t<string>\n  enum: ClusterFirst, ClusterFirstWithHostNet, Default, None\n" in text
    assert "Fields that change nothing in this course, or are not in it: activeDeadlineSeconds," in " ".join(text.split())
    assert "changes nothing" in out(cluster, "explain pod.spec.tolerations")
    assert "the course does not" in out(cluster, "explain pod.spec.initContainers")


def test_recursive(cluster: Cluster) -> None:
    text = out(cluster, "explain deploy.spec --recursive")
    fields = text.partition("FIELDS:\n")[2]
    assert fields.startswith("  replicas\t<integer>\n  selector\t<LabelSelector> -required-\n"
                             "    matchExpressions\t<[]LabelSelectorRequirement>\n      key\t<string> -required-\n")
    assert "\n      containers\t<[]Container> -required-\n" in fields
    assert all(re.fullmatch(r" +\w+\t<[\w\[\]]+>( -required-)?", line) for line in fields.rstrip("\n").splitlines())


def test_types_of_custom_resources_have_no_names(cluster: Cluster) -> None:
    text = out(cluster, "explain httproute.spec")
    assert "FIELD: spec <Object>" in text and "  rules\t<[]Object>\n" in text and "  hostnames\t<[]string>\n" in text


def test_the_group_may_stand_after_the_type(cluster: Cluster) -> None:
    assert out(cluster, "explain ingresses.networking.k8s.io") == out(cluster, "explain ing")
    assert "Nobody writes one" in out(cluster, "explain nodes")


MISTAKES = {
    "explain": "error: You must specify the type of resource to explain.",
    "explain pod spec": "error: We accept only this format: explain RESOURCE",
    "explain pod.spec.contaners": 'error: field "contaners" does not exist',
    "explain pods.metadata.name.x": 'error: field "x" does not exist',
    "explain podz": 'the server doesn\'t have a resource type "podz"',
    "explain pod -o json": "error: unknown output format json",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes(cluster: Cluster, line: str) -> None:
    reply = cluster.kubectl(line)
    assert reply.err.startswith(MISTAKES[line]) and reply.code == 1
    assert "DESCRIPTION" not in reply.out


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_a_manifest_can_have_has_a_text(kind: str) -> None:
    found = list(schema(kind).walk())
    assert found
    for path, part in found:
        assert part.text and len(part.text) > 5, path
        assert part.type != "Object" or not part.modelled or part.fields or kind not in ("Pod", "Service"), path


def test_every_text_is_used() -> None:
    used = {text for kind in KINDS for part in [schema(kind), *(one for _, one in schema(kind).walk())]
            for text in part.text.split("\n")}
    known = {**core.TEXTS, **policies.TEXTS, **routing.TEXTS}
    assert known == TEXTS and len(known) == len(core.TEXTS) + len(policies.TEXTS) + len(routing.TEXTS)
    assert {name for name, text in known.items() if text not in used} == set()
    assert set(HEAD.values()) - used == set()
