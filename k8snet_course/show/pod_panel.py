"""The control panel of chapter 1: pods come and go, and their addresses with them.

It says nothing about addresses that it has not asked the cluster's own allocator.
"""

from __future__ import annotations

from copy import deepcopy
from ipaddress import ip_network
from itertools import count
from typing import TYPE_CHECKING

from k8snet_course.cluster import Cluster
from k8snet_course.objects import LISTEN_ANNOTATION
from k8snet_course.show.grid import Grid
from k8snet_course.show.panel import Panel, Seen, button, choice, entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from k8snet_course.addressing.host_local import Candidate
    from k8snet_course.linux.trace import Trace
    from k8snet_course.objects import Pod

_NAMES = ("frontend", "backend", "database", "cache")


class PodPanel(Panel):
    """Add, delete and recreate pods, change the size of the node's range, and send a packet, each with a control.

    The panel works on a copy of ``cluster``; ``panel.cluster`` is the copy as it is now.  A control that asks for the
    impossible (one pod more than the range has addresses) changes nothing, and the error's sentence is shown.

        >>> cluster = Cluster()
        >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
        >>> panel = PodPanel(cluster)
        >>> panel.recreate("frontend")
        True
        >>> panel.cluster.pods[-1].ip, cluster.pods[0].ip
        ('10.244.0.4', '10.244.0.2')
    """

    def __init__(self, cluster: Cluster, challenge: bool = False) -> None:
        self.cluster = deepcopy(cluster)
        self._done = ""
        prefix = self._prefix
        self._name = entry("New pod", self._free_name())
        self._pod = choice("Pod", (), None, "220px")
        self._size = choice(
            "Addresses of the node",
            [(_size_text(bits), bits) for bits in sorted({*range(24, 30), prefix})],
            prefix,
            "410px",
        )
        self._source = choice("Send a packet from", (), None, "290px")
        self._target = choice("to", (), None, "190px")
        self._refill()
        rows = [
            [
                self._name,
                button("Add pod", self.add, "Make a pod of this name"),
                self._pod,
                button("Delete", self.delete, "Delete this pod"),
                button("Recreate", self.recreate, "Delete this pod and make one of the same name"),
            ],
            [self._size, self._source, self._target],
        ]
        super().__init__(rows, self._look, challenge)

    # -- what the controls do --

    def add(self, name: str = "") -> bool:
        """Make a pod, as the button does; without a name the one in the field.  Returns whether it went well."""
        wanted = name or self._name.value

        def act() -> None:
            pod = self.cluster.add_pod(wanted)
            self._changed_pods(f"{pod.label} got {pod.ip}.")

        return self.attempt(act)

    def delete(self, name: str = "") -> bool:
        """Delete a pod, as the button does; without a name the chosen one.  Returns whether it went well."""
        pod = self._find(name)
        if pod is None:
            return False

        def act() -> None:
            self.cluster.delete("pod", pod.name, pod.namespace)
            self._changed_pods(f"{pod.label} is gone, and {pod.ip} is free again.")

        return self.attempt(act)

    def recreate(self, name: str = "") -> bool:
        """Delete a pod and make one of the same name, as the button does.  Returns whether it went well."""
        pod = self._find(name)
        if pod is None:
            return False

        def act() -> None:
            changed = deepcopy(self.cluster)
            changed.delete("pod", pod.name, pod.namespace)
            again = _make(changed, pod)
            self.cluster = changed
            self._changed_pods(f"{pod.label} had {pod.ip}; the new {again.label} got {again.ip}.")

        return self.attempt(act)

    # -- what is to be seen --

    def _look(self) -> Seen:
        if self._size.value != self._prefix:
            self.cluster = self._resized(self._size.value)
            self._done = f"Each node has a /{self._size.value} now, and its pods were made anew in it."
            self._refill()
        seen = Seen(self.cluster, self._walk(), self._tables(), self._done)
        self._done = ""
        return seen

    def _walk(self) -> Trace | None:
        source, target = self._source.value, self._target.value
        return self.cluster.send(source, target) if source and target else None

    def _tables(self) -> list[Grid]:
        cluster, node = self.cluster, self.cluster.nodes[0]
        ipam = cluster.ipam(node.name)
        facts = [
            ("range", node.pod_cidr),
            ("gateway", ", ".join(one.gateway for one in ipam.ranges)),
            ("held by pods", f"{ipam.used} of {ipam.capacity}"),
            ("handed out last", ipam.last_reserved or "none yet"),
            ("the next pod gets", self._search(ipam.next_candidates())),
        ]
        return [
            Grid.of("Pods", ("name", "address", "node"), [(pod.label, pod.ip, pod.node) for pod in cluster.pods]),
            Grid.of(f"Addresses of {node.name} (host-local)", ("what", "now"), facts),
            Grid.of(f"Routes of {node.name}", ("ip route",), [(route,) for route in cluster.node(node.name).routes]),
        ]

    def _search(self, candidates: Iterator[Candidate]) -> str:
        """How the allocator comes to the next address: what it passes over, and why."""
        holder = {pod.ip: pod.label for pod in self.cluster.pods}
        passed: list[str] = []
        for candidate in candidates:
            if candidate.skipped is None:
                return candidate.address + (f", after {_few(passed)}" if passed else "")
            passed.append(f"{candidate.address} ({holder.get(candidate.address, candidate.skipped)})")
        return "nothing: every address is held"

    # -- how it is done --

    @property
    def _prefix(self) -> int:
        return ip_network(self.cluster.nodes[0].pod_cidr).prefixlen

    def _resized(self, prefix: int) -> Cluster:
        """A new cluster with this node mask size and the same pods.  Raises CourseError when they do not fit."""
        old = self.cluster
        new = Cluster(
            len(old.nodes), old.cni, pod_cidr=old.pod_cidr, node_mask_size=prefix, node_network=old.node_network
        )
        for pod in old.pods:
            _make(new, pod)
        return new

    def _changed_pods(self, done: str) -> None:
        self._done = done
        self._refill()

    def _refill(self) -> None:
        """Put the present pods into the dropdowns and keep what was chosen where it still is there."""
        pods = [pod.label for pod in self.cluster.pods]
        ends = [*pods, *(node.name for node in self.cluster.nodes), *self.cluster.hosts]
        for control, options in ((self._pod, pods), (self._source, ends), (self._target, ends)):
            chosen = control.value
            if control.options != tuple(options):
                control.options = options
            control.value = chosen if chosen in options else next(iter(options), None)
        if self._target.value == self._source.value:
            self._target.value = next(end for end in ends if end != self._source.value)
        self._name.value = self._free_name()

    def _free_name(self) -> str:
        taken = {pod.name for pod in self.cluster.pods}
        numbered: Iterator[str] = (f"web-{number}" for number in count(1))
        return next(name for several in (_NAMES, numbered) for name in several if name not in taken)

    def _find(self, name: str) -> Pod | None:
        wanted = name or self._pod.value
        found = next((pod for pod in self.cluster.pods if pod.label == wanted), None)
        if found is None:
            self.board.say(f"There is no pod {wanted}." if wanted else "There is no pod yet.", failed=True)
        return found


def _make(cluster: Cluster, pod: Pod) -> Pod:
    """A pod like this one, with the address that the cluster gives it."""
    listen = pod.annotations.get(LISTEN_ANNOTATION)
    return cluster.add_pod(
        pod.name,
        pod.node,
        pod.namespace,
        labels=pod.labels,
        image=pod.containers[0].image if pod.containers else "nginx",
        listen=None if listen is None else listen.split(", "),
    )


def _few(words: list[str]) -> str:
    return ", ".join(words if len(words) <= 3 else [*words[:2], f"{len(words) - 2} more"])


def _size_text(bits: int) -> str:
    return f"/{bits}: {2 ** (32 - bits)} addresses, {max(0, 2 ** (32 - bits) - 3)} for pods"
