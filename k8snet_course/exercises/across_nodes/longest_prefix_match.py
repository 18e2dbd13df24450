"""Write: the rule by which a routing table chooses, as a function."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from k8snet_course.cluster import Cluster
from k8snet_course.exercises.answers import call, read_function, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.linux.route import Route, RouteTable


class Case(NamedTuple):
    """One call of the function: its arguments."""

    rows: tuple[str, ...]
    address: str

    def __str__(self) -> str:
        return f"longest_prefix_match({list(self.rows)}, {self.address!r})"


def _draw(rng: random.Random) -> Variant:
    octet = rng.randint(20, 239)
    base = f"10.{octet}"

    def build() -> Cluster:
        cluster = Cluster(nodes=3, cni="flannel", pod_cidr=f"{base}.0.0/16")
        for name, node in (("frontend", "node-2"), ("database", "node-3"), ("backend", "node-3")):
            cluster.add_pod(name, node=node)
        return cluster

    cluster = build()
    pod = tuple(row.dst for row in cluster.pod("frontend").routes)
    node = tuple(row.dst for row in cluster.node("node-2").routes)
    host = rng.randint(2, 60)
    nested = (f"{base}.0.0/16", f"{base}.4.0/24", f"{base}.4.64/26", "default", f"{base}.4.0/22")
    lists = [
        (pod, f"{base}.1.7"), (pod, f"{base}.2.3"), (pod, "192.168.1.4"),
        (node, f"{base}.2.3"), (node, f"{base}.1.2"), (node, "192.168.1.4"), (node, "172.31.0.1"),
        (nested, f"{base}.4.{64 + host}"), (nested, f"{base}.4.{host}"), (nested, f"{base}.4.{128 + host}"),
        (nested, f"{base}.5.{host}"), (nested, f"{base}.9.{host}"), (nested, "11.0.0.1"),
        ((f"{base}.1.0/24", f"{base}.11.0/24"), f"{base}.11.5"), ((f"{base}.1.0/24", f"{base}.11.0/24"), f"{base}.111.5"),
        ((f"{base}.0.0/20", f"{base}.16.0/20", "default"), f"{base}.17.{host}"),
        ((f"{base}.3.7/32", f"{base}.3.0/24"), f"{base}.3.7"), ((f"{base}.3.7/32", f"{base}.3.0/24"), f"{base}.3.70"),
        ((f"{base}.0.0/16",), "10.19.0.1"), ((), f"{base}.0.2"),
    ]
    for _ in range(8):
        rows = [f"{base}.{third}.0/{length}" for third, length in ((0, 17), (128, 17), (64, 18), (96, 19), (96, 24))]
        rng.shuffle(rows)
        lists.append((tuple(rows), f"{base}.{rng.choice((5, 70, 96, 97, 130))}.{host}"))
    cases = tuple({str(case): case for case in (Case(*one) for one in lists)}.values())
    return Variant({"cases": cases, "base": base},
                   f"Your addresses lie in {base}.0.0/16. For example,\n  {cases[1]}\nasks which row of a pod's table takes "
                   f"a packet to {cases[1].address}.", build)


def _by_model(rows: Sequence[str], address: str) -> str | None:
    """What the course's own routing table answers."""
    winner = RouteTable([Route(row, dev="eth0") for row in rows]).lookup(address).winner
    return winner.dst if winner is not None else None


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    function = read_function(answer, "longest_prefix_match")
    findings = []
    for case in variant.numbers["cases"]:
        given = call(function, str(case), list(case.rows), case.address)
        text = "None" if given is None else given.strip() if type(given) is str else shown(given)
        findings.append(Finding(str(case), "default" if text == "0.0.0.0/0" else text[:60]))
    return tuple(findings)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    case = next(case for case in variant.numbers["cases"] if str(case) == got.asked)
    what = f"{got.asked} should return {wanted.got}, and your function returns {got.got}."
    if got.got in case.rows and not Route(got.got, dev="eth0").matches(case.address):
        return f"{what} {case.address} does not lie in {got.got}."
    if got.got in case.rows:
        return f"{what} Both match, and {wanted.got} has the longer prefix."
    if got.got == "None":
        return f"{what} That row does match."
    return f"{what} It should be one of the rows, as it stands in the list, or None."


def _match(row: str, address: str) -> bool:
    return ip_address(address) in ip_network("0.0.0.0/0" if row == "default" else row)


