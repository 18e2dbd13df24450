"""Nodes as kubectl sees them.

Nobody writes a node's manifest here; they come with ``Cluster(nodes=...)``.  What the model does not know of a machine (its
operating system, its kernel) is ``<unknown>``, as kubectl says it of a node that has not told.

Source: kubernetes pkg/printers (printNode); Kubernetes API reference, core/v1 (Node); kubectl describe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from k8snet_course.kubectl import human
from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import NONE, Form
from k8snet_course.kubectl.version import KUBERNETES
from k8snet_course.objects import Node

_ROLE = "node-role.kubernetes.io/"
_UNKNOWN = "<unknown>"
MOST_PODS = "110"
"""How many pods a kubelet takes, as it comes."""


class NodeForm(Form):
    """How nodes are listed and written."""

    columns = ("NAME", "STATUS", "ROLES", "AGE", "VERSION")
    wide = ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME")
    fields: ClassVar[Mapping[str, Callable[[Any, Any], str]]] = {"spec.unschedulable": lambda form, node: "false"}

    def all(self) -> Iterable[Node]:
        """The nodes."""
        return (state.node for state in self.server.control.nodes.values())

    def find(self, name: str, namespace: str) -> Node | None:
        """The node of this name, or None."""
        state = self.server.control.nodes.get(name)
        return state.node if state is not None else None

    def labels(self, node: Node) -> Mapping[str, str]:
        """The node's labels: the kubelet's, and those that somebody has added."""
        return self.server.control.nodes[node.name].labels

    def annotations(self, node: Node) -> Mapping[str, str]:
        """A node has none here."""
        return {}

    def born(self, node: Node) -> int:
        """A node is as old as the cluster."""
        return 0

    def roles(self, node: Node) -> str:
        """The roles that labels give it."""
        found = sorted(key.removeprefix(_ROLE) for key in self.labels(node) if key.startswith(_ROLE))
        return ",".join(found) or NONE

    def cells(self, node: Node) -> tuple[str, ...]:
        """NAME, STATUS, ROLES, AGE, VERSION."""
        return (node.name, "Ready", self.roles(node), self.age(node), KUBERNETES)

    def more(self, node: Node) -> tuple[str, ...]:
        """Its address, and what a real node would tell of itself."""
        return (node.ip, NONE, _UNKNOWN, _UNKNOWN, _UNKNOWN)

    def manifest(self, node: Node) -> dict[str, Any]:
        """The node as the API has it."""
        return {
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name},
            "spec": {"podCIDR": node.pod_cidr, "podCIDRs": list(node.pod_cidrs)},
            "status": {
                "addresses": [*({"type": "InternalIP", "address": ip} for ip in node.ips),
                              {"type": "Hostname", "address": node.name}],
                "allocatable": {"pods": MOST_PODS}, "capacity": {"pods": MOST_PODS},
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                                "message": "kubelet is posting ready status", "lastTransitionTime": human.timestamp(0)}],
                "nodeInfo": {"architecture": "amd64", "kubeletVersion": KUBERNETES, "operatingSystem": "linux"},
            },
        }

    def describe(self, node: Node) -> str:
        """The node, and the pods on it; nothing of processors and memory, which the model does not have."""
        text = f"Name:\t{node.name}\nRoles:\t{self.roles(node)}\n"
        text += tell.labels(self.labels(node)) + tell.notes({})
        text += f"CreationTimestamp:\t{tell.moment(0)}\nTaints:\t{NONE}\nUnschedulable:\tfalse\n"
        text += ("Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n"
                 "  ----\t------\t-----------------\t------------------\t------\t-------\n"
                 f"  Ready \tTrue \t{tell.moment(self.server.clock.now)} \t{tell.moment(0)} \tKubeletReady \t"
                 "kubelet is posting ready status\n")
        text += "Addresses:\n" + "".join(f"  InternalIP:\t{ip}\n" for ip in node.ips) + f"  Hostname:\t{node.name}\n"
        text += f"Capacity:\n  pods:\t{MOST_PODS}\nAllocatable:\n  pods:\t{MOST_PODS}\n"
        text += f"System Info:\n  Operating System:\tlinux\n  Architecture:\tamd64\n  Kubelet Version:\t{KUBERNETES}\n"
        text += f"PodCIDR:\t{node.pod_cidr}\nPodCIDRs:\t{','.join(node.pod_cidrs)}\n"
        pods = sorted(self.server.cluster.pods_on(node.name), key=lambda pod: (pod.namespace, pod.name))
        pods = [pod for pod in pods if not self.server.api.services.state(pod.key).finished]
        text += f"Non-terminated Pods:\t({len(pods)} in total)\n  Namespace\tName\t Age\n  ---------\t----\t ---\n"
        now = self.server.clock.now
        text += "".join(f"  {pod.namespace}\t{pod.name}\t {human.age(now - self.server.clock.born('Pod', pod.key))}\n"
                        for pod in pods)
        return text + tell.NO_EVENTS


FORMS = {"nodes": NodeForm}
