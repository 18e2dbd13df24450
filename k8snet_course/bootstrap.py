"""What stands in a cluster before anybody has put anything there: as `kubeadm init` and `kubeadm join` leave it.

A new :class:`~k8snet_course.cluster.Cluster` is empty, so that a beginner sees nothing but what he made.  These are the objects
that a real one has from the start: the control plane's pods on the first node, kube-proxy's on every node, CoreDNS in two pods,
and the Services ``kubernetes`` (the API server's, the first cluster IP) and ``kube-dns``.  They are ordinary manifests; packets
to them walk as to all others.

Modelled simply: the first node takes other pods too, where kubeadm would taint it; the network plugin's own pods are left out;
where a DaemonSet would make kube-proxy's pods, they are written one by one.

Source: kubeadm, "Implementation details"; Kubernetes documentation, "Ports and Protocols"; CoreDNS, plugin kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from k8snet_course.objects import LISTEN_ANNOTATION, Node

VERSION = "v1.37.0"
"""Of the images (August 2026)."""
COREDNS = "v1.14.6"
"""The CoreDNS that kubeadm of this version installs."""
SYSTEM = "kube-system"
"""The namespace of all but the Service ``kubernetes``."""
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""The label of a node that Kubernetes itself runs on, by which kubectl names its role."""
API_PORT = 6443
"""Where the API server listens."""

_STATIC = (
    ("etcd", "registry.k8s.io/etcd:3.6.5", "127.0.0.1:2379, 2380"),
    ("kube-apiserver", f"registry.k8s.io/kube-apiserver:{VERSION}", f"{API_PORT}"),
    ("kube-controller-manager", f"registry.k8s.io/kube-controller-manager:{VERSION}", "127.0.0.1:10257"),
    ("kube-scheduler", f"registry.k8s.io/kube-scheduler:{VERSION}", "127.0.0.1:10259"),
)
"""The pods that the kubelet of the first node starts from files, their images, and what they listen on."""
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def manifests_of(nodes: Sequence[Node], first_ip: str, dns_ip: str) -> Iterator[dict[str, Any]]:
    """The objects of a new cluster as manifests; ``first_ip`` is the first cluster IP, ``dns_ip`` the DNS server's.

    >>> node = Node("node-1", "192.168.1.2", "10.244.0.0/24")
    >>> [one["metadata"]["name"] for one in manifests_of([node], "10.96.0.1", "10.96.0.10")][:3]
    ['kubernetes', 'kubernetes', 'kube-dns']
    """
    yield _service("kubernetes", "default", {"component": "apiserver", "provider": "kubernetes"}, clusterIP=first_ip,
                   ports=[{"name": "https", "port": 443, "targetPort": API_PORT}])
    yield {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
           "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
           "addressType": "IPv6" if ":" in nodes[0].ip else "IPv4", "endpoints": [{"addresses": [nodes[0].ip]}],
           "ports": [{"name": "https", "port": API_PORT}]}
    dns = {"k8s-app": "kube-dns"}
    yield _service("kube-dns", SYSTEM, dns, clusterIP=dns_ip, selector=dns, ports=[
        {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}, {"name": "metrics", "port": 9153}])
    for name, image, listen in _STATIC:
        yield _pod(name, f"{name}-{nodes[0].name}", image, nodes[0].name, listen, {"component": name, "tier": "control-plane"})
    for node in nodes:
        number = int.from_bytes(sha256(node.name.encode()).digest()[:8], "big")
        letters = "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(5))
        yield _pod("kube-proxy", f"kube-proxy-{letters}", f"registry.k8s.io/kube-proxy:{VERSION}", node.name,
                   "10256, 127.0.0.1:10249", {"k8s-app": "kube-proxy"})
    ports = [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns-tcp", "containerPort": 53},
             {"name": "metrics", "containerPort": 9153}]
    coredns = {"name": "coredns", "image": f"registry.k8s.io/coredns/coredns:{COREDNS}", "ports": ports}
    template = {"metadata": {"labels": dns, "annotations": {LISTEN_ANNOTATION: "53/UDP, 53, 8080, 8181, 9153"}},
                "spec": {"dnsPolicy": "Default", "containers": [coredns]}}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "coredns", "namespace": SYSTEM, "labels": dns},
           "spec": {"replicas": 2, "selector": {"matchLabels": dns}, "template": template}}


def _service(name: str, namespace: str, labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": spec}


def _pod(container: str, name: str, image: str, node: str, listen: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": SYSTEM, "labels": labels, "annotations": {LISTEN_ANNOTATION: listen}},
            "spec": {"nodeName": node, "hostNetwork": True, "containers": [{"name": container, "image": image}]}}
