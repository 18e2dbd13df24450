"""Whatever refuses a manifest says the line, also where the text is right and the cluster cannot do it."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import AddressUnavailable, CourseError, InvalidArgument, InvalidManifest, Unschedulable

FIRST = """
apiVersion: v1
kind: Service
metadata: {name: first}
spec:
  type: NodePort
  clusterIP: 10.96.0.20
  ports: [{port: 80, nodePort: 30080}]
---
"""


def service(*lines: str, name: str = "second") -> str:
    head = ("apiVersion: v1", "kind: Service", f"metadata: {{name: {name}}}", "spec:")
    return "\n".join((*head, *(f"  {one}" for one in lines)))


def pod_at_host_port(name: str) -> str:
    return (f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n  - name: {name}\n"
            "    image: nginx\n    ports: [{containerPort: 80, hostPort: 8080}]\n")


CASES = {
    "cluster IP taken": (FIRST + service("clusterIP: 10.96.0.20", "ports: [{port: 80}]"), AddressUnavailable, 14),
    "cluster IP of no Service": (FIRST + service("ports: [{port: 80}]", "clusterIP: 192.0.2.1"), AddressUnavailable, 15),
    "node port taken": (FIRST + service("type: NodePort", "ports:", "- port: 81", "  nodePort: 30080"), AddressUnavailable, 17),
    "no such node port": (FIRST + service("type: NodePort", "ports:", "- port: 81", "  nodePort: 80"), AddressUnavailable, 17),
    "a family that is not there": (FIRST + service("ports: [{port: 80}]", "ipFamilyPolicy: RequireDualStack"),
                                   InvalidArgument, 15),
    "a cluster IP that changes": (FIRST + service("ports: [{port: 80}]", "clusterIP: 10.96.0.21", name="first"),
                                  InvalidManifest, 10),
    "no such node": (f"{FIRST}{pod_at_host_port('a')}  nodeName: node-9\n", CourseError, 18),
    "a host port that is taken": (f"{pod_at_host_port('a')}---\n{pod_at_host_port('b')}", Unschedulable, 12),
}


@pytest.mark.parametrize("case", CASES)
def test_the_line_of_what_the_cluster_cannot_do(case: str) -> None:
    text, kind, line = CASES[case]
    cluster = Cluster()
    with pytest.raises(kind, match=f"^line {line}: ") as caught:
        cluster.apply(text)
    assert caught.value.line == line
    assert cluster.services == () and cluster.pods == (), "all or nothing"


def test_a_dict_has_no_lines() -> None:
    cluster = Cluster()
    cluster.apply(FIRST)
    with pytest.raises(AddressUnavailable) as caught:
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"},
                       "spec": {"clusterIP": "10.96.0.20", "ports": [{"port": 80}]}})
    assert caught.value.line == 0 and not str(caught.value).startswith("line")
