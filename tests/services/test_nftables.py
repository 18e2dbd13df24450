"""The mode nftables: the names of FACTS 7.4, and that Linux takes the table and gives the same one back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.kube_proxy.modes import KubeProxy
from k8snet_course.services.kube_proxy.names import nft_chain
from tests.services.worlds import NODES, proxied, web


@pytest.mark.parametrize(("service", "port", "endpoint", "name"), [
    ("ns1/svc1", "p80", "", "ULMVA6XW"), ("ns1/svc1", "p80", "10.180.0.1/80", "5OJB2KTY"), ("default/web", "", "", "PFISGYVC"),
    ("default/web", "http", "", "SUSTUHLJ"), ("default/kubernetes", "https", "", "2QRHZV4L"),
    ("default/web", "", "10.244.1.2/8080", "X665QFQS"),
])
def test_names(service: str, port: str, endpoint: str, name: str) -> None:
    kind = "endpoint" if endpoint else "service"
    assert nft_chain(kind, service, "tcp", port, endpoint).split("-")[:2] == [kind, name]


@pytest.fixture
def namespace() -> Iterator[str]:
    name = "k8snet-nftables"
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def shape(text: str) -> list[list[str]]:
    """A table's blocks, with the elements of sets in one order."""
    blocks = []
    for block in re.findall(r"\t(?:chain|set|map) .*?\n\t}", text, re.DOTALL):
        flat = " ".join(block.split())
        elements = re.search(r"elements = { (.*?) }(?: }|$)", flat)
        members = sorted(re.split(r", ?", elements[1])) if elements else []
        blocks.append([re.sub(r"elements = { .*? }", "", flat).strip(), *members])
    return sorted(blocks)


def everything() -> KubeProxy:
    proxy = proxied("nftables", web(type="LoadBalancer", external_traffic_policy="Local", session_affinity="ClientIP",
                                    external_ips=("203.0.113.7",), load_balancer_ips=("203.0.113.8",),
                                    load_balancer_source_ranges=("198.51.100.0/24",)))
    ports = (ServicePort(80, node_port=30081), ServicePort(53, protocol="UDP", name="d"))
    proxy.update(Service("empty", type="NodePort", ports=ports, cluster_ips=("10.96.0.21",)), ())
    return proxy


@pytest.mark.needs("ip", "nft", "root")
def test_linux_takes_the_table_and_gives_the_same_back(namespace: str) -> None:
    text = everything().text(NODES[0]) + "\n"
    inside = ["ip", "netns", "exec", namespace]
    subprocess.run([*inside, "nft", "-c", "-f", "-"], input=text, text=True, check=True)
    subprocess.run([*inside, "nft", "-f", "-"], input=text, text=True, check=True)
    listed = subprocess.run([*inside, "nft", "list", "table", "ip", "kube-proxy"], capture_output=True, text=True, check=True)
    assert shape(listed.stdout) == shape(text)
    assert len(shape(text)) > 20


@pytest.mark.needs("ip", "nft", "root")
def test_linux_takes_the_table_for_ipv6(namespace: str) -> None:
    proxy = KubeProxy("nftables", families=("IPv6",))
    proxy.update(Service("web", ports=(ServicePort(80),), cluster_ips=("fd00:10:96::20",)),
                 [EndpointSlice("web-6", "default", "web", "IPv6", (Endpoint(("fd00:10:244::2",)),), (EndpointPort(80),))])
    text = proxy.text(NODES[0]) + "\n"
    subprocess.run(["ip", "netns", "exec", namespace, "nft", "-c", "-f", "-"], input=text, text=True, check=True)
    assert "dnat to [fd00:10:244::2]:80" in text
    assert "ip daddr" not in text
