"""An HTTP request through a cluster: one connection after the other, until somebody answers.

Each connection is a walk of its own through the devices' tables (its first packet, and the answer to that).  Where it ends,
:mod:`k8snet_course.relays` says whether the one there answers or connects further; the next walk is ``trace.then``.  A relay
whose own connection fails answers with an error: a controller 502 when it is refused and 504 when nobody answers, a sidecar
503.

Source: RFC 9110, sections 15.6.3 to 15.6.5; curl(1) for ``connect_to`` and ``insecure``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.trace import Trace, Verdict
from k8snet_course.relays import Call, Decision, Relays, with_step
from k8snet_course.response import Response
from k8snet_course.services.http import HTTPS, HttpRequest
from k8snet_course.services.http_routing import CLUSTER_IP, ENDPOINTS, Routing
from k8snet_course.sidecar import INBOUND_PORT, OUTBOUND_PORT

MOST_CONNECTIONS = 10
"""A request that needs more goes round in circles between relays."""

_AT_ONCE = (Verdict.NO_ROUTE, Verdict.NO_NEIGHBOUR, Verdict.TOO_BIG)
"""With these a device's own Linux tells a program that its packet cannot leave."""


class HttpWalk:
    """Requests in one cluster.  ``walk`` makes one connection and returns its trace."""

    def __init__(self, relays: Relays, walk: Callable[[Call], Trace]) -> None:
        self.relays = relays
        self._walk = walk
        self._requests = 0

    def request(self, request: HttpRequest, call: Call, via: str = ENDPOINTS, insecure: bool = False) -> Response:
        """What comes of a request whose client makes the connection ``call``."""
        self._requests += 1
        walks: list[Trace] = []
        routings: list[Routing] = []
        forwarded, before = request.header("X-Forwarded-For") or "", None
        while True:
            trace = self._walk(call)
            if not trace.is_up:
                status, reason = _failed(trace, before)
                return Response(request, status, reason, chained([*walks, trace]), tuple(routings))
            decision = self.relays.decide(trace, request, self._requests, via, insecure)
            walks.append(with_step(trace, decision.told))
            routings += [decision.routing] if decision.routing is not None else []
            forwarded = decision.forwarded_for or forwarded
            if decision.call is None:
                return Response(request, decision.status, decision.why, chained(walks), tuple(routings), decision.served_by,
                                forwarded if decision.served_by else "")
            if len(walks) == MOST_CONNECTIONS:
                why = f"the request goes round in circles: {decision.who} would make connection number {len(walks) + 1}"
                return Response(request, decision.silent, why, chained(walks), tuple(routings))
            call, before = decision.call, decision

    def passed_on(self, trace: Trace) -> Trace:
        """A connection of any kind, with those that sidecars on its way make for it."""
        if trace.hops[-1].packet.dst_port not in (OUTBOUND_PORT, INBOUND_PORT) or not trace.is_up:
            return trace
        self._requests += 1
        walks: list[Trace] = []
        while True:
            decision = self.relays.decide(trace, None, self._requests)
            walks.append(with_step(trace, decision.told))
            if decision.call is None and not decision.served_by:
                walks[-1] = replace(walks[-1], verdict=Verdict.NO_ENDPOINTS, reason=decision.why)
            if decision.call is None or len(walks) == MOST_CONNECTIONS:
                return chained(walks)
            trace = self._walk(decision.call)
            if not trace.is_up:
                return chained([*walks, trace])


def asked(url: object, method: object, headers: object, connect_to: object, via: object) -> tuple[HttpRequest, str, int]:
    """The request that a client makes, and the host and port that it connects to.  Raises InvalidArgument.

    Without a scheme it is http.  A Host header takes the place of the URL's host in the request, not in the connection.

        >>> request, *where = asked("192.168.1.240/cart", "GET", {"Host": "shop.example.com"}, "", "endpoints")
        >>> print(request, where)
        GET http://shop.example.com/cart ['192.168.1.240', 80]
    """
    if not isinstance(url, str):
        raise InvalidArgument(url, "a URL", "write 'http://shop.example.com/cart'")
    if not isinstance(method, str):
        raise InvalidArgument(method, "a method as a text", "write method='GET'")
    if headers is not None and not (isinstance(headers, Mapping) and all(
            isinstance(each, str) for each in (*headers, *headers.values()))):
        raise InvalidArgument(headers, "headers as a dict of texts", "write headers={'version': 'v2'}")
    if via not in (ENDPOINTS, CLUSTER_IP):
        raise InvalidArgument(via, f"{ENDPOINTS} or {CLUSTER_IP}", f"write via='{ENDPOINTS}'")
    request = HttpRequest.from_url(url if "://" in url else f"http://{url}", method, headers)
    where = _destination(request, connect_to)
    host = request.header("Host")
    if host is None:
        return request, *where
    if request.scheme == HTTPS:
        raise InvalidArgument(host, "no Host header in an https request, where TLS names the host before",
                              f"write the URL with {host}, and connect_to='{request.hostname}'")
    left = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    return replace(request, host=host, headers=left), *where


def _destination(url: HttpRequest, connect_to: object) -> tuple[str, int]:
    """Where a client connects: the URL's host and port, unless ``connect_to`` says another one."""
    if not isinstance(connect_to, str):
        raise InvalidArgument(connect_to, "a pod, a node, a Service or an address, perhaps with a port",
                              "write connect_to='node-1:30080'")
    if not connect_to:
        return url.hostname, url.port
    host, _, port = connect_to.rpartition(":") if connect_to.count(":") == 1 or "]:" in connect_to else (connect_to, "", "")
    if not port:
        return connect_to.strip("[]"), url.port
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise InvalidArgument(connect_to, "a port from 1 to 65535 behind the ':'", f"write connect_to='{host}:{url.port}'")
    return host.strip("[]"), int(port)


def chained(walks: Sequence[Trace]) -> Trace:
    """Walks as one trace, each followed by the next."""
    whole = walks[-1]
    for trace in reversed(walks[:-1]):
        whole = replace(trace, then=whole)
    return whole


def _failed(trace: Trace, before: Decision | None) -> tuple[int, str]:
    """The status and the reason when a connection did not come about: ``before`` made it (None: the client)."""
    lost = trace.reply if trace.delivered and trace.reply is not None else None
    reason = f"the answer was lost: {lost.reason}" if lost is not None else trace.reason
    if before is None:
        return 0, reason
    at_once = trace.reply is None and len(trace.hops) == 1 and trace.verdict in _AT_ONCE
    refused = not trace.delivered and trace.reply is not None and trace.reply.delivered
    status = before.broken if refused or at_once else before.silent
    return status, f"{before.who} answers {status}, because its connection to {trace.target} failed: {reason}"
