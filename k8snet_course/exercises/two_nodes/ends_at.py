"""Predict: two nodes that know nothing of each other; at which device does a packet end?"""

from __future__ import annotations

import random

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import BadAnswer, read_text, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.linux.trace import Trace

_NAMES = ("backend", "cart", "search", "mail", "jobs", "cache", "reports", "orders")


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    names = rng.sample(_NAMES, 8)
    here, there = ["frontend", *names[:rng.randint(3, 4)]], names[4:]
    place = rng.randint(1, len(here) - 1)

    def build() -> Cluster:
        cluster = Cluster(nodes=2, cni="none", pod_cidr=network)
        for node, pods in (("node-1", here), ("node-2", there)):
            for name in pods:
                cluster.add_pod(name, node=node)
        return cluster

    target = there[place - 1] if len(there) < place + 1 else there[place]
    story = (f"Two nodes, and nobody planned the addresses: each node gives its pods addresses from {network}, and each "
             f"begins at its beginning.\n  node-1 made, in this order: {', '.join(here)}\n"
             f"  node-2 made, in this order: {', '.join(there)}\n"
             f"frontend, on node-1, sends a packet to the address of {target}, on node-2. At which device does it end?")
    cluster = build()
    return Variant({"target": target, "ip": cluster.pod(target).ip, "network": network,
                    "mine": cluster.pod("frontend").ip}, story, build)


def _trace(variant: Variant) -> Trace:
    return variant.build().send("frontend", variant.numbers["target"])


def _right(variant: Variant) -> str:
    return _trace(variant).hops[-1].label


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    name = read_text(answer, "the device").lower().removeprefix("pod ").removeprefix("default/")
    known = [*(pod.name for pod in variant.cluster.pods), *(node.name for node in variant.cluster.nodes),
             *variant.cluster.hosts, "nowhere"]
    if name not in known:
        raise BadAnswer(f"there is no device {shown(name)} here; there are {', '.join(known[:-1])}, and 'nowhere'.")
    return (Finding("the device where it ends", name, None if name == _right(variant) else _trace(variant)),)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    owner = next((pod for pod in variant.build().pods if pod.name == got.got), None)
    ip = variant.numbers["ip"]
    if owner is None:
        return (f"The packet does not end at {got.got}. {ip} lies in the range that frontend has on its own wire, so no "
                "router is asked.")
    return f"{got.got} has the address {owner.ip}, and the packet is for {ip}. Look who on frontend's own wire has that one."


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief == "the packet finds the pod that was meant":
        return ("A packet carries an address and not a name. Which devices have that address, and which of them can hear "
                "frontend's question who has it?")
    return ("Write down which address each pod has. On each node the first pod gets .2, the second .3, and so on.")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return (f"{variant.numbers['target']} has {variant.numbers['ip']}. frontend asks on its own wire who has that address, "
            "and its wire ends where node-1 ends. Which pod of node-1 has it?")


EXERCISE = Exercise(
    name="ends_at",
    chapter="04_two_nodes",
    kind=Kind.PREDICT,
    title="Where does the packet end?",
    statement="""\
Two nodes were set up alike, and nobody planned the addresses (`cni="none"`). The next cell tells which pods were made on
each, and in which order.

Say at which device the packet ends, **before** you run anything else: the name of a pod or of a node, `"router"`, or
`"nowhere"`.""",
    variable="device",
    starter="""\
# The device where the packet ends, for example "node-2"
device = ...
""",
    reference="""\
# A prediction can be put to the test: send the packet, and look at the last device of its walk.
variant = task("ends_at")
device = variant.cluster.send("frontend", variant.numbers["target"]).hops[-1].label
""",
    praise="The packet carries an address, and the pod of that address on the sender's own wire takes it.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"{variant.numbers['target']} has the address {variant.numbers['ip']}, and so has {_right(variant)} on node-1. "
        f"frontend asks on its own wire who has that address. Only {_right(variant)} hears the question, and answers."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("the packet finds the pod that was meant", lambda variant: variant.numbers["target"],
                      "{target} was meant, but the packet does not know that: it carries the address {ip} and no name. A "
                      "pod on frontend's own wire has the same address, hears frontend's question, and answers first. No "
                      "one on node-2 ever hears it."),
        Misconception("two equal addresses stop the packet", lambda variant: "nowhere",
                      "Nobody compares the addresses of the two nodes, so nobody stops the packet. It arrives, only not "
                      "where it was meant to. That is what makes an address conflict so hard to see."),
        Misconception("the router sorts it out", lambda variant: "router",
                      "The packet never gets to the router. Its address {ip} lies in {network}, and frontend's routing "
                      "table says that all of {network} is on frontend's own wire."),
        Misconception("the other node gets it", lambda variant: "node-2",
                      "The packet does not leave node-1. frontend's routing table says that {ip} is on its own wire, and "
                      "that wire ends at node-1's bridge."),
    ),
)
