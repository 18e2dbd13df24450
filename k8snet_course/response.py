"""What came of an HTTP request: a status, who gave it, and the connections on the way.

A request is answered by the last program in a row: the client's connection may end at a controller's pod, which makes a
connection of its own for it.  A response with status 0 is none: the client had no connection, so nobody answered.

It decides nothing: that is :mod:`k8snet_course.http_walk`.

Source: RFC 9110, section 15 (status codes).
"""

from __future__ import annotations

from dataclasses import dataclass

from k8snet_course.linux.trace import Trace
from k8snet_course.services.http import HttpRequest
from k8snet_course.services.http_routing import Routing


@dataclass(frozen=True, slots=True)
class Response:
    """What came of a request.

    ``trace`` is the first connection's walk, and ``trace.then`` the next one's; ``routings`` are the decisions of those who
    chose a backend by the request, in order.  ``served_by`` is the pod (or machine) whose program answered the request;
    empty where a controller, a sidecar or nobody did.  ``forwarded_for`` is the header X-Forwarded-For as it arrives there.
    """

    request: HttpRequest
    status: int
    reason: str
    trace: Trace
    routings: tuple[Routing, ...] = ()
    served_by: str = ""
    forwarded_for: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request was served."""
        return self.status == 200

    @property
    def routing(self) -> Routing | None:
        """The last decision by the request: the rule that won and those that lost.  None where nobody decided."""
        return self.routings[-1] if self.routings else None

    @property
    def sender(self) -> str:
        """The address that the last connection came from, as its receiver sees it; empty where it did not arrive."""
        last = self.trace.connections[-1]
        return last.hops[-1].packet.src if last.delivered else ""

    @property
    def certificate(self) -> str:
        """The Secret whose certificate a controller showed to an HTTPS client; empty where it showed none."""
        return next((each.certificate for each in self.routings if each.certificate), "")

    def __str__(self) -> str:
        several = self.trace.connections
        lines = [f"{self.request} from {self.trace.source}", f"{self.status or 'no answer'}: {self.reason}"]
        for number, one in enumerate(several, start=1):
            lost = one.reply if one.delivered and one.reply is not None and not one.reply.delivered else None
            end = f"{one.verdict}" if lost is None else f"answer lost, {lost.verdict}"
            lines.append(f"  connection {number} of {len(several)}: {one.source} -> {one.target}, {end}")
        for each in self.routings:
            lines.append(f"  {each}")
            lines += [f"    {candidate}" for candidate in each.candidates]
        if self.served_by and len(several) > 1:
            header = f", and X-Forwarded-For: {self.forwarded_for}" if self.forwarded_for else ""
            lines.append(f"  {self.served_by} sees the sender {self.sender}{header}")
        return "\n".join(lines)
