"""Pods as kubectl sees them.

In the model a pod's containers run from the moment it is made, and never restart; ``Cluster.set_state`` says that it is not
ready, terminating or finished.

Source: kubernetes pkg/printers (printPod); Kubernetes API reference, core/v1 (PodStatus).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from k8snet_course.kubectl.kinds.form import NONE, Form
from k8snet_course.objects import Pod
from k8snet_course.services.endpoints import READY, PodState


def _phase(form: PodForm, pod: Pod) -> str:
    return form.phase(pod)


class PodForm(Form):
    """How pods are listed and written."""

    columns = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")
    wide = ("IP", "NODE", "NOMINATED NODE", "READINESS GATES")
    fields: ClassVar[Mapping[str, Callable[[Any, Any], str]]] = {
        "spec.nodeName": lambda form, pod: pod.node,
        "spec.restartPolicy": lambda form, pod: "Always",
        "spec.schedulerName": lambda form, pod: "default-scheduler",
        "spec.serviceAccountName": lambda form, pod: "default",
        "spec.hostNetwork": lambda form, pod: "true" if pod.host_network else "false",
        "status.phase": _phase,
        "status.podIP": lambda form, pod: pod.ip,
        "status.podIPs": lambda form, pod: pod.ip,
        "status.nominatedNodeName": lambda form, pod: "",
    }

    def state(self, pod: Pod) -> PodState:
        """How the pod is."""
        return self.server.api.services.state(pod.key)

    def phase(self, pod: Pod) -> str:
        """Running, or Succeeded where its programs have ended."""
        return "Succeeded" if self.state(pod).finished else "Running"

    def cells(self, pod: Pod) -> tuple[str, ...]:
        """NAME, READY, STATUS, RESTARTS, AGE."""
        state = self.state(pod)
        number = len(pod.containers) or 1
        if state is READY or state == READY:
            return (pod.name, f"{number}/{number}", "Running", "0", self.age(pod))
        status = "Terminating" if state.terminating else "Completed" if state.finished else "Running"
        ready = number if state.ready and not state.finished else 0
        return (pod.name, f"{ready}/{number}", status, "0", self.age(pod))

    def more(self, pod: Pod) -> tuple[str, ...]:
        """IP, NODE, and two columns that are always empty here."""
        return (pod.ip or NONE, pod.node or NONE, NONE, NONE)


FORM = PodForm
