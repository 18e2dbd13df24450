"""curl: an HTTP request, with what it prints of the connection (-v), of the reply (-i, -w), or of neither (-s).

The model knows who answers a request and with which status, and no pages: what is printed as a page is one line that says who
answered whom.  The meter of progress is left out, as curl itself leaves it out where a page is printed.

Source: curl 7.88, src/tool_operate.c, tool_writeout.c; compared with it on Linux 6.18.
"""

from __future__ import annotations

import re

from k8snet_course.linux.packet import with_port
from k8snet_course.shell.http import Fetched, fetch
from k8snet_course.shell.machine import Machine, travel_time
from k8snet_course.shell.options import BadOption, Options, parsed
from k8snet_course.shell.outcome import Noticed
from k8snet_course.shell.ran import Ran, failed

_LETTERS = "sSvo:w:m:C:H:X:IikLd:fgA:4 6R:nE:NOu:b:e:x:jJ".replace(" ", "")
_LONGS = {"silent": "s", "show-error": "S", "verbose": "v", "output": "o", "write-out": "w", "max-time": "m",
          "connect-timeout": "C", "header": "H", "request": "X", "head": "I", "include": "i", "insecure": "k", "location": "L",
          "data": "d", "fail": "f", "user-agent": "A", "resolve": "R", "connect-to": "E", "ipv4": "4", "ipv6": "6",
          "no-buffer": "N", "user": "u", "retry": "n"}
_AGENT = "curl/7.88.1"
_TCP_GIVES_UP = 127_000
"""Milliseconds until Linux stops to send a SYN again: 1 + 2 + 4 + 8 + 16 + 32 + 64 seconds."""
_ARP_GIVES_UP = 3000
"""Milliseconds until Linux stops to ask who has an address: three times a second."""


