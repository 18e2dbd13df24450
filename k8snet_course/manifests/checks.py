"""Checks that several kinds share: the names of ports, protocols, and that nothing is there twice.

Source: Kubernetes API reference, core/v1; RFC 6335 section 5.1 (names of services).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from k8snet_course.addressing.cidr import address, network
from k8snet_course.errors import InvalidName
from k8snet_course.manifests.scalars import Number, NumberOrText, Text
from k8snet_course.manifests.spot import Spot

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")


def port_name(name: str) -> str:
    """The name, if a container's port can have it: at most 15 of a-z, 0-9 and single '-', with a letter.

    Raises InvalidName.

        >>> port_name("http-alt")
        'http-alt'
    """
    if len(name) <= 15 and _PORT_NAME.fullmatch(name):
        return name
    raise InvalidName(name[:60], "as the name of a port at most 15 of a-z, 0-9 and '-', with a letter in it, and no '-' at an "
                      "end or next to another", "write a name such as 'http'")


PORT = Number(1, 65535)
PROTOCOL = Text(choices=("TCP", "UDP", "SCTP"))
PORT_OR_NAME = NumberOrText(PORT, Text(check=port_name))
ADDRESS = Text(check=address)
CIDR = Text(check=network)


def each_once(spot: Spot, keys: Sequence[Hashable], field: str, what: str) -> None:
    """Refuse a list (at ``spot``) in which two items have the same key.  An empty key counts as none.

    ``field`` is the item's field to point at, ``what`` continues the words ``<path> to have``.  Raises InvalidManifest.
    """
    if len(keys) < 2:
        return
    seen: set[Hashable] = set()
    for number, key in enumerate(keys):
        if key and key in seen:
            item = spot.at(number, field) if field else spot.at(number)
            raise item.refusal(item.shown, f"each item of {spot.path} to have {what}", "change one of them")
        seen.add(key)
