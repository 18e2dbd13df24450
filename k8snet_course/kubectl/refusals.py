"""What the API server answers to what it refuses: the model's errors in its words, with the model's own sentence after them.

The error's type and fields decide, and the manifest that was refused; nothing is looked up in the cluster.

Source: kubernetes apimachinery (validation and field errors), kubectl's ``CheckErr``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from k8snet_course.errors import (
    AddressesExhausted,
    AddressUnavailable,
    AlreadyExists,
    CourseError,
    InvalidManifest,
    InvalidName,
    NotFound,
    Unschedulable,
)
from k8snet_course.kubectl.complaint import Complaint, server_error
from k8snet_course.kubectl.explained import IN_CRDS, schema
from k8snet_course.kubectl.resources import Resource, of_kind
from k8snet_course.manifests import KINDS
from k8snet_course.manifests.spot import REQUIRED, UNKNOWN, UNSUPPORTED

_LABEL = ("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
          "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
_SUBDOMAIN = ("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
              "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
              r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
_POD_UPDATE = ("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
               "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
               "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)")
_OF_ANOTHER_TYPE = re.compile(r" to be (a text|a whole number|true or false|a list|a map of fields|a map of texts)$")
_GO = {"integer": "int32", "boolean": "bool", "[]integer": "[]int32"}
_IN_PYTHON = re.compile(r"delete\('(\w+)', '([^']+)'\)")
_IN_SERVER_WORDS = re.compile(r"\((?:failed to allocate IP [^ ]+: )?(provided (?:port|IP) .*)\)$")
"""Where the model's sentence has the API server's words in brackets."""


def already_exists(resource: Resource, name: str, source: str = "") -> Complaint:
    """An object of this name is there.

    >>> print(already_exists(of_kind("Pod"), "web"))
    Error from server (AlreadyExists): pods "web" already exists
    """
    return server_error("AlreadyExists", f'{_creating(source)}{resource.plural_full} "{name}" already exists')


def no_namespace(name: str, source: str = "") -> Complaint:
    """The namespace in which an object is to lie is not there."""
    return server_error("NotFound", f'{_creating(source)}namespaces "{name}" not found',
                        f"Make it first: kubectl create namespace {name}")


def refusal(error: CourseError, written: Mapping[str, Any], source: str = "") -> Complaint:
    """What kubectl prints when the model refuses a manifest; ``source`` is the file that it is from.

        >>> from k8snet_course import Cluster
        >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "Web"},
        ...        "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
        >>> try:
        ...     _ = Cluster().apply(pod)
        ... except CourseError as error:
        ...     print(str(refusal(error, pod))[:98])
        The Pod "Web" is invalid: metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must
    """
    kind, version = str(written.get("kind") or ""), str(written.get("apiVersion") or "")
    name = _name(written)
    missing = [word for word, value in (("apiVersion", version), ("kind", kind)) if not value]
    if missing:
        several = f"[{', '.join(f'{word} not set' for word in missing)}]" if len(missing) > 1 else f"{missing[0]} not set"
        return Complaint(f'error: error validating "{source}": error validating data: {several}; if you choose to ignore these '
                         "errors, turn validation off with --validate=false", str(error))
    if kind not in KINDS or version not in (KINDS[kind].api_version, *KINDS[kind].also):
        metadata = written.get("metadata")
        space = metadata.get("namespace", "") if isinstance(metadata, Mapping) else ""
        return Complaint(f'error: resource mapping not found for name: "{name}" namespace: "{space}" from "{source}": no '
                         f'matches for kind "{kind}" in version "{version}"\nensure CRDs are installed first', str(error))
    if not name and isinstance(error, InvalidManifest) and error.path in ("metadata", "metadata.name"):
        return Complaint("error: resource name may not be empty", _sentence(error))
    resource = of_kind(kind)
    if isinstance(error, AlreadyExists):
        return already_exists(resource, name, source)
    if isinstance(error, InvalidManifest) and error.cause == UNKNOWN:
        return server_error("BadRequest", f'{_creating(source)}{kind} in version "{version.rpartition("/")[2]}" cannot be '
                                          'handled '
                            f'as a {kind}: strict decoding error: unknown field "{error.path}"', str(error))
    wrong_type = _wrong_type(error, kind, written) if isinstance(error, InvalidManifest) else ""
    if wrong_type:
        return server_error("BadRequest", f'{_creating(source)}{kind} in version "{version.rpartition("/")[2]}" cannot be '
                                          'handled '
                            f"as a {kind}: {wrong_type}", _sentence(error))
    if isinstance(error, (Unschedulable, AddressesExhausted)):
        return Complaint(f"error: {error}", "A real cluster would take the object and leave it Pending; this course says at "
                                            "once "
                         "what is missing.")
    cause = _cause(error, kind, written)
    return Complaint(f'The {kind} "{name}" is invalid: {cause or error}', _sentence(error, cause) if cause else "")


def _sentence(error: CourseError, said: str = "") -> str:
    """The model's own sentence, with kubectl's words for Python's; of what is ``said`` already, only how to mend it."""
    text = str(error)
    if said.endswith(f"expected {error.expected}"):
        text = f"{f'line {error.line}: ' if error.line else ''}{error.mend}."
    return _IN_PYTHON.sub(r"kubectl delete \1 \2", text)


def _creating(source: str) -> str:
    return f'error when creating "{source}": ' if source else ""


def _name(written: Mapping[str, Any]) -> str:
    metadata = written.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""


