"""The rest of the world's DNS: the names outside the cluster, as a table.

The cluster's server passes on what it does not know, and a node's own resolver asks it directly.  It stands for all servers
of the world and asks nobody.

Source: RFC 1034 section 4.3.2; RFC 8020 (a name exists when one below it does).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from k8snet_course.addressing import address
from k8snet_course.dns.names import question, reverse_name
from k8snet_course.dns.records import Answer, Rcode, Record, record_type
from k8snet_course.errors import InvalidArgument


class Server(Protocol):
    """Anything that answers DNS queries."""

    def query(self, name: str, type: str = "A") -> Answer | None:  # noqa: A002  # the field's word for it
        """The answer to one query; None where none came."""


class Outside:
    """Names and their addresses, IPv4, IPv6 or both.  ``ttl`` is in seconds.

    Raises InvalidArgument, InvalidName or InvalidAddress.

        >>> world = Outside({"example.com": ("93.184.216.34",)})
        >>> print(world.query("example.com"))
        ;; status: NOERROR
        ;; ANSWER SECTION:
        example.com. 30 IN A 93.184.216.34
        >>> world.query("web.default.svc.cluster.local").rcode
        <Rcode.NXDOMAIN: 'NXDOMAIN'>
    """

    __slots__ = ("_addresses", "_exist", "_names", "ttl")

    def __init__(self, names: Mapping[str, tuple[str, ...]], ttl: int = 30) -> None:
        self.ttl = ttl
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, list[str]] = {}
        self._exist: dict[str, None] = {"": None}
        if not isinstance(names, Mapping):
            raise InvalidArgument(names, "names with their addresses as a dict", "write {'example.com': ('93.184.216.34',)}")
        for given, addresses in names.items():
            if not isinstance(addresses, (tuple, list)) or not addresses:
                raise InvalidArgument(addresses, f"the addresses of {given} as a tuple", "write ('93.184.216.34',)")
            name = question(given)
            self._addresses[name] = tuple(str(address(each, f"address of {name}")) for each in addresses)
            labels = name.split(".")
            self._exist |= {".".join(labels[start:]): None for start in range(len(labels))}
            for each in self._addresses[name]:
                self._names.setdefault(reverse_name(each), []).append(name)

    def query(self, name: str, type: str = "A") -> Answer:  # noqa: A002  # the field's word for it
        """The answer to one query.  Raises InvalidName or InvalidArgument."""
        asked, wanted = question(name), record_type(type)
        owner = name if name.endswith(".") else name + "."
        if wanted == "PTR" and asked in self._names:
            return Answer(Rcode.NOERROR, tuple(Record(owner, "PTR", self.ttl, f"{each}.") for each in self._names[asked]))
        if asked in self._exist or asked in self._names:
            version = {"A": ".", "AAAA": ":"}.get(wanted, " ")
            found = [each for each in self._addresses.get(asked, ()) if version in each]
            return Answer(Rcode.NOERROR, tuple(Record(owner, wanted, self.ttl, each) for each in found),
                          why="" if found else f"outside the cluster, {asked or 'the root'} has no {wanted} record")
        return Answer(Rcode.NXDOMAIN, why=f"nobody outside the cluster knows {asked}")
