"""Deployments and ReplicaSets: pods by number, made from a template, under names that nobody chose.

A ReplicaSet asks for so many pods of one template; a Deployment asks for a ReplicaSet, a new one for each new template.  Here
they say which pods should be there, and no more: there is no rolling update, and the names are derived, not drawn, so that the
same manifest always gives the same names.  ``numbers`` says which of the derivable names are in use: a pod that is deleted is
replaced by the next one.

Source: Kubernetes API reference, apps/v1 (Deployment, ReplicaSet) and its validation; "Pod-template-hash label".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from k8snet_course.errors import InvalidManifest
from k8snet_course.manifests.metadata import HEAD, LABELS, metadata
from k8snet_course.manifests.pods import POD_RULES, POD_SPEC, make_pod, pod_attributes
from k8snet_course.manifests.records import Field, Group, Record, left_alone
from k8snet_course.manifests.scalars import Number, Texts
from k8snet_course.manifests.selectors import SELECTOR
from k8snet_course.manifests.spot import Spot
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.selector import LabelSelector

HASH_LABEL = "pod-template-hash"
"""The label by which a Deployment's pods of one template are told from those of another."""

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of made names: without vowels, so that no word comes out."""

_STEP = 5_782_207
"""From one pod's number to the next one's: no multiple of 3, so that five letters of 27 come back only after all have been."""


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """So many pods of one template.  ``template`` is a Pod without a name.

    >>> app = {"app": "web"}
    >>> web = ReplicaSet("web", replicas=2, selector=LabelSelector(app), template=Pod("", "", "", labels=app))
    >>> print(web)
    replicaset web, 2 pods app=web
    >>> [pod.name for pod in web.pods()]
    ['web-vkf9l', 'web-p965z']
    """

    name: str
    namespace: str = "default"
    replicas: int = 1
    selector: LabelSelector = field(default_factory=LabelSelector)
    template: Pod = field(default_factory=lambda: Pod("", "", ""))
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    numbers: tuple[int, ...] = ()
    """The numbers of its pods, counted from 0, as long as not all of them are the first ones."""

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    def pods(self) -> tuple[Pod, ...]:
        """The pods that should be there, without an address, and without a node unless the template names one.

        With more replicas there are more of them behind the same ones.
        """
        return tuple(replace(self.template, name=name, namespace=self.namespace) for name in self.pod_names())

    def pod_names(self) -> tuple[str, ...]:
        """The names of these pods, in order."""
        return self._names(self._in_use())

    def _names(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """The names of the pods with these numbers."""
        base, first = self.name[:57].rstrip("-."), _number(self.key)
        return tuple(f"{base}-{_letters(first + number * _STEP, 5)}" for number in numbers)

    def without(self, pod: str) -> Self:
        """The same workload when one of its pods is gone: the next pod, under another name, takes its place.

            >>> web = ReplicaSet("web", replicas=2)
            >>> web.without("web-vkf9l").pod_names()
            ('web-p965z', 'web-jxwzf')
        """
        used = self._in_use()
        gone = self.pod_names().index(pod)
        return replace(self, numbers=(*used[:gone], *used[gone + 1:], max(*used, *self.numbers, 0) + 1))

    def with_again(self, pod: str) -> Self:
        """The same workload when a pod that it once made is one of its pods again; of too many, the newest are none any more.

        For a pod that it has not made, the workload itself.

            >>> web = ReplicaSet("web", replicas=2)
            >>> web.without("web-vkf9l").with_again("web-vkf9l").pod_names() == web.pod_names()
            True
        """
        used = self._in_use()
        made = range(max(*used, *self.numbers, -1, -1) + 1)
        found = next((number for number, name in zip(made, self._names(made), strict=True) if name == pod), None)
        return self if found is None or found in used else replace(self, numbers=tuple(sorted({*used, *self.numbers, found})))

    def _in_use(self) -> Sequence[int]:
        """The numbers of its pods: those that it has, then the next ones."""
        if not self.numbers:
            return range(self.replicas)
        kept = self.numbers[:self.replicas]
        following = max(self.numbers) + 1
        return (*kept, *range(following, following + self.replicas - len(kept)))

    def __str__(self) -> str:
        return f"{type(self).__name__.lower()} {self.label}, {self.replicas} pods {self.selector}"


@dataclass(frozen=True, slots=True)
class Deployment(ReplicaSet):
    """A ReplicaSet by way of its template: another template means another ReplicaSet, and pods of other names.

    >>> app = {"app": "web"}
    >>> web = Deployment("web", selector=LabelSelector(app), template=Pod("", "", "", labels=app))
    >>> print(web.replica_set())
    replicaset web-dqxwgnhx9m, 1 pods app=web,pod-template-hash=dqxwgnhx9m
    """

    def replica_set(self) -> ReplicaSet:
        """The ReplicaSet that holds its pods now; it and its pods have the label ``pod-template-hash``."""
        digest = _letters(_number(str(TEMPLATE.write(self.template))), 10)
        chosen = {HASH_LABEL: digest}
        selector = replace(self.selector, match_labels={**self.selector.match_labels, **chosen})
        template = replace(self.template, labels={**self.template.labels, **chosen})
        return ReplicaSet(f"{self.name}-{digest}", self.namespace, self.replicas, selector, template,
                          {**self.labels, **chosen}, numbers=self.numbers)

    def pods(self) -> tuple[Pod, ...]:
        """The pods of its ReplicaSet."""
        return self.replica_set().pods()

    def pod_names(self) -> tuple[str, ...]:
        """Their names."""
        return self.replica_set().pod_names()

    def _names(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """The names of its ReplicaSet's pods with these numbers."""
        return self.replica_set()._names(numbers)


