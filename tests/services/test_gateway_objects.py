"""Gateways, HTTPRoutes and ReferenceGrants as the API server takes and refuses them."""

import pytest

from k8snet_course.errors import CourseError, InvalidArgument, InvalidName
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

WEB = Listener("web", 80)


def parents(*refs):
    return HTTPRoute("x", parent_refs=[ParentReference("edge", **ref) for ref in refs])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: GatewayClass("envoy", "envoy"), InvalidArgument, "example.com/controller"),
        (lambda: GatewayClass("Envoy", "a.com/b"), InvalidName, "envoy"),
        (lambda: AllowedRoutes("same"), InvalidArgument, "write Same"),
        (lambda: AllowedRoutes("Selector"), InvalidArgument, "selector"),
        (lambda: Listener("web", 0), InvalidArgument, "65535"),
        (lambda: Listener("web", 80, "HTPS"), InvalidArgument, "write HTTPS"),
        (lambda: Listener("web", 80, hostname="10.0.0.1"), InvalidArgument, "IP address"),
        (lambda: Listener("web", 80, hostname="a.*.com"), InvalidName, "*.example.com"),
        (lambda: Listener("web", 80, "UDP", "a.com"), InvalidArgument, "no hostname"),
        (lambda: Listener("web", 80, certificate_refs=["tls"]), InvalidArgument, "protocol: HTTPS"),
        (lambda: Gateway("edge", "envoy", ()), InvalidArgument, "1 to 64"),
        (lambda: Gateway("edge", "envoy", [Listener(f"l{n}", n) for n in range(1, 66)]), InvalidArgument, "1 to 64"),
        (lambda: Gateway("edge", "envoy", [WEB, Listener("web", 81)]), InvalidArgument, "different names"),
        (lambda: Gateway("edge", "envoy", [WEB, Listener("again", 80)]), InvalidArgument, "listener web"),
        (lambda: Gateway("edge", "envoy", [WEB], "Team A"), InvalidName, "team-a"),
        (lambda: ReferenceGrant("g", "a", (), [ReferenceGrantTo()]), InvalidArgument, "'from'"),
        (lambda: ReferenceGrant("g", "a", [ReferenceGrantFrom("b")], ()), InvalidArgument, "'to'"),
        (lambda: HTTPRoute("Web"), InvalidName, "web"),
        (lambda: HTTPRoute("x", hostnames=["10.0.0.1"]), InvalidArgument, "IP address"),
        (lambda: HTTPRoute("x", hostnames=["*"]), InvalidName, "*.example.com"),
        (lambda: HTTPRoute("x", hostnames=[f"h{n}.com" for n in range(17)]), InvalidArgument, "at most 16"),
        (lambda: HTTPRoute("x", rules=[HTTPRouteRule()] * 17), InvalidArgument, "at most 16"),
        (lambda: HTTPRoute("x", rules=[HTTPRouteRule([HTTPRouteMatch()] * 43)] * 3), InvalidArgument, "at most 128"),
        (lambda: HTTPRoute("x", rules=[HTTPRouteRule(name="a")] * 2), InvalidArgument, "different names"),
        (lambda: parents(*[{"section_name": f"s{n}"} for n in range(33)]), InvalidArgument, "at most 32"),
        (lambda: parents({}, {}), InvalidArgument, "sectionName"),
        (lambda: parents({}, {"section_name": "web"}), InvalidArgument, "sectionName"),
        (lambda: parents({"section_name": "web"}, {"section_name": "web"}), InvalidArgument, "sectionName"),
        (lambda: ParentReference("edge", port=70000), InvalidArgument, "65535"),
        (lambda: HTTPRouteRule([HTTPRouteMatch()] * 65), InvalidArgument, "at most 64"),
        (lambda: HTTPRouteRule(backend_refs=[HTTPBackendRef("a", 80)] * 17), InvalidArgument, "at most 16"),
        (lambda: HTTPRouteMatch(method="get"), InvalidArgument, "write GET"),
        (lambda: HTTPRouteMatch(method="FETCH"), InvalidArgument, "GET, HEAD"),
        (lambda: HTTPRouteMatch(headers=[HTTPHeaderMatch("a", "1"), HTTPHeaderMatch("a", "2")]), InvalidArgument, "once"),
        (lambda: HTTPRouteMatch(query_params=[HTTPQueryParamMatch("a", "1")] * 2), InvalidArgument, "once"),
        (lambda: HTTPRouteMatch(headers=[HTTPHeaderMatch(f"h{n}", "1") for n in range(17)]), InvalidArgument, "at most 16"),
        (lambda: HTTPPathMatch("cart"), InvalidArgument, "'/cart'"),
        (lambda: HTTPPathMatch("/a//b"), InvalidArgument, "'//'"),
        (lambda: HTTPPathMatch("/a b"), InvalidArgument, "%20"),
        (lambda: HTTPPathMatch("/a?b=c"), InvalidArgument, "queryParams"),
        (lambda: HTTPPathMatch("/a#b"), InvalidArgument, "'#'"),
        (lambda: HTTPPathMatch("/a%zz"), InvalidArgument, "URL"),
        (lambda: HTTPPathMatch("/", "Prefix"), InvalidArgument, "PathPrefix"),
        (lambda: HTTPPathMatch("/" + "a" * 1024), InvalidArgument, "1024"),
        (lambda: HTTPHeaderMatch(":method", "GET"), InvalidArgument, "header name"),
        (lambda: HTTPHeaderMatch("a", ""), InvalidArgument, "1 to 4096"),
        (lambda: HTTPHeaderMatch("a", "b", "Prefix"), InvalidArgument, "write Exact"),
        (lambda: HTTPQueryParamMatch("a", "b" * 1025), InvalidArgument, "1 to 1024"),
        (lambda: HTTPBackendRef("web", 0), InvalidArgument, "65535"),
        (lambda: HTTPBackendRef("web", 80, weight=-1), InvalidArgument, "from 0 to 1000000"),
        (lambda: HTTPBackendRef("web", 80, weight=1_000_001), InvalidArgument, "from 0 to 1000000"),
        (lambda: HTTPBackendRef("web", 80, weight=True), InvalidArgument, "weight: 1"),
    ],
)
def test_what_is_refused(make, error, words):
    with pytest.raises(error) as caught:
        make()
    assert isinstance(caught.value, CourseError)
    assert words in str(caught.value)


