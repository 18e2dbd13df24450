"""A cluster with what kubeadm leaves in it: the first things that people try in a real one work here too."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.errors import AddressUnavailable
from k8snet_course.linux.trace import Verdict
from k8snet_course.services.kube_proxy.modes import MODES

LINUX_PLUGINS = [cni for cni in PLUGINS if cni not in ("none", "bridge")]


def started(**more: object) -> Cluster:
    cluster = Cluster(nodes=3, **{"cni": "flannel", **more})  # type: ignore[arg-type]
    cluster.bootstrap()
    cluster.add_pod("client", node="node-2")
    return cluster


@pytest.mark.parametrize("proxy", MODES)
def test_the_api_server_and_the_dns_server_are_reached_by_their_services(proxy: str) -> None:
    """FACTS 6.2 (10.96.0.1 is kubernetes.default), 8.5 and 13.2 (nslookup kubernetes)."""
    cluster = started(proxy=proxy)
    assert cluster.lookup("client", "kubernetes").result == ("10.96.0.1",)
    trace = cluster.send("client", "kubernetes.default.svc.cluster.local", port=443)
    assert trace.answered and trace.hops[-1].device == "node-1" and trace.hops[-1].steps[-1].packet.dst_port == 6443
    assert cluster.send("client", "10.96.0.10", port=53, protocol="UDP").answered
    assert str(cluster.query("1.0.96.10.in-addr.arpa", "PTR").records[0]).endswith("kubernetes.default.svc.cluster.local.")


@pytest.mark.parametrize("cni", LINUX_PLUGINS)
def test_with_every_plugin(cni: str) -> None:
    cluster = started(cni=cni)
    assert cluster.lookup("client", "kubernetes.default").result == (cluster.services[0].cluster_ip,)


def test_the_services_ports_and_chains_are_the_real_ones() -> None:
    """FACTS 7.2, the table of hashes."""
    text = (cluster := started()).proxy_text("node-3")
    for name in ("KUBE-SVC-NPX46M4PTMTKRN6Y", "KUBE-SVC-TCOU7JCQXEZGVUNU", "KUBE-SVC-ERIFXISQEP7F7OF4",
                 "KUBE-SVC-JD5MR3NA4I4DYORP", "KUBE-SEP-L2IPDJWE6EEVHGM7"):
        assert name in text, name
    assert [pod.name for pod in cluster.pods if pod.name.startswith("coredns-")] and len(cluster.pods) == 4 + 3 + 2 + 1
    assert "6443" in str(cluster.node("node-1").listeners) and "6443" not in str(cluster.node("node-2").listeners)


def test_the_first_node_has_the_role_of_the_control_plane_and_keeps_its_labels() -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.label_node("node-1", {"disk": "ssd"})
    cluster.bootstrap()
    roles = [line.split()[2] for line in str(cluster.kubectl("get nodes --no-headers")).splitlines()]
    assert roles == ["control-plane", "<none>"]
    assert str(cluster.kubectl("get nodes -l disk=ssd -o name")).strip() == "node/node-1"


def test_without_its_pods_nobody_answers_for_dns() -> None:
    cluster = started()
    for pod in [pod for pod in cluster.pods if pod.name.startswith("coredns-")]:
        cluster.set_state(pod.name, "kube-system", ready=False)
    trace = cluster.send("client", "kubernetes", port=443)
    assert trace.verdict is Verdict.NO_SUCH_NAME


def test_twice_is_once_and_a_refused_one_changes_nothing() -> None:
    cluster = started()
    before = (cluster.pods, cluster.services)
    cluster.bootstrap()
    assert (cluster.pods, cluster.services) == before
    taken = Cluster()
    taken.add_pod("squatter", host_network=True, listen=6443, image="nginx")
    taken.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "first"},
                 "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80}]}})
    state = (taken.pods, taken.services)
    with pytest.raises(AddressUnavailable, match=r"10\.96\.0\.1"):
        taken.bootstrap()
    assert (taken.pods, taken.services) == state


def test_dual_stack_and_ipv6() -> None:
    cluster = Cluster(nodes=2, cni="flannel", pod_cidr="fd00:10:244::/48", node_network="fd00:192:168::/64")
    cluster.bootstrap()
    cluster.add_pod("client")
    assert cluster.send("client", "kubernetes", port=443).answered


def test_in_dual_stack_pods_are_told_of_one_dns_server() -> None:
    """kubeadm gives kubelets one clusterDNS, of the first Service CIDR, and the Service kube-dns has that address alone."""
    cluster = started(pod_cidr="10.244.0.0/16,fd00:10:244::/56", node_network="192.168.1.0/24,fd00:192:168:1::/64")
    assert cluster.resolv_conf("client").nameservers == ("10.96.0.10",)
    for resolver in ("glibc", "musl", "busybox"):
        found = cluster.lookup("client", "kubernetes", resolver)
        assert found.result == ("10.96.0.1",) and "TIMEOUT" not in str(found)
    other_first = started(pod_cidr="fd00:10:244::/56,10.244.0.0/16", node_network="fd00:192:168:1::/64,192.168.1.0/24")
    assert other_first.resolv_conf("client").nameservers == ("fd00:10:96::a",)
