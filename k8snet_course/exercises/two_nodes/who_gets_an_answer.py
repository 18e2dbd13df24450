"""Predict: planned ranges without routes; which packets arrive, and which are answered?"""

from __future__ import annotations

import random
from collections.abc import Callable

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import BadAnswer, read_fields, read_text, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.linux.trace import Trace

_WORDS = ("answered", "arrives", "lost")
_PAIRS = {
    "agent to its pod": ("node-1", "frontend"),
    "pod to the pod next door": ("frontend", "{near}"),
    "pod to a pod on the other node": ("frontend", "{far}"),
    "pod to the other node": ("frontend", "node-2"),
    "node to a pod on the other node": ("node-1", "{far}"),
}


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    nodes = f"192.168.{rng.randint(2, 250)}.0/24"
    near, far = rng.sample(("backend", "cart", "search", "mail", "jobs"), 2)

    def build() -> Cluster:
        cluster = Cluster(nodes=2, cni="bridge", pod_cidr=network, node_network=nodes)
        for name, node in (("frontend", "node-1"), (near, "node-1"), (far, "node-2")):
            cluster.add_pod(name, node=node)
        return cluster

    pairs = {key: tuple(end.format(near=near, far=far) for end in ends) for key, ends in _PAIRS.items()}
    told = "\n".join(f"  {key!r}: a ping from {src} to {dst}" for key, (src, dst) in pairs.items())
    return Variant({"pairs": pairs, "near": near, "far": far, "network": network}, f"{build()!r}\n{told}", build)


def _send(variant: Variant, key: str) -> Trace:
    source, target = variant.numbers["pairs"][key]
    return variant.build().send(source, target, protocol="ICMP")


def _word(trace: Trace) -> str:
    return "answered" if trace.answered else "arrives" if trace.delivered else "lost"


def _right(variant: Variant) -> dict[str, str]:
    return {key: _word(_send(variant, key)) for key in _PAIRS}


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    fields = read_fields(answer, tuple(_PAIRS))
    findings = []
    for key in _PAIRS:
        word = read_text(fields[key], f"the field '{key}'").lower()
        if word not in _WORDS:
            raise BadAnswer(f"the field '{key}' should be 'answered', 'arrives' or 'lost', but this is {shown(word)}.")
        findings.append(Finding(key, word, _send(variant, key)))
    return tuple(findings)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    source, target = variant.numbers["pairs"][got.asked]
    if wanted.got == "answered":
        return f"You said that a ping from {source} to {target} is not answered. It is: they reach each other over one bridge."
    if wanted.got == "arrives":
        return (f"The ping from {source} does arrive at {target}: every node knows the way to the nodes. But look at whom the "
                "answer is addressed to, and whether anybody knows the way there.")
    return (f"The ping from {source} to {target} does not even arrive. Look in the walk for the last routing table that was "
            "asked.")


def _with(**changes: str) -> Callable[[Variant], object]:
    """The right answer, with other words for some pairs."""
    return lambda variant: _right(variant) | {key.replace("_", " "): word for key, word in changes.items()}


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and any(one.asked == "pod to the other node" and one.got != "arrives" for one in attempt.findings):
        return ("For the ping from the pod to the other node, follow both ways: who knows the way to the node, and who knows "
                "the way back to the pod?")
    return ("Two ways have to be found: that of the ping, and that of the answer. For each, go from device to device and "
            "ask: does this routing table have a row for the address, other than the default?")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("With this plugin a node knows two ranges: that of its own pods, and that of the nodes. All else goes to the "
            "router, which knows the nodes only. Print a node's table: "
            'print(task("who_gets_an_answer").cluster.node("node-1").routes)')


EXERCISE = Exercise(
    name="who_gets_an_answer",
    chapter="04_two_nodes",
    kind=Kind.PREDICT,
    title="Who gets an answer?",
    statement="""\
This cluster has a plan: each node has its own range (`cni="bridge"`), so no address is there twice. But nobody has told the
nodes the way to each other's pods.

The next cell shows the cluster, and five pings. Say of each one of three words, **before** you run anything:
`"answered"` (the ping arrives and its answer comes home), `"arrives"` (the ping arrives, its answer is lost) or `"lost"` (the
ping itself is lost).""",
    variable="answer",
    starter="""\
answer = {
    "agent to its pod": ...,
    "pod to the pod next door": ...,
    "pod to a pod on the other node": ...,
    "pod to the other node": ...,
    "node to a pod on the other node": ...,
}
""",
    reference="""\
variant = task("who_gets_an_answer")
answer = {}
for pair, (source, target) in variant.numbers["pairs"].items():
    trace = variant.cluster.send(source, target, protocol="ICMP")
    answer[pair] = "answered" if trace.answered else "arrives" if trace.delivered else "lost"
""",
    praise="What lies within a node works; what lies between nodes needs a route there, and another one back.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"node-1 knows its own pods, so it reaches frontend, and frontend reaches {variant.numbers['near']} over the bridge. "
        f"Nobody on the way from node-1 knows the range of {variant.numbers['far']}: those two pings are lost at the router. "
        "The way to node-2 itself is known, so that ping arrives; its answer is for a pod's address, which node-2 "
        "sends to the router, and there it is lost."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("a plan is a way",
                      lambda variant: dict.fromkeys(_PAIRS, "answered"),
                      "You expect every ping to be answered, now that all addresses differ. Unique addresses make a way "
                      "possible, and no more: node-1's routing table has no row for the range of {far}."),
        Misconception("what arrives is answered", _with(pod_to_the_other_node="answered"),
                      "The ping does arrive at node-2. But its answer is addressed to a pod of node-1, and node-2 has no "
                      "row for that range. The way there and the way back are found separately."),
        Misconception("a pod cannot send out of its node", _with(pod_to_the_other_node="lost"),
                      "node-1 does send the ping on: it forwards for its pods, and it knows the way to node-2, which is on "
                      "its own wire. What is lost is the answer."),
        Misconception("nodes know each other's pods", _with(node_to_a_pod_on_the_other_node="answered"),
                      "A node is not told about the pods of another node. To node-1, {far}'s address is one like any "
                      "other on the internet, and it goes to the router by the default route."),
        Misconception("the packet gets to the pod and stays there",
                      _with(pod_to_a_pod_on_the_other_node="arrives", node_to_a_pod_on_the_other_node="arrives"),
                      "These pings never come to node-2. node-1 gives them to the router, because its only row that matches "
                      "is the default route, and the router knows nothing of {far}'s range."),
        Misconception("nodes do not reach their pods", _with(agent_to_its_pod="lost"),
                      "node-1 reaches its own pods: cni0 has an address in their range, so node-1's routing table has a "
                      "row for it. Without this the kubelet could not ask a pod whether it is well."),
    ),
)
