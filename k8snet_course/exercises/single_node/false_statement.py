"""Mistake: five statements about a packet between two pods of one node; one of them is often printed, and false.

The false one is FACTS section 14, article 001, line 133: that the bridge searches the attached devices by IP address.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from ipaddress import ip_network

from k8snet_course.cluster import Cluster
from k8snet_course.device import Device
from k8snet_course.exercises.answers import BadAnswer, read_fields, read_text, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.linux.trace import Action, Trace

_LETTERS = "abcde"
_NAMES = ("backend", "cart", "search", "mail")


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    names = rng.sample(_NAMES, 3)
    target = names[rng.randint(0, 2)]

    def build() -> Cluster:
        cluster = Cluster(nodes=1, cni="bridge", pod_cidr=network)
        for name in ("frontend", *names):
            cluster.add_pod(name, node="node-1")
        return cluster

    cluster = build()
    ip, cidr = cluster.pod(target).ip, cluster.node("node-1").pod_cidr
    statements = {
        "route": f"frontend's own routing table says that {ip} is on the same wire, so frontend needs no router.",
        "arp": f"frontend asks everybody on the wire which MAC address {ip} has, and {target} answers.",
        "bridge": f"The bridge cni0 searches the devices that are attached to it for the one with the IP address {ip}.",
        "ttl": "The packet arrives with the TTL that it was sent with.",
        "gateway": f"cni0 itself has the address {next(ip_network(cidr).hosts())}, and no pod of this node has it.",
    }
    order = rng.sample(sorted(statements), len(statements))
    letters = dict(zip(order, _LETTERS, strict=True))
    told = "\n".join(f"  {letter}. {statements[key]}" for letter, key in zip(_LETTERS, order, strict=True))
    return Variant({"target": target, "ip": ip, "letters": letters},
                   f"frontend sends a packet to {target} ({ip}); both are on node-1. Somebody describes its "
                   f"way:\n{told}\nSee the packet's way with: "
                   f'print(task("false_statement").cluster.send("frontend", "{target}"))', build)


def _trace(variant: Variant) -> Trace:
    return variant.build().send("frontend", variant.numbers["target"])


def _looked_up(variant: Variant) -> str:
    """What the bridge really looked for, as the walk records it."""
    return next(step.looked_up for _, step in _trace(variant).steps() if step.action is Action.BRIDGE)


def _right(variant: Variant) -> dict[str, str]:
    return {"false": variant.numbers["letters"]["bridge"], "looked_up": _looked_up(variant)}


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    fields = read_fields(answer, ("false", "looked_up"))
    letter = read_text(fields["false"], "the field 'false'").strip("(). ").lower()
    if letter not in tuple(_LETTERS):
        raise BadAnswer(f"the field 'false' should be the letter of a statement, a to e, but this is {shown(letter)}.")
    value = read_text(fields["looked_up"], "the field 'looked_up'").lower().replace("-", ":")
    trace = _trace(variant)
    return Finding("false", letter, trace), Finding("looked_up", value, trace)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    if got.asked == "false":
        return f"Statement {got.got} is true: the walk below shows it. Look for the one that the walk contradicts."
    return (f"{shown(got.got)} is not what the device looked for. In the walk below, find the node's step 'bridge': it "
            "names the value.")


def _chooses(statement: str) -> Callable[[Variant], object]:
    """The answer that calls a true statement false."""
    return lambda variant: _right(variant) | {"false": variant.numbers["letters"][statement]}


def _looks_for(value: Callable[[Variant], str]) -> Callable[[Variant], object]:
    """The answer that finds the false statement and gives a wrong value."""
    return lambda variant: _right(variant) | {"looked_up": value(variant)}


def _mac(device: Device, name: str) -> str:
    return next(link.mac for link in device.links if link.name == name)


def _senders_mac(variant: Variant) -> str:
    return _mac(variant.cluster.pod("frontend"), "eth0")


def _bridges_mac(variant: Variant) -> str:
    return _mac(variant.cluster.node("node-1"), "cni0")


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and any(one.asked == "false" and one.got == variant.numbers["letters"]["bridge"]
                                   for one in attempt.findings):
        return ("You have the false statement. For the value, read the step 'bridge' of the node in the walk: what "
                "does it compare?")
    target = variant.numbers["target"]
    return (f'Print the walk: print(task("false_statement").cluster.send("frontend", "{target}")). Go through the '
            "statements one by one, and find for each the step that shows it or contradicts it.")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("A bridge is a switch: it reads frames, and a frame carries MAC addresses. It never looks at the IP packet "
            f"inside. So which of the devices' MAC addresses stands on the frame to {variant.numbers['target']}?")


EXERCISE = Exercise(
    name="false_statement",
    chapter="01_single_node",
    kind=Kind.MISTAKE,
    title="One of these is false",
    statement="""\
The next cell describes, in five statements, how a packet gets from one pod to another pod on the same node. Four are
true. One is printed in many articles, and is false.

Give the letter of the false statement, and the value that the device in question *really* looked for: the packet's walk
shows it. Some words: a *frame* is the envelope in which a packet crosses one wire; a *MAC address* such as
`0a:58:0a:f4:00:02` says which interface on that wire a frame is for; the *TTL* is a number in the packet that each
    router lowers by one.""", variable="answer",
    starter="""\
answer = {
    "false": ...,      # the letter of the false statement, such as "a"
    "looked_up": ...,  # the value that was really looked for, as the walk prints it
}
""",
    reference="""\
from k8snet_course.linux.trace import Action

variant = task("false_statement")
walk = variant.cluster.send("frontend", variant.numbers["target"])
answer = {
    "false": variant.numbers["letters"]["bridge"],
    "looked_up": next(step.looked_up for hop, step in walk.steps() if step.action is Action.BRIDGE),
}
""",
    praise="A bridge forwards frames by MAC address and never reads the IP address inside; the sender found that MAC "
           "address by ARP.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"The false statement is {_right(variant)['false']}. A bridge does not know IP addresses. frontend asked who "
        f"has {variant.numbers['ip']} and wrote the MAC address {_looked_up(variant)} on the frame; the bridge looked "
        "for that one."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("the gateway handles all packets", _chooses("route"),
                      "That statement is true. {ip} lies in the range that frontend's routing table has on eth0 "
                      "itself, so the packet goes straight to the pod. The gateway is only for addresses outside of "
                      "that range."),
        Misconception("ARP is not used between pods", _chooses("arp"),
                      "That statement is true. The wire that the pods share carries frames, and a frame needs a MAC "
                      "address, so frontend has to ask for it. Look for the step 'resolve'."),
        Misconception("a bridge lowers the TTL", _chooses("ttl"),
                      "That statement is true. Only a router lowers the TTL. A bridge passes the frame on and does not "
                      "touch the packet in it."),
        Misconception("a pod has the first address", _chooses("gateway"),
                      "That statement is true. The first address of the range is the gateway's and belongs to cni0; "
                      "the first pod gets the one after it."),
        Misconception("the bridge looks for the IP address", _looks_for(lambda variant: variant.numbers["ip"]),
                      "You found the false statement and then gave what it claims. The bridge does not look for {ip}: "
                      "it never reads IP addresses. What does it read?"),
        Misconception("the bridge looks for the sender", _looks_for(_senders_mac),
                      "That is frontend's own MAC address. The bridge learns it, to find the way back, but it looks "
                      "for the address that the frame is going to."),
        Misconception("the frame is for the bridge", _looks_for(_bridges_mac),
                      "That is the MAC address of cni0 itself. Frames to it leave the wire for the node's routing; "
                      "this one is for a pod on the same wire."),
    ),
)
