"""Manifest: write a Pod that answers on a port."""

from __future__ import annotations

import random
import re

from k8snet_course.cluster import Cluster
from k8snet_course.errors import CourseError
from k8snet_course.exercises.answers import BadAnswer, call, read_text
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant

_MAKERS_OF_PODS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    port = rng.choice((3000, 5000, 8000, 8080, 8081, 8088, 9090))
    name = rng.choice(("backend", "orders", "prices", "stock"))

    def build() -> Cluster:
        cluster = Cluster(nodes=1, cni="bridge", pod_cidr=network)
        cluster.add_pod("frontend", node="node-1")
        return cluster

    return Variant({"port": port, "name": name},
                   f"The pod frontend is running on node-1. It asks the pod {name} on TCP port {port}, and {name} does "
                   f"not exist yet.\nWrite the manifest of {name}.", build)


def _manifest(name: object, listen: object = "", container_port: object = "", kind: str = "Pod",
              namespace: str = "default") -> str:
    annotations = f'\n  annotations:\n    k8snet-course/listen: "{listen}"' if listen else ""
    ports = f"\n    ports:\n    - containerPort: {container_port}" if container_port else ""
    return f"""\
apiVersion: v1
kind: {kind}
metadata:
  name: {name}
  namespace: {namespace}{annotations}
spec:
  containers:
  - name: web
    image: nginx{ports}
"""


def _kind(manifest: object) -> str:
    """The kind that a manifest names, of a text the first one."""
    if isinstance(manifest, dict):
        return str(manifest.get("kind"))
    found = re.search(r"^kind:\s*(\w+)", str(manifest), re.MULTILINE)
    return found.group(1) if found else ""


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    manifest = answer if type(answer) is dict else read_text(answer, "the manifest") + "\n"
    cluster = variant.build()

    def apply() -> CourseError | None:
        try:
            cluster.apply(manifest)
        except CourseError as error:
            return error
        return None

    refused = call(apply, "applying your manifest")
    if _kind(manifest) in _MAKERS_OF_PODS:
        return (Finding("the kind of object", _kind(manifest)),)
    if refused is not None:
        raise BadAnswer(f"the cluster refuses this manifest: {refused}")
    name, port = variant.numbers["name"], variant.numbers["port"]
    there = [pod for pod in cluster.pods if pod.key == f"default/{name}"]
    if not there:
        made = ", ".join(pod.key for pod in cluster.pods if pod.key != "default/frontend")
        return (Finding("the pod that frontend asks", f"only {made}" if made else "no new pod"),)
    trace = cluster.send("frontend", name, port=port)
    listening = " and ".join(f"{row.protocol} {row.address}:{row.port}" for row in cluster.pod(name).listeners)
    plain = listening == "TCP 0.0.0.0:80"
    declared = plain and any(row.container_port == port for pod in there for box in pod.containers for row in box.ports)
    how = "answered" if trace.answered else f"{trace.verdict}, {listening or 'nothing'}{', declared' if declared else ''}"
    return Finding("the pod that frontend asks", "there"), Finding("the packet", how, trace)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    name, port = variant.numbers["name"], variant.numbers["port"]
    if got.asked == "the kind of object":
        return f"A {got.got} is not a pod; it makes pods, under names that it invents. frontend asks for one pod by name."
    if got.asked != "the packet":
        return (f"frontend asks the pod {name} in the namespace default, and the manifest makes {got.got}. A pod is "
                "found by its namespace and its metadata.name.")
    verdict, listening, *_ = got.got.split(", ")
    return (f"The pod is there, but frontend's packet to TCP port {port} was not answered ({verdict}). What {name} "
            f"listens on: {listening}.")


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    port = variant.numbers["port"]
    if attempt is not None and any(finding.got.startswith("refused") for finding in attempt.findings):
        return (f"Your pod gets the packet, and Linux refuses it, because no program there listens on TCP port {port}. "
                "Which port does nginx listen on if nobody tells it otherwise?")
    if attempt is not None and any(finding.asked == "the pod that frontend asks" and finding.got != "there"
                                   for finding in attempt.findings):
        return ("Compare metadata.name and metadata.namespace with what frontend asks for; leave the namespace out for "
                "default.")
    return ("A Pod needs apiVersion: v1, kind: Pod, metadata with a name, and spec with a list of containers; each "
            "container has a name and an image.")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return (f'Say what the program listens on: under metadata write annotations, and there k8snet-course/listen: '
            f'"{variant.numbers["port"]}", in quotes, because annotations are texts.')