def _length(row: str) -> int:
    return 0 if row == "default" else int(row.partition("/")[2])


def _first_match(rows: Sequence[str], address: str) -> str | None:
    return next((row for row in rows if _match(row, address)), None)


def _shortest(rows: Sequence[str], address: str) -> str | None:
    return min((row for row in rows if _match(row, address)), key=_length, default=None)


def _as_text(rows: Sequence[str], address: str) -> str | None:
    """The prefix is taken for the letters in front: 10.1.0/24 'matches' 10.11.5."""

    def letters(row: str) -> str:
        return "" if row == "default" else row.partition("/")[0].removesuffix(".0").removesuffix(".0")

    return max((row for row in rows if address.startswith(letters(row))), key=_length, default=None)


def _no_default(rows: Sequence[str], address: str) -> str | None:
    return max((row for row in rows if row != "default" and _match(row, address)), key=_length, default=None)


def _longest_of_all(rows: Sequence[str], address: str) -> str | None:
    return max(rows, key=_length, default=None)


def _belief(name: str, function: Callable[[Sequence[str], str], str | None], message: str) -> Misconception:
    return Misconception(name, lambda variant: function, message)


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief == "the first row that matches wins":
        return "Your function takes the first row that matches. Collect all that match, and compare their prefix lengths."
    return ("Do it in two steps: which rows match, and which of those has the largest number behind the slash? "
            "ip_address(address) in ip_network(row) answers the first question, from the module ipaddress.")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("The row 'default' is the range 0.0.0.0/0: every address lies in it, and its prefix length is 0, so it wins only "
            "if nothing else matches. max(matching, key=..., default=None) gives None for an empty list.")


EXERCISE = Exercise(
    name="longest_prefix_match",
    chapter="06_across_nodes",
    kind=Kind.WRITE,
    title="Write the rule that decides",
    statement="""\
On every device one rule says where a packet goes: of all rows of the routing table that match the address, the one with the
**longest prefix** wins. Write it: `longest_prefix_match(rows, address)`.

- `rows` is a list of destinations, each a text such as `"10.244.1.0/24"`, or `"default"`, which matches every address. They are
  in no order that you could rely on.
- `address` is a text.

Return the row that wins, exactly as it stands in the list, or `None` if no row matches.

Your function is called with many tables, among them those of a pod and of a node, and compared with the course's own.""",
    variable="longest_prefix_match",
    starter='''\
from ipaddress import ip_address, ip_network

def longest_prefix_match(rows, address):
    """The row that takes a packet to this address, or None."""
    ...
''',
    reference='''\
from ipaddress import ip_address, ip_network

def as_network(row):
    """A row as a range of addresses; the default route is the range of all addresses."""
    return ip_network("0.0.0.0/0" if row == "default" else row)

def longest_prefix_match(rows, address):
    """The row that takes a packet to this address, or None."""
    matching = [row for row in rows if ip_address(address) in as_network(row)]
    return max(matching, key=lambda row: as_network(row).prefixlen, default=None)
''',
    praise="Your function decides as the course's own routing table does, on every table.",
    draw=_draw,
    right=lambda variant: _by_model,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        "Keep the rows that match, and take the one with the largest prefix length. In the example, the row of all pods, "
        f"{variant.numbers['base']}.0.0/16, and the default both match, and /16 is longer than /0."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        _belief("the first row that matches wins", _first_match,
                "Your function takes the first row that matches. The order of a routing table says nothing: the longest "
                "prefix wins, wherever it stands. (In a firewall's list the first one wins; that is another kind of table.)"),
        _belief("the largest range wins", _shortest,
                "Your function prefers the larger range, so the default route always wins where there is one. It is the other "
                "way round: the row that says the most about the address wins."),
        _belief("a prefix is the letters in front", _as_text,
                "Your function compares texts. A prefix is a number of *bits*: 10.1 is no prefix of 10.11 in that sense, and a "
                "/22 or a /26 does not end at a dot. Compare addresses with ip_network."),
        _belief("the default is no row", _no_default,
                "Your function overlooks the row 'default'. It matches every address, and takes what no other row takes."),
        _belief("the longest row wins, match or not", _longest_of_all,
                "Your function takes the longest prefix of all. Only rows that match the address compete."),
    ),
)
