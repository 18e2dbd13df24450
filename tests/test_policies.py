"""NetworkPolicies as packets meet them: the same verdicts on the way as by the definition, under every plugin that enforces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course import manifests
from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.linux.trace import Action, Verdict
from k8snet_course.objects.network_policy import NetworkPolicy
from k8snet_course.policy import Enforcement, Party, decide
from tests.policy.shop import NAMESPACES, PODS, app, into, out_of, pods, rule
from tests.policy.test_worked_cases import CASES, P
from tests.policy.worlds import SPACES, distinct, few, labels, network_policies

ENFORCING = [name for name, plugin in PLUGINS.items() if plugin.network_policy]
CONNECTED = [name for name in ENFORCING if name not in ("none", "bridge")]
ALLOWED = (Verdict.DELIVERED, Verdict.REFUSED)
"""How a packet ends that no policy has stopped: a program takes it, or nobody listens there."""

SERVICES = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db, tier: data}, clusterIP: 10.96.0.30, type: NodePort, ports: [{port: 5432, nodePort: 30432}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, clusterIP: 10.96.0.20, ports: [{port: 80, targetPort: 8080}]}
"""


def shop(cni: str = "calico", proxy: str = "iptables") -> Cluster:
    """The setting of FACTS 9.2: namespaces, pods where the cases have them, and two Services."""
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy)
    cluster.apply(manifests.dump(*NAMESPACES.values()))
    for pod in PODS.values():
        listen = 5432 if pod.name.startswith("db") else 8080
        labelled = pod.labels | ({"tier": "data"} if pod.name == "db" else {})
        written = {"apiVersion": "v1", "kind": "Pod",
                   "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": labelled,
                                "annotations": {"k8snet-course/listen": str(listen)}},
                   "spec": {"nodeName": pod.node, "hostNetwork": pod.host_network, "containers": [
                       {"name": "c", "image": "example/c",
                        "ports": [{"name": "pg", "containerPort": 5432}] if pod.containers else []}]}}
        cluster.apply(written)
    cluster.apply(SERVICES)
    return cluster


def walked(cluster: Cluster, src: str, dst: str, port: int, protocol: str = "TCP") -> Verdict | None:
    """The verdict of a policy on the way; None if none has stopped the packet."""
    trace = cluster.send(src, dst, port=port, protocol=protocol)
    if trace.verdict in ALLOWED:
        assert trace.reply is not None and trace.reply.delivered, trace
        return None
    assert trace.reply is None, "a policy drops in silence"
    last = trace.hops[-1].steps[-2]
    assert last.action is Action.FILTER and last.why == trace.reason, trace
    return trace.verdict


# -- the worked cases ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("cni", CONNECTED)
def test_every_line_of_the_worked_cases(cni: str) -> None:
    """FACTS 9.2, but for the lines about addresses that nobody has here."""
    cluster = shop(cni)
    for number, policies, source, destination, port, verdict in CASES:
        if source.startswith(("172.", "203.")) or destination.startswith("203.") or not isinstance(port, int):
            continue
        for policy in policies:
            cluster.apply(manifests.dump(policy))
        assert walked(cluster, source, destination, port) == verdict, (number, source, destination, port)
        for policy in policies:
            cluster.delete("netpol", policy.name, policy.namespace)
    assert walked(cluster, "shop/web", "shop/db", 5432) is None, "what is deleted is gone"


def test_lines_6_8_9_and_10() -> None:
    """The protocol; answers; the pod's own node; and a Service, which is judged as the pod that it leads to."""
    cluster = shop()
    cluster.apply(manifests.dump(P))
    assert walked(cluster, "shop/api", "shop/db", 5432, "UDP") is Verdict.DENIED_INGRESS
    assert cluster.send("shop/api", "shop/db", port=5432).answered
    assert walked(cluster, "node-2", "shop/db", 5432) is None and walked(cluster, "node-1", "shop/db", 5432) is not None
    assert cluster.send("shop/api", "db.shop", port=5432).answered
    trace = cluster.send("shop/web", "10.96.0.30", port=5432)
    assert trace.verdict is Verdict.DENIED_INGRESS and "p isolates pod shop/db" in trace.reason


def test_line_25_a_policy_sees_the_pods_port_and_not_the_services() -> None:
    cluster = shop()
    for number, open_ in ((80, False), (8080, True)):
        cluster.apply(manifests.dump(into("web", app("web"), rule(pods("api"), port=number))))
        assert cluster.send("shop/api", "10.96.0.20", port=80).answered == open_


