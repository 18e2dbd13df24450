"""Objects of every kind, as hypothesis makes them: any that the API server would take."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from k8snet_course.manifests.workloads import Deployment, ReplicaSet
from k8snet_course.objects.cluster_network_policy import (
    ClusterNetworkPolicy,
    ClusterNetworkPolicyPeer,
    ClusterNetworkPolicyProtocol,
    ClusterNetworkPolicyRule,
    ClusterNetworkPolicySubject,
    NamespacedPod,
)
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.gateway import (
    AllowedRoutes,
    Gateway,
    GatewayClass,
    Listener,
    ReferenceGrant,
    ReferenceGrantFrom,
    ReferenceGrantTo,
)
from k8snet_course.objects.http_route import (
    HTTPBackendRef,
    HTTPHeaderMatch,
    HTTPPathMatch,
    HTTPQueryParamMatch,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    ParentReference,
)
from k8snet_course.objects.ingress import HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressRule, IngressTLS
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.network_policy import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule
from k8snet_course.objects.pod import Container, ContainerPort, Pod
from k8snet_course.objects.pod_dns_config import PodDnsConfig
from k8snet_course.objects.selector import LabelSelector, LabelSelectorRequirement
from k8snet_course.objects.service import Service, ServicePort

# Names that YAML would take for something else if they were not quoted are among them.
labels_1123 = st.sampled_from(["web", "a", "db-0", "yes", "null", "on", "0x1f", "1e3", "12", "9-9", "true"])
names = st.one_of(labels_1123, st.sampled_from(["web.v2", "1.10", "a.b.c"]))
port_names = st.sampled_from(["http", "dns-tcp", "y", "e1", "no"])
label_maps = st.dictionaries(st.sampled_from(["app", "example.com/tier", "y", "1"]),
                             st.sampled_from(["", "web", "1.10", "yes", "A_b"]),
                             max_size=3)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
annotation_maps = st.dictionaries(texts.filter(bool), texts, max_size=3)
ports = st.integers(1, 65535)
protocols = st.sampled_from(["TCP", "UDP", "SCTP"])
addresses_4 = st.sampled_from(["10.96.0.9", "198.51.100.7", "203.0.113.1"])
addresses_6 = st.sampled_from(["2001:db8::7", "fd00::1"])
networks = st.sampled_from(["10.0.0.0/8", "172.17.0.0/16", "fd00::/8"])

namespaces = st.builds(Namespace, labels_1123, label_maps, annotation_maps)

container_ports = st.builds(ContainerPort, ports, protocols, st.just(""), st.sampled_from([0, 8080]),
                            st.sampled_from(["", "10.0.0.1"]))


dns_configs = st.builds(
    PodDnsConfig, st.just(("10.96.0.10",)), st.lists(st.sampled_from(["example.com", "."]), max_size=2).map(tuple),
    st.lists(st.tuples(st.sampled_from(["ndots", "edns0"]), st.sampled_from(["", "2"])), max_size=2).map(tuple))


@st.composite
def pods(draw: st.DrawFn) -> Pod:
    host = draw(st.booleans())
    boxes = []
    for number in range(draw(st.integers(1, 3))):
        port = draw(container_ports)
        port = ContainerPort(port.container_port, port.protocol, draw(st.sampled_from(["", "http"])),
                             port.container_port if host else port.host_port, port.host_ip)
        boxes.append(Container(f"box-{number}", draw(texts), (port,) if number == 0 and draw(st.booleans()) else ()))
    policy = draw(st.sampled_from(["ClusterFirst", "None", "Default", "ClusterFirstWithHostNet"]))
    return Pod(draw(names), draw(st.sampled_from(["", "node-1"])), draw(st.sampled_from(["", "10.244.0.2"])),
               draw(labels_1123), draw(label_maps), draw(annotation_maps), tuple(boxes), host_network=host,
               hostname=draw(st.sampled_from(["", "db-0"])), subdomain=draw(st.sampled_from(["", "db"])),
               dns_policy=policy, dns_config=draw(dns_configs if policy == "None" else st.none() | dns_configs))


@st.composite
def services(draw: st.DrawFn) -> Service:
    kind = draw(st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]))
    exposed = kind in ("NodePort", "LoadBalancer")
    common = {"labels": draw(label_maps), "annotations": draw(annotation_maps), "selector": draw(label_maps),
              "publish_not_ready_addresses": draw(st.booleans()), "type": kind,
              "internal_traffic_policy": draw(st.sampled_from(["Cluster", "Local"])),
              "traffic_distribution": draw(st.sampled_from(["", "PreferSameZone"]))}
    name, namespace = draw(labels_1123), draw(labels_1123)
    if kind == "ExternalName":
        return Service(name, namespace, external_name=draw(st.sampled_from(["shop.example.com", "1.2.3.4"])), **common)
    numbers = draw(st.lists(ports, min_size=1, max_size=3, unique=True))
    common["ports"] = tuple(ServicePort(
        number, draw(st.one_of(ports, port_names)), draw(protocols), f"p{place}" if len(numbers) > 1 else "",
        30000 + place if exposed and draw(st.booleans()) else 0, draw(st.sampled_from(["", "kubernetes.io/h2c"])))
        for place, number in enumerate(numbers))
    families = draw(st.sampled_from([("IPv4",), ("IPv6",), ("IPv4", "IPv6"), ("IPv6", "IPv4")]))
    if draw(st.booleans()):
        common["cluster_ips"] = tuple(draw(addresses_4 if family == "IPv4" else addresses_6) for family in families)
    elif kind == "ClusterIP" and draw(st.booleans()):
        common["cluster_ips"] = ("None",)
    common["ip_families"] = families
    common["ip_family_policy"] = draw(st.sampled_from(["PreferDualStack", "RequireDualStack"] if len(families) == 2 else
                                                      ["SingleStack", "PreferDualStack"]))
    common["external_ips"] = tuple(draw(st.lists(addresses_4, max_size=2, unique=True)))
    if draw(st.booleans()):
        common |= {"session_affinity": "ClientIP", "affinity_timeout": draw(st.integers(1, 86400))}
    if exposed or common["external_ips"]:
        common["external_traffic_policy"] = draw(st.sampled_from(["Cluster", "Local"]))
    if kind == "LoadBalancer":
        common |= {"load_balancer_source_ranges": tuple(draw(st.lists(networks, max_size=2))),
                   "load_balancer_class": draw(st.sampled_from(["", "example.com/lb"])),
                   "load_balancer_ips": tuple(draw(st.lists(addresses_4, max_size=1))),
                   "allocate_load_balancer_node_ports": draw(st.booleans())}
        if common["external_traffic_policy"] == "Local":
            common["health_check_node_port"] = draw(st.sampled_from([0, 30999]))
    return Service(name, namespace, **common)


@st.composite
def endpoint_slices(draw: st.DrawFn) -> EndpointSlice:
    kind, addresses = draw(st.sampled_from([("IPv4", addresses_4), ("IPv6", addresses_6), ("FQDN", st.just("db.example.com"))]))
    endpoints = tuple(draw(st.lists(st.builds(
        Endpoint, st.tuples(addresses), st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["", "node-1"]),
        st.sampled_from(["", "zone-a"]), st.sampled_from(["", "db-0"]), st.sampled_from(["", "shop/db-0"])), max_size=3)))
    several = draw(st.sets(port_names, max_size=3))
    return EndpointSlice(draw(names), draw(labels_1123), draw(st.sampled_from(["", "db"])), kind, endpoints,
                         tuple(EndpointPort(draw(ports), draw(protocols), name) for name in sorted(several)))


requirements = st.one_of(
    st.builds(LabelSelectorRequirement, st.sampled_from(["app", "y"]), st.sampled_from(["In", "NotIn"]),
              st.tuples(st.sampled_from(["web", "yes", "1"]))),
    st.builds(LabelSelectorRequirement, st.sampled_from(["app", "y"]), st.sampled_from(["Exists", "DoesNotExist"])))
selectors = st.builds(LabelSelector, label_maps, st.lists(requirements, max_size=2).map(tuple))

peers = st.one_of(
    st.builds(NetworkPolicyPeer, selectors, st.none() | selectors),
    st.builds(NetworkPolicyPeer, st.none(), selectors),
    st.builds(lambda block: NetworkPolicyPeer(ip_block=block),
              st.sampled_from([IPBlock("10.0.0.0/8"), IPBlock("172.17.0.0/16", ("172.17.1.0/24",)), IPBlock("fd00::/8")])))
policy_ports = st.one_of(st.builds(NetworkPolicyPort, st.none() | port_names | ports, protocols),
                         st.builds(NetworkPolicyPort, st.integers(1, 100), protocols, st.integers(100, 65535)))
rules = st.builds(NetworkPolicyRule, st.lists(peers, max_size=2).map(tuple), st.lists(policy_ports, max_size=2).map(tuple))
network_policies = st.builds(
    NetworkPolicy, names, labels_1123, selectors, st.lists(rules, max_size=2).map(tuple),
    st.lists(rules, max_size=2).map(tuple),
    st.sampled_from([(), ("Ingress",), ("Egress",), ("Egress", "Ingress")]), label_maps, annotation_maps)

namespaced_pods = st.builds(NamespacedPod, selectors, selectors)
sources = st.one_of(st.builds(ClusterNetworkPolicyPeer, selectors),
                    st.builds(ClusterNetworkPolicyPeer, st.none(), namespaced_pods))
destinations = st.one_of(
    sources, st.builds(lambda nodes: ClusterNetworkPolicyPeer(nodes=nodes), selectors),
    st.builds(lambda one: ClusterNetworkPolicyPeer(networks=(one,)), networks))
port_ranges = st.one_of(st.builds(ClusterNetworkPolicyProtocol, protocols, ports),
                        st.builds(ClusterNetworkPolicyProtocol, protocols, st.integers(1, 99), st.integers(100, 65535)))
named_ports = st.builds(lambda name: ClusterNetworkPolicyProtocol(destination_named_port=name), port_names)
actions = st.sampled_from(["Accept", "Deny", "Pass"])


def _admin_rules(peer: st.SearchStrategy[ClusterNetworkPolicyPeer], protocol: st.SearchStrategy[ClusterNetworkPolicyProtocol],
                 ) -> st.SearchStrategy[tuple[ClusterNetworkPolicyRule, ...]]:
    return st.lists(st.builds(ClusterNetworkPolicyRule, actions, st.lists(peer, min_size=1, max_size=2).map(tuple),
                              st.lists(protocol, max_size=2).map(tuple), st.sampled_from(["", "first rule"])),
                              max_size=2).map(tuple)


cluster_network_policies = st.builds(
    ClusterNetworkPolicy, names, st.sampled_from(["Admin", "Baseline"]), st.integers(0, 1000),
    st.one_of(st.builds(ClusterNetworkPolicySubject, selectors),
              st.builds(ClusterNetworkPolicySubject, st.none(), namespaced_pods)),
    _admin_rules(sources, port_ranges | named_ports), _admin_rules(destinations, port_ranges), label_maps, annotation_maps)


class_names = names
hosts = st.sampled_from(["", "shop.example.com", "*.example.com"])
ingress_classes = st.builds(IngressClass, class_names, st.just("traefik.io/ingress-controller"), annotation_maps, label_maps)
backends = st.one_of(st.builds(IngressBackend, labels_1123, st.one_of(ports, port_names)),
                     st.just(IngressBackend(resource="StorageBucket/icons")))
paths = st.one_of(st.builds(HTTPIngressPath, st.sampled_from(["/", "/cart", "/cart/"]), st.sampled_from(["Exact", "Prefix"]),
                            backends),
                  st.builds(HTTPIngressPath, st.just(""), st.just("ImplementationSpecific"), backends))
ingress_rules = st.builds(IngressRule, hosts, st.lists(paths, max_size=2).map(tuple))
ingresses = st.builds(
    Ingress, names, labels_1123, st.sampled_from(["", "traefik"]), st.lists(ingress_rules, min_size=1, max_size=2).map(tuple),
    st.none() | backends, st.lists(st.builds(IngressTLS, hosts.map(lambda host: (host,) if host else ()),
                                             st.sampled_from(["", "shop-tls"])), max_size=1).map(tuple),
    st.sampled_from([(), ("198.51.100.7",)]), label_maps, annotation_maps)

gateway_classes = st.builds(GatewayClass, class_names, st.just("gateway.envoyproxy.io/gatewayclass-controller"), label_maps,
                            annotation_maps)
allowed = st.one_of(st.sampled_from(["Same", "All", "None"]).map(AllowedRoutes),
                    selectors.map(lambda one: AllowedRoutes("Selector", one)))


@st.composite
def gateways(draw: st.DrawFn) -> Gateway:
    listeners = []
    for number in range(draw(st.integers(1, 3))):
        protocol = draw(st.sampled_from(["HTTP", "HTTPS", "TCP"]))
        listeners.append(Listener(
            f"l{number}", 80 + number, protocol, draw(hosts) if protocol != "TCP" else "", draw(allowed),
            tuple(draw(st.lists(st.sampled_from(["cert", "infra/cert"]), max_size=2))) if protocol == "HTTPS" else ()))
    return Gateway(draw(names), "envoy", tuple(listeners), draw(labels_1123), draw(st.sampled_from([(), ("198.51.100.7",)])),
                   draw(label_maps), draw(annotation_maps))


parents = st.builds(ParentReference, st.just("edge"), st.sampled_from(["", "infra"]), st.sampled_from(["", "web"]),
                    st.sampled_from([0, 80]), st.sampled_from(["Gateway", "Service"]))
conditions = st.sampled_from(["version", "x-user"]), st.sampled_from(["v2", "1.10", "yes"]),
st.sampled_from(["Exact", "RegularExpression"])
matches = st.builds(
    HTTPRouteMatch, st.builds(HTTPPathMatch, st.sampled_from(["/", "/cart"]), st.sampled_from(["Exact", "PathPrefix"])),
    st.sampled_from(["", "GET", "POST"]), st.lists(st.builds(HTTPHeaderMatch, *conditions), max_size=1).map(tuple),
    st.lists(st.builds(HTTPQueryParamMatch, *conditions), max_size=1).map(tuple))
backend_refs = st.builds(HTTPBackendRef, labels_1123, ports, st.sampled_from(["", "shop"]), st.integers(0, 100))
route_rules = st.builds(HTTPRouteRule, st.lists(matches, max_size=2).map(tuple), st.lists(backend_refs, max_size=2).map(tuple))
http_routes = st.builds(
    HTTPRoute, names, labels_1123, st.lists(parents, max_size=1).map(tuple), hosts.map(lambda host: (host,) if host else ()),
    st.lists(route_rules, max_size=2).map(tuple), st.integers(0, 3), label_maps, annotation_maps)

reference_grants = st.builds(
    ReferenceGrant, names, labels_1123, st.lists(st.builds(ReferenceGrantFrom, labels_1123), min_size=1, max_size=2).map(tuple),
    st.lists(st.builds(ReferenceGrantTo, st.sampled_from(["", "web"])), min_size=1, max_size=2).map(tuple), label_maps,
    annotation_maps)


@st.composite
def workloads(draw: st.DrawFn, made: type[ReplicaSet]) -> ReplicaSet:
    labels = {"app": "web", **draw(label_maps)}
    template = replace(draw(pods()), name="", namespace="default", ip="", labels=labels)
    selector = LabelSelector(dict(list(labels.items())[:draw(st.integers(1, 3))]))
    return made(draw(names), draw(labels_1123), draw(st.integers(0, 3)), selector, template, draw(label_maps),
                draw(annotation_maps))


BY_KIND = {
    "Namespace": namespaces, "Pod": pods(), "Service": services(), "EndpointSlice": endpoint_slices(),
    "NetworkPolicy": network_policies, "ClusterNetworkPolicy": cluster_network_policies,
    "IngressClass": ingress_classes, "Ingress": ingresses, "GatewayClass": gateway_classes, "Gateway": gateways(),
    "HTTPRoute": http_routes, "ReferenceGrant": reference_grants,
    "Deployment": workloads(Deployment), "ReplicaSet": workloads(ReplicaSet),
}
anything = st.one_of(*BY_KIND.values())
