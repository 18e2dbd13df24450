"""Pods as kubectl sees them.

In the model a pod's containers run from the moment it is made, and never restart; ``Cluster.set_state`` says that it is not
ready, terminating or finished.

Source: kubernetes pkg/printers (printPod); Kubernetes API reference, core/v1 (PodStatus).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from k8snet_course.kubectl import human
from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import NONE, Form
from k8snet_course.manifests.workloads import Deployment
from k8snet_course.objects import Pod
from k8snet_course.services.endpoints import READY, PodState

GRACE = 30
"""So many seconds a pod has between being told to stop and being killed."""


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
        "status.phase": lambda form, pod: str(form.phase(pod)),
        "status.podIP": lambda form, pod: pod.ip,
        "status.podIPs": lambda form, pod: pod.ip,
        "status.nominatedNodeName": lambda form, pod: "",
    }

    def state(self, pod: Pod) -> PodState:
        """How the pod is."""
        return self.server.api.services.state(pod.key)

    def owner(self, pod: Pod) -> str:
        """The name of the ReplicaSet that made the pod; empty: nobody did."""
        made = self.server.api.owner(pod)
        if made is None:
            return ""
        return str((made.replica_set() if isinstance(made, Deployment) else made).name)

    def phase(self, pod: Pod) -> str:
        """Running, or Succeeded where its programs have ended."""
        return "Succeeded" if self.state(pod).finished else "Running"

    def end(self, pod: Pod) -> int:
        """When a pod that was told to stop will be killed."""
        return self.server.clock.born("end of Pod", pod.key) + GRACE

    def finish(self, pod: Pod) -> int:
        """When the programs of a pod ended."""
        return self.server.clock.born("result of Pod", pod.key)

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

    def fill(self, pod: Pod, served: dict[str, Any]) -> None:
        """What the API server and the kubelet fill in."""
        spec, state = served["spec"], self.state(pod)
        fill_spec(spec)
        spec |= {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
                 "serviceAccount": "default", "serviceAccountName": "default"}
        owner = self.owner(pod)
        if owner:
            served["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "blockOwnerDeletion": True, "controller": True,
                                                      "kind": "ReplicaSet", "name": owner}]
        if state.terminating:
            served["metadata"] |= {"deletionGracePeriodSeconds": GRACE, "deletionTimestamp": human.timestamp(self.end(pod))}
        hosts = [{"ip": ip} for ip in self.server.control.nodes[pod.node].node.ips]
        now, ready = human.timestamp(self.born(pod)), state.ready and not state.finished
        running: dict[str, Any] = {"running": {"startedAt": now}}
        if state.finished:
            running = {"terminated": {"exitCode": 0, "finishedAt": human.timestamp(self.finish(pod)), "reason": "Completed",
                                      "startedAt": now}}
        served["status"] = {
            "phase": self.phase(pod), "hostIP": hosts[0]["ip"], "hostIPs": hosts, "podIP": pod.ip,
            "podIPs": [{"ip": ip} for ip in pod.ips], "qosClass": "BestEffort", "startTime": now,
            "conditions": [_condition(name, good, now) for name, good in _conditions(ready)],
            "containerStatuses": [{"name": box.name, "image": box.image, "ready": ready, "restartCount": 0,
                                   "started": not state.finished, "state": running} for box in pod.containers],
        }

    def describe(self, pod: Pod) -> str:
        """The pod, its containers and its conditions."""
        state = self.state(pod)
        ready = state.ready and not state.finished
        node = self.server.control.nodes[pod.node].node
        text = f"Name:\t{pod.name}\nNamespace:\t{pod.namespace}\nPriority:\t0\nService Account:\tdefault\n"
        text += f"Node:\t{pod.node}/{node.ip}\nStart Time:\t{tell.moment(self.born(pod))}\n"
        text += tell.labels(pod.labels) + tell.notes(pod.annotations)
        if state.terminating:
            lasts = human.age(self.server.clock.now - self.end(pod))
            text += f"Status:\tTerminating (lasts {lasts})\nTermination Grace Period:\t{GRACE}s\n"
        else:
            text += f"Status:\t{self.phase(pod)}\n"
        text += f"IP:\t{pod.ip}\nIPs:\n"
        text += "".join(f"  IP:\t{ip}\n" for ip in pod.ips)
        text += f"Controlled By:\tReplicaSet/{self.owner(pod)}\n" if self.owner(pod) else ""
        text += "Containers:\n"
        started = tell.moment(self.born(pod))
        for box in pod.containers:
            text += f"  {box.name}:\n    Container ID:\t\n    Image:\t{box.image}\n    Image ID:\t\n{tell.ports(box, '    ')}"
            if state.finished:
                text += "    State:\tTerminated\n      Reason:\tCompleted\n      Exit Code:\t0\n"
                text += f"      Started:\t{started}\n      Finished:\t{tell.moment(self.finish(pod))}\n"
            else:
                text += f"    State:\tRunning\n      Started:\t{started}\n"
            text += f"    Ready:\t{ready}\n    Restart Count:\t0\n    Environment:\t{NONE}\n    Mounts:\t{NONE}\n"
        text += "Conditions:\n  Type\tStatus\n" + "".join(f"  {name} \t{good} \n" for name, good in _conditions(ready))
        return text + (f"Volumes:\t{NONE}\nQoS Class:\tBestEffort\nNode-Selectors:\t{NONE}\nTolerations:\t{NONE}\n"
                       f"{tell.NO_EVENTS}")


def fill_spec(spec: dict[str, Any]) -> None:
    """What the API server fills into the specification of a pod, in a template too."""
    for name, value in (("dnsPolicy", "ClusterFirst"), ("restartPolicy", "Always"), ("schedulerName", "default-scheduler"),
                        ("terminationGracePeriodSeconds", GRACE)):
        spec.setdefault(name, value)
    for box in spec["containers"]:
        box["imagePullPolicy"] = _pull_policy(box["image"])
        for port in box.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _conditions(ready: bool) -> tuple[tuple[str, bool], ...]:
    return (("PodReadyToStartContainers", True), ("Initialized", True), ("Ready", ready), ("ContainersReady", ready),
            ("PodScheduled", True))


def _condition(name: str, good: bool, moment: str) -> dict[str, Any]:
    """One condition.  When a pod stopped being ready, the model does not keep."""
    if good:
        return {"type": name, "status": "True", "lastTransitionTime": moment}
    return {"type": name, "status": "False", "reason": "ContainersNotReady"}


def _pull_policy(image: str) -> str:
    """Always for the tag latest, given or not."""
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    return "IfNotPresent" if "@" in image or tag not in ("", "latest") else "Always"


FORMS = {"pods": PodForm}
