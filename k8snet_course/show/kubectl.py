"""The pods of a cluster as `kubectl get pods` prints the columns that this course is about.

Only the columns that the model knows are printed, by kubectl's own option for that: custom-columns.

Source: kubectl's table printer (columns padded to the longest cell and three blanks, at least six wide, the last not padded).
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.cluster import Cluster


def get_pods(cluster: Cluster, namespace: str = "default") -> str:
    """What `kubectl get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP,NODE:.spec.nodeName` prints.

    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> print(get_pods(cluster))
    NAME       IP           NODE
    backend    10.244.0.3   node-1
    frontend   10.244.0.2   node-1
    """
    pods = sorted((pod for pod in cluster.pods if pod.namespace == namespace), key=lambda pod: pod.name)
    if not pods:
        return f"No resources found in {namespace} namespace."
    return columns([("NAME", "IP", "NODE"), *((pod.name, pod.ip, pod.node) for pod in pods)])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in kubectl's columns: left-aligned, three blanks between, the last one not padded.

    >>> print(columns([("NAME", "IP"), ("a", "10.244.0.2")]))
    NAME   IP
    a      10.244.0.2
    """
    widths = [max(6, *(len(row[number]) + 3 for row in rows)) for number in range(len(rows[0]) - 1)]
    return "\n".join("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + row[-1] for row in rows)
