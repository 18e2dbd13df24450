"""The controllers of Deployments and ReplicaSets: as many pods as are wanted, whatever happens to one of them.

A pod that is deleted is replaced under another name.  One that its workload's selector no longer selects is released: it stays,
on its own, and another takes its place; selected again, it is the workload's again, and the newest of too many goes.

Which pods a workload wants, and under which names, it says itself (:mod:`k8snet_course.manifests.workloads`); the objects are
kept by the API server.  This module knows which pod is whose.

Modelled simply: only pods of the names that a workload gives are ever its own; a real ReplicaSet takes every pod that it
selects and that belongs to nobody.

Source: Kubernetes documentation, "ReplicaSet"; pkg/controller/replicaset (which pods are deleted first).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from k8snet_course.control_plane import ControlPlane
from k8snet_course.objects import Pod

WORKLOADS = ("Deployment", "ReplicaSet")
"""The kinds that make pods."""


def _selector(workload: Any) -> Any:
    """What a workload's pods are told by: a Deployment's have its ReplicaSet's hash too."""
    return workload.replica_set().selector if type(workload).__name__ == "Deployment" else workload.selector


class Replicas:
    """The pods of the workloads of one cluster.

    ``held`` gives the objects of a kind by their keys, ``hold`` has one held in the place of the present one.  ``doomed`` are
    pods that are to go when everything else of a change has gone well.
    """

    def __init__(self, control: ControlPlane, held: Callable[[str], Mapping[str, Any]],
                 hold: Callable[[str, Any], None]) -> None:
        self.control = control
        self.doomed: list[Pod] = []
        self._held = held
        self._hold = hold
        self._owners: dict[str, tuple[str, str]] = {}
        """By pod's key the kind and key of the workload that made it, and that would replace it."""

    def owner(self, pod: Pod) -> Any:
        """The Deployment or ReplicaSet that made a pod, and that replaces it when it goes; None: nobody."""
        kind, key = self._owners.get(pod.key, ("", ""))
        return self._held(kind)[key] if kind else None

    def noted(self, before: Any, after: Any) -> None:
        """A workload is held in the place of another one; None: there was none, or is none any more."""
        if before is not None:
            for name in before.pod_names():
                self._owners.pop(f"{before.namespace}/{name}", None)
        if after is not None:
            at = (type(after).__name__, after.key)
            self._owners |= {f"{after.namespace}/{name}": at for name in after.pod_names()}

    def scaled(self, before: Any, after: Any) -> Any:
        """Make the pods that a workload wants, doom those that it wants no more, and return it as it is to be held."""
        after = self._with_free_names(after)
        self._scale(before.pods() if before is not None else (), after.pods())
        return after

    def replaced(self, pod: Pod, owner: Any) -> None:
        """Have a workload make another pod in the place of one."""
        kind, after = type(owner).__name__, self._with_free_names(owner.without(pod.name))
        self._hold(kind, after)
        self.control.undo_later(partial(self._hold, kind, owner))
        self._scale((), after.pods())

    def labelled(self, pod: Pod) -> None:
        """A pod may have other labels than before: it may be released, or be somebody's again."""
        owner = self.owner(pod)
        if owner is None:
            self._taken_back(pod)
        elif not owner.selector.matches(pod.labels):
            self.replaced(pod, owner)

    def _taken_back(self, pod: Pod) -> None:
        """A pod that was released and is selected again is its workload's again, which dooms the newest of too many."""
        for kind in WORKLOADS:
            for before in list(self._held(kind).values()):
                if before.namespace != pod.namespace or not pod.name.startswith(before.name[:50]):
                    continue
                after = before.with_again(pod.name) if _selector(before).matches(pod.labels) else before
                if after is not before:
                    self._scale([pod, *before.pods()], after.pods())
                    self._hold(kind, after)
                    self.control.undo_later(partial(self._hold, kind, before))

    def _with_free_names(self, workload: Any) -> Any:
        """A workload whose pods have names that no pod of somebody else has: one that was released may be there still.

        A pod of such a name that it selects and that is nobody's becomes its own: somebody has applied what was printed of it.
        """
        at, pods = f"{workload.namespace}/", self.control.pods
        while True:
            there = [pods[at + name] for name in workload.pod_names() if at + name in pods]
            taken = next((pod.name for pod in there if not self._own(workload, pod)), None)
            if taken is None:
                return workload
            workload = workload.without(taken)

    def _own(self, workload: Any, pod: Pod) -> bool:
        """Whether a pod is a workload's, or can be."""
        owner = self._owners.get(pod.key)
        if owner is not None:
            return owner == (type(workload).__name__, workload.key)
        return bool(_selector(workload).matches(pod.labels))

    def _scale(self, before: Sequence[Pod], after: Sequence[Pod]) -> None:
        """Make the pods that should be there, and doom those that should not."""
        stay = {pod.key for pod in after}
        for pod in before:
            if pod.key not in stay and pod.key in self.control.pods:
                self.doomed.append(self.control.pods[pod.key])
        for pod in after:
            if pod.key not in self.control.pods:
                self.control.create(pod)
