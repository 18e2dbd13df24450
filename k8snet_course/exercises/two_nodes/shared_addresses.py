"""Write: find the addresses that more than one pod has."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import call, kind_of, read_function
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant

Row = tuple[str, str, str]
"""A pod: its name, its node, its address."""
Shared = dict[str, list[str]]


class Case(NamedTuple):
    """One call of the function: its argument, and what people call it."""

    title: str
    rows: tuple[Row, ...]


def _rows(cluster: Cluster) -> tuple[Row, ...]:
    return tuple((pod.name, pod.node, pod.ip) for pod in cluster.pods)


def _filled(nodes: int, cni: str, network: str, counts: Sequence[int]) -> Cluster:
    cluster = Cluster(nodes=nodes, cni=cni, pod_cidr=network)
    for number, count in enumerate(counts, start=1):
        for pod in range(count):
            cluster.add_pod(f"web-{number}-{pod}", node=f"node-{number}")
    return cluster


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"

    def build() -> Cluster:
        cluster = Cluster(nodes=2, cni="none", pod_cidr=network)
        for name, node in (("frontend", "node-1"), ("database", "node-1"), ("backend", "node-2")):
            cluster.add_pod(name, node=node)
        return cluster

    base = network.removesuffix("0.0/16")
    cases = [
        Case("the cluster in the story", _rows(build())),
        Case("no pods at all", ()),
        Case("one pod", (("web", "node-1", f"{base}0.2"),)),
        Case("a planned cluster of three nodes", _rows(_filled(3, "bridge", network, (2, 3, 1)))),
        Case("three nodes without a plan", _rows(_filled(3, "none", network, (2, 2, 2)))),
        Case("nodes of different size", _rows(_filled(3, "none", network, (rng.randint(3, 5), 1, 2)))),
        Case("two pods of one node with one address", (("old", "node-1", f"{base}0.7"), ("new", "node-1", f"{base}0.7"))),
        Case("addresses that look alike", (("a", "node-1", f"{base}1.2"), ("b", "node-2", f"{base}11.2"),
                                           ("c", "node-1", f"{base}1.22"))),
        Case("the copy stands far from the first", (("a", "node-1", f"{base}0.9"), ("b", "node-1", f"{base}0.2"),
                                                    ("c", "node-2", f"{base}0.4"), ("d", "node-2", f"{base}0.9"))),
    ]
    rows = ",\n   ".join(str(row) for row in _rows(build()))
    story = f"Your cluster's pods are in {network}. Its list of pods is\n  [{rows}]"
    return Variant({"cases": tuple(cases), "network": network}, story, build)


def _by_model(rows: Sequence[Row]) -> Shared:
    owners: Shared = {}
    for name, _, ip in rows:
        owners.setdefault(ip, []).append(name)
    return {ip: sorted(names) for ip, names in owners.items() if len(names) > 1}


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    function = read_function(answer, "shared_addresses")
    return tuple(Finding(case.title, _text(call(function, f"shared_addresses(...) for {case.title}", list(case.rows))))
                 for case in variant.numbers["cases"])


def _text(given: object) -> str:
    """What a function returned, in one line; the order of addresses and of names does not count."""
    if type(given) is not dict:
        return kind_of(given)
    if len(given) > 200 or not all(type(key) is str for key in given):
        return "a dict whose keys are not addresses"
    parts = []
    for key in sorted(given):
        names = given[key]
        if type(names) not in (list, tuple, set, frozenset) or len(names) > 200 or any(type(one) is not str for one in names):
            return f"a dict in which {key[:40]} leads to {kind_of(names)}"
        parts.append(f"{key}: {', '.join(sorted(names))}")
    return "; ".join(parts) or "an empty dict"


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    case = next(case for case in variant.numbers["cases"] if case.title == got.asked)
    rows = f" (its list is {list(case.rows)})" if len(case.rows) < 3 else ""
    return (f"For {got.asked}{rows} your function returns {got.got}, and it should return {wanted.got}.")


def _first_pair(rows: Sequence[Row]) -> Shared:
    seen: dict[str, str] = {}
    for name, _, ip in rows:
        if ip in seen:
            return {ip: [seen[ip], name]}
        seen[ip] = name
    return {}


def _everything(rows: Sequence[Row]) -> Shared:
    owners: Shared = {}
    for name, _, ip in rows:
        owners.setdefault(ip, []).append(name)
    return owners


def _other_nodes_only(rows: Sequence[Row]) -> Shared:
    nodes: dict[str, set[str]] = {}
    for _, node, ip in rows:
        nodes.setdefault(ip, set()).add(node)
    return {ip: names for ip, names in _by_model(rows).items() if len(nodes[ip]) > 1}


def _next_row_only(rows: Sequence[Row]) -> Shared:
    return {one[2]: [one[0], two[0]] for one, two in pairwise(rows) if one[2] == two[2]}


def _without_the_first(rows: Sequence[Row]) -> Shared:
    return {ip: [name for name, _, other in rows if other == ip][1:] for ip in _by_model(rows)}


def _belief(name: str, function: Callable[[Sequence[Row]], Shared], message: str) -> Misconception:
    return Misconception(name, lambda variant: function, message)


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief == "the first conflict is enough":
        return "Your function stops at the first conflict that it finds. Let it go on to the end of the list."
    return ("Go through the list once, and keep a dict in which each address leads to the names of all pods that have it. "
            "setdefault(ip, []) is a short way to begin a list for an address that is new.")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("When you have that dict, throw out every address with only one name: "
            "{ip: names for ip, names in owners.items() if len(names) > 1}")


EXERCISE = Exercise(
    name="shared_addresses",
    chapter="04_two_nodes",
    kind=Kind.WRITE,
    title="Find the conflicts",
    statement="""\
