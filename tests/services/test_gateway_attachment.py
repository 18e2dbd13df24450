"""Which routes attach to which listeners, and references across namespaces: FACTS section 10.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.objects.gateway import (
    AllowedRoutes,
    Gateway,
    Listener,
    ReferenceGrant,
    ReferenceGrantFrom,
    ReferenceGrantTo,
)
from k8snet_course.objects.http_route import (
    HTTPBackendRef,
    HTTPHeaderMatch,
    HTTPPathMatch,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    ParentReference,
)
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.gateway_attachment import accepted, attachments, intersection, resolve, why_not_programmed
from k8snet_course.services.http import any_labels_match

NAMESPACES = {"infra": Namespace("infra"), "shop": Namespace("shop", {"team": "a"}), "blog": Namespace("blog", {"team": "b"})}


@pytest.mark.parametrize(
    ("listener", "route", "common"),
    [
        ("www.example.com", "www.example.com", "www.example.com"),
        ("*.example.com", "www.example.com", "www.example.com"),
        ("*.example.com", "sub.domain.example.com", "sub.domain.example.com"),
        ("www.example.com", "*.example.com", "www.example.com"),
        ("*.example.com", "*.example.com", "*.example.com"),
        ("*.com", "*.example.com", "*.example.com"),
        ("*.example.com", "*.com", "*.example.com"),
        ("", "www.example.com", "www.example.com"),
        ("*.example.com", "", "*.example.com"),
        ("", "", ""),
        ("*.example.com", "example.com", None),
        ("*.example.com", "test.example.net", None),
        ("a.example.com", "b.example.com", None),
        ("*.a.com", "*.b.com", None),
    ],
)
def test_hosts_in_common(listener, route, common):
    assert intersection(listener, route) == common


NAMES = st.sampled_from(["", "a.com", "b.com", "x.a.com", "y.x.a.com", "*.com", "*.a.com", "*.x.a.com", "*.b.com"])
HOSTS = ["com", "a.com", "b.com", "x.a.com", "y.x.a.com", "z.y.x.a.com", "q.b.com"]


@given(NAMES, NAMES)
def test_a_host_meets_the_intersection_when_it_meets_both(one, two):
    common = intersection(one, two)
    for host in HOSTS:
        both = any_labels_match(one, host) and any_labels_match(two, host)
        assert both == (common is not None and any_labels_match(common, host)), host
    assert intersection(two, one) == common


def said(route_namespace, from_, selector=None, **fields):
    """What the one listener of infra/edge says to a route of a namespace."""
    gateway = Gateway("edge", "envoy", [Listener("web", 80, allowed_routes=AllowedRoutes(from_, selector))], "infra")
    http_route = HTTPRoute("r", route_namespace, [ParentReference("edge", "infra", **fields)])
    return attachments(http_route, gateway, NAMESPACES)


TEAM_A = LabelSelector({"team": "a"})


@pytest.mark.parametrize(
    ("namespace", "from_", "selector", "taken"),
    [
        ("infra", "Same", None, True), ("shop", "Same", None, False), ("shop", "All", None, True),
        ("infra", "None", None, False), ("shop", "None", None, False), ("shop", "Selector", TEAM_A, True),
        ("blog", "Selector", TEAM_A, False),
        ("infra", "Selector", TEAM_A, False),
        ("blog", "Selector", LabelSelector({"kubernetes.io/metadata.name": "blog"}), True),
        ("blog", "Same", TEAM_A, False),
    ],
)
def test_from_which_namespaces_routes_are_taken(namespace, from_, selector, taken):
    (attachment,) = said(namespace, from_, selector)
    assert attachment.reason == ("Accepted" if taken else "NotAllowedByListeners")
    assert attachment.accepted is taken


def test_a_route_without_a_namespace_in_its_parent_means_its_own():
    gateway = Gateway("edge", "envoy", [Listener("web", 80, allowed_routes=AllowedRoutes("All"))], "infra")
    assert attachments(HTTPRoute("r", "shop", [ParentReference("edge")]), gateway, NAMESPACES) == ()
    assert attachments(HTTPRoute("r", "infra", [ParentReference("edge")]), gateway, NAMESPACES)[0].accepted
    assert attachments(HTTPRoute("r", "infra", [ParentReference("edge", kind="Service")]), gateway, NAMESPACES) == ()
    assert attachments(HTTPRoute("r", "infra", [ParentReference("other")]), gateway, NAMESPACES) == ()


@pytest.mark.parametrize(
    ("fields", "listeners", "reason"),
    [
        ({}, ["a", "b", "c"], "Accepted"),
        ({"section_name": "b"}, ["b"], "Accepted"),
        ({"port": 80}, ["a", "b"], "Accepted"),
        ({"section_name": "c", "port": 8080}, ["c"], "Accepted"),
        ({"section_name": "c", "port": 80}, [""], "NoMatchingParent"),
        ({"section_name": "d"}, [""], "NoMatchingParent"),
        ({"port": 443}, [""], "NoMatchingParent"),
    ],
)
def test_section_name_and_port(fields, listeners, reason):
    gateway = Gateway("edge", "envoy", [Listener("a", 80, hostname="a.com"), Listener("b", 80), Listener("c", 8080)])
    found = attachments(HTTPRoute("r", parent_refs=[ParentReference("edge", **fields)]), gateway, NAMESPACES)
    assert [each.listener for each in found] == listeners
    assert accepted(found) == reason


@pytest.mark.parametrize(
    ("listener", "hostnames", "reason"),
    [
        (Listener("web", 80, hostname="*.example.com"), ("test.example.com", "test.example.net"), "Accepted"),
        (Listener("web", 80, hostname="*.example.com"), ("example.com", "test.example.net"), "NoMatchingListenerHostname"),
        (Listener("web", 80, hostname="*.example.com"), (), "Accepted"),
        (Listener("web", 443, "HTTPS", certificate_refs=("tls",)), (), "Accepted"),
        (Listener("web", 443, "TLS"), (), "NotAllowedByListeners"),
        (Listener("web", 5432, "TCP"), (), "NotAllowedByListeners"),
        (Listener("web", 53, "UDP"), (), "NotAllowedByListeners"),
    ],
)
def test_hosts_and_protocols(listener, hostnames, reason):
    gateway = Gateway("edge", "envoy", [listener])
    (found,) = attachments(HTTPRoute("r", parent_refs=[ParentReference("edge")], hostnames=hostnames), gateway, NAMESPACES)
    assert found.reason == reason
    if hostnames and found.accepted:
        assert found.hostnames == (("test.example.com", "test.example.com"),), "a host that does not overlap is left out"


def test_regular_expressions_are_not_supported():
    gateway = Gateway("edge", "envoy", [Listener("web", 80)])
    plain = HTTPRouteRule()
    for match in (HTTPRouteMatch(HTTPPathMatch("/a.*", "RegularExpression")),
                  HTTPRouteMatch(headers=[HTTPHeaderMatch("a", ".*", "RegularExpression")])):
        regular = HTTPRouteRule([match])
        for rules, reason in (([regular], "UnsupportedValue"), ([regular, plain], "Accepted"), ([plain], "Accepted")):
            http_route = HTTPRoute("r", parent_refs=[ParentReference("edge")], rules=rules)
            assert attachments(http_route, gateway, NAMESPACES)[0].reason == reason


def test_one_listener_that_takes_a_route_is_enough():
    gateway = Gateway("edge", "envoy", [Listener("a", 80, hostname="a.com"), Listener("b", 80, hostname="b.com")])
    found = attachments(HTTPRoute("r", parent_refs=[ParentReference("edge")], hostnames=["b.com"]), gateway, NAMESPACES)
    assert [each.accepted for each in found] == [False, True]
    assert accepted(found) == "Accepted"
    assert accepted(found[:1]) == "NoMatchingListenerHostname"
    assert accepted([]) == "NoMatchingParent"


@pytest.mark.parametrize(
    ("listeners", "working"),
    [
        ([Listener("a", 80), Listener("b", 81)], "ab"),
        ([Listener("a", 80), Listener("b", 80, hostname="b.com")], "ab"),
        ([Listener("a", 80), Listener("b", 80, "TCP"), Listener("c", 81)], "c"),
        ([Listener("a", 80), Listener("b", 80, "HTTPS", certificate_refs=["t"])], ""),
        ([Listener("a", 443, "TLS"), Listener("b", 443, "HTTPS", certificate_refs=["t"])], "ab"),
        ([Listener("a", 443, "HTTPS", certificate_refs=["t"]), Listener("b", 443, "UDP")], "ab"),
        ([Listener("a", 443, "HTTPS"), Listener("b", 80)], "b"),
    ],
)
def test_listeners_in_each_others_way(listeners, working):
    gateway = Gateway("edge", "envoy", listeners)
    assert "".join(each.name for each in listeners if not why_not_programmed(gateway, each)) == working


def test_a_certificate_of_another_namespace_needs_a_grant():
    listener = Listener("a", 443, "HTTPS", certificate_refs=["certs/tls"])
    gateway = Gateway("edge", "envoy", [listener], "infra")
    assert "no ReferenceGrant of namespace certs" in why_not_programmed(gateway, listener)
    trusted = [ReferenceGrantFrom("infra", "Gateway")]
    grant = ReferenceGrant("g", "certs", trusted, [ReferenceGrantTo("tls", "Secret")])
    assert why_not_programmed(gateway, listener, [grant]) == ""
    other = ReferenceGrant("g", "certs", trusted, [ReferenceGrantTo("other", "Secret")])
    assert why_not_programmed(gateway, listener, [other])


SERVICES = {each.key: each for each in (
    Service("web", "shop", ports=(ServicePort(443, name="tls"), ServicePort(80, name="http"))),
    Service("web", "backends", ports=(ServicePort(80),)),
    Service("dns", "shop", ports=(ServicePort(53, protocol="UDP"),)))}
GRANT = ReferenceGrant("g", "backends", [ReferenceGrantFrom("shop")], [ReferenceGrantTo()])


@pytest.mark.parametrize(
    ("ref", "grants", "reason"),
    [
        (HTTPBackendRef("web", 80), [], "ResolvedRefs"),
        (HTTPBackendRef("web", 80, "shop"), [], "ResolvedRefs"),
        (HTTPBackendRef("web", 80, "backends"), [], "RefNotPermitted"),
        (HTTPBackendRef("web", 80, "backends"), [GRANT], "ResolvedRefs"),
        (HTTPBackendRef("missing", 80, "backends"), [], "RefNotPermitted"),
        (HTTPBackendRef("missing", 80, "backends"), [GRANT], "BackendNotFound"),
        (HTTPBackendRef("missing", 80), [], "BackendNotFound"),
        (HTTPBackendRef("web", 81), [], "BackendNotFound"),
        (HTTPBackendRef("dns", 53), [], "BackendNotFound"),
        (HTTPBackendRef("web", 80, kind="Bucket"), [], "InvalidKind"),
        (HTTPBackendRef("web", 80, group="example.com"), [], "InvalidKind"),
    ],
)
def test_references_to_backends(ref, grants, reason):
    assert resolve(HTTPRoute("r", "shop"), ref, SERVICES, grants)[0] == reason
