"""From pods to names and back: the slices that the cluster makes, the resolv.conf that a pod gets, and what it then finds."""

import pytest

from k8snet_course.dns import Outside, lookup, pod_name, resolv_conf, reverse_name
from k8snet_course.dns.resolv_conf import ResolvConf
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.endpoints import PodState, endpoint_slices
from tests.dns.clusters import shown, zone

LABELS = {"app": "db"}
PODS = (
    Pod("db-0", "node-1", "10.244.0.2", "shop", LABELS, hostname="db-0", subdomain="db"),
    Pod("db-1", "node-1", "10.244.0.3", "shop", LABELS, hostname="db-1", subdomain="other"),
    Pod("db-2", "node-2", "10.244.1.2", "shop", LABELS, hostname="db-2", subdomain="db"),
    Pod("db-0", "node-2", "10.244.1.3", "elsewhere", LABELS, hostname="db-0", subdomain="db"),
)
DB = "db.shop.svc.cluster.local"


def server(publish=False):
    service = Service("db", "shop", selector=LABELS, ports=(ServicePort(5432, name="pg"),), cluster_ips=("None",),
                      publish_not_ready_addresses=publish)
    slices = endpoint_slices(service, PODS, {"shop/db-2": PodState(ready=False)})
    web = Service("web", "mon", ports=(ServicePort(80),), cluster_ips=("10.96.0.30",))
    return zone([service, web], slices, ("shop", "mon", "elsewhere"))


@pytest.mark.parametrize(
    ("name", "answer", "published"),
    [
        (DB, ["A 10.244.0.2", "A 10.244.0.3"], ["A 10.244.0.2", "A 10.244.0.3", "A 10.244.1.2"]),
        (f"db-0.{DB}", ["A 10.244.0.2"], ["A 10.244.0.2"]),
        (f"db-1.{DB}", ["NXDOMAIN"], ["NXDOMAIN"]),
        (f"10-244-0-3.{DB}", ["A 10.244.0.3"], ["A 10.244.0.3"]),
        (f"db-2.{DB}", ["NXDOMAIN"], ["A 10.244.1.2"]),
        ("db-0.shop.svc.cluster.local", ["NXDOMAIN"], ["NXDOMAIN"]),
        ("db-0.db.elsewhere.svc.cluster.local", ["NXDOMAIN"], ["NXDOMAIN"]),
        ("db-0.shop.pod.cluster.local", ["NXDOMAIN"], ["NXDOMAIN"]),
        (pod_name("10.244.0.2", "shop"), ["A 10.244.0.2"], ["A 10.244.0.2"]),
    ],
)
def test_names_of_pods(name, answer, published):
    assert shown(server().query(name)) == answer
    assert shown(server(publish=True).query(name)) == published


def test_names_of_addresses():
    assert shown(server().query(reverse_name("10.244.0.2"), "PTR")) == [f"PTR db-0.{DB}."]
    assert shown(server().query(reverse_name("10.244.0.3"), "PTR")) == [f"PTR 10-244-0-3.{DB}."]
    assert shown(server().query(reverse_name("10.244.1.2"), "PTR")) == ["NXDOMAIN"]
    assert shown(server().query(reverse_name("10.244.1.3"), "PTR")) == ["NXDOMAIN"], "a pod in no Service"


def test_a_short_name_is_of_the_pods_own_namespace():
    conf, servers = resolv_conf("shop"), {"10.96.0.10": server()}
    assert lookup(conf, "db", servers).found == f"{DB}."
    assert lookup(conf, "web", servers).error == "EAI_NONAME"
    made = lookup(conf, "web.mon", servers)
    assert list(made.names) == ["web.mon.shop.svc.cluster.local.", "web.mon.svc.cluster.local."]


@pytest.mark.parametrize(
    ("policy", "host_network", "finds_service"),
    [("ClusterFirst", False, True), ("ClusterFirst", True, False), ("ClusterFirstWithHostNet", True, True),
     ("Default", False, False)],
)
@pytest.mark.parametrize("resolver", ["glibc", "musl"])
def test_who_asks_the_nodes_own_server_does_not_find_services(policy, host_network, finds_service, resolver):
    servers = {"10.96.0.10": server(), "192.168.1.1": Outside({"www.example.com": ("93.184.216.34",)})}
    conf = resolv_conf("shop", policy, node=ResolvConf(("192.168.1.1",)), host_network=host_network)
    for name in ("web.mon", "web.mon.svc.cluster.local"):
        assert lookup(conf, name, servers, resolver).result == (("10.96.0.30",) if finds_service else ())
    assert lookup(conf, "www.example.com.", servers, resolver).result[0] == "93.184.216.34"
