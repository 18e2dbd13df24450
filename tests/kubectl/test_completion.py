"""What the Tab key offers in a kubectl line: only what is there, at the place where it may stand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import Cluster
from k8snet_course.kubectl.completion import complete
from k8snet_course.kubectl.resources import RESOURCES
from k8snet_course.kubectl.verbs import names, verb


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=2, cni="calico")
    made.add_pod("web", labels={"app": "web", "tier": "front"}, containers={"nginx": "nginx", "tool": "busybox"})
    made.add_pod("db")
    made.add_pod("far", namespace="shop")
    for line in ("create service clusterip web --tcp=80:8080 --tcp=443", "create deployment front --image=nginx"):
        assert made.kubectl(line).code == 0
    return made


OFFERED = {
    # what is typed: what is offered, in this order
    "g": ["get"],
    "kubectl ap": ["api-resources", "apply"],
    "get po": ["pods"],
    "get pods,po": ["pods,pods"],
    "get netp": ["netpol"],
    "get pods w": ["web"],
    "get po/w": ["po/web"],
    "get svc/": ["svc/web"],
    "get -n shop pods ": ["far"],
    "get pods --namespace=shop ": ["far"],
    "get pods far -n sh": ["shop"],
    "get pods -n=sh": ["-n=shop"],
    "get pods -o js": ["json", "jsonpath", "jsonpath-as-json", "jsonpath-file"],
    "get pods -oya": ["-oyaml"],
    "get pods --output=wi": ["--output=wide"],
    "get pods --show": ["--show-labels", "--show-kind", "--show-managed-fields"],
    "get pods -l app": ["app=front", "app=web"],
    "get pods -l tier=front,app=w": ["tier=front,app=web"],
    "get pods --field-selector spec.n": ["spec.nodeName="],
    "delete pods web d": ["db"],
    "delete pods web w": [],
    "describe nodes ": ["node-1", "node-2"],
    "exec web -c ": ["nginx", "tool"],
    "exec web -- hostn": ["hostname"],
    "exec web -- hostname ": [],
    "exec deploy/": ["deploy/front"],
    "scale ": ["deployments", "replicasets"],
    "scale --replicas=3 deployment ": ["front"],
    "expose s": ["services"],
    "explain netpol.spec.po": ["netpol.spec.podSelector", "netpol.spec.policyTypes"],
    "explain pod.spec.nix.": [],
    "create ": ["namespace", "deployment", "service", "ingress"],
    "create service e": ["externalname"],
    "create deployment x --im": ["--image"],
    "create service clusterip x --tc": ["--tcp"],
    "port-forward svc/web ": ["80", "443"],
    "debug node/": ["node/node-1", "node/node-2"],
    "config c": ["current-context"],
    "run x --restart=N": ["--restart=Never"],
    "help exp": ["explain", "expose"],
    "top ": [],
    "get nix ": [],
    "get 'po": [],
}


@pytest.mark.parametrize("line", OFFERED)
def test_what_is_offered(cluster: Cluster, line: str) -> None:
    fragment, found = cluster.kubectl_complete(line)
    assert (line.endswith(fragment), found) == (True, OFFERED[line])


def test_without_a_cluster_there_are_verbs_types_and_flags() -> None:
    assert complete(None, "")[1] == list(names())
    assert complete(None, "get gate") == ("gate", ["gatewayclasses", "gateways"])
    assert complete(None, "get pods ") == ("", []) and complete(None, "-n ") == ("", [])
    assert "--dry-run" in complete(None, "run x --")[1]


def test_the_namespace_of_the_context_counts(cluster: Cluster) -> None:
    other = Cluster()
    other.add_pod("far", namespace="shop"), other.add_pod("near")
    other.kubectl("config set-context --current --namespace=shop")
    assert other.kubectl_complete("get pods ")[1] == ["far"]


@pytest.mark.parametrize("name", names())
def test_every_flag_of_every_verb_is_offered(cluster: Cluster, name: str) -> None:
    found = verb(name)
    assert found is not None
    offered = cluster.kubectl_complete(f"{name} -")[1]
    assert {f"--{flag.name}" for flag in found.flags} | {"--namespace", "-n"} <= set(offered)


def test_every_type_is_offered_and_accepted(cluster: Cluster) -> None:
    for plural in cluster.kubectl_complete("get ")[1]:
        assert cluster.kubectl(f"get {plural}").code == 0
    assert set(RESOURCES) < set(cluster.kubectl_complete("get ")[1])


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("getpodsexcl -/=,.'\"n"), max_size=30))
def test_whatever_is_typed_nothing_breaks(line: str) -> None:
    fragment, found = complete(None, line)
    assert line.endswith(fragment) and all(each.startswith(fragment) for each in found)
