"""Deployments and ReplicaSets as kubectl sees them.

Here a Deployment's pods are there at once, and there is no rolling update; the ReplicaSet in the middle is worked out.

Source: kubernetes pkg/printers (printDeployment, printReplicaSet); kubectl describe; apps/v1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snet_course.kubectl import human
from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import NONE, Form
from k8snet_course.kubectl.kinds.pods import fill_spec
from k8snet_course.manifests.workloads import Deployment, ReplicaSet
from k8snet_course.objects import Container, Pod


class WorkloadForm(Form):
    """What both have: pods by number."""

    wide = ("CONTAINERS", "IMAGES", "SELECTOR")

    def pods(self, one: ReplicaSet) -> list[Pod]:
        """Its pods that are there."""
        held = self.server.control.pods
        return [held[pod.key] for pod in one.pods() if pod.key in held]

    def counts(self, one: ReplicaSet) -> tuple[int, int]:
        """How many pods there are, and how many of them are ready."""
        states = [self.server.api.services.state(pod.key) for pod in self.pods(one)]
        return len(states), sum(state.ready and not state.terminating and not state.finished for state in states)

    def more(self, one: ReplicaSet) -> tuple[str, ...]:
        """CONTAINERS, IMAGES, SELECTOR."""
        boxes = one.template.containers
        return (",".join(box.name for box in boxes), ",".join(box.image for box in boxes), tell.selector(one.selector))

    def template(self, one: ReplicaSet) -> str:
        """The template of its pods."""
        text = "Pod Template:\n" + tell.labels(one.template.labels, "  ")
        if one.template.annotations:
            text += tell.notes(one.template.annotations, "  ")
        text += "  Containers:\n" + "".join(_container(box) for box in one.template.containers)
        return text + f"  Volumes:\t{NONE}\n  Node-Selectors:\t{NONE}\n  Tolerations:\t{NONE}\n"


class DeploymentForm(WorkloadForm):
    """How Deployments are listed and written."""

    columns = ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE")

    def cells(self, one: Deployment) -> tuple[str, ...]:
        """NAME, READY, UP-TO-DATE, AVAILABLE, AGE."""
        there, ready = self.counts(one)
        return (one.name, f"{ready}/{one.replicas}", str(there), str(ready), self.age(one))

    def fill(self, one: Deployment, served: dict[str, Any]) -> None:
        """The strategy, which does nothing here, and how many pods there are."""
        there, ready = self.counts(one)
        fill_spec(served["spec"]["template"]["spec"])
        served["spec"] |= {"progressDeadlineSeconds": 600, "revisionHistoryLimit": 10}
        served["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
        served["status"] = {
            "replicas": there, "updatedReplicas": there, "readyReplicas": ready, "availableReplicas": ready,
            "unavailableReplicas": one.replicas - ready,
            "conditions": [{"type": "Available", "status": "True" if ready >= _least(one) else "False",
                            "lastTransitionTime": human.timestamp(self.born(one)),
                            "reason": f"MinimumReplicas{'Available' if ready >= _least(one) else 'Unavailable'}"}],
        }

    def describe(self, one: Deployment) -> str:
        """The Deployment, its template, and its ReplicaSet."""
        there, ready = self.counts(one)
        text = f"Name:\t{one.name}\nNamespace:\t{one.namespace}\nCreationTimestamp:\t{tell.moment(self.born(one))}\n"
        text += tell.labels(one.labels) + tell.notes(one.annotations) + f"Selector:\t{tell.selector(one.selector)}\n"
        text += (f"Replicas:\t{one.replicas} desired | {there} updated | {there} total | {ready} available | "
                 f"{one.replicas - ready} unavailable\n")
        text += "StrategyType:\tRollingUpdate\nMinReadySeconds:\t0\n"
        text += "RollingUpdateStrategy:\t25% max unavailable, 25% max surge\n"
        text += self.template(one)
        enough = ready >= _least(one)
        text += ("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n  Available \t"
                 f"{'True' if enough else 'False'}\tMinimumReplicas{'Available' if enough else 'Unavailable'}\n")
        made = one.replica_set()
        return text + (f"OldReplicaSets:\t{NONE}\nNewReplicaSet:\t{made.name} ({there}/{made.replicas} replicas created)\n"
                       f"{tell.NO_EVENTS}")


class ReplicaSetForm(WorkloadForm):
    """How ReplicaSets are listed and written."""

    columns = ("NAME", "DESIRED", "CURRENT", "READY", "AGE")

    def all(self) -> Iterator[ReplicaSet]:
        """Those that somebody wrote, and those of the Deployments."""
        yield from self.server.api.all("ReplicaSet")
        yield from (one.replica_set() for one in self.server.api.all("Deployment"))

    def find(self, name: str, namespace: str) -> ReplicaSet | None:
        """The ReplicaSet of this name, or None."""
        return next((one for one in self.all() if one.name == name and one.namespace == namespace), None)

    def owner(self, one: ReplicaSet) -> str:
        """The Deployment that made it; empty: somebody wrote it."""
        if self.server.api.find("ReplicaSet", one.key) is not None:
            return ""
        return one.name.rpartition("-")[0]

    def born(self, one: ReplicaSet) -> int:
        """One that a Deployment made is counted as old as that."""
        owner = self.owner(one)
        clock = self.server.clock
        return clock.born("Deployment", f"{one.namespace}/{owner}") if owner else clock.born("ReplicaSet", one.key)

    def cells(self, one: ReplicaSet) -> tuple[str, ...]:
        """NAME, DESIRED, CURRENT, READY, AGE."""
        there, ready = self.counts(one)
        return (one.name, str(one.replicas), str(there), str(ready), self.age(one))

    def fill(self, one: ReplicaSet, served: dict[str, Any]) -> None:
        """Who made it, and how many pods there are."""
        there, ready = self.counts(one)
        fill_spec(served["spec"]["template"]["spec"])
        owner = self.owner(one)
        if owner:
            served["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "controller": True, "kind": "Deployment",
                                                      "name": owner}]
        served["status"] = {"availableReplicas": ready, "fullyLabeledReplicas": there, "readyReplicas": ready,
                            "replicas": there}

    def describe(self, one: ReplicaSet) -> str:
        """The ReplicaSet and its template."""
        states = [self.server.api.services.state(pod.key) for pod in self.pods(one)]
        there, done = len(states), sum(state.finished for state in states)
        text = f"Name:\t{one.name}\nNamespace:\t{one.namespace}\nSelector:\t{tell.selector(one.selector)}\n"
        text += tell.labels(one.labels) + tell.notes(one.annotations)
        if self.owner(one):
            text += f"Controlled By:\tDeployment/{self.owner(one)}\n"
        text += f"Replicas:\t{there} current / {one.replicas} desired\n"
        text += f"Pods Status:\t{there - done} Running / 0 Waiting / {done} Succeeded / 0 Failed\n"
        return text + self.template(one) + tell.NO_EVENTS


def _least(one: ReplicaSet) -> int:
    """How many pods must be available: all but a quarter."""
    return one.replicas - one.replicas // 4


def _container(box: Container) -> str:
    return (f"   {box.name}:\n    Image:\t{box.image}\n{tell.ports(box, '    ')}    Environment:\t{NONE}\n"
            f"    Mounts:\t{NONE}\n")


FORMS = {"deployments": DeploymentForm, "replicasets": ReplicaSetForm}