The network model says that every pod has its own address. Write the check that finds out where this does not hold:
`shared_addresses(pods)`.

`pods` is a list of tuples `(name, node, ip)`, as `kubectl get pods -o wide` shows them. Return a dict: each address that
**more than one** pod has leads to the list of the names of *all* pods that have it. Where every address is there once, the
dict is empty. The order of the names does not matter.

The function is called with several lists. The next cell shows you one.""",
    variable="shared_addresses",
    starter='''\
def shared_addresses(pods):
    """Each address that several pods have, with the names of all of them."""
    ...
''',
    reference='''\
def shared_addresses(pods):
    """Each address that several pods have, with the names of all of them."""
    owners = {}
    for name, node, ip in pods:
        owners.setdefault(ip, []).append(name)
    return {ip: names for ip, names in owners.items() if len(names) > 1}
''',
    praise="Your function finds every address that is there more than once, and all its owners, in every list.",
    draw=_draw,
    right=lambda variant: _by_model,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        "Collect the names by address, and keep the addresses with more than one name. In your cluster that leaves "
        f"{_text(_by_model(_rows(variant.build())))}."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        _belief("the first conflict is enough", _first_pair,
                "Your function finds one pair and stops. A cluster without a plan has as many conflicts as pods, and an "
                "address may have more than two owners; the function should find them all."),
        _belief("every address is a conflict", _everything,
                "Your function also returns addresses that only one pod has. Those are in order: leave them out."),
        _belief("a conflict needs two nodes", _other_nodes_only,
                "Your function overlooks two pods of the *same* node with one address. A careful host-local never makes "
                "them, but a check should not rely on what it checks."),
        _belief("equal addresses stand next to each other", _next_row_only,
                "Your function compares each pod with the one after it in the list only. Equal addresses may stand anywhere."),
        _belief("the first owner is the rightful one", _without_the_first,
                "Your function leaves out the pod that came first. It has the address too, and packets for it go "
                "astray as well: there is no rightful owner."),
    ),
)
