"""One lookup under way: which name servers are asked for a full name, in which order, and what they said.

How a short name becomes full names is for :mod:`k8snet_course.dns.resolver` to say.

Source: glibc, resolv/res_send.c; musl, src/network/res_msend.c; resolv.conf(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.dns.names import askable
from k8snet_course.dns.outside import Server
from k8snet_course.dns.records import Answer, Rcode
from k8snet_course.dns.resolv_conf import ResolvConf

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Query:
    """One question to one name server.  ``name`` ends in a dot; ``answer`` is None where the server did not answer.

    >>> print(Query("10.96.0.10", "web.default.svc.cluster.local.", "A", Answer(Rcode.NXDOMAIN)))
    web.default.svc.cluster.local. A? 10.96.0.10: NXDOMAIN
    """

    server: str
    name: str
    type: str
    answer: Answer | None

    @property
    def status(self) -> str:
        """What came of it in one word: the rcode, NODATA, or TIMEOUT."""
        return self.answer.status if self.answer else "TIMEOUT"

    def __str__(self) -> str:
        found = ", ".join(record.data for record in self.answer.records) if self.answer else ""
        return f"{self.name} {self.type}? {self.server}: {found or self.status}"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What became of a name: all queries in order, and the addresses (``result``, empty on failure).

    ``found`` is the full name that gave them.  ``error`` is the code with which getaddrinfo(3) fails, empty on success
    (nslookup does not call it; there the code says the same in one word).  ``why`` is one sentence for learners.  See
    :func:`~k8snet_course.dns.resolver.lookup` for one that is printed.
    """

    name: str
    resolver: str
    queries: tuple[Query, ...]
    result: tuple[str, ...] = ()
    found: str = ""
    error: str = ""
    why: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The full names that were tried, in order, each once."""
        return tuple(dict.fromkeys(query.name for query in self.queries))

    def __str__(self) -> str:
        lines = [f"{self.name} looked up by {self.resolver}"]
        lines += [f"{number:2}. {query}" for number, query in enumerate(self.queries, 1)]
        return "\n".join([*lines, f"{', '.join(self.result) or self.error}: {self.why}"])


@dataclass(slots=True)
class Asking:
    """One lookup under way."""

    conf: ResolvConf
    name: str
    servers: Mapping[str, Server]
    backwards: str = ""
    queries: list[Query] = field(default_factory=list)
    types: tuple[str, ...] = ("A", "AAAA")

    @property
    def dots(self) -> int:
        """The dots in the name, one at its end not counted (with that one the search list is not used anyway)."""
        return self.name.removesuffix(".").count(".")

    @property
    def full(self) -> bool:
        """Whether the name ends in a dot, which says that it is complete."""
        return self.name.endswith(".")

    def as_is(self) -> str:
        """The name without anything behind it."""
        return self.name.removesuffix(".") + "."

    def with_search(self, search: tuple[str, ...]) -> list[str]:
        """The name with each search domain behind it; those that no DNS message can carry are left out."""
        plain = [f"{self.name}.{domain.strip('.')}".removesuffix(".") for domain in search]
        return [f"{each}." for each in plain if askable(each)]

    def nameservers(self) -> tuple[str, ...]:
        """At most three are used; a file without any means the machine itself."""
        return self.conf.nameservers[:3] or (_LOOPBACK,)

    def ask(self, server: str, name: str, wanted: str) -> Answer | None:
        """One query."""
        there = self.servers.get(server)
        answer = None if there is None else there.query(name, wanted)
        self.queries.append(Query(server, name, wanted, answer))
        return answer

    def ask_both(self, server: str, name: str) -> list[Answer]:
        """One query of each type; what came back."""
        return [answer for answer in [self.ask(server, name, wanted) for wanted in self.types] if answer]

    def one_by_one(self, name: str) -> list[Answer]:
        """Ask one server after the other, until one has an answer; all of them again where none has.  Empty: nobody answered.

        That there is no such name is an answer too: the next server is asked only when this one fails.
        """
        failed: list[Answer] = []
        for _ in range(max(1, min(self.conf.option("attempts", 2), 5))):
            for server in self.nameservers():
                answers = self.ask_both(server, name)
                if settled(answers):
                    return answers
                failed = answers or failed
        return failed

    def all_at_once(self, name: str) -> list[Answer]:
        """Ask all servers, and take the answer of the first that has one.  Empty: nobody answered."""
        failed: list[Answer] = []
        for _ in range(max(1, min(self.conf.option("attempts", 2), 10))):
            for answers in [self.ask_both(server, name) for server in self.nameservers()]:
                if settled(answers):
                    return answers
                failed = answers or failed
            if failed:
                break
        return failed

    def done(self, resolver: str, found: str, result: tuple[str, ...]) -> Lookup:
        """The lookup has succeeded."""
        tried = list(dict.fromkeys(query.name for query in self.queries))
        many = "address" if len(result) == 1 else "addresses"
        place = f"name {tried.index(found) + 1} of those tried" if len(tried) > 1 else "the only name tried"
        return Lookup(self.name, resolver, tuple(self.queries), result, found, why=f"{place}, {found}, has the {many}.")

    def failed(self, resolver: str, error: str, why: str) -> Lookup:
        """The lookup has failed."""
        return Lookup(self.name, resolver, tuple(self.queries), error=error, why=why)


def settled(answers: list[Answer]) -> bool:
    """Whether a server has said how it is, and not that it could not say."""
    return bool(answers) and all(answer.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN) for answer in answers)
