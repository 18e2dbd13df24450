"""A Gateway controller's decision: which listener takes a request, which rule wins, and which backend gets it.

The listener is the one on the port whose host is the most precise; routes of other listeners do not count then.  Of all matches
that the request meets, in all routes attached to that listener, one wins: ``RANKING`` says what decides.  The rule's backends
share its requests by weight.  One that cannot be used keeps its share, and answers it with 500.

The same precedence serves a mesh, where the client's own sidecar decides (:func:`mesh_route`).

Source: kubernetes-sigs/gateway-api 1.6, HTTPRouteRule, HTTPRouteSpec (hostnames), Gateway (listeners); GEP-1426 (mesh).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from k8snet_course.objects.gateway import Gateway, GatewayClass, Listener, ReferenceGrant
from k8snet_course.objects.http_route import EXACT, HTTPBackendRef, HTTPHeaderMatch, HTTPRoute, HTTPRouteMatch, HTTPRouteRule
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.service import Service
from k8snet_course.services.gateway_attachment import RESOLVED, attachments, certificate_key, resolve, why_not_programmed
from k8snet_course.services.http import HTTPS, HttpRequest, any_labels_match, host_precision, path_has_prefix, prefix_length
from k8snet_course.services.http_routing import Candidate, Routing, ServiceRef, check_draw

RANKING = (
    "has a more precise host", "has a more precise host in its route", "has an Exact path", "has a longer path",
    "names the method", "names more headers", "names more query parameters", "stands in an older route",
    "stands in a route whose name comes first", "comes first in the route",
)
"""What decides between two matches: the first of these in which they differ."""


@dataclass(frozen=True, slots=True)
class _Match:
    """A match that the request meets.  ``rank`` has an element for each of ``RANKING``; the smallest wins."""

    route: HTTPRoute
    rule: HTTPRouteRule
    words: str
    rank: tuple[tuple[int, int] | int | str, ...]


def route(request: HttpRequest, gateway: Gateway, classes: Iterable[GatewayClass], controller: str,
          routes: Iterable[HTTPRoute], services: Mapping[str, Service], namespaces: Mapping[str, Namespace] | None = None,
          grants: Iterable[ReferenceGrant] = (), draw: float = 0.0, port: int = 0) -> Routing:
    """Where a Gateway's controller sends a request, with every rule that it looked at.

    ``routes`` are those of the whole cluster; ``services`` are by key, ``namespaces`` by name.  ``draw`` (from 0 up to 1)
    chooses among the backends by weight.  ``port`` is the listener's, where it is not the one that the client
    used (0: it is).  Raises InvalidArgument.

        >>> from k8snet_course.objects.http_route import HTTPPathMatch, ParentReference
        >>> from k8snet_course.objects.service import ServicePort
        >>> services = {f"default/{name}": Service(name, ports=(ServicePort(80),)) for name in ("web", "cart")}
        >>> rules = [HTTPRouteRule((HTTPRouteMatch(HTTPPathMatch(path)),), (HTTPBackendRef(name, 80),))
        ...          for path, name in (("/", "web"), ("/cart", "cart"))]
        >>> shop = HTTPRoute("shop", parent_refs=(ParentReference("edge"),), rules=rules)
        >>> edge, classes = Gateway("edge", "envoy", (Listener("web", 80),)), [GatewayClass("envoy", "example.com/envoy")]
        >>> routing = route(HttpRequest("example.com", "/cart"), edge, classes, "example.com/envoy", [shop], services)
        >>> print(routing)
        GET http://example.com/cart -> cart:80, because PathPrefix /cart of httproute shop matches
        >>> print(*routing.losers)
        - httproute shop: PathPrefix / -> web:80 (another has a longer path)
    """
    check_draw(draw)
    grants = tuple(grants)
    port = port or request.port
    reason = _why_not_served(gateway, classes, controller)
    if reason:
        return Routing(request, None, 0, reason)
    listener, status, why = _listener(request, gateway, port, grants)
    if listener is None:
        return Routing(request, None, status, why)
    certificate = certificate_key(gateway, listener.certificate_refs[0]) if listener.certificate_refs else ""
    looked_at: list[Candidate | _Match] = []
    for each in routes:
        said = attachments(each, gateway, namespaces or {})
        ours = next((attachment for attachment in said if attachment.listener in (listener.name, "")), None)
        if ours is None or not ours.accepted:
            if said:  # a route that names another Gateway is no loser here
                why = f"not attached: {ours.why}" if ours else f"not attached to listener {listener.name}"
                looked_at.append(Candidate(f"httproute {each.label}", "all its rules", False, False, why))
            continue
        precisions = [(host_precision(common), host_precision(name)) for common, name in ours.hostnames
                      if any_labels_match(common, request.hostname)]
        looked_at += _look_at(request, each, max(precisions, default=None))
    routing = _decide(request, looked_at, services, grants, draw)
    return replace(routing, certificate=certificate, listener=listener.name)


def mesh_route(request: HttpRequest, service: Service, routes: Iterable[HTTPRoute], services: Mapping[str, Service],
               grants: Iterable[ReferenceGrant] = (), draw: float = 0.0) -> Routing:
    """Where a service mesh's sidecar sends a request that its pod makes to a Service.

    Routes of the Service's own namespace that name the Service as parent replace its pods; their hostnames do not count.
    Without such a route the request goes to the Service as it would without a mesh.  Routes of a client's namespace (consumer
    routes) are not modelled.  Raises InvalidArgument.

        >>> web = Service("web")
        >>> print(mesh_route(HttpRequest("web"), web, [], {web.key: web}))
        GET http://web/ -> web:80, because no HTTPRoute has the Service default/web as parent
    """
    check_draw(draw)
    looked_at: list[Candidate | _Match] = []
    for each in routes:
        if each.namespace == service.namespace and any(
                ref.kind == "Service" and ref.name == service.name and ref.namespace in ("", service.namespace)
                and ref.port in (0, request.port) for ref in each.parent_refs):
            looked_at += _look_at(request, each, ((0, 0), (0, 0)))
    if not looked_at:
        why = f"no HTTPRoute has the Service {service.key} as parent"
        return Routing(request, ServiceRef(service.namespace, service.name, request.port), 0, why)
    return _decide(request, looked_at, services, tuple(grants), draw)


def choose_backend(refs: Sequence[HTTPBackendRef], draw: float) -> HTTPBackendRef | None:
    """The backend that gets a request: each its weight's share of the numbers from 0 up to 1.  None where all weigh nothing.

    Raises InvalidArgument.

        >>> refs = (HTTPBackendRef("stable", 80, weight=9), HTTPBackendRef("canary", 80))
        >>> [choose_backend(refs, draw).name for draw in (0.0, 0.89, 0.9)]
        ['stable', 'stable', 'canary']
    """
    check_draw(draw)
    weighted = [ref for ref in refs if ref.weight]
    point, reached = draw * sum(ref.weight for ref in weighted), 0
    for ref in weighted:
        reached += ref.weight
        if point < reached:
            return ref
    return None


def _why_not_served(gateway: Gateway, classes: Iterable[GatewayClass], controller: str) -> str:
    named = next((each for each in classes if each.name == gateway.gateway_class_name), None)
    if named is None:
        return f"there is no GatewayClass {gateway.gateway_class_name}, so nobody serves the Gateway {gateway.key}"
    if named.controller_name != controller:
        return f"the GatewayClass {named.name} of the Gateway {gateway.key} belongs to {named.controller_name}"
    return ""


def _listener(request: HttpRequest, gateway: Gateway, port: int,
              grants: tuple[ReferenceGrant, ...]) -> tuple[Listener | None, int, str]:
    """The listener for a request; or None, the status that the client gets (0: no connection) and why."""
    on_port = [each for each in gateway.listeners if each.port == port and each.protocol != "UDP"]
    problems = {each.name: why_not_programmed(gateway, each, grants) for each in on_port}
    programmed = [each for each in on_port if not problems[each.name]]
    if not programmed:
        told = "; ".join(f"listener {name} does not work: {why}" for name, why in problems.items())
        return None, 0, told or f"the Gateway {gateway.key} has no listener on port {port}"
    speaking = [each for each in programmed if each.protocol == request.scheme.upper()]
    if not speaking:
        return None, 0, f"listener {programmed[0].name} on port {port} speaks {programmed[0].protocol}, not {request.scheme}"
    fitting = [each for each in speaking if any_labels_match(each.hostname, request.hostname)]
    if not fitting:
        # TLS begins with the host's name, so an HTTPS client gets no certificate and never sends its request.
        status = 0 if request.scheme == HTTPS else 404
        return None, status, f"no listener on port {port} is for the host {request.hostname}"
    return max(fitting, key=lambda each: host_precision(each.hostname)), 0, ""


def _look_at(request: HttpRequest, http_route: HTTPRoute,
             precision: tuple[tuple[int, int], tuple[int, int]] | None) -> list[Candidate | _Match]:
    """Each match of a route: as one that the request meets, or as a loser with its reason."""
    found: list[Candidate | _Match] = []
    owner = f"httproute {http_route.label}"
    place = 0
    for rule in http_route.rules:
        for match in rule.matches:
            place += 1
            words = f"{match} -> {', '.join(map(str, rule.backend_refs)) or 'nothing'}"
            if precision is None:
                why = "the host differs"
            else:
                why = "the controller knows no RegularExpression" if not rule.supported else _failing(request, match)
            if why or precision is None:
                found.append(Candidate(owner, words, False, False, why))
                continue
            (common, common_length), (own, own_length) = precision
            exact = match.path.type == EXACT
            rank = ((-common, -common_length), (-own, -own_length), 0 if exact else 1,
                    -len(match.path.value) if exact else -prefix_length(match.path.value), 0 if match.method else 1,
                    -len(_distinct(match.headers)), -len(match.query_params), http_route.created, http_route.key, place)
            found.append(_Match(http_route, rule, words, rank))
    return found


def _failing(request: HttpRequest, match: HTTPRouteMatch) -> str:
    """The first condition that the request does not meet, as a reason; empty where it meets all."""
    path = match.path
    if request.path != path.value if path.type == EXACT else not path_has_prefix(request.path, path.value):
        return "the path differs"
    if match.method and request.method != match.method:
        return f"the method is {request.method}"
    for header in _distinct(match.headers):
        value = request.header(header.name)
        if value != header.value:
            return f"the request has no header {header.name}" if value is None else f"the header {header.name} is {value}"
    for param in match.query_params:
        given = request.query.get(param.name)
        if given != param.value:
            return f"the query has no {param.name}" if given is None else f"the query's {param.name} is {given}"
    return ""


def _distinct(headers: Iterable[HTTPHeaderMatch]) -> list[HTTPHeaderMatch]:
    """The first condition of each header: names that differ in case only are one."""
    first: dict[str, HTTPHeaderMatch] = {}
    for header in headers:
        first.setdefault(header.name.lower(), header)
    return list(first.values())


def _decide(request: HttpRequest, looked_at: Sequence[Candidate | _Match], services: Mapping[str, Service],
            grants: tuple[ReferenceGrant, ...], draw: float) -> Routing:
    """The routing by the best of the matches, with all that was looked at."""
    best = min((each for each in looked_at if isinstance(each, _Match)), key=lambda each: each.rank, default=None)
    candidates = tuple(each if isinstance(each, Candidate) else _judged(each, best) for each in looked_at)
    if best is None:
        return Routing(request, None, 404, "no rule of an attached HTTPRoute matches", candidates)
    why = f"{best.words.partition(' -> ')[0]} of httproute {best.route.label} matches"
    ref = choose_backend(best.rule.backend_refs, draw)
    if ref is None:
        missing = "all its backends have weight 0" if best.rule.backend_refs else "it has no backend"
        return Routing(request, None, 500, f"{why}, but {missing}", candidates)
    total = sum(each.weight for each in best.rule.backend_refs)
    if ref.weight != total:
        why += f", and {ref} has {ref.weight} of {total} shares"
    reason, sentence = resolve(best.route, ref, services, grants)
    if reason != RESOLVED:
        return Routing(request, None, 500, f"{why}, but {sentence} ({reason})", candidates)
    return Routing(request, ServiceRef(ref.namespace or best.route.namespace, ref.name, ref.port), 0, why, candidates)


def _judged(match: _Match, best: _Match | None) -> Candidate:
    """A match that the request meets: the winner, or one with what decided against it."""
    won = match is best
    why = "it matches"
    if best is not None and not won:
        pairs = zip(RANKING, match.rank, best.rank, strict=True)
        why = next(f"another {decisive}" for decisive, own, others in pairs if own != others)
    return Candidate(f"httproute {match.route.label}", match.words, True, won, why)
