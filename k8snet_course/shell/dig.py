"""dig and host: questions to a DNS server, and the replies whole.

What is left out: the time of day, the size of the message and the cookie.  The number of a query is made from its words, so
that it is the same in every run.

Source: BIND 9.18, bin/dig/dig.c and host.c, lib/dns/masterdump.c (columns); compared with them on Linux 6.18.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from k8snet_course.dns import TYPES, Answer, Rcode, Record
from k8snet_course.dns.names import reverse_name
from k8snet_course.errors import CourseError
from k8snet_course.names import nearest
from k8snet_course.probe import is_address
from k8snet_course.shell.bind import Bind, Found, unreachable
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.ran import Ran, failed, wrote

_TTL, _CLASS, _TYPE, _DATA = 24, 32, 40, 48
_SHOWN = ("cmd", "comments", "question", "answer", "authority", "additional", "stats")
_SWITCHES = (*_SHOWN, "all", "short", "search", "recurse", "tcp", "edns", "dnssec", "cookie", "identify", "multiline", "trace",
             "nssearch", "qr", "aaonly", "adflag", "cdflag", "ttlid", "rrcomments", "crypto", "defname", "showsearch", "fail",
             "class", "yaml", "vc")
_VALUED = ("time", "tries", "retry", "ndots", "bufsize", "domain", "timeout", "subnet", "udpsize")
_NO_SERVER = 9


@dataclass(slots=True)
class _Asked:
    """What was asked for on one command line."""

    names: list[tuple[str, str]] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=lambda: set(_SHOWN))
    short: bool = False
    search: bool = False
    tries: int = 3
    wrong: str = ""


def dig(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`dig`."""
    asked = _read(words)
    if asked.wrong:
        return failed(f"Invalid option: {asked.wrong}",
                      "Usage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}",
                      f"(this course's dig has +{nearest(asked.wrong.lstrip('+-'), _SWITCHES)}, for one)", code=1)
    bind = Bind(machine)
    if asked.servers:
        address, _ = machine.resolve(asked.servers[-1])
        if not address:
            return failed(f"dig: couldn't get address for '{asked.servers[-1]}': not found", code=10)
        bind.servers = (address,)
    out, code, first = "", 0, True
    for name, wanted in asked.names or [(".", "NS")]:
        try:
            found = bind.search(name, wanted, asked.search)
        except CourseError:
            return Ran(out, f"dig: '{name}' is not a legal name (bad label type)\n", 10)
        own = found.answer is not None and machine.authoritative(found.server, found.name, found.answer)
        out += _reply(asked, found, wanted, words, first, own)
        code = _NO_SERVER if found.answer is None else code
        first = False
    return Ran(out, "", code)


def _read(words: list[str]) -> _Asked:
    asked, wanted, left = _Asked(), "", list(words)
    names: list[tuple[str, str]] = []
    while left:
        word = left.pop(0)
        if word.startswith("@"):
            asked.servers.append(word[1:])
        elif word.startswith("+"):
            asked.wrong = asked.wrong or _switch(asked, word)
        elif word == "-x" and left:
            address = left.pop(0)
            names.append((f"{reverse_name(address)}." if is_address(address) else address, "PTR"))
        elif word in ("-t", "-q", "-p", "-b", "-c", "-k", "-y") and left:
            value = left.pop(0)
            if word == "-t":
                wanted = value.upper() if value.upper() in TYPES else wanted
            elif word == "-q":
                names.append((value, ""))
        elif word.startswith("-") and word not in ("-4", "-6", "-u", "-r", "-m"):
            asked.wrong = asked.wrong or word
        elif word.upper() in TYPES and (names or left or wanted):
            if names and names[-1][1] == "":
                names[-1] = (names[-1][0], word.upper())
            else:
                wanted = word.upper()
        elif word.upper() != "IN" and not word.startswith("-"):
            names.append((word, ""))
    asked.names = [(name, kind or wanted or "A") for name, kind in names]
    return asked


def _switch(asked: _Asked, word: str) -> str:
    """Take in an option such as ``+short`` or ``+noall``; returns it if there is no such one."""
    name, _, value = word[1:].partition("=")
    if name in _VALUED or (value and any(each.startswith(name) for each in _VALUED)):
        if name in ("tries", "retry") and value.isdecimal():
            asked.tries = max(int(value) + (name == "retry"), 1)
        return ""
    on = not name.startswith("no")
    bare = name if on else name[2:]
    full = next((each for each in _SWITCHES if each == bare), "") or next(
        (each for each in _SWITCHES if bare and each.startswith(bare)), "")
    if full == "all":
        asked.shown = set(_SHOWN) if on else set()
    elif full in _SHOWN:
        (asked.shown.add if on else asked.shown.discard)(full)
    elif full == "short":
        asked.short = on
    elif full in ("search", "defname", "showsearch"):
        asked.search = on
    return "" if full else word


