"""Repair: an address plan that overlaps another network and has too little room."""

from __future__ import annotations

import random
from collections.abc import Mapping
from ipaddress import ip_network

from k8snet_course.cluster import Cluster
from k8snet_course.errors import AddressesExhausted, CidrOverlap, CourseError
from k8snet_course.exercises.answers import BadAnswer, call, read_fields, read_text, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant

_FREE = "172.20.0.0/16"


def _draw(rng: random.Random) -> Variant:
    bits = rng.choice((25, 26))
    addresses = 2 ** (32 - bits)
    office = f"10.{rng.randint(20, 239)}.0.0/16"
    numbers = {"nodes": rng.randint(5, 12), "pods": addresses - rng.randint(0, 2), "office": office, "bits": bits,
               "addresses": addresses, "room": addresses - 3,
               "node_network": f"192.168.{rng.randint(2, 250)}.0/24"}
    story = (f"The cluster will have {numbers['nodes']} nodes in {numbers['node_network']}, and each of them must have room "
             f"for {numbers['pods']} pods.\nThe pods must be able to talk to the machines in the office, which have "
             f"addresses in {office}.\nSomebody has written this plan:  pod_cidr {office}, node_mask_size {bits}")
    return Variant(numbers, story, lambda: Cluster(nodes=1, pod_cidr=_FREE, node_network=str(numbers["node_network"])))


def _right(variant: Variant) -> dict[str, object]:
    return {"pod_cidr": _FREE, "node_mask_size": variant.numbers["bits"] - 1}


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    fields = read_fields(answer, ("pod_cidr", "node_mask_size"))
    cidr = read_text(fields["pod_cidr"], "the field 'pod_cidr'")
    size = fields["node_mask_size"]
    if type(size) is not int or not 1 <= size <= 32:
        raise BadAnswer(f"the field 'node_mask_size' should be a number from 1 to 32, but this is {shown(size)}.")
    try:
        version = ip_network(cidr, strict=False).version
    except ValueError:
        raise BadAnswer(f"the field 'pod_cidr' should be a range such as '10.1.0.0/16', but this is {shown(cidr)}.") from None
    if version != 4:
        raise BadAnswer("the field 'pod_cidr' should be an IPv4 range here, because the nodes have IPv4 addresses.")
    made = call(lambda: _made(variant.numbers, cidr, size), "making a cluster with your plan")
    if isinstance(made, CidrOverlap):
        return (Finding("the nodes' network", "overlaps"),)
    if isinstance(made, AddressesExhausted):
        return (Finding("a range for each node", "not enough ranges"),)
    if not isinstance(made, Cluster):
        raise BadAnswer(f"no cluster can be made with this plan: {made}")
    office = ip_network(variant.numbers["office"])
    apart = not office.overlaps(ip_network(made.pod_cidr, strict=False))
    return (Finding("the nodes' network", "apart"), Finding("a range for each node", "enough ranges"),
            Finding("the office", "apart" if apart else "overlaps"), Finding("room for pods", _room(made, variant)))


def _made(numbers: Mapping[str, object], cidr: str, size: int) -> Cluster | CourseError:
    try:
        cluster = Cluster(int(str(numbers["nodes"])), "flannel", pod_cidr=cidr, node_mask_size=size,
                          node_network=str(numbers["node_network"]))
    except CourseError as error:
        return error
    if any(not node.pod_cidr for node in cluster.nodes):
        return AddressesExhausted(cidr, "a range for each node", "take a larger range")
    return cluster


