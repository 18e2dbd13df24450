"""How the programs of BIND ask: dig, host and nslookup share one idea of servers and of the search list.

They follow ``ndots`` and the search list, and take the first name that does not answer NXDOMAIN; where none is left, the name
that was typed is what they complain about.

Source: BIND 9.18, bin/dig/dighost.c; compared with it on Linux 6.18.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from k8snet_course.dns import Answer, Rcode
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.outcome import Noticed, Outcome


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a name: the full ``name`` that was asked last, by which ``server`` it was answered, and the ``answer``.

    Without an answer, ``silent`` are the servers that gave none, each with what was noticed instead.
    """

    name: str
    server: str
    answer: Answer | None
    silent: tuple[tuple[str, Outcome], ...] = ()


@dataclass(slots=True)
class Bind:
    """A program of BIND on a machine.  ``servers`` are whom it asks, the file's name servers if nobody says otherwise."""

    machine: Machine
    servers: tuple[str, ...] = field(default=())
    notes: list[str] = field(default_factory=list)
    """What nslookup says of replies by servers that do not ask others for this name."""

    def search(self, name: str, wanted: str, use_search: bool = True) -> Found:
        """Ask for a name, with the search list if that is to be used.  Raises InvalidName."""
        conf = self.machine.resolv_conf
        full = name.endswith(".")
        typed = name if full else f"{name}."
        names = [typed]
        if use_search and not full:
            searched = [f"{name}.{domain.strip('.')}." for domain in conf.search if domain != "."]
            names = [typed, *searched] if name.count(".") >= conf.ndots else [*searched, typed]
        last = Found(typed, "", None)
        for each in dict.fromkeys(names):
            last = self.ask(each, wanted)
            if last.answer is None or last.answer.rcode is not Rcode.NXDOMAIN:
                break
        return last

    def ask(self, name: str, wanted: str) -> Found:
        """Put one question to one server after the other, until one answers."""
        silent: list[tuple[str, Outcome]] = []
        last: Found | None = None
        for server in self.servers or self.machine.resolv_conf.nameservers[:3] or ("127.0.0.1",):
            answer, seen = self.machine.ask(server, name, wanted)
            if answer is None:
                silent.append((server, seen))
                continue
            if self.machine.authoritative(server, name, answer):
                self.notes.append(f";; Got recursion not available from {server}")
            last = Found(name, server, answer, tuple(silent))
            if answer.rcode is not Rcode.SERVFAIL:
                return last
        return last or Found(name, silent[0][0], None, tuple(silent))


_WHY = {Noticed.REFUSED: "connection refused", Noticed.HOST: "host unreachable", Noticed.NET: "network unreachable",
        Noticed.FORBIDDEN: "permission denied", Noticed.INVALID: "invalid argument", Noticed.TOO_BIG: "message too long"}


def unreachable(found: Found, tries: int = 3) -> list[str]:
    """The complaint about servers that gave no answer; each is tried three times.

    >>> found = Found("web.", "10.96.0.10", None, (("10.96.0.10", Outcome(Noticed.SILENCE)),))
    >>> unreachable(found, tries=1)
    [';; communications error to 10.96.0.10#53: timed out', ';; no servers could be reached']
    """
    lines = []
    for server, seen in found.silent:
        heard = seen.local or seen.noticed is Noticed.REFUSED  # of a datagram only this is told to whoever sent it
        lines += [f";; communications error to {server}#53: {_WHY.get(seen.noticed, '') if heard else 'timed out'}"] * tries
    return [*lines, ";; no servers could be reached"]
