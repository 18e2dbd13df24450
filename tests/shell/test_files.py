"""Files, settings and the environment: what the kubelet, flannel and Linux put there (FACTS 6.4, 8.4)."""

from __future__ import annotations

import json

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.faults import ForwardingOff
from k8snet_course.shell import Ran
from tests.shell.clusters import two_nodes


def ran(cluster: Cluster, device: str, command: str) -> Ran:
    done = cluster.exec(device, command)
    assert isinstance(done, Ran)
    return done


def test_resolv_conf_hosts_and_hostname_of_a_pod() -> None:
    cluster = two_nodes()
    assert ran(cluster, "a", "cat /etc/resolv.conf").out == (
        "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n")
    assert ran(cluster, "a", "cat /etc/hosts").lines[0] == "# Kubernetes-managed hosts file."
    assert ran(cluster, "a", "cat /etc/hosts").lines[-1] == "10.244.0.2\ta"
    assert ran(cluster, "a", "hostname").out == ran(cluster, "a", "cat /etc/hostname").out == "a\n"
    assert ran(cluster, "a", "hostname -i").out == "10.244.0.2\n"
    assert ran(cluster, "node-1", "cat /etc/resolv.conf").out == "nameserver 192.168.1.1\n"
    assert ran(cluster, "node-1", "getent hosts node-1").out == "192.168.1.2     node-1\n"


def test_the_name_under_a_subdomain() -> None:
    cluster = Cluster()
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0"}, "spec": {
        "hostname": "db-0", "subdomain": "db", "containers": [{"name": "db", "image": "busybox"}]}})
    assert ran(cluster, "db-0", "hostname -f").out == "db-0.db.default.svc.cluster.local\n"
    assert ran(cluster, "db-0", "cat /etc/hosts").lines[-1] == "10.244.0.2\tdb-0.db.default.svc.cluster.local\tdb-0"


def test_the_services_are_in_the_environment() -> None:
    """The names of Docker's links and the pair of Kubernetes; a Service without an address is not among them."""
    cluster = two_nodes()
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "none"},
                   "spec": {"clusterIP": "None", "ports": [{"port": 80}]}})
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other", "namespace": "shop"},
                   "spec": {"ports": [{"port": 80}]}})
    lines = ran(cluster, "a", "env").lines
    assert "WEB_SERVICE_HOST=10.96.0.20" in lines and "WEB_PORT_80_TCP=tcp://10.96.0.20:80" in lines
    assert "WEB_SERVICE_PORT_HTTP=80" in lines and lines == tuple(sorted(lines))
    assert not [line for line in lines if line.startswith(("NONE", "OTHER"))]
    assert ran(cluster, "a", "printenv WEB_SERVICE_PORT").out == "80\n" and ran(cluster, "a", "printenv X").code == 1


def test_settings_follow_the_tables() -> None:
    cluster = two_nodes()
    assert ran(cluster, "node-1", "cat /proc/sys/net/ipv4/ip_forward").out == "1\n"
    assert ran(cluster, "a", "sysctl net.ipv4.ip_forward").out == "net.ipv4.ip_forward = 0\n"
    cluster.inject(ForwardingOff("node-1"))
    assert ran(cluster, "node-1", "sysctl -n net/ipv4/ip_forward").out == "0\n"
    assert ran(cluster, "node-1", "sysctl net.ipv4.conf.flannel/1.proxy_arp").out == "net.ipv4.conf.flannel/1.proxy_arp = 0\n"
    assert ran(cluster, "node-1", "cat /proc/sys/net/ipv4/conf/flannel.1/proxy_arp").out == "0\n"
    done = ran(cluster, "a", "sysctl net.ipv4.nope")
    assert done.err.startswith("sysctl: cannot stat /proc/sys/net/ipv4/nope: No such file or directory\n") and done.code == 1
    assert ran(cluster, "node-1", "sysctl -w net.ipv4.ip_forward=1").code == 1


def test_a_pods_veth_is_found_by_its_iflink() -> None:
    cluster = two_nodes()
    index = ran(cluster, "a", "cat /sys/class/net/eth0/iflink").out.strip()
    [line] = [line for line in ran(cluster, "node-1", "ip link").lines if line.startswith(f"{index}: ")]
    assert line.split()[1].startswith("veth") and line.split()[1].endswith("@if2:")
    assert ran(cluster, "a", "ls /sys/class/net").lines == ("eth0", "lo")


@pytest.mark.parametrize(("cni", "name"), [("flannel", "10-flannel.conflist"), ("cilium", "05-cilium.conflist"),
                                           ("calico", "10-calico.conflist"), ("bridge", "10-bridge.conflist")])
def test_the_cni_configuration(cni: str, name: str) -> None:
    cluster = two_nodes(cni)
    assert ran(cluster, "node-1", "ls /etc/cni/net.d").out == f"{name}\n"
    assert json.loads(ran(cluster, "node-1", "cat /etc/cni/net.d/*").out) == cluster.conflist("node-1")


def test_flannels_subnet() -> None:
    assert ran(two_nodes(), "node-2", "cat /run/flannel/subnet.env").lines == (
        "FLANNEL_NETWORK=10.244.0.0/16", "FLANNEL_SUBNET=10.244.1.1/24", "FLANNEL_MTU=1450", "FLANNEL_IPMASQ=true")
    assert "FLANNEL_MTU=1500" in ran(two_nodes("flannel-host-gw"), "node-1", "cat /run/flannel/subnet.env").lines


def test_flannels_subnet_with_both_ip_versions() -> None:
    cluster = Cluster(cni="flannel", pod_cidr="10.244.0.0/16,fd00:10:244::/56",
                      node_network="192.168.1.0/24,fd00:192:168:1::/64")
    assert ran(cluster, "node-1", "cat /run/flannel/subnet.env").lines == (
        "FLANNEL_NETWORK=10.244.0.0/16", "FLANNEL_SUBNET=10.244.0.1/24", "FLANNEL_IPV6_NETWORK=fd00:10:244::/56",
        "FLANNEL_IPV6_SUBNET=fd00:10:244::1/64", "FLANNEL_MTU=1430", "FLANNEL_IPMASQ=true")


def test_files_that_are_not_there() -> None:
    cluster = two_nodes()
    done = ran(cluster, "node-1", "cat /etc/hosts /etc/passwd")
    assert done.out.startswith("127.0.0.1\tlocalhost\n") and done.code == 1
    assert done.err.startswith("cat: /etc/passwd: No such file or directory\n(the model knows these files here: /etc/")
    assert ran(cluster, "a", "cat /etc/passwd").err.startswith("cat: can't open '/etc/passwd': No such file or directory\n")
    assert ran(cluster, "a", "ls /nowhere").code == 1


def test_sleep_lets_the_clusters_time_pass() -> None:
    cluster = two_nodes()
    assert ran(cluster, "a", "sleep 1m && echo on").out == "on\n" and cluster.now == 60
    assert ran(cluster, "a", "sleep soon").code == 1


def test_the_words_of_the_musl_library() -> None:
    cluster = two_nodes()
    assert ran(cluster, "internet", "ip route get 10.244.0.2").err == "RTNETLINK answers: Network is unreachable\n"
    done = cluster.exec("a", "ip route get 10.244.1.2 from 10.0.0.1 iif eth0")
    assert (done.err, done.code) == ("RTNETLINK answers: Host is unreachable\n", 2)
