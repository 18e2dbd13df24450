"""A pod's box in a scene: its name and address, and what else there is to say about it.

Most pods have one container and a network of their own, and need two lines.  Further lines name several containers, a
program that found its port taken, the second address of a dual-stack pod, that a pod takes connections for others (an Ingress
controller, a Gateway, a sidecar), and for a pod with hostNetwork that the network is its node's.  The box's title says
everything in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8snet_course.controllers import gateway_controller, ingress_controller
from k8snet_course.programs import listeners_of
from k8snet_course.show.drawing import fit, fit_address, measure
from k8snet_course.show.pod_rows import LINE, PodRows
from k8snet_course.show.scene import Box, Label
from k8snet_course.sidecar import has_sidecar

if TYPE_CHECKING:
    from k8snet_course.linux.namespace import Namespace, Refused
    from k8snet_course.objects import Pod

HOST_POD = "hostpod"
"""The kind of box of a pod that uses its node's network."""
_MOST_CONTAINERS = 3
_ROOMY = 2
"""In so many rows of pods there is room for a line a container; in more rows for one line in all."""
_NAME = 8.0
_TAKEN = "✕ "


@dataclass(frozen=True, slots=True)
class PodFacts:
    """A pod with what its network namespace says about its programs.

    ``refused`` are its own programs that could not listen; ``relays`` is the number of the connection that ends in it while
    it makes the next one, 0 if it does not.
    """

    pod: Pod
    refused: tuple[Refused, ...] = ()
    relays: int = 0

    @property
    def said(self) -> list[str]:
        """Everything besides name, address and node, as words.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster()
        >>> pod = cluster.add_pod("web", containers={"web": "nginx", "old": "httpd"})
        >>> for words in PodFacts(pod, cluster.namespace(pod.key).refused).said:
        ...     print(words)
        containers web, old
        old cannot listen on TCP 0.0.0.0:80: address already in use (web has it)
        """
        pod = self.pod
        found = [f"uses the network of {pod.node} (hostNetwork)"] if pod.host_network else []
        found += [f"{name} controller {whose}" for name, whose in self._controllers]
        found += ["has a sidecar"] if has_sidecar(pod) else []
        if len(pod.containers) > 1:
            found.append(f"containers {', '.join(container.name for container in pod.containers)}")
        found += map(str, self.refused)
        if self.relays:
            found.append(f"connection {self.relays} ends here, and connection {self.relays + 1} begins")
        return found

    def lines(self, rows: PodRows) -> list[tuple[str, str]]:
        """The lines below name and address, each with its role."""
        pod, room = self.pod, rows.pod - 12
        found = [(pod.second_ip, "address")] if pod.second_ip else []
        if pod.host_network:
            found.append(("host network", "kind"))
        role = self._role(room)
        found += [(role, "kind")] if role else []
        found += self._containers(room) if rows.rows <= _ROOMY else self._in_one_line(room)
        return [(_fitted(text, role, room), role) for text, role in found]

    @property
    def _controllers(self) -> list[tuple[str, str]]:
        """What kind of controller runs in the pod, and its name."""
        several = (("Ingress", ingress_controller(self.pod)), ("Gateway", gateway_controller(self.pod)))
        return [(kind, name) for kind, name in several if name]

    def _role(self, room: float) -> str:
        """What the pod does with connections of others, and which one ends in it and which one begins; empty: nothing."""
        names = [kind for kind, _ in self._controllers] or (["sidecar"] if has_sidecar(self.pod) else [])
        if self.relays:
            return f"{names[0] if names else 'proxy'} {self.relays} → {self.relays + 1}"
        full = " and ".join(names) + (" controller" if self._controllers else "")
        return full if not names or measure(full, "kind") <= room else names[0]

    def _containers(self, room: float) -> list[tuple[str, str]]:
        """A line a container, those that cannot listen first where not all fit."""
        taken = {row.wanted.program: row for row in self.refused}
        if len(self.pod.containers) < 2 and not taken:
            return []
        names = [container.name for container in self.pod.containers]
        lines = [(_refused(taken[name], room), "refused") if name in taken else (name, "kind") for name in names]
        if len(lines) <= _MOST_CONTAINERS:
            return lines
        first = sorted(lines, key=lambda line: line[1] != "refused")[: _MOST_CONTAINERS - 1]
        return [*first, (f"and {len(lines) - len(first)} more", "kind")]

    def _in_one_line(self, room: float) -> list[tuple[str, str]]:
        if self.refused:
            return [(_refused(self.refused[0], room), "refused")]
        count = len(self.pod.containers)
        return [(f"{count} containers", "kind")] if count > 1 else []


def refusals(pods: Iterable[Pod], namespace: Namespace) -> dict[str, tuple[Refused, ...]]:
    """Which programs of each of these pods could not listen, by the pod's key; ``namespace`` is the one that they share.

    Who comes first gets a port, so the pods must be in the order in which they were made.

        >>> from k8snet_course import Cluster
        >>> cluster = Cluster()
        >>> two = [cluster.add_pod(name, host_network=True) for name in ("first", "second")]
        >>> {key: len(rows) for key, rows in refusals(two, cluster.namespace("node-1")).items()}
        {'default/first': 0, 'default/second': 1}
    """
    bound, refused = list(namespace.listeners), list(namespace.refused)
    found: dict[str, tuple[Refused, ...]] = {}
    for pod in pods:
        mine = []
        for wanted in listeners_of(pod):
            row = next((row for row in refused if row.wanted == wanted), None)
            if wanted in bound:
                bound.remove(wanted)
            elif row is not None:
                refused.remove(row)
                mine.append(row)
        found[pod.key] = tuple(mine)
    return found


def _fitted(text: str, role: str, room: float) -> str:
    if measure(text, role) <= room:
        return text
    return fit_address(text, room) if role == "address" else fit(text, room, 8.0)


def _refused(row: Refused, room: float) -> str:
    """A program that could not listen, with the port if there is room for it."""
    name, port = row.wanted.program, row.wanted.port
    texts = (f"{_TAKEN}{name}: {port} taken", f"{_TAKEN}{name}: {port}")
    return next((text for text in texts if measure(text, "refused") <= room), _TAKEN + name)


def pod_box(facts: PodFacts, rows: PodRows, x: float, y: float) -> Box:
    """The box of a pod with its left upper corner at (x, y)."""
    pod = facts.pod
    middle, room = round(x + rows.pod / 2, 1), rows.pod - 8
    labels = [
        Label(middle, y + 20, fit(pod.label, rows.pod - 12, _NAME), "name"),
        Label(middle, y + 37, fit_address(pod.ip, room), "address"),
    ]
    labels += [
        Label(middle, y + 37 + LINE * number, text, role)
        for number, (text, role) in enumerate(facts.lines(rows), start=1)
    ]
    title = "; ".join([f"{pod}", *facts.said])
    kind = HOST_POD if pod.host_network else "pod"
    return Box(pod.key, "", kind, x, y, rows.pod, rows.pod_height, title, tuple(labels))
