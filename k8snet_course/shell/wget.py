"""wget, in BusyBox's form and in GNU's: an HTTP request, with the connection that it needs.

The model knows who answers a request and with which status, and no pages: what is printed as a page is one line that says who
answered whom.

Source: BusyBox 1.37, networking/wget.c; GNU Wget 1.21; compared with both on Linux 6.18.
"""

from __future__ import annotations

from k8snet_course.linux.packet import with_port
from k8snet_course.shell.http import BUSYBOX_WGET, Fetched, fetch
from k8snet_course.shell.machine import Machine, gai_text
from k8snet_course.shell.netcat import cannot_connect
from k8snet_course.shell.options import BadOption, Options, parsed
from k8snet_course.shell.outcome import Noticed
from k8snet_course.shell.ran import Ran, failed

_LONGS = {"header": "H", "quiet": "q", "output-document": "O", "timeout": "T", "spider": "Z", "no-check-certificate": "k",
          "server-response": "S", "tries": "t", "post-data": "p", "user-agent": "U", "connect-timeout": "T", "no-verbose": "n",
          "method": "M", "host": "H"}
_LETTERS = "H:qO:T:ZkSt:p:U:n:M:cP:Y:4 6".replace(" ", "")


def busybox_wget(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`wget` of BusyBox."""
    try:
        given = parsed(words, _LETTERS, _LONGS)
    except BadOption as problem:
        return failed(f"wget: {problem.text()}", *_USAGE)
    if not given.rest:
        return failed(*_USAGE)
    url = given.rest[0]
    got = _fetch(machine, given, url)
    if isinstance(got, Ran):
        return got
    if not got.address:
        return failed(f"wget: bad address '{got.host}'")
    at = with_port(got.address, got.port)
    quiet = given.has("q")
    head = "" if quiet else f"Connecting to {got.host if got.port == got.usual_port else f'{got.host}:{got.port}'} ({at})\n"
    if not got.status:
        if got.why is not None:
            if got.why is Noticed.SILENCE and given.last("T"):
                return Ran("", head + "wget: download timed out\n", 1)
            return Ran("", f"{head}wget: {cannot_connect(got.address, machine.error(got.why))}\n", 1)
        return Ran("", head + f"wget: error getting response: {got.reason}\n", 1)
    if got.status >= 400:
        return Ran("", head + f"wget: server returned error: HTTP/1.1 {got.status} {got.phrase}\n", 1)
    out = got.body if given.last("O") == "-" and not given.has("Z") else ""
    if given.has("Z"):
        return Ran("", head + ("" if quiet else "remote file exists\n"), 0)
    kept = given.last("O")
    saved = "" if quiet else "writing to stdout\n" if kept == "-" else f"saving to '{kept or 'index.html'}'\n"
    done = "" if quiet else f"{kept or 'index.html':<20} 100% |{'*' * 32}| {len(got.body):>5}  0:00:00 ETA\n"
    end = "" if quiet else "written to stdout\n" if kept == "-" else f"'{kept or 'index.html'}' saved\n"
    return Ran(out, head + saved + done + end, 0)


_USAGE = ("Usage: wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]",
          "\t[--post-data STR | --post-file FILE] [-Y on/off]",
          "\t[--no-check-certificate] [-P DIR] [-U AGENT] [-T SEC] URL...")


def wget(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`wget` of GNU; the lines with the time of day leave it out."""
    try:
        given = parsed(words, _LETTERS, _LONGS)
    except BadOption as problem:
        return failed(f"wget: {problem.text()}", "Usage: wget [OPTION]... [URL]...", "", "Try `wget --help' for more options.",
                      code=2)
    if not given.rest:
        return failed("wget: missing URL", "Usage: wget [OPTION]... [URL]...", "", "Try `wget --help' for more options.")
    got = _fetch(machine, given, given.rest[0])
    if isinstance(got, Ran):
        return got
    log = [f"--  {got.url}"]
    if got.found is not None:
        said = ", ".join(got.found.result) if got.found.result else f"failed: {gai_text(machine, got.found)}."
        log.append(f"Resolving {got.host} ({got.host})... {said}")
    if not got.address:
        return _logged(given, "", [*log, f"wget: unable to resolve host address ‘{got.host}’"], 4)
    log += [f"Connecting to {_at(got, address)}... failed: {machine.error(why)}." for address, why in got.before]
    at = _at(got, got.address)
    if not got.status:
        said = machine.error(got.why) if got.why is not None else got.reason
        log.append(f"Connecting to {at}... failed: {said}.")
        return _logged(given, "", [*log, "Giving up.", ""] if got.why is Noticed.SILENCE else log, 4)
    log += [f"Connecting to {at}... connected.", f"HTTP request sent, awaiting response... {got.status} {got.phrase}"]
    if got.status >= 400:
        return _logged(given, "", [*log, f"ERROR {got.status}: {got.phrase}."], 8)
    if given.has("Z"):
        return _logged(given, "", [*log, f"Length: {len(got.body)} [text/plain]", "Remote file exists."], 0)
    kept = given.last("O") or "index.html"
    shown = "STDOUT" if kept == "-" else f"‘{kept}’"
    size = len(got.body)
    log += [f"Length: {size} [text/plain]", f"Saving to: {shown}", "", f"{kept} saved [{size}/{size}]"]
    return _logged(given, got.body if kept == "-" else "", log, 0)


def _at(got: Fetched, address: str) -> str:
    """Where it connects: the host with its address, or an address alone."""
    if got.found is None:
        return with_port(address, got.port)
    return f"{got.host} ({got.host})|{address}|:{got.port}"


def _logged(given: Options, out: str, log: list[str], code: int) -> Ran:
    return Ran(out, "" if given.has("q") else "\n".join(log) + "\n", code)


def _fetch(machine: Machine, given: Options, url: str) -> Fetched | Ran:
    headers: dict[str, str] = {}
    for each in given.all("H"):
        name, colon, value = each.partition(":")
        if not colon:
            return failed(f"wget: invalid header '{each}': write 'Name: value'")
        headers[name.strip()] = value.strip()
    method = given.last("M") or ("POST" if given.last("p") else "GET")
    busybox = machine.image.form_of("wget") == "busybox"
    return fetch(machine, url, method, headers, given.has("k") or busybox, BUSYBOX_WGET if busybox else "wget")
