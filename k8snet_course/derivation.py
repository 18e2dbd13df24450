"""From what the cluster has decided to what each device's Linux holds: network namespaces, made when somebody looks at them.

The tables of a pod, a node, the switch or a machine outside are written by the plugin, by kube-proxy and by the underlay; here
they are put together, and thrown away when a decision changes that they follow from.  What devices have learnt from packets is
kept apart: it cannot be derived.

It is the network that packets walk (:class:`~k8snet_course.linux.namespace.Network`).  It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from k8snet_course.api_server import ApiServer
from k8snet_course.cni import Plugin, has_portmap, portmap_rules
from k8snet_course.control_plane import ControlPlane, NodeState
from k8snet_course.errors import NotFound
from k8snet_course.faults import Fault, Parts
from k8snet_course.linux.carrier import with_carriers
from k8snet_course.linux.door import Door
from k8snet_course.linux.link import loopback
from k8snet_course.linux.namespace import ANY, ANY_IPV4, NO_DOORS, Learned, Listener, Namespace, bound
from k8snet_course.linux.netfilter import NO_RULES, Rule, Rules, Source
from k8snet_course.linux.route import RouteTable
from k8snet_course.objects import Pod
from k8snet_course.policy import Party
from k8snet_course.policy.at_pod import PoliciesAt, policies_at
from k8snet_course.policy.doors import Doors
from k8snet_course.programs import listeners_of
from k8snet_course.services.kube_proxy.ipvs_text import ipvs_link
from k8snet_course.sidecar import has_sidecar, redirections, sockets
from k8snet_course.underlay import HOSTS, ROUTER, SWITCH, Underlay


class Derivation:
    """The network namespaces of one cluster, and the faults that somebody put into them."""

    def __init__(self, plugin: Plugin, underlay: Underlay, control: ControlPlane, api: ApiServer) -> None:
        self.plugin = plugin
        self.underlay = underlay
        self.control = control
        self.api = api
        self.faults: list[Fault] = []
        self._revision = plugin.revision
        self._namespaces: dict[str, Namespace] = {}
        self._learned: dict[str, Learned] = {}
        control.watchers.append(self._pod_changed)
        api.forgetful.append(self._forget_address)

    # -- what the linux layer asks -------------------------------------------------------------------------------------

    def namespace(self, name: str) -> Namespace:
        """The network namespace of a device, derived from what the cluster has decided.  Raises NotFound."""
        found = self._namespaces.get(name)
        if found is None and self.device(name) != name:
            return self.namespace(self.device(name))
        if found is None:
            self.control.looked_at = True
            found = self._namespaces[name] = self._derive(name)
        return found

    def holders(self, address: str) -> Sequence[str]:
        """The devices that have this address."""
        return self.control.holders.get(address, ())

    def device(self, name: str) -> str:
        """The device that a name stands for: a pod with hostNetwork has no network namespace but its node's."""
        pod = self.control.pods.get(name)
        return pod.node if pod is not None and pod.host_network else name

    # -- when something changes ----------------------------------------------------------------------------------------

    def forget(self, device: str) -> None:
        """The tables of a device are derived again when they are next looked at."""
        self._namespaces.pop(device, None)

    def _pod_changed(self, pod: Pod, gone: bool) -> None:
        """A pod came, went or changed: its tables and its node's are derived again when they are next looked at."""
        if gone and not pod.host_network:
            self.faults = [fault for fault in self.faults if fault.device != pod.key]  # another pod is another namespace
            if self._learned:
                self._forget_pod(pod)
        if not self._namespaces:
            return
        if self.plugin.revision != self._revision:
            self._revision = self.plugin.revision
            for node in [name for name in self._namespaces if name in self.control.nodes]:
                del self._namespaces[node]
        self.forget(pod.key)
        self.forget(pod.node)

    def services_changed(self) -> None:
        """The first Service came, or the last one went: kube-proxy has something to write on every node, or nothing any more.

        Without Services its chains do nothing, and are left out.  In the mode ipvs each Service changes the nodes' addresses.
        """
        for node in [name for name in self._namespaces if name in self.control.nodes]:
            del self._namespaces[node]

    def _forget_pod(self, pod: Pod) -> None:
        """Nobody remembers a pod that is gone."""
        self._learned.pop(pod.key, None)
        for neighbour in (pod.node, *self.control.nodes[pod.node].cables):
            if neighbour in self._learned:
                for address in pod.ips:
                    self._learned[neighbour].neighbours.forget(address)
        if pod.node in self._learned and len(self.control.nodes[pod.node].cables) == 1:  # the last one, which is going
            for link in self.plugin.left_over(self.control.nodes[pod.node].node).links:
                self._learned[pod.node].neighbours.carrier_lost(link.name)
        if pod.node in self._learned and self._learned[pod.node].fdb:
            port = self.control.attachment(pod).host_link
            for fdb in self._learned[pod.node].fdb.values():
                fdb.forget_port(port)

    def _forget_address(self, address: str) -> None:
        """Nobody remembers at which MAC address this one was."""
        for learned in self._learned.values():
            learned.neighbours.forget(address)

    def wait(self, seconds: int) -> None:
        """Let time pass on every device."""
        for learned in self._learned.values():
            learned.memory.wait(seconds)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Whatever is sent inside, afterwards the devices know what they knew before."""
        kept, self._learned, self._namespaces = (self._learned, self._namespaces), {}, {}
        try:
            yield
        finally:
            self._learned, self._namespaces = kept

    # -- deriving ------------------------------------------------------------------------------------------------------

    def _derive(self, name: str) -> Namespace:
        learned = self._learned.setdefault(name, Learned())
        if name in self.control.nodes:
            return self._node(name, self.control.nodes[name])
        if name in self.control.pods:
            pod = self.control.pods[name]
            node, attachment = self.control.nodes[pod.node].node, self.control.attachment(pod)
            parts = Parts.of(self.plugin.pod_tables(node, attachment))
            parts.links.insert(0, loopback(self.plugin.settings.ipv6))
            if has_sidecar(pod):
                parts.nat += redirections()
                parts.nat6 += redirections() if self.plugin.settings.ipv6 else []
            return self._build(name, "pod", parts, self._programs(pod, ANY if self.plugin.settings.ipv6 else ANY_IPV4))
        nodes = [state.node for state in self.control.nodes.values()] if name in (SWITCH, ROUTER) else []
        if name != SWITCH and name not in HOSTS:
            raise NotFound(name, "a device of this cluster", "list them with cluster.nodes and cluster.pods")
        found = (self.underlay.switch(nodes, learned) if name == SWITCH else
                 self.underlay.host(name, learned, self.plugin.fabric_routes(nodes) if name == ROUTER else ()))
        if not any(fault.device == name for fault in self.faults):
            return found
        parts = Parts(list(found.links.values()), list(found.routes), forwarding=found.forwarding)
        return self._build(name, found.kind, parts, found.listeners)

    def _node(self, name: str, state: NodeState) -> Namespace:
        parts = Parts.of(self.plugin.node_tables(state.node, state.attachments, self.control.peers), forwarding=True)
        if state.populated and not state.cables:
            left = self.plugin.left_over(state.node)
            parts.links += left.links
            parts.routes += left.routes
        parts.bridge_nf = True  # without it kubeadm does not set a node up
        parts.links[:0] = self.underlay.host_links(name, *state.node.ips)
        parts.routes[:0] = self.underlay.host_routes(name, *state.node.ips)
        parts.nat += self._host_ports(state)
        if self.plugin.settings.ipv6:
            parts.nat6 += self._host_ports(state, 6)
        anywhere = ANY if self.underlay.ipv6 else ANY_IPV4
        programs = [row for key in state.at_home for row in self._programs(self.control.pods[key], anywhere)]
        programs += [Listener("TCP", port, "kube-proxy", anywhere) for port in self.api.services.health_ports.values()]
        doors: Mapping[str, Door] = NO_DOORS
        if self.api.policies.enforcement.enforces:
            behind = {each.host_link: each.key for each in state.attachments}
            doors = Doors(self.api.policies, behind, self._party, self._who_has)
        proxied: tuple[Source, ...] = ()
        if self.api.services.services:
            proxied = self.api.proxy.on(state.node, state.zone)
            addresses = self.api.proxy.addresses(state.node, state.zone)
            if addresses:
                parts.links.append(ipvs_link(name, addresses))
        return self._build(name, "node", parts, programs, proxied, doors)

    def _programs(self, pod: Pod, anywhere: str) -> tuple[Listener, ...]:
        """What a pod's programs listen on; they have ended where the pod has."""
        if self.api.services.state(pod.key).finished:
            return ()
        programs = listeners_of(pod, anywhere)
        return (*sockets(anywhere), *programs) if has_sidecar(pod) else programs

    def _host_ports(self, state: NodeState, version: int = 4) -> list[Rule]:
        """The rules of the portmap plugin for the pods of a node, if its configuration calls that plugin."""
        if not state.host_ports or not has_portmap(conflist := self.plugin.conflist(state.node)):
            return []
        pods = [self.control.pods[key] for key in dict.fromkeys(key for key, _ in state.host_ports) if key not in state.at_home]
        return portmap_rules(conflist["name"], [
            (state.attachment(pod.key), [port for each in pod.containers for port in each.ports]) for pod in pods], version)

    def _build(self, name: str, kind: str, parts: Parts, programs: Iterable[Listener] = (), sources: Iterable[Source] = (),
               doors: Mapping[str, Door] = NO_DOORS) -> Namespace:
        """A namespace from its parts, with the faults of this device applied."""
        listeners, refused = bound(programs)
        broken = [fault for fault in self.faults if fault.device == name]
        if broken:
            parts.write_out()
        for fault in broken:
            with suppress(NotFound):  # the row it was about has gone in the meantime
                fault.apply(parts)
        parts.links, parts.routes = with_carriers(parts.links, parts.routes)
        sources = tuple(sources)
        ours = {family: [source for source in sources if source.family == family] for family in ("IPv4", "IPv6")}
        return Namespace(name, kind, parts.links, RouteTable(parts.routes, parts.route_families), listeners=listeners,
                         forwarding=parts.forwarding, bridge_nf=parts.bridge_nf,
                         learned=self._learned.setdefault(name, Learned()),
                         rules=Rules(parts.nat, parts.filters, ours["IPv4"]),
                         rules6=Rules(parts.nat6, parts.filters6, ours["IPv6"]) if self.underlay.ipv6 else NO_RULES,
                         neighbours=parts.neighbours, fdb=parts.fdb, maps=RouteTable(parts.maps, parts.map_families),
                         neighbour_families=parts.neighbour_families, fdb_families=parts.fdb_families, copies=parts.copies,
                         refused=refused, doors=doors)

    def policies_at(self, pod: str) -> PoliciesAt:
        """The policies that select a pod."""
        return policies_at(self.api.policies, self._party(pod))

    # -- who is who, for policies --------------------------------------------------------------------------------------

    def _party(self, key: str) -> Party:
        pod = self.control.pods[key]
        return Party.of_pod(pod, self.api.namespace(pod.namespace), node_labels=self.control.nodes[pod.node].labels)

    def _who_has(self, address: str) -> Party:
        """Who has an address: the first of several, as packets to it would be answered."""
        for name in self.holders(address):
            pod = self.control.pods.get(name)
            if pod is not None:
                return Party.of_pod(pod, self.api.namespace(pod.namespace), address, self.control.nodes[pod.node].labels)
            if name in self.control.nodes:
                return Party.of_node(name, address, self.control.nodes[name].labels)
        return Party.outside(address)
