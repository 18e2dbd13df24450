"""How a ClusterNetworkPolicy is written.

A protocol is the name of a field (``tcp: {destinationPort: {number: 80}}``), where a NetworkPolicy has it as a value.

Source: kubernetes-sigs/network-policy-api, policy.networking.k8s.io/v1alpha2 (ClusterNetworkPolicy).
"""

from __future__ import annotations

from typing import Any

from k8snet_course.errors import InvalidArgument
from k8snet_course.manifests.checks import CIDR, PORT, port_name
from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record, left_alone
from k8snet_course.manifests.scalars import Number, Text
from k8snet_course.manifests.selectors import SELECTOR
from k8snet_course.objects.cluster_network_policy import (
    ACCEPT,
    ADMIN,
    BASELINE,
    DENY,
    LAST_PRIORITY,
    MOST,
    PASS,
    ClusterNetworkPolicy,
    ClusterNetworkPolicyPeer,
    ClusterNetworkPolicyProtocol,
    ClusterNetworkPolicyRule,
    ClusterNetworkPolicySubject,
    NamespacedPod,
)

_PROTOCOLS = ("tcp", "udp", "sctp")
_Ports = tuple[int, int | None]
"""The first and last port; one port has no last."""


def _ports(number: int | None = None, start: int | None = None, end: int | None = None) -> _Ports:
    first = number if number is not None else start
    if first is None or (number is not None and start is not None):
        raise InvalidArgument("number and range" if first is not None else "{}", "exactly one of number and range",
                              "write number: 80")
    return first, end


def _of_ports(ports: _Ports) -> dict[str, Any]:
    first, last = ports
    return {"number": first if last is None else None, "start": None if last is None else first, "end": last}


def _protocol(named: str = "", **ports: _Ports) -> ClusterNetworkPolicyProtocol:
    given = [*ports, *(["destinationNamedPort"] if named else [])]
    if len(given) != 1:
        raise InvalidArgument(" and ".join(given) or "{}", "exactly one of tcp, udp, sctp and destinationNamedPort",
                              "make each an element of its own, with '- '")
    for name, (first, last) in ports.items():
        return ClusterNetworkPolicyProtocol(name.upper(), first, last)
    return ClusterNetworkPolicyProtocol(destination_named_port=named)


def _of_protocol(protocol: ClusterNetworkPolicyProtocol) -> dict[str, Any]:
    ports = (protocol.port, protocol.end_port)
    return {name: ports if protocol.protocol == name.upper() else None for name in _PROTOCOLS} | {
        "named": protocol.destination_named_port}


_PORTS = Record(_ports, (
    Field("number", PORT, "number"),
    Field("range", Group((Field("start", PORT, "start", required=True), Field("end", PORT, "end", required=True)))),
), take=_of_ports)

_PROTOCOL = Record(_protocol, (
    *(Field(name, Group((Field("destinationPort", _PORTS, name, required=True),))) for name in _PROTOCOLS),
    Field("destinationNamedPort", Text(check=port_name), "named"),
), take=_of_protocol)

_POD = Record(NamespacedPod, (
    Field("namespaceSelector", SELECTOR, "namespace_selector", always=True),
    Field("podSelector", SELECTOR, "pod_selector", required=True),
))

_PODS = (Field("namespaces", SELECTOR, "namespaces"), Field("pods", _POD, "pods"))

_SOURCE = Record(ClusterNetworkPolicyPeer, _PODS)
_DESTINATION = Record(ClusterNetworkPolicyPeer, (
    *_PODS,
    Field("nodes", SELECTOR, "nodes"),
    Field("networks", ListOf(CIDR, 1, MOST), "networks"),
    Field("domainNames", ListOf(Text(), 1, MOST), "domain_names"),
))


def _rule(peers: str, peer: Record) -> Record:
    return Record(ClusterNetworkPolicyRule, (
        Field("name", Text(), "name"),
        Field("action", Text(choices=(ACCEPT, DENY, PASS)), "action", required=True),
        Field(peers, ListOf(peer, 1, MOST), "peers", required=True),
        Field("protocols", ListOf(_PROTOCOL, 1, MOST), "protocols"),
    ))


CLUSTER_NETWORK_POLICY = Record(ClusterNetworkPolicy, (
    *HEAD, metadata("ClusterNetworkPolicy name", namespaced=False), Field("spec", Group((
        Field("tier", Text(choices=(ADMIN, BASELINE)), "tier", required=True),
        Field("priority", Number(0, LAST_PRIORITY), "priority", required=True),
        Field("subject", Record(ClusterNetworkPolicySubject, _PODS), "subject", required=True),
        Field("ingress", ListOf(_rule("from", _SOURCE), most=MOST), "ingress"),
        Field("egress", ListOf(_rule("to", _DESTINATION), most=MOST), "egress"),
    )), required=True), *left_alone("status"),
))
