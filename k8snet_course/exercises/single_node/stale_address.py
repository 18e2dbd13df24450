"""Repair: a program has a pod's address written into it, and the pod has been made anew."""

from __future__ import annotations

import random

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import call, read_address, read_function
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant

_DAYS = ("on the first day", "after backend was made anew", "after many pods came and went")


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    others = rng.sample(("cart", "search", "mail", "jobs"), rng.randint(2, 3))
    old = _cluster(network, others, _DAYS[0]).pod("backend").ip
    return Variant({"old": old, "network": network, "others": tuple(others)},
                   f"On the first day backend had the address {old}, and somebody wrote it into frontend's "
                   "settings.\nSince then backend was deleted and made anew. This is the cluster now:\n"
                   f"{_cluster(network, others, _DAYS[1])!r}", lambda: _cluster(network, others, _DAYS[1]))


def _cluster(network: str, others: list[str] | tuple[str, ...], day: str) -> Cluster:
    """The cluster as it is on one of the days.  Thirteen addresses for pods, so that the search comes round."""
    cluster = Cluster(nodes=1, cni="bridge", pod_cidr=network, node_mask_size=28)
    for name in (others[0], "frontend", "backend", *others[1:]):
        cluster.add_pod(name, node="node-1")
    old = cluster.pod("backend").ip
    if day != _DAYS[0]:
        cluster.delete("pod", "backend")
        cluster.add_pod("backend", node="node-1")
    while day == _DAYS[2]:
        if cluster.add_pod("stranger", node="node-1").ip == old:
            break
        cluster.delete("pod", "stranger")
    return cluster


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    function = read_function(answer, "backend_address")
    findings = []
    for day in _DAYS:
        network, others = variant.numbers["network"], variant.numbers["others"]
        given = call(function, "backend_address(cluster)", _cluster(network, others, day))
        address = read_address(given, "what backend_address(cluster) returns")
        trace = _cluster(network, others, day).send("frontend", address, port=80)
        findings.append(Finding(day, f"{address}: {trace.verdict}, {trace.hops[-1].label}", trace))
    return tuple(findings)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    address, _, rest = got.got.partition(": ")
    verdict, _, where = rest.partition(", ")
    if verdict == "delivered":
        return (f"{got.asked[:1].upper()}{got.asked[1:]}, your function returns {address}. The packet arrives, but at "
                f"{where} and not at backend.")
    return (f"{got.asked[:1].upper()}{got.asked[1:]}, your function returns {address}, and the packet does not arrive "
            f"({verdict}).")


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief == "a pod keeps its address":
        return ("Your function gives the same address for every cluster. Look at backend's address on two days: "
                "task('stale_address').cluster.pod('backend').ip, and the one in the story.")
    return ("Of a pod that is made anew, one thing stays the same and another changes. Which of the two should be "
            "written down?")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("The name stays. Ask the cluster for the pod of that name each time, and take its address from there: "
            "cluster.pod(...).ip")


EXERCISE = Exercise(
    name="stale_address",
    chapter="01_single_node",
    kind=Kind.REPAIR,
    title="The address that was written down",
    statement="""\
The pod `frontend` has worked for months. This morning it asks `backend` and gets no answer. In its settings somebody
wrote down an address; the next cell shows it, and the cluster as it is now.

Repair the function `backend_address`. It is given a cluster and returns the address at which `backend` can be reached
in *that* cluster. It is tried on several days of the cluster's life, and judged by where frontend's packets end.""",
    variable="backend_address",
    starter='''\
WRITTEN_DOWN = task("stale_address").numbers["old"]

def backend_address(cluster):
    """The address at which the frontend reaches the backend now."""
    return WRITTEN_DOWN
''',
    reference='''\
def backend_address(cluster):
    """The address at which the frontend reaches the backend now."""
    return cluster.pod("backend").ip
''',
    praise="When a pod is made anew its name stays and its address changes. Looked up each time, it is always right.",
    draw=_draw,
    right=lambda variant: lambda cluster: cluster.pod("backend").ip,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"backend had {variant.numbers['old']} on the first day and has {variant.cluster.pod('backend').ip} now: a pod "
        "made anew is another pod with another address. What stays is its name, so the function asks for the pod by "
        "its name each time. A Service does the same for every program in the cluster; chapter 07 shows how."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("a pod keeps its address", lambda variant: lambda cluster: variant.numbers["old"],
                      "{old} was right on the first day. After backend was made anew nobody answers there, and once "
                      "enough pods have come and gone the node gives {old} to a stranger: then frontend talks to the "
                      "wrong pod, and no error says so."),
        Misconception("a pod keeps its place in the list", lambda variant: lambda cluster: cluster.pods[2].ip,
                      "Taking a pod by its place in the list works until the list changes. A pod made anew stands at "
                      "the end."),
        Misconception("the node's address reaches the pod", lambda variant: lambda cluster: cluster.node("node-1").ip,
                      "That is the node's address. The packet reaches the node itself, where no program listens on "
                      "port 80: a node does not pass packets for its own address on to a pod."),
        Misconception("a pod's name is an address", lambda variant: lambda cluster: "backend",
                      "A pod's name is not an address, and the pods of a cluster cannot look each other up by such a "
                      "name. The cluster's own records can: they hold each pod's name and its address."),
    ),
)
