"""How a Pod is written.

A container's environment, volumes, probes and resources change nothing in a network, so they are accepted and left alone.
Containers that run beforehand and a choice of nodes would change it, so they are refused until they are modelled.  One choice
of nodes is understood: the label ``kubernetes.io/hostname``, which is a node's name.

Source: Kubernetes API reference, core/v1 (Pod, PodSpec, Container, ContainerPort) and its validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k8snet_course.errors import InvalidManifest
from k8snet_course.manifests.checks import ADDRESS, PORT, PROTOCOL, each_once, port_name
from k8snet_course.manifests.metadata import HEAD, metadata
from k8snet_course.manifests.records import Field, Group, ListOf, Record, left_alone
from k8snet_course.manifests.scalars import Flag, Number, Refused, Shown, Text, Texts
from k8snet_course.manifests.spot import Spot
from k8snet_course.names import dns_label, dns_subdomain
from k8snet_course.objects.pod import Container, ContainerPort, Pod
from k8snet_course.objects.pod_dns_config import PodDnsConfig

_EVERY_NODE = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
"""What every node of the course is, so that asking for it excludes none."""
_HOSTNAME = "kubernetes.io/hostname"
_FROZEN = {"host_network": "hostNetwork", "hostname": "hostname", "subdomain": "subdomain", "dns_policy": "dnsPolicy",
           "dns_config": "dnsConfig"}
_KEPT = ("name", "namespace", "labels", "annotations", "node", "containers", *_FROZEN)


def make_pod(node: str = "", selected: Mapping[str, str] | None = None, containers: tuple[Container, ...] = (), *,
             host_network: bool = False, **rest: Any) -> Pod:
    """A pod, with what follows from its other fields: a container on the node's network has its ports on the node."""
    if host_network:
        containers = tuple(replace(box, ports=tuple(replace(port, host_port=port.host_port or port.container_port)
                                                    for port in box.ports)) for box in containers)
    node = node or (selected or {}).get(_HOSTNAME, "")
    return Pod(node=node, ip="", containers=containers, host_network=host_network, **rest)


def pod_attributes(pod: Pod) -> dict[str, Any]:
    """What is printed of a pod: its address only as status."""
    status = {"podIP": pod.ip, "podIPs": [{"ip": one} for one in pod.ips]} if pod.ip else None
    return {name: getattr(pod, name) for name in _KEPT} | {"selected": None, "status": status}


def _distinct(pod: Pod, spot: Spot) -> None:
    """No two containers of one name, and no port of the node or name of a port twice."""
    at = spot.at("spec", "containers")
    each_once(at, [box.name for box in pod.containers], "name", "a name of its own")
    taken: set[tuple[str, int, str]] = set()
    for number, box in enumerate(pod.containers):
        each_once(at.at(number, "ports"), [port.name for port in box.ports], "name", "a name of its own")
        for place, port in enumerate(box.ports):
            here = at.at(number, "ports", place)
            if pod.host_network and port.host_port != port.container_port:
                raise here.at("hostPort").refusal(port.host_port, "a hostPort that is the containerPort, because the pod uses "
                                                  "its node's network", f"write hostPort: {port.container_port}")
            key = (port.host_ip, port.host_port, port.protocol)
            if port.host_port and key in taken:
                raise here.at("hostPort").refusal(port.host_port, "each port of the node once in a pod", "change one of them")
            taken.add(key)


def _known_nodes(pod: Pod, spot: Spot) -> None:
    """A nodeSelector that only names a node, or what is true of every node."""
    selector = spot.at("spec", "nodeSelector")
    wanted = selector.here.plain() if selector.path.endswith("nodeSelector") else {}
    for key, value in wanted.items():
        if key != _HOSTNAME and _EVERY_NODE.get(key) != value:
            raise selector.at(key).refusal(f"{key}: {value}", f"a nodeSelector with the label {_HOSTNAME} (the course's nodes "
                                           "have few labels)", f"write '{_HOSTNAME}: node-1', or nodeName: node-1")
    if wanted.get(_HOSTNAME, pod.node) != pod.node:
        raise selector.at(_HOSTNAME).wrong(f"the same node as spec.nodeName, {pod.node}", "keep one of the two")


