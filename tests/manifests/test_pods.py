"""Pods in manifests: what is accepted, and that each mistake is named with its line; and that no text can do harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import manifests
from k8snet_course.errors import CourseError, InvalidManifest

GOOD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: nginx
    image: nginx:1.29
    resources: {limits: {cpu: 1}}
    ports:
    - containerPort: 80
"""


def test_a_real_manifest_with_fields_that_the_model_leaves_alone() -> None:
    pod, = manifests.load(GOOD)
    assert (pod.name, pod.namespace, pod.node, pod.ip, pod.labels) == ("web", "default", "", "", {"app": "web"})
    assert [(box.name, box.image, [port.container_port for port in box.ports]) for box in pod.containers] == [
        ("nginx", "nginx:1.29", [80])]


def test_several_documents_and_empty_ones() -> None:
    assert [pod.name for pod in manifests.load(f"---\n---\n{GOOD}---\n{GOOD.replace('name: web', 'name: api')}---\n")] == [
        "web", "api"]


def test_what_a_pod_asks_of_its_node() -> None:
    pod, = manifests.load(GOOD.replace("  containers:",
                                       "  nodeName: node-2\n  hostNetwork: true\n  dnsPolicy: Default\n  containers:"))
    assert (pod.node, pod.host_network, pod.dns_policy) == ("node-2", True, "Default")
    assert [(port.container_port, port.host_port) for box in pod.containers for port in box.ports] == [(80, 80)]
    pod, = manifests.load(GOOD.replace("containerPort: 80",
                                       "containerPort: 80\n      hostPort: 8080\n      hostIP: 192.168.1.2"))
    assert [(port.host_port, port.host_ip) for box in pod.containers for port in box.ports] == [(8080, "192.168.1.2")]
    assert not pod.host_network


def test_a_node_selector_that_names_the_node_or_excludes_none() -> None:
    selector = "  nodeSelector: {kubernetes.io/hostname: node-2, kubernetes.io/os: linux}\n  containers:"
    pod, = manifests.load(GOOD.replace("  containers:", selector))
    assert pod.node == "node-2"
    assert manifests.load(GOOD.replace("  containers:",
                                       "  nodeSelector: {kubernetes.io/os: linux}\n  containers:"))[0].node == ""


def test_a_name_in_dns() -> None:
    pod, = manifests.load(GOOD.replace("  containers:", "  hostname: db-0\n  subdomain: db\n  containers:"))
    assert (pod.hostname, pod.subdomain) == ("db-0", "db")


