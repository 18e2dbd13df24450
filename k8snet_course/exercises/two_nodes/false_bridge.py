"""Mistake: five statements about a packet to a pod on another node, without routes; one is often printed, and false.

The false one is FACTS section 14, article 001, line 63: that a node's bridge joins pods whichever node they are on.
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
    near, far = rng.sample(("backend", "cart", "search", "mail", "jobs"), 2)

    def build() -> Cluster:
        cluster = Cluster(nodes=2, cni="bridge", pod_cidr=network, node_network=nodes)
        for name, node in (("frontend", "node-1"), (near, "node-1"), (far, "node-2")):
            cluster.add_pod(name, node=node)
        return cluster

    cluster = build()
    ip = cluster.pod(far).ip
    statements = {
        "gateway": f"{ip} is not in the range of frontend's wire, so frontend sends the packet to its gateway.",
        "bridge": f"The bridge cni0 has the pods of both nodes plugged in, and passes the frame on to {far}.",
        "unique": f"No other pod of the cluster has the address {ip}.",
        "ttl": "node-1 routes the packet, and lowers its TTL by one.",
        "silence": "frontend is not told that the packet was lost.",
    }
    order = rng.sample(sorted(statements), len(statements))
    letters = dict(zip(order, _LETTERS, strict=True))
    told = "\n".join(f"  {letter}. {statements[key]}" for letter, key in zip(_LETTERS, order, strict=True))
    return Variant({"target": far, "near": near, "ip": ip, "letters": letters, "range": cluster.node("node-2").pod_cidr},
                   f"frontend, on node-1, sends a packet to {far} ({ip}), on node-2, and it is lost. Somebody describes "
                   f"why:\n{told}\nSee the packet's way with: "
                   f'print(task("false_bridge").cluster.send("frontend", "{far}"))', build)


def _trace(variant: Variant) -> Trace:
    return variant.build().send("frontend", variant.numbers["target"])


def _row(variant: Variant) -> str:
    """The row of node-1's routing table that decided, as the walk records it."""
    return next(step.matched for hop, step in _trace(variant).steps() if hop.device == "node-1"
                and step.action is Action.ROUTE)


def _right(variant: Variant) -> dict[str, str]:
    return {"false": variant.numbers["letters"]["bridge"], "row": _row(variant)}


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
    rows = [str(row) for row in variant.build().node("node-1").routes]
    if got.got in rows:
        return f"'{got.got}' is a row of node-1's table, but {variant.numbers['ip']} does not match it."
    return (f"{shown(got.got)} is not a row of node-1's routing table. Copy the whole row from the walk: in node-1's step "
            "'route' it is the one with the star.")


def _chooses(statement: str) -> Callable[[Variant], object]:
    return lambda variant: _right(variant) | {"false": variant.numbers["letters"][statement]}


def _points_at(dst: Callable[[Variant], str]) -> Callable[[Variant], object]:
    """The answer that finds the false statement and names another row of node-1's table."""

    def answer(variant: Variant) -> object:
        rows = variant.build().node("node-1").routes
        return _right(variant) | {"row": next(str(row) for row in rows if row.dst == dst(variant))}

    return answer


def _pods_row(variant: Variant) -> object:
    source = variant.build().pod("frontend")
    return _right(variant) | {"row": next(str(row) for row in source.routes if row.dst == "default")}


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and any(one.asked == "false" and one.got == variant.numbers["letters"]["bridge"]
                                   for one in attempt.findings):
        return "You have the false statement. For the row, find node-1's step 'route' in the walk: one of its rows has a star."
    return ('Print the walk: print(task("false_bridge").cluster.send("frontend", '
            f'"{variant.numbers["target"]}")). Find for each statement the step that shows it or contradicts it.')


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("A bridge lives in the memory of one machine. Which cables are plugged into node-1's? "
            'print(task("false_bridge").cluster.node("node-1").links) shows them: those with "master cni0".')


EXERCISE = Exercise(
    name="false_bridge",
    chapter="04_two_nodes",
    kind=Kind.MISTAKE,
    title="One of these is false",
    statement="""\
A packet to a pod on another node is lost, because the nodes were given ranges and no routes. The next cell explains it in
five statements. Four are true. One is printed in many articles, and is false.

Give the letter of the false statement, and the row of **node-1's routing table** that really decided where the packet went: the
walk shows it. (The *TTL*, time to live, is a number in the packet that each router lowers by one.)""",
    variable="answer",
    starter="""\
answer = {
    "false": ...,  # the letter of the false statement, such as "a"
    "row": ...,    # the row of node-1's routing table that decided, as the walk prints it
}
""",
    reference="""\
from k8snet_course.linux.trace import Action

variant = task("false_bridge")
walk = variant.cluster.send("frontend", variant.numbers["target"])
answer = {
    "false": variant.numbers["letters"]["bridge"],
    "row": next(step.matched for hop, step in walk.steps() if hop.device == "node-1" and step.action is Action.ROUTE),
}
""",
    praise="A bridge ends where its machine ends. Between nodes routing tables decide, and here only the default matched.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"The false statement is {_right(variant)['false']}. node-1's bridge has only node-1's pods plugged in. The packet is "
        f"for the gateway, goes up to node-1's routing, and there '{_row(variant)}' is the only row that matches "
        f"{variant.numbers['ip']}."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("all pods share one wire", _chooses("gateway"),
                      "That statement is true. frontend's wire has the pods of node-1 only; {ip} lies in {range}, the range "
                      "of node-2. Look at the rows in frontend's own step 'route'."),
        Misconception("planned ranges still collide", _chooses("unique"),
                      "That statement is true. {ip} is from node-2's own range {range}, and no other node gives out addresses "
                      "from there."),
        Misconception("a node is not a router", _chooses("ttl"),
                      "That statement is true. A node routes for its pods, as any router does: the walk shows TTL 64 -> 63 "
                      "in node-1's step 'route'."),
        Misconception("an error always comes home", _chooses("silence"),
                      "That statement is true. The router does answer that the network is unreachable, but its answer is "
                      "addressed to a pod, and the router knows no way to pods. Look at the end of the walk."),
        Misconception("node-1 looks among its own pods", _points_at(lambda variant: variant.cluster.node("node-1").pod_cidr),
                      "You found the false statement. The row that you give is that of node-1's own pods, and {ip} is not "
                      "in that range. Which row matches?"),
        Misconception("the pod's row decides for the node", _pods_row,
                      "That is the row by which *frontend* sent the packet to its gateway. On node-1 another table decides: "
                      "its own."),
    ),
)
