"""Repair: a VXLAN overlay in which one row on each of two nodes is missing or wrong."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import pairwise, permutations
from typing import Any

from k8snet_course.cluster import Cluster
from k8snet_course.device import Device
from k8snet_course.exercises.answers import BadAnswer, kind_of, read_text, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.faults import MissingFdb, MissingNeighbour, MissingRoute, Parts, WrongFdb, WrongNeighbour
from k8snet_course.linux.bridge import FdbEntry
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.route import Route
from k8snet_course.linux.trace import Trace

_KINDS = ("route", "neighbour", "fdb")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
Row = Route | Neighbour | FdbEntry


@dataclass(frozen=True, slots=True)
class _Replaced:
    """`ip route replace`, `ip neigh replace` or `bridge fdb replace` with this row."""

    device: str
    row: Row

    def apply(self, parts: Parts) -> None:
        row = self.row
        if isinstance(row, Route):
            parts.routes = [one for one in parts.routes if one.dst != row.dst] + [row]
        elif isinstance(row, Neighbour):
            parts.neighbours = [one for one in parts.neighbours if one.address != row.address] + [row]
        else:
            parts.fdb = [one for one in parts.fdb if one.mac != row.mac] + [row]


def _healthy(network: str, nodes: str) -> Cluster:
    cluster = Cluster(nodes=3, cni="flannel", pod_cidr=network, node_network=nodes)
    for name, node in (("cart", "node-1"), ("frontend", "node-2"), ("backend", "node-3")):
        cluster.add_pod(name, node=node)
    return cluster


def _row(cluster: Cluster, kind: str, near: str, far: str) -> Row:
    """The row of this kind that leads from one node to another, when all is well."""
    node, other = cluster.node(near), cluster.node(far)
    vtep = other.pod_cidr.partition("/")[0]
    if kind == "route":
        return next(row for row in node.routes if row.dst == other.pod_cidr)
    if kind == "neighbour":
        return next(row for row in node.neighbours if row.address == vtep)
    return next(row for row in node.fdb if row.dst == other.ip)


def _draw(rng: random.Random) -> Variant:
    network = f"10.{rng.randint(20, 239)}.0.0/16"
    nodes = f"192.168.{rng.randint(2, 250)}.0/24"
    there, back = rng.sample(_KINDS, 2)
    wrong = {kind: rng.random() < 0.5 and kind != "route" for kind in _KINDS}
    old_mac = "5e:" + ":".join(f"{rng.randrange(256):02x}" for _ in range(5))  # from before the other node was restarted
    healthy = _healthy(network, nodes)

    def fault(kind: str, near: str, far: str) -> Any:
        row, other = _row(healthy, kind, near, far), _row(healthy, kind, near, "node-1")
        if isinstance(row, Route):
            return MissingRoute(near, row.dst)
        if isinstance(row, Neighbour):
            return WrongNeighbour(near, row.address, old_mac) if wrong[kind] else MissingNeighbour(near, row.address)
        assert isinstance(row, FdbEntry)
        assert isinstance(other, FdbEntry)
        return WrongFdb(near, row.mac, other.dst) if wrong[kind] else MissingFdb(near, row.mac)

    faults = (fault(there, "node-2", "node-3"), fault(back, "node-3", "node-2"))

    def build() -> Cluster:
        cluster = _healthy(network, nodes)
        for one in faults:
            cluster.inject(one)
        return cluster

    macs = {name: next(link.mac for link in healthy.node(name).links if link.name == "flannel.1")
            for name in ("node-1", "node-2", "node-3")}
    told = "\n".join(f"  {name}: flannel.1 has the MAC address {mac}" for name, mac in macs.items())
    return Variant({"there": there, "back": back, "network": network, "nodes": nodes},
                   f"{build()!r}\nWhat `ip link show flannel.1` prints on each node:\n{told}\n"
                   "Since last night frontend gets no answers from backend. cart gets answers from both.", build)


def _repairs(variant: Variant, *, there: bool = True, back: bool = True, about_itself: bool = False) -> list[tuple[str, str]]:
    """The rows as they should be: for the way there, and for the way back."""
    cluster = _healthy(variant.numbers["network"], variant.numbers["nodes"])
    rows = []
    for wanted, near, far, kind in ((there, "node-2", "node-3", variant.numbers["there"]),
                                    (back, "node-3", "node-2", variant.numbers["back"])):
        if wanted and about_itself:
            rows.append((far, str(_row(cluster, kind, near, far))))
        elif wanted:
            rows.append((near, str(_row(cluster, kind, near, far))))
    return rows


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise BadAnswer(f"{shown(text)} in a row should be an IP address.") from None


def _parse(text: str) -> Row:
    """A row as Linux prints it.  Raises BadAnswer."""
    words = text.split()
    first = words[0] if words else ""
    given: Mapping[str, str] = dict(pairwise(words[1:]))
    device = given.get("dev", "flannel.1")
    if "/" in first and "via" in given:
        try:
            dst = str(ip_network(first))
        except ValueError:
            raise BadAnswer(f"the route should begin with a range such as '10.1.0.0/24', but this is {shown(first)}.") from None
        return Route(dst, via=_address(given["via"]), dev=device, onlink="onlink" in words)
    if "lladdr" in given and _MAC.fullmatch(given["lladdr"].lower()):
        return Neighbour(_address(first), device, given["lladdr"].lower(), "PERMANENT")
    if "dst" in given and _MAC.fullmatch(first.lower()):
        return FdbEntry(first.lower(), device, "", _address(given["dst"]))
    raise BadAnswer(f"this is not a row as 'ip route', 'ip neigh' or 'bridge fdb' prints it: {shown(text)}.")


def _check(node: Device, row: Row) -> None:
    """What Linux would refuse.  Raises BadAnswer."""
    link = next((link for link in node.links if link.name == row.dev), None)
    if link is None:
        raise BadAnswer(f"{node.name} has no interface {shown(row.dev)}.")
    if isinstance(row, FdbEntry) and link.tunnel is None:
        raise BadAnswer(f"{row.dev} is no tunnel, so an FDB row of it leads to a port and not to a machine.")
    if isinstance(row, Route) and not row.onlink and not any(
            ip_address(row.via) in ip_network(address, strict=False) for address in link.addresses):
        raise BadAnswer(f"Linux says 'Nexthop has invalid gateway': {row.via} is in no range of {node.name}'s {row.dev}. A row "
                        "through the tunnel has the word onlink at its end, which says: believe me.")
    if isinstance(row, Route) and ip_address(row.via) == ip_address(node.ip):
        raise BadAnswer(f"{row.via} is {node.name} itself, which cannot be its own next router.")


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    if type(answer) not in (list, tuple) or not isinstance(answer, (list, tuple)):
        raise BadAnswer(f"the answer should be a list of rows, but this is {kind_of(answer)}.")
    if len(answer) > 50:
        raise BadAnswer(f"this list has {len(answer)} rows, and a few are enough.")
    cluster = variant.build()
    names = [node.name for node in cluster.nodes]
    for entry in answer:
        if type(entry) not in (list, tuple) or len(entry) != 2:
            raise BadAnswer("each entry should be two texts: the node, and the row as Linux prints it.")
        node = read_text(entry[0], "the first text of an entry")
        if node not in names:
            raise BadAnswer(f"there is no node {shown(node)} here; there are {', '.join(names)}.")
        row = _parse(read_text(entry[1], "the second text of an entry"))
        _check(cluster.node(node), row)
        cluster.inject(_Replaced(node, row))
    findings = []
    for source, target in permutations(("frontend", "backend", "cart"), 2):
        trace = cluster.send(source, target, port=80)
        findings.append(Finding(f"{source} to {target}", _how(trace), trace))
    return tuple(findings)


def _how(trace: Trace) -> str:
    if trace.answered:
        return "answered"
    last = trace if not trace.delivered or trace.reply is None else trace.reply
    return f"{trace.verdict}; {last.verdict} at {last.hops[-1].label}"


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    verdict, _, rest = got.got.partition("; ")
    if "cart" in got.asked:
        return f"The packet from {got.asked} was answered before your repair, and now it is not ({rest}). One row too many."
    if verdict == "delivered":
        return (f"The packet from {got.asked} arrives, and its answer does not come home ({rest}). Look at the rows of the "
                "node where the answer starts.")
    return (f"The packet from {got.asked} still does not arrive ({rest}). Look in the walk for the table that had no row, or a "
            "wrong one.")


def _answers(**which: Any) -> Callable[[Variant], object]:
    return lambda variant: _repairs(variant, **which)


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief == "the way there is enough":
        return "The way there is mended. Now follow the answer: on node-3, which three rows does it need?"
    return ("For the way from node-2 to node-3, node-2 needs three rows: a route to node-3's range, a neighbour for the "
            "route's next router, and an FDB row for that neighbour's MAC address. Compare them with the rows that lead to "
            'node-1, which work: task("tunnel_rows").cluster.node("node-2").routes, .neighbours and .fdb')


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return (f"On node-2 look at its row of the kind '{variant.numbers['there']}' for node-3, and on node-3 at its row of the "
            f"kind '{variant.numbers['back']}' for node-2. The MAC address of each node's flannel.1 is in the story, the "
            "tunnel's address is the first of the node's range, and the machine is the node's address.")


EXERCISE = Exercise(
    name="tunnel_rows",
    chapter="06_across_nodes",
    kind=Kind.REPAIR,
    title="Mend the tunnel",
    statement="""\