EXERCISE = Exercise(
    name="answer_on_port",
    chapter="01_single_node",
    kind=Kind.MANIFEST,
    title="A pod that answers",
    statement="""\
A *manifest* is the text that tells a cluster what you want. Write one for a single Pod, so that the pod `frontend` gets
an answer from it. The next cell names your pod and your port.

Two things to know. A program *listens* on a port when it has asked Linux for the packets to that port; the image
`nginx` listens on TCP port 80. The course cannot look into an image, so the annotation `k8snet-course/listen`, such as
`"8443"`, is how you say that you have set the program up to listen elsewhere (a real nginx has a line `listen` in its
own configuration).

Only what the network then does is judged. Any manifest that makes it work is right.""",
    variable="manifest",
    starter='''\
manifest = """
# apiVersion, kind, metadata and spec of your Pod
"""
''',
    reference='''\
numbers = task("answer_on_port").numbers
manifest = f"""
apiVersion: v1
kind: Pod
metadata:
  name: {numbers["name"]}
  annotations:
    k8snet-course/listen: "{numbers["port"]}"
spec:
  containers:
  - name: web
    image: nginx
    ports:
    - containerPort: {numbers["port"]}   # information for people; it opens nothing
"""
''',
    praise="The pod has the right name, and a program in it listens on the port that the frontend asks.",
    draw=_draw,
    right=lambda variant: _manifest(variant.numbers["name"], variant.numbers["port"]),
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"frontend asks for the pod {variant.numbers['name']}, so metadata.name must be that. nginx listens on port "
        f"80; frontend asks on {variant.numbers['port']}. So the program must be set up to listen there, which the "
        "annotation says."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("containerPort opens a port",
                      lambda variant: _manifest(variant.numbers["name"], container_port=variant.numbers["port"]),
                      "The pod is there and gets the packet, but its program listens on port 80, so Linux refuses port "
                      "{port}. containerPort is information for people: it opens nothing and closes nothing. The "
                      "program decides what it listens on."),
        Misconception("listens on localhost only",
                      lambda variant: _manifest(variant.numbers["name"], f"127.0.0.1:{variant.numbers['port']}"),
                      "The program listens on 127.0.0.1 only. That is the pod's own loopback address: other containers "
                      "of the same pod reach it, other pods never do. Let it listen on all addresses of the pod."),
        Misconception("UDP is as good as TCP",
                      lambda variant: _manifest(variant.numbers["name"], f"{variant.numbers['port']}/UDP"),
                      "The program listens on UDP port {port}, and frontend asks on TCP port {port}. The ports of the "
                      "two protocols have nothing to do with each other."),
        Misconception("a Deployment is a pod",
                      lambda variant: _manifest(variant.numbers["name"], variant.numbers["port"], kind="Deployment"),
                      "This manifest asks for another kind of object. Kinds such as Deployment make pods for you, "
                      "under names that they invent; here frontend asks for one pod by name, so the kind is Pod."),
        Misconception("any namespace will do",
                      lambda variant: _manifest(variant.numbers["name"], variant.numbers["port"], namespace="shop"),
                      "The pod {name} was made in the namespace shop. frontend asks for {name} in its own namespace, "
                      "default: the same name in two namespaces means two pods."),
    ),
)
