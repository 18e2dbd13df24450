"""The small API server of ``loopback``, which also takes what a real kubectl writes, and puts it into a cluster of the model.

What it does with a request is what an API server does: it reads the object, lays a patch over the present one, deletes it.  So
a real kubectl and the model's can be given the same lines, each with a cluster of its own, and must leave the same objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from k8snet_course import Cluster
from k8snet_course.errors import CourseError
from k8snet_course.kubectl.refusals import refusal
from k8snet_course.kubectl.resources import RESOURCES, Resource
from k8snet_course.kubectl.verbs.patch import STRATEGIC, merge, operate
from k8snet_course.manifests import as_dict, load_each
from tests.kubectl.answering import Answer, Asked, answering
from tests.kubectl.loopback import Api, status

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_INVALID = re.compile(r'The (\w+) "([^"]*)" is invalid: ([^:]+): (.*)')


class Writer(Api):
    """What the server does with a request that changes something."""

    def resources(self, version: str) -> list[dict[str, Any]]:
        """The types, and the numbers of pods that belong to two of them."""
        found = super().resources(version)
        scales = [f"{one['name']}/scale" for one in found if one["kind"] in ("Deployment", "ReplicaSet")]
        return found + [{"name": name, "singularName": "", "namespaced": True, "group": "autoscaling", "version": "v1",
                         "kind": "Scale", "verbs": ["get", "patch", "update"]} for name in scales]

    def scale(self, path: str, body: Any) -> Answer:
        """The number of pods of a workload, changed if there is a body."""
        resource, namespace, name = self.meant(path)
        value = self.server.find(resource, name, namespace)
        if value is not None and body is not None:
            value, = self.server.api.apply((replace(value, replicas=body["spec"]["replicas"]),))
        if value is None:
            return 404, status(404, "NotFound", f'{resource.plural_full} "{name}" not found')
        return 200, {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": name, "namespace": namespace},
                     "spec": {"replicas": value.replicas}, "status": {"replicas": value.replicas}}

    def change(self, method: str, path: str, body: Any, content: str) -> Answer:
        resource, namespace, name = self.meant(path)
        present = self.server.find(resource, name, namespace) if name else None
        if name and present is None:
            return 404, status(404, "NotFound", f'{resource.plural_full} "{name}" not found')
        if method == "DELETE":
            return self.deleted(resource, present)
        if method == "POST":
            return self.posted(resource, namespace, body)
        before = as_dict(present)
        if method == "PATCH" and "json-patch" in content:
            after = json.loads(json.dumps(before))
            for number, operation in enumerate(body):
                operate(after, operation, number)
        elif method == "PATCH":
            after = merge(before, body, strategic=STRATEGIC in content)
        else:
            after = body
        return self.held(resource, namespace, after)

    def meant(self, path: str) -> tuple[Resource, str, str]:
        parts = path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        return RESOURCES[rest[0]], namespace, rest[1] if len(rest) > 1 else ""

    def posted(self, resource: Resource, namespace: str, body: dict[str, Any]) -> Answer:
        name = body["metadata"]["name"]
        if self.server.find(resource, name, namespace) is not None:
            return 409, status(409, "AlreadyExists", f'{resource.plural_full} "{name}" already exists')
        if namespace and namespace not in self.server.namespaces():
            return 404, status(404, "NotFound", f'namespaces "{namespace}" not found')
        return self.held(resource, namespace, body)

    def held(self, resource: Resource, namespace: str, written: Mapping[str, Any]) -> Answer:
        document, = load_each(written)
        try:
            if document.error is not None:
                raise document.error
            value = replace(document.made, namespace=namespace) if namespace else document.made
            kept, = self.server.api.apply((value,))
        except CourseError as error:
            return self.invalid(refusal(error, written).text)
        return 200, self.server.form(resource).served(kept)

    def invalid(self, text: str) -> Answer:
        """The status by which an API server says what is wrong with a field; kubectl makes a sentence of it."""
        found = _INVALID.match(text)
        assert found is not None, text
        kind, name, field, message = found.groups()
        cause = {"reason": "FieldValueInvalid", "message": message, "field": field}
        return 422, status(422, "Invalid", text) | {"details": {"kind": kind, "name": name, "causes": [cause]}}

    def deleted(self, resource: Resource, value: Any) -> Answer:
        try:
            self.server.api.delete(resource.kind, value)
        except CourseError:
            return 403, status(403, "Forbidden", f'{resource.plural_full} "{value.name}" is forbidden: this namespace may '
                               "not be deleted")
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


def state(cluster: Cluster) -> dict[str, list[Any]]:
    """All objects of a cluster as the API serves them, without what a real kubectl notes on them."""
    writer = Writer(cluster)
    found: dict[str, list[Any]] = {}
    for plural, resource in RESOURCES.items():
        form = writer.server.form(resource)
        found[plural] = [form.served(value) for value in writer.server.objects(resource)]
        for one in found[plural]:
            notes = one["metadata"].get("annotations", {})
            notes.pop(LAST_APPLIED, None)
            if not notes:
                one["metadata"].pop("annotations", None)
    return found


@contextmanager
def taking(cluster: Cluster) -> Iterator[str]:
    """The address of an API server that holds this cluster, while the block lasts."""
    writer = Writer(cluster)

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/scale"):
            return writer.scale(asked.path, asked.body)
        if asked.method != "GET":
            return writer.change(asked.method, asked.path, asked.body, asked.content)
        cluster.kubectl_complete("")  # the controllers do what is to be done
        return writer.answer(asked.path, asked.query, "as=Table" in asked.accepts)

    with answering(answer) as server:
        yield server