def _room(cluster: Cluster, variant: Variant) -> str:
    """Fill the last node, as the story wants it, and see how far one gets."""
    last = cluster.nodes[-1].name
    for number in range(variant.numbers["pods"]):
        try:
            cluster.add_pod(f"web-{number}", node=last)
        except AddressesExhausted:
            return f"{number} pods"
    return "enough"


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    numbers = variant.numbers
    if got.asked == "room for pods":
        return (f"Each node must have room for {numbers['pods']} pods, and with your plan a node is full after {got.got}. Of "
                "every range three addresses go to no pod: the first, the last, and the gateway's.")
    if got.asked == "a range for each node":
        return (f"Your pod_cidr cannot be cut into {numbers['nodes']} parts of that size. A range of prefix length a holds "
                "2 ** (b - a) parts of prefix length b.")
    if got.asked == "the office":
        return (f"Your pod_cidr overlaps {numbers['office']}, the office. A node that has a route to its pods for an address "
                "never sends it to the office.")
    return (f"Your pod_cidr overlaps {numbers['node_network']}, where the nodes stand. Then some addresses would be a node's "
            "and a pod's, and Linux could not know which is meant.")


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    found = {one.asked: one.got for one in attempt.findings} if attempt is not None else {}
    if found.get("room for pods", "enough") != "enough":
        return ("The ranges lie well, but each is too small. A smaller node_mask_size means a larger range: one less doubles "
                "it.")
    if "overlaps" in found.values():
        return ("Choose the range first: three ranges of addresses are free for everybody to use (RFC 1918): 10.0.0.0/8, "
                "172.16.0.0/12 and 192.168.0.0/16. In which of them do neither the nodes nor the office lie?")
    return ("There are three questions: does the range touch no other network, can it be cut into enough parts, and is "
            "each part large enough?")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return (f"A range with prefix length b has 2 ** (32 - b) addresses, and three of them go to no pod. For "
            f"{variant.numbers['pods']} pods, which is the largest b that is enough? A pod_cidr with /16 leaves room for "
            "many nodes.")


EXERCISE = Exercise(
    name="address_plan",
    chapter="04_two_nodes",
    kind=Kind.REPAIR,
    title="A plan that does not work out",
    statement="""\
Before a cluster is made somebody must choose two things: the range for all pods, `pod_cidr`, and how large a part of it each
node gets, `node_mask_size` (the prefix length of the part). A bad choice is found out when the cluster is full, or never.

The next cell tells what the cluster needs, and the plan that somebody wrote. Repair the plan. A cluster is then made with
yours, and its last node is filled with pods. Any plan that works is right.""",
    variable="plan",
    starter="""\
numbers = task("address_plan").numbers
plan = {
    "pod_cidr": numbers["office"],
    "node_mask_size": numbers["bits"],
}
""",
    reference="""\
numbers = task("address_plan").numbers
# 172.16.0.0/12 is for private use as well, and touches neither the nodes nor the office.
# A node needs one address a pod, and three more: the network's, the gateway's and the broadcast address.
needed = numbers["pods"] + 3
plan = {
    "pod_cidr": "172.20.0.0/16",
    "node_mask_size": 32 - (needed - 1).bit_length(),
}
""",
    praise="The range touches no other network, every node gets a part of it, and each part has room for the pods.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"{variant.numbers['pods']} pods and three more addresses do not fit into a /{variant.numbers['bits']}, which has "
        f"{variant.numbers['addresses']}, so each node gets a /{variant.numbers['bits'] - 1}. The range must lie outside of "
        f"{variant.numbers['office']} and {variant.numbers['node_network']}: {_FREE} does, and holds enough parts."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("the office does not matter",
                      lambda variant: _right(variant) | {"pod_cidr": variant.numbers["office"]},
                      "Your range overlaps {office}, which is the office's. When a pod sends to a machine there, its node "
                      "finds the address in the pods' range and looks for a pod. The packet never leaves for the office, and "
                      "no error says so."),
        Misconception("every address is for a pod",
                      lambda variant: _right(variant) | {"node_mask_size": variant.numbers["bits"]},
                      "A /{bits} has {addresses} addresses, but only {room} of them are for pods: the first names the "
                      "range, the last is for broadcasts, and one is the gateway's."),
        Misconception("pods live among the nodes",
                      lambda variant: _right(variant) | {"pod_cidr": "192.168.0.0/16"},
                      "192.168.0.0/16 contains {node_network}, where the nodes stand. The two networks must not overlap: "
                      "Linux would not know whether such an address is a node's or a pod's."),
        Misconception("one part is enough for all nodes",
                      lambda variant: {"pod_cidr": "172.20.0.0/24", "node_mask_size": 24},
                      "A /24 that is cut into parts of /24 is one part, so only one of the {nodes} nodes gets a range. "
                      "Choose a larger pod_cidr: a smaller number behind the slash."),
    ),
)