def curl(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`curl`."""
    words = [word for word in words if word != "--retry"]
    try:
        given = parsed(words, _LETTERS, _LONGS)
    except BadOption as problem:
        dash = "--" if problem.long else "-"
        what = "requires parameter" if problem.missing else "is unknown"
        return failed(f"curl: option {dash}{problem.letter}: {what}",
                      "curl: try 'curl --help' or 'curl --manual' for more information", code=2)
    if not given.rest:
        return failed("curl: try 'curl --help' or 'curl --manual' for more information", code=2)
    out, err, code = "", "", 0
    for url in given.rest:
        done = _one(machine, given, url)
        out, err, code = out + done.out, err + done.err, done.code
    return Ran(out, err, code)


def _one(machine: Machine, given: Options, url: str) -> Ran:
    headers: dict[str, str] = {}
    for each in given.all("H"):
        name, _, value = each.partition(":")
        headers[name.strip()] = value.strip()
    method = given.last("X") or ("HEAD" if given.has("I") else "POST" if given.has("d") else "GET")
    pinned = {}
    for each in given.all("R"):  # --resolve HOST:PORT:ADDRESS
        host, _, rest = each.partition(":")
        pinned[host] = rest.partition(":")[2].strip("[]")
    got = fetch(machine, url, method, headers, given.has("k"), "curl", pinned)
    if isinstance(got, Ran):
        return got
    quiet = given.has("s") and not given.has("S")
    spoken = _spoken(machine, given, got, headers)
    code, why = _failure(given, got)
    out = "" if code or given.last("o") else (_reply_head(got) if given.has("i", "I") else "") + (
        "" if given.has("I") else got.body)
    if code == 0 and given.has("f") and got.status >= 400:
        code, why, out = 22, f"(22) The requested URL returned error: {got.status}", ""
    complaint = f"curl: {why}\n" if why and not quiet else ""
    return Ran(out + _written(given.last("w"), got), spoken + complaint, code)


def _failure(given: Options, got: Fetched) -> tuple[int, str]:
    """curl's exit code and sentence when there is no reply."""
    if not got.address:
        return 6, f"(6) Could not resolve host: {got.host}"
    if got.status:
        return 0, ""
    limit = given.last("m") or given.last("C")
    seconds = float(limit) if limit.replace(".", "", 1).isdecimal() else 0
    tried = f"Failed to connect to {got.host} port {got.port}"
    if got.why is Noticed.SILENCE:
        if seconds and given.last("m"):
            return 28, f"(28) Connection timed out after {int(seconds * 1000)} milliseconds"
        if seconds:
            return 28, f"(28) {tried} after {int(seconds * 1000)} ms: Timeout was reached"
        return 28, f"(28) {tried} after {_TCP_GIVES_UP} ms: Couldn't connect to server"
    if got.why is not None:
        waited = _ARP_GIVES_UP if got.why is Noticed.HOST else 0
        return 7, f"(7) {tried} after {waited} ms: Couldn't connect to server"
    if "certificate" in got.reason:
        return 60, f"(60) SSL certificate problem: unable to get local issuer certificate\n({got.reason})"
    return 52, f"(52) Empty reply from server\n({got.reason})"


def _spoken(machine: Machine, given: Options, got: Fetched, headers: dict[str, str]) -> str:
    """What -v prints."""
    if not given.has("v"):
        return ""
    if not got.address:
        return f"* Could not resolve host: {got.host}\n* Closing connection 0\n"
    lines = []
    for address, why in got.before:
        lines += [f"*   Trying {with_port(address, got.port)}...",
                  f"* connect to {address} port {got.port} failed: {machine.error(why)}"]
    lines.append(f"*   Trying {with_port(got.address, got.port)}...")
    if not got.status and got.why is not None:
        lines.append(f"* connect to {got.address} port {got.port} failed: {machine.error(got.why)}")
        _, said = _failure(given, got)
        return "\n".join([*lines, f"* {said.partition(') ')[2]}", "* Closing connection 0"]) + "\n"
    path = "/" + got.url.partition("://")[2].partition("/")[2]
    name = got.host if got.port == got.usual_port else f"{got.host}:{got.port}"
    sent = {"Host": name, "User-Agent": given.last("A") or _AGENT, "Accept": "*/*"} | headers
    lines += [f"* Connected to {got.host} ({got.address}) port {got.port} (#0)", f"> {got.method} {path} HTTP/1.1",
              *(f"> {header}: {value}" for header, value in sent.items()), "> "]
    if got.status:
        lines += [f"< {line}" for line in _reply_head(got).split("\r\n")[:-1]]
        lines.append(f"* Connection #0 to host {got.host} left intact")
    else:
        lines += ["* Empty reply from server", "* Closing connection 0"]
    return "\n".join(lines) + "\n"


def _reply_head(got: Fetched) -> str:
    """Status line and headers; all that the model knows of the latter is how long its own line is."""
    return f"HTTP/1.1 {got.status} {got.phrase}\r\nContent-Type: text/plain\r\nContent-Length: {len(got.body)}\r\n\r\n"


def _written(pattern: str, got: Fetched) -> str:
    """What -w asks for."""
    if not pattern:
        return ""
    trace = got.response.trace if got.response is not None else None
    connected = bool(got.status)
    known = {
        "http_code": f"{got.status:03}", "response_code": f"{got.status:03}", "remote_ip": got.address if connected else "",
        "remote_port": str(got.port) if connected else "0", "url": got.url, "url_effective": got.url, "method": got.method,
        "local_ip": trace.packet.src if connected and trace is not None else "",
        "local_port": str(trace.packet.src_port) if connected and trace is not None else "0",
        "size_download": str(len(got.body) if connected else 0), "num_connects": str(int(connected)),
        "scheme": got.url.partition(":")[0].upper(),
        "time_total": f"{travel_time(trace) / 1000 if trace is not None and connected else 0:.6f}",
        "time_connect": f"{travel_time(trace) / 1000 if trace is not None and connected else 0:.6f}",
    }
    text = re.sub(r"%\{(\w+)\}", lambda hit: known.get(hit[1], ""), pattern)
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("%%", "%")
