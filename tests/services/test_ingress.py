"""The decision of an Ingress controller: the tables of FACTS section 10.1, and a slow reference."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.objects.ingress import (
    CLASS_ANNOTATION,
    DEFAULT_CLASS_ANNOTATION,
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressRule,
    IngressTLS,
)
from k8snet_course.services.http import HttpRequest
from k8snet_course.services.http_routing import ServiceRef
from k8snet_course.services.ingress import admit, route, why_not_served

CONTROLLER = "traefik.io/ingress-controller"
CLASSES = [IngressClass("traefik", CONTROLLER), IngressClass("other", "haproxy.org/controller")]
DEFAULT = IngressBackend("default", 80)


def ingress(*paths, host="", name="shop", **fields):
    """An Ingress of our class with one rule; each path as ``(type, path, service)``."""
    rules = [IngressRule(host, [HTTPIngressPath(path, kind, IngressBackend(service, 80)) for kind, path, service in paths])]
    return Ingress(name, **{"ingress_class_name": "traefik", "rules": rules, **fields})


def ask(request, *ingresses, classes=CLASSES):
    if isinstance(request, str):
        request = HttpRequest("example.com", request)
    return route(request, ingresses, classes, CONTROLLER)


def backend(routing):
    return routing.backend.name if routing.backend else routing.status


@pytest.mark.parametrize(
    ("paths", "request_path", "expected"),
    [
        ([("Prefix", "/", "web")], "/", "web"),
        ([("Prefix", "/", "web")], "/any/path", "web"),
        ([("Exact", "/foo", "web")], "/foo", "web"),
        ([("Exact", "/foo", "web")], "/bar", 404),
        ([("Exact", "/foo", "web")], "/foo/", 404),
        ([("Exact", "/foo/", "web")], "/foo", 404),
        ([("Exact", "/foo", "web")], "/Foo", 404),
        ([("Prefix", "/foo", "web")], "/foo", "web"),
        ([("Prefix", "/foo", "web")], "/foo/", "web"),
        ([("Prefix", "/foo/", "web")], "/foo", "web"),
        ([("Prefix", "/foo/", "web")], "/foo/", "web"),
        ([("Prefix", "/aaa/bb", "web")], "/aaa/bbb", 404),
        ([("Prefix", "/aaa/bbb", "web")], "/aaa/bbb", "web"),
        ([("Prefix", "/aaa/bbb/", "web")], "/aaa/bbb", "web"),
        ([("Prefix", "/aaa/bbb", "web")], "/aaa/bbb/", "web"),
        ([("Prefix", "/aaa/bbb", "web")], "/aaa/bbb/ccc", "web"),
        ([("Prefix", "/aaa/bbb", "web")], "/aaa/bbbxyz", 404),
        ([("Prefix", "/", "root"), ("Prefix", "/aaa", "aaa")], "/aaa/ccc", "aaa"),
        ([("Prefix", "/", "root"), ("Prefix", "/aaa", "aaa"), ("Prefix", "/aaa/bbb", "bbb")], "/aaa/bbb", "bbb"),
        ([("Prefix", "/", "root"), ("Prefix", "/aaa", "aaa"), ("Prefix", "/aaa/bbb", "bbb")], "/ccc", "root"),
        ([("Prefix", "/aaa", "aaa")], "/ccc", 404),
        ([("Prefix", "/foo", "prefix"), ("Exact", "/foo", "exact")], "/foo", "exact"),
        ([("Exact", "/foo", "exact"), ("Prefix", "/foo", "prefix")], "/foo", "exact"),
        ([("Prefix", "/foo/", "prefix"), ("Exact", "/foo", "exact")], "/foo", "exact"),
        ([("Exact", "/foo", "exact"), ("Prefix", "/foo", "prefix")], "/foo/bar", "prefix"),
        ([("ImplementationSpecific", "/foo", "web")], "/foo/bar", "web"),
        ([("ImplementationSpecific", "", "web")], "/foo/bar", "web"),
    ],
)
def test_paths(paths, request_path, expected):
    for order in (paths, paths[::-1]):
        assert backend(ask(request_path, ingress(*order))) == expected
        with_default = ingress(*order, default_backend=DEFAULT)
        routing = ask(request_path, with_default)
        assert backend(routing) == ("default" if expected == 404 else expected)
        assert routing.default is (expected == 404)


@pytest.mark.parametrize(
    ("host", "asked", "matches"),
    [
        ("*.foo.com", "bar.foo.com", True), ("*.foo.com", "baz.bar.foo.com", False), ("*.foo.com", "foo.com", False),
        ("foo.com", "foo.com", True), ("foo.com", "FOO.com:8080", True), ("foo.com", "bar.com", False), ("", "any.com", True),
        ("", "10.0.0.1", True), ("foo.com", "10.0.0.1", False),
    ],
)
def test_hosts(host, asked, matches):
    routing = ask(HttpRequest(asked), ingress(("Prefix", "/", "web"), host=host))
    assert backend(routing) == ("web" if matches else 404)
    if not matches:
        assert [each.why for each in routing.losers] == ["the host differs"]


def test_the_more_precise_host_comes_before_the_longer_path():
    every = ingress(("Exact", "/aaa/bbb", "every"), name="every")
    wildcard = ingress(("Prefix", "/aaa", "wildcard"), host="*.foo.com", name="wildcard")
    exact = ingress(("Prefix", "/", "exact"), host="bar.foo.com", name="exact")
    request = HttpRequest("bar.foo.com", "/aaa/bbb")
    routing = ask(request, every, wildcard, exact)
    assert backend(routing) == "exact"
    assert [each.why for each in routing.losers] == ["a rule with a more precise host matches"] * 2
    assert backend(ask(request, every, wildcard)) == "wildcard"
    assert backend(ask(request, every)) == "every"


def test_the_method_and_the_headers_do_not_count():
    shop = ingress(("Prefix", "/", "web"))
    for method in ("GET", "POST", "DELETE"):
        assert backend(ask(HttpRequest("example.com", method=method, headers={"version": method}), shop)) == "web"


def test_of_equal_rules_the_first_wins_and_the_reason_says_so():
    one, two = ingress(("Prefix", "/", "one"), name="one"), ingress(("Prefix", "/", "two"), name="two")
    routing = ask("/", one, two)
    assert backend(routing) == "one"
    assert [str(each) for each in routing.candidates] == [
        "* ingress one: * Prefix / -> one:80 (it matches)",
        "- ingress two: * Prefix / -> two:80 (a rule like it comes before it)"]
    assert backend(ask("/", two, one)) == "two"


def test_the_losers_and_why():
    shop = ingress(("Prefix", "/", "root"), ("Prefix", "/foo", "prefix"), ("Exact", "/foo", "exact"), ("Exact", "/bar", "bar"),
                   host="example.com")
    routing = ask("/foo", shop)
    assert routing.rule.rule == "example.com Exact /foo -> exact:80"
    assert [each.why for each in routing.losers] == [
        "a rule with a longer path matches", "an Exact rule for the same path matches", "the path differs"]
    assert [each.matched for each in routing.candidates] == [True, True, True, False]


def test_the_backend_is_in_the_ingress_own_namespace_and_its_port_may_be_a_name():
    rule = IngressRule("", [HTTPIngressPath("/", "Prefix", IngressBackend("web", "http"))])
    routing = ask("/", Ingress("shop", "team-a", "traefik", [rule]))
    assert routing.backend == ServiceRef("team-a", "web", "http")


def test_without_a_controller_an_ingress_does_nothing():
    shop = ingress(("Prefix", "/", "web"))
    routing = ask("/", shop, classes=[])
    assert (backend(routing), routing.losers[0].why) == (404, "there is no IngressClass traefik")
    assert ask("/").why == f"no Ingress is served by {CONTROLLER}"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ingress_class_name": "traefik"}, ""),
        ({"ingress_class_name": "other"}, "its class other belongs to haproxy.org/controller"),
        ({"ingress_class_name": "nginx"}, "there is no IngressClass nginx"),
        ({"ingress_class_name": ""}, "it names no IngressClass"),
        ({"ingress_class_name": "", "annotations": {CLASS_ANNOTATION: "traefik"}}, ""),
    ],
)
def test_classes(fields, why):
    shop = ingress(("Prefix", "/", "web"), **fields)
    assert why_not_served(shop, CLASSES, CONTROLLER) == why
    assert backend(ask("/", shop)) == (404 if why else "web")


def test_the_default_class():
    marked = IngressClass("marked", CONTROLLER, {DEFAULT_CLASS_ANNOTATION: "true"})
    bare = ingress(("Prefix", "/", "web"), ingress_class_name="")
    assert admit(bare, CLASSES) == bare
    assert admit(bare, [*CLASSES, marked]) == replace(bare, ingress_class_name="marked")
    named = replace(bare, ingress_class_name="other")
    assert admit(named, [*CLASSES, marked]) == named
    annotated = replace(bare, annotations={CLASS_ANNOTATION: "other"})
    assert admit(annotated, [*CLASSES, marked]) == annotated
    two = [marked, replace(marked, name="second")]
    assert admit(bare, two).ingress_class_name == "second", "of several, the newest"
    assert admit(named, two) == named


def test_default_backends():
    alone = Ingress("alone", ingress_class_name="traefik", default_backend=DEFAULT)
    assert backend(ask("/", alone)) == "default"
    own = ingress(("Prefix", "/foo", "web"), host="example.com", name="own", default_backend=IngressBackend("own", 80))
    routing = ask("/bar", alone, own)
    assert (backend(routing), routing.rule.rule) == ("own", "default backend -> own:80")
    assert backend(ask(HttpRequest("other.com"), alone, own)) == "default"
    assert backend(ask("/foo", alone, own)) == "web"


def test_a_rule_without_paths_leaves_its_host_to_the_default_backend():
    shop = Ingress("shop", ingress_class_name="traefik", rules=[IngressRule("foo.com")], default_backend=DEFAULT)
    routing = ask(HttpRequest("foo.com"), shop)
    assert backend(routing) == "default"
    assert routing.losers[0].why == "it has no paths, so its host goes to the default backend"


def test_a_resource_is_unknown_to_the_controller():
    shop = Ingress("shop", ingress_class_name="traefik", default_backend=IngressBackend(resource="StorageBucket/icons"))
    routing = ask("/", shop)
    assert (routing.backend, routing.status) == (None, 503)
    assert "StorageBucket/icons" in routing.why


@pytest.mark.parametrize(
    ("rule_host", "tls", "asked", "certificate"),
    [
        ("foo.com", [IngressTLS(["foo.com"], "foo-tls")], "https://foo.com/", "default/foo-tls"),
        ("foo.com", [IngressTLS(["foo.com"], "foo-tls")], "http://foo.com/", ""),
        ("foo.com", [IngressTLS(["bar.com"], "bar-tls")], "https://foo.com/", ""),
        ("foo.com", [IngressTLS(["foo.com", "bar.com"], "tls")], "https://bar.com/", ""),
        ("*.foo.com", [IngressTLS(["*.foo.com"], "wild")], "https://bar.foo.com/", "default/wild"),
        ("*.foo.com", [IngressTLS(["*.foo.com"], "wild")], "https://baz.bar.foo.com/", ""),
        ("bar.foo.com", [IngressTLS(["*.foo.com"], "wild"), IngressTLS(["bar.foo.com"], "bar")], "https://bar.foo.com/",
         "default/bar"),
        ("foo.com", [IngressTLS((), "any")], "https://foo.com/", "default/any"),
        ("foo.com", [IngressTLS(["foo.com"])], "https://foo.com/", ""),
        ("", [IngressTLS(["foo.com"], "foo-tls")], "https://foo.com/", ""),
    ],
)
def test_which_certificate_an_https_client_sees(rule_host, tls, asked, certificate):
    shop = ingress(("Prefix", "/", "web"), host=rule_host, tls=tls)
    assert ask(HttpRequest.from_url(asked), shop).certificate == certificate


RULES = st.lists(st.tuples(st.sampled_from(["", "*.com", "*.foo.com", "bar.foo.com", "foo.com"]),
                           st.sampled_from(["Exact", "Prefix"]),
                           st.sampled_from(["/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/b"])), max_size=8)


def slowly(rules, host, path):
    """The number of the rule that wins: all elements compared one by one, all criteria sorted out in turn."""
    left = []
    for number, (pattern, kind, rule_path) in enumerate(rules):
        wanted, labels = pattern.split("."), host.split(".")
        wildcard = wanted[0] == "*"
        same_host = not pattern or (len(wanted) == len(labels) and wanted[wildcard:] == labels[wildcard:])
        elements, asked = [[each for each in text.split("/") if each] for text in (rule_path, path)]
        same_path = path == rule_path if kind == "Exact" else elements == asked[: len(elements)]
        if same_host and same_path:
            left.append((number, pattern, kind, rule_path))
    for precise in ([each for each in left if each[1] and "*" not in each[1]], [each for each in left if each[1]]):
        if precise:
            left = precise
            break
    longest = max((len(p.rstrip("/") or "/") if kind == "Prefix" else len(p) for _, _, kind, p in left), default=0)
    left = [each for each in left if (len(each[3].rstrip("/") or "/") if each[2] == "Prefix" else len(each[3])) == longest]
    left = [each for each in left if each[2] == "Exact"] or left
    return left[0][0] if left else None


@given(RULES, st.sampled_from(["foo.com", "bar.foo.com", "x.com", "baz.bar.foo.com"]),
       st.sampled_from(["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/ab", "/c"]))
def test_the_winner_is_that_of_a_slow_reference(rules, host, path):
    ingresses = [ingress((kind, rule_path, f"s{number}"), host=pattern, name=f"i{number}")
                 for number, (pattern, kind, rule_path) in enumerate(rules)]
    routing = ask(HttpRequest(host, path), *ingresses)
    expected = slowly(rules, host, path)
    assert backend(routing) == (404 if expected is None else f"s{expected}")
    assert len(routing.candidates) == len(rules)
    assert sum(each.won for each in routing.candidates) == (expected is not None)
