"""Predict: interfaces with different MTUs; how many bytes may a ping carry?"""

from __future__ import annotations

import random
from collections.abc import Callable

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import BadAnswer, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.faults import WrongMtu


def _draw(rng: random.Random) -> Variant:
    cni, tunnel = rng.choice((("flannel", "flannel.1"), ("flannel-host-gw", "eth0")))
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    small = rng.randrange(1280, 1360, 4)
    middle = small + rng.randrange(32, 72, 4)
    large = middle + rng.randrange(12, 28, 4)
    where = {"frontend's eth0": ("frontend", "eth0", large), f"node-2's {tunnel}": ("node-2", tunnel, small),
             "node-3's cni0": ("node-3", "cni0", middle)}

    def build() -> Cluster:
        cluster = Cluster(nodes=3, cni=cni, pod_cidr=network)
        for name, node in (("frontend", "node-2"), ("database", "node-3"), ("backend", "node-3")):
            cluster.add_pod(name, node=node)
        for device, link, mtu in where.values():
            cluster.inject(WrongMtu(device, link, mtu))
        return cluster

    told = "\n".join(f"  {name}: {mtu}" for name, (_, _, mtu) in where.items())
    story = (f"The plugin is {cni}, and somebody has changed three MTUs:\n{told}\nEvery other interface on the way takes at "
             "least as much as the largest of these. frontend, on node-2, pings backend, on node-3, and no router may cut the "
             "ping into pieces.\nHow many bytes may the ping carry at most, so that it arrives?")
    return Variant({"cni": cni, "small": small, "middle": middle, "large": large, "tunnel": tunnel}, story, build)


def _arrives(variant: Variant, size: int) -> bool:
    return variant.cluster.send("frontend", "backend", protocol="ICMP", size=size).delivered


def _right(variant: Variant) -> int:
    """By halving: what is smaller arrives, what is larger does not."""
    low, high = 1, 1500
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _arrives(variant, middle) else (low, middle)
    return low


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    if type(answer) is not int:
        raise BadAnswer(f"the answer should be a number of bytes without quotes, but this is {shown(answer)}.")
    if not 0 <= answer <= 65507:
        raise BadAnswer(f"a ping carries from 0 to 65507 bytes, and not {shown(answer)}.")
    right = answer == _right(variant)
    trace = None if right else variant.build().send("frontend", "backend", protocol="ICMP", size=answer)
    return (Finding("the largest ping", str(answer), trace),)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    if int(got.got) > _right(variant):
        return (f"A ping with {got.got} bytes does not arrive: the walk shows on which interface it is too large. Remember "
                "that the ping has headers as well.")
    return f"A ping with {got.got} bytes arrives, but it is not the largest that does."


def _less(key: str, bytes_less: int) -> Callable[[Variant], object]:
    return lambda variant: variant.numbers[key] - bytes_less


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief == "the MTU is the payload":
        return ("You have found the interface that decides. Its MTU counts the whole IP packet: which headers does a ping have "
                "besides what it carries?")
    return "Of all the interfaces on the way, which one decides? An MTU is the largest packet that an interface takes."


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return (f"The smallest MTU on the way is {variant.numbers['small']}. A ping's packet has an IP header of 20 bytes and an "
            "ICMP header of 8 bytes, and then what it carries. You may try sizes: "
            'task("largest_payload").cluster.send("frontend", "backend", protocol="ICMP", size=1000)')


EXERCISE = Exercise(
    name="largest_payload",
    chapter="06_across_nodes",
    kind=Kind.PREDICT,
    title="How large may a ping be?",
    statement="""\
Every interface has an MTU, the largest IP packet that it takes. Somebody has changed three of them. The next cell says which.

Say how many bytes a ping from `frontend` to `backend` may carry at most, so that it arrives in one piece. It is the number that
you would give to `ping -M do -s`. The MTU of a tunnel's interface counts the packet that goes *into* the tunnel.""",
    variable="payload",
    starter="""\
# The largest number of bytes that a ping may carry, for example 1000
payload = ...
""",
    reference="""\
# Found by trying, as one would on real machines.
cluster = task("largest_payload").cluster
payload = max(size for size in range(1000, 1501)
              if cluster.send("frontend", "backend", protocol="ICMP", size=size).delivered)
""",
    praise="The smallest MTU on the way decides, and the ping's own headers (20 and 8 bytes) count as well.",
    draw=_draw,
    right=_right,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"The smallest MTU on the way is {variant.numbers['small']}, that of node-2's {variant.numbers['tunnel']}. The packet "
        f"has 20 bytes of IP header and 8 bytes of ICMP header, so {_right(variant)} are left for what the ping carries."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("the MTU is the payload", _less("small", 0),
                      "{small} is the smallest MTU on the way, and it decides. But an MTU counts the whole IP packet, with the "
                      "ping's two headers."),
        Misconception("only the sender's MTU counts", _less("large", 28),
                      "You started from frontend's own MTU, {large}. The ping must pass every interface on the way, and one of "
                      "them takes less."),
        Misconception("only the last interface counts", _less("middle", 28),
                      "You started from {middle}, the MTU on node-3. The ping meets a smaller one before it gets there."),
        Misconception("a ping has a TCP header", _less("small", 40),
                      "You took off 40 bytes: an IP header and a TCP header, 20 each. A ping is ICMP, and its header is "
                      "shorter."),
        Misconception("the tunnel's bytes come off twice", _less("small", 78),
                      "You took off 50 bytes for a tunnel. An interface's MTU is about the packet that it is given; whoever "
                      "set the MTU has taken the tunnel's bytes off already."),
        Misconception("a ping has one header", _less("small", 20),
                      "You took off the IP header, 20 bytes. The ping has a header of its own as well, behind that one."),
    ),
)
