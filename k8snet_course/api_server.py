"""The API server of a cluster: every object that somebody has written, and what applying a manifest changes.

Objects are kept by kind and key.  Some have consequences, which others work out: pods are placed and attached by
:mod:`k8snet_course.control_plane`, Services get addresses from :mod:`k8snet_course.services.controller`, policies go into the
:class:`~k8snet_course.policy.PolicyIndex` that the pods' doors ask, names into the DNS :class:`~k8snet_course.dns.Zone`.

Either all of a manifest is applied or nothing: each change leaves its undoing in the control plane's journal.

Source: Kubernetes documentation, "Kubernetes API Concepts"; "kubectl apply".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from k8snet_course.control_plane import ControlPlane, collector_resting, listed
from k8snet_course.dns import Zone
from k8snet_course.errors import CourseError, InvalidArgument, NotFound
from k8snet_course.names import nearest, with_article
from k8snet_course.objects import Pod
from k8snet_course.objects.http_route import HTTPRoute
from k8snet_course.objects.ingress import Ingress
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.network_policy import NetworkPolicy
from k8snet_course.objects.service import Service
from k8snet_course.policy import PolicyIndex
from k8snet_course.replicas import WORKLOADS, Replicas
from k8snet_course.services import ingress
from k8snet_course.services.controller import ServiceController
from k8snet_course.services.kube_proxy.modes import KubeProxy
from k8snet_course.services.load_balancer import speaker

if TYPE_CHECKING:
    from k8snet_course.manifests.spot import Spot

FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
"""The namespaces that every cluster has from the start."""
IMMORTAL = ("default", "kube-public", "kube-system")
"""Those of them that nobody can delete."""


class _RehearsedError(Exception):
    """Everything went well, and is to be undone."""


class ApiServer:
    """The objects of one cluster, and what hangs on them."""

    def __init__(self, control: ControlPlane, services: ServiceController, proxy: KubeProxy, policies: PolicyIndex,
                 zone: Zone) -> None:
        self.control = control
        self.services = services
        self.proxy = proxy
        self.policies = policies
        self.zone = zone
        self._namespaces: dict[str, Namespace] = {}
        self._objects: dict[str, dict[str, Any]] = {"Namespace": self._namespaces}
        self._replicas = Replicas(control, self._of, self._put)
        self._announced: dict[str, tuple[str, str]] = {}
        self._announces: dict[str, str] = {}
        """By load balancer's address the Service and the node that answers for it; and by Service the address."""
        self._created = 0
        self.forgetful: list[Callable[[str], None]] = []
        """Who wants to know that an address has moved to another machine: a node says so by gratuitous ARP."""
        control.watchers.append(self._pod_changed)
        proxy.finds_by(self._behind_whom)
        for name in FIRST_NAMESPACES:
            self._put("Namespace", Namespace(name))

    # -- looking -------------------------------------------------------------------------------------------------------

    def all(self, kind: str) -> tuple[Any, ...]:
        """The objects of a kind, in the order in which they were made; pods are the control plane's."""
        return tuple(self._of(kind).values())

    def find(self, kind: str, key: str) -> Any:
        """The object of this kind and key, or None."""
        return self._of(kind).get(key)

    def there(self, kind: str, namespace: str, name: str) -> Any:
        """The object of this kind and name that somebody wrote, or None; without a namespace in ``default``."""
        return self.find(kind, f"{namespace or 'default'}/{name}")

    def present(self, kind: str, key: str) -> Any:
        """The object of this kind and key, whether somebody wrote it or a controller made it; or None."""
        found = self.find(kind, key)
        return found if found is not None else self._made(kind, key)

    def _made(self, kind: str, key: str) -> Any:
        """An object that a controller made: an EndpointSlice of a Service, a ReplicaSet of a Deployment.

        Its name is that of its owner and a few letters.
        """
        if kind not in ("EndpointSlice", "ReplicaSet"):
            return None
        owner = key.rpartition("-")[0]
        if kind == "EndpointSlice":
            several = self.services.slices(owner) if owner in self.services.services else ()
            written = self._of(kind)
        else:
            deployment = self._of("Deployment").get(owner)
            several, written = (deployment.replica_set(),) if deployment is not None else (), {}
        return next((one for one in several if one.key == key and key not in written), None)

    def get(self, kind: str, name: str, namespace: str = "default") -> Any:
        """An object by its name, or by namespace/name.  Raises NotFound."""
        held = self._of(kind)
        found = held.get(f"{namespace}/{name}", held.get(name)) if isinstance(name, str) else None
        if found is None:
            raise NotFound(name, f"{with_article(kind)} of this cluster ({listed(_label(key) for key in held)})",
                           f"write '{_label(nearest(name, held))}'" if held else "apply one first")
        return found

    def namespace(self, name: str) -> Namespace:
        """A namespace.  A shorthand such as ``add_pod(namespace=...)`` makes it, so there always is one."""
        found = self._of("Namespace").get(name)
        if found is None:
            found = Namespace(name)
            self._put("Namespace", found)
            self.control.clock.came("Namespace", name)
            self.control.undo_later(lambda: self._remove("Namespace", name))
        return found

    # -- changing ------------------------------------------------------------------------------------------------------

    def apply(self, wanted: Iterable[Any], spots: Sequence[Spot] = (), *, rehearsal: bool = False) -> tuple[Any, ...]:
        """Make the cluster hold these objects, or change nothing and raise what is wrong.  Returns them as they are held.

        ``spots`` are the places where they were written: an error then has the line.  In a ``rehearsal`` all of it is undone
        again.
        """
        from k8snet_course import manifests  # kinds and their fields are needed only where manifests are

        changes = manifests.plan(wanted, lambda kind, key: self.present(kind.name, key), spots)
        done: list[Any] = []
        self._replicas.doomed = []
        try:
            with self.control.all_or_nothing():
                self.control.undo_later(self.services.numbers.rewinder())
                for change in changes:  # one by one: an error is told with the line of the first that is not done
                    held = change.before if change.action == "unchanged" else self.put(change.after)
                    done.append(held)
                if rehearsal:
                    raise _RehearsedError
        except _RehearsedError:
            return tuple(done)
        except CourseError as error:
            if spots:
                error.stands_at(spots[len(done)].meant_by(error).line)
            raise
        for pod in self._replicas.doomed:  # nothing can fail any more
            self.control.delete(pod)
        return tuple(done)

    def put(self, after: Any) -> Any:
        """Hold one object, new or changed, with what follows from it at once."""
        kind, key = type(after).__name__, after.key
        before = self.find(kind, key)
        made = self._made(kind, key) if before is None else None
        if made is not None:
            return made  # whoever made it, makes it again as it was
        if hasattr(after, "namespace"):
            self.namespace(after.namespace)
        if isinstance(after, Pod):
            held_pod = self.control.apply(after)
            if before is not None:
                self._replicas.labelled(held_pod)
            return held_pod
        if isinstance(after, Service):
            held = self.services.put(after)
            if before is None:
                self.control.clock.came(kind, key)
            undo: Callable[[], object] = (lambda: self.services.put(before)) if before is not None else (
                lambda: self.services.remove(key))
            self.control.undo_later(undo)
            return held
        after = self._admitted(after, before)
        if kind in WORKLOADS:
            after = self._replicas.scaled(before, after)
        self._put(kind, after)
        if before is None:
            self.control.clock.came(kind, key)
        self.control.undo_later((lambda: self._put(kind, before)) if before is not None else (
            lambda: self._remove(kind, key)))
        return after

    def _admitted(self, after: Any, before: Any) -> Any:
        """An object as it is stored: a new Ingress gets the default class, a new HTTPRoute its age."""
        if isinstance(after, Ingress) and before is None:
            return ingress.admit(after, self.all("IngressClass"))
        if isinstance(after, HTTPRoute):
            self._created += before is None
            return replace(after, created=self._created if before is None else before.created)
        return after

    def owner(self, pod: Pod) -> Any:
        """The Deployment or ReplicaSet that made a pod, and that replaces it when it goes; None: nobody."""
        return self._replicas.owner(pod)

    def delete(self, kind: str, one: Any) -> None:
        """Take an object out, and what hangs on it; a workload replaces a pod of its own.

        Raises InvalidArgument for a namespace that every cluster has.
        """
        if kind == "Namespace":
            self._clear(one.name)
        if kind == "Pod":
            owner = self.owner(one)
            self.control.delete(one)
            if owner is not None:
                self._replicas.replaced(one, owner)
        elif kind == "Service":
            self.services.remove(one.key)
            self.control.clock.went(kind, one.key)
        else:
            if kind in WORKLOADS:
                for pod in one.pods():
                    if pod.key in self.control.pods:
                        self.control.delete(self.control.pods[pod.key])
            self._remove(kind, one.key)

    def _clear(self, namespace: str) -> None:
        """Take out everything in a namespace, what makes other objects first."""
        if namespace in IMMORTAL:
            raise InvalidArgument(namespace, "a namespace that may be deleted", "delete what is in it, one by one")
        for kind in (*WORKLOADS, *(kind for kind in self._objects if kind not in WORKLOADS), "Service", "Pod"):
            for one in list(self._of(kind).values()):
                if getattr(one, "namespace", "") == namespace and one.key in self._of(kind):
                    self.delete(kind, one)

    # -- what follows --------------------------------------------------------------------------------------------------

    def settle(self) -> bool:
        """Bring kube-proxy and DNS up to date with the Services.  Returns whether there was anything to do."""
        if not self.services.unsettled:
            return False
        with collector_resting():
            return self._settle()

    def _settle(self) -> bool:
        key = ""
        for key, service in self.services.settle():
            namespace, _, name = key.partition("/")
            if service is None:
                self.proxy.remove(key)
                self.zone.remove_service(namespace, name)
            else:
                self.namespace(namespace)
                behind = self.services.behind(service)
                if behind.number is None:
                    self.proxy.update(service, behind())
                else:
                    self.proxy.expect(service, behind.number, behind)
                self.zone.add_service(service)
                self.zone.expect_slices(namespace, name, behind)
            self._announce(key, service)
        return bool(key)

    def _behind_whom(self, address: str) -> Iterator[str]:
        """The keys of the Services that select a pod with this address."""
        for device in self.control.holders.get(address, ()):
            pod = self.control.pods.get(device)
            if pod is not None:
                yield from self.services.selecting(pod)

    def _announce(self, key: str, service: Service | None) -> None:
        """One node answers for a load balancer's address on the nodes' wire."""
        address, node = "", ""
        if service is not None and service.load_balancer_ips:
            address = service.load_balancer_ips[0]
            node = speaker(service, [state.node for state in self.control.nodes.values()],
                           self.services.slices(key))
        old = self._announces.get(key, "")
        if old and (old, self._announced[old][1]) != (address, node):
            self._fall_silent(old)
        if node and self._announced.get(address) != (key, node):
            if address in self._announced:  # the provider has taken it from another Service, of which we have not heard yet
                self._fall_silent(address)
            self.control.holds(node, address)
            self._announced[address], self._announces[key] = (key, node), address

    def _fall_silent(self, address: str) -> None:
        """No node answers for a load balancer's address any more."""
        self.control.lets_go_all(address)
        del self._announces[self._announced.pop(address)[0]]
        for forget in self.forgetful:
            forget(address)

    def _pod_changed(self, pod: Pod, gone: bool) -> None:
        if gone:
            self.services.remove_pod(pod.key)
        else:
            if pod.namespace not in self._namespaces:
                self.namespace(pod.namespace)
            self.services.add_pod(pod)

    def _of(self, kind: str) -> dict[str, Any]:
        if kind == "Pod":
            return self.control.pods
        if kind == "Service":
            return self.services.services
        return self._objects.setdefault(kind, {})

    def _put(self, kind: str, value: Any) -> None:
        if kind == "EndpointSlice":  # it may be refused
            self.services.put_slice(value)
            before = self._of(kind).get(value.key)
            if before is not None and before.service != value.service:
                self.services.remove_slice(before)
        if kind in WORKLOADS:
            self._replicas.noted(self._of(kind).get(value.key), value)
        self._of(kind)[value.key if kind != "Namespace" else value.name] = value
        if kind in ("NetworkPolicy", "ClusterNetworkPolicy"):
            self.policies.add(value)
            if isinstance(value, NetworkPolicy):
                self.namespace(value.namespace)
        elif kind == "Namespace":
            self.zone.add_namespace(value.name)

    def _remove(self, kind: str, key: str) -> None:
        value = self._of(kind).pop(key)
        if kind in WORKLOADS:
            self._replicas.noted(value, None)
        self.control.clock.went(kind, key)
        if kind in ("NetworkPolicy", "ClusterNetworkPolicy"):
            self.policies.remove(kind, key)
        elif kind == "Namespace":
            self.zone.remove_namespace(key)
        elif kind == "EndpointSlice":
            self.services.remove_slice(value)


def _label(key: str) -> str:
    return key.removeprefix("default/")
