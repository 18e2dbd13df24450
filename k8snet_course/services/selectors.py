"""Which pods a Service selects, and which Services select a pod, without looking at all of them.

A selector is a map of labels: a pod is selected when it has every one of them with that very value.  Only pods of the Service's
own namespace are meant.  A Service with an empty selector selects nothing: its endpoints are written by somebody else.

Source: Kubernetes documentation, "Labels and Selectors" (equality-based requirements); "Service".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import EXTERNAL_NAME, Service


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a selector.  The empty selector of a Service selects nothing.

    >>> [selects({"app": "web"}, labels) for labels in ({"app": "web", "tier": "front"}, {"app": "db"}, {})]
    [True, False, False]
    """
    return bool(selector) and selector.items() <= labels.items()


_NOBODY: dict[str, None] = {}


class SelectorIndex:
    """Pods and Services by label, so that a change of one looks only at those it concerns.

    Pods are given back in the order in which they were added.

        >>> index = SelectorIndex()
        >>> index.add_pod(Pod("web-1", "node-1", "10.244.0.2", labels={"app": "web"}))
        >>> web = Service("web", selector={"app": "web"})
        >>> index.add_service(web)
        >>> [pod.name for pod in index.pods_of(web)], [service.name for service in index.services_of(index.pods_of(web)[0])]
        (['web-1'], ['web'])
    """

    __slots__ = ("_next", "_order", "_pods", "_pods_by_label", "_services", "_services_by_label")

    def __init__(self) -> None:
        self._pods: dict[str, Pod] = {}
        self._order: dict[str, int] = {}
        self._next = 0
        self._pods_by_label: dict[tuple[str, str, str], dict[str, None]] = {}
        self._services: dict[str, Service] = {}
        self._services_by_label: dict[tuple[str, str, str], dict[str, None]] = {}

    def add_pod(self, pod: Pod) -> None:
        """Take a pod in, or put it in the place of the one with the same key."""
        place = self._order.get(pod.key, self._next)
        self._next = max(self._next, place + 1)
        self.remove_pod(pod.key)
        self._pods[pod.key] = pod
        self._order[pod.key] = place
        for label in pod.labels.items():
            self._pods_by_label.setdefault((pod.namespace, *label), {})[pod.key] = None

    def remove_pod(self, key: str) -> None:
        """Take a pod out.  A pod that is not there is no error."""
        pod = self._pods.pop(key, None)
        self._order.pop(key, None)
        if pod is not None:
            _forget(self._pods_by_label, [(pod.namespace, *label) for label in pod.labels.items()], key)

    def pod(self, key: str) -> Pod | None:
        """The pod of this key, or None."""
        return self._pods.get(key)

    def add_service(self, service: Service) -> None:
        """Take a Service in, or put it in the place of the one with the same key."""
        key = service.key
        if key in self._services:
            self.remove_service(key)
        self._services[key] = service
        if service.selector and service.type != EXTERNAL_NAME:
            label = (service.namespace, *next(iter(service.selector.items())))
            self._services_by_label.setdefault(label, {})[key] = None

    def remove_service(self, key: str) -> None:
        """Take a Service out.  A Service that is not there is no error."""
        service = self._services.pop(key, None)
        if service is not None:
            _forget(self._services_by_label, [(service.namespace, *label) for label in service.selector.items()], key)

    def pods_of(self, service: Service) -> tuple[Pod, ...]:
        """The pods that a Service selects, in the order in which they were added."""
        return tuple([self._pods[key] for key in sorted(self.keys_of(service), key=self._order.__getitem__)])

    def keys_of(self, service: Service) -> Collection[str]:
        """The keys of these pods, in no order that means anything."""
        if service.type == EXTERNAL_NAME or not service.selector:
            return ()
        groups = [self._pods_by_label.get((service.namespace, *label), _NOBODY) for label in service.selector.items()]
        if len(groups) == 1:
            return groups[0]
        return [key for key in min(groups, key=len) if all(key in group for group in groups)]

    def services_of(self, pod: Pod) -> tuple[Service, ...]:
        """The Services that select a pod, in the order of their names."""
        keys = [key for label in pod.labels.items() for key in self._services_by_label.get((pod.namespace, *label), ())]
        return tuple(self._services[key] for key in sorted(keys) if selects(self._services[key].selector, pod.labels))


def _forget(groups: dict[tuple[str, str, str], dict[str, None]], labels: list[tuple[str, str, str]], key: str) -> None:
    for label in labels:
        group = groups.get(label)
        if group is not None:
            group.pop(key, None)
            if not group:
                del groups[label]