def _answered(pod: Pod, spot: Spot) -> None:
    """With the policy None, somebody must be named who answers."""
    if pod.dns_policy == "None" and not (pod.dns_config and pod.dns_config.nameservers):
        raise spot.at("spec", "dnsPolicy").refusal(
            "None", "dnsConfig.nameservers beside dnsPolicy None: with it the pod has no name server but its own",
            "add 'dnsConfig: {nameservers: [10.96.0.10]}'")


def _option(name: str, value: str = "") -> tuple[str, str]:
    return name, value


_DNS_CONFIG = Record(PodDnsConfig, (
    Field("nameservers", ListOf(ADDRESS), "nameservers"),
    Field("searches", ListOf(Text()), "searches"),
    Field("options", ListOf(Record(_option, (Field("name", Text(), "name", required=True), Field("value", Text(), "value")),
                                   take=lambda pair: {"name": pair[0], "value": pair[1]})), "options"),
))

_PORT = Record(ContainerPort, (
    Field("name", Text(check=port_name), "name"),
    Field("containerPort", PORT, "container_port", required=True),
    Field("hostPort", Number(0, 65535), "host_port"),
    Field("hostIP", ADDRESS, "host_ip"),
    Field("protocol", PROTOCOL, "protocol"),
))

_CONTAINER = Record(Container, (
    Field("name", Text(check=lambda name: dns_label(name, "container name")), "name", required=True),
    Field("image", Text(), "image", required=True),
    Field("ports", ListOf(_PORT), "ports"),
    *left_alone("args", "command", "env", "envFrom", "imagePullPolicy", "lifecycle", "livenessProbe", "readinessProbe",
                "resizePolicy", "resources", "restartPolicy", "restartPolicyRules", "securityContext", "startupProbe", "stdin",
                "stdinOnce", "terminationMessagePath", "terminationMessagePolicy", "tty", "volumeDevices", "volumeMounts",
                "workingDir"),
))

POD_SPEC = Group((
    Field("nodeName", Text(check=lambda name: dns_subdomain(name, "node name")), "node"),
    Field("nodeSelector", Texts(), "selected"),
    Field("hostNetwork", Flag(), "host_network"),
    Field("hostname", Text(check=lambda name: dns_label(name, "host name")), "hostname"),
    Field("subdomain", Text(check=lambda name: dns_label(name, "subdomain")), "subdomain"),
    Field("dnsPolicy", Text(choices=("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")), "dns_policy"),
    Field("dnsConfig", _DNS_CONFIG, "dns_config"),
    Field("containers", ListOf(_CONTAINER, least=1), "containers", required=True),
    Field("initContainers", Refused()),
    Field("ephemeralContainers", Refused()),
    Field("hostnameOverride", Refused()),
    *left_alone("activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "enableServiceLinks", "hostAliases",
                "hostIPC", "hostPID", "hostUsers", "imagePullSecrets", "os", "overhead", "preemptionPolicy", "priority",
                "priorityClassName", "readinessGates", "resourceClaims", "resources", "restartPolicy", "runtimeClassName",
                "schedulerName", "schedulingGates", "securityContext", "serviceAccount", "serviceAccountName",
                "setHostnameAsFQDN", "shareProcessNamespace", "terminationGracePeriodSeconds", "tolerations",
                "topologySpreadConstraints", "volumes"),
))

POD_RULES = (_distinct, _known_nodes, _answered)

POD = Record(make_pod, (
    *HEAD, metadata("pod name"), Field("spec", POD_SPEC, required=True), Field("status", Shown(), "status"),
), rules=POD_RULES, take=pod_attributes, of=Pod)


def updated(present: Pod, wanted: Pod) -> Pod:
    """The pod to hold: the running one, with the labels, annotations and images that are wanted.

    Raises InvalidManifest when the manifest asks for another change: a running pod keeps the rest.
    """
    same_node = wanted.node in ("", present.node)
    same_boxes = [(box.name, box.ports) for box in present.containers] == [(box.name, box.ports) for box in wanted.containers]
    changed = ("node" if not same_node else "containers" if not same_boxes else
               next((text for name, text in _FROZEN.items() if getattr(present, name) != getattr(wanted, name)), ""))
    if changed:
        raise InvalidManifest(f"a change of pod {present.label}'s {changed}",
                              "only labels, annotations and images to change: a running pod keeps the rest",
                              f"delete('pod', '{present.name}') first, then apply it again")
    return replace(present, labels=wanted.labels, annotations=wanted.annotations, containers=wanted.containers)
