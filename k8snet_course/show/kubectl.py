"""The pods of a cluster, as chapters show them before they have explained the other columns of `kubectl get pods`."""

from __future__ import annotations

from k8snet_course.cluster import Cluster

_COLUMNS = "NAME:.metadata.name,IP:.status.podIP,NODE:.spec.nodeName"


def get_pods(cluster: Cluster, namespace: str = "default") -> str:
    """What `kubectl get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP,NODE:.spec.nodeName` prints.

    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> print(get_pods(cluster))
    NAME       IP           NODE
    backend    10.244.0.3   node-1
    frontend   10.244.0.2   node-1
    """
    return str(cluster.kubectl(["get", "pods", f"--namespace={namespace}", "-o", f"custom-columns={_COLUMNS}"]))
