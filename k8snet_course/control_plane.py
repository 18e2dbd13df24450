"""What the cluster decides: which nodes and pods there are, on which node a pod runs, and which address it gets.

Here are the jobs that Kubernetes' control plane and the container runtime have between them: a podCIDR for each node, the
scheduler's choice, CNI ADD and DEL for a pod.  Each method checks everything before it changes anything.

It knows no tables and no packets: those are derived from its decisions by :mod:`k8snet_course.cluster`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush, heapreplace

from k8snet_course.addressing import DualStackNodeCidrs, NodeBlocks
from k8snet_course.clock import Clock
from k8snet_course.cni import Attachment, Ipam, Json, Peers, Plugin, container_id
from k8snet_course.errors import AlreadyExists, InvalidArgument, NotFound, Unschedulable
from k8snet_course.names import check_labels, dns_label, dns_subdomain, nearest
from k8snet_course.objects import Node, Pod
from k8snet_course.programs import HostPort, host_ports, listeners_of
from k8snet_course.underlay import Underlay

MAX_NODES = 5000
"""The documented limit of a Kubernetes cluster (Kubernetes documentation, "Considerations for large clusters")."""
ZONE_LABEL = "topology.kubernetes.io/zone"
"""The label that says in which zone (a data centre of a region) a node stands."""
_BITS = 13
_NUMBER = (1 << _BITS) - 1
"""How the number of a node and its pods are kept in one integer, for the heap."""


@dataclass(slots=True)
class NodeState:
    """What has been decided about one node: its podCIDR, who holds which address of it, and the pods attached.

    ``number`` is its place among the nodes, counted from 0.  ``at_home`` are the pods that use the node's own network;
    ``cables`` has for each other pod its container id, its address, and the ifindex of its interface on the node,
    ``second_ips`` its second address, if there is one.  ``populated`` says that the plugin has attached a pod here, which may
    be gone again: what it made for the first one can outlast the last one.
    """

    node: Node
    ipam: Ipam
    next_index: int
    number: int
    plugin: Plugin
    second_ipam: Ipam | None = None
    cables: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    second_ips: dict[str, str] = field(default_factory=dict)
    looked_at: dict[str, Attachment] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    at_home: dict[str, None] = field(default_factory=dict)
    host_ports: list[tuple[str, HostPort]] = field(default_factory=list)
    more_labels: dict[str, str] = field(default_factory=dict)
    populated: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The node's labels: those that the kubelet gives it, and those that somebody has added."""
        return {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": self.node.name, "kubernetes.io/os": "linux",
                **self.more_labels}

    @property
    def zone(self) -> str:
        """The zone in which the node stands, as its label says; empty: nobody has said."""
        return self.more_labels.get(ZONE_LABEL, "")

    @property
    def load(self) -> int:
        """How many pods run here."""
        return len(self.cables) + len(self.at_home)

    def attachment(self, key: str) -> Attachment:
        """How a pod of this node is attached; made when somebody looks, because a large cluster has very many."""
        found = self.looked_at.get(key)
        if found is None:
            found = self.looked_at[key] = Attachment(key, *self.cables[key], self, self.second_ips.get(key, ""))
        return found

    @property
    def attachments(self) -> list[Attachment]:
        """How the pods of this node are attached, in the order in which they came."""
        return [self.attachment(key) for key in self.cables]

    def conflict(self, wanted: Iterable[HostPort]) -> str:
        """Which pod has one of these ports of the node already; empty: none."""
        return next((key for one in wanted for key, taken in self.host_ports if one.excludes(taken)), "")

    def add_result(self, container: str, address: str, second: str = "") -> Json:
        """What the plugin printed for a container of this node that got this address, and in dual stack a second one."""
        return self.plugin.add_result(self.node, self.ipam, container, address, second)


Watcher = Callable[[Pod, bool], None]
"""Who wants to know of pods: called with the pod as it now is, or (True) as it was before it went."""