MISTAKES = {
    # what is wrong: (text replaced, by what, the line, a word of the message)
    "misspelt field": ("containers:", "container:", 7, "did you mean 'containers'"),
    "misspelt field in a list": ("image:", "imagee:", 9, "did you mean 'image'"),
    "a number as a label": ("app: web", "app: 1", 5, "write it in quotes"),
    "a number as a name": ("name: web", "name: 12", 4, "write it in quotes"),
    "a bad name": ("name: web", "name: Web_1", 4, "write 'web-1'"),
    "another kind": ("kind: Pod", "kind: Pood", 2, "kind: Pod"),
    "a kind that is near": ("kind: Pod", "kind: pods", 2, "kind: Pod"),
    "a text where a map belongs": (GOOD[GOOD.index("spec:"):], "spec: nginx", 6, "spec to be a map of fields"),
    "no containers": (GOOD[GOOD.index("  containers:"):], "  containers: []\n", 7, "at least 1"),
    "two containers of one name": ("  containers:\n", "  containers:\n  - {name: nginx, image: a}\n", 9, "a name of its own"),
    "two ports of one name": ("    - containerPort: 80",
                              "    - {name: a, containerPort: 80}\n    - {name: a, containerPort: 81}",
                              13, "a name of its own"),
    "a port name without a letter": ("containerPort: 80", "containerPort: 80\n      name: '80'", 13, "with a letter in it"),
    "a port of the node twice": ("    - containerPort: 80",
                                 "    - {containerPort: 80, hostPort: 9}\n    - {containerPort: 81, hostPort: 9}", 13,
                                 "each port of the node once"),
    "another hostPort on the node's network": ("containerPort: 80",
                                               "containerPort: 80\n      hostPort: 81\n  hostNetwork: true",
                                               13, "hostPort that is the containerPort"),
    "a host name with a dot": ("  containers:", "  hostname: a.b\n  containers:", 7, "in spec.hostname"),
    "a DNS policy that is none": ("  containers:", "  dnsPolicy: none\n  containers:", 7, "Default or None"),
    "a name server that is no address": ("  containers:", "  dnsConfig: {nameservers: [dns]}\n  containers:", 7,
                                         "in spec.dnsConfig.nameservers[0]"),
    "a search domain that is none": ("  containers:", "  dnsConfig:\n    searches:\n    - a b\n  containers:", 9,
                                     "in spec.dnsConfig.searches[0]"),
    "nobody who answers": ("  containers:", "  dnsPolicy: None\n  containers:", 7, "dnsConfig.nameservers"),
    "containers that run before": ("  containers:", "  initContainers: [{name: a, image: a}]\n  containers:", 7,
                                   "initContainers"),
    "a choice of nodes by a label that they have not": ("  containers:", "  nodeSelector: {disk: ssd}\n  containers:", 7,
                                                        "kubernetes.io/hostname: node-1"),
    "two nodes": ("  containers:", "  nodeName: node-1\n  nodeSelector: {kubernetes.io/hostname: node-2}\n  containers:", 8,
                  "the same node as spec.nodeName, node-1"),
    "ports one level too high": ("    ports:\n    - containerPort: 80", "  ports: []", 11,
                                 "ports belongs at spec.containers[].ports: look at the indentation"),
    "another version": ("apiVersion: v1", "apiVersion: v2", 1, "apiVersion: v1"),
    "a port out of range": ("containerPort: 80", "containerPort: 80000", 12, "from 1 to 65535"),
    "a port that is a text": ("containerPort: 80", "containerPort: http", 12, "a whole number"),
    "no image": ("    image: nginx:1.29\n", "", 8, "add 'image:'"),
    "no spec": (GOOD[GOOD.index("spec:"):], "", 1, "add 'spec:'"),
    "a map where a list belongs": ("  - name: nginx\n    image", "    name: nginx\n    image", 8, "to be a list"),
    "broken YAML": ("spec:", "spec", 7, "YAML that can be read"),
    "one field twice": ("kind: Pod", "kind: Pod\nkind: Pod", 3, "each field once"),
    "a bad protocol": ("containerPort: 80", "containerPort: 80\n      protocol: tcp", 13, "write TCP"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_each_mistake_is_named_where_it_stands(what: str) -> None:
    old, new, line, word = MISTAKES[what]
    assert old in GOOD
    with pytest.raises(InvalidManifest) as caught:
        manifests.load(GOOD.replace(old, new))
    assert caught.value.line == line, caught.value
    assert word in str(caught.value)


HOSTILE = {
    "nothing": "",
    "deep lists": "a: " + "[" * 100_000 + "]" * 100_000,
    "deep maps": "{a: " * 5000,
    "deep by indentation": "\n".join(" " * depth + "a:" for depth in range(2000)),
    "aliases that multiply": "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * 10) + "]\n" for n in range(1, 10)),
    "an alias to itself": "a: &a [*a]\n",
    "too long": "a: b\n" * 2_000_000,
    "an object of Python": "a: !!python/object/apply:os.system [echo]\n",
    "a control character": "a: \x00\n",
    "an impossible date": "a: 2001-99-99\nb: c\n",
    "a huge number": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, ports: "
                     "[{containerPort: " + "9" * 3000 + "}]}]}",
    "a number too long for Python": "apiVersion: v1\nkind: " + "9" * 9000 + "\n",
    "a key that is a list": "? [a, b]\n: c\n",
    "wrong types everywhere": "apiVersion: {}\nkind: [Pod]\nmetadata: 1\nspec: null\n",
    "a list of documents": "- 1\n- 2\n",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_texts_end_in_a_typed_error(what: str) -> None:
    with pytest.raises(InvalidManifest):
        manifests.load(HOSTILE[what])


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(InvalidManifest, match="the path of a file that can be read"):
        manifests.load("nowhere.yaml")


json_like = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                         lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
                         max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({"apiVersion": st.just("v1"), "kind": st.just("Pod")},
                             optional={"metadata": json_like, "spec": json_like, "status": json_like}))
def test_any_dict_ends_in_pods_or_in_a_typed_error(document: dict[str, object]) -> None:
    try:
        manifests.load(document)
    except CourseError:
        return


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60).map(lambda text: text + "\n"))
def test_any_text_ends_in_pods_or_in_a_typed_error(text: str) -> None:
    try:
        manifests.load(text)
    except CourseError:
        return
