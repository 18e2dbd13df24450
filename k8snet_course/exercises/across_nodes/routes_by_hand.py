"""Repair: nodes that know no way to each other's pods; write the rows that are missing."""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import permutations

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import BadAnswer, kind_of, read_address, read_text, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.faults import Parts
from k8snet_course.linux.route import Route

Row = tuple[str, str, str]
"""A row to add: the node, the destination, the next router."""
_LINUX = "what Linux says to the rows"


@dataclass(frozen=True, slots=True)
class _Added:
    """`ip route add DST via ADDRESS dev eth0`."""

    device: str
    dst: str
    via: str

    def apply(self, parts: Parts) -> None:
        parts.routes.append(Route(self.dst, via=self.via, dev="eth0"))


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    nodes = f"192.168.{rng.randint(2, 250)}.0/24"
    names = rng.sample(("frontend", "backend", "cart", "search", "mail", "jobs"), 3)

    def build() -> Cluster:
        cluster = Cluster(nodes=3, cni="bridge", pod_cidr=network, node_network=nodes)
        for number, name in enumerate(names, start=1):
            cluster.add_pod(name, node=f"node-{number}")
        return cluster

    return Variant({"network": network, "names": tuple(names), "nodes": nodes}, f"{build()!r}", build)


def _rows(variant: Variant) -> list[Row]:
    """A row on each node for each other one."""
    return [(one.name, other.pod_cidr, other.ip) for one, other in permutations(variant.build().nodes, 2)]


def _read(variant: Variant, answer: object) -> list[Row]:
    if type(answer) not in (list, tuple) or not isinstance(answer, (list, tuple)):
        raise BadAnswer(f"the answer should be a list of rows, but this is {kind_of(answer)}.")
    if len(answer) > 100:
        raise BadAnswer(f"six rows are enough here, and this list has {len(answer)}.")
    names = [node.name for node in variant.cluster.nodes]
    rows: list[Row] = []
    for row in answer:
        if type(row) not in (list, tuple) or len(row) != 3:
            raise BadAnswer("each row should be three texts: the node, the destination and the address of the next router.")
        node = read_text(row[0], "the first text of a row")
        if node not in names:
            raise BadAnswer(f"there is no node {shown(node)} here; there are {', '.join(names)}.")
        dst = read_text(row[1], "the second text of a row")
        try:
            dst = "default" if dst == "default" else str(ip_network(dst))
        except ValueError:
            raise BadAnswer(f"the destination should be a range such as '10.1.0.0/24', but this is {shown(dst)}.") from None
        if ":" in dst:
            raise BadAnswer("the pods of this cluster have IPv4 addresses, so the destinations must be IPv4 ranges.")
        rows.append((node, dst, read_address(row[2], "the third text of a row, the next router,")))
    return rows


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    rows = _read(variant, answer)
    cluster = variant.build()
    wire = ip_network(variant.numbers["nodes"])
    away = next((via for _, _, via in rows if ip_address(via) not in wire), "")
    if away:
        pods = ip_address(away) in ip_network(variant.numbers["network"])
        return (Finding(_LINUX, "Nexthop has invalid gateway" + ("" if pods else f" ({away})")),)
    own = {node.name: node.ip for node in cluster.nodes}
    if any(via == own[node] for node, _, via in rows):
        return (Finding(_LINUX, "the node itself cannot be its next router"),)
    for node, dst, via in rows:
        if any(row.dst == dst for row in cluster.node(node).routes):
            return (Finding(_LINUX, "File exists" + ("" if dst == cluster.node(node).pod_cidr else f" ({dst})")),)
        cluster.inject(_Added(node, dst, via))
    findings = [Finding(_LINUX, "nothing")]
    for source, target in permutations(variant.numbers["names"], 2):
        trace = cluster.send(source, target, port=80)
        got = "answered" if trace.answered else f"{trace.verdict} at {trace.hops[-1].label}"
        findings.append(Finding(f"{source} to {target}", got, trace))
    return tuple(findings)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    if got.asked == _LINUX:
        if got.got.startswith("File exists"):
            return f"Linux refuses one of your rows: {got.got}. The node has a row for that destination already."
        return (f"Linux refuses one of your rows: {got.got}. The next router must be another machine on a wire that the node "
                f"itself is on, so its address is in {variant.numbers['nodes']}.")
    if got.got.startswith("delivered"):
        return (f"The packet from {got.asked} arrives now, but its answer does not come home: the other node needs a row as "
                "well, for the way back.")
    return f"The packet from {got.asked} does not arrive ({got.got}). Look in the walk which row was used on the last node."