@pytest.mark.parametrize("cni", CONNECTED)
def test_line_26_a_node_port_hides_the_client_behind_a_node(cni: str) -> None:
    """The pod's node sees the client as the node that it reached; if that is itself, its rules see the client still."""
    cluster = shop(cni)
    cluster.apply(manifests.dump(P))
    for hit, seen_as in (("node-1", "node node-1"), ("node-2", cluster.host("laptop").ip)):
        trace = cluster.send("laptop", hit, port=30432)
        assert trace.verdict is Verdict.DENIED_INGRESS and trace.reason.endswith(f"from {seen_as}"), trace.reason


@pytest.mark.parametrize("proxy", ["iptables", "nftables", "ipvs"])
def test_a_node_reaches_its_own_pods_by_their_service_too(proxy: str) -> None:
    """FACTS 9.1, rule 12."""
    cluster = shop(proxy=proxy)
    cluster.apply(manifests.dump(P))
    assert cluster.send("node-2", "10.96.0.30", port=5432).answered
    assert cluster.send("node-1", "10.96.0.30", port=5432).verdict is Verdict.DENIED_INGRESS


def test_line_27_a_plugin_without_policies() -> None:
    """FACTS 15, question 17: the object is there, and nobody enforces it."""
    cluster = shop("flannel")
    cluster.apply(manifests.dump(P))
    assert cluster.send("shop/web", "shop/db", port=5432).answered
    assert [policy.name for policy in cluster.objects("netpol")] == ["p"]
    assert "the network plugin enforces no policies" in str(cluster.policies_at("shop/db"))
    assert cluster.policies_at("shop/db").policies == (P,)


def test_addresses_outside() -> None:
    """FACTS 9.2, lines 18 to 22: who is outside is known by its address alone."""
    cluster = shop()
    laptop, internet = cluster.host("laptop").ip, cluster.host("internet").ip
    spec: dict[str, Any] = {"podSelector": {"matchLabels": {"app": "web"}}}
    block = {"cidr": "192.168.1.0/24", "except": [f"{laptop}/32"]}
    for ingress, expected in (
            ([{"from": [{"namespaceSelector": {}}]}], (False, False)), ([{}], (True, True)),
            ([{"from": [{"ipBlock": {"cidr": f"{internet}/32"}}]}], (False, True)),
            ([{"from": [{"ipBlock": block}]}], (False, False)),
            ([{"from": [{"ipBlock": block}, {"ipBlock": {"cidr": f"{laptop}/32"}}]}], (True, False))):
        cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                       "metadata": {"name": "from", "namespace": "shop"}, "spec": spec | {"ingress": ingress}})
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "edge", "namespace": "shop"},
                       "spec": {"type": "NodePort", "externalTrafficPolicy": "Local", "selector": {"app": "web"},
                                "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080}]}})
        got = tuple(cluster.send(src, "node-1", port=30080).answered for src in ("laptop", "internet"))
        assert got == expected, ingress


# -- misconceptions -----------------------------------------------------------------------------------------------------

def test_article_001s_policy() -> None:
    """FACTS 14, lines 92 to 109 of article 001: ingress alone, pods of one namespace, all ports, and nodes still pass."""
    cluster = Cluster(nodes=2, cni="calico")
    for name, namespace, node in (("database", "default", "node-1"), ("api", "default", "node-2"), ("api", "my-app", "node-2"),
                                  ("other", "default", "node-2")):
        cluster.add_pod(name, node, namespace, labels={"app": name})
    cluster.apply("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: database}
spec:
  podSelector: {matchLabels: {app: database}}
  ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]
""")
    senders = ("api", "my-app/api", "other", "node-1", "node-2")
    answered = {src: cluster.send(src, "database", port=80).answered for src in senders}
    assert answered == {"api": True, "my-app/api": False, "other": False, "node-1": True, "node-2": False}
    assert cluster.send("database", "other", port=80).answered, "it says nothing about what the database itself sends"


def test_namespaces_isolate_nothing() -> None:
    """FACTS 15, extra (e)."""
    assert shop().send("mon/other", "shop/db", port=5432).answered


def test_denied_is_silence_and_refused_is_an_answer() -> None:
    """FACTS 15, question 5."""
    cluster = shop()
    assert cluster.send("shop/web", "shop/db", port=81).verdict is Verdict.REFUSED
    cluster.apply(manifests.dump(P))
    trace = cluster.send("shop/web", "shop/db", port=81)
    assert (trace.verdict, trace.reply) == (Verdict.DENIED_INGRESS, None)


def test_a_policy_stops_pings_where_it_isolates() -> None:
    cluster = shop()
    assert cluster.send("shop/api", "shop/db", protocol="ICMP").answered
    cluster.apply(manifests.dump(P))
    assert cluster.send("shop/api", "shop/db", protocol="ICMP").verdict is Verdict.DENIED_INGRESS


DNS = """
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {nodeName: node-2, containers: [{name: coredns, image: coredns}]}
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: 10.96.0.10
  selector: {k8s-app: kube-dns}
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]
"""


def test_line_14_default_deny_egress_breaks_names_first() -> None:
    """FACTS 9.2 line 14, and 15, question 19."""
    cluster = shop()
    cluster.apply(DNS)
    assert cluster.send("shop/api", "db", port=5432).answered and cluster.lookup("shop/api", "db").result
    cluster.apply(manifests.dump(out_of("deny-out", app("api")), out_of("api-out", app("api"), rule(pods("db"), port=5432))))
    assert cluster.send("shop/api", "shop/db", port=5432).answered, "by its address"
    by_name = cluster.send("shop/api", "db", port=5432)
    assert by_name.verdict is Verdict.NO_SUCH_NAME and "no server could say" in by_name.reason
    assert not cluster.lookup("shop/api", "db").result
    cluster.apply("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
      podSelector: {matchLabels: {k8s-app: kube-dns}}
    ports: [{port: 53, protocol: UDP}, {port: 53}]
""")
    assert cluster.send("shop/api", "db", port=5432).answered
    assert cluster.send("shop/api", "shop/web", port=8080).verdict is Verdict.DENIED_EGRESS


