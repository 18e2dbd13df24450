"""Tables of the model as pandas frames: a trace, and any list of rows such as routes, neighbours or pods.

pandas is slow to import, so this module is imported only when a table is asked for; widgets do without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass

import pandas

from k8snet_course.linux.trace import Trace
from k8snet_course.reachability import Reachability
from k8snet_course.show.connections import connections, ways
from k8snet_course.show.grid import Grid


def trace_frame(trace: Trace) -> pandas.DataFrame:
    """A walk as a table, a row a step; the answer's steps follow with ``way`` back, further connections after them.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> frame = trace_frame(cluster.send("frontend", "backend"))
    >>> print(frame[["way", "hop", "device", "action"]].head(4).to_string(index=False))
      way  hop   device    action
    there    1 frontend originate
    there    1 frontend     route
    there    1 frontend   resolve
    there    2   node-1    bridge
    """
    rows = []
    several = len(connections(trace)) > 1
    for way in ways(trace):
        for number, hop in enumerate(way.trace.hops, start=way.first + 1):
            rows += [
                {
                    **({"connection": way.number} if several else {}),
                    "way": way.name,
                    "hop": number,
                    "device": hop.label,
                    "kind": hop.kind,
                    "action": str(step.action),
                    "link": step.link,
                    "looked up": step.looked_up,
                    "won": step.matched,
                    "changed": "; ".join(str(change) for change in step.changed),
                    "TTL": step.packet.ttl,
                    "why": step.why,
                }
                for step in hop.steps
            ]
    columns = ["way", "hop", "device", "kind", "action", "link", "looked up", "won", "changed", "TTL", "why"]
    return pandas.DataFrame(rows, columns=["connection", *columns] if several else columns)


def rows_frame(rows: Iterable[object]) -> pandas.DataFrame:
    """Rows of one kind (routes, neighbours, links, pods, ...) as a table, a column a field.

    Raises TypeError for something that is no dataclass.

        >>> from k8snet_course import Cluster
        >>> print(rows_frame(Cluster().node("node-1").routes)[["dst", "dev", "via"]].to_string(index=False))
                   dst  dev         via
               default eth0 192.168.1.1
        192.168.1.0/24 eth0
    """
    several = list(rows)
    for row in several:
        if not is_dataclass(row) or isinstance(row, type):
            raise TypeError(f"expected rows that are dataclass values, got {row!r}")
    names = [field.name for field in fields(several[0])] if several else []  # type: ignore[arg-type] # checked above
    return pandas.DataFrame([[_cell(getattr(row, name)) for name in names] for row in several], columns=names)


def matrix_frame(reachability: Reachability) -> pandas.DataFrame:
    """Who reaches whom: a row a source, a column a target, a word in each cell.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("a"), cluster.add_pod("b")
    >>> print(matrix_frame(cluster.reachability()))
         a   b
    a   ok  ok
    b   ok  ok
    """
    table: dict[str, dict[str, str]] = {}
    for pair in reachability.pairs:
        table.setdefault(pair.target, {})[pair.source] = pair.result
    return pandas.DataFrame(table)


def _cell(value: object) -> object:
    """A value as a table shows it: numbers stay, everything else is its text, and nothing is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, int):
        return value
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return " ".join(str(part) for part in value)
    return "/".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def frame_html(frame: pandas.DataFrame, caption: str) -> str:
    """A frame as HTML with a caption and with headers that name their column or row, for those who listen to it.

    >>> frame_html(pandas.DataFrame({"pod": ["frontend"]}), "Pods")[:52]
    '<table class="k8-grid"><caption>Pods</caption><thead'
    """
    return Grid.of(caption, [str(column) for column in frame.columns], frame.itertuples(index=False, name=None)).html
