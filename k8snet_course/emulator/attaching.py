"""What a container runtime would say to the reference CNI plugins about the pods of a cluster, in plain values.

The requests are the model's own (:meth:`~k8snet_course.cluster.Cluster.cni_exchange`); what is changed is said in
:func:`~k8snet_course.emulator.cni_run.attach`, which runs the plugins.  This module runs nothing.

host-local is to find each pod's address by itself.  A cluster whose pods came and went has left gaps; so before a pod is
added, the plugin's memory of the last address is set back where that is needed.  What it holds at the end is the model's store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

from k8snet_course.addressing import HostLocal
from k8snet_course.cluster import Cluster
from k8snet_course.cni.plugin import Json
from k8snet_course.emulator.plan import Made
from k8snet_course.linux.netfilter import NAT

PLUGINS = ("none", "bridge", "flannel", "flannel-host-gw", "weave")
"""The network plugins whose pods' interfaces are made by the reference plugins."""
_WEAVE = "weave"
LAST = "last_reserved_ip."
"""How the names of the files begin in which host-local notes the last address of each range set."""
_MOST_SKIPPED = 32
_OF_PORTMAP = ("CNI-HOSTPORT-", "CNI-DN-")


class Turn(NamedTuple):
    """One start of a plugin: the program's name, the environment and the request."""

    program: str
    environment: Mapping[str, str]
    request: Json


@dataclass(frozen=True, slots=True)
class Adding:
    """One pod: the turns of CNI ADD, and what the model says comes of it.

    ``link`` and ``link_mac`` are the interface on the node as the model calls it, ``skipped`` says how many interface numbers
    are left out before it, ``last`` the files with what host-local is to take for the last addresses (empty: what it wrote
    itself), ``result`` is the model's result.
    """

    device: str
    link: str
    link_mac: str
    skipped: int
    last: Mapping[str, str]
    turns: tuple[Turn, ...]
    result: Json

    @property
    def routes(self) -> tuple[str, ...]:
        """Where the routes lead that the plugins write in the pod, as its table calls it."""
        return tuple("default" if row["dst"] == "0.0.0.0/0" else row["dst"] for row in self.result["routes"])


@dataclass(frozen=True, slots=True)
class NodeRun:
    """All pods of one node, in the order in which they came.

    ``bridge`` is the one that the pods are ports of, ``built`` whether it is there before the first pod (Weave's, which is one
    wire with the other nodes' bridges); ``before`` are the files that host-local finds (reservations of nobody's), ``after``
    those that it has to have in the end, ``port_rules`` the rules that portmap has to have written.
    """

    node: str
    network: str
    bridge: str
    built: bool
    addings: tuple[Adding, ...]
    before: Mapping[str, str]
    after: Mapping[str, str]
    port_rules: tuple[str, ...]

    @property
    def made(self) -> dict[str, Made]:
        """What the plugins make, by device."""
        bridge = () if self.built else (self.bridge,)
        return {self.node: Made(frozenset((*bridge, *(each.link for each in self.addings)))),
                **{each.device: Made(frozenset(("eth0",)), each.routes) for each in self.addings}}

    def __str__(self) -> str:
        return f"{self.node}: {len(self.addings)} pods in the network {self.network}"


def node_runs(cluster: Cluster) -> tuple[NodeRun, ...]:
    """What is to be said on each node that has pods; nothing for plugins of another kind.

    >>> cluster = Cluster(nodes=2, cni="flannel")
    >>> for name in "abc":
    ...     _ = cluster.add_pod(name)
    >>> print(*node_runs(cluster), sep="\\n")
    node-1: 2 pods in the network cbr0
    node-2: 1 pods in the network cbr0
    >>> node_runs(Cluster(cni="calico-bgp"))
    ()
    """
    if cluster.cni not in PLUGINS:
        return ()
    found = (_node_run(cluster, node.name) for node in cluster.nodes)
    return tuple(run for run in found if run.addings)


