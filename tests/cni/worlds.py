"""What the plugins' tests share: a cluster of two nodes, what to read off a walk, and namespaces of real Linux."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from k8snet_course.cluster import Cluster
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Trace, Verdict


def two_nodes(cni: str, **more: str) -> Cluster:
    """Pods a and b on node-1, c on node-2."""
    cluster = Cluster(nodes=2, cni=cni, **more)  # type: ignore[arg-type]
    for name, node in (("a", "node-1"), ("b", "node-1"), ("c", "node-2")):
        cluster.add_pod(name, node=node)
    return cluster


def arrived(trace: Trace) -> Packet:
    """The packet as its receiver saw it; it must have arrived, and its answer must have come home."""
    assert trace.answered, trace
    return trace.hops[-1].steps[-1].packet


def arrivals(cluster: Cluster, *pairs: tuple[str, str]) -> list[tuple[int, str]]:
    """TTL at arrival and source seen, for pings."""
    seen = [arrived(cluster.send(src, dst, protocol="ICMP")) for src, dst in pairs]
    return [(packet.ttl, packet.src) for packet in seen]


def outer(trace: Trace) -> Packet:
    """The first packet that a tunnel made of this one."""
    return next(step.packet for _, step in trace.steps() if step.action is Action.ENCAPSULATE)


def largest_ping(cluster: Cluster, src: str = "a", dst: str = "c") -> int:
    """The largest payload of a ping with DF that arrives and is answered."""
    size = next(size for size in range(1600, 1000, -1) if cluster.send(src, dst, protocol="ICMP", size=size).answered)
    assert cluster.send(src, dst, protocol="ICMP", size=size + 1).verdict is Verdict.TOO_BIG
    return size


def run(*words: str, check: bool = True) -> str:
    """A command's output."""
    return subprocess.run(words, check=check, capture_output=True, text=True).stdout


class Real:
    """Namespaces of the real Linux, named with this process's id."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def name(self, short: str) -> str:
        return f"k8snet-{os.getpid()}-{short}"

    def add(self, *short: str) -> None:
        for each in short:
            run("ip", "netns", "add", self.name(each))
            self.made.append(each)
            self.ip(each, "link set lo up")

    def ip(self, short: str, words: str) -> str:
        return run("ip", "-n", self.name(short), *words.split())

    def exec(self, short: str, words: str, check: bool = True) -> str:
        return run("ip", "netns", "exec", self.name(short), *words.split(), check=check)

    def cable(self, one: str, link: str, two: str, far: str) -> None:
        """A veth pair between two namespaces, up at both ends."""
        run("ip", "link", "add", link, "netns", self.name(one), "type", "veth", "peer", "name", far, "netns", self.name(two))
        self.ip(one, f"link set {link} up")
        self.ip(two, f"link set {far} up")

    def ping(self, short: str, address: str, size: int = 56) -> str:
        """The first answer's line, or what else ping says."""
        said = self.exec(short, f"ping -c 1 -W 2 -M do -s {size} {address}", check=False)
        return next((line for line in said.splitlines() if "ttl=" in line or "mtu" in line or "From" in line), said)


@contextmanager
def real() -> Iterator[Real]:
    """Namespaces that are removed again."""
    world = Real()
    try:
        yield world
    finally:
        for each in world.made:
            run("ip", "netns", "del", world.name(each), check=False)
