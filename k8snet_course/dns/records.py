"""What a DNS server says: records, and the answer that they come in.

An :class:`Answer` prints as ``dig`` prints the sections of a reply.  NXDOMAIN and NODATA are different things: with NXDOMAIN
there is no such name, with NODATA (status NOERROR and nothing in it) there is one, but it has no record of the wanted type.

Only values; who answers what is for :mod:`k8snet_course.dns.zone` to say.  Nothing here is in wire format.

Source: RFC 1035 sections 3.3 and 4.1; RFC 2308 (negative answers); RFC 2782 (SRV).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from k8snet_course.errors import InvalidArgument

TYPES = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
"""The types of record that can be asked for."""


class Rcode(StrEnum):
    """How a query went.

    >>> Rcode("NXDOMAIN") is Rcode.NXDOMAIN
    True
    """

    NOERROR = "NOERROR"
    NXDOMAIN = "NXDOMAIN"
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record.  ``name`` ends in a dot, ``ttl`` is in seconds, ``data`` is spelt as in a zone file.

    >>> print(Record("web.default.svc.cluster.local.", "A", 30, "10.96.0.20"))
    web.default.svc.cluster.local. 30 IN A 10.96.0.20
    """

    name: str
    type: str
    ttl: int
    data: str

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} IN {self.type} {self.data}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one query: its status, the records, and (``authority``, ``additional``) what else came with it.

    ``why`` is one sentence for learners; no server sends it.

        >>> print(Answer(Rcode.NOERROR, (Record("web.default.svc.cluster.local.", "A", 30, "10.96.0.20"),)))
        ;; status: NOERROR
        ;; ANSWER SECTION:
        web.default.svc.cluster.local. 30 IN A 10.96.0.20
        >>> print(Answer(Rcode.NXDOMAIN, why="there is no Service web in the namespace default"))
        ;; status: NXDOMAIN (there is no Service web in the namespace default)
    """

    rcode: Rcode
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    why: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses in it, IPv4 or IPv6, in the order in which they came."""
        return tuple([record.data for record in self.records if record.type in ("A", "AAAA")])

    @property
    def nodata(self) -> bool:
        """Whether the name exists, but not with the type that was asked for.

        >>> Answer(Rcode.NOERROR).nodata, Answer(Rcode.NXDOMAIN).nodata
        (True, False)
        """
        return self.rcode is Rcode.NOERROR and not self.records

    @property
    def status(self) -> str:
        """The status in one word: the rcode, or NODATA where that is NOERROR and nothing came with it."""
        return "NODATA" if self.nodata else self.rcode.value

    def __str__(self) -> str:
        lines = [f";; status: {self.rcode}" + (f" ({self.why})" if self.why else "")]
        for title, records in (("ANSWER", self.records), ("AUTHORITY", self.authority), ("ADDITIONAL", self.additional)):
            if records:
                lines += [f";; {title} SECTION:", *map(str, records)]
        return "\n".join(lines)


def record_type(wanted: object) -> str:
    """The type of record, in capitals.  Raises InvalidArgument.

    >>> record_type("aaaa")
    'AAAA'
    """
    if wanted in TYPES:
        return str(wanted)
    if isinstance(wanted, str) and wanted.upper() in TYPES:
        return wanted.upper()
    raise InvalidArgument(wanted, f"a type of DNS record: {', '.join(TYPES)}", "write 'A' for IPv4 addresses")
