"""The manifests of pods and of what makes pods, and of namespaces.

Source: k8s.io/kubectl, pkg/generate/versioned/run.go; pkg/cmd/create/create_deployment.go, create_namespace.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.manifests.workloads import made_letters

RESTART_POLICIES = ("Always", "OnFailure", "Never")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:@/_-]*")


def metadata(name: str, labels: dict[str, str], namespace: str = "") -> dict[str, Any]:
    """The metadata of a manifest: the namespace only where one was named.

    >>> metadata("web", {"app": "web"})
    {'name': 'web', 'labels': {'app': 'web'}}
    """
    return {"name": name} | ({"labels": labels} if labels else {}) | ({"namespace": namespace} if namespace else {})


def labels_of(text: str) -> dict[str, str]:
    """Labels as a flag gives them: ``a=b,c=d``.  Raises Complaint.

    >>> labels_of("app=web,tier=front")
    {'app': 'web', 'tier': 'front'}
    """
    pairs = [each.partition("=") for each in text.split(",")] if text else []
    wrong = next(("".join(pair) for pair in pairs if not pair[0] or not pair[1]), None)
    if wrong is not None:
        raise Complaint(f"error: unexpected label spec: {wrong}", "Write labels as KEY=VALUE, with commas between: app=web.")
    return {key: value for key, _, value in pairs}


def checked_image(image: str) -> str:
    """The name of an image, if it can be one.  Raises Complaint."""
    if not _IMAGE.fullmatch(image):
        raise Complaint(f'error: Invalid image name "{image}": invalid reference format')
    return image


def port_number(text: str) -> int:
    """A port.  Raises Complaint.

    >>> port_number("80")
    80
    """
    if not (text.isascii() and text.isdecimal()):
        raise Complaint(f'error: strconv.Atoi: parsing "{text}": invalid syntax', "A port is a number from 1 to 65535.")
    return int(text)


def environment(texts: Sequence[str]) -> list[dict[str, str]]:
    """Variables as flags give them: ``NAME=value``.  Raises Complaint.

    >>> environment(["MODE=test"])
    [{'name': 'MODE', 'value': 'test'}]
    """
    wrong = next((each for each in texts if not each.partition("=")[0] or "=" not in each), None)
    if wrong is not None:
        raise Complaint(f"error: invalid env: {wrong}", "Write NAME=VALUE.")
    return [{"name": each.partition("=")[0], "value": each.partition("=")[2]} for each in texts]


def pod(name: str, image: str, *, labels: str = "", namespace: str = "", port: str = "", env: Sequence[str] = (),
        annotations: Sequence[str] = (), restart: str = "Always", command: bool = False, args: Sequence[str] = (),
        stdin: bool = False, tty: bool = False, pull_policy: str = "") -> dict[str, Any]:
    """What ``kubectl run`` makes.  Raises Complaint.

    >>> pod("web", "nginx", port="80")["spec"]["containers"]
    [{'name': 'web', 'image': 'nginx', 'resources': {}, 'ports': [{'containerPort': 80}]}]
    """
    if restart not in RESTART_POLICIES:
        raise Complaint(f"error: invalid restart policy: {restart}\nSee 'kubectl run -h' for help and examples",
                        f"Write one of {', '.join(RESTART_POLICIES)}.")
    box: dict[str, Any] = {"name": name, "image": checked_image(image), "resources": {}}
    if args:
        box["command" if command else "args"] = list(args)
    if env:
        box["env"] = environment(env)
    if port:
        box["ports"] = [{"containerPort": port_number(port)}]
    if pull_policy:
        box["imagePullPolicy"] = pull_policy
    if stdin:
        box |= {"stdin": True, "stdinOnce": True}
    if tty:
        box["tty"] = True
    head = metadata(name, labels_of(labels) or {"run": name}, namespace)
    if annotations:
        head["annotations"] = {key: value for key, _, value in (each.partition("=") for each in annotations)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": head,
            "spec": {"containers": [box], "dnsPolicy": "ClusterFirst", "restartPolicy": restart}, "status": {}}


def deployment(name: str, images: Sequence[str], *, namespace: str = "", replicas: int = 1, port: int = 0,
               command: Sequence[str] = ()) -> dict[str, Any]:
    """What ``kubectl create deployment`` makes: a container for each image, which gives it its name.  Raises Complaint.

    >>> made = deployment("web", ["example.com/team/nginx:1.29"])
    >>> made["spec"]["template"]["spec"]["containers"][0]["name"], made["spec"]["selector"]
    ('nginx', {'matchLabels': {'app': 'web'}})
    """
    if len(images) > 1 and command:
        raise Complaint("error: cannot specify multiple --image options and command")
    labels = {"app": name}
    boxes: list[dict[str, Any]] = []
    for image in images:
        box: dict[str, Any] = {"name": _box_name(image), "image": image, "resources": {}}
        if command:
            box["command"] = list(command)
        boxes.append(box)
    if port:
        boxes[0]["ports"] = [{"containerPort": port}]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name, labels, namespace),
            "spec": {"replicas": replicas, "selector": {"matchLabels": dict(labels)}, "strategy": {},
                     "template": {"metadata": {"labels": dict(labels)}, "spec": {"containers": boxes}}}, "status": {}}


def _box_name(image: str) -> str:
    """The name of a container, from its image.  One whose image has a name that no container can have gets some letters more.

    >>> _box_name("nginx:1.29"), _box_name("team/my_app@sha256:0")
    ('nginx', 'my-app-857ld')
    """
    name = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    return f"{re.sub('[_.]', '-', name)}-{made_letters(name, 5)}" if re.search("[_.]", name) else name


def namespace(name: str) -> dict[str, Any]:
    """What ``kubectl create namespace`` makes.

    >>> namespace("shop")["metadata"]
    {'name': 'shop'}
    """
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(name, {}), "spec": {}, "status": {}}
