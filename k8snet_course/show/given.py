"""What a view is given to show: the right type of value, or one sentence that says which.

In a notebook the nearest mistake is to hand over what is at hand: a response instead of its trace, a cluster instead of its
reachability.  It decides nothing about what the value says.
"""

from __future__ import annotations

from typing import Any

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.trace import Trace


def check_scene(cluster: Any, trace: Any) -> None:
    """Refuse what is no cluster (or Docker host, or VM network) and what is no walk.  Raises InvalidArgument.

    >>> check_scene("node-1", None)
    Traceback (most recent call last):
    k8snet_course.errors.InvalidArgument: invalid argument 'a value of type str': expected a cluster; write draw(cluster).
    """
    if not hasattr(cluster, "nodes") or not hasattr(cluster, "namespace"):
        raise InvalidArgument(_kind(cluster), "a cluster", "write draw(cluster)")
    if trace is not None and not isinstance(trace, Trace):
        fix = "write response.trace" if hasattr(trace, "trace") else "write cluster.send('frontend', 'backend')"
        raise InvalidArgument(_kind(trace), "a walk, as cluster.send returns it", fix)


def check_type(value: Any, wanted: type, call: str) -> None:
    """Refuse what is not of the type that a call returns; ``call`` is that call.  Raises InvalidArgument.

    >>> check_type(3, str, "str(cluster)")
    Traceback (most recent call last):
    k8snet_course.errors.InvalidArgument: invalid argument 'a value of type int': expected a str; write str(cluster).
    """
    if not isinstance(value, wanted):
        raise InvalidArgument(_kind(value), f"a {wanted.__name__}", f"write {call}")


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"
