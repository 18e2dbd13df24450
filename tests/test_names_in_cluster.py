"""Names in a cluster (FACTS 8): what the DNS server answers, what a resolver asks, and what becomes of packets to names."""

from __future__ import annotations

from typing import Any

import pytest

from k8snet_course import manifests
from k8snet_course.cluster import Cluster
from k8snet_course.errors import CourseError, InvalidName, NotFound
from k8snet_course.linux.trace import Verdict

WORLD = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  clusterIP: 10.96.0.20
  ports: [{name: http, port: 80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other}
spec: {selector: {app: web}, clusterIP: 10.96.0.21, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: pg, port: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}}
spec: {nodeName: node-1, hostname: db-0, subdomain: db, containers: [{name: db, image: postgres}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-1, namespace: shop, labels: {app: db}}
spec: {nodeName: node-1, containers: [{name: db, image: postgres}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {type: ExternalName, externalName: www.example.com}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {nodeName: node-2, containers: [{name: sh, image: busybox}]}
"""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=2, cni="flannel", outside_names=dict.fromkeys(("www.example.com", "a.b.c.d.e.com"), ("203.0.113.9",)))
    made.apply(WORLD)
    return made


ANSWERS = {
    # name, type: rcode and data
    ("dns-version.cluster.local", "TXT"): ("NOERROR", ['"1.1.0"']),
    ("web.default.svc.cluster.local", "A"): ("NOERROR", ["10.96.0.20"]),
    ("WEB.Default.svc.Cluster.local.", "A"): ("NOERROR", ["10.96.0.20"]),
    ("web.default.svc.cluster.local", "AAAA"): ("NOERROR", []),
    ("_http._tcp.web.default.svc.cluster.local", "SRV"): ("NOERROR", ["0 100 80 web.default.svc.cluster.local."]),
    ("_dns._udp.web.default.svc.cluster.local", "SRV"): ("NOERROR", ["0 100 53 web.default.svc.cluster.local."]),
    ("_bad._tcp.web.default.svc.cluster.local", "SRV"): ("NXDOMAIN", []),
    ("20.0.96.10.in-addr.arpa", "PTR"): ("NOERROR", ["web.default.svc.cluster.local."]),
    ("db.shop.svc.cluster.local", "A"): ("NOERROR", ["10.244.0.2", "10.244.0.3"]),
    ("db-0.db.shop.svc.cluster.local", "A"): ("NOERROR", ["10.244.0.2"]),
    ("10-244-0-3.db.shop.svc.cluster.local", "A"): ("NOERROR", ["10.244.0.3"]),
    ("db-1.db.shop.svc.cluster.local", "A"): ("NXDOMAIN", []),
    ("_pg._tcp.db.shop.svc.cluster.local", "SRV"): ("NOERROR", ["0 50 5432 db-0.db.shop.svc.cluster.local.",
                                                                "0 50 5432 10-244-0-3.db.shop.svc.cluster.local."]),
    ("2.0.244.10.in-addr.arpa", "PTR"): ("NOERROR", ["db-0.db.shop.svc.cluster.local."]),
    ("shop.default.svc.cluster.local", "CNAME"): ("NOERROR", ["www.example.com."]),
    ("shop.default.svc.cluster.local", "A"): ("NOERROR", ["www.example.com.", "203.0.113.9"]),
    ("a.shop.default.svc.cluster.local", "A"): ("NXDOMAIN", []),
    ("10-244-0-2.shop.pod.cluster.local", "A"): ("NOERROR", ["10.244.0.2"]),
    ("10-244-0-2.nowhere.pod.cluster.local", "A"): ("NXDOMAIN", []),
    ("10.244.0.2.shop.svc.cluster.local", "A"): ("NXDOMAIN", []),
    ("client.default.svc.cluster.local", "A"): ("NXDOMAIN", []),
    ("svc.cluster.local", "A"): ("NOERROR", []),
    ("shop.svc.cluster.local", "A"): ("NOERROR", []),
    ("nowhere.svc.cluster.local", "A"): ("NXDOMAIN", []),
    ("web.nowhere.svc.cluster.local", "A"): ("NXDOMAIN", []),
    ("x.web.default.svc.cluster.local", "A"): ("NXDOMAIN", []),
    ("www.example.com", "A"): ("NOERROR", ["203.0.113.9"]),
    ("nowhere.example.com", "A"): ("NXDOMAIN", []),
}


@pytest.mark.parametrize(("name", "kind"), ANSWERS)
def test_what_the_server_answers(cluster: Cluster, name: str, kind: str) -> None:
    """FACTS 8.1, 8.2, 8.3, and the errata of article 001 about pods' names."""
    answer = cluster.query(name, kind)
    assert (str(answer.rcode), [record.data for record in answer.records]) == ANSWERS[name, kind]


LOOKUPS = {
    # name, resolver: which of its tries has the address (0: none), counted in names
    ("web", "glibc"): 1, ("web.other", "glibc"): 2, ("web.other.svc", "glibc"): 3, ("web.other.svc.cluster.local", "glibc"): 4,
    ("web.other.svc.cluster.local.", "glibc"): 1, ("www.example.com", "glibc"): 4, ("www.example.com.", "glibc"): 1,
    ("a.b.c.d.e.com", "glibc"): 1, ("web.other", "busybox"): 0, ("web.other", "musl"): 2, ("nowhere", "glibc"): 0,
}


@pytest.mark.parametrize(("name", "resolver"), LOOKUPS)
def test_what_a_resolver_asks(cluster: Cluster, name: str, resolver: str) -> None:
    """FACTS 8.5."""
    found = cluster.lookup("client", name, resolver)
    tried = list(dict.fromkeys(query.name for query in found.queries))
    assert bool(found.result) == (LOOKUPS[name, resolver] > 0), found
    if found.result:
        assert len(tried) == LOOKUPS[name, resolver], tried


def test_resolv_conf_by_namespace_and_policy(cluster: Cluster) -> None:
    """FACTS 8.4, and 16, case 10."""
    assert str(cluster.resolv_conf("shop/db-0")) == (
        "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5")
    assert cluster.pod("db-0", "shop").resolv_conf == cluster.resolv_conf("shop/db-0")
    assert cluster.node("node-1").resolv_conf.nameservers == cluster.host("laptop").resolv_conf.nameservers == ("192.168.1.1",)
    with pytest.raises(NotFound):
        cluster.resolv_conf("nobody")


def with_dns(name: str = "own", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec}}


@pytest.mark.parametrize(("spec", "nameservers", "search", "options"), [
    ({}, ("10.96.0.10",), 3, ("ndots:5",)),
    ({"hostNetwork": True}, ("192.168.1.1",), 0, ()),
    ({"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}, ("10.96.0.10",), 3, ("ndots:5",)),
    ({"dnsPolicy": "Default"}, ("192.168.1.1",), 0, ()),
    ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.168.1.1"], "searches": ["example.com"]}},
     ("192.168.1.1",), 1, ()),
    ({"dnsConfig": {"options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}], "nameservers": ["192.168.1.1"],
                    "searches": ["example.com"]}}, ("10.96.0.10", "192.168.1.1"), 4, ("ndots:2", "edns0"))])
def test_dns_policies_and_configs(spec: dict[str, Any], nameservers: tuple[str, ...], search: int,
                                  options: tuple[str, ...]) -> None:
    """FACTS 8.4 and 15, questions 12 and 13."""
    made = Cluster(outside_names={"www.example.com": ("203.0.113.9",)})
    made.apply(with_dns(**spec))
    found = made.resolv_conf("own")
    assert (found.nameservers, len(found.search), found.options) == (nameservers, search, options)
    again = Cluster()
    again.apply(manifests.dump(*made.objects("pods")))
    assert again.resolv_conf("own") == found
    made.apply(WORLD.split("---")[0])
    asks_cluster = "10.96.0.10" in nameservers
    assert bool(made.lookup("own", "web.default.svc.cluster.local").result) == asks_cluster
    assert bool(made.lookup("own", "www").result) == ("example.com" in found.search)


def test_fewer_dots_fewer_queries() -> None:
    """FACTS 15, question 11."""
    made = Cluster(outside_names={"www.example.com": ("203.0.113.9",)})
    made.apply(with_dns())
    made.apply(with_dns("few", dnsConfig={"options": [{"name": "ndots", "value": "2"}]}))
    assert [len(made.lookup(pod, "www.example.com").queries) for pod in ("own", "few")] == [8, 2]


def test_a_running_pods_dns_config_stays() -> None:
    made = Cluster()
    made.apply(with_dns())
    with pytest.raises(CourseError, match="dnsConfig"):
        made.apply(with_dns(dnsConfig={"nameservers": ["192.168.1.1"]}))
    assert made.objects("pods")[0].dns_config is None


@pytest.mark.parametrize(("src", "word", "port", "verdict"), [
    ("client", "web", 80, Verdict.NO_ENDPOINTS), ("client", "web.other", 80, Verdict.NO_ENDPOINTS),
    ("shop/db-0", "db", 5432, Verdict.DELIVERED), ("client", "db.shop", 5432, Verdict.DELIVERED),
    ("client", "db-0.db.shop.svc.cluster.local", 5432, Verdict.DELIVERED),
    ("client", "10-244-0-3.shop.pod.cluster.local", 5432, Verdict.DELIVERED),
    ("client", "db.nowhere", 5432, Verdict.NO_SUCH_NAME), ("laptop", "db.shop.svc.cluster.local", 5432, Verdict.NO_SUCH_NAME),
    ("node-1", "db.shop.svc.cluster.local", 5432, Verdict.NO_SUCH_NAME), ("laptop", "www.example.com", 443, Verdict.DELIVERED),
])
def test_packets_to_names(cluster: Cluster, src: str, word: str, port: int, verdict: Verdict) -> None:
    """FACTS 15, questions 9 and 10: a node's resolver does not know the cluster's names."""
    trace = cluster.send(src, word, port=port)
    assert trace.verdict is verdict, trace


def test_a_short_name_means_the_own_namespace(cluster: Cluster) -> None:
    with pytest.raises(NotFound):
        cluster.send("client", "db", port=5432)
    assert cluster.query("db.default.svc.cluster.local").records == ()


def test_names_that_are_none(cluster: Cluster) -> None:
    for name in ("a..b", "a" * 64 + ".com", ".a", "a." * 130):
        with pytest.raises(InvalidName):
            cluster.query(name)


DNS_PODS = """
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: 10.96.0.10
  selector: {k8s-app: kube-dns}
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {nodeName: node-1, containers: [{name: coredns, image: coredns}]}
"""


@pytest.mark.parametrize("proxy", ["iptables", "nftables", "ipvs", "kernelspace"])
def test_a_dns_server_in_pods_is_reached_by_packets(proxy: str) -> None:
    made = Cluster(nodes=2, cni="flannel", proxy=proxy)
    made.apply(WORLD + "---" + DNS_PODS)
    made.add_pod("server", labels={"app": "web"}, listen=8080)
    before = str(made.node("node-1").neighbours)
    assert made.lookup("client", "web").result == ("10.96.0.20",)
    assert str(made.node("node-1").neighbours) == before, "looking a name up teaches the devices nothing"
    assert made.send("client", "web", port=80).answered
    made.set_state("coredns", "kube-system", ready=False)
    assert not made.lookup("client", "web").result
    trace = made.send("client", "web", port=80)
    assert trace.verdict is Verdict.NO_SUCH_NAME and "no server could say" in trace.reason
    assert made.send("client", "10.96.0.20", port=80).answered, "only the name is lost"
    assert made.send("client", "default/web", port=80).answered, "and this is no name"
    made.set_state("coredns", "kube-system")
    assert made.send("client", "web", port=80).answered
    made.delete("svc", "kube-dns", "kube-system")
    assert made.send("client", "web", port=80).answered, "without the Service the model's own server answers"


def test_a_service_is_told_by_its_whole_name_where_it_has_to_be_called_so() -> None:
    cluster = Cluster()
    cluster.add_pod("a", namespace="shop")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}})
    for source, target in (("shop/a", "web"), ("web", "shop/a")):
        with pytest.raises(NotFound, match=r"'web'.*it sends nothing, and from other namespaces it is called 'default/web'"):
            cluster.send(source, target)
