"""Ingresses and IngressClasses as the API server takes and refuses them."""

import pytest

from k8snet_course.errors import CourseError, InvalidArgument, InvalidName
from k8snet_course.objects.ingress import (
    CLASS_ANNOTATION,
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressRule,
    IngressTLS,
)

WEB = IngressBackend("web", 80)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Ingress("shop"), InvalidArgument, "rules or a defaultBackend"),
        (lambda: Ingress("Shop", default_backend=WEB), InvalidName, "shop"),
        (lambda: Ingress("shop", "Team_A", default_backend=WEB), InvalidName, "team-a"),
        (lambda: Ingress("shop", default_backend=WEB, ingress_class_name="a_b"), InvalidName, "a-b"),
        (lambda: Ingress("shop", default_backend=WEB, ingress_class_name="a", annotations={CLASS_ANNOTATION: "a"}),
         InvalidArgument, "deprecated"),
        (lambda: IngressBackend(), InvalidArgument, "a service or a resource"),
        (lambda: IngressBackend("web"), InvalidArgument, "number: 80"),
        (lambda: IngressBackend("web", 0), InvalidArgument, "number: 80"),
        (lambda: IngressBackend("web", 65536), InvalidArgument, "65535"),
        (lambda: IngressBackend("web", "80"), InvalidArgument, "without quotes"),
        (lambda: IngressBackend("web", "web_port"), InvalidArgument, "port name"[:4]),
        (lambda: IngressBackend("Web", 80), InvalidName, "web"),
        (lambda: IngressBackend("web", 80, "StorageBucket/icons"), InvalidArgument, "either"),
        (lambda: IngressBackend(resource="icons"), InvalidArgument, "kind/name"),
        (lambda: IngressBackend(resource="a/b/c"), InvalidArgument, "kind/name"),
        (lambda: HTTPIngressPath("/", "", WEB), InvalidArgument, "pathType"),
        (lambda: HTTPIngressPath("/", "prefix", WEB), InvalidArgument, "write Prefix"),
        (lambda: HTTPIngressPath("cart", "Prefix", WEB), InvalidArgument, "'/cart'"),
        (lambda: HTTPIngressPath("", "Exact", WEB), InvalidArgument, "absolute"),
        (lambda: HTTPIngressPath("cart", "ImplementationSpecific", WEB), InvalidArgument, "absolute"),
        (lambda: HTTPIngressPath("/a//b", "Prefix", WEB), InvalidArgument, "'//'"),
        (lambda: HTTPIngressPath("/a/./b", "Exact", WEB), InvalidArgument, "'/./'"),
        (lambda: HTTPIngressPath("/a/../b", "Exact", WEB), InvalidArgument, "'/../'"),
        (lambda: HTTPIngressPath("/a%2fb", "Exact", WEB), InvalidArgument, "%2f"),
        (lambda: HTTPIngressPath("/a%2Fb", "Exact", WEB), InvalidArgument, "%2F"),
        (lambda: HTTPIngressPath("/a/..", "Prefix", WEB), InvalidArgument, "'/..'"),
        (lambda: HTTPIngressPath("/a/.", "Prefix", WEB), InvalidArgument, "'/.'"),
        (lambda: IngressRule("10.0.0.1"), InvalidArgument, "not an IP address"),
        (lambda: IngressRule("Foo.com"), InvalidName, "foo.com"),
        (lambda: IngressRule("foo.com:80"), InvalidName, "host"),
        (lambda: IngressRule("*"), InvalidName, "*.example.com"),
        (lambda: IngressRule("f*.com"), InvalidName, "*.example.com"),
        (lambda: IngressRule("*.*.com"), InvalidName, "*.example.com"),
        (lambda: IngressRule("foo.*.com"), InvalidName, "*.example.com"),
        (lambda: IngressTLS(("*",), "s"), InvalidName, "*.example.com"),
        (lambda: IngressTLS(("foo.com",), "My Secret"), InvalidName, "my-secret"),
        (lambda: IngressClass("traefik", "traefik"), InvalidArgument, "example.com/controller"),
        (lambda: IngressClass("traefik", "traefik.io/" + "x" * 240), InvalidArgument, "250"),
        (lambda: IngressClass("Traefik", "traefik.io/controller"), InvalidName, "traefik"),
    ],
)
def test_what_is_refused(make, error, words):
    with pytest.raises(error) as caught:
        make()
    assert isinstance(caught.value, CourseError)
    assert words in str(caught.value)
    assert "; " in str(caught.value)


@pytest.mark.parametrize("path_type", ["Exact", "Prefix", "ImplementationSpecific"])
def test_paths_that_are_taken(path_type):
    for path in ("/", "/foo", "/foo/", "/a.b/..c"):
        assert HTTPIngressPath(path, path_type, WEB).path == path
    assert HTTPIngressPath("", "ImplementationSpecific", WEB).path == ""


def test_an_address_may_stand_in_tls():
    assert IngressTLS(["10.0.0.1"]).hosts == ("10.0.0.1",)


@pytest.mark.parametrize(
    ("hosts", "column"),
    [([], "*"), ([""], "*"), (["a.com"], "a.com"), (["a.com", "b.com", "c.com"], "a.com,b.com,c.com"),
     (["a.com", "b.com", "c.com", "d.com"], "a.com,b.com,c.com + 1 more...")])
def test_the_hosts_column(hosts, column):
    assert Ingress("x", rules=[IngressRule(host) for host in hosts], default_backend=WEB).hosts_column == column


def test_the_ports_column():
    assert Ingress("x", default_backend=WEB).ports_column == "80"
    assert Ingress("x", default_backend=WEB, tls=[IngressTLS()]).ports_column == "80, 443"


def test_a_class_is_the_default_by_its_annotation_only():
    annotation = "ingressclass.kubernetes.io/is-default-class"
    assert IngressClass("a", "a.io/c", {annotation: "true"}).default
    assert not IngressClass("a", "a.io/c", {annotation: "false"}).default
    assert not IngressClass("a", "a.io/c").default
