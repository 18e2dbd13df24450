"""How a Service is written, which of its fields go together, and which of them may change.

Source: Kubernetes API reference, core/v1 (Service, ServiceSpec, ServicePort) and its validation; KEP-5311 (names).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from k8snet_course.addressing.cidr import address
from k8snet_course.errors import InvalidAddress, InvalidManifest
from k8snet_course.manifests.checks import CIDR, PORT, PORT_OR_NAME, PROTOCOL, each_once
from k8snet_course.manifests.metadata import HEAD, LABELS, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record
from k8snet_course.manifests.scalars import Flag, Number, Refused, Shown, Text
from k8snet_course.manifests.spot import Spot
from k8snet_course.names import dns_label, dns_subdomain
from k8snet_course.objects.service import (
    CLIENT_IP,
    CLUSTER_IP,
    EXTERNAL_NAME,
    HEADLESS,
    LOAD_BALANCER,
    LOCAL,
    NODE_PORT,
    Service,
    ServicePort,
)

_POLICY = Text(choices=("Cluster", "Local"))


def cluster_ip(text: str) -> str:
    """The text, if a Service can have it as its cluster IP: an address, or None.  Raises InvalidAddress.

    >>> cluster_ip("None"), cluster_ip("10.96.0.10")
    ('None', '10.96.0.10')
    """
    if text != HEADLESS:
        address(text, "cluster IP, or the word None")
    return text


def external_ip(text: str) -> str:
    """The address, if packets to it can come from outside.  Raises InvalidAddress.

    >>> external_ip("198.51.100.7")
    '198.51.100.7'
    """
    found = address(text, "address that packets from outside can have")
    if found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified:
        raise InvalidAddress(text, "an address that packets from outside can have, not one of loopback, of one link or of a "
                             "group", "write one such as '198.51.100.7'")
    return text


def _families_of(cluster_ips: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("IPv6" if ":" in one else "IPv4" for one in cluster_ips if one != HEADLESS)


def _service(cluster_ip: str = "", cluster_ips: tuple[str, ...] = (), ip_families: tuple[str, ...] = (),
             ip_family_policy: str = "", **rest: Any) -> Service:
    """A Service, with what Kubernetes fills in: its IP families are those of its cluster IPs, and two of them need a policy."""
    cluster_ips = cluster_ips or ((cluster_ip,) if cluster_ip else ())
    told = _families_of(cluster_ips)
    families = (told if len(told) > len(ip_families) else ip_families) or ("IPv4",)
    policy = ip_family_policy or ("SingleStack" if len(families) < 2 else "RequireDualStack")
    return Service(cluster_ips=cluster_ips, ip_families=families, ip_family_policy=policy, **rest)


def _attributes(service: Service) -> dict[str, Any]:
    ips = [{"ip": one} for one in service.load_balancer_ips]
    timeout = service.affinity_timeout if service.session_affinity == CLIENT_IP else None
    families = service.ip_families if service.ip_families != ("IPv4",) else ()
    return {name: getattr(service, name) for name in _KEPT} | {
        "affinity_timeout": timeout, "cluster_ips": service.cluster_ips[1:] and service.cluster_ips, "ip_families": families,
        "ip_family_policy": service.ip_family_policy if service.ip_family_policy != "SingleStack" else "",
        "status": {"loadBalancer": {"ingress": ips}} if ips else None}


_KEPT = ("name", "namespace", "labels", "annotations", "type", "selector", "ports", "cluster_ip", "external_ips",
         "external_name", "session_affinity", "internal_traffic_policy", "external_traffic_policy",
         "load_balancer_source_ranges", "load_balancer_class", "publish_not_ready_addresses",
         "traffic_distribution", "health_check_node_port", "allocate_load_balancer_node_ports")

_ONLY_WITH = {
    "nodePort": (NODE_PORT, LOAD_BALANCER),
    "externalTrafficPolicy": (NODE_PORT, LOAD_BALANCER),
    "healthCheckNodePort": (LOAD_BALANCER,),
    "loadBalancerSourceRanges": (LOAD_BALANCER,),
    "loadBalancerClass": (LOAD_BALANCER,),
    "allocateLoadBalancerNodePorts": (LOAD_BALANCER,),
}
"""Fields that only some types of Service have."""
_ADDRESSES = frozenset(("clusterIP", "clusterIPs", "externalName", "healthCheckNodePort", "ipFamilies", "ipFamilyPolicy",
                        "sessionAffinityConfig"))
"""Fields without which a Service of type ClusterIP has nothing that could not fit together."""


def _right_type(service: Service, spot: Spot) -> None:
    """No field that another type of Service has."""
    written = spot.here.value["spec"].value
    several = written["ports"].value if "ports" in written else ()
    if _ONLY_WITH.keys().isdisjoint(written) and not any("nodePort" in port.value for port in several or ()):
        return  # as in nearly all: no places are made
    spec = spot.at("spec")
    ports = spec.given("ports")
    for parent in (spec, *(ports.items() if ports is not None and ports.value else ())):
        for name in (name for name in _ONLY_WITH if name in parent.value):
            types, here = _ONLY_WITH[name], parent.field(name)
            if service.type in types or here.value in (None, 0, []) or (
                    name == "externalTrafficPolicy" and service.external_ips):
                continue
            raise here.refusal(here.path, f"{name} only in a Service of type {' or '.join(types)}",
                               f"write 'type: {types[0]}', or leave it out")


def _addressed(service: Service, spot: Spot) -> None:
    """The cluster IP, the external name and the IP families fit the type and each other."""
    if service.type == CLUSTER_IP and _ADDRESSES.isdisjoint(spot.here.value["spec"].value):
        return
    spec = spot.at("spec")
    first, all_ips, families = (spec.given(name) for name in ("clusterIP", "clusterIPs", "ipFamilies"))
    given = next((one for one in (first, all_ips) if one is not None and one.value), spec)
    if service.type == EXTERNAL_NAME:
        if service.cluster_ips:
            raise given.refusal(given.path, "no cluster IP in a Service of type ExternalName (it is a name and no more)",
                                "leave it out")
        if not service.external_name:
            raise spec.refusal("a Service of type ExternalName", "the field externalName", "add 'externalName: example.com'")
    if service.headless and service.type in (NODE_PORT, LOAD_BALANCER):
        raise given.refusal(HEADLESS, f"a cluster IP in a Service of type {service.type} (only ClusterIP can be headless)",
                            f"leave {given.path.rpartition('.')[2]} or the type out")
    if first is not None and first.value and all_ips is not None and all_ips.value and first.value != service.cluster_ip:
        raise first.refusal(first.value, "clusterIP to be the first of clusterIPs", f"write {service.cluster_ip}")
    if len({":" in one for one in service.cluster_ips}) < len(service.cluster_ips):
        raise given.refusal(", ".join(service.cluster_ips), "one cluster IP, or one of each IP family", "leave the others out")
    written = (families.here.plain() or []) if families is not None else []
    if families is not None:
        each_once(families, written, "", "an IP family of its own")
    told = _families_of(service.cluster_ips)
    if any(one != two for one, two in zip(written, told, strict=False)):
        raise given.refusal(", ".join(service.cluster_ips), f"cluster IPs of the ipFamilies {', '.join(written)}",
                            "leave one of the two fields out")
    if len(service.ip_families) == 2 and service.ip_family_policy == "SingleStack":
        raise spec.at("ipFamilyPolicy").refusal("SingleStack", "one IP family in a SingleStack Service",
                                                "write ipFamilyPolicy: PreferDualStack")
    config = spec.given("sessionAffinityConfig")
    if config is not None and config.value and service.session_affinity != CLIENT_IP:
        raise config.refusal(config.path, "sessionAffinityConfig only where sessionAffinity is ClientIP",
                             "write 'sessionAffinity: ClientIP', or leave it out")
    if service.health_check_node_port and service.external_traffic_policy != LOCAL:
        raise spec.at("healthCheckNodePort").refusal(service.health_check_node_port, "healthCheckNodePort only where "
                                                     "externalTrafficPolicy is Local", "leave it out")


def _ports(service: Service, spot: Spot) -> None:
    """At least one port where there is a virtual address; several are told apart by name, and by number and protocol."""
    if len(service.ports) == 1:
        return
    ports = spot.at("spec", "ports")
    if not service.ports and service.type != EXTERNAL_NAME and not service.headless:
        raise ports.refusal("a Service without ports", "at least one port", "add '- port: 80' under spec.ports")
    for number, port in enumerate(service.ports):
        if not port.name:
            raise ports.at(number).refusal(f"port {port.port}", "a name for each port of a Service that has several",
                                           "add 'name: http' or another")
    each_once(ports, [port.name for port in service.ports], "name", "a name of its own")
    each_once(ports, [(port.port, port.protocol) for port in service.ports], "port", "a port and protocol of its own")
    each_once(ports, [port.node_port and (port.node_port, port.protocol) for port in service.ports], "nodePort",
              "a node port of its own")


_PORT = Record(ServicePort, (
    Field("name", Text(check=lambda name: dns_label(name, "port name")), "name"),
    Field("protocol", PROTOCOL, "protocol"),
    Field("appProtocol", Text(), "app_protocol"),
    Field("port", PORT, "port", required=True),
    Field("targetPort", PORT_OR_NAME, "target_port"),
    Field("nodePort", Number(0, 65535), "node_port"),
))

SERVICE = Record(_service, (
    *HEAD, metadata("Service name", name_check=dns_label), Field("spec", Group((
        Field("type", Text(choices=(CLUSTER_IP, NODE_PORT, LOAD_BALANCER, EXTERNAL_NAME)), "type"),
        Field("selector", LABELS, "selector"),
        Field("ports", ListOf(_PORT), "ports"),
        Field("clusterIP", Text(check=cluster_ip), "cluster_ip"),
        Field("clusterIPs", ListOf(Text(check=cluster_ip)), "cluster_ips"),
        Field("ipFamilyPolicy", Text(choices=("SingleStack", "PreferDualStack", "RequireDualStack")), "ip_family_policy"),
        Field("ipFamilies", ListOf(Text(choices=("IPv4", "IPv6"))), "ip_families"),
        Field("externalName", Text(check=lambda name: dns_subdomain(name.removesuffix("."), "external name")), "external_name"),
        Field("externalIPs", ListOf(Text(check=external_ip)), "external_ips"),
        Field("sessionAffinity", Text(choices=("None", CLIENT_IP)), "session_affinity"),
        Field("sessionAffinityConfig", Group((Field("clientIP", Group((
            Field("timeoutSeconds", Number(1, 86400), "affinity_timeout"),))),))),
        Field("internalTrafficPolicy", _POLICY, "internal_traffic_policy"),
        Field("externalTrafficPolicy", _POLICY, "external_traffic_policy"),
        Field("healthCheckNodePort", Number(0, 65535), "health_check_node_port"),
        Field("loadBalancerClass", Text(), "load_balancer_class"),
        Field("loadBalancerSourceRanges", ListOf(CIDR), "load_balancer_source_ranges"),
        Field("allocateLoadBalancerNodePorts", Flag(), "allocate_load_balancer_node_ports"),
        Field("loadBalancerIP", Refused("leave it out: Kubernetes has deprecated it, and the provider chooses the address")),
        Field("publishNotReadyAddresses", Flag(), "publish_not_ready_addresses"),
        Field("trafficDistribution", Text(choices=("PreferClose", "PreferSameZone", "PreferSameNode")), "traffic_distribution"),
    )), required=True), Field("status", Shown(), "status"),
), rules=(_right_type, _addressed, _ports), take=_attributes, of=Service)


def updated(present: Service, wanted: Service) -> Service:
    """The Service to hold: what is wanted, with the addresses and node ports that the present one has and nobody changes.

    Raises InvalidManifest for another cluster IP or load balancer class: both are for a Service's lifetime, and so is being
    headless.

        >>> held = Service("web", ports=(ServicePort(80),), cluster_ips=("10.96.0.20",))
        >>> print(updated(held, Service("web", ports=(ServicePort(81),))))
        service web ClusterIP 10.96.0.20 81/TCP
    """
    kept: dict[str, Any] = {}
    if EXTERNAL_NAME not in (present.type, wanted.type) and present.cluster_ips:
        if wanted.cluster_ip not in ("", present.cluster_ip):
            raise _frozen(present, f"the cluster IP {wanted.cluster_ip}", f"its cluster IP {present.cluster_ip}")
        if len(wanted.cluster_ips) < 2 and wanted.ip_family_policy == present.ip_family_policy:
            kept |= {"cluster_ips": present.cluster_ips, "ip_families": present.ip_families}
        else:
            kept["cluster_ips"] = wanted.cluster_ips or present.cluster_ips[:1]
    exposed = (NODE_PORT, LOAD_BALANCER)
    if present.headless and wanted.type in exposed:  # without a clusterIP of its own it would stay headless
        raise _frozen(present, f"the type {wanted.type}", "its clusterIP None, which only one of type ClusterIP can have,")
    if present.type in exposed and wanted.type in exposed:
        kept["ports"] = _with_node_ports(present, wanted)
    if present.type == wanted.type == LOAD_BALANCER:
        if present.load_balancer_class != wanted.load_balancer_class:
            raise _frozen(present, f"the load balancer class {wanted.load_balancer_class or 'left out'}",
                          f"its load balancer class {present.load_balancer_class or '(none)'}")
        kept["load_balancer_ips"] = present.load_balancer_ips
        if wanted.external_traffic_policy == present.external_traffic_policy == LOCAL:
            kept["health_check_node_port"] = wanted.health_check_node_port or present.health_check_node_port
    return replace(wanted, **kept)


def _with_node_ports(present: Service, wanted: Service) -> tuple[ServicePort, ...]:
    """The wanted ports; one that asks for no node port keeps that of the present port of the same name."""
    asked = {port.node_port for port in wanted.ports if port.node_port}
    had = {port.name: port.node_port for port in present.ports if port.node_port not in asked}
    return tuple(port if port.node_port else replace(port, node_port=had.get(port.name, 0)) for port in wanted.ports)


def _frozen(present: Service, given: str, kept: str) -> InvalidManifest:
    return InvalidManifest(given, f"service {present.label} to keep {kept} for its lifetime",
                           f"delete('service', '{present.name}') first, then apply it again")
