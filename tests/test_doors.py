"""Where on its way a packet meets a policy: before its source is rewritten, and after its destination is (FACTS 9.1, 9.2)."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster

GUARDED = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {type: NodePort, selector: {app: db}, ports: [{port: 5432, targetPort: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-friends}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {role: friend}}}], ports: [{port: 80}]}]
"""


def world(cni: str, proxy: str = "iptables") -> tuple[Cluster, int]:
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy)
    cluster.add_pod("db", node="node-2", labels={"app": "db"})
    cluster.add_pod("friend", node="node-1", labels={"role": "friend"})
    cluster.add_pod("stranger", node="node-1")
    service, _ = cluster.apply(GUARDED)
    return cluster, service.ports[0].node_port


@pytest.mark.parametrize("proxy", ["iptables", "nftables", "ipvs"])
@pytest.mark.parametrize("cni", ["calico", "calico-bgp", "cilium", "weave"])
def test_the_door_sees_who_asks_and_which_pod_is_meant(cni: str, proxy: str) -> None:
    cluster, node_port = world(cni, proxy)

    def verdict(source: str, target: str, port: int) -> str:
        return str(cluster.send(source, target, port=port).verdict)

    assert verdict("friend", "db", 80) == verdict("friend", "svc/db", 5432) == "delivered"
    assert verdict("stranger", "db", 80) == verdict("stranger", "svc/db", 5432) == "denied_ingress"
    assert verdict("laptop", "node-2", node_port) == "denied_ingress", "although the node will send it on under its own address"
    assert verdict("laptop", "node-1", node_port) == "denied_ingress"
    assert verdict("node-2", "db", 80) == "delivered", "a node always reaches its own pods"


@pytest.mark.parametrize("cni", ["flannel", "flannel-host-gw", "bridge"])
def test_a_plugin_that_does_not_enforce_lets_everybody_in(cni: str) -> None:
    cluster, _ = world(cni)
    cluster.delete("pod", "stranger")
    cluster.add_pod("stranger", node="node-2")
    trace = cluster.send("stranger", "db")
    assert trace.delivered and not [step for _, step in trace.steps() if step.action == "filter"]


def test_the_step_names_the_policy_and_the_losers() -> None:
    cluster, _ = world("calico")
    step = next(step for _, step in cluster.send("stranger", "db").steps() if step.action == "filter")
    assert step.why == "NetworkPolicy only-friends isolates pod db for ingress, and no rule allows TCP 80 from pod stranger"
    assert [str(row) for row in step.candidates] == [
        ("  only-friends ingress[0]: pods role=friend in the policy's namespace on TCP 80   "
         "(pod stranger does not have role=friend)")]
    allowed = next(step for _, step in cluster.send("friend", "db").steps() if step.action == "filter")
    assert allowed.matched.startswith("only-friends ingress[0]") and allowed.candidates[0].won


def test_answers_are_not_asked_about() -> None:
    """A pod that may not begin anything still answers."""
    cluster, _ = world("calico")
    cluster.apply("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: quiet}, "
                  "spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Egress]}}")
    assert cluster.send("friend", "db").answered
    assert cluster.send("db", "friend").verdict == "denied_egress"
    cluster.delete("netpol", "quiet")
    assert cluster.send("db", "friend").answered
