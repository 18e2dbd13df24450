"""Manifests that would hang, exhaust or confuse a cluster, or have a mistake: one typed error, and nothing has changed.

And the reverse: what a cluster holds can be printed, and a fresh cluster that gets what was printed holds the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8snet_course import manifests
from k8snet_course.cluster import Cluster
from k8snet_course.errors import CourseError, InvalidArgument, InvalidManifest
from k8snet_course.manifests.workloads import ReplicaSet
from k8snet_course.objects.pod import Pod
from tests.manifests.made import BY_KIND
from tests.manifests.test_damaged import damaged

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: nginx}]}\n"
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True))

TEXTS: dict[str, Callable[[], str]] = {
    "10,000 lists in each other": lambda: "a: " + "[" * 10_000 + "]" * 10_000,
    "100,000 lists that never end": lambda: "a: " + "[" * 100_000,
    "10,000 maps in each other": lambda: "a: " + "{a: " * 10_000,
    "1,200 maps by indentation": lambda: "".join(" " * level + "a:\n" for level in range(1_200)),
    "10,000 dashes": lambda: "- " * 10_000 + "a\n",
    "10,000 question marks": lambda: "? " * 10_000 + "a\n",
    "aliases that grow without end": lambda: LAUGHS,
    "an alias of itself": lambda: "a: &a [*a]\n",
    "a chain of 1,000 aliases": lambda: "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n} {{x: *a{n - 1}}}\n" for n in range(1, 1_000)),
    "10 MB": lambda: "a: " + "x" * 10_000_000,
    "10 MB of line ends": lambda: "\n" * 10_000_000,
    "many documents": lambda: "---\na: 1\n" * 150_000,
    "a long list": lambda: "- a\n" * 350_000,
    "many fields": lambda: "".join(f"k{number}: 1\n" for number in range(130_000)),
    "100,000 anchors": lambda: "".join(f"- &a{number} 1\n" for number in range(99_000)),
    "a long key": lambda: "a" * 1_400_000 + ": 1\n",
    "a huge number": lambda: POD.replace("image: nginx", f"image: nginx, ports: [{{containerPort: {'9' * 5_000}}}]"),
    "a number that is too large": lambda: POD.replace("image: nginx", "image: nginx, ports: [{containerPort: 99999999999999}]"),
    "a huge hexadecimal number": lambda: f"a: 0x{'f' * 1_000_000}\n",
    "a number in base 60 that takes for ever": lambda: f"a: {':'.join(['59'] * 100_000)}\n",
    "a number that is none": lambda: "a: !!int x\n",
    "a truth value that is none": lambda: "a: !!bool x\n",
    "a date that is none": lambda: "a: 2001-99-99\n",
    "an object of Python": lambda: "a: !!python/object/apply:os.getcwd []\n",
    "NUL": lambda: POD.replace("name: a", "name: a\0"),
    "NUL in quotes": lambda: POD.replace("name: a", 'name: "a\\0"'),
    "a control character": lambda: POD.replace("name: a", "name: a\x07"),
    "an escape for the terminal": lambda: POD.replace("name: a", 'name: "\\e[31m"'),
    "half a character": lambda: POD.replace("name: a", "name: \ud800"),
    "a field twice": lambda: POD.replace("kind: Pod", "kind: Pod\nkind: Pod"),
    "a field twice, once in quotes": lambda: POD.replace("name: a", "name: a, 'name': b"),
    "a field that is a list": lambda: "? [a]\n: b\n",
    "a merged map": lambda: "a: &a {b: 1}\nc: {<<: *a}\n",
    "tabs": lambda: "a:\n\tb: 1\n",
    "another YAML": lambda: "%YAML 9.9\n---\na: 1\n",
    "nothing": lambda: "---\n---\n",
    "a list of nothing": lambda: "{apiVersion: v1, kind: List, items: [null]}\n",
    "a list in a list": lambda: "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: []}]}\n",
    "no map": lambda: "- a\n- b\n",
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_hostile_text_is_one_typed_error(what: str) -> None:
    text, cluster = TEXTS[what](), Cluster()
    started = time.perf_counter()
    with pytest.raises(InvalidManifest) as caught:
        cluster.apply(text)
    print(f"{what}: {time.perf_counter() - started:.2f} s")
    message = str(caught.value)
    assert len(message) < 400 and message.isprintable() and message.endswith("."), message
    assert cluster.pods == ()


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def circle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = [value]
    return value


WRONG: dict[str, Callable[[], Any]] = {
    "deep": lambda: deep(10_000), "a circle": circle, "a number": lambda: 5, "nothing": lambda: None,
    "bytes": lambda: b"a: 1\n", "a list": lambda: [POD], "fields that are numbers": lambda: {1: 2}, "an empty dict": dict,
    "a huge number": lambda: {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 10**10_000}},
    "a set": lambda: {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": {"a"}}},
    "a function": lambda: {"apiVersion": "v1", "kind": "Pod", "metadata": print},
    "no number": lambda: {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": float("nan")}},
    "half a character": lambda: {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\ud800"}},
    "half a field": lambda: {"\ud800": 1},
    "too many labels": lambda: {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": "a", "labels": {f"k{number}": "v" for number in range(300_000)}}},
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_manifest_is_one_typed_error(what: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        Cluster().apply(WRONG[what]())
    message = str(caught.value)
    assert len(message) < 400 and "\n" not in message and " at 0x" not in message, message


@pytest.mark.parametrize(("name", "content"), [
    ("latin-1", "# é".encode("latin-1")), ("UTF-16", POD.encode("utf-16")), ("all bytes", bytes(range(256))),
    ("20 MB", b"#" * 20_000_000)])
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_bytes(content)
    for source in (path, str(path)):
        with pytest.raises(InvalidManifest):
            Cluster().apply(source)
    path.write_bytes(b"\xef\xbb\xbf" + POD.encode())
    assert [pod.name for pod in Cluster().apply(path)] == ["a"], "UTF-8 with a mark at its beginning is UTF-8"


@pytest.mark.parametrize("source", ["no-such-file.yaml", ".", "a\0b", "x" * 5_000, "/dev/zero", "/dev/null"])
def test_paths_that_are_no_files(source: str) -> None:
    for path in (source, Path(source)):
        with pytest.raises(InvalidManifest):
            Cluster().apply(path)


# -- all or nothing -------------------------------------------------------------------------------------------------------

KINDS = ("namespaces", "pods", "services", "endpointslices", "networkpolicies", "clusternetworkpolicies", "ingressclasses",
         "ingresses", "gatewayclasses", "gateways", "httproutes", "referencegrants", "deployments", "replicasets")


def test_all_kinds_are_here() -> None:
    assert {manifests.kind_named(kind).name for kind in KINDS} == set(manifests.KINDS)


def seen(cluster: Cluster) -> object:
    """All that can be seen of a cluster without sending anything."""
    return (
        {kind: cluster.objects(kind) for kind in KINDS}, repr(cluster),
        [cluster.endpoint_slices(service.name, service.namespace) for service in cluster.services],
        [(str(cluster.node(node.name).nat), str(cluster.node(node.name).filters), str(cluster.node(node.name).links),
          str(cluster.node(node.name).routes), cluster.proxy_text(node.name))
         for node in cluster.nodes],
        [str(cluster.policies_at(pod.name, pod.namespace)) for pod in cluster.pods],
        [cluster.holders(ip) for service in cluster.services for ip in service.load_balancer_ips],
    )


MORE = """
apiVersion: v1
kind: Service
metadata: {name: next}
spec: {type: LoadBalancer, selector: {app: next}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: next}
spec:
  replicas: 3
  selector: {matchLabels: {app: next}}
  template: {metadata: {labels: {app: next}}, spec: {containers: [{name: c, image: nginx}]}}
