"""An Ingress controller's decision: which Service gets a request.

A controller serves the Ingresses whose class names it, and takes the rules of all of them together.  Only host and path count;
the method does not.  Of the rules that match, these win, in this order:

1. the more precise host: a name, then one with ``*.``, then none;
2. the longest path;
3. Exact before Prefix;
4. the Ingress that comes first, and in it the rule that comes first.

The second and third are the API's.  The API leaves the others to controllers, and they differ a little.  What matches no rule
goes to a default backend: one of an Ingress that has a rule for the host, else the first that any Ingress has, else 404.

Source: Kubernetes documentation, "Ingress" and "Ingress Controllers".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from k8snet_course.objects.ingress import EXACT, HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressRule
from k8snet_course.services.http import (
    HTTPS,
    HttpRequest,
    host_precision,
    one_label_matches,
    path_has_prefix,
    prefix_length,
)
from k8snet_course.services.http_routing import Candidate, Routing, ServiceRef


@dataclass(frozen=True, slots=True)
class _Match:
    """A path that the request meets, and its rank: the greatest wins, and of equal ones the first."""

    ingress: Ingress
    rule: IngressRule
    path: HTTPIngressPath

    @property
    def rank(self) -> tuple[tuple[int, int], int, bool]:
        path = self.path
        length = len(path.path) if path.path_type == EXACT else prefix_length(path.path)
        return host_precision(self.rule.host), length, path.path_type == EXACT


def admit(ingress: Ingress, classes: Iterable[IngressClass]) -> Ingress:
    """The Ingress as the API server stores it: one that names no class gets the default class, if there is one.

    Of several that are marked as the default it is the newest: ``classes`` are in the order in which they were made.  (The
    documentation still says that the Ingress is refused then; the admission plugin DefaultIngressClass has stopped doing so.)

        >>> default = IngressClass("traefik", "traefik.io/controller", {"ingressclass.kubernetes.io/is-default-class": "true"})
        >>> print(admit(Ingress("shop", default_backend=IngressBackend("web", 80)), [default]))
        ingress shop class traefik, else web:80
    """
    if ingress.class_name:
        return ingress
    defaults = [each.name for each in classes if each.default]
    return replace(ingress, ingress_class_name=defaults[-1]) if defaults else ingress


def why_not_served(ingress: Ingress, classes: Iterable[IngressClass], controller: str) -> str:
    """Why a controller leaves an Ingress alone; empty where it serves it.

    >>> shop = Ingress("shop", ingress_class_name="nginx", default_backend=IngressBackend("web", 80))
    >>> why_not_served(shop, [], "traefik.io/controller")
    'there is no IngressClass nginx'
    """
    if not ingress.class_name:
        return "it names no IngressClass"
    named = next((each for each in classes if each.name == ingress.class_name), None)
    if named is None:
        return f"there is no IngressClass {ingress.class_name}"
    if named.controller != controller:
        return f"its class {named.name} belongs to {named.controller}"
    return ""


def route(request: HttpRequest, ingresses: Iterable[Ingress], classes: Iterable[IngressClass], controller: str) -> Routing:
    """Where a controller sends a request, with every rule that it looked at.

    ``ingresses`` are those of the whole cluster, the oldest first; ``controller`` is the name that its IngressClass has.

        >>> classes = [IngressClass("traefik", "traefik.io/controller")]
        >>> paths = (HTTPIngressPath("/", "Prefix", IngressBackend("web", 80)),
        ...          HTTPIngressPath("/cart", "Prefix", IngressBackend("cart", 80)))
        >>> shop = Ingress("shop", ingress_class_name="traefik", rules=(IngressRule("shop.example.com", paths),))
        >>> routing = route(HttpRequest("shop.example.com", "/cart/items"), [shop], classes, "traefik.io/controller")
        >>> print(routing)
        GET http://shop.example.com/cart/items -> cart:80, because Prefix /cart of ingress shop matches
        >>> print(*routing.candidates, sep="\\n")
        - ingress shop: shop.example.com Prefix / -> web:80 (a rule with a longer path matches)
        * ingress shop: shop.example.com Prefix /cart -> cart:80 (it matches)
    """
    classes = tuple(classes)
    served: list[Ingress] = []
    looked_at: list[Candidate | _Match] = []
    for ingress in ingresses:
        reason = why_not_served(ingress, classes, controller)
        if reason:
            looked_at.append(Candidate(f"ingress {ingress.label}", "all its rules", False, False, reason))
        else:
            served.append(ingress)
            looked_at += _look_at(request, ingress)
    matches = [each for each in looked_at if isinstance(each, _Match)]
    best = max(matches, key=lambda match: match.rank, default=None)  # of equal ones max takes the first
    candidates = tuple(each if isinstance(each, Candidate) else _judged(each, best) for each in looked_at)
    certificate = _certificate(request, served)
    if best is not None:
        why = f"{best.path.path_type} {best.path.path or '/'} of ingress {best.ingress.label} matches"
        return _to(request, best.ingress, best.path.backend, why, candidates, certificate)
    default = next(iter(_default_backends(request, served)), None)
    if default is not None:
        owner, backend = default
        why = f"no rule matches, and ingress {owner.label} has a default backend"
        last = Candidate(f"ingress {owner.label}", f"default backend -> {backend}", True, True, "no rule matches")
        return _to(request, owner, backend, why, (*candidates, last), certificate, default=True)
    why = "no rule matches, and no Ingress has a default backend" if served else f"no Ingress is served by {controller}"
    return Routing(request, None, 404, why, candidates, certificate=certificate)


def _look_at(request: HttpRequest, ingress: Ingress) -> list[Candidate | _Match]:
    """Each path of an Ingress: as a match, or as a loser with its reason."""
    found: list[Candidate | _Match] = []
    owner = f"ingress {ingress.label}"
    for rule in ingress.rules:
        host_matches = one_label_matches(rule.host, request.hostname)
        if not rule.paths:
            why = "it has no paths, so its host goes to the default backend" if host_matches else "the host differs"
            found.append(Candidate(owner, str(rule), False, False, why))
        for path in rule.paths:
            if host_matches and _path_matches(path, request.path):
                found.append(_Match(ingress, rule, path))
            else:
                why = "the path differs" if host_matches else "the host differs"
                found.append(Candidate(owner, _words(rule, path), False, False, why))
    return found


def _path_matches(path: HTTPIngressPath, asked: str) -> bool:
    return asked == path.path if path.path_type == EXACT else path_has_prefix(asked, path.path or "/")


def _judged(match: _Match, best: _Match | None) -> Candidate:
    """A rule that matched: the winner, or one with the reason why another was preferred."""
    won = match is best
    why = "it matches"
    if best is not None and not won:
        (host, length, _), (best_host, best_length, _) = match.rank, best.rank
        if host != best_host:
            why = "a rule with a more precise host matches"
        elif length != best_length:
            why = "a rule with a longer path matches"
        elif match.rank != best.rank:
            why = "an Exact rule for the same path matches"
        else:
            why = "a rule like it comes before it"
    return Candidate(f"ingress {match.ingress.label}", _words(match.rule, match.path), True, won, why)


def _words(rule: IngressRule, path: HTTPIngressPath) -> str:
    return f"{rule.host or '*'} {path}"


def _default_backends(request: HttpRequest, served: Sequence[Ingress]) -> list[tuple[Ingress, IngressBackend]]:
    """The default backends, each with its Ingress: first those of Ingresses that have a rule for the request's host."""
    found = [(each, each.default_backend) for each in served if each.default_backend is not None]
    return sorted(found, key=lambda pair: not _names_host(pair[0], request.hostname))


