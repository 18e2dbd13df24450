"""What wget and curl share: from a URL to what came of the request.

The host is looked up as programs on the machine do it, the connection is opened to the address that was found, and the request
goes over it.

Source: RFC 9110, section 15 (status codes and their phrases).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from k8snet_course.dns import Lookup
from k8snet_course.errors import CourseError
from k8snet_course.response import Response
from k8snet_course.services.http import HTTPS, HttpRequest
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.outcome import Noticed, outcome
from k8snet_course.shell.ran import Ran, failed

BUSYBOX_WGET = "busybox wget"
"""The one program here that tries a host's first address only."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a request.

    ``address`` is where the client connected (empty: the host has none; ``found`` is the lookup).  ``status`` is 0 where no
    response came: then ``why`` is what the client's system said (None: the connection was there), and ``reason`` a sentence.
    ``before`` are the addresses that were tried in vain before, and why.
    """

    url: str
    host: str
    port: int
    usual_port: int
    method: str
    found: Lookup | None = None
    address: str = ""
    status: int = 0
    why: Noticed | None = None
    reason: str = ""
    body: str = ""
    response: Response | None = None
    before: tuple[tuple[str, Noticed], ...] = ()

    @property
    def phrase(self) -> str:
        """The words that go with the status."""
        return HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else ""


def fetch(machine: Machine, url: str, method: str, headers: Mapping[str, str], insecure: bool, program: str,
          at: Mapping[str, str] | None = None) -> Fetched | Ran:
    """Make a request.  ``at`` gives addresses for hosts that are not to be looked up.  A Ran says what is wrong with the
    words."""
    whole = url if "://" in url else f"http://{url}"
    try:
        asked = HttpRequest.from_url(whole, method, {})
    except CourseError as problem:
        return failed(f"{program.rpartition(' ')[2]}: ({problem})", code=3 if program == "curl" else 1)
    usual = 443 if asked.scheme == HTTPS else 80
    path = asked.path if asked.path.startswith("/") else f"/{asked.path}"
    shown = whole if "/" in whole.partition("://")[2] else whole + path
    given = (at or {}).get(asked.hostname, "")
    address, found = (given, None) if given else machine.resolve(asked.hostname)
    if not address:
        return Fetched(shown, asked.hostname, asked.port, usual, method, found)
    every = found.result if found is not None and program != BUSYBOX_WGET else (address,)
    before: list[tuple[str, Noticed]] = []
    for address in every:
        try:
            response = machine.request(whole, address, asked.port, method, headers, insecure)
        except CourseError as problem:
            return failed(f"{program.rpartition(' ')[2]}: ({problem})", code=2)
        first = outcome(response.trace)
        why = None if response.status or first.ok else first.connect_error()
        if why is None or address == every[-1]:
            break
        before.append((address, why))
    return Fetched(shown, asked.hostname, asked.port, usual, method, found, address, response.status, why, response.reason,
                   _body(response), response, before=tuple(before))


def _body(response: Response) -> str:
    """What stands for a page: who answered, and whom."""
    if response.served_by:
        who = f"{response.served_by} answers {response.request.method} {response.request.path} from {response.sender}"
        return f"{who}, for {response.forwarded_for}\n" if response.forwarded_for else f"{who}\n"
    return f"{response.reason}\n" if response.status else ""