"""

HELD = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, clusterIP: 10.96.0.20, selector: {app: web}, ports: [{port: 80, nodePort: 30080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: nginx}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{port: 22}]
endpoints: [{addresses: [192.168.1.10]}]
---
apiVersion: v1
kind: Pod
metadata: {name: agent}
spec: {nodeName: node-1, hostNetwork: true, containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}
"""


def held(cni: str = "calico") -> Cluster:
    cluster = Cluster(nodes=2, cni=cni, load_balancer="192.168.1.240/30")
    cluster.apply(HELD)
    return cluster


CHANGES = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ClusterIP, selector: {app: other}, ports: [{port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: made}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, nodePort: 30080}, {name: b, port: 81}]}
---
apiVersion: v1
kind: Pod
metadata: {name: new, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80, hostPort: 8080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: httpd}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {}, policyTypes: [Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: another, namespace: new}
spec: {podSelector: {}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: [192.168.1.10]}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: traefik}
spec: {controller: traefik.io/ingress-controller}
""".replace("{port: 80, nodePort: 30080}", "{name: a, port: 80, nodePort: 30081}")

BAD_ENDS = {
    "an address that is taken": "{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {clusterIP: 10.96.0.20, "
                                "ports: [{port: 80}]}}",
    "a node port that is taken": "{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {type: NodePort, "
                                 "ports: [{port: 80, nodePort: 30081}]}}",
    "a pod on no node": "{apiVersion: v1, kind: Pod, metadata: {name: bad}, spec: {nodeName: node-9, "
                        "containers: [{name: c, image: nginx}]}}",
    "a host port that is taken": "{apiVersion: v1, kind: Pod, metadata: {name: bad}, spec: {nodeName: node-1, "
                                 "hostNetwork: true, containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}}",
    "a pod that listens on nothing known": "{apiVersion: v1, kind: Pod, metadata: {name: bad, annotations: "
                                           "{k8snet-course/listen: x}}, spec: {containers: [{name: c, image: nginx}]}}",
    "more pods than addresses": "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: bad}, spec: {replicas: 5000, "
                                "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: "
                                "{nodeName: node-2, containers: [{name: c, image: nginx, ports: "
                                "[{containerPort: 80, hostPort: 81}]}]}}}}",
    "an endpoint that is a Service's address": "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: bad, "
                                               "labels: {kubernetes.io/service-name: db}}, addressType: IPv4, endpoints: "
                                               "[{addresses: [10.96.0.20]}]}",
    "two families that the cluster has not": "{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: "
                                             "{ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}}",
}


@pytest.mark.parametrize("cni", ["flannel", "calico", "weave"])
@pytest.mark.parametrize("end", BAD_ENDS)
def test_a_manifest_is_applied_as_a_whole_or_not_at_all(end: str, cni: str) -> None:
    """Also what nobody sees is as before: which addresses, ports and pods come next."""
    tried, left = held(cni), held(cni)
    before = seen(tried)
    with pytest.raises(CourseError):
        tried.apply(f"{CHANGES}---\n{BAD_ENDS[end]}\n")
    assert seen(tried) == before
    for cluster in (tried, left):
        cluster.apply(MORE)
    assert seen(tried) == seen(left)
    both = [[(str(trace.verdict), [str(change) for change in trace.nat]) for trace in (
        cluster.send("agent", "web", port=80), cluster.send("laptop", "192.168.1.240", port=80),
        cluster.send("laptop", "node-2", port=30080))] for cluster in (tried, left)]
    assert both[0] == both[1]


def test_the_changes_of_that_manifest_are_no_error_themselves() -> None:
    cluster = held()
    before = seen(cluster)
    cluster.apply(CHANGES)
    assert seen(cluster) != before
    assert [namespace.name for namespace in cluster.objects("ns")][-3:] == ["shop", "made", "new"]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(damaged(), min_size=1, max_size=3))
def test_a_damaged_manifest_is_applied_or_changes_nothing(documents: list[dict[str, Any]]) -> None:
    cluster = held()
    for document in documents:
        before = seen(cluster)
        try:
            cluster.apply(document)
        except CourseError:
            assert seen(cluster) == before, document
        else:
            with suppress(CourseError):  # a change that is refused is refused again; one that is not changes nothing more
                after = seen(cluster)
                cluster.apply(document)
                assert seen(cluster) == after, document


ERRORS: dict[str, Callable[[Cluster], object]] = {
    "delete what is not there": lambda cluster: cluster.delete("svc", "none"),
    "delete an unknown kind": lambda cluster: cluster.delete("thing", "web"),
    "delete a namespace that stays": lambda cluster: cluster.delete("ns", "default"),
    "state of no pod": lambda cluster: cluster.set_state("none", ready=False),
    "state that is none": lambda cluster: cluster.set_state("agent", ready="no"),  # type: ignore[arg-type]
    "labels of no node": lambda cluster: cluster.label_node("node-9", {}),
    "labels that are none": lambda cluster: cluster.label_node("node-1", {"a": 1}),  # type: ignore[dict-item]
    "a time that is none": lambda cluster: cluster.wait(1.5),  # type: ignore[arg-type]
    "another selector of a Deployment": lambda cluster: cluster.apply(
        HELD.split("---")[1].replace("abels: {app: web}", "abels: {app: x}")),
    "another cluster IP": lambda cluster: cluster.apply(HELD.split("---")[0].replace("10.96.0.20", "10.96.0.21")),
    "another type of addresses": lambda cluster: cluster.apply(
        HELD.split("---")[3].replace("IPv4", "FQDN").replace("192.168.1.10", "a.example.com")),
    "another node": lambda cluster: cluster.apply(HELD.split("---")[4].replace("node-1", "node-2")),
    "a word that means nothing": lambda cluster: cluster.send("agent", "none", port=80),
    "a port that is none": lambda cluster: cluster.send("agent", "web", port=0),
    "a query for no type": lambda cluster: cluster.query("web.default.svc.cluster.local", "X"),
    "policies of no pod": lambda cluster: cluster.policies_at("none"),
    "slices of no Service": lambda cluster: cluster.endpoint_slices("none"),
    "no resolver": lambda cluster: cluster.lookup("agent", "web", "none"),
}


@pytest.mark.parametrize("what", ERRORS)
def test_every_error_leaves_the_cluster_as_it_was(what: str) -> None:
    tried, left = held(), held()
    before = seen(tried)
    with pytest.raises(CourseError):
        ERRORS[what](tried)
    assert seen(tried) == before
    for cluster in (tried, left):
        cluster.apply(MORE)
    assert seen(tried) == seen(left)


def test_deleting_a_namespace_deletes_what_is_in_it() -> None:
    cluster = held()
    before = seen(cluster)
    cluster.apply(HELD.replace("10.96.0.20", "10.96.0.21").replace("nodePort: 30080", "nodePort: 30082").replace(
        "metadata: {name: ", "metadata: {namespace: shop, name: ").replace("hostNetwork: true", "hostNetwork: false"))
    cluster.send("shop/agent", "web", port=80)
    assert len(cluster.services) == 2 and len(cluster.pods) == 8
    cluster.delete("ns", "shop")
    assert {kind: cluster.objects(kind) for kind in KINDS} == before[0]  # type: ignore[index]
    assert str(cluster.query("web.shop.svc.cluster.local").rcode) == "NXDOMAIN"
    assert cluster.holders("192.168.1.241") == ()
    with pytest.raises(InvalidArgument, match="may be deleted"):
        cluster.delete("ns", "kube-system")


# -- what is printed is what is held ----------------------------------------------------------------------------------------

def printed_again(cluster: Cluster, fresh: Cluster) -> None:
    """Apply what a cluster prints of its objects to a fresh one, kind by kind."""
    for kind in KINDS:
        objects = cluster.objects(kind)
        if objects:
            fresh.apply(manifests.dump(*objects))


def without_addresses(cluster: Cluster) -> dict[str, list[object]]:
    """Its objects; of pods, which a plugin gives their addresses in the order in which they come, what a manifest says."""
    return {kind: [manifests.as_dict(one) | {"status": None} if isinstance(one, Pod) else one for one in cluster.objects(kind)]
            for kind in KINDS}


def test_the_whole_of_a_cluster_is_a_manifest() -> None:
    cluster, fresh = held(), Cluster(nodes=2, cni="calico", load_balancer="192.168.1.240/30")
    cluster.apply(CHANGES)
    printed_again(cluster, fresh)
    assert without_addresses(fresh) == without_addresses(cluster)
    everything = manifests.dump(*(one for kind in KINDS for one in fresh.objects(kind)))
    before = seen(fresh)
    fresh.apply(everything)
    assert seen(fresh) == before, "applying it again changes nothing"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(*BY_KIND.values()), max_size=6), st.sampled_from(["flannel", "calico"]))
def test_any_cluster_is_a_manifest(objects: list[Any], cni: str) -> None:
    def made() -> Cluster:
        return Cluster(nodes=2, cni=cni, load_balancer="192.168.1.240/30")

    cluster, fresh = made(), made()
    for one in objects:
        with suppress(CourseError):  # what does not fit beside the others is left out
            cluster.apply(manifests.dump(one))
    printed_again(cluster, fresh)
    there, here = without_addresses(fresh), without_addresses(cluster)
    assert [kind for kind in KINDS if there[kind] != here[kind]] == []
    assert [one.replicas for one in fresh.objects("replicasets") if isinstance(one, ReplicaSet)] == [
        one.replicas for one in cluster.objects("replicasets")]