def _names_host(ingress: Ingress, hostname: str) -> bool:
    return any(rule.host and one_label_matches(rule.host, hostname) for rule in ingress.rules)


def _certificate(request: HttpRequest, served: Sequence[Ingress]) -> str:
    """The Secret with the certificate for an HTTPS request's host: of an Ingress that has both a rule and tls for it."""
    if request.scheme != HTTPS:
        return ""
    host = request.hostname
    found: list[tuple[tuple[int, int], str]] = []
    for ingress in served:
        if not _names_host(ingress, host):
            continue
        for tls in ingress.tls:
            hosts = [each for each in tls.hosts or ("",) if one_label_matches(each, host)]
            found += [(host_precision(each), f"{ingress.namespace}/{tls.secret_name}") for each in hosts if tls.secret_name]
    return max(found, key=lambda each: each[0], default=((0, 0), ""))[1]


def _to(request: HttpRequest, ingress: Ingress, backend: IngressBackend, why: str, candidates: tuple[Candidate, ...],
        certificate: str, default: bool = False) -> Routing:
    """The routing to a backend.  A resource is something that only some controllers know; ours answers 503."""
    if backend.resource:
        why = f"{why}, but the controller does not know the resource {backend.resource}"
        return Routing(request, None, 503, why, candidates, default, certificate)
    ref = ServiceRef(ingress.namespace, backend.service, backend.port)
    return Routing(request, ref, 0, why, candidates, default, certificate)