def _wrong_type(error: InvalidManifest, kind: str, written: Mapping[str, Any]) -> str:
    """What Go's JSON reader says of a value of another type than the field has; empty: that is not the mistake.

    Custom resources are no Go types of the API server, so it does not say it of them.
    """
    found = _OF_ANOTHER_TYPE.search(error.expected)
    if found is None or of_kind(kind).group in IN_CRDS:
        return ""
    here, parent = schema(kind), kind
    steps = [step.partition("[")[0] for step in error.path.split(".")]
    in_a_map = len(steps) > 1 and error.path.rpartition(".")[0].endswith(("labels", "annotations", "selector", "matchLabels"))
    if in_a_map:
        steps.pop()
    for step in steps:
        inside = here.field(step)
        if inside is None:
            return ""
        here, parent = inside, here.type.removeprefix("[]")
    value = next((value for place, value in _values(written, "") if place == error.path), None)
    given = "object" if isinstance(value, Mapping) else "array" if isinstance(value, list) else (
        "bool" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "string")
    wanted = _GO.get(here.type, re.sub(r"^(\[\])*", lambda marks: f"{marks[0]}v1.", here.type) if here.fields else here.type)
    if in_a_map or error.path.endswith("]"):  # one of several
        wanted = wanted.removeprefix("map[string]").removeprefix("[]")
    return f"json: cannot unmarshal {given} into Go struct field {parent}.{'.'.join(steps)} of type {wanted}"


def _cause(error: CourseError, kind: str, written: Mapping[str, Any]) -> str:
    """Field, kind of mistake and words, as the API server's validation has them; empty where the model names no field."""
    if isinstance(error, InvalidManifest) and not error.path:
        return _frozen(error, kind, written)
    if isinstance(error, InvalidManifest):
        path = error.path
    else:
        places = [place for place, value in _values(written, "") if type(value) is type(error.given) and value == error.given]
        path = next((place for place in places if place.endswith("nodePort")), places[0] if places else "")
    if not path:
        return ""
    if isinstance(error, InvalidManifest) and (error.cause == REQUIRED or _is_empty(error)):
        return f"{path}: Required value"
    if isinstance(error, InvalidManifest) and error.cause == UNSUPPORTED:
        choices = re.split(r", | or ", error.expected.partition(" to be ")[2])
        return f"{path}: {UNSUPPORTED}: {_shown(error.given)}: supported values: {', '.join(map(_shown, sorted(choices)))}"
    if isinstance(error, NotFound):
        return f"{path}: Invalid value: {_shown(error.given)}: not found"
    given = next((value for place, value in _values(written, "") if place == path and not isinstance(value, str)), error.given)
    return f"{path}: Invalid value: {_shown(given)}: {_detail(error, path, kind)}"


def _detail(error: CourseError, path: str, kind: str) -> str:
    """Why a value is wrong: the API server's words where they are known, else the model's."""
    own = _IN_SERVER_WORDS.search(error.expected)
    if isinstance(error, AddressUnavailable) and own is not None:
        return f"failed to allocate IP {error.given}: {own[1]}" if "IP" in own[1] else own[1]
    if error.expected.endswith("to be a whole number or a name") and str(error.given).isdecimal():
        return "must contain at least one letter (a-z)"
    if "RFC 1123 subdomain" in error.expected:
        return _SUBDOMAIN
    if isinstance(error, (InvalidManifest, InvalidName)) and "RFC 1123 label" in error.expected:
        return _LABEL
    between = re.search(r"a whole number from (\d+) to (\d+)", error.expected)
    if between is not None and between[2] == "65535":
        return "must be between 1 and 65535, inclusive"
    if between is not None and between[1] == "0" and str(error.given).startswith("-"):
        return "must be greater than or equal to 0"
    if kind in ("Deployment", "ReplicaSet") and "to select the pods of spec.template" in error.expected:
        return "`selector` does not match template `labels`"
    return f"expected {error.expected}"


def _frozen(error: InvalidManifest, kind: str, written: Mapping[str, Any]) -> str:
    """A field that does not change once it is set."""
    spec = written.get("spec")
    if not isinstance(spec, Mapping) or "to keep" not in error.expected:
        return _POD_UPDATE if kind == "Pod" and "a running pod keeps the rest" in error.expected else ""
    if kind == "Service" and "cluster IP" in error.expected:
        return f'spec.clusterIPs[0]: Invalid value: ["{spec.get("clusterIP")}"]: may not change once set'
    if kind in ("Deployment", "ReplicaSet"):
        return f"spec.selector: Invalid value: {json.dumps(spec.get('selector'), separators=(',', ':'))}: field is immutable"
    return ""


def _is_empty(error: InvalidManifest) -> bool:
    """Whether the mistake is that nothing stands there, though something must."""
    return error.given == "an empty list" or (str(error.given).endswith("without ports") and error.expected == "at least one "
                                                                                                               "port")


def _values(written: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The fields of a manifest, with what they hold."""
    if isinstance(written, (Mapping, list)):
        yield path, written
    if isinstance(written, Mapping):
        for field, inside in written.items():
            yield from _values(inside, f"{path}.{field}".lstrip("."))
    elif isinstance(written, list):
        for number, inside in enumerate(written):
            yield from _values(inside, f"{path}[{number}]")
    else:
        yield path, written


def _shown(value: object) -> str:
    """A value as the API server quotes it: texts in quotation marks, numbers without."""
    return str(value).lower() if isinstance(value, (bool, int, float)) else f'"{value}"'