def test_defaults():
    assert Listener("web", 80).allowed_routes == AllowedRoutes("Same")
    assert HTTPRoute("x").rules == (HTTPRouteRule((HTTPRouteMatch(HTTPPathMatch("/", "PathPrefix")),)),)
    assert HTTPBackendRef("web", 80).weight == 1
    assert Listener("web", 443, "https").protocol == "HTTPS"


def test_limits_that_are_just_kept():
    assert len(Gateway("edge", "envoy", [Listener(f"l{n}", n) for n in range(1, 65)]).listeners) == 64
    assert len(HTTPRoute("x", rules=[HTTPRouteRule([HTTPRouteMatch()] * 64)] * 2).rules) == 2
    assert len(parents(*[{"section_name": f"s{n}"} for n in range(32)]).parent_refs) == 32
    assert HTTPPathMatch("/" + "a" * 1023).value
    assert HTTPBackendRef("web", 80, weight=1_000_000).weight == 1_000_000
    assert HTTPHeaderMatch("a", "b" * 4096).value


def test_two_parents_may_be_two_gateways_or_two_listeners():
    assert len(parents({"namespace": "a"}, {"namespace": "b"}).parent_refs) == 2
    assert len(parents({"section_name": "a"}, {"section_name": "b"}).parent_refs) == 2


@pytest.mark.parametrize(
    ("listener", "same_place"),
    [(Listener("b", 81), False), (Listener("b", 80, "HTTPS"), False), (Listener("b", 80, hostname="a.com"), False),
     (Listener("b", 80), True)])
def test_listeners_differ_in_port_protocol_or_hostname(listener, same_place):
    if same_place:
        with pytest.raises(InvalidArgument):
            Gateway("edge", "envoy", [WEB, listener])
    else:
        assert len(Gateway("edge", "envoy", [WEB, listener]).listeners) == 2


def test_a_grant_permits_what_it_names_and_nothing_else():
    grant = ReferenceGrant("g", "backends", [ReferenceGrantFrom("shop"), ReferenceGrantFrom("blog")], [ReferenceGrantTo("web")])
    asked = ("HTTPRoute", "shop", "Service", "backends", "web")
    assert grant.permits(*asked)
    assert grant.permits(asked[0], "blog", *asked[2:])
    for place, other in enumerate(("GRPCRoute", "news", "Secret", "shop", "db")):
        assert not grant.permits(*asked[:place], other, *asked[place + 1:]), other
    everything = ReferenceGrant("g", "backends", [ReferenceGrantFrom("shop")], [ReferenceGrantTo()])
    assert everything.permits("HTTPRoute", "shop", "Service", "backends", "db")
    two = ReferenceGrant("g", "backends", [ReferenceGrantFrom("shop")], [ReferenceGrantTo("web"), ReferenceGrantTo("db")])
    assert [two.permits("HTTPRoute", "shop", "Service", "backends", name) for name in ("web", "db", "x")] == [True, True, False]