class ControlPlane:
    """The decisions of one cluster.  ``nodes`` and ``pods`` are in the order in which they were made.

    ``holders`` says for each address which devices have it: usually one, and the course is interested in the exceptions.
    ``watchers`` are told of each pod that comes, changes or goes; before anything has been ``looked_at``, they need not hear of
    a pod without labels in the namespace that is always there.
    """

    def __init__(self, plugin: Plugin, underlay: Underlay, cidrs: DualStackNodeCidrs, nodes: int) -> None:
        self.plugin = plugin
        self.nodes: dict[str, NodeState] = {}
        self.pods: dict[str, Pod] = {}
        self.holders: dict[str, tuple[str, ...]] = {address: (name,) for name, address in underlay.held()}
        self.watchers: list[Watcher] = []
        self.looked_at = False
        self.clock = Clock()
        self._sandboxes = 0
        self._journal: list[Callable[[], object]] | None = None
        self._saved: set[int] = set()
        addresses, second = underlay.node_addresses(), underlay.second_node_addresses()
        for number in range(nodes):
            ip, (cidr, *more) = next(addresses), cidrs.allocate()
            node = Node(f"node-{number + 1}", ip, cidr, next(second, ""), more[0] if more else "")
            self.nodes[node.name] = NodeState(node, plugin.ipam(node), plugin.first_pod_index, number, plugin,
                                              plugin.second_ipam(node))
            for address in node.ips:
                self.holds(node.name, address)
            self._note_addresses(self.nodes[node.name])
        self.peers = Peers([state.node for state in self.nodes.values()])
        self._in_order = list(self.nodes.values())
        self._by_load = list(range(len(self._in_order)))

    def node(self, name: str) -> NodeState:
        """The state of a node.  Raises NotFound."""
        found = self.nodes.get(name) if isinstance(name, str) else None
        if found is None:
            raise NotFound(name, f"a node of this cluster ({listed(self.nodes)})",
                           f"write '{nearest(name, self.nodes)}', or make the cluster with more nodes")
        return found

    def pod(self, name: str, namespace: str = "default") -> Pod:
        """A pod by its name, or by namespace/name.  Raises NotFound."""
        found = self.pods.get(f"{namespace}/{name}") or self.pods.get(name) if isinstance(name, str) else None
        if found is None:
            raise NotFound(name, f"a pod of this cluster ({listed(pod.label for pod in self.pods.values())})",
                           "add it with add_pod, or correct the name")
        return found

    def attachment(self, pod: Pod) -> Attachment:
        """How a pod is attached to its node's network.  Raises InvalidArgument for a pod that uses the node's own."""
        if pod.host_network:
            raise InvalidArgument(pod.label, "a pod with a network of its own: this one has hostNetwork, so no plugin was "
                                  "called", "name another pod")
        return self.nodes[pod.node].attachment(pod.key)

    def create(self, wanted: Pod) -> Pod:
        """Choose a node if none is asked for, have the plugin attach the pod, and note it.

        Raises InvalidName, InvalidArgument, NotFound, AlreadyExists or AddressesExhausted; nothing has changed then.
        """
        dns_subdomain(wanted.name, "pod name")
        if wanted.namespace != "default":
            dns_label(wanted.namespace, "namespace")
        if wanted.labels:
            check_labels(wanted.labels)
        listeners_of(wanted)
        simple = len(wanted.containers) == 1 and not wanted.containers[0].ports
        ports = () if simple else host_ports(wanted)
        state = self.node(wanted.node) if wanted.node else self._emptiest()
        key = wanted.key
        if key in self.pods:
            raise AlreadyExists(wanted.label, "a pod name that is free in its namespace",
                                f"choose another name, or delete it first with delete('pod', '{wanted.name}')")
        if ports:
            state = self._with_free(wanted, ports, state)
        if wanted.host_network:
            return self._at_home(wanted, state, ports)
        if self._journal is not None and state.number not in self._saved:
            self._save(state)
        serial = self._sandboxes + 1
        container = container_id(serial, key)
        second = ""
        if state.second_ipam is not None:
            state.ipam.peek()  # so that a full range is found before anything has changed
            second = state.second_ips[key] = self.plugin.allocate(state.second_ipam, container)
        address = self.plugin.allocate(state.ipam, container)
        pod = wanted.placed(state.node.name, address, second)
        self._sandboxes = serial
        state.cables[key] = (container, address, state.next_index)
        state.next_index += 1
        state.populated = True
        self.pods[key] = pod
        if self.clock.now:
            self.clock.came("Pod", key)
        self.holds(key, address)
        if second:
            self.holds(key, second)
        self._loaded(state)
        if ports:
            state.host_ports += [(key, port) for port in ports]
        if wanted.labels or self.looked_at or wanted.namespace != "default":  # else it concerns nobody yet
            for watch in self.watchers:
                watch(pod, False)
        if self._journal is not None:
            self._journal.append(partial(self.delete, pod))
        return pod

    def _at_home(self, wanted: Pod, state: NodeState, ports: Sequence[HostPort]) -> Pod:
        """A pod that uses its node's network: it has the node's address, and no plugin is called."""
        pod = wanted.placed(state.node.name, *state.node.ips)
        state.at_home[pod.key] = None
        state.host_ports += [(pod.key, port) for port in ports]
        self.pods[pod.key] = pod
        self.clock.came("Pod", pod.key)
        self._loaded(state)
        for watch in self.watchers:
            watch(pod, False)
        if self._journal is not None:
            self._journal.append(partial(self.delete, pod))
        return pod

    def _with_free(self, wanted: Pod, ports: Sequence[HostPort], state: NodeState) -> NodeState:
        """A node on which these ports are free: this one, or if nobody asked for it another.  Raises Unschedulable."""
        nodes = [state] if wanted.node else sorted(self.nodes.values(), key=lambda each: (each.load, each.number))
        for each in nodes:
            if not each.conflict(ports):
                return each
        taken = nodes[0].conflict(ports).removeprefix("default/")
        raise Unschedulable(wanted.label, f"a node with free host ports {', '.join(map(str, ports))} (kube-scheduler: "
                            f"{len(nodes)} node(s) didn't have free ports for the requested pod ports); on "
                            f"{nodes[0].node.name} the pod {taken} has one", "take another hostPort, or delete that pod")

    def _save(self, state: NodeState) -> None:
        """Remember a node's allocators, and what the plugin has made there, before its first new pod.

        Where all nodes share a pool, one copy holds all of it: what else changes in it, the deletion of the new pods undoes.
        """
        assert self._journal is not None
        both = [ipam for ipam in (state.ipam, state.second_ipam) if ipam is not None]
        for ipam in both if self._saved else ():
            if isinstance(ipam, NodeBlocks):
                self._journal.append(partial(ipam.recall, ipam.last_reserved))
        if not self._saved or not self.plugin.has_blocks:
            second = state.second_ipam and state.second_ipam.copy()
            self._journal.append(partial(self._restore, state, state.ipam.copy(), second))
        self._journal.append(partial(self._unmake, state, state.next_index, state.populated))
        self._saved.add(state.number)

    def _unmake(self, state: NodeState, next_index: int, populated: bool) -> None:
        """Put back what is known of a node's interfaces, when the new pods are gone again."""
        state.next_index, state.populated = next_index, populated
        self._note_addresses(state)

    def _restore(self, state: NodeState, first: Ipam, second: Ipam | None) -> None:
        """Put a node's allocators back as they were, when the new pods are gone again."""
        state.ipam = self.plugin.rewound(state.ipam, first)
        if state.second_ipam is not None and second is not None:
            state.second_ipam = self.plugin.rewound(state.second_ipam, second)

    def apply(self, wanted: Pod) -> Pod:
        """Create the pod, or change what a running pod lets be changed: labels, annotations and images."""
        present = self.pods.get(wanted.key)
        if present is None:
            return self.create(wanted)
        listeners_of(wanted)
        pod = replace(present, labels=wanted.labels, annotations=wanted.annotations, containers=wanted.containers)
        self._replace(pod)
        self.undo_later(partial(self._replace, present))
        return pod

    def _replace(self, pod: Pod) -> None:
        self.pods[pod.key] = pod
        for watch in self.watchers:
            watch(pod, False)

    def delete(self, pod: Pod) -> Attachment | None:
        """Detach a pod (CNI DEL), free its address, and return the attachment that was (None: it used the node's network)."""
        state = self.nodes[pod.node]
        self.clock.went("Pod", pod.key)
        attachment = None if pod.host_network else state.attachment(pod.key)
        if attachment is not None:
            state.ipam.release(attachment.container_id)
            if state.second_ipam is not None:
                state.second_ipam.release(attachment.container_id)
        for watch in self.watchers:  # what the plugin changed is to be seen, and where the pod was plugged in still known
            watch(pod, True)
        if state.host_ports:
            state.host_ports = [(key, port) for key, port in state.host_ports if key != pod.key]
        if attachment is None:
            del state.at_home[pod.key], self.pods[pod.key]
            self._loaded(state)
            return None
        del state.cables[pod.key], state.looked_at[pod.key]
        state.second_ips.pop(pod.key, None)
        del self.pods[pod.key]
        for address in pod.ips:
            self._lets_go(pod.key, address)
        self._loaded(state)
        return attachment

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo what was done inside if it ends in an error: each change leaves its undoing in a journal, last one first."""
        self._journal, self._saved, sandboxes = [], set(), self._sandboxes
        try:
            with collector_resting():
                yield
        except Exception:
            for undo in reversed(self._journal):
                undo()
            self._sandboxes = sandboxes
            raise
        finally:
            self._journal = None

    def undo_later(self, undo: Callable[[], object]) -> None:
        """How a change is undone, if the manifest that it is from cannot be applied as a whole."""
        if self._journal is not None:
            self._journal.append(undo)

    def _emptiest(self) -> NodeState:
        """The node with the fewest pods, the first of several.  The heap has old entries too: they are passed over."""
        while True:
            first = self._by_load[0]
            state = self._in_order[first & _NUMBER]
            if first >> _BITS == len(state.cables) + len(state.at_home):
                return state
            heappop(self._by_load)

    def _loaded(self, state: NodeState) -> None:
        """A pod came to a node or left it."""
        pods = len(state.cables) + len(state.at_home)
        if self._by_load[0] & _NUMBER == state.number:  # its old entry, which would have to go anyway
            heapreplace(self._by_load, pods << _BITS | state.number)
        else:
            heappush(self._by_load, pods << _BITS | state.number)
        if len(state.cables) < 2:
            self._note_addresses(state)

    def holds(self, device: str, address: str) -> None:
        """A device has an address."""
        others = self.holders.get(address)
        self.holders[address] = (*others, device) if others else (device,)

    def lets_go_all(self, address: str) -> None:
        """Nobody has this address any more."""
        self.holders.pop(address, None)

    def _lets_go(self, device: str, address: str) -> None:
        left = tuple(holder for holder in self.holders[address] if holder != device)
        if left:
            self.holders[address] = left
        else:
            del self.holders[address]

    def _note_addresses(self, state: NodeState) -> None:
        """The addresses that the plugin gives to the node itself: some are there only since its first pod."""
        now = self.plugin.node_addresses(state.node, state.ipam, state.populated)
        if now != state.addresses:
            for address in state.addresses:
                self._lets_go(state.node.name, address)
            for address in now:
                self.holds(state.node.name, address)
            state.addresses = now


_MUCH = 20_000
"""So many new objects are worth it.  With fewer the collector keeps its own way, which also finds what has become garbage."""


@contextmanager
def collector_resting() -> Iterator[None]:
    """Where much is made and nothing is thrown away, the garbage collector would only look at it again and again.

    Nor does it have to look at all of it once, when it works again: what was made here is put with the old objects as it is.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if gc.get_count()[0] > _MUCH and not gc.get_freeze_count():  # what somebody has frozen would thaw too
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def listed(names: Iterable[str]) -> str:
    """A few names, for a message.

    >>> listed([f"node-{n}" for n in range(1, 9)])
    'node-1, node-2, node-3, node-4, node-5, node-6 and 2 more'
    """
    several = list(names)
    more = f" and {len(several) - 6} more" if len(several) > 6 else ""
    return ", ".join(several[:6]) + more if several else "none yet"
