"""A small API server on the loopback interface, so that a real kubectl can be asked the same questions as the model's.

It serves the model's own objects, as JSON or as the Table that kubectl prints.  So what a comparison shows is the
client's part: the layout of tables, ``-o`` in all its forms, sorting, several types at once, error texts, and
the whole of ``describe``.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from k8snet_course import Cluster
from k8snet_course.kubectl.choose import listed, not_found
from k8snet_course.kubectl.client import Kubectl
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.resources import RESOURCES, Resource
from k8snet_course.kubectl.server import Server
from k8snet_course.kubectl.verbs import verb
from k8snet_course.kubectl.verbs.get import ENDPOINTS_WARNING
from k8snet_course.kubectl.words import parse
from tests.kubectl.world import world

TOLD = Path(__file__).parent / "told_by_kubectl.json"
"""What kubectl 1.33 printed for LINES; `python -m tests.kubectl.loopback PROGRAM` asks anew."""

OTHERS = {"events": "Event", "resourcequotas": "ResourceQuota", "limitranges": "LimitRange", "leases": "Lease"}
"""What ``describe`` asks for beside the model's types; there is none of it."""


class Api:
    """What the server answers to one request."""

    def __init__(self, cluster: Cluster) -> None:
        cluster.kubectl("get pods")
        client = cluster._kubectl
        assert isinstance(client, Kubectl)
        self.server: Server = client.server
        self.context = Context(self.server, client.session)
        self.asked: list[str] = []

    def answer(self, path: str, query: dict[str, str], table: bool) -> tuple[int, dict[str, Any]]:
        parts = path.strip("/").split("/")
        if parts == ["api"]:
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if parts == ["apis"]:
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": self.groups()}
        version = parts[1] if parts[0] == "api" else "/".join(parts[1:3])
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        if not rest:
            return 200, {"kind": "APIResourceList", "groupVersion": version, "resources": self.resources(version)}
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        if rest[0] in OTHERS:
            return self.nothing(rest, version)
        resource = RESOURCES[rest[0]]
        if len(rest) > 1:
            return self.one(resource, rest[1], namespace, table, query)
        return self.many(resource, namespace, table, query)

    def nothing(self, rest: list[str], version: str) -> tuple[int, dict[str, Any]]:
        if len(rest) > 1:
            return 404, status(404, "NotFound", f'{rest[0]} "{rest[1]}" not found')
        return 200, {"kind": f"{OTHERS[rest[0]]}List", "apiVersion": version, "metadata": {}, "items": []}

    def groups(self) -> list[dict[str, Any]]:
        versions = dict.fromkeys(one.api_version for one in RESOURCES.values() if one.group)
        found = []
        for each in versions:
            entry = {"groupVersion": each, "version": each.partition("/")[2]}
            found.append({"name": each.partition("/")[0], "versions": [entry], "preferredVersion": entry})
        return found

    def resources(self, version: str) -> list[dict[str, Any]]:
        return [{"name": one.plural, "singularName": one.singular, "namespaced": one.namespaced, "kind": one.kind,
                 "shortNames": list(one.short), "verbs": ["get", "list", "watch", "create", "delete", "patch", "update"],
                 "categories": ["all"] if one.in_all else []}
                for one in RESOURCES.values() if one.api_version == version]

    def one(self, resource: Resource, name: str, namespace: str, table: bool,
            query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        value = self.server.find(resource, name, namespace)
        if value is None:
            return 404, status(404, "NotFound", not_found(resource, name).partition("): ")[2])
        return 200, self.table(resource, [value], query) if table else self.server.form(resource).served(value)

    def many(self, resource: Resource, namespace: str, table: bool, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        words = [f"--selector={query.get('labelSelector', '')}", f"--field-selector={query.get('fieldSelector', '')}"]
        words += [f"--namespace={namespace}"] if namespace else ["--all-namespaces"]
        get = verb("get")
        assert get is not None
        try:
            values = listed(self.context, parse("get", words, get.flags), resource)
        except Complaint as complaint:
            return 400, status(400, "BadRequest", complaint.text.partition("): ")[2] or complaint.text)
        if table:
            return 200, self.table(resource, values, query)
        form = self.server.form(resource)
        return 200, {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": {"resourceVersion": ""},
                     "items": [form.served(value) for value in values]}

    def table(self, resource: Resource, values: list[Any], query: dict[str, str]) -> dict[str, Any]:
        form = self.server.form(resource)
        definitions = [{"name": name, "type": "string", "format": "name" if name == "NAME" else "", "description": "",
                        "priority": priority} for names, priority in ((form.columns, 0), (form.wide, 1)) for name in names]
        rows = []
        for value in values:
            served = form.served(value)
            if query.get("includeObject") != "Object":
                served = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": served["metadata"]}
            rows.append({"cells": [*form.cells(value), *form.more(value)], "object": served})
        return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": ""},
                "columnDefinitions": definitions, "rows": rows}


LINES = (Path(__file__).parent / "lines.txt").read_text(encoding="utf-8").splitlines()
"""What both are asked."""


def status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
            "code": code}


@contextmanager
def serving(cluster: Cluster) -> Iterator[tuple[str, Api]]:
    """The address of an API server for this cluster, while the block lasts."""
    api = Api(cluster)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            api.asked.append(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            code, body = api.answer(url.path, query, "as=Table" in self.headers.get("Accept", ""))
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            if url.path.endswith("/endpoints") or "/endpoints/" in url.path:
                self.send_header("Warning", f'299 - "{ENDPOINTS_WARNING.removeprefix("Warning: ").strip()}"')
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}", api
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


OBJECT = "\tobject given to jsonpath engine was:\n"


def real(line: str, server: str, home: Path, program: str = "kubectl") -> Reply:
    """What a real kubectl says; it reads no settings of the person who runs the tests.

    The object that it prints after some errors, in the language Go, is left out.
    """
    settings = home / "config"
    settings.write_text("apiVersion: v1\nkind: Config\n", encoding="utf-8")
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "KUBECONFIG": str(settings)}
    done = subprocess.run([program, *shlex.split(line), f"--server={server}", f"--cache-dir={home}"], capture_output=True,
                          text=True, check=False, env=environment, timeout=60)
    return Reply(done.stdout, done.stderr.partition(OBJECT)[0], done.returncode)


def recorded() -> dict[str, Reply]:
    """What kubectl 1.33 said, line by line."""
    told = json.loads(TOLD.read_text(encoding="utf-8"))
    return {one["line"]: Reply("".join(one["out"]), "".join(one["err"]), one["code"]) for one in told}


def main() -> None:
    """Ask the kubectl that is named on the command line, and keep what it says."""
    told = []
    with serving(world()) as (server, _), TemporaryDirectory() as home:
        for line in LINES:
            reply = real(line, server, Path(home), sys.argv[1])
            told.append({"line": line, "out": reply.out.splitlines(True), "err": reply.err.splitlines(True),
                         "code": reply.code})
    TOLD.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
