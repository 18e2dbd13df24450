"""The cluster: the front door of the course.

A :class:`Cluster` keeps what the control plane has decided and derives from it, when asked, what each device's Linux holds.
It decides nothing about packets: :mod:`k8snet_course.linux.forward` does, from the derived tables alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from functools import partial
from ipaddress import ip_address
from os import PathLike
from typing import TYPE_CHECKING, Any

from k8snet_course.addressing import ServiceIpAllocator, disjoint, network
from k8snet_course.api_server import ApiServer
from k8snet_course.class_walks import pairs_of
from k8snet_course.cni import PLUGINS, Exchange, Ipam, Settings, exchange, port_mappings, settings_of
from k8snet_course.control_plane import MAX_NODES, ControlPlane, collector_resting
from k8snet_course.derivation import Derivation
from k8snet_course.device import Device
from k8snet_course.dns import Answer, Lookup, Outside, ResolvConf, Zone
from k8snet_course.entrances import with_status
from k8snet_course.errors import InvalidArgument, InvalidCidr, NotFound
from k8snet_course.faults import Fault, Parts
from k8snet_course.followers import Followers, told
from k8snet_course.http_walk import HttpWalk, asked
from k8snet_course.linux import forward
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.packet import DEFAULT_TTL, Packet
from k8snet_course.linux.trace import Trace
from k8snet_course.meaning import Meaning, Target, no_such_name
from k8snet_course.names import check_labels, nearest
from k8snet_course.objects import Node, Pod
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.service import Service
from k8snet_course.policy import Enforcement, PolicyIndex
from k8snet_course.policy.at_pod import PoliciesAt
from k8snet_course.probe import probe
from k8snet_course.programs import Listen, named, wanted_pod
from k8snet_course.ranges import IPV4_MASK, IPV6_MASK, Ranges, free_range
from k8snet_course.reachability import Reachability
from k8snet_course.relays import Call, Relays
from k8snet_course.response import Response
from k8snet_course.services.controller import ServiceController
from k8snet_course.services.endpoints import PodState
from k8snet_course.services.kube_proxy.ipvs_text import node_port_addresses
from k8snet_course.services.kube_proxy.modes import KubeProxy
from k8snet_course.services.kube_proxy.proxy import Settings as ProxySettings
from k8snet_course.services.load_balancer import LoadBalancerProvider
from k8snet_course.underlay import HOSTS, INTERNET_NETWORK, INTERNET_NETWORK_IPV6, SWITCH, Underlay

if TYPE_CHECKING:
    from k8snet_course.kubectl import Kubectl, Reply
    from k8snet_course.shell import Capture, Ran

MOST_PODS = 150_000
"""The documented limit of a Kubernetes cluster, as that of its nodes."""
SERVICE_CIDRS = {4: ("10.96.0.0/12", "172.30.0.0/16", "10.0.0.0/16"), 6: ("fd00:10:96::/108", "fd02::/112")}
"""Where Services get their cluster IPs if nobody gives a range: kubeadm's choice, and if that is taken, others' choices."""
DNS_NUMBER = 10
"""Which address of that range the cluster's DNS server has."""


