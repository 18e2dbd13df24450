"""Manifests: from the YAML that a Kubernetes user writes to objects, with every mistake named where it stands.

Nothing gets past this module half valid: an unknown field, a wrong type or a bad name ends here, with the line, the nearest
right name, and what to write instead.  It knows the form of a manifest; whether there is room for a pod the cluster knows.

Source: Kubernetes API reference, Pod v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from k8snet_course.errors import CourseError, InvalidManifest
from k8snet_course.names import check_labels, dns_label, dns_subdomain, nearest
from k8snet_course.objects import Container, ContainerPort, Pod
from k8snet_course.yaml_text import Located, documents, located

_TEXT, _NUMBER, _FLAG, _TEXTS, _ANY = "a text", "a whole number", "true or false", "a map of texts", "anything"

_PORT = {"name": _TEXT, "containerPort": _NUMBER, "protocol": _TEXT, "hostPort": _NUMBER, "hostIP": _TEXT}
_CONTAINER = {"name": _TEXT, "image": _TEXT, "ports": [_PORT]} | dict.fromkeys(
    ("args", "command", "env", "envFrom", "imagePullPolicy", "lifecycle", "livenessProbe", "readinessProbe", "resizePolicy",
     "resources", "restartPolicy", "securityContext", "startupProbe", "stdin", "stdinOnce", "terminationMessagePath",
     "terminationMessagePolicy", "tty", "volumeDevices", "volumeMounts", "workingDir"), _ANY)
_POD_SPEC = {"containers": [_CONTAINER], "nodeName": _TEXT, "hostNetwork": _FLAG} | dict.fromkeys(
    ("activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks",
     "hostAliases", "hostIPC", "hostPID", "hostUsers", "hostname", "imagePullSecrets", "initContainers", "nodeSelector", "os",
     "overhead", "preemptionPolicy", "priority", "priorityClassName", "readinessGates", "resourceClaims", "resources",
     "restartPolicy", "runtimeClassName", "schedulerName", "schedulingGates", "securityContext", "serviceAccountName",
     "setHostnameAsFQDN", "shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds", "tolerations",
     "topologySpreadConstraints", "volumes"), _ANY)
_METADATA = {"name": _TEXT, "namespace": _TEXT, "labels": _TEXTS, "annotations": _TEXTS} | dict.fromkeys(
    ("creationTimestamp", "deletionGracePeriodSeconds", "finalizers", "generateName", "generation", "managedFields",
     "ownerReferences", "resourceVersion", "uid"), _ANY)
_POD = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": _METADATA, "spec": _POD_SPEC, "status": _ANY}
"""The fields of a Pod and their types.  ``anything``: a field that Kubernetes has and that changes nothing in this model."""

_NOT_YET = {"hostNetwork": "a pod with its own network namespace", "hostPort": "a port of the pod alone"}


def load(source: str | PathLike[str] | Mapping[str, object]) -> list[Pod]:
    """The pods that a manifest asks for: a YAML text, a path to a file, or a dict.

    A pod's ``node`` is empty where the manifest leaves it to the scheduler, and its ``ip`` always: the cluster decides.
    Raises InvalidManifest, whose ``line`` says where.

        >>> [pod.name for pod in load({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        ...                            "spec": {"containers": [{"name": "a", "image": "nginx"}]}})]
        ['web']
    """
    found = [located(source)] if isinstance(source, Mapping) else documents(_text_of(source))
    if not found:
        raise InvalidManifest("an empty text", "at least one object", "write apiVersion, kind, metadata and spec")
    return [_pod(document) for document in found]


def check_update(present: Pod, wanted: Pod) -> None:
    """Refuse a change of a running pod that Kubernetes refuses.  Raises InvalidManifest."""
    same_node = wanted.node in ("", present.node)
    frozen = [(box.name, box.ports) for box in present.containers] == [(box.name, box.ports) for box in wanted.containers]
    if not (same_node and frozen):
        raise InvalidManifest(f"a change of pod {present.label}'s {'containers' if same_node else 'node'}",
                              "only labels, annotations and images to change: a running pod keeps the rest",
                              f"delete('pod', '{present.name}') first, then apply it again")


def _text_of(source: str | PathLike[str]) -> str:
    """The text itself, or what is in the file that a one-line text names."""
    if isinstance(source, str) and ("\n" in source or ":" in source.replace(":\\", "")):
        return source
    if not isinstance(source, (str, PathLike)):
        raise InvalidManifest(type(source).__name__, "a YAML text, a path or a dict", "pass one of these")
    try:
        return Path(fspath(source)).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise InvalidManifest(str(source)[:80], "a YAML text, or the path of a file that can be read",
                              "check the path, or pass the text itself") from None


def _pod(document: Located) -> Pod:
    fields = _fields(document, {"apiVersion": _TEXT, "kind": _TEXT} | dict.fromkeys(document.value, _ANY)
                     if isinstance(document.value, dict) else _POD, "")
    kind = fields.get("kind")
    if kind is None or kind.value != "Pod":
        given = _shown(kind.value) if kind is not None else "no kind"
        raise InvalidManifest(given, "a kind that this version of the course has: Pod", "write 'kind: Pod'",
                              kind.line if kind else document.line)
    version = fields.get("apiVersion")
    if version is None or version.value != "v1":
        raise InvalidManifest(_shown(version.value) if version is not None else "no apiVersion", "'apiVersion: v1' for a Pod",
                              "write it so", version.line if version else document.line)
    fields = _fields(document, _POD, "")
    metadata = _required(fields, "metadata", document).value
    spec_at = _required(fields, "spec", document)
    spec = spec_at.value
    name_at = _required(metadata, "name", fields["metadata"])
    namespace = metadata.get("namespace", Located("default", 0))
    with _At(name_at.line):
        dns_subdomain(name_at.value, "pod name")
    with _At(namespace.line):
        dns_label(namespace.value, "namespace")
    containers_at = _required(spec, "containers", spec_at)
    if not containers_at.value:
        raise InvalidManifest("no containers", "at least one container", "add '- name: app' with an image", containers_at.line)
    containers = tuple(_container(one) for one in containers_at.value)
    names = [box.name for box in containers]
    twice = next((at for at, name in zip(containers_at.value, names, strict=True) if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidManifest(twice.value["name"].value, "each container of a pod to have its own name", "rename one",
                              twice.line)
    _refuse_not_yet(spec, "hostNetwork")
    if "labels" in metadata:
        with _At(metadata["labels"].line):
            check_labels(_plain(metadata, "labels"))
    return Pod(name_at.value, spec["nodeName"].value if "nodeName" in spec else "", "", namespace.value,
               _plain(metadata, "labels"), _plain(metadata, "annotations"), containers)


def _container(one: Located) -> Container:
    fields = one.value
    name = _required(fields, "name", one)
    with _At(name.line):
        dns_label(name.value, "container name")
    image = _required(fields, "image", one)
    return Container(name.value, image.value, tuple(_port(port) for port in fields["ports"].value) if "ports" in fields else ())


def _port(one: Located) -> ContainerPort:
    fields = one.value
    _refuse_not_yet(fields, "hostPort")
    number = _required(fields, "containerPort", one)
    if not 1 <= number.value <= 65535:
        raise InvalidManifest(number.value, "a containerPort from 1 to 65535", "write containerPort: 80", number.line)
    protocol = fields.get("protocol", Located("TCP", 0))
    if protocol.value not in ("TCP", "UDP", "SCTP"):
        raise InvalidManifest(protocol.value, "the protocol TCP, UDP or SCTP",
                              f"write {nearest(protocol.value, ['TCP', 'UDP'])}", protocol.line)
    return ContainerPort(number.value, protocol.value, fields["name"].value if "name" in fields else "")


class _At:
    """Give an error from inside the line of the manifest, as an InvalidManifest."""

    def __init__(self, line: int) -> None:
        self.line = line

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, CourseError) and not isinstance(error, InvalidManifest):
            raise InvalidManifest(error.given, error.expected, error.mend, self.line) from None


def _required(fields: dict[str, Located], name: str, parent: Located) -> Located:
    found = fields.get(name)
    if found is None or found.value is None:
        raise InvalidManifest(f"an object without {name}", f"the field {name}", f"add '{name}:' here", parent.line)
    return found


def _refuse_not_yet(fields: dict[str, Located], name: str) -> None:
    if name in fields and fields[name].value:
        raise InvalidManifest(name, f"{_NOT_YET[name]} (this version of the course does not model {name})", "leave it out",
                              fields[name].line)


def _plain(fields: dict[str, Located], name: str) -> dict[str, str]:
    return fields[name].plain() if name in fields and fields[name].value is not None else {}


def _fields(at: Located, schema: dict[str, Any], path: str) -> dict[str, Located]:
    """The fields of a mapping, each checked against the schema; null counts as left out."""
    if not isinstance(at.value, dict):
        raise InvalidManifest(_shown(at.value), f"{path or 'a document'} to be a map of fields", "write 'field: value' lines",
                              at.line)
    for name, inner in at.value.items():
        if name not in schema:
            raise InvalidManifest(f"{path}.{name}".lstrip("."), f"a field that {path or 'a Pod'} has",
                                  f"did you mean '{nearest(name, schema)}'? Correct it or leave it out", inner.line)
        if inner.value is not None:
            _check(inner, schema[name], f"{path}.{name}".lstrip("."))
    return {name: inner for name, inner in at.value.items() if inner.value is not None}


def _check(at: Located, wanted: Any, path: str) -> None:
    value = at.value
    if wanted is _ANY:
        return
    if isinstance(wanted, dict):
        _fields(at, wanted, path)
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            raise InvalidManifest(_shown(value), f"{path} to be a list", "begin each item with '- '", at.line)
        for number, item in enumerate(value):
            _check(item, wanted[0], f"{path}[{number}]")
    elif wanted is _TEXTS:
        if not isinstance(value, dict):
            raise InvalidManifest(_shown(value), f"{path} to be a map of texts", "write 'key: value' lines", at.line)
        for key, item in value.items():
            _check(item, _TEXT, f"{path}.{key}")
    elif not _is(value, wanted):
        mend = f'write it in quotes: "{_shown(value)}"' if wanted is _TEXT else f"write {wanted}"
        raise InvalidManifest(_shown(value), f"{path} to be {wanted}", mend, at.line)


def _is(value: object, wanted: str) -> bool:
    if wanted is _NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool if wanted is _FLAG else str)


def _shown(value: object) -> object:
    """What was given, short enough for a sentence."""
    if isinstance(value, (dict, list)):
        return f"a {'map' if isinstance(value, dict) else 'list'}"
    text = "null" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
