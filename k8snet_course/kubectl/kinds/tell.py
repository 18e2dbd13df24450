r"""How ``describe`` says what many types have: labels, annotations, selectors, conditions.

Each gives lines that end in a line feed, with a tab before what stands in the next column.

Source: k8s.io/kubectl pkg/describe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from k8snet_course.kubectl.human import EPOCH
from k8snet_course.kubectl.kinds.form import NONE
from k8snet_course.linux.packet import with_port
from k8snet_course.objects import Container
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.selector import DOES_NOT_EXIST, EXISTS, IN, LabelSelector

LONGEST = 140
"""So many characters of an annotation fit into a line."""
NO_EVENTS = f"Events:\t{NONE}\n"
"""The model keeps no events."""


def lines(title: str, values: Iterable[str], indent: str = "") -> str:
    r"""A title and values, each on a line of its own.

    >>> lines("Labels", ["app=web", "tier=front"])
    'Labels:\tapp=web\n\ttier=front\n'
    """
    several = list(values) or [NONE]
    return "".join(f"{indent}{f'{title}:' if number == 0 else ''}\t{value}\n" for number, value in enumerate(several))


def labels(values: Mapping[str, str], indent: str = "") -> str:
    """The labels, by their keys."""
    return lines("Labels", (f"{key}={values[key]}" for key in sorted(values)), indent)


def some(values: Iterable[str], nothing: str = NONE) -> str:
    """Three of the values, and how many more there are.

    >>> some("abcde"), some([], "<unset>")
    ('a,b,c + 2 more...', '<unset>')
    """
    several = list(values)
    return ",".join(several[:3]) + (f" + {len(several) - 3} more..." if len(several) > 3 else "") or nothing


def ready_behind(slices: Iterable[EndpointSlice], port: str) -> list[str]:
    """The addresses and ports that take connections to a Service's port of this name.

    >>> from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort
    >>> slices = [EndpointSlice("a", "default", "web", endpoints=(Endpoint(("10.244.0.2",)),), ports=(EndpointPort(80),))]
    >>> ready_behind(slices, "")
    ['10.244.0.2:80']
    """
    return [with_port(address, each.port) for part in slices for each in part.ports if each.name == port
            for endpoint in part.endpoints if endpoint.ready for address in endpoint.addresses]


def notes(values: Mapping[str, str], indent: str = "") -> str:
    """The annotations, by their keys; a long one begins on a line of its own."""
    told = []
    for key in sorted(values):
        value = values[key].removesuffix("\n")
        if len(key) + len(value) + 2 <= LONGEST and "\n" not in value:
            told.append(f"{key}: {value}")
        else:
            told.append(f"{key}:")
            told += [f"  {line if len(line) <= LONGEST - 2 else line[:LONGEST - 2] + '...'}" for line in value.split("\n")]
    return lines("Annotations", told, indent)


def selector(one: LabelSelector | None) -> str:
    """A selector in one line: what matchLabels asks for as equalities.

    >>> selector(LabelSelector({"tier": "db", "app": "web"}))
    'app=web,tier=db'
    >>> selector(LabelSelector()), selector(None)
    ('<none>', '<none>')
    """
    if one is None or one.empty:
        return NONE
    conditions = [(key, f"{key}={one.match_labels[key]}") for key in one.match_labels]
    for each in one.match_expressions:
        values = ",".join(sorted(each.values))
        if each.operator in (EXISTS, DOES_NOT_EXIST):
            conditions.append((each.key, each.key if each.operator == EXISTS else f"!{each.key}"))
        else:
            conditions.append((each.key, f"{each.key} {'in' if each.operator == IN else 'notin'} ({values})"))
    return ",".join(text for _, text in sorted(conditions, key=lambda pair: pair[0]))


def moment(seconds: int) -> str:
    """A moment of the cluster's clock as describe writes it.

    >>> moment(90)
    'Thu, 01 Jan 2026 00:01:30 +0000'
    """
    return (EPOCH + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S +0000")


def created(seconds: int) -> str:
    """A moment of the cluster's clock in its plainer form.

    >>> created(90)
    '2026-01-01 00:01:30 +0000 UTC'
    """
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def ports(box: Container, indent: str) -> str:
    r"""The ports that a container declares, and those of the node that lead to them.

    >>> ports(Container("web", "nginx"), "")
    'Port:\t<none>\nHost Port:\t<none>\n'
    """
    plural = "s" if len(box.ports) > 1 else ""
    declared = ", ".join(f"{port.container_port}/{port.protocol}" for port in box.ports)
    on_node = ", ".join(f"{port.host_port}/{port.protocol}" for port in box.ports)
    return f"{indent}Port{plural}:\t{declared or NONE}\n{indent}Host Port{plural}:\t{on_node or NONE}\n"