The plugin is `flannel`, with its VXLAN tunnel. Somebody has tried to help, and since then one row on node-2 and one on node-3
is missing or wrong. The next cell shows the cluster and what is known.

Find them: send packets, read the walks, print the nodes' tables. Then write the rows as they should be, in a list. An
entry is a pair of texts: the node, and the row as `ip route`, `ip neigh` or `bridge fdb` prints it. (The bits `self permanent`
and `PERMANENT` may be left out.) Your row takes the place of the one for the same range, address or MAC address.

Judged by packets: every pod must get an answer from every other.""",
    variable="rows",
    starter="""\
rows = [
    # ("node-1", "10.9.1.0/24 via 10.9.1.0 dev flannel.1 onlink"),
    # ("node-1", "10.9.1.0 dev flannel.1 lladdr 5e:11:22:33:44:55"),
    # ("node-1", "5e:11:22:33:44:55 dev flannel.1 dst 192.168.9.3"),
]
""",
    reference="""\
cluster = task("tunnel_rows").cluster

def rows_to(near, far):
    \"\"\"The three rows that a node needs for another one.\"\"\"
    tunnel = far.pod_cidr.split("/")[0]
    mac = next(link.mac for link in far.links if link.name == "flannel.1")
    return [
        (near.name, f"{far.pod_cidr} via {tunnel} dev flannel.1 onlink"),
        (near.name, f"{tunnel} dev flannel.1 lladdr {mac}"),
        (near.name, f"{mac} dev flannel.1 dst {far.ip}"),
    ]

# Only one row of each three is broken. To write all of them does no harm: the others stay as they are.
node_2, node_3 = cluster.node("node-2"), cluster.node("node-3")
rows = rows_to(node_2, node_3) + rows_to(node_3, node_2)
""",
    praise="Route, neighbour and FDB row are in place on both nodes, so packets and answers get through the tunnel.",
    draw=_draw,
    right=_repairs,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        f"On node-2 the {variant.numbers['there']} row for node-3 is broken, and on node-3 the {variant.numbers['back']} row "
        "for node-2. They should be:\n  " + "\n  ".join(f"{node}: {row}" for node, row in _repairs(variant)) + "."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("the way there is enough", _answers(back=False),
                      "frontend's packets arrive at backend now, and still frontend gets no answer. The answer has a way of "
                      "its own, from node-3's tables, and a row there is broken too."),
        Misconception("the fault is where the answer comes from", _answers(there=False),
                      "node-3 is in order now. But frontend's packet does not get that far: a row on node-2 is still broken."),
        Misconception("a node needs rows about itself", _answers(about_itself=True),
                      "Each of your rows is on the node that it is about. A node knows where it is itself; it needs rows "
                      "about the *other* nodes. The row that leads to node-3 belongs on node-2."),
    ),
)