class Cluster:
    """A cluster of nodes, and the pods on them.

    ``nodes`` is the number of nodes; ``cni`` names the network plugin, one of :data:`k8snet_course.cni.PLUGINS`; ``pod_cidr``
    is the range of all pods (without it, the plugin's usual one), ``node_mask_size`` the prefix length of each node's part of
    it; ``node_network`` is where the nodes stand.  With an IPv4 and an IPv6 network, and a comma between them, in both the
    cluster is dual-stack, and the order in ``pod_cidr`` says which is primary; ``node_mask_size_ipv6`` is for the IPv6 part.
    ``block_size``, ``block_size_ipv6`` and ``strict_affinity`` are for Calico's pools.  ``service_cidr`` is where Services get
    their cluster IPs, ``proxy`` the mode of kube-proxy (iptables, ipvs, nftables or kernelspace), ``dns_domain`` the end of all
    names in the cluster; ``load_balancer`` is the pool of addresses that a provider gives to Services of type LoadBalancer
    (without it there is none), ``outside_names`` what the DNS servers outside know, such as {"example.com": ("203.0.113.9",)}.

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

    def __init__(self, nodes: int = 1, cni: str = "bridge", *, pod_cidr: str | None = None, node_mask_size: int = IPV4_MASK,
                 node_mask_size_ipv6: int = IPV6_MASK, node_network: str = "192.168.1.0/24", service_cidr: str | None = None,
                 proxy: str = "iptables", dns_domain: str = "cluster.local", load_balancer: str | None = None,
                 outside_names: Mapping[str, tuple[str, ...]] | None = None, block_size: int | None = None,
                 block_size_ipv6: int | None = None, strict_affinity: bool | None = None) -> None:
        if not isinstance(nodes, int) or isinstance(nodes, bool) or not 1 <= nodes <= MAX_NODES:
            raise InvalidArgument(nodes, f"a number of nodes from 1 to {MAX_NODES}", "write nodes=1")
        if not isinstance(cni, str) or cni not in PLUGINS:
            raise InvalidArgument(cni, f"a network plugin that this version has: {', '.join(PLUGINS)}",
                                  f"write cni='{nearest(cni, PLUGINS)}'")
        pod_cidr = PLUGINS[cni].pod_network if pod_cidr is None else pod_cidr
        ranges = Ranges.of(pod_cidr, node_network, node_mask_size, node_mask_size_ipv6)
        if service_cidr is None:
            used = (*ranges.pods, *ranges.nodes)
            service_cidr = ",".join(free_range(SERVICE_CIDRS[each.version], used) for each in ranges.pods)
        if not {":" in text for text in service_cidr.split(",")} <= {each.version == 6 for each in ranges.pods}:
            raise InvalidCidr(service_cidr, f"Service CIDRs only of the IP versions that pods have ({pod_cidr})",
                              "leave service_cidr out, or give pods a pod_cidr of that version too")
        disjoint(pod_cidr=pod_cidr, node_network=node_network, service_cidr=service_cidr,
                 internet=f"{INTERNET_NETWORK},{INTERNET_NETWORK_IPV6}")
        self.cni = cni
        self.pod_cidr = pod_cidr
        self.node_network = node_network
        settings = settings_of(cni, PLUGINS[cni], Settings(pod_cidr, node_network, nodes), block_size, block_size_ipv6,
                               strict_affinity)
        self._plugin = PLUGINS[cni](settings)
        self._underlay = Underlay(ranges.nodes[0], self._plugin.underlay_mtu, *ranges.nodes[1:])
        self._control = ControlPlane(self._plugin, self._underlay, ranges.node_cidrs(), nodes)
        cluster_ips = {"IPv6" if ":" in text else "IPv4": ServiceIpAllocator(text) for text in service_cidr.split(",")}
        dns = tuple(_dns_address(text) for text in service_cidr.split(","))[:1]  # kubelets are told of one, in dual stack too
        if load_balancer is not None:
            disjoint(pod_cidr=pod_cidr, service_cidr=service_cidr, load_balancer=load_balancer)
            pool = network(load_balancer, "pool of load balancers")
            if f"IPv{pool.version}" not in cluster_ips:
                raise InvalidCidr(load_balancer, f"a pool of an IP version that Services have ({service_cidr})",
                                  "write load_balancer='192.168.1.240/28'")
            taken = next((held for held in self._control.holders if ip_address(held) in pool), "")
            if taken:
                holder = self._control.holders[taken][0]
                raise InvalidArgument(load_balancer, f"a pool of free addresses ({holder} has {taken})",
                                      "write load_balancer='192.168.1.240/28' or another range that nobody uses")
        self._api = ApiServer(
            self._control,
            ServiceController(cluster_ips, reserved=dict.fromkeys(dns, "kube-system/kube-dns"),
                              provider=LoadBalancerProvider(load_balancer) if load_balancer is not None else None),
            KubeProxy(proxy, ProxySettings(pod_cidr, service_cidr), tuple(cluster_ips)),
            PolicyIndex(enforcement=Enforcement(enforces=self._plugin.network_policy,
                                                ip_blocks_match_cluster=not cni.startswith("cilium"), by_rules=cni == "weave")),
            Zone(dns_domain, upstream=outside_names or {}))
        self.service_cidr, self.dns_domain = service_cidr, dns_domain
        self._linux = Derivation(self._plugin, self._underlay, self._control, self._api)
        self._meaning = Meaning(self._control, self._api, self._underlay, dns_domain, dns, Outside(outside_names or {}))
        self._connections = 0
        self._taps: list[Callable[[Trace], None]] = []
        """Who is told of every packet that is sent."""
        self._http = HttpWalk(Relays(self._api), self._connect)
        self._kubectl: Kubectl | None = None
        self.followers = Followers()
        self._proxied: tuple[bool | int, ...] = (False,)
        """What of the Services shows on every node: whether there are any, and the ports of their health checks."""

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
    def services(self) -> tuple[Service, ...]:
        """The Services, in the order in which they were made, with what the cluster has given them."""
        return self._api.all("Service")

    def endpoint_slices(self, service: str, namespace: str = "default") -> tuple[EndpointSlice, ...]:
        """Who stands behind a Service: its EndpointSlices.  Raises NotFound."""
        found: Service = self._api.get("Service", service, namespace)
        return self._api.services.slices(found.key)

    def objects(self, kind: str) -> tuple[Any, ...]:
        """All objects of a kind: "pods", "svc", "networkpolicies", ... in the order in which they were made, with their status.

        Raises InvalidArgument for another word.
        """
        from k8snet_course.manifests import kind_named  # needed only where kinds are named

        return with_status(self._api, self._api.all(kind_named(kind).name))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The machines outside the cluster that packets can start from or go to."""
        return HOSTS

    def node(self, name: str) -> Device:
        """A node's tables.  Raises NotFound."""
        node = self._control.node(name).node
        return Device(self, node.name, node.ip, node.pod_cidr, node.second_ip, node.second_pod_cidr,
                      self._resolver_of(node.name))

    def pod(self, name: str, namespace: str = "default") -> Device:
        """A pod's tables.  Raises NotFound."""
        pod = self._control.pod(name, namespace)
        return Device(self, pod.key, pod.ip, second_ip=pod.second_ip, resolv_conf=self._resolver_of(pod.key))

    def host(self, name: str) -> Device:
        """The tables of a machine outside the cluster: ``laptop`` or ``router``, or of the switch ``underlay``."""
        if name not in (*HOSTS, SWITCH):
            raise NotFound(name, f"a machine outside the cluster: {', '.join((*HOSTS, SWITCH))}", "use one of them")
        return Device(self, name, self._underlay.address.get(name, ""), second_ip=self._underlay.second_address.get(name, ""),
                      resolv_conf=self._resolver_of(name))

    def _resolver_of(self, name: str) -> Callable[[], ResolvConf]:
        return partial(self._meaning.resolv_conf, name)

    def resolv_conf(self, src: str) -> ResolvConf:
        """The /etc/resolv.conf of a pod, a node or a machine outside.  Raises NotFound.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("a", namespace="shop")
            >>> cluster.resolv_conf("shop/a").search[0]
            'shop.svc.cluster.local'
        """
        return self._meaning.resolv_conf(self._meaning.endpoint(src))

    def proxy_text(self, node: str) -> str:
        """What kube-proxy has written on a node, as the command of its mode prints it.

        That is `iptables-save`, `nft list table`, `ipvsadm -Ln`, or for kernelspace a list of policies.  Raises NotFound.
        """
        state = self._control.node(node)
        ns = self.namespace(node)
        return self._api.proxy.text(state.node, state.zone, ns.learned.memory, node_port_addresses(ns))

    def policies_at(self, pod: str, namespace: str = "default") -> PoliciesAt:
        """The policies that select a pod, for each direction, and what they allow.  Raises NotFound.

            >>> cluster = Cluster(cni="calico")
            >>> _ = cluster.add_pod("web", labels={"app": "web"})
            >>> print(cluster.policies_at("web"))
            pod web
              Ingress: not isolated
              Egress: not isolated
        """
        return self._linux.policies_at(self._control.pod(pod, namespace).key)

    def ipam(self, node: str) -> Ipam:
        """The allocator of pod addresses of a node.  It is the cluster's own: look, and let the cluster change it."""
        return self._control.node(node).ipam

    def second_ipam(self, node: str) -> Ipam | None:
        """That of the pods' second addresses in a dual-stack cluster; elsewhere None.

            >>> Cluster(pod_cidr="10.244.0.0/16,fd00:10:244::/56",
            ...         node_network="192.168.1.0/24,fd00:192:168:1::/64").second_ipam("node-1").peek()
            'fd00:10:244::2'
        """
        return self._control.node(node).second_ipam

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
        node = self._control.node(found.node).node
        return exchange(command, self._plugin.conflist(node), self._control.attachment(found),
                        runtime_config={"portMappings": wanted} if wanted else None, links=now.links.values(),
                        routes=now.routes, delegate=self._plugin.delegate(node))

    # -- changing it ---------------------------------------------------------------------------------------------------

    @told
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
        return self._control.create(
            wanted_pod(name, node, namespace, labels, image, containers, listen, host_ports, host_network))

    @told
    def add_pods(self, names: Iterable[str] | int, node: str | None = None, namespace: str = "default",
                 **what: Any) -> tuple[Pod, ...]:
        """Make many pods that are alike, or none: ``names``, or as many as a number says (pod-1, pod-2, ...).

        The other arguments are those of ``add_pod``.  Raises what ``add_pod`` raises.

            >>> print(*Cluster(nodes=2).add_pods(3, image="busybox"), sep="\\n")
            pod pod-1 10.244.0.2 on node-1
            pod pod-2 10.244.1.2 on node-2
            pod pod-3 10.244.0.3 on node-1
        """
        number = isinstance(names, int) and not isinstance(names, bool) and 0 <= names <= MOST_PODS
        if not number and (isinstance(names, (str, int)) or not isinstance(names, Iterable)):
            raise InvalidArgument(names, f"names, or a number of pods from 0 to {MOST_PODS}", "write 3 or ['a', 'b', 'c']")
        wanted = [f"pod-{number}" for number in range(1, names + 1)] if isinstance(names, int) else names
        like = wanted_pod("pod", node, namespace, **what)
        with self._control.all_or_nothing():
            return tuple(self._control.create(named(like, name)) for name in wanted)

    @told
    def apply(self, manifest: str | PathLike[str] | Mapping[str, object]) -> tuple[Any, ...]:
        """Make or change what a manifest says, as `kubectl apply -f` does: a YAML text, a path to a file, or a dict.

        Either all of it is applied or nothing.  Raises InvalidManifest, or what ``add_pod`` raises, with the mistake's line.

            >>> cluster = Cluster()
            >>> manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
            ...             "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}
            >>> print(*cluster.apply(manifest))
            pod web 10.244.0.2 on node-1
        """
        from k8snet_course import manifests  # kinds, their fields and the YAML reader are needed only here

        with collector_resting():
            wanted = manifests.load_located(manifest, self._api.there)
            return self._api.apply([made for made, _ in wanted], [spot for _, spot in wanted])

    def bootstrap(self) -> None:
        """Put in what `kubeadm` leaves in a new cluster: the control plane's pods, kube-proxy's, CoreDNS, and their Services.

        A second time changes nothing.  Raises what ``apply`` raises (an address or a port is taken), and then has changed
        nothing.  See :mod:`k8snet_course.bootstrap`.

            >>> cluster = Cluster(nodes=2, cni="flannel")
            >>> cluster.bootstrap()
            >>> _ = cluster.add_pod("client")
            >>> print(*cluster.services, sep="\\n")
            service kubernetes ClusterIP 10.96.0.1 443/TCP
            service kube-system/kube-dns ClusterIP 10.96.0.10 53/UDP,53/TCP,9153/TCP
            >>> cluster.send("client", "kubernetes", port=443).reason
            'kube-apiserver in node-1 listens on TCP port 6443 and takes the packet'
        """
        from k8snet_course import manifests
        from k8snet_course.bootstrap import CONTROL_PLANE, manifests_of

        first = str(network(self.service_cidr.split(",")[0], "Service CIDR")[1])
        every = manifests_of(self.nodes, first, self.cluster_dns)
        self._api.apply([made for one in every for made in manifests.load(one)])
        first_node = self.nodes[0].name
        self.label_node(first_node, {**self._control.node(first_node).more_labels, CONTROL_PLANE: ""})

    @told
    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Delete an object, as `kubectl delete` does: "pod", "service" or "svc", "networkpolicy" or "netpol", ...

        What it had (an address, a port) is free again.  Raises InvalidArgument or NotFound.
        """
        if str(kind).lower() not in ("pod", "pods", "po"):
            from k8snet_course.manifests import kind_named

            found = kind_named(kind).name
            self._api.delete(found, self._api.get(found, name, namespace))
        else:
            self._api.delete("Pod", self._control.pod(name, namespace))

    @told
    def set_state(self, pod: str, namespace: str = "default", *, ready: bool = True, terminating: bool = False,
                  finished: bool = False) -> None:
        """Say how a pod is; EndpointSlices, kube-proxy and DNS follow.  A pod that nobody says anything about is ready.

        ``ready``: its readiness probe succeeds; ``terminating``: it has been told to stop and is shutting down; ``finished``:
        its programs have ended (phase Succeeded or Failed).  Raises NotFound or InvalidArgument.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("web-1", labels={"app": "web"})
            >>> _ = cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            ...                    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], "clusterIP": "10.96.0.20"}})
            >>> cluster.set_state("web-1", ready=False)
            >>> str(cluster.send("node-1", "web", port=80).verdict)
            'no_endpoints'
        """
        for flag in (ready, terminating, finished):
            if not isinstance(flag, bool):
                raise InvalidArgument(flag, "True or False", "write set_state('web-1', ready=False)")
        found = self._control.pod(pod, namespace)
        self._api.services.set_state(found, PodState(ready, terminating, finished))
        for what, so in (("end of Pod", terminating), ("result of Pod", finished)):
            (self._control.clock.came if so else self._control.clock.went)(what, found.key)
        self._linux.forget(self._linux.device(found.key))

    def node_labels(self, name: str) -> Mapping[str, str]:
        """The labels of a node, those that the kubelet gives it first.  Raises NotFound.

            >>> Cluster().node_labels("node-1")["kubernetes.io/hostname"]
            'node-1'
        """
        return dict(self._control.node(name).labels)

    @told
    def label_node(self, name: str, labels: Mapping[str, str]) -> None:
        """Give a node labels beside those that the kubelet gives it; an empty dict takes them away.

        ``topology.kubernetes.io/zone`` is the zone that trafficDistribution looks at.  Raises NotFound, InvalidName or
        InvalidArgument.

            >>> cluster = Cluster(nodes=2)
            >>> cluster.label_node("node-1", {"topology.kubernetes.io/zone": "zone-a"})
        """
        state = self._control.node(name)
        if not isinstance(labels, Mapping):
            raise InvalidArgument(labels, "labels as a dict", "write {'topology.kubernetes.io/zone': 'zone-a'}")
        check_labels(labels)
        state.more_labels = dict(labels)
        self._api.services.set_zone(name, state.zone)
        self._linux.forget(name)

    @told
    def wait(self, seconds: int) -> None:
        """Let time pass: objects grow old, and what devices remember of clients (session affinity).  Raises InvalidArgument.

            >>> cluster = Cluster()
            >>> cluster.wait(10800)
            >>> cluster.now
            10800
        """
        if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
            raise InvalidArgument(seconds, "a whole number of seconds", "write wait(10800)")
        self._control.clock.wait(seconds)
        self._linux.wait(seconds)

    @property
    def now(self) -> int:
        """How many seconds have passed since the cluster was made, by its own clock."""
        return self._control.clock.now

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that were injected, in order."""
        return tuple(self._linux.faults)

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
                          forwarding=now.forwarding, bridge_nf=now.bridge_nf))
        self._linux.faults.append(fault)
        self._linux.forget(fault.device)

    def repair(self, fault: Fault | None = None) -> None:
        """Take a fault back, or all of them.  Raises NotFound."""
        if fault is not None and self._located(fault) not in self._linux.faults:
            raise NotFound(fault, "a fault that was injected", "look at cluster.faults")
        for one in [self._located(fault)] if fault is not None else list(self._linux.faults):
            self._linux.faults.remove(one)
            self._linux.forget(one.device)

    @told
    def kubectl(self, command: str | Sequence[str], stdin: str | None = None) -> Reply:
        """Do what a kubectl command says, and return what it prints.  ``stdin`` is what ``-f -`` reads.

        A mistake in the command raises nothing: kubectl's own error text is the reply.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("web")
            >>> cluster.kubectl("get pods")
            NAME   READY   STATUS    RESTARTS   AGE
            web    1/1     Running   0          0s
            >>> cluster.kubectl("get pod x").code
            1
        """
        return self._client()(command, stdin)

    def kubectl_complete(self, line: str) -> tuple[str, list[str]]:
        """The last fragment of a kubectl command that is being typed, and the words that it may become.

            >>> Cluster().kubectl_complete("get nodes no")
            ('no', ['node-1'])
        """
        return self._client().complete(line)

    def _client(self) -> Kubectl:
        """This cluster's kubectl, when the controllers have done what is to be done."""
        if self._kubectl is None:
            from k8snet_course.kubectl import Kubectl
            from k8snet_course.kubectl.server import Server

            self._kubectl = Kubectl(Server(self, self._control, self._api, self._settle))
        self._settle()
        return self._kubectl

    # -- packets and names ---------------------------------------------------------------------------------------------

    def send(self, src: str, dst: str, port: int | None = 80, protocol: str = "TCP", *, size: int = 0,
             ttl: int = DEFAULT_TTL) -> Trace:
        """Send one packet and return its walk and that of the answer.

        ``src`` and ``dst`` are a pod (``frontend``, ``shop/db``, ``pod/frontend``), a node, or a machine outside (laptop,
        router, internet); ``dst`` may also be a Service (``web``, ``shop/web``, ``svc/web``), an IP address, or a name that the
        sender's resolver looks up.  Without a ``port`` (or with protocol ICMP) the packet is a ping.  ``size`` is the number of
        bytes it carries, ``ttl`` how many routers may pass it on.  Raises NotFound or InvalidArgument.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
            >>> str(cluster.send("frontend", "backend", port=81).verdict)
            'refused'
        """
        self._settle()
        source = self._meaning.endpoint(src)
        target = self._meaning.target(dst, source, lambda: self._dead_servers(source))
        if not target.address:
            return no_such_name(self.namespace(source), source.removeprefix("default/"), target, self.cluster_dns,
                                self._meaning.address_of(source))
        return self._walk(source, target, port, protocol, size, ttl)

    def meant(self, src: str, dst: str) -> tuple[str, Target]:
        """What the two words mean to ``send``: the sending device, and where its packet would go.  Nothing is sent.

        Without an address the target is a name that nobody has, and says what the resolver found.  Raises NotFound.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
            >>> cluster.meant("frontend", "backend")
            ('default/frontend', Target(address='10.244.0.3', label='backend', device='default/backend', why=''))
        """
        self._settle()
        source = self._meaning.endpoint(src)
        return self._linux.device(source), self._meaning.target(dst, source, lambda: self._dead_servers(source))

    def _walk(self, source: str, target: Target, port: int | None, protocol: str, size: int = 0,
              ttl: int = DEFAULT_TTL) -> Trace:
        """Send a packet from a device to a target that is known, and what sidecars on its way send for it."""
        return self._http.passed_on(self._once(source, target, probe(target.address, port, protocol, size, ttl)))

    def _connect(self, call: Call) -> Trace:
        """Open a TCP connection."""
        packet = probe(call.target.address, call.port, "TCP", 0)
        return self._once(call.source, call.target, packet.with_source(call.address), call.owner)

    def _once(self, source: str, target: Target, packet: Packet, owner: int = 0) -> Trace:
        """One packet and its answer."""
        self._connections += 1
        trace = forward.send(self._linux, self._linux.device(source), packet, target.label, self._linux.device(target.device),
                             asked=source.removeprefix("default/"), seed=self._connections, owner=owner)
        for tap in tuple(self._taps):  # one may end itself
            tap(trace)
        return trace

    def _emit(self, source: str, packet: Packet) -> Trace:
        """Send this very packet from a device; the device fills in the source address if there is none."""
        self._settle()
        return self._http.passed_on(self._once(source, Target(packet.dst, packet.dst), packet))

    @contextmanager
    def _unseen(self) -> Iterator[None]:
        """Whatever is sent inside, the devices learn nothing from it, and nobody who watches them sees it."""
        taps, self._taps = self._taps, []
        try:
            with self._linux.unchanged():
                yield
        finally:
            self._taps = taps

    def exec(self, device: str, command: str | Sequence[str], *, container: str = "", image: str = "",
             stdin: str = "") -> Ran | Capture:
        """Run a command in a pod, on a node or on a machine outside, as `kubectl exec` does: "ip route", "ping -c 2 web".

        The command comes from the container's image, and an image may lack it; ``image`` is that of a container that is added
        for this command, as `kubectl debug` does it.  A text may have pipes, ``&&`` and ``;`` in it; a list is a command's name
        and its words.  What goes wrong inside is in the result; `tcpdump` returns at once and shows what is sent after it.
        Raises NotFound or InvalidArgument where the command cannot even be started.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("a", image="busybox"), cluster.add_pod("b")
            >>> print(cluster.exec("a", "ip route | grep default"))
            default via 10.244.0.1 dev eth0
            >>> cluster.exec("a", "ping -c 1 10.244.0.3").code
            0
        """
        from k8snet_course.shell import Wires, machine_of, run  # its commands are needed only here

        self._settle()
        wires = Wires(self, self._meaning, self._emit, self._taps)
        return run(machine_of(wires, self._meaning.endpoint(device), container, image), command, stdin)

    def request(self, src: str, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, *,
                connect_to: str = "", via: str = "endpoints", insecure: bool = False) -> Response:
        """Make an HTTP request, and return what comes of it with every connection that is made for it.

        The URL's host is whatever ``send`` takes; ``connect_to`` is where the client connects instead ("node-1:30080",
        "192.168.1.240", "svc/edge"), as if a name led there.  If that is an Ingress controller's or a Gateway's pod
        (:mod:`k8snet_course.controllers`), its rules decide, and it connects to a pod itself; with ``via="clusterIP"`` to the
        Service's address.  ``insecure`` takes any certificate.  Raises NotFound or InvalidArgument.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("client"), cluster.add_pod("web")
            >>> print(cluster.request("client", "http://web/"))
            GET http://web/ from client
            200: nginx in web listens on TCP port 80 and takes the packet
              connection 1 of 1: client -> web, delivered
        """
        request, word, port = asked(url, method, headers, connect_to, via)
        self._settle()
        source = self._meaning.endpoint(src)
        target = self._meaning.target(word, source)
        if not target.address:
            lost = no_such_name(self.namespace(source), source.removeprefix("default/"), target, self.cluster_dns,
                                self._meaning.address_of(source))
            return Response(request, 0, lost.reason, lost)
        return self._http.request(request, Call(source, target, port), via, insecure)

    def reachability(self, port: int | None = 80, protocol: str = "TCP", family: str = "") -> Reachability:
        """A packet from every pod to every pod, itself included.  The devices learn nothing from it.

        ``family`` is IPv4 or IPv6; without it, the primary one.  Raises InvalidArgument for one that pods do not have.

            >>> cluster = Cluster(nodes=2, cni="flannel")
            >>> _ = [cluster.add_pod(name) for name in ("a", "b", "c")]
            >>> cluster.reachability().ok
            True
        """
        ranges = self._plugin.settings.pod_cidrs
        version = {"IPv4": 4, "IPv6": 6, "": 6 if ":" in ranges[0] else 4}.get(str(family), 0)
        at = next((number for number, cidr in enumerate(ranges) if (":" in cidr) == (version == 6)), None)
        if at is None or not version:
            had = " or ".join("IPv6" if ":" in cidr else "IPv4" for cidr in ranges)
            raise InvalidArgument(family, f"an IP version that pods have: {had}", "leave family out")
        targets = [Target(pod.ips[at], pod.label, pod.key) for pod in self.pods]
        self._settle()
        with self._unseen():
            return Reachability(pairs_of(self._linux, at, port, protocol, lambda one, other: self._walk(
                targets[one].device, targets[other], port, protocol)))

    def query(self, name: str, type: str = "A") -> Answer:  # noqa: A002 # the field's word for it
        """What the cluster's DNS server answers: ``type`` is A, AAAA, SRV, PTR, CNAME or TXT.  Raises InvalidName.

            >>> print(Cluster().query("web.default.svc.cluster.local").rcode)
            NXDOMAIN
        """
        self._settle()
        return self._api.zone.query(name, type)

    def lookup(self, src: str, name: str, resolver: str = "glibc") -> Lookup:
        """Every query that a program on a pod (or another machine) makes for a name, in order, and what comes of it.

        ``resolver`` is glibc, musl or busybox.  If the cluster's DNS server runs in pods behind the Service
        kube-system/kube-dns, its queries are packets like all others, and get lost like others.  Raises NotFound, InvalidName
        or InvalidArgument.

            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("a")
            >>> len(cluster.lookup("a", "web").queries)
            8
        """
        self._settle()
        source = self._meaning.endpoint(src)
        return self._meaning.lookup(source, name, resolver, self._dead_servers(source))

    def _dead_servers(self, source: str) -> tuple[str, ...]:
        """The addresses of the cluster's DNS server that do not answer this device.  The devices learn nothing from it."""
        if not self._meaning.dns_in_pods:
            return ()
        before = self._connections
        with self._unseen():
            dead = tuple(ip for ip in self._meaning.dns if not self._walk(source, Target(ip, ip), 53, "UDP").answered)
        self._connections = before
        return dead

    @property
    def cluster_dns(self) -> str:
        """The address of the cluster's DNS server: the tenth of the Services' range."""
        return self._meaning.dns[0]

    def _settle(self) -> None:
        """Let the controllers do what is to be done since somebody last looked."""
        changed = self._api.settle()
        now = (bool(self._api.services.services), *self._api.services.health_ports.values())
        if self._proxied != now or (changed and self._api.proxy.gives_addresses):
            self._proxied = now
            self._linux.services_changed()

    # -- looking into devices --------------------------------------------------------------------------------------------

    def namespace(self, name: str) -> Namespace:
        """The network namespace of a device, derived from what the cluster has decided.  Raises NotFound."""
        self._settle()
        return self._linux.namespace(name)

    def holders(self, address: str) -> Sequence[str]:
        """The devices that have this address."""
        self._settle()
        return self._linux.holders(address)

    def _located(self, fault: Fault) -> Fault:
        """The fault with its device's full name: a pod of the namespace default may be named without it."""
        if not is_dataclass(fault) or isinstance(fault, type) or not hasattr(fault, "device"):
            raise InvalidArgument(fault, "a fault of k8snet_course.faults", "write ForwardingOff('node-1'), for example")
        return replace(fault, device=self._linux.device(self._meaning.endpoint(fault.device)))

    def __repr__(self) -> str:
        lines = [f"cluster with the {self.cni} plugin, pods {self.pod_cidr}, nodes {self.node_network}"]
        for state in self._control.nodes.values():
            lines.append(f"  {state.node}")
            lines += [f"    {self._control.pods[key]}" for key in (*state.at_home, *state.cables)]
        return "\n".join(lines)


def _dns_address(service_cidr: str) -> str:
    """The address of the cluster's DNS server: kubeadm's choice is the tenth.  Raises InvalidArgument."""
    found = network(service_cidr, "Service CIDR")
    if found.num_addresses <= DNS_NUMBER:
        raise InvalidArgument(service_cidr, f"a Service CIDR of at least 16 addresses: the DNS server has number {DNS_NUMBER}",
                              f"write service_cidr='{found.network_address}/{found.max_prefixlen - 4}' or a larger one")
    return str(found[DNS_NUMBER])
