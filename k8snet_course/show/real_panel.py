"""Model and real Linux side by side: a table, and a panel that lays a cluster out anew whenever a control changes.

It decides nothing: the model's answers are its walks, Linux's are real packets in a lab
(:mod:`k8snet_course.emulator`).
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, Lab, NotEmulated, Sent, emulate
from k8snet_course.emulator.agreement import agree, asked_likewise
from k8snet_course.emulator.lab import Wanted
from k8snet_course.emulator.plan import PLUGINS
from k8snet_course.show.grid import Grid
from k8snet_course.show.panel import Panel, Seen, choice
from k8snet_course.show.path_panel import NOTHING, SOURCE, TARGET, breakages, broken_by, two_pods

THE_SAME = "the same"
PROBES: tuple[Wanted, ...] = (
    (SOURCE, TARGET, 80, "TCP"), (SOURCE, TARGET, 81, "TCP"), (SOURCE, TARGET, None, "ICMP"), (TARGET, SOURCE, 80, "TCP"),
    ("node-2", TARGET, 80, "TCP"), (SOURCE, "internet", None, "ICMP"))
"""What the panel asks both."""


def beside(cluster: Cluster, lab: Lab, probes: Iterable[Wanted], patience: float = 1.5) -> Grid:
    """Ask both, and put the answers beside each other.  Raises NotFound or InvalidArgument.

    Of a Service with several endpoints Linux draws one; the model is asked until it draws the same.
    """
    wanted = list(probes)
    nodes = [node.name for node in cluster.nodes]
    rows = []
    for probe, linux in zip(wanted, lab.send_all(wanted, patience), strict=True):
        _, model = asked_likewise(cluster, probe, linux)
        source, target, port, protocol, *size = probe
        asked = f"{source} → {target}, {'ping' if port is None else f'{protocol} {port}'}"
        asked += f" with {size[0]} bytes" if size else ""
        rows.append((asked, *told(linux), THE_SAME if agree(linux, model, nodes) else "; ".join(told(model))))
    return Grid.of("Real Linux, and the model beside it",
                   ("probe", "Linux: the sender notices", "the receiver sees", "devices on the way", "model"), rows)


def told(one: Sent) -> tuple[str, str, str]:
    """What became of a probe, in three cells.

    >>> from k8snet_course.emulator import Outcome
    >>> told(Sent("a", "b", "TCP", 80, Outcome.DELIVERED, "b", "10.244.0.2", 64, ("a", "node-1", "b")))
    ('delivered', 'from 10.244.0.2, TTL 64', 'a, node-1, b')
    """
    if not one.arrived:
        return str(one.verdict), "-", "-"
    tunnel = f" ({', '.join(outer.split()[0] for outer in one.encapsulated)})" if one.encapsulated else ""
    return str(one.verdict), f"from {one.source_seen}, TTL {one.ttl}", ", ".join(one.path) + tunnel


class RealPanel(Panel):
    """Chapter 06's two pods, in the model and in real Linux: switch the plugin, break one thing, and compare.

    ``panel.plugin`` and ``panel.broken`` are the controls.  Where no lab can be made, the panel says why, and shows the model.
    """

    def __init__(self, cni: str = "flannel") -> None:
        self.plugin = choice("Plugin", PLUGINS, cni)
        self.broken = choice("Break", [one.label for one in breakages(two_pods(cni))], NOTHING, "430px")
        super().__init__([[self.plugin], [self.broken]], self._look)
        self.add_class("k8-tables-first")

    def _look(self) -> Seen:
        cluster, lost = broken_by(self.plugin.value, self.broken)
        try:
            with emulate(cluster) as lab:
                table, notice = beside(cluster, lab, PROBES), ""
        except (EmulatorUnavailable, NotEmulated) as error:
            table, notice = Grid.of("Real Linux", ("probe",), ()), str(error)
        trace = cluster.send(SOURCE, TARGET)
        disagree = sum(row[-1] != THE_SAME for row in table.rows)
        verdict = f"{disagree} of {len(table.rows)} answers differ." if disagree else "The two agree."
        return Seen(cluster, trace, [table], notice or f"{lost}{self.broken.value}. {verdict}")