def _node_run(cluster: Cluster, node: str) -> NodeRun:
    ns = cluster.namespace(node)
    cables = [(link, link.peer.namespace) for link in sorted(ns.links.values(), key=lambda link: link.index)
              if link.master and link.peer is not None]
    said = {key: turns(cluster, key) for _, key in cables}
    containers = {key: each[0].environment["CNI_CONTAINERID"] for key, each in said.items()}
    stores = [ipam.to_files(number) for number, ipam in enumerate((cluster.ipam(node), cluster.second_ipam(node)))
              if isinstance(ipam, HostLocal)]
    before = [{name: text for name, text in files.items()
               if not name.startswith(LAST) and not set(containers.values()) & set(text.split())} for files in stores]
    memories: list[HostLocal] = []
    addings: list[Adding] = []
    expected = max(link.index for link in ns.links.values() if link.peer is None or not link.master) + 1
    for link, key in cables:
        ranges = said[key][1].request["ipam"]["ranges"]
        result, last = _copy(cluster.cni_result(*_named(key))), {}
        for number, of_set in enumerate(ranges):
            if len(memories) <= number:
                memories.append(HostLocal.from_files(of_set, before[number], number))
            address = result["ips"][number]["address"].partition("/")[0]
            if not memories[number].free or memories[number].peek() != address:
                last[f"{LAST}{number}"] = str(ip_address(address) - 1)
                memories[number] = HostLocal.from_files(of_set, {**memories[number].to_files(number), **last}, number)
            memories[number].allocate(containers[key])
        addings.append(Adding(key, link.name, link.mac, min(link.index - expected, _MOST_SKIPPED), last, said[key], result))
        expected = link.index + 1
    network, bridge = (said[cables[0][1]][1].request["name"], cables[0][0].master) if cables else ("", "")
    written = [*map(str, ns.rules.rows(NAT)), *map(str, ns.rules6.rows(NAT))]
    return NodeRun(node, network, bridge, cluster.cni == _WEAVE, tuple(addings), _joined(before), _joined(stores),
                   of_portmap(written))


def _joined(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {name: text for part in parts for name, text in part.items()}


def turns(cluster: Cluster, key: str, command: str = "ADD") -> tuple[Turn, ...]:
    """The turns for one pod; for ADD the loopback plugin's first, as container runtimes do.

    >>> cluster = Cluster(cni="flannel")
    >>> _ = cluster.add_pod("a")
    >>> [turn.program for turn in turns(cluster, "default/a")], [turn.program for turn in turns(cluster, "default/a", "DEL")]
    (['loopback', 'bridge', 'portmap'], ['portmap', 'bridge'])
    """
    name, namespace = _named(key)
    said = cluster.cni_exchange(name, command, namespace)
    version = said[0].request["cniVersion"]
    mac = next(link["mac"] for link in _copy(cluster.cni_result(name, namespace))["interfaces"] if "sandbox" in link)
    environment = {**said[0].environment, "CNI_ARGS": f"{said[0].environment['CNI_ARGS']};MAC={mac}"}
    requests = [each.request if each.delegate is None else each.delegate for each in said]
    if cluster.cni == _WEAVE:
        node = cluster.pod(name, namespace).links[1].peer
        assert node is not None, "a pod's cable"
        requests = [_as_bridge(request, cluster, node.namespace) if request["type"] == "weave-net" else request
                    for request in requests]
    found = tuple(Turn(request["type"], environment, _copy(request)) for request in requests)
    if command != "ADD":
        return found
    loopback = {"cniVersion": version, "name": "cni-loopback", "type": "loopback"}
    return (Turn("loopback", {**environment, "CNI_IFNAME": "lo"}, loopback), *found)


def _as_bridge(request: Json, cluster: Cluster, node: str) -> Json:
    """What bridge has to be asked so that it does what Weave's plugin does: a port of the one bridge, an address of the share.

    >>> cluster = Cluster(nodes=2, cni="weave")
    >>> _ = cluster.add_pod("a")
    >>> turns(cluster, "default/a")[1].request["ipam"]["ranges"]
    [[{'subnet': '10.32.0.0/12', 'rangeStart': '10.32.0.1', 'rangeEnd': '10.39.255.255', 'gateway': '10.32.0.1'}]]
    """
    ipam = cluster.ipam(node)
    assert isinstance(ipam, HostLocal), "Weave's shares"
    shares = [{"subnet": one.subnet, "rangeStart": one.start, "rangeEnd": one.end, "gateway": one.gateway}
              for one in ipam.ranges]
    mtu = cluster.namespace(node).links[_WEAVE].mtu
    return {**request, "type": "bridge", "bridge": _WEAVE, "isDefaultGateway": True, "hairpinMode": True, "mtu": mtu,
            "ipam": {"type": "host-local", "ranges": [shares]}}


def _named(key: str) -> tuple[str, str]:
    """A pod's name and its Kubernetes namespace."""
    namespace, _, name = key.partition("/")
    return name, namespace


def _copy(value: object) -> Json:
    made: Json = json.loads(json.dumps(value))
    return made


def of_portmap(rules: Iterable[str]) -> tuple[str, ...]:
    """Those of these rules that portmap writes, chain by chain.

    >>> of_portmap(["-A PREROUTING -j KUBE-SERVICES", "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT"])
    ('-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT',)
    """
    return tuple(sorted((rule for rule in rules if rule.startswith("-A ") and any(
        word.startswith(_OF_PORTMAP) for word in rule.split())), key=lambda rule: rule.split()[1]))