def made_letters(text: str, count: int) -> str:
    """So many letters of a made name, always the same for a text.

    >>> made_letters("web", 5)
    'ntbvs'
    """
    return _letters(_number(text), count)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def _letters(number: int, count: int) -> str:
    """The last so many digits of a number, written in the alphabet."""
    return "".join(_ALPHABET[number // len(_ALPHABET)**place % len(_ALPHABET)] for place in range(count))


def _template(node: str = "", **attributes: Any) -> Pod:
    return make_pod(node, name="", **attributes)


TEMPLATE = Record(_template, (
    Field("metadata", Group((
        Field("labels", LABELS, "labels"),
        Field("annotations", Texts(), "annotations"),
        *left_alone("creationTimestamp", "name", "namespace"),
    ))),
    Field("spec", POD_SPEC, required=True),
), rules=POD_RULES, take=pod_attributes, of=Pod)


def _selects_its_pods(workload: ReplicaSet, spot: Spot) -> None:
    """Its selector selects the pods of its template, or it would make pods without end."""
    if workload.selector.empty:
        raise spot.at("spec", "selector").refusal("an empty selector", "labels that select the pods of the template",
                                                  "write matchLabels with the labels of spec.template.metadata")
    failing = workload.selector.failing(workload.template.labels)
    if failing:
        raise spot.at("spec", "template", "metadata", "labels").refusal(
            f"a template without {failing}", "spec.selector to select the pods of spec.template", "give both the same labels")


def _record(made: type[ReplicaSet], *others: str) -> Record:
    what = f"{made.__name__} name"
    return Record(made, (
        *HEAD, metadata(what), Field("spec", Group((
            Field("replicas", Number(0, 5000), "replicas", always=True),
            Field("selector", SELECTOR, "selector", required=True),
            Field("template", TEMPLATE, "template", required=True),
            *left_alone("minReadySeconds", *others),
        )), required=True), *left_alone("status"),
    ), rules=(_selects_its_pods,))


REPLICA_SET = _record(ReplicaSet)
DEPLOYMENT = _record(Deployment, "paused", "progressDeadlineSeconds", "revisionHistoryLimit", "strategy")


def updated(present: ReplicaSet, wanted: ReplicaSet) -> ReplicaSet:
    """The workload to hold: what is wanted, with the pods of the present one as long as the template is the same.

    Raises InvalidManifest for another selector.

    >>> print(updated(Deployment("web"), Deployment("web", replicas=3)))
    deployment web, 3 pods <all>
    """
    if present.selector != wanted.selector:
        kind = type(present).__name__.lower()
        raise InvalidManifest(f"the selector {wanted.selector}",
                              f"{kind} {present.label} to keep its selector {present.selector} for its lifetime",
                              f"delete('{kind}', '{present.name}') first, then apply it again")
    same = TEMPLATE.write(present.template) == TEMPLATE.write(wanted.template)
    return replace(wanted, numbers=present.numbers if same else ())