def _one_way(variant: Variant) -> object:
    return [row for row in _rows(variant) if row[0] == "node-1"]


def _gateways(variant: Variant) -> object:
    """The gateway of the other node's pods as the next router."""
    return [(node, dst, str(ip_network(dst)[1])) for node, dst, _ in _rows(variant)]


def _by_router(variant: Variant) -> object:
    return [(node, dst, variant.cluster.host("router").ip) for node, dst, _ in _rows(variant)]


def _own_range(variant: Variant) -> object:
    own = {node.name: node.pod_cidr for node in variant.cluster.nodes}
    return [(node, own[node], via) for node, _, via in _rows(variant)]


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and any(one.got.startswith("delivered") for one in attempt.findings):
        return ("Some packets arrive and are not answered. Which node sends the answer, and has it a row for the range of the "
                "pod that asked?")
    if attempt is not None and any(one.asked == _LINUX and one.got != "nothing" for one in attempt.findings):
        return ("The next router must be on a wire that the node is on. Which addresses do the machines have on the nodes' "
                "wire?")
    return ("Begin with one packet. Which node has it, which range is its address in, and which machine has that range? That "
            "is one row: (the node that has it, the range, the address of the machine).")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("Every node needs a row for each of the other two: six rows in all. cluster.nodes gives you the nodes, and each "
            "has a name, a pod_cidr and an ip.")


EXERCISE = Exercise(
    name="routes_by_hand",
    chapter="06_across_nodes",
    kind=Kind.REPAIR,
    title="Be the plugin",
    statement="""\
Three nodes, a pod on each, and a plugin (`bridge`) that plans addresses and writes no routes between the nodes. Do by hand
what Flannel's backend host-gw does: write the rows that are missing.

A row is a tuple of three texts, `(node, destination, next router)`. So `("node-1", "10.9.0.0/24", "192.168.1.77")` stands for
`ip route add 10.9.0.0/24 via 192.168.1.77` on node-1. The next cell shows your cluster.

The rows are put into the nodes' tables, and then each pod sends a packet to each other. Every one must be answered. Any rows
that do it are right.""",
    variable="routes",
    starter="""\
routes = [
    # ("node-1", "10.9.0.0/24", "192.168.1.77"),
]
""",
    reference="""\
nodes = task("routes_by_hand").cluster.nodes
routes = [(one.name, other.pod_cidr, other.ip) for one in nodes for other in nodes if one != other]
""",
    praise="Each node knows by which machine every other range is reached, so every packet and every answer finds its way.",
    draw=_draw,
    right=_rows,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        "On each node, one row for each other node: its range, by way of its address. The first of the six is "
        f"{_rows(variant)[0]}."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("the way there is enough", _one_way,
                      "Your rows are all on node-1. Its packets arrive at the other nodes, and there the answers are lost: "
                      "those nodes have no row for node-1's range. A way back is a way as well."),
        Misconception("the next router is the pods' gateway", _gateways,
                      "The next router in your rows is the gateway of the other node's pods. node-1 cannot hand a frame to "
                      "that address: it is not on any wire of node-1's. Linux says 'Nexthop has invalid gateway'. The machine "
                      "behind that gateway has an address on the nodes' wire, in {nodes}."),
        Misconception("the router knows the way", _by_router,
                      "Your rows send everything to the router, where it went before. Nobody has told the router about the "
                      "pods' ranges. Send it to the machine that has them."),
        Misconception("a row names its own range", _own_range,
                      "Linux refuses your rows: File exists. You give each node a row for its *own* range, and it has one "
                      "already, to its bridge. The destination of a row is the range of the node that the row leads to."),
    ),
)
