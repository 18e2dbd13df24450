"""The decision of a Gateway's controller: FACTS section 10.2, and a slow reference for the precedence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.errors import InvalidArgument
from k8snet_course.objects.gateway import (
    AllowedRoutes,
    Gateway,
    GatewayClass,
    Listener,
    ReferenceGrant,
    ReferenceGrantFrom,
    ReferenceGrantTo,
)
from k8snet_course.objects.http_route import (
    HTTPBackendRef,
    HTTPHeaderMatch,
    HTTPPathMatch,
    HTTPQueryParamMatch,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    ParentReference,
)
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.gateway import choose_backend, mesh_route, route
from k8snet_course.services.http import HttpRequest
from k8snet_course.services.http_routing import ServiceRef

CONTROLLER = "example.com/gateway"
CLASSES = [GatewayClass("ours", CONTROLLER), GatewayClass("other", "example.com/other")]
EDGE = Gateway("edge", "ours", [Listener("web", 80)])
SERVICES = {f"{namespace}/{name}": Service(name, namespace, ports=(ServicePort(80),))
            for namespace in ("default", "backends") for name in "abcdefgh"}


def match(path="/", kind="PathPrefix", method="", headers=(), query=()):
    return HTTPRouteMatch(HTTPPathMatch(path, kind), method, [HTTPHeaderMatch(*each) for each in headers],
                          [HTTPQueryParamMatch(*each) for each in query])


def to(backend, *matches):
    return HTTPRouteRule(matches, [HTTPBackendRef(backend, 80)])


def attached(*rules, name="r", **fields):
    return HTTPRoute(name, **{"parent_refs": [ParentReference("edge")], "rules": rules, **fields})


def ask(request, *routes, gateway=EDGE, **fields):
    if isinstance(request, str):
        request = HttpRequest.from_url(request) if "://" in request else HttpRequest("example.com", request)
    return route(request, gateway, CLASSES, CONTROLLER, routes, SERVICES, **fields)


def backend(routing):
    return routing.backend.name if routing.backend else routing.status


GET = HttpRequest("example.com", "/foo/bar", "GET", {"version": "v2", "Env": "canary"}, {"animal": "whale", "x": "1"})


@pytest.mark.parametrize(
    ("condition", "meets"),
    [
        (match(), True), (match("/foo"), True), (match("/foo/"), True), (match("/fo"), False), (match("/foo/barx"), False),
        (match("/foo/bar", "Exact"), True), (match("/foo", "Exact"), False), (match("/foo/bar/", "Exact"), False),
        (match("/Foo"), False), (match(method="GET"), True), (match(method="POST"), False),
        (match(headers=[("version", "v2")]), True), (match(headers=[("VERSION", "v2")]), True),
        (match(headers=[("version", "V2")]), False), (match(headers=[("missing", "v2")]), False),
        (match(headers=[("version", "v2"), ("env", "canary")]), True),
        (match(headers=[("version", "v2"), ("env", "x")]), False),
        (match(headers=[("version", "v2"), ("Version", "v1")]), True), (match(query=[("animal", "whale")]), True),
        (match(query=[("Animal", "whale")]), False), (match(query=[("animal", "whale"), ("x", "2")]), False),
        (match("/foo", "PathPrefix", "GET", [("version", "v2")], [("x", "1")]), True),
        (match("/foo", "PathPrefix", "PUT", [("version", "v2")], [("x", "1")]), False),
    ],
)
def test_conditions_of_one_match_must_all_hold(condition, meets):
    routing = ask(GET, attached(to("a", condition)))
    assert backend(routing) == ("a" if meets else 404)
    assert routing.candidates[0].matched is meets


def test_of_several_matches_one_is_enough():
    rule = to("a", match("/foo", headers=[("version", "v2")]), match("/v2/foo"))
    assert backend(ask("/v2/foo", attached(rule))) == "a"
    assert backend(ask("/foo", attached(rule))) == 404
    assert backend(ask(HttpRequest("example.com", "/foo", headers={"version": "v2"}), attached(rule))) == "a"


def test_without_matches_every_request_is_met():
    assert backend(ask("/any/thing", attached(to("a")))) == "a"
    assert backend(ask("/any/thing", attached())) == 500, "but the default rule has no backend"


STEPS = [
    ("another has an Exact path", match("/foo/bar", "Exact"), match("/foo/bar", "PathPrefix", "GET", [("version", "v2")])),
    ("another has a longer path", match("/foo/bar"), match("/foo", "PathPrefix", "GET", [("version", "v2")])),
    ("another names the method", match("/foo", method="GET"), match("/foo", headers=[("version", "v2"), ("env", "canary")])),
    ("another names more headers", match("/foo", headers=[("version", "v2"), ("env", "canary")]),
     match("/foo", headers=[("version", "v2")], query=[("x", "1"), ("animal", "whale")])),
    ("another names more query parameters", match("/foo", query=[("x", "1"), ("animal", "whale")]),
     match("/foo", query=[("x", "1")])),
]


@pytest.mark.parametrize(("why", "winner", "loser"), STEPS)
def test_each_step_of_the_precedence(why, winner, loser):
    for rules in ([to("a", winner), to("b", loser)], [to("b", loser), to("a", winner)]):
        two_routes = [attached(rules[0], name="one", created=1), attached(rules[1], name="two", created=2)]
        for routes in ([attached(*rules)], two_routes):
            routing = ask(GET, *routes)
            assert backend(routing) == "a"
            assert [each.why for each in routing.losers] == [why]


def test_ties():
    one, two = to("a"), to("b")
    assert backend(ask("/", attached(one, two))) == "a"
    older, younger = attached(two, name="zz", created=1), attached(one, name="aa", created=2)
    routing = ask("/", younger, older)
    assert (backend(routing), routing.losers[0].why) == ("b", "another stands in an older route")
    first, second = attached(one, name="aa"), attached(two, name="bb")
    routing = ask("/", second, first)
    assert (backend(routing), routing.losers[0].why) == ("a", "another stands in a route whose name comes first")
    routing = ask("/", attached(one, two))
    assert routing.losers[0].why == "another comes first in the route"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("foo.example.com", "a"), ("bar.example.com", "b"), ("x.foo.example.com", "c"), ("x.bar.example.com", "b"),
     ("other.org", "d"), ("example.com", "d")])
def test_the_most_precise_host_wins(host, expected):
    routes = [attached(to(service, match("/" if service == "a" else "/long")), name=service, hostnames=hostnames)
              for service, hostnames in (("d", ()), ("b", ["*.example.com"]), ("c", ["*.foo.example.com"]),
                                         ("a", ["foo.example.com"]))]
    for order in (routes, routes[::-1]):
        assert backend(ask(HttpRequest(host, "/long"), *order)) == expected


def test_with_equal_hosts_in_common_the_routes_own_hosts_decide():
    gateway = Gateway("edge", "ours", [Listener("web", 80, hostname="www.example.com")])
    wide, narrow = (attached(to(service), name=service, hostnames=[host])
                    for service, host in (("a", "*.com"), ("b", "*.example.com")))
    routing = ask(HttpRequest("www.example.com"), wide, narrow, gateway=gateway)
    assert (backend(routing), routing.losers[0].why) == ("b", "another has a more precise host in its route")


def test_a_request_belongs_to_the_listener_with_the_most_precise_host():
    gateway = Gateway("edge", "ours", [Listener("any", 80), Listener("wild", 80, hostname="*.example.com"),
                                       Listener("deep", 80, hostname="*.foo.example.com"),
                                       Listener("exact", 80, hostname="foo.example.com"), Listener("alt", 8080)])
    routes = [attached(to(service), name=service, parent_refs=[ParentReference("edge", section_name=listener)])
              for service, listener in (("a", "any"), ("b", "wild"), ("c", "exact"), ("d", "alt"))]
    for host, listener, expected in (("foo.example.com", "exact", "c"), ("bar.example.com", "wild", "b"),
                                     ("x.foo.example.com", "deep", 404), ("example.com", "any", "a"),
                                     ("x.com:8080", "alt", "d")):
        routing = ask(HttpRequest(host), *routes, gateway=gateway)
        assert (routing.listener, backend(routing)) == (listener, expected)
        assert [each.why for each in routing.losers] == [f"not attached to listener {listener}"] * (3 if expected != 404 else 4)


def test_a_request_that_no_listener_takes():
    gateway = Gateway("edge", "ours", [Listener("web", 80, hostname="a.com"), Listener("tls", 443, "HTTPS", "a.com"),
                                       Listener("sec", 8443, "HTTPS", "a.com", certificate_refs=["cert", "more"])])
    any_route = attached(to("a"))
    assert backend(ask("http://b.com/", any_route, gateway=gateway)) == 404
    for url, why in (("http://a.com:81/", "no listener on port 81"), ("https://a.com/", "has no certificate"),
                     ("http://a.com:8443/", "speaks HTTPS, not http"), ("https://b.com:8443/", "is for the host b.com")):
        routing = ask(url, any_route, gateway=gateway)
        assert (routing.backend, routing.status) == (None, 0), url
        assert why in routing.why
    routing = ask("https://a.com:8443/", any_route, gateway=gateway)
    assert (backend(routing), routing.certificate) == ("a", "default/cert")
    assert backend(ask("http://a.com:30080/", any_route, gateway=gateway, port=80)) == "a"


def test_the_gateway_needs_a_class_and_its_controller():
    for name, why in (("other", "belongs to example.com/other"), ("missing", "there is no GatewayClass missing")):
        routing = ask("/", attached(to("a")), gateway=replace(EDGE, gateway_class_name=name))
        assert (routing.backend, routing.status) == (None, 0)
        assert why in routing.why


def test_routes_that_are_not_attached_lose():
    away = attached(to("a"), namespace="shop", parent_refs=[ParentReference("edge", "default")])
    routing = ask("/", away)
    assert (backend(routing), routing.candidates[0].why) == (404, "not attached: it takes routes of namespace default only")
    open_edge = Gateway("edge", "ours", [Listener("web", 80, allowed_routes=AllowedRoutes("All"))])
    assert ask("/", away, gateway=open_edge).why.endswith("there is no Service shop/a (BackendNotFound)")
    chosen = AllowedRoutes("Selector", LabelSelector({"team": "a"}))
    selecting = Gateway("edge", "ours", [Listener("web", 80, allowed_routes=chosen)])
    for labels, status in (({"team": "a"}, 500), ({"team": "b"}, 404)):
        assert ask("/", away, gateway=selecting, namespaces={"shop": Namespace("shop", labels)}).status == status
    assert ask("/", away, gateway=selecting).status == 404
    assert ask("/", attached(to("a"), parent_refs=[ParentReference("another")])).candidates == ()
    assert backend(ask("/")) == 404


def test_a_backend_of_another_namespace_needs_a_grant():
    rule = HTTPRouteRule(backend_refs=[HTTPBackendRef("a", 80, "backends")])
    routing = ask("/", attached(rule))
    assert (routing.status, "RefNotPermitted" in routing.why) == (500, True)
    grant = ReferenceGrant("g", "backends", [ReferenceGrantFrom("default")], [ReferenceGrantTo("a")])
    assert ask("/", attached(rule), grants=[grant]).backend == ServiceRef("backends", "a", 80)


@pytest.mark.parametrize(
    ("refs", "why"),
    [([], "it has no backend"), ([HTTPBackendRef("a", 80, weight=0)], "all its backends have weight 0"),
     ([HTTPBackendRef("missing", 80)], "BackendNotFound"), ([HTTPBackendRef("a", 81)], "no TCP port 81")])
def test_a_rule_without_a_usable_backend_answers_500(refs, why):
    routing = ask("/", attached(HTTPRouteRule(backend_refs=refs)))
    assert (routing.backend, routing.status) == (None, 500)
    assert why in routing.why
    assert routing.rule is not None


def test_an_unusable_backend_keeps_its_share():
    rule = HTTPRouteRule(backend_refs=[HTTPBackendRef("a", 80), HTTPBackendRef("missing", 80)])
    answers = [backend(ask("/", attached(rule), draw=number / 10)) for number in range(10)]
    assert answers == ["a"] * 5 + [500] * 5
    assert "and a:80 has 1 of 2 shares" in ask("/", attached(rule)).why
    assert "shares" not in ask("/", attached(to("a"))).why


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_weights_are_shares_of_the_draws(weights):
    refs = [HTTPBackendRef(f"s{number}", 80, weight=weight) for number, weight in enumerate(weights)]
    total = sum(weights)
    if not total:
        assert choose_backend(refs, 0.5) is None
        return
    chosen = [choose_backend(refs, (number + 0.5) / total).name for number in range(total)]
    assert chosen == [f"s{number}" for number, weight in enumerate(weights) for _ in range(weight)]
    last = max(number for number, weight in enumerate(weights) if weight)
    assert choose_backend(refs, 1 - 2**-53).name == f"s{last}"


@pytest.mark.parametrize("draw", [1, 1.0, -0.1, True, "0.5", None, float("nan")])
def test_draws_that_are_refused(draw):
    for call in (lambda: choose_backend([], draw), lambda: ask("/", draw=draw),
                 lambda: mesh_route(HttpRequest("a"), SERVICES["default/a"], [], SERVICES, draw=draw)):
        with pytest.raises(InvalidArgument):
            call()


def test_a_rule_with_a_regular_expression_is_dropped_and_the_others_stay():
    routing = ask("/foo", attached(to("a", match("/foo.*", "RegularExpression")), to("b")))
    assert backend(routing) == "b"
    assert routing.losers[0].why == "the controller knows no RegularExpression"


def test_a_mesh_looks_at_the_routes_of_the_service():
    service = SERVICES["default/a"]
    canary = HTTPRoute("canary", parent_refs=[ParentReference("a", kind="Service")], hostnames=["ignored.com"],
                       rules=[to("b", match("/v2")), to("a", match("/v1"))])
    answers = [mesh_route(HttpRequest("a", path), service, [canary], SERVICES) for path in ("/v2/x", "/v1", "/v3")]
    assert [backend(each) for each in answers] == ["b", "a", 404]
    for other in (replace(canary, namespace="backends"), replace(canary, parent_refs=(ParentReference("a"),)),
                  replace(canary, parent_refs=(ParentReference("b", kind="Service"),)),
                  replace(canary, parent_refs=(ParentReference("a", kind="Service", port=81),))):
        assert mesh_route(HttpRequest("a", "/v2"), service, [other], SERVICES).backend == ServiceRef("default", "a", 80)


MATCHES = st.builds(
    match, st.sampled_from(["/", "/foo", "/foo/", "/foo/bar", "/bar"]), st.sampled_from(["Exact", "PathPrefix"]),
    st.sampled_from(["", "GET", "POST"]), st.sampled_from([(), [("version", "v2")], [("version", "v2"), ("env", "canary")]]),
    st.sampled_from([(), [("x", "1")], [("x", "2")], [("x", "1"), ("animal", "whale")]]))
ROUTES = st.lists(st.tuples(st.sampled_from([(), ("*.com",), ("*.example.com",), ("foo.example.com", "*.com")]),
                            st.lists(MATCHES, min_size=1, max_size=3), st.integers(0, 1)), max_size=4)


def slowly(met):
    """The best of (host, match, created, name, place): one criterion after the other throws out all but the best by it."""
    for criterion in (
            lambda host, match, created: bool(host) and "*" not in host,
            lambda host, match, created: len(host),
            lambda host, match, created: match.path.type == "Exact",
            lambda host, match, created: len(match.path.value.rstrip("/")),
            lambda host, match, created: bool(match.method),
            lambda host, match, created: len(match.headers),
            lambda host, match, created: len(match.query_params),
            lambda host, match, created: -created):
        most = max(criterion(*each[:3]) for each in met)
        met = [each for each in met if criterion(*each[:3]) == most]
    return min(met, key=lambda each: each[3:])


@given(ROUTES, st.sampled_from(["foo.example.com", "bar.example.com", "x.com"]))
def test_the_winner_is_that_of_a_slow_reference(described, host):
    routes = [attached(*[to("abcdefgh"[place], each) for place, each in enumerate(matches)], name=f"r{number}", created=created,
                       hostnames=hostnames) for number, (hostnames, matches, created) in enumerate(described)]
    request = replace(GET, host=host)
    met = []
    for http_route in routes:
        for place, rule in enumerate(http_route.rules):
            alone = ask(request, attached(rule, hostnames=http_route.hostnames))
            if alone.backend:
                names = [name for name in http_route.hostnames or ("",)
                         if name in ("", host) or (name.startswith("*") and host.endswith(name[1:]))]
                name = host if host in names else max(names, key=len)
                met.append((name, rule.matches[0], http_route.created, http_route.name, place))
    routing = ask(request, *routes)
    assert sum(each.matched for each in routing.candidates) == len(met)
    if not met:
        assert backend(routing) == 404
        return
    best = slowly(met)
    assert (routing.rule.owner, backend(routing)) == (f"httproute {best[3]}", "abcdefgh"[best[4]])
