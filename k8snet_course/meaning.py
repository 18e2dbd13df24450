"""What a learner's words mean: "frontend", "shop/db", "node-1", "web.shop", "example.com", "10.96.0.20".

A word is first a pod, then a node or a machine outside, then a Service, then an address, then a name that has to be looked up,
as the sender's resolver would do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from k8snet_course.api_server import ApiServer
from k8snet_course.control_plane import ControlPlane, listed
from k8snet_course.dns import Lookup, Outside, ResolvConf, lookup, resolv_conf
from k8snet_course.dns.outside import Server
from k8snet_course.errors import NotFound
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Hop, Step, Told, Trace, Verdict
from k8snet_course.names import nearest, short
from k8snet_course.objects.service import Service
from k8snet_course.probe import EPHEMERAL_PORT, is_address
from k8snet_course.underlay import HOSTS, INTERNET, ROUTER, Underlay

DNS_SERVICE = "kube-system/kube-dns"
"""What the DNS server's Service is called in every cluster, whatever program serves there."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a packet is to go: an ``address``, the ``device`` that is meant by it (empty: not known), and how it was called.

    Without an address there is no such name, and ``why`` says what the resolver found.
    """

    address: str
    label: str
    device: str = ""
    why: str = ""


class Meaning:
    """The words of one cluster.  ``domain`` is its DNS domain, ``dns`` the address of its DNS server."""

    def __init__(self, control: ControlPlane, api: ApiServer, underlay: Underlay, domain: str, dns: tuple[str, ...],
                 outside: Outside) -> None:
        self.control = control
        self.api = api
        self.underlay = underlay
        self.domain = domain
        self.dns = dns
        self.outside = outside

    def endpoint(self, name: str) -> str:
        """The pod (namespace/name), node or machine outside that a word means.  Raises NotFound."""
        found = self._device(name)
        if found:
            return found
        services = [service.label for service in self.api.services.services.values()]
        known = [*(pod.label for pod in self.control.pods.values()), *services, *self.control.nodes, *HOSTS]
        words = "a pod, a Service, a node or a machine outside" if services else "a pod, a node or a machine outside"
        best = nearest(name, known)
        raise NotFound(short(name), f"{words} ({listed(known)}), or an IP address as the destination", f"write '{best}'"
                       if best != name else f"this is a Service of the namespace default: it sends nothing, and from other "
                       f"namespaces it is called 'default/{name}'")

    def target(self, word: str, source: str, unreachable: Callable[[], tuple[str, ...]] = tuple) -> Target:
        """Where a packet from ``source`` (an endpoint) to ``word`` goes.  Raises NotFound.

        ``unreachable`` says which DNS servers do not answer the source; it is asked only when a name has to be looked up.
        Where the cluster's DNS server runs in pods, a pod has to look up a Service's name like any other (``shop/web`` is no
        name).
        """
        if word == "localhost":
            ipv6 = ":" in next(iter(self.control.nodes.values())).node.ip
            return Target("::1" if ipv6 else "127.0.0.1", word)
        if is_address(word):
            address = str(ip_address(word))
            return Target(address, address)
        device = self._device(word)
        if device:
            return Target(self.address_of(device), _label(device), device)
        pod = self.control.pods.get(source)
        service = self.service(word, pod.namespace if pod is not None else "default")
        asks = pod is not None and self.dns_in_pods and "/" not in word
        if service is not None and service.proxied and not asks:
            return Target(service.cluster_ip, service.label)
        name = f"{service.name}.{service.namespace}.svc.{self.domain}" if service is not None else word
        if service is None and ("." not in word or word.replace(".", "").isdecimal()):
            self.endpoint(word)  # says what there is
        found = self.lookup(source, word if service is not None and asks else name, unreachable=unreachable())
        if not found.result:
            return Target("", word, why=found.why)
        return Target(found.result[0], word)

    @property
    def dns_in_pods(self) -> bool:
        """Whether the cluster's DNS server is a Service with pods, which packets have to reach."""
        return DNS_SERVICE in self.api.services.services

    def service(self, word: str, namespace: str) -> Service | None:
        """The Service that a word means in a namespace: ``web``, ``shop/web``, ``svc/web`` or ``service/web``; or None."""
        if not isinstance(word, str):
            return None
        kind, _, rest = word.partition("/")
        name = rest if kind in ("svc", "service") and rest else word
        held = self.api.services.services
        return held.get(f"{namespace}/{name}") or held.get(name)

    def address_of(self, device: str) -> str:
        """The (first) address of a pod, a node or a machine outside."""
        if device in self.control.pods:
            return self.control.pods[device].ip
        return self.control.nodes[device].node.ip if device in self.control.nodes else self.underlay.address[device]

    # -- names ---------------------------------------------------------------------------------------------------------

    def resolv_conf(self, source: str) -> ResolvConf:
        """The resolv.conf of a pod, or of a machine that is no pod: that one asks the router's DNS server."""
        node = ResolvConf((self.underlay.address[ROUTER],))
        pod = self.control.pods.get(source)
        if pod is None:
            return node
        return resolv_conf(pod.namespace, pod.dns_policy, pod.dns_config, node, self.dns, pod.host_network, self.domain)

    def lookup(self, source: str, name: str, resolver: str = "glibc", unreachable: tuple[str, ...] = (),
               servers: Mapping[str, Server] | None = None) -> Lookup:
        """The queries that a program on this device makes for a name; servers at ``unreachable`` do not answer.

        ``servers`` are others to ask in the place of those that there are.  Raises InvalidName or InvalidArgument.
        """
        if servers is None:
            here = (*self.dns, self.underlay.address[ROUTER])
            servers = {ip: one for ip in here if ip not in unreachable and (one := self.server_at(ip)) is not None}
        return lookup(self.resolv_conf(source), name, servers, resolver, self.hosts_of(source))

    def hosts_of(self, source: str) -> dict[str, tuple[str, ...]]:
        """The names in the /etc/hosts of a device, with their addresses: `localhost` and its own name."""
        pod = self.control.pods.get(source)
        if pod is not None and not pod.host_network:
            return {"localhost": ("127.0.0.1",), pod.hostname or pod.name: pod.ips}
        name = pod.node if pod is not None else source
        own = self.control.nodes[name].node.ips if name in self.control.nodes else self.underlay.addresses_of(name)
        return {"localhost": ("127.0.0.1",), name: tuple(own)}

    def server_at(self, address: str) -> Server | None:
        """The DNS server that answers at an address, whatever becomes of packets to it: the cluster's, or the router's."""
        if address in self.dns:
            return self.api.zone
        return self.outside if address == self.underlay.address[ROUTER] else None

    def server_on(self, device: str) -> Server | None:
        """The DNS server that runs on a device: the cluster's in the pods of its Service, or one outside."""
        if device == INTERNET:
            return self.outside
        slices = self.api.services.slices(DNS_SERVICE) if self.dns_in_pods else ()
        serving = [self.control.pods.get(end.target) for each in slices for end in each.endpoints]
        here = any(pod is not None and device in (pod.key, pod.host_network and pod.node) for pod in serving)
        return self.api.zone if here else None

    def _device(self, name: object) -> str:
        """A pod, node or machine outside, or nothing.  Raises NotFound for one that is named by its kind and is not there."""
        if not isinstance(name, str):
            raise NotFound(name, "the name of a pod, a node, a Service or a machine outside, or an IP address",
                           "write it as a text")
        kind, _, rest = name.partition("/")
        if kind == "pod" and rest:
            return self.control.pod(rest).key
        if kind == "node" and rest:
            return self.control.node(rest).node.name
        for key in (f"default/{name}", name):
            if key in self.control.pods:
                return key
        return name if name in self.control.nodes or name in HOSTS else ""


def no_such_name(ns: Namespace, asked: str, target: Target, dns: str, address: str) -> Trace:
    """The trace of a packet that was never sent, because its name stands for no address."""
    query = Packet(address, dns, "UDP", EPHEMERAL_PORT, 53, kind="query", dont_fragment=False)
    reason = f"{asked} cannot send to {target.label}: {target.why}".rstrip(".")
    step = Step(Action.DROP, "", query, Told(reason, target.label))
    return Trace(asked, target.label, query, (Hop(ns.name, ns.kind, "", "", (step,)),), Verdict.NO_SUCH_NAME, reason)


def _label(device: str) -> str:
    """A device's name as people say it: a pod of the namespace ``default`` goes without it."""
    return device.removeprefix("default/")
