"""What host-local writes down between two calls: one file for each address, and one for the last address handed out.

The plugin is started anew for every pod, so all its memory is in ``/var/lib/cni/networks/<network>/``.  This module
gives that memory its written form and reads it back, as a mapping of file names to contents.  It reads and writes no
disk, and does not know which addresses may be handed out.

A file stays when nobody runs DEL (a crashed node, a killed runtime), and then its address is lost to pods: many such
files are why a node can be out of addresses with few pods on it.

Source: containernetworking/plugins, host-local disk/backend.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from k8snet_course.addressing.cidr import address
from k8snet_course.errors import InvalidAddress, InvalidArgument

LINE_BREAK = "\r\n"
LAST_RESERVED = "last_reserved_ip."
"""The name of the file with the last address, before the number of the range set."""

_CONTAINER_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
_INTERFACE = re.compile(r"[^/:\s]{1,15}")


class Holder(NamedTuple):
    """Who holds an address: a container, by its id, on one of its interfaces.

    Both are empty when a file says nothing; old versions of the plugin wrote no interface.

        >>> print(Holder("6f7a1e", "eth0"))
        6f7a1e eth0
    """

    container_id: str
    ifname: str

    def matches(self, container_id: str, ifname: str | None) -> bool:
        """Whether this is the container, and its interface if one is named."""
        return self.container_id == container_id and ifname in (None, self.ifname)

    def __str__(self) -> str:
        return f"{self.container_id} {self.ifname}".strip() or "nobody (an empty file)"


def holder_of(container_id: str, ifname: str) -> Holder:
    """A container and its interface, checked: the names that the CNI specification and Linux allow.

    Raises InvalidArgument.  Source: CNI specification 1.1.0, parameters CNI_CONTAINERID and CNI_IFNAME.

        >>> holder_of("6f7a1e", "eth0")
        Holder(container_id='6f7a1e', ifname='eth0')
    """
    if not isinstance(container_id, str) or not (  # nearly always digits and letters
            (container_id.isalnum() and container_id.isascii()) or _CONTAINER_ID.fullmatch(container_id)):
        raise InvalidArgument(container_id, "a container id: a letter or digit, then letters, digits, '_', '.' or '-'",
                              "write something like '6f7a1e7c33'")
    if ifname != "eth0" and (not isinstance(ifname, str) or not _INTERFACE.fullmatch(ifname) or ifname in (".", "..")):
        raise InvalidArgument(ifname, "an interface name: 1 to 15 characters without '/', ':' or spaces",
                              "write 'eth0'")
    return Holder(container_id, ifname)


def write(reserved: Mapping[str, Holder], last_reserved: str | None, set_index: int) -> dict[str, str]:
    """The files, name -> content.

        >>> write({"10.244.0.2": Holder("6f7a1e", "eth0")}, "10.244.0.2", 0)
        {'10.244.0.2': '6f7a1e\\r\\neth0', 'last_reserved_ip.0': '10.244.0.2'}
    """
    files = {text: LINE_BREAK.join(part for part in holder if part) for text, holder in reserved.items()}
    if last_reserved is not None:
        files[f"{LAST_RESERVED}{set_index}"] = last_reserved
    return files


def read(files: Mapping[str, str], set_index: int) -> tuple[dict[str, Holder], str | None]:
    """Who holds which address, and the last one handed out.  Files that say neither are passed over, as the plugin
    does.

        >>> read({"10.244.0.2": "6f7a1e\\r\\neth0", "last_reserved_ip.0": "10.244.0.2", "lock": ""}, 0)
        ({'10.244.0.2': Holder(container_id='6f7a1e', ifname='eth0')}, '10.244.0.2')
    """
    reserved = {}
    for name, content in files.items():
        if _canonical(name) == name:
            container_id, _, ifname = content.strip().partition(LINE_BREAK)
            reserved[name] = Holder(container_id.strip(), ifname.strip())
    return reserved, _canonical(files.get(f"{LAST_RESERVED}{set_index}", ""))


def _canonical(text: str) -> str | None:
    """The canonical text of an address, or None."""
    try:
        return str(address(text))
    except InvalidAddress:
        return None
