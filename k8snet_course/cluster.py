"""The cluster: the front door of the course.

A :class:`Cluster` keeps what the control plane has decided and derives from it, when asked, what each device's Linux holds.
It decides nothing about packets: :mod:`k8snet_course.linux.forward` does, from the derived tables alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Network, ip_address
from os import PathLike

from k8snet_course import manifests
from k8snet_course.addressing import NodeCidrAllocator, disjoint, network
from k8snet_course.cni import PLUGINS, Exchange, Ipam, Settings, exchange, has_portmap, port_mappings, portmap_rules
from k8snet_course.control_plane import MAX_NODES, ControlPlane, NodeState, listed
from k8snet_course.device import Device
from k8snet_course.errors import InvalidArgument, InvalidCidr, NotFound
from k8snet_course.faults import Fault, Parts
from k8snet_course.linux import forward
from k8snet_course.linux.link import loopback
from k8snet_course.linux.namespace import Learned, Listener, Namespace, bound
from k8snet_course.linux.netfilter import Rule, Rules
from k8snet_course.linux.route import RouteTable
from k8snet_course.linux.trace import Trace
from k8snet_course.names import nearest
from k8snet_course.objects import LISTEN_ANNOTATION, Node, Pod
from k8snet_course.probe import is_address, probe
from k8snet_course.programs import Listen, containers_of, listen_text, listeners_of
from k8snet_course.reachability import Pair, Reachability
from k8snet_course.underlay import HOSTS, ROUTER, SWITCH, Underlay

class Cluster:
    """A cluster of nodes, and the pods on them.

    ``nodes`` is the number of nodes; ``cni`` names the network plugin, one of :data:`k8snet_course.cni.PLUGINS`; ``pod_cidr``
    is the range of all pods (without it, the plugin's usual one), ``node_mask_size`` the prefix length of each node's part of
    it; ``node_network`` is where the nodes stand.

    Raises InvalidArgument, InvalidCidr or CidrOverlap for arguments that make no cluster.

        >>> cluster = Cluster(nodes=1)
        >>> print(cluster.add_pod("frontend"))
        pod frontend 10.244.0.2 on node-1
        >>> print(cluster.add_pod("backend"))
        pod backend 10.244.0.3 on node-1
        >>> trace = cluster.send("frontend", "backend", port=80)
        >>> str(trace.verdict), trace.reason
        ('delivered', 'nginx in backend listens on TCP port 80 and takes the packet')
    """

    def __init__(self, nodes: int = 1, cni: str = "bridge", *, pod_cidr: str | None = None, node_mask_size: int = 24,
                 node_network: str = "192.168.1.0/24") -> None:
        if not isinstance(nodes, int) or isinstance(nodes, bool) or not 1 <= nodes <= MAX_NODES:
            raise InvalidArgument(nodes, f"a number of nodes from 1 to {MAX_NODES}", "write nodes=1")
        if not isinstance(cni, str) or cni not in PLUGINS:
            raise InvalidArgument(cni, f"a network plugin that this version has: {', '.join(PLUGINS)}",
                                  f"write cni='{nearest(cni, PLUGINS)}'")
        underlay_network = network(node_network, "node network")
        if not isinstance(underlay_network, IPv4Network) or underlay_network.prefixlen > 29:
            raise InvalidCidr(node_network, "an IPv4 network with room for router, laptop and nodes (/29 or larger)",
                              "write node_network='192.168.1.0/24'")
        pod_cidr = PLUGINS[cni].pod_network if pod_cidr is None else pod_cidr
        disjoint(pod_cidr=pod_cidr, node_network=node_network)
        self.cni = cni
        self.pod_cidr = pod_cidr
        self.node_network = node_network
        self._plugin = PLUGINS[cni](Settings(pod_cidr, node_network, nodes))
        self._underlay = Underlay(underlay_network, self._plugin.underlay_mtu)
        self._control = ControlPlane(self._plugin, self._underlay, NodeCidrAllocator(pod_cidr, node_mask_size), nodes)
        self._revision = self._plugin.revision
        self._namespaces: dict[str, Namespace] = {}
        self._learned: dict[str, Learned] = {}
        self._faults: list[Fault] = []
        self._connections = 0

    # -- what there is -------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, in order."""
        return tuple(state.node for state in self._control.nodes.values())

    @property
    def pods(self) -> tuple[Pod, ...]:
        """The pods, in the order in which they were made."""
        return tuple(self._control.pods.values())

    def pods_on(self, node: str) -> tuple[Pod, ...]:
        """The pods of one node, those that use its own network first.  Raises NotFound."""
        state = self._control.node(node)
        return tuple(self._control.pods[key] for key in (*state.at_home, *state.cables))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The machines outside the cluster that packets can start from or go to."""
        return HOSTS

    def node(self, name: str) -> Device:
        """A node's tables.  Raises NotFound."""
        node = self._control.node(name).node
        return Device(self, node.name, node.ip, node.pod_cidr)

    def pod(self, name: str, namespace: str = "default") -> Device:
        """A pod's tables.  Raises NotFound."""
        pod = self._control.pod(name, namespace)
        return Device(self, pod.key, pod.ip)

    def host(self, name: str) -> Device:
        """The tables of a machine outside the cluster: ``laptop`` or ``router``, or of the switch ``underlay``."""
        if name not in (*HOSTS, SWITCH):
            raise NotFound(name, f"a machine outside the cluster: {', '.join((*HOSTS, SWITCH))}", "use one of them")
        return Device(self, name, self._underlay.address.get(name, ""))

    def ipam(self, node: str) -> Ipam:
        """The allocator of pod addresses of a node.  It is the cluster's own: look, and let the cluster change it."""
        return self._control.node(node).ipam

    def conflist(self, node: str) -> dict[str, object]:
        """The CNI configuration of a node, as it stands in /etc/cni/net.d."""
        return self._plugin.conflist(self._control.node(node).node)

    def cni_result(self, pod: str, namespace: str = "default") -> dict[str, object]:
        """What the plugin returned when it attached the pod (the result of CNI ADD)."""
        return self._control.attachment(self._control.pod(pod, namespace)).result

    def cni_exchange(self, pod: str, command: str = "ADD", namespace: str = "default") -> tuple[Exchange, ...]:
        """What the container runtime and the plugins said for CNI ADD, or would say now for CHECK or DEL, plugin by plugin.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("a")
            >>> [(one.program, one.failed) for one in cluster.cni_exchange("a", "CHECK")]
            [('/opt/cni/bin/bridge', False), ('/opt/cni/bin/portmap', False)]
        """
        found = self._control.pod(pod, namespace)
        now = self.namespace(found.key)
        wanted = port_mappings(port for container in found.containers for port in container.ports)
        return exchange(command, self._plugin.conflist(self._control.node(found.node).node), self._control.attachment(found),
                        runtime_config={"portMappings": wanted} if wanted else None, links=now.links.values(), routes=now.routes)

    # -- changing it ---------------------------------------------------------------------------------------------------

    def add_pod(self, name: str, node: str | None = None, namespace: str = "default", *,
                labels: Mapping[str, str] | None = None, image: str = "nginx", containers: Mapping[str, str] | None = None,
                listen: Listen | Mapping[str, Listen] | None = None, host_ports: Mapping[int, int] | None = None,
                host_network: bool = False) -> Pod:
        """Make a pod with one container, or with several: ``containers`` gives each by its name and image.

        Without ``node``, the node with the fewest pods takes it.  ``listen`` says what its program listens on (80, "53/UDP",
        "127.0.0.1:9090", or several, or a dict of these by container); without it the image decides (nginx: TCP 80).
        ``host_ports`` are TCP ports of the node that lead to ports of the first container, such as {8080: 80}; with
        ``host_network`` the pod uses its node's network and address.  Raises InvalidName, InvalidArgument, NotFound,
        AlreadyExists, Unschedulable or AddressesExhausted; the cluster is then as it was.

            >>> cluster = Cluster()
            >>> print(cluster.add_pod("web", host_ports={8080: 80}), cluster.add_pod("agent", host_network=True), sep="\\n")
            pod web 10.244.0.2 on node-1
            pod agent 192.168.1.2 on node-1
            >>> cluster.send("laptop", "node-1", port=8080).nat[0].new
            '10.244.0.2'
        """
        annotations = {} if listen is None else {LISTEN_ANNOTATION: listen_text(listen)}
        parts = containers_of(image, containers, host_ports)
        pod = self._control.create(Pod(name, node or "", "", namespace, dict(labels) if isinstance(labels, Mapping) else labels or {},
                                       annotations, parts, host_network=host_network))
        self._derive_anew(pod)
        return pod

    def apply(self, manifest: str | PathLike[str] | Mapping[str, object]) -> tuple[Pod, ...]:
        """Make or change what a manifest says, as `kubectl apply -f` does: a YAML text, a path to a file, or a dict.

        Either all of it is applied or nothing.  Raises InvalidManifest with the line, or what ``add_pod`` raises.

            >>> cluster = Cluster()
            >>> manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
            ...             "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}
            >>> print(*cluster.apply(manifest))
            pod web 10.244.0.2 on node-1
        """
        wanted = manifests.load(manifest)
        with self._control.all_or_nothing():
            made = tuple(self._control.apply(pod) for pod in wanted)
        for pod in made:
            self._derive_anew(pod)
        return made

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Delete an object, as `kubectl delete` does.  Its address is free again.  Raises InvalidArgument or NotFound."""
        if kind.lower() not in ("pod", "pods", "po"):
            raise InvalidArgument(kind, "a kind that this version has: pod", "write delete('pod', name)")
        pod = self._control.pod(name, namespace)
        attachment = self._control.delete(pod)
        self._derive_anew(pod)
        if attachment is None:
            return
        self._learned.pop(pod.key, None)
        for neighbour in (pod.node, *self._control.nodes[pod.node].cables):
            if neighbour in self._learned:
                self._learned[neighbour].neighbours.forget(pod.ip)
        for fdb in self._learned[pod.node].fdb.values() if pod.node in self._learned else ():
            fdb.forget_port(attachment.host_link)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that were injected, in order."""
        return tuple(self._faults)

    def inject(self, fault: Fault) -> None:
        """Break something: see :mod:`k8snet_course.faults`.  Raises NotFound when the fault's row is not there.

            >>> from k8snet_course.faults import MissingRoute
            >>> cluster = Cluster(nodes=2, cni="flannel")
            >>> _ = cluster.add_pod("a", node="node-1"), cluster.add_pod("b", node="node-2")
            >>> cluster.inject(MissingRoute("node-1", "10.244.1.0/24"))
            >>> cluster.send("a", "b").reason
            'router has no route to 10.244.1.2'
        """
        fault = self._located(fault)
        now = self.namespace(fault.device)
        fault.apply(Parts(list(now.links.values()), list(now.routes), list(now.neighbours), now.fdb_entries(),
                          forwarding=now.forwarding))
        self._faults.append(fault)
        self._namespaces.pop(fault.device, None)

    def repair(self, fault: Fault | None = None) -> None:
        """Take a fault back, or all of them.  Raises NotFound."""
        if fault is not None and self._located(fault) not in self._faults:
            raise NotFound(fault, "a fault that was injected", "look at cluster.faults")
        for one in [self._located(fault)] if fault is not None else list(self._faults):
            self._faults.remove(one)
            self._namespaces.pop(one.device, None)

    # -- packets -------------------------------------------------------------------------------------------------------

    def send(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP", *, size: int = 0) -> Trace:
        """Send one packet and return its walk and that of the answer.

        ``src`` and ``dst`` are a pod (``frontend``, ``shop/db``, ``pod/frontend``), a node, the laptop or the router; ``dst``
        may also be an IP address.  Without a ``port`` (or with protocol ICMP) the packet is a ping.  ``size`` is the number
        of bytes it carries.  Raises NotFound or InvalidArgument.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
            >>> str(cluster.send("frontend", "backend", port=81).verdict)
            'refused'
        """
        dst = "127.0.0.1" if dst == "localhost" else dst
        source = self._endpoint(src)
        target = "" if is_address(dst) else self._endpoint(dst)
        address = self._address_of(target) if target else str(ip_address(dst))
        self._connections += 1
        return forward.send(self, self._device(source), probe(address, port, protocol, size), _label(target) or address,
                            self._device(target), asked=_label(source), seed=self._connections)

    def reachability(self, port: int | None = 80, protocol: str = "TCP") -> Reachability:
        """A packet from every pod to every pod, itself included.  The devices learn nothing from it.

            >>> cluster = Cluster(nodes=2, cni="flannel")
            >>> _ = [cluster.add_pod(name) for name in ("a", "b", "c")]
            >>> cluster.reachability().ok
            True
        """
        kept, self._learned, self._namespaces = (self._learned, self._namespaces), {}, {}
        try:
            names = [f"pod/{pod.key}" for pod in self.pods]
            return Reachability(tuple(Pair.of(self.send(a, b, port, protocol)) for a in names for b in names))
        finally:
            self._learned, self._namespaces = kept

    # -- what the linux layer asks (it is a Network) ---------------------------------------------------------------------

    def namespace(self, name: str) -> Namespace:
        """The network namespace of a device, derived from what the cluster has decided.  Raises NotFound."""
        found = self._namespaces.get(name)
        if found is None and self._device(name) != name:
            return self.namespace(self._device(name))
        if found is None:
            found = self._namespaces[name] = self._derive(name)
        return found

    def holders(self, address: str) -> Sequence[str]:
        """The devices that have this address."""
        return self._control.holders.get(address, ())

    def _derive(self, name: str) -> Namespace:
        learned = self._learned.setdefault(name, Learned())
        if name in self._control.nodes:
            state = self._control.nodes[name]
            parts = Parts.of(self._plugin.node_tables(state.node, state.attachments, self._control.peers), forwarding=True)
            parts.links[:0] = self._underlay.host_links(name, state.node.ip)
            parts.routes[:0] = self._underlay.host_routes(name, state.node.ip)
            parts.nat += self._host_ports(state)
            return self._build(name, "node", parts, [row for key in state.at_home for row in listeners_of(self._control.pods[key])])
        if name in self._control.pods:
            pod = self._control.pods[name]
            node, attachment = self._control.nodes[pod.node].node, self._control.attachment(pod)
            parts = Parts.of(self._plugin.pod_tables(node, attachment))
            parts.links.insert(0, loopback())
            return self._build(name, "pod", parts, listeners_of(pod))
        if name == SWITCH:
            return self._underlay.switch(self.nodes, learned)
        if name in HOSTS:
            return self._underlay.host(name, learned, self._plugin.fabric_routes(self.nodes) if name == ROUTER else ())
        raise NotFound(name, "a device of this cluster", "list them with cluster.nodes and cluster.pods")

    def _host_ports(self, state: NodeState) -> list[Rule]:
        """The rules of the portmap plugin for the pods of a node, if its configuration calls that plugin."""
        if not state.host_ports or not has_portmap(conflist := self._plugin.conflist(state.node)):
            return []
        pods = [self._control.pods[key] for key in dict.fromkeys(key for key, _ in state.host_ports) if key not in state.at_home]
        return portmap_rules(conflist["name"], [
            (state.attachment(pod.key), [port for each in pod.containers for port in each.ports]) for pod in pods])

    def _build(self, name: str, kind: str, parts: Parts, programs: Iterable[Listener] = ()) -> Namespace:
        """A namespace from its parts, with the faults of this device applied."""
        listeners, refused = bound(programs)
        broken = [fault for fault in self._faults if fault.device == name]
        if broken:
            parts.write_out()
        for fault in broken:
            with suppress(NotFound):  # the row it was about has gone in the meantime
                fault.apply(parts)
        return Namespace(name, kind, parts.links, RouteTable(parts.routes, parts.route_families), listeners=listeners,
                         forwarding=parts.forwarding, learned=self._learned.setdefault(name, Learned()),
                         rules=Rules(parts.nat, parts.filters), neighbours=parts.neighbours, fdb=parts.fdb,
                         maps=RouteTable(parts.maps, parts.map_families), neighbour_families=parts.neighbour_families,
                         fdb_families=parts.fdb_families, copies=parts.copies, refused=refused)

    def _derive_anew(self, pod: Pod) -> None:
        """A pod came, went or changed: its tables and its node's are derived again when they are next looked at."""
        if not self._namespaces:
            return
        if self._plugin.revision != self._revision:
            self._revision = self._plugin.revision
            for node in [name for name in self._namespaces if name in self._control.nodes]:
                del self._namespaces[node]
        self._namespaces.pop(pod.key, None)
        self._namespaces.pop(pod.node, None)

    # -- what words mean -----------------------------------------------------------------------------------------------

    def _endpoint(self, name: str) -> str:
        """The device that a learner's word means: a pod first, then a node or a machine outside."""
        kind, _, rest = name.partition("/") if isinstance(name, str) else ("", "", "")
        if kind == "pod" and rest:
            return self._control.pod(rest).key
        if kind == "node" and rest:
            return self._control.node(rest).node.name
        for key in (f"default/{name}", str(name)):
            if key in self._control.pods:
                return key
        if isinstance(name, str) and (name in self._control.nodes or name in HOSTS):
            return name
        known = [*(pod.label for pod in self.pods), *self._control.nodes, *HOSTS]
        raise NotFound(name, f"a pod, a node or a machine outside ({listed(known)}), or an IP address as the destination",
                       f"write '{nearest(name, known)}'")

    def _device(self, name: str) -> str:
        """The device that a name stands for: a pod with hostNetwork has no network namespace but its node's."""
        pod = self._control.pods.get(name)
        return pod.node if pod is not None and pod.host_network else name

    def _located(self, fault: Fault) -> Fault:
        """The fault with its device's full name: a pod of the namespace default may be named without it."""
        return replace(fault, device=self._device(self._endpoint(fault.device)))  # type: ignore[type-var]

    def _address_of(self, name: str) -> str:
        if name in self._control.pods:
            return self._control.pods[name].ip
        return self._control.nodes[name].node.ip if name in self._control.nodes else self._underlay.address[name]

    def __repr__(self) -> str:
        lines = [f"cluster with the {self.cni} plugin, pods {self.pod_cidr}, nodes {self.node_network}"]
        for state in self._control.nodes.values():
            lines.append(f"  {state.node}")
            lines += [f"    {self._control.pods[key]}" for key in (*state.at_home, *state.cables)]
        return "\n".join(lines)


def _label(device: str) -> str:
    """A device's name as people say it: a pod of the namespace ``default`` goes without it."""
    return device.removeprefix("default/")