def _reply(asked: _Asked, found: Found, wanted: str, words: list[str], first: bool, own: bool) -> str:
    """Everything that dig prints of one question."""
    answer = found.answer
    if asked.short:
        if answer is None:
            return "".join(f"{line}\n" for line in unreachable(found, asked.tries)[:-1]) + ";; no servers could be reached\n"
        return "".join(f"{record.data}\n" for record in answer.records)
    lines: list[str] = []
    if "cmd" in asked.shown and first:
        lines += ["", f"; <<>> DiG 9.18 <<>> {' '.join(words)}".rstrip(),
                  *(["; (1 server found)"] if asked.servers else []), ";; global options: +cmd"]
    if answer is None:
        return "\n".join([*unreachable(found, asked.tries)[:-1], *lines, ";; no servers could be reached"]) + "\n"
    if "comments" in asked.shown:
        lines += [";; Got answer:", *_header(found, answer, wanted, own), ""]
        lines += [";; OPT PSEUDOSECTION:", "; EDNS: version: 0, flags:; udp: 1232"]
    if "question" in asked.shown:
        lines += [*([";; QUESTION SECTION:"] if "comments" in asked.shown else []), _question(found.name, wanted)]
        lines += [""] if "comments" in asked.shown else []
    for title, records in (("answer", answer.records), ("authority", answer.authority), ("additional", answer.additional)):
        if records and title in asked.shown:
            lines += [*([f";; {title.upper()} SECTION:"] if "comments" in asked.shown else []), *map(line_of, records)]
            lines += [""] if "comments" in asked.shown else []
    if "stats" in asked.shown:
        lines += [";; Query time: 0 msec", f";; SERVER: {found.server}#53({found.server}) (UDP)", ""]
    return "".join(f"{line}\n" for line in lines)


def _header(found: Found, answer: Answer, wanted: str, own: bool) -> list[str]:
    """Status, flags and counts.  What is the cluster's the server answers itself; for the rest it asks others."""
    number = crc32(f"{found.name} {wanted} {found.server}".encode()) & 0xFFFF
    counts = (f"QUERY: 1, ANSWER: {len(answer.records)}, AUTHORITY: {len(answer.authority)}, "
              f"ADDITIONAL: {len(answer.additional) + 1}")
    return [f";; ->>HEADER<<- opcode: QUERY, status: {answer.rcode}, id: {number}",
            f";; flags: qr {'aa rd' if own else 'rd ra'}; {counts}",
            *([";; WARNING: recursion requested but not available"] if own else [])]


def _question(name: str, wanted: str) -> str:
    """The line of the question.

    >>> _question("web.", "A")
    ';web.\\t\\t\\t\\tIN\\tA'
    """
    return _columns([f";{name}", "IN", wanted], (_CLASS, _TYPE))


def line_of(record: Record) -> str:
    """A record in dig's columns.

    >>> line_of(Record("example.com.", "A", 30, "203.0.113.9"))
    'example.com.\\t\\t30\\tIN\\tA\\t203.0.113.9'
    >>> line_of(Record("_http._tcp.web.default.svc.cluster.local.", "SRV", 30, "0 100 80 web.default.svc.cluster.local."))
    '_http._tcp.web.default.svc.cluster.local. 30 IN\\tSRV 0 100 80 web.default.svc.cluster.local.'
    """
    return _columns([record.name, str(record.ttl), "IN", record.type, record.data], (_TTL, _CLASS, _TYPE, _DATA))


def _columns(words: list[str], places: tuple[int, ...]) -> str:
    """Words at columns that are reached by tabs of eight, and by one blank where a word was too long for its column."""
    text, at = words[0], len(words[0])
    for word, place in zip(words[1:], places, strict=True):
        to = max(place, at + 1)
        tabs = to // 8 - at // 8
        blanks = to - (to // 8 * 8 if tabs else at)
        text += "\t" * tabs + " " * blanks + word
        at = to + len(word)
    return text


def host(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`host`."""
    left, types, names = list(words), [""], []
    while left:
        word = left.pop(0)
        if word in ("-t", "-W", "-R", "-N", "-m", "-c") and left:
            value = left.pop(0)
            types = [value.upper()] if word == "-t" else types
        elif not word.startswith("-"):
            names.append(word)
    if not names:
        return failed("Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] [-W time]",
                      "            [-R number] [-m flag] [-p port] hostname [server]")
    if types[0] and types[0] not in TYPES:
        return failed(f"host: invalid type: {types[0]}", code=2)
    bind = Bind(machine)
    if len(names) > 1:
        address, _ = machine.resolve(names[1])
        bind.servers = (address,) if address else ()
    if is_address(names[0]):
        name, wanted = f"{reverse_name(names[0])}.", ["PTR"]
        found = bind.search(name, "PTR")
    else:
        name, wanted = names[0], [types[0]] if types[0] else ["A", "AAAA"]
        try:
            found = bind.search(name, wanted[0])
        except CourseError:
            return failed(f"host: '{name}' is not a legal name")
    if found.answer is None:
        return Ran("\n".join(unreachable(found)) + "\n", "", 1)
    if found.answer.rcode is not Rcode.NOERROR:
        return Ran(f"Host {name} not found: {2 if found.answer.rcode is Rcode.SERVFAIL else 3}({found.answer.rcode})\n", "", 1)
    records = list(found.answer.records)
    for kind in wanted[1:]:
        again, _ = machine.ask(found.server, found.name, kind)
        records += [each for each in (again.records if again is not None else ()) if each.type == kind]
    if not records and types[0]:
        return wrote([f"{found.name.removesuffix('.')} has no {types[0]} record"])
    return wrote(f"{record.name.removesuffix('.')} {_SAID[record.type]} {record.data}" for record in records)


_SAID = {"A": "has address", "AAAA": "has IPv6 address", "CNAME": "is an alias for", "PTR": "domain name pointer",
         "SRV": "has SRV record", "TXT": "descriptive text", "NS": "name server", "MX": "mail is handled by",
         "SOA": "has SOA record"}
