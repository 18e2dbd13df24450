"""A real kubectl explains the course's own fields: it is given them as OpenAPI, and prints what the model's kubectl prints.

So the layout is the real one's: wrapping, indentation, types, choices, what is required.  The sentence of the course about the
fields that it leaves alone is no part of the comparison, nor are the choices that versions before 1.36 print with --recursive.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from k8snet_course import Cluster
from k8snet_course.kubectl.explained import Part, schema
from k8snet_course.kubectl.resources import RESOURCES, Resource
from tests.kubectl.answering import Answer, Asked, answering
from tests.kubectl.loopback import Api
from tests.kubectl.test_real_writing import said, skip_if_old

QUESTIONS = ("pod", "pods.spec", "pod.spec.containers", "pod.spec.dnsPolicy", "pod.metadata", "pod.metadata.labels",
             "svc.spec", "svc.spec.type", "service.spec.ports", "svc.spec.ports.targetPort", "svc.spec.sessionAffinityConfig",
             "endpointslices", "endpointslices.endpoints.conditions", "netpol", "networkpolicies.spec.ingress",
             "netpol.spec.ingress.from.ipBlock", "netpol.spec.podSelector", "ing.spec.rules.http.paths", "ns", "deploy.spec",
             "deployments.spec.template.spec.containers.ports", "rs.spec.replicas", "httproutes",
             "gateways.spec.gatewayClassName", "cnp.spec.tier", "ingresses.networking.k8s.io",
             "deploy.spec.selector --recursive", "svc --recursive", "netpol --recursive", "httproutes --recursive",
             "pod.spec.contaners", "svc.spec.type.x", "pod.spec.nodeName --recursive")


def named(part: Part, parts: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field; that of a type with fields goes among the named ones."""
    marks = part.type.count("[]") if not part.type.startswith("map") else 0
    plain = part.type.removeprefix("[]" * marks)
    text, _, about = part.text.partition("\n")
    if part.fields and plain != "Object":
        name = f"io.course.{plain}"
        if name not in parts:
            parts[name] = {}
            parts[name] = {"type": "object", **({"description": about} if about else {}), **inside(part, parts)}
        found: dict[str, Any] = {"allOf": [{"$ref": f"#/components/schemas/{name}"}]}
        own = text
    elif part.fields:
        found = {"type": "object", **inside(part, parts)}
        own = text
    elif plain.startswith("map[string]"):
        found, own = {"type": "object", "additionalProperties": {"type": "string"}}, text
    elif plain in ("string", "integer", "boolean"):
        found, own = {"type": plain}, text
    else:
        name = f"io.course.{plain}"
        either = {"oneOf": [{"type": "integer"}, {"type": "string"}]}
        parts.setdefault(name, either if plain == "IntOrString" else {"type": "object"})
        found, own = {"allOf": [{"$ref": f"#/components/schemas/{name}"}]}, part.text
    for _ in range(marks):
        found = {"type": "array", "items": found}
    if own:
        found["description"] = own
    if part.choices:
        found["enum"] = list(part.choices)
    return found


def inside(part: Part, parts: dict[str, Any]) -> dict[str, Any]:
    modelled = [each for each in part.fields if each.modelled]
    required = [each.name for each in modelled if each.required]
    return {"properties": {each.name: named(each, parts) for each in modelled},
            **({"required": required} if required else {})}


def document(resource: Resource) -> dict[str, Any]:
    """The OpenAPI document of one type."""
    group, _, version = resource.api_version.rpartition("/")
    meant = {"group": group, "version": version, "kind": resource.kind}
    parts: dict[str, Any] = {}
    whole = schema(resource.kind)
    parts[f"io.course.{resource.kind}"] = {"type": "object", "description": whole.text, **inside(whole, parts),
                                           "x-kubernetes-group-version-kind": [meant]}
    path = f"/apis/{resource.api_version}/{resource.plural}" if group else f"/api/v1/{resource.plural}"
    return {"openapi": "3.0.0", "info": {"title": "course", "version": "1"}, "components": {"schemas": parts},
            "paths": {path: {"get": {"x-kubernetes-group-version-kind": meant, "responses": {}}}}}


@contextmanager
def explaining(cluster: Cluster, resource: Resource) -> Iterator[str]:
    """The address of an API server that knows the schema of one type."""
    api = Api(cluster)
    version = f"apis/{resource.api_version}" if resource.group else "api/v1"

    def answer(asked: Asked) -> Answer:
        if asked.path == "/openapi/v3":
            return 200, {"paths": {version: {"serverRelativeURL": f"/openapi/v3/{version}?hash=1"}}}
        if asked.path.startswith("/openapi/v3/"):
            return 200, document(resource)
        return api.answer(asked.path, {}, False)

    with answering(answer) as server:
        yield server


def kind_of(question: str) -> Resource:
    word = shlex.split(question)[0]
    return next(one for one in RESOURCES.values() if word in one.words or word.partition(".")[0] in one.words)


def without_sentence(text: str) -> str:
    return re.sub(r"  Fields that change nothing in this course(.|\n)*", "", text)


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_layout(question: str, tmp_path: Path) -> None:
    skip_if_old()
    cluster, resource = Cluster(), kind_of(question)
    with explaining(cluster, resource) as server:
        theirs = said(f"explain {question}", server, tmp_path)
    ours = cluster.kubectl(f"explain {question}")
    told = re.sub(r"^ +enum: .*\n", "", theirs.out, flags=re.MULTILINE) if "--recursive" in question else theirs.out
    assert (without_sentence(ours.out).rstrip("\n"), ours.code) == (told.rstrip("\n"), theirs.code), theirs.err
    assert ours.err.startswith(theirs.err)
