"""Many random clusters, several labs side by side: what was asked, what was reached, and what disagreed."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.agreement import Disagreement, asked, compare, differing_backends, within_ration
from k8snet_course.emulator.lab import Wanted, emulate
from k8snet_course.errors import CourseError
from tests.emulator.draws import HERE, Kinds, worlds
from tests.emulator.worlds import DUAL, EXTERNAL_IP, FAULTS, LOOP, Pod, World, ways_in

WORKERS, FEW = 6, 4
"""Labs side by side: most of a lab's time is spent on waiting for answers that never come."""


@dataclass
class Swept:
    """What a sweep saw: how many ``clusters`` and ``probes``, and ``counts`` of what was reached, by (what, which)."""

    clusters: int = 0
    probes: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Swept) -> None:
        self.clusters += other.clusters
        self.probes += other.probes
        self.counts.update(other.counts)
        self.failures += other.failures

    def __str__(self) -> str:
        """A table of all counts, in an order that never changes."""
        lines = [f"{self.clusters} clusters, {self.probes} probes"]
        for what in dict.fromkeys(sorted(what for what, _ in self.counts)):
            found = sorted((which, number) for (each, which), number in self.counts.items() if each == what)
            lines.append(f"{what}: " + ", ".join(f"{which} {number}" for which, number in found))
        return "\n".join(lines)


class Disagreed(AssertionError):
    """Model and Linux say different things; the text is a test."""


def sweep(clusters: int, first_seed: int, go_on: bool = False, kinds: Kinds = HERE, side_by_side: int = WORKERS,
          begin: str = "spawn") -> Swept:
    """Compare so many clusters, in several processes; the same numbers ask the same.

    Kinds of faults that chance has left out are asked at the end.  A disagreement ends a process, when hypothesis has made it
    small; with ``go_on`` it is only noted, as large as it is.  ``begin`` is how processes begin (multiprocessing).
    """
    each, seeds = -(-clusters // side_by_side), range(first_seed, first_seed + side_by_side)
    total = Swept()
    for proxy in kinds.proxies if kinds == HERE else ():
        for world in rare(proxy):
            try:
                ask(world, total)
            except Disagreed as problem:
                total.failures.append(str(problem))
    with ProcessPoolExecutor(side_by_side, multiprocessing.get_context(begin)) as workers:
        running = [workers.submit(_worker, each, number, go_on, kinds=kinds) for number in seeds]
        for one in running:
            total.add(one.result())
        missing = [kind for kind in FAULTS if ("fault", kind) not in total.counts and kind != LOOP] if kinds == HERE else []
        running = [workers.submit(_worker, FEW, first_seed, go_on, kind) for kind in missing]
        for one in running:
            total.add(one.result())
    return total


def _worker(clusters: int, number: int, go_on: bool, must: str = "", kinds: Kinds = HERE) -> Swept:
    swept = Swept()

    @seed(number)
    @settings(max_examples=clusters, deadline=None, database=None, print_blob=False, report_multiple_bugs=False,
              phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck))
    @given(worlds(must, kinds))
    def check(world: World) -> None:
        try:
            ask(world, swept)
        except Disagreed as problem:
            if not go_on:
                raise
            swept.failures.append(str(problem))

    try:
        check()
    except (Disagreed, HypothesisException) as problem:
        swept.failures.append(str(problem))
    return swept


def rare(proxy: str) -> Iterator[World]:
    """Worlds with what chance draws so seldom that a sweep may miss it; they are asked each time."""
    pods = tuple(Pod(f"p{number}", number % 2 + 1, "x", (80,)) for number in range(3))
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s0"}, "spec": {
        "type": "LoadBalancer", "selector": {"app": "x"}, "ports": [{"port": 80}], "externalIPs": [EXTERNAL_IP],
        "sessionAffinity": "ClientIP", "loadBalancerSourceRanges": ["192.168.1.2/32"]}}
    yield World("flannel", proxy, 2, pods, (service,), (), (), (("p0", "p1", 80, "TCP"),))
    service = {**service, "spec": {"type": "ClusterIP", "selector": {"app": "x"}, "ports": [{"port": 80}],
                                   "ipFamilyPolicy": "PreferDualStack", "internalTrafficPolicy": "Local"}}
    yield World("calico-bgp", proxy, 2, pods, (service,), (), (), (("p0", "p1", 80, "TCP"),), DUAL)
    yield World("flannel", proxy, 2, pods[1:2], (), (), (), (("p1", "10.244.0.2", None, "ICMP"),), once=(1,))


def ask(world: World, swept: Swept) -> None:
    """Compare one world.  Raises Disagreed."""
    cluster = world.build()
    probes = within_ration(cluster, world.wanted(cluster))
    ways = list(ways_in(cluster))
    draws: list[Wanted] = []
    if ways:  # one way in is tried so often that every endpoint has its turn
        source = Random(len(ways)).choice([world.pods[0].label, "node-1", "laptop"])
        draws.append((source, *Random(len(probes)).choice(ways)))
    note(world, cluster, probes, swept)
    try:
        with emulate(cluster) as lab:
            found: list[Disagreement] = compare(cluster, lab, probes)
            for draw in draws if not found else ():
                found += differing_backends(cluster, lab, draw)
    except CourseError as problem:
        raise Disagreed("\n".join((*world.lines(cluster, ()), str(problem)))) from None
    if found:
        raise Disagreed("\n".join((*world.lines(cluster, [each.probe for each in found]), *map(str, found))))


def note(world: World, cluster: Cluster, probes: Sequence[Wanted], swept: Swept) -> None:
    """Count what is asked, by what the model says of it."""
    swept.clusters += 1
    swept.probes += len(probes)
    here: list[tuple[str, str]] = [("plugin", world.cni), ("nodes", str(world.nodes)), ("addresses", world.ranges)]
    here += [("fault", type(fault).__name__) for fault in cluster.faults]
    here += [("bridge", "without ports") for node in cluster.nodes
             for link in cluster.namespace(node.name).links.values() if not link.carrier]
    here += [("policy", each["kind"]) for each in world.policies]
    here += [("service", f"{world.proxy} {each['spec']['type']}") for each in world.services]
    here += [("service", f"{world.proxy} {key}") for each in world.services for key in each["spec"]
             if key not in ("type", "selector", "ports")]
    swept.counts.update(dict.fromkeys(here, 1))
    for probe in probes:
        verdict = asked(cluster, probe).verdict
        swept.counts.update([("verdict", verdict), (f"verdict with {world.cni}", verdict), ("protocol", probe[3])])
