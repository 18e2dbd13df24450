"""Predict: pods came and went on a node; which address does the next one get?"""

from __future__ import annotations

import random
from ipaddress import ip_address, ip_network

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import read_address
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant

_NAMES = ("frontend", "backend", "cart", "search", "mail", "jobs", "cache", "reports")


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    names = _NAMES[:rng.randint(5, 8)]
    first_gone = rng.randint(0, len(names) - 4)
    last_gone = rng.randint(first_gone + 2, len(names) - 1)

    def build() -> Cluster:
        cluster = Cluster(nodes=1, cni="bridge", pod_cidr=network)
        for name in names:
            cluster.add_pod(name, node="node-1")
        cluster.delete("pod", names[first_gone])
        cluster.delete("pod", names[last_gone])
        return cluster

    before = Cluster(nodes=1, cni="bridge", pod_cidr=network)
    ips = [before.add_pod(name, node="node-1").ip for name in names]
    made = "\n".join(f"  {name:<9} {ip}" for name, ip in zip(names, ips, strict=True))
    pod_cidr = before.node("node-1").pod_cidr
    story = (f"node-1 hands out addresses from {pod_cidr}. These pods were made, in this order:\n{made}\n"
             f"Then {names[first_gone]} was deleted, and after it {names[last_gone]}.\n"
             "Now a new pod is made on node-1. Which address does it get?")
    return Variant({"pod_cidr": pod_cidr, "first_gone": names[first_gone], "last_gone": names[last_gone],
                    "freed_first": ips[first_gone], "freed_last": ips[last_gone], "last_given": ips[-1]}, story, build)


def _right(variant: Variant) -> str:
    return variant.build().add_pod("one-more", node="node-1").ip


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    return (Finding("the new pod's address", read_address(answer, "the address")),)


def _gateway(variant: Variant) -> str:
    return str(next(ip_network(variant.numbers["pod_cidr"]).hosts()))


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    cidr = ip_network(variant.numbers["pod_cidr"])
    address = ip_address(got.got)
    owner = next((pod.name for pod in variant.build().pods if pod.ip == got.got), "")
    if address not in cidr:
        return f"{address} is not in {cidr}, and node-1 gives its pods addresses from that range alone."
    if owner:
        return f"{address} belongs to {owner}, which is still running; no two pods have the same address."
    if address in (cidr.network_address, cidr.broadcast_address):
        return (f"{address} is the first or the last address of {cidr}: these two name the network itself and "
                "everybody on it, and no device gets them.")
    return (f"{address} is free, but it is not the next. The node remembers the last address that it gave "
            f"({variant.numbers['last_given']}) and goes on from there.")


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief.startswith("reuses"):
        return ("You looked for a free address from the bottom, or took the one that had just been freed. The node "
                "looks at neither first: which address did it give out last?")
    return ("The node remembers one more thing than which addresses are in use. What was the last address that it gave "
            "out?")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return (f"The last address given out was {variant.numbers['last_given']}, and a deletion does not change that. Go "
            "up from there, one at a time, to the first address that nobody has. To see it happen: "
            "cluster = task('next_pod_address').cluster, then cluster.add_pod('one-more').")


EXERCISE = Exercise(
    name="next_pod_address",
    chapter="01_single_node",
    kind=Kind.PREDICT,
    title="Which address does the next pod get?",
    statement="""\
Pods were made on a node, one after another, and two of them were deleted. The next cell tells what happened on *your*
node.

Say which address the next pod gets, **before** you run anything else. Write the address as a text in quotes.""",
    variable="address",
    starter="""\
# The address of the next pod, for example "10.244.0.9"
address = ...
""",
    reference="""\
# A prediction can be put to the test: make the pod, and look.
cluster = task("next_pod_address").cluster
address = cluster.add_pod("one-more", node="node-1").ip
""",
    praise="The node goes on from the last address that it gave out. A freed one waits until the search comes round.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"The last address that node-1 gave out is {variant.numbers['last_given']}. Deleting "
        f"{variant.numbers['first_gone']} and {variant.numbers['last_gone']} frees two addresses, but the search goes "
        f"on upwards from the last one given, so the next pod gets {_right(variant)}."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("reuses the lowest free address", lambda variant: variant.numbers["freed_first"],
                      "{freed_first} is free since {first_gone} was deleted, but it is not given out again yet. The "
                      "node goes on from the last address that it gave out, and comes back to freed ones only after it "
                      "has reached the end of the range. So nobody who still sends to the old address reaches a "
                      "stranger at once."),
        Misconception("reuses the address that was freed last", lambda variant: variant.numbers["freed_last"],
                      "{freed_last} was {last_gone}'s. Deleting a pod frees its address, but does not turn back the "
                      "place where the node goes on searching."),
        Misconception("gives a pod the bridge's address", _gateway,
                      "That is the first address of {pod_cidr}. The node's bridge cni0 has it: it is the gateway, the "
                      "way out for all pods on this node, and no pod ever gets it."),
    ),
)
