"""Mistake: five statements about a packet to another node; one is often printed, and false.

The false one is FACTS section 14, article 004, lines 38-40: that `ip route` in a pod shows the routes between the nodes.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import BadAnswer, read_fields, read_text, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.linux.trace import Action, Trace

_LETTERS = "abcde"


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    nodes = f"192.168.{rng.randint(2, 250)}.0/24"
    target = rng.choice(("backend", "cart", "search", "mail"))

    def build() -> Cluster:
        cluster = Cluster(nodes=3, cni="flannel", pod_cidr=network, node_network=nodes)
        for name, node in (("frontend", "node-2"), ("database", "node-3"), (target, "node-3")):
            cluster.add_pod(name, node=node)
        return cluster

    cluster = build()
    ip, far = cluster.pod(target).ip, cluster.node("node-3")
    source = cluster.pod("frontend").ip
    statements = {
        "table": f"`kubectl exec frontend -- ip route` shows the row that leads to {far.pod_cidr} on node-3.",
        "source": f"{target} sees {source} as the sender, although the packet crossed the nodes' network in another packet.",
        "ttl": "The inner packet arrives with TTL 62, because two nodes have routed it.",
        "arp": f"Nobody is asked for the MAC address of {far.pod_cidr.partition('/')[0]}: node-2 has a permanent row for it.",
        "underlay": f"The switch between the nodes sees a UDP packet to {far.ip}, and does not look for {ip}.",
    }
    order = rng.sample(sorted(statements), len(statements))
    letters = dict(zip(order, _LETTERS, strict=True))
    told = "\n".join(f"  {letter}. {statements[key]}" for letter, key in zip(_LETTERS, order, strict=True))
    return Variant({"target": target, "ip": ip, "letters": letters, "source": source, "range": far.pod_cidr, "far": far.ip},
                   f"The plugin is flannel. frontend, on node-2, sends a packet to {target} ({ip}), on node-3. Somebody "
                   f"describes it:\n{told}\nSee the packet's way with: "
                   f'print(task("false_route_table").cluster.send("frontend", "{target}"))', build)


def _trace(variant: Variant) -> Trace:
    return variant.build().send("frontend", variant.numbers["target"])


def _row(variant: Variant) -> str:
    """The row that leads to the other node's range, as the walk records it."""
    return next(step.matched for hop, step in _trace(variant).steps() if hop.device == "node-2" and step.action is Action.ROUTE)


def _right(variant: Variant) -> dict[str, str]:
    return {"false": variant.numbers["letters"]["table"], "row": _row(variant)}


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    fields = read_fields(answer, ("false", "row"))
    letter = read_text(fields["false"], "the field 'false'").strip("(). ").lower()
    if letter not in tuple(_LETTERS):
        raise BadAnswer(f"the field 'false' should be the letter of a statement, a to e, but this is {shown(letter)}.")
    row = fields["row"]
    text = " ".join(read_text(row if type(row) is str else str(row), "the field 'row'").lstrip("* ").partition("(")[0].split())
    trace = _trace(variant)
    return Finding("false", letter, trace), Finding("row", text, trace)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    if got.asked == "false":
        return f"Statement {got.got} is true: the walk below shows it. Look for the one that the walk contradicts."
    return (f"{shown(got.got)} is not the row that leads to {variant.numbers['range']}. It stands in the walk, in a step "
            "'route', with a star.")


def _chooses(statement: str) -> Callable[[Variant], object]:
    return lambda variant: _right(variant) | {"false": variant.numbers["letters"][statement]}


def _matched(device: str, number: int) -> Callable[[Variant], object]:
    """The answer that names the row of another step 'route'."""

    def answer(variant: Variant) -> object:
        rows = [step.matched for hop, step in _trace(variant).steps()
                if hop.label == device and step.action is Action.ROUTE]
        return _right(variant) | {"row": rows[number]}

    return answer


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and any(one.asked == "false" and one.got == variant.numbers["letters"]["table"]
                                   for one in attempt.findings):
        return ("You have the false statement. For the row, find the first step 'route' of a node in the walk: there the "
                "table has rows for single nodes.")
    return ('Print the walk: print(task("false_route_table").cluster.send("frontend", '
            f'"{variant.numbers["target"]}")). Find for each statement the step that shows it or contradicts it.')


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ('Print both tables: task("false_route_table").cluster.pod("frontend").routes and '
            'task("false_route_table").cluster.node("node-2").routes. Which of them names the range of node-3?')


EXERCISE = Exercise(
    name="false_route_table",
    chapter="06_across_nodes",
    kind=Kind.MISTAKE,
    title="One of these is false",
    statement="""\
The next cell describes, in five statements, how a packet gets to a pod on another node through Flannel's tunnel. Four are
true. One is printed in many articles, and is false.

Give the letter of the false statement, and the row that *really* leads to the other node's range, from whichever table it
stands in: the walk shows it.""",
    variable="answer",
    starter="""\
answer = {
    "false": ...,  # the letter of the false statement, such as "a"
    "row": ...,    # the row that leads to the other node's range, as the walk prints it
}
""",
    reference="""\
variant = task("false_route_table")
wanted = variant.numbers["range"]
answer = {
    "false": variant.numbers["letters"]["table"],
    "row": next(row for row in variant.cluster.node("node-2").routes if row.dst == wanted),
}
""",
    praise="A pod's table knows its own range and its gateway. The rows that lead to other nodes are on the node.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"The false statement is {_right(variant)['false']}. frontend's own table names no other node: all pods are behind its "
        f"gateway. The row that leads to {variant.numbers['range']} is in node-2's table: '{_row(variant)}'."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("a tunnel is NAT", _chooses("source"),
                      "That statement is true. The outer packet goes from node to node, but the inner one is not changed: "
                      "{target} sees {source}. Encapsulation adds headers and rewrites none."),
        Misconception("the tunnel is one hop", _chooses("ttl"),
                      "That statement is true. node-2 routes the packet into the tunnel and node-3 routes it to the bridge: "
                      "the walk shows 64 -> 63 and 63 -> 62."),
        Misconception("everything is asked for by ARP", _chooses("arp"),
                      "That statement is true. Through a tunnel nobody hears the question, so Flannel writes the answer into "
                      "node-2's neighbour table beforehand: look for PERMANENT in the walk."),
        Misconception("the underlay knows the pods", _chooses("underlay"),
                      "That statement is true. The switch gets a frame with a packet from node to node, to {far}. What is in "
                      "it is of no concern to the switch."),
        Misconception("the pod's row decides between nodes", _matched("frontend", 0),
                      "That row is frontend's. It leads to the gateway, whatever the pod's node: it does not say "
                      "where {range} is."),
        Misconception("the underlay's row is the way to the pods", _matched("node-2", 1),
                      "That is the row for the *outer* packet, which goes from node to node. Which row made node-2 put the "
                      "packet into the tunnel?"),
    ),
)