def test_labels_that_come_later() -> None:
    """A policy asks about labels as they are when the packet comes, of pods and of namespaces."""
    cluster = shop()
    cluster.apply("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: from-team-b, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]}
""")
    assert walked(cluster, "my-app/api", "shop/db", 5432) is not None
    cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: my-app, labels: {team: b}}}")
    assert walked(cluster, "my-app/api", "shop/db", 5432) is None
    assert walked(cluster, "mon/other", "shop/db", 5432) is None
    cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: mon}}")
    assert walked(cluster, "mon/other", "shop/db", 5432) is not None


def test_which_policies_select_a_pod() -> None:
    cluster = shop()
    cluster.apply(manifests.dump(P, out_of("deny-out", app("db"))))
    assert str(cluster.policies_at("db", "shop")) == """\
pod shop/db
  Ingress: isolated by shop/p
    shop/p ingress[0]: pods app=api in the policy's namespace on TCP 5432
  Egress: isolated by shop/deny-out, which allows nothing"""
    assert "uses the network of its node" in str(cluster.policies_at("shop/db2"))
    assert cluster.policies_at("shop/web").policies == ()


def test_labels_of_nodes_in_cluster_wide_policies() -> None:
    cluster = Cluster(nodes=2, cni="calico")
    cluster.add_pod("a", node="node-1")
    cluster.apply("""
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: no-edge}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  egress: [{action: Deny, to: [{nodes: {matchLabels: {role: edge}}}]}]
""")
    enforced = cluster.send("a", "node-2", protocol="ICMP").answered
    cluster.label_node("node-2", {"role": "edge"})
    assert enforced and cluster.send("a", "node-2", protocol="ICMP").verdict is Verdict.DENIED_EGRESS
    cluster.label_node("node-2", {"role": "worker"})
    assert cluster.send("a", "node-2", protocol="ICMP").answered


# -- the walk and the definition ------------------------------------------------------------------------------------------

@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cni=st.sampled_from(CONNECTED), proxy=st.sampled_from(["iptables", "nftables", "ipvs"]),
       space_labels=st.fixed_dictionaries(dict.fromkeys(SPACES, labels)), pod_labels=st.lists(labels, min_size=4, max_size=4),
       policies=few(network_policies, 5).map(distinct), port=st.sampled_from([80, 81, 82]))
def test_the_walk_says_what_the_definition_says(cni: str, proxy: str, space_labels: dict[str, dict[str, str]],
                                                pod_labels: list[dict[str, str]], policies: tuple[NetworkPolicy, ...],
                                                port: int) -> None:
    """From pod to pod, directly and by a Service that leads to another port, and between pods and nodes."""
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy)
    for name, its_labels in space_labels.items():
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": its_labels}})
    for number, its_labels in enumerate(pod_labels):
        cluster.apply({"apiVersion": "v1", "kind": "Pod",
                       "metadata": {"name": f"pod-{number}", "namespace": SPACES[number % 3],
                                    "labels": its_labels | {"number": str(number)}},
                       "spec": {"nodeName": f"node-{1 + number // 2}", "containers": [
                           {"name": "c", "image": "example/c", "ports": [{"name": "web", "containerPort": 80},
                                                                         {"name": "db", "containerPort": 81}]}]}})
        cluster.apply({"apiVersion": "v1", "kind": "Service",
                       "metadata": {"name": f"svc-{number}", "namespace": SPACES[number % 3]},
                       "spec": {"selector": {"number": str(number)}, "clusterIP": f"10.96.0.{number + 20}",
                                "ports": [{"port": 8000, "targetPort": port}]}})
    for policy in policies:
        cluster.apply(manifests.dump(policy))
    enforcement = Enforcement(ip_blocks_match_cluster=not cni.startswith("cilium"))
    spaces = {space.name: space for space in cluster.objects("namespaces")}
    known = {pod.key: Party.of_pod(pod, spaces[pod.namespace]) for pod in cluster.pods}
    held = cluster.objects("networkpolicies")
    for src in known:
        for number, dst in enumerate(known):
            expected = decide(known[src], known[dst], "TCP", port, held, enforcement).verdict
            for where, at in ((dst, port), (f"10.96.0.{number + 20}", 8000)):
                trace = cluster.send(src, where, port=at)
                found = None if trace.verdict in ALLOWED else trace.verdict
                assert found == expected, (src, where, trace)
    for node in cluster.nodes:
        for dst in known:
            trace = cluster.send(node.name, dst, port=port)
            source = Party.of_node(node.name, trace.hops[-1].steps[-1].packet.src)
            expected = decide(source, known[dst], "TCP", port, held, enforcement).verdict
            assert (None if trace.verdict in ALLOWED else trace.verdict) == expected, trace


@pytest.mark.parametrize("pods", [4, 60])
def test_the_matrix_says_which_rule_let_a_packet_in(pods: int) -> None:
    """Of four pods every pair is asked, of sixty one pair of a kind; the rule is that of the very pair in both."""
    cluster = Cluster(nodes=2, cni="calico")
    for number in range(pods):
        cluster.add_pod(f"pod-{number}", labels={"app": f"app-{number % 4}"})
    for takes, sends in (("app-0", "app-1"), ("app-2", "app-1")):
        cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": f"to-{takes}"},
                       "spec": {"podSelector": {"matchLabels": {"app": takes}}, "ingress": [
                           {"from": [{"podSelector": {"matchLabels": {"app": sends}}}], "ports": [{"port": 80}]}]}})
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "out"},
                   "spec": {"podSelector": {"matchLabels": {"app": "app-1"}}, "policyTypes": ["Egress"],
                            "egress": [{"ports": [{"port": 443}]}, {"ports": [{"port": 80}]}]}})
    found = cluster.reachability()
    last = pods - 4
    taken = "nginx in {0} listens on TCP port 80 and takes the packet"
    for source, target, policies in (
            (last + 1, 0, ("egress[1] of NetworkPolicy out allows TCP 80 to pod {1}",
                           "ingress[0] of NetworkPolicy to-app-0 allows TCP 80 from pod {0}")),
            (last + 1, 2, ("egress[1] of NetworkPolicy out allows TCP 80 to pod {1}",
                           "ingress[0] of NetworkPolicy to-app-2 allows TCP 80 from pod {0}")),
            (1, last + 3, ("egress[1] of NetworkPolicy out allows TCP 80 to pod {1}",)), (0, last + 3, ()), (2, 2, ())):
        names = f"pod-{source}", f"pod-{target}"
        said = ", and ".join([*(each.format(*names) for each in policies), taken.format(names[1])])
        assert (found.between(*names).result, found.between(*names).reason) == ("ok", said)
